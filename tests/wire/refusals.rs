//! Refusals: the right status, a short body, and a close that does not destroy the answer on its way.

use core::time::Duration;
use std::io::Write;

use rws_std::Running;

use crate::peer::{End, Peer};
use crate::process::Hello;
use crate::serving::Site;

/// Requests that the parser refuses, each with its status.
fn faults() -> Vec<(String, u16)> {
    let target = "a".repeat(9000);
    let value = "v".repeat(40_000);
    let many = "X: y\r\n".repeat(200);
    let post = |fields: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n0\r\n\r\n");
    vec![
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03 a TLS client\r\n\r\n".to_owned(), 400),
        (post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400),
        (post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400),
        (post("Content-Length: +5\r\n"), 400),
        (post("Transfer-Encoding: chunked, chunked\r\n"), 400),
        (post("Transfer-Encoding : chunked\r\n"), 400),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".to_owned(), 405),
        (format!("GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n"), 414),
        (post("Content-Length: 3\r\nExpect: magic\r\n"), 417),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431),
        (post("Transfer-Encoding: gzip, chunked\r\n"), 501),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(), 505),
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n".to_owned(), 505),
        ("PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n".to_owned(), 505),
    ]
}

/// Those that only stricter limits make faults: see [`strict`].
fn faults_of_limits() -> Vec<(String, u16)> {
    let post = |framing: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
    vec![
        // Whoever sends it goes on with it byte by byte.
        ("GET / HTTP/1.1\r\nHost: a\r\nX: ".to_owned(), 408),
        (post("Content-Length: 1001"), 413),
        // The answer has begun before the chunk is seen where a handler does not wait for it.
        (post("Transfer-Encoding: chunked").replace("/echo", "/collect") + "3e9\r\n", 413),
    ]
}

fn strict() -> Site {
    Site::with_limits(|limits| {
        limits.head_timeout_us = 200_000;
        limits.body_bytes_max = 1000;
    })
}

/// Each is refused, whatever its client sends besides: the answer comes whole, and the end is in order.
#[track_caller]
fn are_refused(faults: Vec<(String, u16)>, connect: impl Fn() -> Peer) {
    for (request, status) in faults {
        let name = &request[..request.len().min(90)];
        let mut peer = connect();
        peer.send(&request);
        while !peer.hears_within(Duration::from_millis(5)) {
            peer.try_send("x");
        }
        for _ in 0..60 {
            peer.try_send([b'x'; 1000]);
        }
        peer.half_close_if_open();
        let answer = peer.answer();
        assert_eq!(answer.status, status, "{name:?}");
        assert_eq!(answer.field("Connection"), Some("close"), "{name:?}");
        assert_eq!(answer.field("Content-Type"), Some("text/plain"), "{name:?}");
        assert!(answer.is_whole && (1..200).contains(&answer.body.len()), "{name:?}: {answer:?}");
        // A refused CONNECT is about a host and a port, which have no methods here.
        assert_eq!(answer.field("Allow"), (status == 405).then_some(""), "{name:?}");
        peer.is_closed();
    }
}

#[test]
fn each_fault_has_its_status() {
    let site = Site::new();
    are_refused(faults(), || site.connect());
    site.is_sound();
}

#[test]
fn each_fault_has_its_status_in_the_binary() {
    let hello = Hello::start();
    are_refused(faults(), || hello.connect());
    assert_eq!(hello.connect().get("/hello/b").text(), "Hello, b!");
}

#[test]
fn each_fault_that_limits_make_has_its_status() {
    let site = strict();
    are_refused(faults_of_limits(), || site.connect());
    site.is_sound();
}

/// A server for one name only, by configuration.
fn named() -> Running<rws_proxy::site::Site> {
    let config = rws_proxy::config::check_str(
        r#"
        port = 0
        thread_count = 1
        access_log = false
        [[route]]
        match = { host = "a.example", path = "/*" }
        action = { type = "respond", body = "a" }
        "#,
    );
    rws_proxy::serve::start(&config.expect("a good configuration"), None).expect("threads and descriptors")
}

/// What was read well and is answered by a route, or by there being none. The client keeps its connection,
/// unless the rest of its body is not worth reading.
#[test]
fn each_request_that_is_sound_but_not_served_has_its_status() {
    let (site, named) = (Site::new(), named());
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    let post =
        |target: &str, framing: &str| format!("POST {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
    let chunked = "Transfer-Encoding: chunked";
    let (of_get, of_post) = (Some("GET, HEAD, OPTIONS"), Some("POST, OPTIONS"));
    let (own, other) = (site.address(), named.address());
    for (address, request, status, allow, is_kept) in [
        (own, get("/missing"), 404, None, true),
        (own, post("/", "Content-Length: 3") + "abc", 405, of_get, true),
        (own, get("/echo"), 405, of_post, true),
        (own, post("/measured", chunked) + "1\r\nx\r\n0\r\n\r\n", 411, None, false),
        (own, post("/measured", "Content-Length: 99999999"), 413, None, false),
        (own, post("/measured", "Content-Length: 1001\r\nExpect: 100-continue"), 413, None, false),
        (other, get("/"), 421, None, true),
        (own, get("/").replace("GET", "BREW"), 501, of_get, true),
    ] {
        let mut peer = Peer::connect(address);
        peer.send(&request);
        let answer = peer.answer();
        assert_eq!(answer.status, status, "{request:?}");
        assert!(answer.interim.is_empty(), "{request:?}: nothing invites a body that nobody wants");
        assert!(answer.is_whole && (1..200).contains(&answer.body.len()), "{request:?}: {answer:?}");
        assert!(status != 405 || answer.field("Allow") == allow, "{request:?}: {answer:?}");
        assert_eq!(answer.field("Connection"), (!is_kept).then_some("close"), "{request:?}");
        if is_kept {
            peer.send(&request);
            assert_eq!(peer.answer().status, status, "{request:?}, again");
        } else {
            peer.is_closed();
        }
    }
}

#[test]
fn a_body_beyond_its_cap_is_413_however_it_is_framed() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n");
    let answer = peer.answer();
    assert_eq!((answer.status, answer.field("Connection")), (413, Some("close")));
    peer.is_closed();

    let mut peer = site.connect();
    peer.send("POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("10000\r\n{}\r\n", "c".repeat(65_536));
    let mut sent = 0;
    while sent < 100 && peer.try_send(&chunk) {
        sent += 1;
    }
    let answer = peer.answer();
    assert_eq!(answer.status, 413);
    assert!(answer.is_whole);
    site.is_sound();
}

/// The client goes on sending after the fault: the close must not turn into a reset that takes the answer along.
#[test]
fn the_answer_is_delivered_though_the_client_still_sends() {
    let site = Site::new();
    for bytes in [0, 1, 1000, 60_000, 200_000] {
        let mut peer = site.connect();
        peer.send("GET / HTTP/1.1\r\n\r\n");
        // In pieces, so that many of them come after the answer.
        for _ in 0..bytes / 1000 {
            peer.send([b'x'; 1000]);
        }
        peer.half_close();
        assert_eq!(peer.answer().status, 400, "{bytes} bytes more");
        peer.is_closed();
    }
}

/// A client that writes without end and reads only afterwards: it is cut off, but its answer is there.
#[test]
fn a_client_that_never_stops_sending_is_cut_off_with_its_answer_intact() {
    let site = Site::with_limits(|limits| limits.linger_timeout_us = 500_000);
    let mut peer = site.connect();
    peer.send("GET / HTTP/1.1\r\n\r\n");
    let mut sent = 0_u64;
    while peer.stream.write_all(&[b'x'; 10_000]).is_ok() {
        sent += 10_000;
        assert!(sent < 1 << 32, "nobody cuts it off");
    }
    assert_eq!(peer.answer().status, 400);
    assert_ne!(peer.rest().1, End::Silent);
    site.is_sound();
}

#[test]
fn a_refused_client_that_keeps_its_side_open_is_let_go() {
    let site = Site::with_limits(|limits| limits.linger_timeout_us = 200_000);
    let mut silent: Vec<Peer> = (0..20).map(|_| site.connect()).collect();
    for peer in &mut silent {
        peer.send("GET / HTTP/1.1\r\n\r\n");
        assert_eq!(peer.answer().status, 400);
        peer.is_closed();
    }
    // Their own sides are open still; the server forgets them by itself.
    site.settles("connections_open", |site| site.running.stats().connections_open == 0);
}

#[test]
fn a_refusal_in_the_middle_of_a_pipeline_comes_after_the_answers_before_it() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("GET /hello/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /sleep/30 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(peer.answer().text(), "Hello, 1!");
    assert_eq!(peer.answer().text(), "slept 30 ms\n");
    assert_eq!(peer.answer().status, 400);
    peer.is_closed();
    assert_eq!(site.hidden(), 0);
}
