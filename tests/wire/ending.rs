//! How a server ends: it takes no more, finishes what is under way, and goes, in bounded time.

use core::time::Duration;
use std::net::TcpStream;
use std::time::Instant;

use rustix::process::Signal;

use crate::peer::End;
use crate::process::{Hello, settles};
use crate::serving::Site;

/// Longer than any drain without work takes.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_signal_closes_idle_connections_and_lets_running_requests_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut hello = Hello::start();
        let (mut idle, mut fresh, mut busy) = (hello.connect(), hello.connect(), hello.connect());
        assert_eq!(idle.get("/").status, 200);
        busy.send("GET /sleep/600 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        // The sleeper is under way once a request behind it is answered.
        assert_eq!(idle.get("/").status, 200);
        hello.signal(signal);
        idle.is_closed();
        fresh.is_closed();
        settles("the listener", || TcpStream::connect(hello.address()).is_err());
        let answer = busy.answer();
        assert_eq!((answer.text(), answer.field("Connection")), ("slept 600 ms\n", Some("close")));
        busy.is_closed();
        drop(busy);
        assert_eq!(hello.exits_within(SOON), Some(0));
    }
}

#[test]
fn a_server_without_work_ends_at_once() {
    let mut hello = Hello::start();
    assert_eq!(hello.connect().get("/").status, 200);
    hello.signal(Signal::TERM);
    assert_eq!(hello.exits_within(SOON), Some(0));
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let mut hello = Hello::start();
    let (mut busy, mut idle) = (hello.connect(), hello.connect());
    busy.send("GET /sleep/30000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.get("/").status, 200);
    hello.signal(Signal::TERM);
    // The drain has begun, and would go on for as long as the sleeper.
    idle.is_closed();
    hello.signal(Signal::INT);
    assert_eq!(hello.exits_within(SOON), Some(128 + 2));
    assert_ne!(busy.rest().1, End::Silent);
}

#[test]
fn a_drain_does_not_wait_beyond_its_deadline() {
    let site = Site::with(|settings| settings.drain_timeout = Duration::from_millis(300));
    let (mut stuck, mut silent, mut half) = (site.connect(), site.connect(), site.connect());
    stuck.send("GET /sleep/6000 HTTP/1.1\r\nHost: a\r\n\r\n");
    half.send("GET / HTTP/1.1\r\nHo");
    assert_eq!(silent.get("/").status, 200);
    let began = Instant::now();
    let left = site.running.drain();
    let took = began.elapsed();
    assert_eq!(left, 1, "the sleeper's thread");
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(3), "the drain took {took:?}");
    silent.is_closed();
    assert_ne!(half.rest().1, End::Silent);
    let (bytes, end) = stuck.rest();
    assert!(bytes.is_empty() && end != End::Silent, "{end:?}");
}

#[test]
fn what_has_begun_when_the_drain_comes_is_finished() {
    let site = Site::new();
    let mut idle = site.connect();
    assert_eq!(idle.get("/").status, 200);
    let (mut head, mut body, mut echo, mut stream) =
        (site.connect(), site.connect(), site.connect(), site.connect());
    head.send("GET / HTTP/1.1\r\nHo");
    body.send("POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    echo.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    stream.send("GET /stream/3000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.get("/").status, 200);
    let draining = std::thread::spawn(move || site.running.drain());
    idle.is_closed();
    head.send("st: a\r\n\r\n");
    let answer = head.answer();
    assert_eq!((answer.status, answer.field("Connection")), (200, Some("close")));
    head.is_closed();
    for peer in [&mut body, &mut echo] {
        peer.send("world");
        assert_eq!(peer.answer().text(), "helloworld");
        peer.is_closed();
    }
    let answer = stream.answer();
    assert_eq!((answer.body.len(), answer.is_whole), (3_000_000, true));
    stream.is_closed();
    drop((head, body, echo, stream));
    assert_eq!(draining.join().expect("no panic"), 0);
}
