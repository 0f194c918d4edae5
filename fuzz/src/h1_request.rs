//! Bytes from a client: the pieces they come in change nothing, and each request can be written anew.

use rws_core::testing::wire::{self, Ending, Message};

use crate::pieces;
use crate::rewrite::{self, LIMITS};

/// The last four bytes say how the others are cut.
pub fn check(data: &[u8]) {
    let (bytes, [a, b, c, _]) = pieces::split(data);
    let read = |pieces: &[&[u8]]| wire::requests(&LIMITS, pieces);
    let whole = read(&[bytes]);
    for pieces in [pieces::cut(bytes, [a, b, c]), pieces::bytes(bytes)] {
        assert!(wire::reads_alike(read, &pieces, &whole), "{:?}, not {whole:?}", read(&pieces));
    }
    for message in &whole.messages {
        assert_sound(message);
        if message.complete {
            rewritten(message);
        }
    }
    if let Ending::Refused(fault) = whole.ending {
        assert!(fault.status().code() >= 400);
    }
}

/// What the engine promises of every request that it hands out.
fn assert_sound(message: &Message) {
    let clean = |bytes: &[u8]| bytes.iter().all(|byte| !matches!(byte, b'\r' | b'\n' | 0));
    assert!(!message.start.is_empty() && clean(&message.target) && clean(&message.authority));
    for (name, value) in message.fields.iter().chain(&message.trailers) {
        assert!(rws_core::message::is_token(name.as_bytes()) && rws_core::message::is_field_value(value));
    }
    let count = |name: &str| message.fields.iter().filter(|field| field.0 == name).count();
    assert!(count("host") <= 1 && count("content-length") + count("transfer-encoding") <= 1);
    if let Some(path) = &message.path {
        assert!(path.starts_with('/') && !path.contains("//") && !path.contains(['\\', '\0']), "{path:?}");
        assert!(!path.split('/').any(|segment| matches!(segment, "." | "..")), "{path:?}");
    }
}

/// A proxy would send it so: the next server reads the same request.
fn rewritten(message: &Message) {
    let bytes = rewrite::request(message);
    let reading = wire::requests(&LIMITS, &[&bytes]);
    let [again] = &reading.messages[..] else { panic!("{reading:?} in {}", bytes.escape_ascii()) };
    assert_eq!((&again.start, &again.target, &again.path), (&message.start, &message.target, &message.path));
    if !message.authority.is_empty() {
        assert_eq!(again.authority, message.authority);
    }
    assert_eq!(rewrite::own(&again.fields), rewrite::own(&message.fields));
    assert_eq!((&again.body, &again.trailers, again.complete), (&message.body, &message.trailers, true));
}
