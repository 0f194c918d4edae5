//! Handlers that block, over the wire: each connection gets its own answer, and nobody else waits for them.

#![expect(
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    reason = "a test; it has no use for alloc alone"
)]

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use rws_std::{App, Request, Server};

/// Longer than anything here takes; only a failure waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens when so many have come to it, so that their handlers return all at once.
#[derive(Debug, Default)]
struct Gate {
    waiting: Mutex<usize>,
    changed: Condvar,
}

impl Gate {
    fn wait_for(&self, everybody: usize) {
        let mut waiting = self.waiting.lock().unwrap();
        *waiting += 1;
        self.changed.notify_all();
        let is_missing = |waiting: &mut usize| *waiting < everybody;
        let (_waiting, timeout) = self.changed.wait_timeout_while(waiting, PATIENCE, is_missing).unwrap();
        assert!(!timeout.timed_out(), "not all handlers run at the same time");
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn ask(stream: &mut TcpStream, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
}

/// One answer, whose body must be as long as its head says.
fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 1024];
        let n = stream.read(&mut chunk).unwrap();
        assert_ne!(n, 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let length: usize = length.expect("a length");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(body.len() <= length, "more than one answer: {text}");
        if body.len() == length {
            return body.to_owned();
        }
    }
}

#[test]
fn answers_that_come_late_and_together_reach_each_its_own_connection() {
    const SLEEPERS: usize = 40;
    let gate = Arc::new(Gate::default());
    let app = App::new().get("/wait/:id", move |request: Request<'_>| {
        gate.wait_for(SLEEPERS);
        format!("answer {}", request.param("id"))
    });
    let running = Server::bind("127.0.0.1:0").unwrap().shards(1).start(app.finish().unwrap()).unwrap();
    let address = running.address();
    let mut streams: Vec<_> = (0..SLEEPERS).map(|_| connect(address)).collect();
    for (id, stream) in streams.iter_mut().enumerate() {
        ask(stream, &format!("/wait/{id}"));
    }
    for (id, stream) in streams.iter_mut().enumerate() {
        assert_eq!(answer(stream), format!("answer {id}"));
    }
    // All of them are sound: a second round comes by itself.
    for (id, stream) in streams.iter_mut().enumerate() {
        ask(stream, &format!("/wait/again-{id}"));
        assert_eq!(answer(stream), format!("answer again-{id}"));
    }
    drop(streams);
    assert_eq!(running.drain(), 0);
}

#[test]
fn a_request_is_answered_while_others_block() {
    const SLEEPERS: usize = 8;
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let app = App::new().get("/", || "quick").get("/wait", move || {
        held.wait_for(SLEEPERS + 1);
        "slow"
    });
    let running = Server::bind("127.0.0.1:0").unwrap().shards(1).start(app.finish().unwrap()).unwrap();
    let address = running.address();
    let mut sleepers: Vec<_> = (0..SLEEPERS).map(|_| connect(address)).collect();
    for sleeper in &mut sleepers {
        ask(sleeper, "/wait");
    }
    let patience = Instant::now() + PATIENCE;
    while *gate.waiting.lock().unwrap() < SLEEPERS {
        assert!(Instant::now() < patience, "the handlers wait for each other");
        std::thread::yield_now();
    }
    let mut quick = connect(address);
    for _ in 0..3 {
        ask(&mut quick, "/");
        assert_eq!(answer(&mut quick), "quick");
    }
    gate.wait_for(SLEEPERS + 1);
    for sleeper in &mut sleepers {
        assert_eq!(answer(sleeper), "slow");
    }
    drop((quick, sleepers));
    assert_eq!(running.drain(), 0);
}
