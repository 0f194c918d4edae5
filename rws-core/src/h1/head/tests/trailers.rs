//! The rules for trailer sections.

use super::*;
use crate::message::KnownName;

fn seen(bytes: &[u8]) -> Seen<TrailerSpans> {
    Trailers(Limits::SERVER).at_every_split(bytes)
}

#[test]
fn an_empty_section_is_one_empty_line() {
    let (spans, _) = seen(b"\r\nGET / HTTP/1.1").unwrap().unwrap();
    assert_eq!((spans.arena_len, spans.fields_len), (2, 0));
    assert_eq!(seen(b"\r"), Ok(None));
    assert_eq!(seen(b"\n"), Err(PeerFault::BareLineEnding));
    assert_eq!(seen(b"\r\r\n"), Err(PeerFault::BareLineEnding));
}

#[test]
fn trailer_fields_are_read() {
    let bytes = b"grpc-status: 0\r\nETag: \"a\"\r\n\r\n";
    let (spans, index) = seen(bytes).unwrap().unwrap();
    assert_eq!((usize::from(spans.arena_len), spans.fields_len), (bytes.len(), 2));
    assert_eq!((index[0].value(bytes), index[1].known_name()), (&b"0"[..], Some(KnownName::Etag)));
}

#[test]
fn fields_that_must_come_before_the_body_are_refused() {
    for name in [
        "Transfer-Encoding",
        "content-length",
        "Host",
        "Connection",
        "Trailer",
        "TE",
        "Upgrade",
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "Content-Encoding",
        "Content-Type",
        "Content-Range",
        "Cache-Control",
        "Expect",
        "Range",
        "If-Match",
        "If-None-Match",
        "Location",
        "X-Forwarded-For",
        "Forwarded",
        "Max-Forwards",
        "WWW-Authenticate",
        "Vary",
        "Date",
        "Age",
    ] {
        let bytes = alloc::format!("A: b\r\n{name}: x\r\n\r\n").into_bytes();
        assert_eq!(seen(&bytes), Err(PeerFault::TrailerForbidden), "{name}");
    }
}

#[test]
fn the_syntax_is_that_of_field_lines() {
    assert_eq!(seen(b"A : b\r\n\r\n"), Err(PeerFault::FieldNameSyntax));
    assert_eq!(seen(b"A: b\n\r\n"), Err(PeerFault::BareLineEnding));
    assert_eq!(seen(b"A: b\r\n c\r\n\r\n"), Err(PeerFault::ObsoleteFold));
    assert_eq!(seen(b"A: \x01\r\n\r\n"), Err(PeerFault::FieldValueSyntax));
}

#[test]
fn a_section_beyond_its_limits_is_refused() {
    let bytes = b"A: 1\r\nB: 2\r\n\r\n";
    let small = Limits { trailer_bytes_max: 13, ..Limits::SERVER };
    assert_eq!(Trailers(small).at_every_split(bytes), Err(PeerFault::TrailersTooLarge));
    let few = Limits { fields_max: 1, ..Limits::SERVER };
    assert_eq!(Trailers(few).at_every_split(bytes), Err(PeerFault::TooManyFields));
    let fits = Limits { trailer_bytes_max: 14, fields_max: 2, ..Limits::SERVER };
    assert!(Trailers(fits).at_every_split(bytes).unwrap().is_some());
}
