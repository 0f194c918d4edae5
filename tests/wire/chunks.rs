//! Chunked bodies that bend the grammar: one reading, or none (RFC 9112 §7.1).

use rws_tests::smuggling::BENT;

use crate::serving::Site;

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_bent_chunk_is_refused_and_what_follows_is_not_served() {
    let site = Site::new();
    for body in BENT {
        let mut peer = site.connect();
        peer.send(format!(
            "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}{HIDDEN}"
        ));
        let answer = peer.answer();
        assert_eq!(answer.status, 400, "{body:?}");
        assert_eq!(answer.field("Connection"), Some("close"), "{body:?}");
        peer.is_closed();
        assert_eq!(site.hidden(), 0, "{body:?}");
    }
}

/// The echo may have begun its answer when the fault shows: then the answer must be seen to be cut off.
#[test]
fn a_bent_chunk_never_leaves_a_streamed_answer_that_looks_whole() {
    let site = Site::new();
    for body in BENT {
        let mut peer = site.connect();
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        peer.send(format!("{head}1\r\nx\r\n"));
        peer.try_send(format!("{body}{HIDDEN}"));
        if let Ok(answer) = peer.answer_to("POST") {
            assert!(answer.status == 400 || !answer.is_whole, "{body:?} gave {answer:?}");
        }
        assert_eq!(peer.rest().0, b"", "{body:?}");
        assert_eq!(site.hidden(), 0, "{body:?}");
    }
}

#[test]
fn extensions_are_read_past_up_to_their_cap() {
    let site = Site::new();
    for (line, status) in [
        ("5;a".to_owned(), 200),
        ("5;a=b;c=\"d;e\\\"\"".to_owned(), 200),
        ("5 ; a = b".to_owned(), 200),
        (format!("5;{}", "x".repeat(255)), 200),
        (format!("5;{}", "x".repeat(257)), 400),
        (format!("5;{}", "x".repeat(30_000)), 400),
    ] {
        let mut peer = site.connect();
        let head = "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        peer.try_send(format!("{head}{line}\r\nhello\r\n0\r\n\r\n"));
        let answer = peer.answer();
        assert_eq!(answer.status, status, "{}", &line[..line.len().min(40)]);
    }
}

/// CVE-2023-39326: framing that outweighs its content by far.
#[test]
fn framing_out_of_proportion_to_its_content_is_refused() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("1;{}\r\nx\r\n", "e".repeat(200));
    peer.try_send(chunk.repeat(200));
    let answer = peer.answer();
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("proportion"), "{}", answer.text());
    peer.is_closed();

    // Small chunks alone are no attack.
    let mut peer = site.connect();
    peer.send("POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    peer.send("8\r\n12345678\r\n".repeat(3000));
    peer.send("0\r\n\r\n");
    assert_eq!(peer.answer().body.len(), 24_000);
}

#[test]
fn trailers_beyond_their_cap_are_refused() {
    let site = Site::new();
    let head = "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n";
    for trailers in [format!("X: {}\r\n\r\n", "t".repeat(9000)), "X: t\r\n".repeat(2000) + "\r\n"] {
        let mut peer = site.connect();
        peer.try_send(format!("{head}{trailers}{HIDDEN}"));
        assert_eq!(peer.answer().status, 431);
        peer.is_closed();
        assert_eq!(site.hidden(), 0);
    }
}
