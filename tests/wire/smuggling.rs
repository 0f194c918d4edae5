//! One connection, two readings: each case hides a second request where a laxer reader would find it.
//!
//! The oracle is a counter behind `/hidden`: it must stay at zero, and the connection must be closed after
//! one answer, so that a front which disagrees with us has nothing left to disagree about.

use rws_tests::smuggling::{CODING_LINES, CODINGS, CODINGS_THAT_WE_LACK, LENGTH_LINES, LENGTHS, NOISE};

use crate::serving::Site;

/// What is hidden.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

/// Sends field lines after a request line, then a body that hides a request, and asserts one refusal.
#[track_caller]
fn refused(site: &Site, name: &str, status: u16, request: &[u8]) {
    let mut peer = site.connect();
    peer.send(request);
    let answer = peer.answer();
    assert_eq!(answer.status, status, "{name}");
    assert_eq!(answer.field("Connection"), Some("close"), "{name}");
    assert!(answer.is_whole && answer.body.len() < 200, "{name}: a short body");
    peer.is_closed();
    assert_eq!(site.hidden(), 0, "{name}: the hidden request was served");
}

/// A POST with these framing fields, and a body that ends early in one reading.
fn post(fields: &str) -> Vec<u8> {
    format!("POST /collect HTTP/1.1\r\nHost: a\r\n{fields}\r\n0\r\n\r\n{HIDDEN}").into_bytes()
}

#[test]
fn a_length_and_a_coding_together_are_refused_in_either_order() {
    let site = Site::new();
    let coding = "Transfer-Encoding: chunked\r\n";
    for length in
        ["Content-Length: 5\r\n", "Content-Length: 6\r\n", "Content-Length: 0\r\n", "content-length: 45\r\n"]
    {
        refused(&site, "CL.TE", 400, &post(&format!("{length}{coding}")));
        refused(&site, "TE.CL", 400, &post(&format!("{coding}{length}")));
        refused(&site, "CL.X.TE", 400, &post(&format!("{length}X: y\r\n{coding}")));
    }
}

#[test]
fn lengths_that_can_be_read_in_two_ways_are_refused() {
    let site = Site::new();
    for length in LENGTHS {
        refused(&site, length, 400, &post(&format!("Content-Length: {length}\r\n")));
    }
    for lines in LENGTH_LINES {
        refused(&site, lines, 400, &post(lines));
    }
}

#[test]
fn codings_that_can_be_read_in_two_ways_are_refused() {
    let site = Site::new();
    for coding in CODINGS {
        refused(&site, coding, 400, &post(&format!("Transfer-Encoding: {coding}\r\n")));
    }
    for lines in CODING_LINES {
        refused(&site, lines, 400, &post(lines));
    }
}

#[test]
fn a_coding_that_we_lack_before_the_final_one_is_not_implemented() {
    let site = Site::new();
    for coding in CODINGS_THAT_WE_LACK {
        refused(&site, coding, 501, &post(&format!("Transfer-Encoding: {coding}\r\n")));
    }
}

#[test]
fn a_coding_in_http_1_0_is_refused() {
    let site = Site::new();
    for fields in ["", "Connection: keep-alive\r\n", "Content-Length: 5\r\n"] {
        let head = format!("POST /collect HTTP/1.0\r\nHost: a\r\n{fields}Transfer-Encoding: chunked\r\n\r\n");
        refused(&site, "TE in 1.0", 400, format!("{head}0\r\n\r\n{HIDDEN}").as_bytes());
    }
}

/// CL.0: routes that do not care for a body must not make a request of it.
#[test]
fn a_body_that_no_handler_reads_is_never_taken_for_a_request() {
    let site = Site::new();
    for (method, target) in [
        ("GET", "/"),
        ("HEAD", "/"),
        ("DELETE", "/"),
        ("OPTIONS", "/"),
        ("OPTIONS", "*"),
        ("POST", "/"),
        ("POST", "/ignore"),
        ("POST", "/missing"),
        ("POST", "/echo"),
        ("PUT", "/hello/a"),
        ("GET", "/panic"),
        ("BREW", "/"),
    ] {
        for (framing, body) in [
            (format!("Content-Length: {}", HIDDEN.len()), HIDDEN.to_owned()),
            ("Transfer-Encoding: chunked".to_owned(), format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len())),
        ] {
            let mut peer = site.connect();
            let name = format!("{method} {target}, {framing}");
            peer.send(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n{body}"));
            let first = peer.answer_to(method).unwrap_or_else(|end| panic!("{name}: {end:?}"));
            assert!(first.is_whole, "{name}");
            // Either the connection is over, or it is in step: the next answer is the next request's.
            if first.field("Connection") == Some("close") {
                peer.is_closed();
            } else {
                assert_eq!(peer.get("/hello/next").text(), "Hello, next!", "{name}");
            }
            assert_eq!(site.hidden(), 0, "{name}: the body was served");
        }
    }
}

/// 0.CL: a body where a front that reads the length as zero sees a request.
#[test]
fn a_length_stands_even_where_a_method_has_no_use_for_it() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send(format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len()));
    assert_eq!(peer.answer().status, 200);
    assert_eq!(peer.get("/hello/b").text(), "Hello, b!");
    assert_eq!(site.hidden(), 0);
}

/// A request without a length has no body: in HTTP/1.0, what follows it goes down with the connection.
#[test]
fn what_follows_a_post_without_a_length_is_not_its_body() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send(format!("POST /collect HTTP/1.0\r\n\r\n{HIDDEN}"));
    let answer = peer.answer();
    assert_eq!((answer.status, answer.text(), answer.field("Connection")), (200, "", Some("close")));
    peer.is_closed();
    assert_eq!(site.hidden(), 0);
}

#[test]
fn an_upgrade_or_a_connect_with_a_body_opens_no_tunnel() {
    let site = Site::new();
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    refused(&site, "upgrade with a body", 400, &post(&format!("{upgrade}Content-Length: 5\r\n")));
    refused(&site, "upgrade, chunked", 400, &post(&format!("{upgrade}Transfer-Encoding: chunked\r\n")));
    refused(
        &site,
        "trace with a body",
        400,
        b"TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
    );
    let connect = format!("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n{HIDDEN}");
    refused(&site, "connect", 405, connect.as_bytes());
}

#[test]
fn an_upgrade_that_nobody_takes_leaves_the_connection_in_step() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n");
    assert_eq!(peer.answer().status, 200);
    assert_eq!(peer.get("/hello/b").text(), "Hello, b!");
}

#[test]
fn what_follows_a_request_that_closes_is_not_served() {
    let site = Site::new();
    for close in ["close", "Close", "keep-alive, close", "close, x", "x ,CLOSE"] {
        let mut peer = site.connect();
        peer.send(format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {close}\r\n\r\n{HIDDEN}"));
        assert_eq!(peer.answer().field("Connection"), Some("close"), "{close}");
        peer.is_closed();
    }
    assert_eq!(site.hidden(), 0);
}

#[test]
fn one_empty_line_before_a_request_is_skipped_and_no_other_noise() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(peer.answer().status, 200);
    peer.send("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(peer.answer().status, 200);
    for noise in NOISE {
        refused(&site, noise, 400, format!("{noise}GET / HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}").as_bytes());
    }
}
