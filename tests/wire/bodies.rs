//! Bodies: any size, any split, both framings, held back, with trailers, half-closed.

use std::io::Write;

use crate::dice::Dice;
use crate::peer::{End, Peer};
use crate::serving::Site;

const SIZES: &[usize] =
    &[0, 1, 2, 15, 16, 17, 4095, 4096, 4097, 65_535, 65_536, 65_537, 131_072, 262_143, 262_145, 1_000_003];

fn echoes(peer: &mut Peer, request: &[u8], body: &[u8], name: &str) {
    let mut sender = peer.stream.try_clone().expect("a descriptor");
    let answer = std::thread::scope(|scope| {
        scope.spawn(move || sender.write_all(request).expect("the server reads"));
        peer.answer()
    });
    assert_eq!((answer.status, answer.is_whole), (200, true), "{name}");
    assert!(answer.body == body, "{name}: {} bytes came back", answer.body.len());
}

#[test]
fn a_sized_body_of_any_size_comes_back() {
    let (site, mut dice) = (Site::new(), Dice(7));
    let mut peer = site.connect();
    for route in ["/echo", "/collect"] {
        for &size in SIZES {
            let body = dice.bytes(size);
            let head = format!("POST {route} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n");
            echoes(&mut peer, &[head.as_bytes(), &body].concat(), &body, &format!("{route}, {size} bytes"));
        }
    }
}

#[test]
fn a_chunked_body_of_any_size_and_any_split_comes_back() {
    let (site, mut dice) = (Site::new(), Dice(11));
    let mut peer = site.connect();
    for route in ["/echo", "/collect"] {
        for &size in SIZES {
            let body = dice.bytes(size);
            let mut request =
                format!("POST {route} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .into_bytes();
            let mut rest = body.as_slice();
            while !rest.is_empty() {
                let most = [9, 300, 5000, 100_000][dice.roll(4)];
                // Small chunks of large bodies would be refused for their framing's weight.
                let n = (1 + dice.roll(most)).max(size / 2000).min(rest.len());
                let digits = if n % 2 == 0 { format!("{n:x}") } else { format!("{n:010X}") };
                request.extend_from_slice(digits.as_bytes());
                request.extend_from_slice(b"\r\n");
                request.extend_from_slice(&rest[..n]);
                request.extend_from_slice(b"\r\n");
                rest = &rest[n..];
            }
            request.extend_from_slice(b"0\r\n\r\n");
            echoes(&mut peer, &request, &body, &format!("{route}, {size} bytes"));
        }
    }
}

#[test]
fn writes_of_any_size_make_no_difference() {
    let (site, mut dice) = (Site::new(), Dice(13));
    let mut peer = site.connect();
    for round in 0..20 {
        let size = dice.roll(3000);
        let body = dice.bytes(size);
        let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n");
        let request = [head.as_bytes(), &body].concat();
        let mut rest = request.as_slice();
        while !rest.is_empty() {
            let n = (1 + dice.roll(100)).min(rest.len());
            peer.send(&rest[..n]);
            rest = &rest[n..];
        }
        assert!(peer.answer().body == body, "round {round}");
    }
}

#[test]
fn a_body_that_is_held_back_is_asked_for() {
    let site = Site::new();
    for route in ["/echo", "/collect", "/drip-read"] {
        let mut peer = site.connect();
        let head =
            format!("POST {route} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        peer.send(&head);
        assert_eq!(peer.interim(), 100, "{route}");
        peer.send("hello");
        let answer = peer.answer();
        assert_eq!((answer.status, answer.is_whole), (200, true), "{route}");
        // In any case of letters, and again on the same connection.
        peer.send(head.replace("100-continue", "100-Continue"));
        assert_eq!(peer.interim(), 100, "{route}");
        peer.send("again");
        assert_eq!(peer.answer().status, 200, "{route}");
    }
}

#[test]
fn a_body_that_comes_unasked_needs_no_interim_answer() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    assert_eq!(peer.answer().text(), "hello");
    assert_eq!(peer.get("/").status, 200);
}

#[test]
fn a_body_that_nobody_wants_is_not_asked_for() {
    let site = Site::new();
    for (target, status) in [("/missing", 404), ("/", 405), ("/collect", 413)] {
        let mut peer = site.connect();
        let length = if status == 413 { 1 << 40 } else { 5_u64 };
        peer.send(format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        ));
        let answer = peer.answer();
        assert_eq!((answer.status, answer.interim.len()), (status, 0), "{target}");
        // Nobody could tell whether the body still comes: the connection is over.
        assert_eq!(answer.field("Connection"), Some("close"), "{target}");
        peer.is_closed();
    }
}

#[test]
fn an_http_1_0_client_gets_no_interim_answer() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("POST /collect HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    peer.send("hello");
    let answer = peer.answer();
    assert_eq!((answer.text(), answer.interim.len()), ("hello", 0));
}

#[test]
fn trailers_are_read_past() {
    let site = Site::new();
    let mut peer = site.connect();
    for route in ["/echo", "/collect"] {
        let head = format!(
            "POST {route} HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        peer.send(format!("{head}5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"));
        assert_eq!(peer.answer().text(), "hello");
        assert_eq!(peer.get("/hello/next").text(), "Hello, next!");
    }
}

#[test]
fn a_client_that_closes_its_side_still_gets_its_answers() {
    let site = Site::new();
    for (request, answers) in [
        ("GET /hello/a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), vec!["Hello, a!"]),
        ("GET /sleep/50 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), vec!["slept 50 ms\n"]),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_owned(), vec!["hello"]),
        ("POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_owned(), vec!["hello"]),
        ("GET /stream/7 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), vec!["sssssss"]),
        (
            "GET /sleep/20 HTTP/1.1\r\nHost: a\r\n\r\nGET /hello/b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            vec!["slept 20 ms\n", "Hello, b!"],
        ),
    ] {
        let mut peer = site.connect();
        peer.send(&request);
        peer.half_close();
        for text in answers {
            assert_eq!(peer.answer().text(), text, "{request:?}");
        }
        peer.is_closed();
    }
}

#[test]
fn a_large_answer_reaches_a_client_that_has_closed_its_side() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("GET /stream/5000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    peer.half_close();
    let answer = peer.answer();
    assert_eq!((answer.body.len(), answer.is_whole), (5_000_000, true));
    peer.is_closed();
}

#[test]
fn a_request_that_ends_in_the_middle_is_never_answered_with_success() {
    let site = Site::new();
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "GET / HT",
        "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
        "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "POST /drip-read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
    ] {
        let mut peer = site.connect();
        peer.send(request);
        peer.half_close();
        match peer.answer_to("POST") {
            Ok(answer) => assert!(answer.status >= 400 || !answer.is_whole, "{request:?}: {answer:?}"),
            Err(end) => assert_ne!(end, End::Silent, "{request:?}"),
        }
    }
    site.is_sound();
}
