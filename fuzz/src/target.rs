//! Request targets: one canonical reading, which is the same again when it is written and read.

use rws_core::message::{PathAt, Span, TargetForm, TargetSpans, encode_path, is_valid_host, parse_target};
use rws_core::testing::wire;
use rws_core::{Method, PeerFault};

use crate::rewrite::LIMITS;

/// The input is a target; after a line feed, a host.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(2, |&byte| byte == b'\n');
    let (target, host) = (parts.next().unwrap_or(&[]), parts.next().unwrap_or(b"h.example"));
    if target.len() > 8000 || host.len() > 1000 {
        return;
    }
    for method in [Method::Get, Method::Options, Method::Connect] {
        if let Ok(read) = read(method, target, host) {
            assert_sound(method, &read, host);
        }
    }
    as_in_a_head(target, host);
}

#[derive(Debug, PartialEq)]
struct Read {
    form: TargetForm,
    path: String,
    query: Option<Vec<u8>>,
    authority: Vec<u8>,
}

fn read(method: Method, target: &[u8], host: &[u8]) -> Result<Read, PeerFault> {
    let arena = [b"GET ", target, b" HTTP/1.1\r\nHost: ", host].concat();
    let raw = Span::of(4, 4 + target.len()).ok_or(PeerFault::TargetTooLong)?;
    let host = Span::of(arena.len() - host.len(), arena.len()).ok_or(PeerFault::HeadTooLarge)?;
    let mut scratch = vec![0; target.len()];
    let TargetSpans { form, path, query, authority, .. } =
        parse_target(method, raw, host, &arena, &mut scratch)?;
    let path = match path {
        PathAt::Arena(span) => span.bytes(&arena),
        PathAt::Scratch(span) => span.bytes(&scratch),
        PathAt::Nowhere => &[],
    };
    Ok(Read {
        form,
        path: String::from_utf8(path.to_vec()).expect("a path is UTF-8"),
        query: query.map(|span| span.bytes(&arena).to_vec()),
        authority: authority.bytes(&arena).to_vec(),
    })
}

fn assert_sound(method: Method, read: &Read, host: &[u8]) {
    let Read { form, path, query, authority } = read;
    match form {
        TargetForm::Origin | TargetForm::Absolute => {
            assert!(method != Method::Connect && path.starts_with('/'));
            assert!(
                !path.contains("//")
                    && !path.contains('\\')
                    && !path.contains(|char: char| char.is_ascii_control())
            );
            assert!(!path.split('/').any(|segment| matches!(segment, "." | "..")), "{path:?}");
        }
        TargetForm::Authority => assert!(method == Method::Connect && path.is_empty()),
        TargetForm::Asterisk => assert!(method == Method::Options && path.is_empty()),
    }
    assert!(is_valid_host(authority));
    assert!(*form != TargetForm::Origin || authority == host);
    let query = query.as_deref().unwrap_or(&[]);
    assert!(query.iter().all(|byte| byte.is_ascii_graphic() && !b"\"#<>".contains(byte)));
    if path.is_empty() {
        return;
    }
    // Written and read again it is the same path, and its spelling does not change any more.
    let wire = encoded(path);
    let again =
        self::read(Method::Get, &wire, authority).unwrap_or_else(|fault| panic!("{fault:?} in {path:?}"));
    assert_eq!(again.path, *path);
    assert_eq!(encoded(&again.path), wire);
}

fn encoded(path: &str) -> Vec<u8> {
    let mut wire = vec![0; path.len() * 3];
    let len = encode_path(path, &mut wire).expect("three bytes for one suffice");
    wire.truncate(len);
    wire
}

/// The quick way that the head parser has for plain targets says the same.
fn as_in_a_head(target: &[u8], host: &[u8]) {
    let visible = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
    if target.is_empty() || !visible(target) || !visible(host) || host.is_empty() {
        return;
    }
    let head = [b"GET ", target, b" HTTP/1.1\r\nHost: ", host, b"\r\n\r\n"].concat();
    let reading = wire::requests(&LIMITS, &[&head]);
    match (read(Method::Get, target, host), &reading.messages[..]) {
        (Ok(read), [message]) => {
            assert_eq!(message.path.as_deref().unwrap_or(""), read.path);
            assert_eq!((&message.authority, &message.target[..]), (&read.authority, target));
        }
        (Err(fault), []) => assert_eq!(reading.ending, wire::Ending::Refused(fault)),
        (read, messages) => panic!("{read:?}, {messages:?}"),
    }
}
