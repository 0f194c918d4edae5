//! The rules for response heads and trailer sections.

use super::*;
use crate::message::BodyFraming;

fn response(lines: &[(&str, &str)], method: Method, end_stream: bool) -> Result<ParsedResponse, Refusal> {
    Room::of(lines).response(method, end_stream)
}

const OK: (&str, &str) = (":status", "200");
const BAD_STATUS: Result<ParsedResponse, Refusal> = Err(Refusal::Malformed(PeerFault::StatusLineSyntax));

#[test]
fn a_response_has_a_status_and_fields() {
    let mut room = Room::of(&[(":status", "404"), ("server", "x"), ("content-length", "3")]);
    let parsed = room.response(Method::Get, false).unwrap();
    assert_eq!(
        (parsed.spans.status.code(), parsed.spans.body, parsed.length),
        (404, BodyFraming::Sized(3), Some(3))
    );
    let head = parsed.spans.view(&[], Scratch { bytes: &mut room.bytes, fields: &mut room.fields });
    assert_eq!(pairs(&lines_of(head.fields)), [("Server", "x"), ("Content-Length", "3")]);
}

#[test]
fn a_status_is_three_digits() {
    for status in ["", "20", "2000", "20x", "+20", "099", "000", "101"] {
        assert_eq!(response(&[(":status", status)], Method::Get, true), BAD_STATUS, "{status}");
    }
    assert_eq!(response(&[("server", "x")], Method::Get, true), BAD_STATUS);
    assert_eq!(response(&[(":status", "999")], Method::Get, true).unwrap().spans.status.code(), 999);
}

#[test]
fn the_fields_of_a_request_are_malformed_in_a_response() {
    let fault = |lines: &[(&str, &str)]| response(lines, Method::Get, true).unwrap_err();
    for line in [(":path", "/"), (":method", "GET"), OK, (":foo", "")] {
        assert_eq!(fault(&[OK, line]), Refusal::Malformed(PeerFault::PseudoFields), "{line:?}");
    }
    assert_eq!(fault(&[("server", "x"), OK]), Refusal::Malformed(PeerFault::PseudoFields));
    assert_eq!(fault(&[OK, ("connection", "close")]), Refusal::Malformed(PeerFault::ConnectionField));
    assert_eq!(fault(&[OK, ("upgrade", "h2c")]), Refusal::Malformed(PeerFault::ConnectionField));
}

#[test]
fn an_interim_response_ends_nothing() {
    let early = [(":status", "103"), ("link", "</a>")];
    let parsed = response(&early, Method::Get, false).unwrap();
    assert_eq!((parsed.spans.body, parsed.length), (BodyFraming::None, Some(0)));
    assert_eq!(response(&early, Method::Get, true), BAD_STATUS);
}

#[test]
fn where_there_cannot_be_content_a_length_tells_of_another_response() {
    let lines = |status| [(":status", status), ("content-length", "7")];
    for (method, status) in [(Method::Head, "200"), (Method::Get, "304"), (Method::Get, "204")] {
        for end_stream in [false, true] {
            let parsed = response(&lines(status), method, end_stream).unwrap();
            assert_eq!(parsed.length, Some(0), "{method:?} {status}");
            assert_eq!(parsed.spans.body.follows(), !end_stream);
        }
    }
    let conflict = Err(Refusal::Malformed(PeerFault::LengthConflict));
    assert_eq!(response(&lines("200"), Method::Get, true), conflict);
}

#[test]
fn what_follows_a_successful_connect_is_a_tunnel() {
    let parsed = response(&[OK, ("content-length", "7")], Method::Connect, false).unwrap();
    assert_eq!((parsed.spans.body, parsed.length), (BodyFraming::Streamed, None));
    let refused = response(&[(":status", "403"), ("content-length", "7")], Method::Connect, false).unwrap();
    assert_eq!(refused.spans.body, BodyFraming::Sized(7));
}

#[test]
fn an_expectation_in_a_response_means_nothing() {
    assert!(response(&[OK, ("expect", "odd"), ("host", "odd"), ("host", "odd")], Method::Get, true).is_ok());
}

#[test]
fn trailers_have_fields_and_no_pseudo_fields() {
    let mut room = Room::of(&[("grpc-status", "0"), ("x-sum", "1")]);
    let spans = room.trailers().unwrap();
    let scratch = Scratch { bytes: &mut room.bytes, fields: &mut room.fields };
    assert_eq!(pairs(&lines_of(spans.view(&[], &scratch))), [("grpc-status", "0"), ("x-sum", "1")]);
    for (line, fault) in [
        ((":status", "200"), PeerFault::PseudoFields),
        ((":path", "/"), PeerFault::PseudoFields),
        ((":foo", "/"), PeerFault::PseudoFields),
        (("content-length", "1"), PeerFault::TrailerForbidden),
        (("connection", "close"), PeerFault::TrailerForbidden),
        (("transfer-encoding", "chunked"), PeerFault::TrailerForbidden),
        (("X-Sum", "1"), PeerFault::FieldNameSyntax),
        (("x-sum", "1\n"), PeerFault::FieldValueSyntax),
    ] {
        assert_eq!(Room::of(&[line]).trailers(), Err(Refusal::Malformed(fault)), "{line:?}");
    }
}

#[test]
fn a_trailer_section_that_is_too_large_is_refused() {
    let mut slots = [Field::default(); 1];
    let mut lines = Lines::of_trailers(&mut slots, &Limits::SERVER);
    lines.refuse_size();
    assert_eq!(lines.trailers(0), Err(Refusal::Answer(PeerFault::TrailersTooLarge)));
}
