//! The rules for response heads (client role).

use super::*;
use crate::message::{Status, Version};

#[test]
fn a_plain_answer_is_read() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: s\r\n\r\nhello";
    let seen = Responses(Method::Get).at_every_split(bytes).unwrap();
    let (head, index) = seen.unwrap();
    let spans = head.spans;
    assert_eq!((spans.status, spans.version), (Status::OK, Version::Http11));
    assert_eq!((spans.body, spans.arena_len), (BodyFraming::Sized(5), 49));
    assert!(head.persistent);
    assert_eq!(index[1].value(bytes), b"s");
}

#[test]
fn the_reason_may_be_empty_but_its_space_may_not_be_missing() {
    assert_eq!(answered(b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n").spans.status, Status::NOT_FOUND);
    bad_answer(b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", PeerFault::StatusLineSyntax);
}

#[test]
fn the_reason_is_any_text_without_controls() {
    assert_eq!(answered(b"HTTP/1.1 200 a b\t\xe4 \r\n\r\n").spans.status, Status::OK);
    bad_answer(b"HTTP/1.1 200 a\0b\r\n\r\n", PeerFault::StatusLineSyntax);
    bad_answer(b"HTTP/1.1 200 a\rb\r\n\r\n", PeerFault::BareLineEnding);
    bad_answer(b"HTTP/1.1 200 a\n\r\n", PeerFault::BareLineEnding);
}

#[test]
fn a_malformed_status_line_is_refused() {
    for line in [
        "HTTP/1.1  200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 200\tOK",
        "http/1.1 200 OK",
        "ICY 200 OK",
        "HTTP/1.1",
        "",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1 200OK",
    ] {
        bad_answer(&alloc::format!("{line}\r\n\r\n").into_bytes(), PeerFault::StatusLineSyntax);
    }
    bad_answer(b"HTTP/1.x 200 OK\r\n\r\n", PeerFault::VersionSyntax);
    bad_answer(b"HTTP/2.0 200 OK\r\n\r\n", PeerFault::VersionUnsupported);
}

#[test]
fn statuses_and_methods_without_content_have_no_body() {
    let none = |method, status: &str| {
        let bytes = alloc::format!("HTTP/1.1 {status} x\r\nContent-Length: 7\r\n\r\n").into_bytes();
        answered_to(method, &bytes).spans.body == BodyFraming::None
    };
    for status in ["100", "101", "103", "199", "204", "304"] {
        assert!(none(Method::Get, status), "{status}");
    }
    assert!(none(Method::Head, "200") && none(Method::Head, "404"));
    assert!(none(Method::Connect, "200") && none(Method::Connect, "299"));
    assert!(!none(Method::Connect, "404") && !none(Method::Get, "205") && !none(Method::Post, "200"));
}

#[test]
fn a_body_without_a_length_lasts_until_the_close() {
    let head = answered(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!((head.spans.body, head.persistent), (BodyFraming::UntilClose, false));
    let empty = answered(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!((empty.spans.body, empty.persistent), (BodyFraming::None, true));
}

#[test]
fn a_chunked_answer_is_streamed() {
    let head = answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n");
    assert_eq!((head.spans.body, head.persistent), (BodyFraming::Streamed, true));
    let head = answered(b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(head.spans.body, BodyFraming::None);
}

#[test]
fn ambiguous_framing_of_an_answer_is_refused() {
    let bad = |status: &str, lines: &str, fault| {
        bad_answer(&alloc::format!("HTTP/1.1 {status} x\r\n{lines}\r\n\r\n").into_bytes(), fault);
    };
    bad("200", "Content-Length: 1\r\nTransfer-Encoding: chunked", PeerFault::LengthAndEncoding);
    bad("200", "Content-Length: 1\r\nContent-Length: 1", PeerFault::ContentLengthRepeated);
    bad("200", "Content-Length: 1, 1", PeerFault::ContentLengthSyntax);
    bad("200", "Transfer-Encoding: gzip", PeerFault::TransferEncodingSyntax);
    bad("200", "Transfer-Encoding: gzip, chunked", PeerFault::TransferEncodingUnsupported);
    bad("204", "Transfer-Encoding: chunked", PeerFault::TransferEncodingSyntax);
    bad("103", "Transfer-Encoding: chunked", PeerFault::TransferEncodingSyntax);
    bad_answer(b"HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", PeerFault::TransferEncodingSyntax);
}

#[test]
fn the_server_says_whether_the_connection_persists() {
    let persists = |version: &str, connection: &str| {
        let head =
            alloc::format!("HTTP/{version} 200 x\r\nContent-Length: 0\r\nConnection: {connection}\r\n\r\n");
        answered(head.as_bytes()).persistent
    };
    assert!(persists("1.1", "") && persists("1.1", "keep-alive") && persists("1.0", "keep-alive"));
    assert!(!persists("1.1", "close") && !persists("1.0", "") && !persists("1.0", "close"));
}

#[test]
fn fields_that_only_steer_requests_say_nothing_in_an_answer() {
    let head = answered(b"HTTP/1.1 200 x\r\nHost: a b\r\nHost:\r\nExpect: x\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((head.spans.fields_len, head.spans.body), (4, BodyFraming::Sized(0)));
}
