//! Bytes from a server: the pieces they come in change nothing, and each response can be written anew.

use rws_core::Method;
use rws_core::testing::wire::{self, AtEnd, Ending, Message};

use crate::pieces;
use crate::rewrite::{self, LIMITS};

/// The last four bytes say how the others are cut, and what was asked.
pub fn check(data: &[u8]) {
    let (bytes, [a, b, c, choice]) = pieces::split(data);
    let method = [Method::Get, Method::Head, Method::Post, Method::Connect][usize::from(choice % 4)];
    let upgrade = choice & 4 != 0;
    let read = |pieces: &[&[u8]]| wire::responses(&LIMITS, pieces, method, upgrade);
    let whole = read(&[bytes]);
    for pieces in [pieces::cut(bytes, [a, b, c]), pieces::bytes(bytes)] {
        assert!(wire::reads_alike(read, &pieces, &whole), "{:?}, not {whole:?}", read(&pieces));
    }
    let mut interim = Vec::new();
    for message in &whole.messages {
        assert!((100..1000).contains(&code(message)));
        if code(message) < 200 && code(message) != 101 {
            interim.push(message.clone());
        } else {
            // A body that ends with the connection is complete only if nothing else is wrong.
            let complete = message.complete || whole.ending == Ending::Open(AtEnd::Fine);
            if complete && method != Method::Connect && code(message) != 101 {
                rewritten(&interim, message, method);
            }
            interim.clear();
        }
    }
}

fn code(message: &Message) -> u16 {
    message.start.parse().expect("a status")
}

/// A proxy would send it so: the next client reads the same response.
fn rewritten(interim: &[Message], message: &Message, method: Method) {
    let asked = format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", method.as_str());
    let bytes = rewrite::response(interim, message, asked.as_bytes());
    let reading = wire::responses(&LIMITS, &[&bytes], method, false);
    assert_eq!(reading.messages.len(), interim.len() + 1, "{reading:?} in {}", bytes.escape_ascii());
    for (again, message) in reading.messages.iter().zip(interim.iter().chain([message])) {
        assert_eq!(again.start, message.start);
        assert_eq!(rewrite::own(&again.fields), rewrite::own(&message.fields));
        // RFC 9110 §15.3.6: a 205 has no content, whatever one may have been sent with.
        if code(message) != 205 {
            assert_eq!((&again.body, &again.trailers), (&message.body, &message.trailers));
        }
        assert!(again.complete);
    }
}
