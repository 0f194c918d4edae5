//! Clients that take their time: with heads, with bodies, with reading, with nothing at all.
//!
//! The limits are those of the server, only shorter. What paces a client is a read that times out, so each
//! wait ends with the server's close.

use core::time::Duration;
use std::time::Instant;

use rws_core::Limits;

use crate::peer::{End, Peer};
use crate::serving::Site;

const TIMEOUT: Duration = Duration::from_millis(300);
/// No close comes later than this.
const LATE: Duration = Duration::from_secs(5);
const BEAT: Duration = Duration::from_millis(20);

fn hasty(limits: &mut Limits) {
    let us = TIMEOUT.as_micros() as u64;
    limits.first_byte_timeout_us = us;
    limits.head_timeout_us = us;
    limits.idle_timeout_us = us;
    limits.rate_grace_us = us;
    limits.linger_timeout_us = us;
    limits.body_rate_min_bytes_per_s = 1000;
    limits.write_rate_min_bytes_per_s = 100_000;
}

/// Sends `piece` at each beat until the server says something or closes; how long that took.
fn dribble(peer: &mut Peer, piece: &str) -> Duration {
    let began = Instant::now();
    while !peer.hears_within(BEAT) {
        peer.try_send(piece);
        assert!(began.elapsed() < LATE, "nobody stops the dribble");
    }
    began.elapsed()
}

#[test]
fn a_client_that_says_nothing_is_let_go_without_a_word() {
    let site = Site::with_limits(hasty);
    let began = Instant::now();
    let mut peers: Vec<Peer> = (0..50).map(|_| site.connect()).collect();
    for peer in &mut peers {
        peer.is_closed();
    }
    assert!(began.elapsed() >= TIMEOUT && began.elapsed() < LATE, "{:?}", began.elapsed());
}

#[test]
fn a_head_that_dribbles_is_answered_408_in_time() {
    let site = Site::with_limits(hasty);
    for (first, piece) in
        [("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n"), ("G", "E"), ("GET /", "a"), ("\r\n", "\r")]
    {
        let mut peer = site.connect();
        peer.send(first);
        let took = dribble(&mut peer, piece);
        let answer = peer.answer();
        // Some dribbles become malformed before they are late.
        assert!(matches!(answer.status, 408 | 400), "{first:?}: {}", answer.status);
        assert!(first.len() < 2 || first == "\r\n" || answer.status == 408, "{first:?}: {}", answer.status);
        assert!(took < LATE, "{first:?} took {took:?}");
        peer.is_closed();
    }
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let site = Site::with_limits(hasty);
    let mut peer = site.connect();
    for _ in 0..3 {
        assert_eq!(peer.get("/").status, 200);
        assert!(!peer.hears_within(BEAT));
    }
    let began = Instant::now();
    peer.is_closed();
    assert!(began.elapsed() < LATE);
}

#[test]
fn a_body_that_dribbles_is_answered_408() {
    let site = Site::with_limits(hasty);
    for framing in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let mut peer = site.connect();
        peer.send(format!("POST /collect HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n1"));
        if framing.starts_with('T') {
            peer.send("0000\r\n");
        }
        let took = dribble(&mut peer, "x");
        assert_eq!(peer.answer().status, 408, "{framing}");
        assert!(took >= TIMEOUT, "{framing} took {took:?}");
        peer.is_closed();
    }
}

#[test]
fn a_body_that_keeps_its_rate_is_waited_for() {
    let site = Site::with_limits(hasty);
    let mut peer = site.connect();
    peer.send("POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n");
    for _ in 0..60 {
        peer.send([b'x'; 100]);
        peer.hears_within(BEAT);
    }
    let answer = peer.answer();
    assert_eq!((answer.status, answer.body.len()), (200, 6000));
}

#[test]
fn a_body_that_stops_ends_its_streaming_handler_and_its_answer() {
    let site = Site::with_limits(hasty);
    let mut peer = site.connect();
    peer.send("POST /drip-read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    assert_eq!(site.hears(), "started");
    assert_eq!(peer.answer().status, 408);
    assert_eq!(site.hears(), "UnexpectedEof");

    // Where the answer has begun, only a cut can tell that it is not whole.
    let mut peer = site.connect();
    peer.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    let answer = peer.answer();
    assert_eq!((answer.status, answer.text(), answer.is_whole), (200, "hello", false));
}

#[test]
fn a_client_that_reads_nothing_is_cut_off_and_its_handler_stopped() {
    let site = Site::with_limits(hasty);
    let mut peer = site.connect();
    peer.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(site.hears(), "started");
    let began = Instant::now();
    assert_eq!(site.hears(), "BrokenPipe");
    assert!(began.elapsed() < LATE, "{:?}", began.elapsed());
    site.settles("the connection", |site| site.running.stats().connections_open == 0);
    let answer = peer.answer();
    assert!(!answer.is_whole);
}

#[test]
fn a_client_that_reads_by_the_byte_is_cut_off() {
    let site = Site::with_limits(hasty);
    let mut peer = site.connect();
    peer.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(site.hears(), "started");
    let began = Instant::now();
    let reader = std::thread::spawn(move || {
        let mut taken = [0; 100];
        while began.elapsed() < LATE {
            std::thread::park_timeout(BEAT);
            match std::io::Read::read(&mut peer.stream, &mut taken) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    });
    assert_eq!(site.hears(), "BrokenPipe");
    assert!(began.elapsed() < LATE, "only its own end ended it");
    reader.join().expect("the reader ends with its connection");
}

#[test]
fn a_client_that_reads_at_its_own_pace_gets_all_of_it() {
    let site = Site::with_limits(hasty);
    let mut peer = site.connect();
    peer.send("GET /stream/12000000 HTTP/1.0\r\n\r\n");
    let mut count = 0;
    let mut taken = vec![0; 128 * 1024];
    loop {
        match std::io::Read::read(&mut peer.stream, &mut taken).expect("the server goes on") {
            0 => break,
            n => count += n,
        }
        std::thread::park_timeout(BEAT / 4);
    }
    assert!(count > 12_000_000, "{count} bytes came");
}

#[test]
fn answers_that_nobody_reads_stop_the_pipeline_that_asks_for_them() {
    let site = Site::with_limits(hasty);
    let mut peer = site.connect();
    let batch = "GET /stream/60000 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000);
    let mut batches = 0;
    while peer.try_send(&batch) {
        batches += 1;
        assert!(batches < 1000, "the server reads on and on");
    }
    let asked = site.running.stats().requests_total;
    assert!(asked < 2000, "{asked} requests were begun for a client that reads nothing");
    assert_ne!(peer.rest().1, End::Silent);
    site.settles("the connection", |site| site.running.stats().connections_open == 0);
    site.is_sound();
}
