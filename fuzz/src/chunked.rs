//! Chunked bodies: read beside a second decoder that shares nothing with the engine, and written anew.

use rws_core::Limits;
use rws_core::testing::wire::{self, AtEnd, Ending, Message};

use crate::pieces;
use crate::rewrite::{self, LIMITS};

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The last four bytes say how the others, a chunked body, are cut, and how much credit there is at a time.
pub fn check(data: &[u8]) {
    let (bytes, [a, b, c, window]) = pieces::split(data);
    let limits = Limits {
        body_window_bytes: u32::from(window) + 1,
        chunk_overhead_bytes_max: u32::MAX,
        chunk_extension_bytes_max: u16::MAX,
        ..LIMITS
    };
    let input = [HEAD, bytes].concat();
    let read = |pieces: &[&[u8]]| wire::requests(&limits, pieces);
    let whole = read(&[&input]);
    for pieces in [pieces::cut(&input, [a, b, c]), pieces::bytes(&input)] {
        assert!(wire::reads_alike(read, &pieces, &whole), "{:?}, not {whole:?}", read(&pieces));
    }
    let message = &whole.messages[0];
    let (content, decoded) = decode(bytes);
    // The engine gives out what there is of a chunk before it has seen its end.
    assert!(message.body.starts_with(&content), "{:?} {content:?}", message.body);
    match decoded {
        Decoded::Whole => {
            // Trailers have rules of their own.
            let refused = matches!(whole.ending, Ending::Refused(_)) && !message.complete;
            assert!(message.complete || refused || whole.ending == Ending::Open(AtEnd::Truncated));
            assert_eq!(message.body, content);
        }
        Decoded::Cut => {
            assert!(!message.complete && whole.ending == Ending::Open(AtEnd::Truncated), "{whole:?}")
        }
        Decoded::Wrong => {
            assert!(!message.complete && matches!(whole.ending, Ending::Refused(_)), "{whole:?}")
        }
    }
    if message.complete {
        let anew = rewrite::request(message);
        let again = wire::requests(&LIMITS, &[&anew]);
        assert_eq!(
            (&again.messages[0].body, &again.messages[0].trailers),
            (&message.body, &message.trailers)
        );
    }
    written_in_chunks(bytes);
}

/// Any bytes at all are a body, and come out as they went in.
fn written_in_chunks(bytes: &[u8]) {
    let message = Message {
        start: "POST".into(),
        target: b"/".to_vec(),
        body: bytes.to_vec(),
        trailers: vec![("x-sum".into(), b"1".to_vec())],
        ..Message::default()
    };
    let anew = rewrite::request(&message);
    let again = wire::requests(&LIMITS, &[&anew]);
    assert_eq!((&again.messages[0].body[..], again.messages[0].complete), (bytes, true));
}

#[derive(Debug)]
enum Decoded {
    /// Up to the trailer section.
    Whole,
    Cut,
    Wrong,
}

/// The grammar of RFC 9112 §7.1, line by line, without the trailer section.
fn decode(mut bytes: &[u8]) -> (Vec<u8>, Decoded) {
    let mut content = Vec::new();
    loop {
        let Some(size) = size_line(&mut bytes) else { return (content, Decoded::Wrong) };
        let Some(size) = size else { return (content, Decoded::Cut) };
        if size == 0 {
            return (content, Decoded::Whole);
        }
        let here = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
        let (chunk, rest) = bytes.split_at(here);
        if (here as u64) < size {
            return (content, Decoded::Cut);
        }
        match rest {
            [b'\r', b'\n', rest @ ..] => bytes = rest,
            [] | [b'\r'] => return (content, Decoded::Cut),
            _ => return (content, Decoded::Wrong),
        }
        content.extend_from_slice(chunk);
    }
}

/// `None` if it is malformed, `Some(None)` if it is not all there.
fn size_line(bytes: &mut &[u8]) -> Option<Option<u64>> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = bytes.split_at(digits);
    if digits.len() > 16 || (digits.is_empty() && !rest.is_empty()) {
        return None;
    }
    let rest = match extensions(rest)? {
        None => return Some(None),
        Some(rest) => rest,
    };
    *bytes = rest;
    let digits = core::str::from_utf8(digits).ok()?;
    Some(u64::from_str_radix(digits, 16).ok())
}

/// Extensions and the line's end: `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted ) ] ) CRLF`. Gives what
/// follows; `Some(None)` if it is not all there.
fn extensions(mut bytes: &[u8]) -> Option<Option<&[u8]>> {
    loop {
        if let [b'\r', rest @ ..] = bytes {
            return match rest {
                [b'\n', rest @ ..] => Some(Some(rest)),
                [] => Some(None),
                _ => None,
            };
        }
        bytes = blank(bytes);
        match bytes {
            [] => return Some(None),
            [b';', rest @ ..] => bytes = blank(rest),
            _ => return None,
        }
        let name = token(bytes);
        if name == 0 {
            return if bytes.is_empty() { Some(None) } else { None };
        }
        bytes = &bytes[name..];
        let after = blank(bytes);
        if let [b'=', rest @ ..] = after {
            bytes = match value(blank(rest))? {
                None => return Some(None),
                Some(rest) => rest,
            };
        } else if after.is_empty() {
            return Some(None);
        }
    }
}

fn value(bytes: &[u8]) -> Option<Option<&[u8]>> {
    let [b'"', quoted @ ..] = bytes else {
        let len = token(bytes);
        return match (len, bytes.is_empty()) {
            (0, true) => Some(None),
            (0, false) => None,
            (len, _) => Some(Some(&bytes[len..])),
        };
    };
    let mut rest = quoted;
    let is_text = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    loop {
        match rest {
            [] | [b'\\'] => return Some(None),
            [b'"', rest @ ..] => return Some(Some(rest)),
            [b'\\', escaped, more @ ..] if is_text(*escaped) => rest = more,
            [byte, more @ ..] if *byte != b'\\' && is_text(*byte) => rest = more,
            _ => return None,
        }
    }
}

fn blank(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &bytes[len..]
}

fn token(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)).count()
}
