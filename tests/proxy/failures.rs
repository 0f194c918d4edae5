//! Upstreams that close, cut, stall, or break the protocol in the middle of things.

use core::net::SocketAddr;

use rws_std::Server;
use rws_std::forward::{self, ForwardOptions, ReverseProxy};

use crate::client::{Client, End};
use crate::site::Site;
use crate::upstream::{Upstream, meet};

const HEADS: [&str; 3] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf of it",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf of it\r\n",
];

#[test]
fn an_answer_that_is_cut_never_looks_whole() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for head in HEADS {
        for reset in [false, true] {
            for at_once in [false, true] {
                for version in ["1.1", "1.0"] {
                    let mut client = site.connect();
                    client.send(format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n"));
                    let mut link = upstream.accept();
                    link.request();
                    link.send(head);
                    let mut seen = Vec::new();
                    if !at_once {
                        assert!(client.take(20, &mut seen), "the head goes on without waiting for the body");
                    }
                    if reset {
                        link.reset()
                    } else {
                        drop(link)
                    }
                    let (rest, end) = client.rest();
                    seen.extend(rest);
                    let text = String::from_utf8_lossy(&seen).into_owned();
                    let what = format!("{head:?} reset={reset} at_once={at_once} {version}: {text:?}");
                    assert!(!text.ends_with("0\r\n\r\n"), "{what}");
                    assert_eq!(end, End::Reset, "{what}");
                }
            }
        }
    }
    assert_eq!(site.connect().get("/local").whole(), (200, "local"));
}

#[test]
fn an_answer_with_broken_chunks_never_looks_whole() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n";
    for broken in ["xyz\r\n", "5\r\nhelloX\r\n", "5 5\r\n", "\n", "-1\r\n", "ffffffffffffffffff\r\n"] {
        let mut client = site.connect();
        let mut link = upstream.asked(&mut client, "/");
        link.send(head);
        let mut seen = Vec::new();
        assert!(client.take(20, &mut seen));
        link.send(broken);
        let (seen, end) = client.rest();
        assert!(!seen.ends_with(b"0\r\n\r\n"), "{broken:?}");
        assert_eq!(end, End::Reset, "{broken:?}");
        link.is_given_up();

        let mut client = site.connect();
        let mut link = upstream.asked(&mut client, "/");
        link.send([head, broken].concat());
        match client.answer_to("GET") {
            Ok(answer) => assert!(answer.status == 502 || !answer.is_whole, "{broken:?}: {answer:?}"),
            Err(end) => assert_eq!(end, End::Reset, "{broken:?}"),
        }
        link.is_given_up();
    }
}

#[test]
fn an_answer_whose_head_can_be_read_in_two_ways_is_502() {
    let (upstream, _site, mut client) = meet();
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        let mut link = upstream.asked(&mut client, "/");
        link.send(head);
        assert_eq!(client.answer().status, 502, "{head:?}");
        link.is_given_up();
    }
    assert_eq!(client.get("/local").whole(), (200, "local"));
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_502() {
    let (upstream, _site, mut client) = meet();
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", upgrade] {
        client.send(request);
        let mut link = upstream.accept();
        assert_eq!(link.request().field("Upgrade"), None);
        link.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
        assert_eq!(client.answer().status, 502);
        link.is_given_up();
        assert_eq!(client.get("/local").whole(), (200, "local"), "no tunnel was opened");
    }
}

#[test]
fn interim_answers_without_end_are_502() {
    let (upstream, _site, mut client) = meet();
    for interim in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"] {
        let mut link = upstream.asked(&mut client, "/");
        link.try_send(interim.repeat(1000));
        let answer = client.answer();
        assert_eq!(answer.status, 502);
        assert!(answer.interim.len() <= 16, "{}", answer.interim.len());
        assert_ne!(link.rest().1, End::Silent);
    }
    assert_eq!(client.get("/local").whole(), (200, "local"));
}

#[test]
fn an_upstream_that_stays_silent_is_504_and_given_up() {
    let upstream = Upstream::new();
    let site = Site::with(&[upstream.address()], "read_timeout_ms = 150", |_| {});
    let mut client = site.connect();
    for said in ["", "HTTP/1.1 200 O", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let mut link = upstream.asked(&mut client, "/");
        link.send(said);
        assert_eq!(client.answer().status, 504, "{said:?}");
        link.is_given_up();
    }
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    let mut link = upstream.accept();
    link.request();
    assert_eq!(client.answer().status, 504);
    assert_eq!(client.get("/local").whole(), (200, "local"));
}

#[test]
fn an_upstream_that_falls_silent_in_its_answer_cuts_it() {
    let upstream = Upstream::new();
    let site = Site::with(&[upstream.address()], "read_timeout_ms = 150", |_| {});
    for head in HEADS {
        let mut client = site.connect();
        let mut link = upstream.asked(&mut client, "/");
        link.send(head);
        let (seen, end) = client.rest();
        assert!(seen.starts_with(b"HTTP/1.1 200 OK\r\n") && !seen.ends_with(b"0\r\n\r\n"));
        assert_eq!(end, End::Reset, "{head:?}");
        link.is_given_up();
    }
}

#[test]
fn a_read_timeout_counts_between_reads_and_not_for_the_whole() {
    let upstream = Upstream::new();
    let site = Site::with(&[upstream.address()], "read_timeout_ms = 400", |_| {});
    let mut client = site.connect();
    let mut link = upstream.asked(&mut client, "/");
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
    for _ in 0..8 {
        // Slow on purpose: eight pauses together are twice the timeout.
        std::thread::park_timeout(core::time::Duration::from_millis(100));
        link.send("x");
    }
    assert_eq!(client.answer().whole(), (200, "xxxxxxxx"));
}

#[test]
fn a_large_head_goes_through_and_an_endless_one_does_not() {
    let (upstream, _site, mut client) = meet();
    let mut link = upstream.asked(&mut client, "/");
    let long = "v".repeat(30_000);
    link.send(format!("HTTP/1.1 200 OK\r\nX-Long: {long}\r\nContent-Length: 2\r\n\r\nok"));
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.field("X-Long") == Some(&long) && answer.body == b"ok");
    client.ask("/");
    link.request();
    link.try_send(format!("HTTP/1.1 200 OK\r\nX-Long: {}", long.repeat(10)));
    assert_eq!(client.answer().status, 502);
    assert_ne!(link.rest().1, End::Silent);
}

/// Whoever knows the backends panics: over whose turn it is, or over where a backend is.
#[derive(Debug)]
enum Confused {
    Turn,
    Backend,
}

impl forward::Upstream for Confused {
    fn turn(&self) -> usize {
        assert!(matches!(self, Confused::Backend), "nobody's turn");
        0
    }

    fn backend(&self, _turn: usize, _attempt: u32) -> Option<SocketAddr> {
        panic!("no backend is known")
    }
}

#[test]
fn an_upstream_that_panics_is_answered_500_and_counted_like_a_handler() {
    for upstream in [Confused::Turn, Confused::Backend] {
        let what = format!("{upstream:?}");
        let proxy = ReverseProxy::new(upstream, ForwardOptions::default());
        let server = Server::bind("127.0.0.1:0").expect("a free port").shards(1);
        let running = server.start(proxy).expect("threads and descriptors");
        let mut client = Client::connect(running.address());
        for _ in 0..3 {
            let answer = client.get("/");
            assert_eq!((answer.status, answer.text()), (500, "the handler failed\n"), "{what}");
        }
        let stats = running.stats();
        assert_eq!((stats.panics_total, stats.errors_total), (3, 3), "{what}");
    }
}
