//! What is a framing error on a server is the same error on the board: every request of the corpora and every attack of
//! `smuggling`, to both, with the same limits.
//!
//! What comes back is compared whole, but for request ids, `Date` and interim answers (whether a `100` is due depends on
//! whether the body is there already). The engine says by itself which connections must end without being asked to.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rws_core::testing::wire::{self, Ending};
use rws_tests::corpora::{self, Request};
use rws_tests::device::Target as Device;
use rws_tests::peer::{End, Peer};
use rws_tests::smuggling;

use crate::machine::{Machine, Target};

/// At a time: of its eight sockets the board has so many more at the end of a connection.
const CONNECTIONS: usize = 3;

/// What came back, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    text: String,
    end: End,
}

fn hear(address: SocketAddr, request: &Request, at_a_time: usize) -> Heard {
    let mut peer = Peer::connect(address);
    // The server may be done with us before we are with it.
    let _ = request.raw.chunks(at_a_time).all(|piece| peer.try_send(piece));
    let reading = wire::requests(&device::LIMITS, &[&request.raw]);
    if !matches!(reading.ending, Ending::Refused(_) | Ending::Closing) {
        peer.half_close_if_open();
    }
    let (bytes, end) = peer.rest();
    Heard { text: comparable(&bytes), end }
}

/// Without what differs between two runs.
fn comparable(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string().replace("\\r\\n", "\n").replace("\\n", "\n");
    let text = text.replace("HTTP/1.1 100 Continue\n\n", "");
    let lines = text.lines().filter(|line| !line.starts_with("Date: "));
    let lines =
        lines.map(|line| if line.starts_with("X-Request-ID: ") { "X-Request-ID: <id>" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// Each request on a connection of its own.
fn hear_all(address: SocketAddr, requests: &[Request], at_a_time: usize) -> Vec<Heard> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut heard = Vec::new();
        while let Some((at, request)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            requests.get(at).map(|request| (at, request))
        } {
            heard.push((at, hear(address, request, at_a_time)));
        }
        heard
    };
    let mut all = thread::scope(|scope| {
        let takers: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(take)).collect();
        takers.into_iter().flat_map(|taker| taker.join().expect("a client")).collect::<Vec<_>>()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, heard)| heard).collect()
}

/// Asserts that both say the same to each request.
fn are_alike(requests: &[Request], target: Target, at_a_time: usize) {
    let (server, board) = (Device::start(), Machine::start("firmware", target));
    let (expected, heard) = thread::scope(|scope| {
        let expected = scope.spawn(|| hear_all(server.address(), requests, at_a_time));
        let heard = hear_all(board.address, requests, at_a_time);
        (expected.join().expect("the server's answers"), heard)
    });
    let mut wrong = String::new();
    for ((request, board), server) in requests.iter().zip(&heard).zip(&expected) {
        if board != server {
            let raw = request.raw.escape_ascii();
            wrong += &format!("{}: {raw}\nboard {board:?}\nserver {server:?}\n\n", request.name);
        }
    }
    assert!(wrong.is_empty(), "{target:?}, {at_a_time} bytes at a time:\n{wrong}");
    let refused = expected.iter().filter(|heard| heard.text.contains("Connection: close")).count();
    assert!(refused >= REFUSED_MIN, "{refused} of {}: are these the requests?", requests.len());
}

/// So many of each collection are refused.
const REFUSED_MIN: usize = 250;

#[test]
fn each_request_of_the_corpora_is_answered_as_by_the_server() {
    let requests = corpora::requests();
    if requests.is_empty() {
        return;
    }
    for target in Target::ALL {
        are_alike(&requests, target, usize::MAX);
    }
}

#[test]
fn each_attempt_at_smuggling_is_answered_as_by_the_server() {
    let requests = smuggling::requests();
    for target in Target::ALL {
        are_alike(&requests, target, usize::MAX);
    }
}

/// A head that is wrong already may be refused before its end or at its end: it gets one.
fn with_an_end(mut request: Request) -> Request {
    let reads = |pieces: &[&[u8]]| wire::requests(&device::LIMITS, pieces);
    let whole = reads(&[&request.raw]);
    if reads(&request.raw.chunks(1).collect::<Vec<_>>()) != whole {
        request.raw.extend_from_slice(b"\r\n\r\n");
    }
    request
}

#[test]
fn the_pieces_that_a_request_comes_in_change_nothing() {
    let requests = smuggling::requests().into_iter().chain(corpora::requests());
    let requests: Vec<Request> = requests.map(with_an_end).collect();
    are_alike(&requests, Target::CortexM4, 16);
    are_alike(&requests, Target::CortexM0, 1);
}
