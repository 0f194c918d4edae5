//! Clients that leave, dawdle, or half-close.

use core::time::Duration;
use std::io::Read;

use crate::client::End;
use crate::site::Site;
use crate::upstream::{Upstream, meet};

#[test]
fn a_client_that_resets_cancels_its_request() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for said in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "HTTP/1.1 200 OK\r\n\r\nuntil"] {
        let mut client = site.connect();
        let mut link = upstream.asked(&mut client, "/");
        link.send(said);
        if !said.is_empty() {
            assert!(client.take(10, &mut Vec::new()));
        }
        client.reset();
        let (rest, end) = link.rest();
        assert!(rest.is_empty());
        assert_eq!(end, End::Reset, "the upstream must learn that nobody waits any more: {said:?}");
    }
    site.settles("the count of connections", |site| site.running.stats().connections_open == 0);
    assert_eq!(site.connect().get("/local").whole(), (200, "local"));
}

#[test]
fn a_client_that_resets_in_its_upload_leaves_no_whole_request_behind() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut client = site.connect();
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n5\r\nhello\r\n"));
        let mut link = upstream.accept();
        link.head();
        client.reset();
        assert!(link.try_request().is_err());
        let (rest, end) = link.rest();
        assert!(!rest.ends_with(b"0\r\n\r\n"));
        assert_ne!(end, End::Silent);
    }
}

#[test]
fn a_client_that_closes_in_its_upload_leaves_no_whole_request_behind() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut client = site.connect();
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n5\r\nhello\r\n"));
        let mut link = upstream.accept();
        link.head();
        client.half_close();
        let (rest, end) = link.rest();
        assert!(!rest.ends_with(b"0\r\n\r\n"), "{framing}: {:?}", String::from_utf8_lossy(&rest));
        assert_ne!(end, End::Silent, "{framing}");
    }
}

#[test]
fn a_client_that_half_closes_after_its_request_still_gets_the_answer() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for request in
        ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"]
    {
        let mut client = site.connect();
        client.send(request);
        client.half_close();
        let mut link = upstream.accept();
        link.request();
        link.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nla");
        assert!(link.stream.peer_addr().is_ok());
        link.send("te");
        assert_eq!(client.answer().whole(), (200, "late"));
        client.is_closed();
        // Nothing was wrong with the other side: it serves on.
        let mut next = site.connect();
        next.ask("/next");
        assert_eq!(link.request().target, "/next");
        link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        assert_eq!(next.answer().whole(), (200, "ok"));
    }
}

#[test]
fn a_client_that_leaves_between_requests_costs_the_upstream_nothing() {
    let (upstream, site, mut client) = meet();
    let mut link = upstream.asked(&mut client, "/");
    link.answer("x");
    assert_eq!(client.answer().status, 200);
    client.reset();
    let mut next = site.connect();
    next.ask("/next");
    assert_eq!(link.request().target, "/next");
    link.answer("y");
    assert_eq!(next.answer().whole(), (200, "y"));
}

/// Fills what lies between the upstream and a client that does not read, and says how much that was.
fn fill(link: &mut crate::upstream::Link) -> usize {
    link.stream.set_nonblocking(true).expect("a socket");
    let (chunk, mut sent) = ([b'f'; 64 * 1024], 0);
    let mut quiet = 0;
    while quiet < 20 {
        match std::io::Write::write(&mut link.stream, &chunk) {
            Ok(n) => (sent, quiet) = (sent + n, 0),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                quiet += 1;
                std::thread::park_timeout(Duration::from_millis(10));
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent < 100 << 20, "the proxy takes without end what its client does not");
    }
    link.stream.set_nonblocking(false).expect("a socket");
    sent
}

#[test]
fn a_client_that_does_not_read_holds_its_upstream_back_and_loses_nothing() {
    let upstream = Upstream::new();
    let site = Site::with(&[upstream.address()], "read_timeout_ms = 200", |_| {});
    for framing in ["Content-Length", "chunked", "close"] {
        let mut client = site.connect();
        let mut link = upstream.asked(&mut client, "/");
        let size = 64 << 20;
        match framing {
            "Content-Length" => link.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")),
            "chunked" => {
                link.send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n"))
            }
            _ => link.send("HTTP/1.1 200 OK\r\n\r\n"),
        }
        // Longer than the upstream's timeout: it is the client that is slow.
        let sent = fill(&mut link);
        assert!(site.connect().get("/local").status == 200, "others are served meanwhile");
        let writer = std::thread::spawn(move || {
            let (chunk, mut left) = (vec![b'f'; 1 << 20], size - sent);
            while left > 0 {
                let n = left.min(chunk.len());
                link.send(&chunk[..n]);
                left -= n;
            }
            if framing == "chunked" {
                link.send("\r\n0\r\n\r\n");
            }
            if framing == "close" { None } else { Some(link) }
        });
        let answer = client.answer();
        assert!(answer.is_whole, "{framing}");
        assert_eq!(answer.body.len(), size, "{framing}");
        assert!(answer.body.iter().all(|&byte| byte == b'f'), "{framing}");
        drop(writer.join().expect("the writer ends"));
    }
}

#[test]
fn an_upstream_that_closes_while_its_client_dawdles_still_gets_its_answer_through() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let size = 3 << 20;
    for framing in ["Content-Length", "close"] {
        let mut client = site.connect();
        let mut link = upstream.asked(&mut client, "/");
        let head = match framing {
            "Content-Length" => format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"),
            _ => "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        };
        let writer = std::thread::spawn(move || {
            link.send(head);
            link.send(vec![b'c'; size]);
        });
        assert!(client.take(100, &mut Vec::new()));
        std::thread::park_timeout(Duration::from_millis(50));
        let mut left = Vec::new();
        if framing == "Content-Length" {
            writer.join().ok();
        }
        while !left.ends_with(b"0\r\n\r\n") && left.len() < size {
            if !client.take(1024, &mut left) {
                break;
            }
            if framing == "Content-Length" && left.len() >= size - 1024 {
                break;
            }
        }
        assert!(left.len() >= size - 1024, "{framing}: {}", left.len());
    }
}

#[test]
fn a_slow_upload_is_not_the_upstreams_fault() {
    let upstream = Upstream::new();
    let site = Site::with(&[upstream.address()], "read_timeout_ms = 150", |_| {});
    let mut client = site.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    let mut link = upstream.accept();
    link.head();
    for byte in ["b", "o", "d", "y"] {
        // Longer than the upstream's timeout.
        std::thread::park_timeout(Duration::from_millis(200));
        client.send(byte);
        let mut got = [0];
        link.stream.read_exact(&mut got).expect("each byte goes up at once");
        assert_eq!(got, byte.as_bytes());
    }
    link.answer("whole");
    assert_eq!(client.answer().whole(), (200, "whole"));
}
