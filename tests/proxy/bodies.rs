//! Bodies of every framing and pace, `100 (Continue)`, early answers, and trailers.

use crate::client::End;
use crate::site::Site;
use crate::upstream::{Framing, Upstream, meet};

#[test]
fn a_body_goes_up_in_the_framing_that_it_came_in() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    upstream.serve(|seen, link| {
        link.answer(&format!("{:?} {}", seen.framing, String::from_utf8_lossy(&seen.body)));
    });
    let mut client = site.connect();
    for (rest, expected) in [
        ("Content-Length: 5\r\n\r\nhello", "Sized(5) hello"),
        ("Content-Length: 0\r\n\r\n", "Sized(0) "),
        ("Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "Chunked hello!"),
        ("Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", "Chunked "),
        ("\r\n", "Sized(0) "),
    ] {
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{rest}"));
        assert_eq!(client.answer().whole(), (200, expected));
    }
}

#[test]
fn a_body_that_comes_in_pieces_goes_up_in_pieces_and_whole() {
    let (upstream, _site, mut client) = meet();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut link = upstream.accept();
    let seen = link.head();
    assert_eq!(seen.framing, Framing::Chunked, "the head goes up before the body is there");
    for piece in ["a", "bc", "def"] {
        client.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
        let chunk = link.take(piece.len() + 5).expect("the piece goes up at once");
        assert_eq!(chunk, format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes());
    }
    client.send("0\r\n\r\n");
    assert_eq!(link.take(5).expect("the end"), b"0\r\n\r\n");
    link.answer("done");
    assert_eq!(client.answer().whole(), (200, "done"));
}

#[test]
fn large_bodies_pass_both_ways_at_once() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let size: usize = 8 << 20;
    for chunked in [false, true] {
        let mut client = site.connect();
        let framing = match chunked {
            true => "Transfer-Encoding: chunked".to_owned(),
            false => format!("Content-Length: {size}"),
        };
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"));
        let mut sender = client.stream.try_clone().expect("a descriptor");
        let upload = std::thread::spawn(move || {
            use std::io::Write;
            let piece: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            for piece in piece.chunks(100_000) {
                if chunked {
                    sender.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).expect("the proxy reads");
                }
                sender.write_all(piece).expect("the proxy reads");
                if chunked {
                    sender.write_all(b"\r\n").expect("the proxy reads");
                }
            }
            if chunked {
                sender.write_all(b"0\r\n\r\n").expect("the proxy reads");
            }
        });
        let mut link = upstream.accept();
        let head = link.head();
        let echo = std::thread::spawn(move || {
            // Each byte comes back before the next is asked for.
            link.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"));
            let mut echoed = 0;
            let mut at = 0;
            let mut raw: Vec<u8> = Vec::new();
            while echoed < size {
                raw.extend(link.take(1).expect("the body goes on"));
                raw.append(&mut link.buffered());
                let body = if chunked { unchunk(&mut raw) } else { core::mem::take(&mut raw) };
                for byte in &body {
                    assert_eq!(*byte, (at % 251) as u8);
                    at += 1;
                }
                link.send(&body);
                echoed += body.len();
            }
            link
        });
        assert_eq!(head.framing, if chunked { Framing::Chunked } else { Framing::Sized(size) });
        let answer = client.answer();
        assert!(answer.is_whole && answer.body.len() == size);
        assert!(answer.body.iter().enumerate().all(|(at, &byte)| byte == (at % 251) as u8));
        upload.join().expect("all was sent");
        drop(echo.join().expect("all was echoed"));
    }
}

/// Takes whole chunks off the front of `raw`.
fn unchunk(raw: &mut Vec<u8>) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line_end) = raw.windows(2).position(|two| two == b"\r\n") {
        let line = core::str::from_utf8(&raw[..line_end]).expect("a size");
        let size = usize::from_str_radix(line, 16).expect("a size");
        let end = line_end + 2 + size + 2;
        if raw.len() < end {
            break;
        }
        body.extend_from_slice(&raw[line_end + 2..end - 2]);
        raw.drain(..end);
        if size == 0 {
            break;
        }
    }
    body
}

#[test]
fn a_client_that_waits_for_its_100_gets_it_when_the_upstream_asks_for_the_body() {
    let (upstream, _site, mut client) = meet();
    let mut link = None;
    for round in 0..3 {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        let link = link.get_or_insert_with(|| upstream.accept());
        assert_eq!(link.head().field("Expect"), Some("100-continue"), "round {round}");
        link.send("HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(client.interim(), 100);
        client.send("body");
        assert_eq!(link.take(4).expect("the body"), b"body");
        link.answer("thanks");
        let answer = client.answer();
        assert!(answer.interim.is_empty(), "one 100 is enough");
        assert_eq!(answer.whole(), (200, "thanks"));
    }
    assert!(upstream.accept_if_any().is_none());
}

#[test]
fn a_body_is_asked_for_in_the_end_though_the_upstream_never_does() {
    let (upstream, _site, mut client) = meet();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    let mut link = upstream.accept();
    link.head();
    assert_eq!(client.interim(), 100);
    client.send("body");
    assert_eq!(link.take(4).expect("the body"), b"body");
    link.answer("thanks");
    assert_eq!(client.answer().whole(), (200, "thanks"));
}

#[test]
fn a_client_that_does_not_wait_for_its_100_after_all_is_heard() {
    let (upstream, _site, mut client) = meet();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody");
    let mut link = upstream.accept();
    link.head();
    link.send("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(link.take(4).expect("the body"), b"body");
    link.answer("thanks");
    assert_eq!(client.answer().whole(), (200, "thanks"));
}

#[test]
fn an_upstream_that_refuses_a_body_is_not_sent_it() {
    let (upstream, _site, mut client) = meet();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    let mut link = upstream.accept();
    link.head();
    link.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    let answer = client.answer();
    assert_eq!(answer.whole(), (401, "no"));
    assert!(answer.interim.is_empty());
    assert_eq!(answer.field("Connection"), Some("close"), "nobody could tell whether the body follows");
    client.is_closed();
    link.is_given_up();
}

#[test]
fn an_answer_before_the_end_of_the_body_reaches_the_client() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for how in ["and reads on", "and closes", "and resets"] {
        for framing in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
            let mut client = site.connect();
            client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n5\r\nhello\r\n"));
            let mut link = upstream.accept();
            link.head();
            link.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much");
            let mut kept = None;
            match how {
                "and closes" => drop(link),
                "and resets" => link.reset(),
                _ => kept = Some(link),
            }
            let answer = client.answer();
            assert_eq!(answer.whole(), (413, "too much"), "{how}, {framing}");
            assert_eq!(answer.field("Connection"), Some("close"), "{how}, {framing}");
            let (rest, end) = client.rest();
            assert_eq!((rest.len(), end), (0, End::Closed), "{how}, {framing}");
            if let Some(mut link) = kept {
                let (rest, end) = link.rest();
                assert!(rest.len() < 100 && end != End::Silent, "{how}, {framing}");
            }
        }
    }
    assert_eq!(site.connect().get("/local").whole(), (200, "local"));
}

#[test]
fn an_early_answer_to_a_flood_reaches_the_client_though_sending_fails() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for round in 0..10 {
        let mut client = site.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
        let mut sender = client.stream.try_clone().expect("a descriptor");
        let flood = std::thread::spawn(move || {
            let chunk = vec![b'x'; 1 << 16];
            while std::io::Write::write_all(&mut sender, &chunk).is_ok() {}
        });
        let mut link = upstream.accept();
        link.head();
        link.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        link.reset();
        assert_eq!(client.answer().whole(), (403, "no"), "round {round}");
        drop(client);
        flood.join().expect("the flood ends");
    }
}

#[test]
fn trailers_go_down_to_who_asks_for_them_and_up() {
    let (upstream, _site, mut client) = meet();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\nup\r\n0\r\nX-Sum: 1\r\nX-Real-IP: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\n\r\n",
    );
    let mut link = upstream.accept();
    let seen = link.request();
    assert_eq!((seen.field("TE"), seen.field("Connection")), (Some("trailers"), Some("TE")));
    assert_eq!(seen.trailers, [("X-Sum".to_owned(), "1".to_owned())]);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndown\r\n0\r\n";
    let trailers = "X-Sum: 2\r\nX-Own: y\r\n\r\n";
    link.send([chunked, trailers].concat());
    let answer = client.answer();
    assert_eq!(answer.whole(), (200, "down"));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(answer.trailers, [pair("X-Sum", "2"), pair("X-Own", "y")]);
    client.ask("/");
    assert_eq!(link.request().field("TE"), None);
    link.send([chunked, trailers].concat());
    let answer = client.answer();
    assert_eq!(answer.whole(), (200, "down"));
    assert!(answer.trailers.is_empty(), "nobody asked for them");
    assert_eq!(client.get("/local").whole(), (200, "local"));
}

#[test]
fn a_body_beyond_the_limit_is_413_and_the_upstream_gets_no_whole_request() {
    let upstream = Upstream::new();
    let site = Site::with(&[upstream.address()], "", |config| config.request_body_bytes_max = 10);
    let mut client = site.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    assert_eq!(client.answer().status, 413);
    assert!(upstream.accept_if_any().is_none(), "said before an upstream is bothered");
    let mut client = site.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    let mut link = upstream.accept();
    link.head();
    client.send("6\r\n world\r\n0\r\n\r\n");
    assert_eq!(client.answer().status, 413);
    let (rest, end) = link.rest();
    assert!(!rest.ends_with(b"0\r\n\r\n") && end == End::Reset, "{:?}", String::from_utf8_lossy(&rest));
    let mut client = site.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789");
    let mut link = upstream.accept();
    assert_eq!(link.request().body, b"0123456789");
    link.answer("fits");
    assert_eq!(client.answer().whole(), (200, "fits"));
}
