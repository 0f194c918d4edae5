//! Rapid Reset by a crowd (CVE-2023-44487), each within its own share of resets: what its handlers are still at when their
//! streams are over holds threads, and must not hold them all.

use core::time::Duration;
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rws_std::app::Wrapped;
use rws_std::handover::ThreadStats;
use rws_std::{AppWithState, Placement, Request, Running, Server as Served, Settings, handler};
use rws_tests::h2::codes::REFUSED_STREAM;
use rws_tests::h2::frame::{END_HEADERS, END_STREAM, HEADERS, frame, rst_stream};
use rws_tests::h2::{End, Peer, Stop};

use crate::neighbour::Neighbour;
use crate::server::{MIB, PATIENCE, Server, get, scale};

/// Connections of the crowd.
const CROWD: usize = 250;
/// What each may reset within a minute.
const RESETS: u32 = 400;
/// Threads have stacks, and there may be some hundreds of them.
const GROWTH_BYTES_MAX: u64 = 64 * MIB;
/// The longest that a neighbour may wait: a hundred thousand requests at once are work, even if all are given up. Built for
/// speed the server takes a quarter of a second.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Bytes of a burst: together they fit what a socket holds, so that nobody waits for anybody.
const REQUESTS_PER_BURST: u32 = 100;

const fn stream(number: u32) -> u32 {
    2 * number + 1
}

/// Requests to a handler that sleeps, each of them reset at once.
fn burst(from: u32) -> Vec<u8> {
    let head = get("/sleep/20");
    let one = |number| {
        let request = frame(HEADERS, END_STREAM | END_HEADERS, stream(number), &head.0);
        [request, rst_stream(stream(number), 8)].concat()
    };
    (from..from + REQUESTS_PER_BURST).flat_map(one).collect()
}

/// A request is served once no handler is at work for nobody any more, and refused until then.
fn is_served_again(peer: &mut Peer, mut stream: u32, path: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        peer.request(stream, &get(path));
        let response =
            peer.response(stream).unwrap_or_else(|stop| panic!("{stop}; it sent {}", peer.story()));
        if response.end != End::Reset(REFUSED_STREAM) {
            return assert_eq!(response.status, 200, "{}", response.text());
        }
        assert!(Instant::now() < until, "handlers are at work for ever");
        std::thread::park_timeout(Duration::from_millis(200));
        stream += 2;
    }
}

/// Measured with a server that forgot such handlers: the neighbours got 503 within a second.
#[test]
fn a_crowd_that_resets_what_sleeps_leaves_threads_to_its_neighbours() {
    let server = Server::start();
    let before = server.peak_bytes();
    let neighbours = ["/", "/sleep/1"].map(|path| Neighbour::asking(&server, path));
    for _ in 0..1 + scale().min(4) {
        let mut crowd: Vec<Peer> = (0..CROWD).map(|_| server.open(&[])).collect();
        for peer in &mut crowd {
            peer.audits = false;
        }
        for from in (0..RESETS).step_by(REQUESTS_PER_BURST as usize) {
            let burst = burst(from);
            for peer in &mut crowd {
                assert!(peer.send(&burst), "{}", Stop::Closed);
            }
        }
        for peer in crowd.iter_mut().step_by(10) {
            is_served_again(peer, stream(RESETS), "/");
        }
    }
    for neighbour in neighbours {
        neighbour.was_served_within(WAIT_MAX);
    }
    let grown = server.peak_bytes() - before;
    println!("the server grew by {} KiB", grown / 1024);
    assert!(grown < GROWTH_BYTES_MAX, "it grew by {grown} bytes");
    server.rests();
    server.is_sound();
}

/// A server of one thread beside its shard, whose handlers say that they have begun and wait for the test.
struct Site {
    running: Running<Wrapped<Arc<Gate>>>,
    begun: Receiver<String>,
    /// Dropped, it lets all handlers go.
    gate: Sender<()>,
}

struct Gate {
    begun: Mutex<Sender<String>>,
    opened: Mutex<Receiver<()>>,
}

impl Site {
    fn new(streams_max: u16, threads: usize) -> Site {
        let ((begins, begun), (gate, opened)) = (channel(), channel());
        let shared = Arc::new(Gate { begun: Mutex::new(begins), opened: Mutex::new(opened) });
        let mut settings = Settings::default();
        settings.threads.blocking_threads_max = threads;
        settings.threads.queue_max = 4;
        settings.limits.streams_max = streams_max;
        let app = AppWithState::with_state(shared)
            .get("/", || "Hello, World!")
            .get("/inline/:name", handler(wait).placement(Placement::Inline))
            .get("/wait/:name", handler(wait).placement(Placement::Offload));
        let server = Served::bind("127.0.0.1:0").expect("a free port").shards(1).settings(settings);
        let running = server.start(app.finish().expect("sound routes")).expect("threads and descriptors");
        Site { running, begun, gate }
    }

    fn open(&self) -> Peer {
        Peer::open(self.running.address(), PATIENCE, &[])
            .unwrap_or_else(|stop| panic!("no connection: {stop}"))
    }

    /// The next handler that begins.
    fn begun(&self) -> String {
        self.begun.recv_timeout(PATIENCE).expect("a handler begins")
    }

    fn wait_until(&self, is_so: impl Fn(ThreadStats) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self.running.threads()) {
            assert!(Instant::now() < until, "{:?}", self.running.threads());
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

fn wait(request: Request, gate: &Arc<Gate>) -> &'static str {
    let _ = gate.begun.lock().expect("no holder panics").send(request.param("name").to_owned());
    let _ = gate.opened.lock().expect("no holder panics").recv();
    "waited"
}

fn refused(peer: &mut Peer, stream: u32, path: &str) {
    peer.request(stream, &get(path));
    let response = peer.response(stream).unwrap_or_else(|stop| panic!("{stop}"));
    assert_eq!(response.end, End::Reset(REFUSED_STREAM), "{response:?}");
}

#[test]
fn a_stream_that_is_over_counts_as_long_as_its_handler_runs_and_its_neighbours_go_on() {
    let site = Site::new(4, 1);
    let mut peer = site.open();
    peer.request(1, &get("/wait/first"));
    assert_eq!(site.begun(), "first");
    peer.send(rst_stream(1, 8));
    for (stream, path) in [(3, "/wait/second"), (5, "/wait/third"), (7, "/wait/fourth")] {
        peer.request(stream, &get(path));
    }
    refused(&mut peer, 9, "/wait/fifth");
    peer.send([rst_stream(3, 8), rst_stream(7, 8)].concat());
    peer.ping().expect("it goes on");
    // Two of three have left the queue, and their places are free at once.
    let threads = site.running.threads();
    assert_eq!((threads.queued, threads.called_off_total), (1, 2), "{threads:?}");
    peer.request(11, &get("/wait/sixth"));
    peer.request(13, &get("/wait/seventh"));
    refused(&mut peer, 15, "/");
    let Site { running, begun, gate } = site;
    drop(gate);
    for stream in [5, 11, 13] {
        assert_eq!(peer.response(stream).map(|response| response.status), Ok(200));
    }
    is_served_again(&mut peer, 17, "/");
    assert_eq!(running.drain(), 0);
    assert_eq!(begun.iter().collect::<Vec<_>>(), ["third", "sixth", "seventh"], "no other has begun");
}

/// Its shard was taken from under it.
#[test]
fn a_handler_that_began_on_its_shard_counts_as_well_when_its_stream_is_over() {
    let site = Site::new(1, 4);
    let mut peer = site.open();
    peer.request(1, &get("/inline/first"));
    assert_eq!(site.begun(), "first");
    peer.send(rst_stream(1, 8));
    refused(&mut peer, 3, "/");
    drop(site.gate);
    is_served_again(&mut peer, 5, "/");
}

#[test]
fn what_a_connection_has_queued_goes_with_it() {
    let site = Site::new(4, 1);
    let mut busy = site.open();
    busy.request(1, &get("/wait/first"));
    assert_eq!(site.begun(), "first");
    let mut peer = site.open();
    peer.request(1, &get("/wait/second"));
    peer.request(3, &get("/wait/third"));
    let mut old = TcpStream::connect(site.running.address()).expect("it accepts");
    old.write_all(b"GET /wait/fourth HTTP/1.1\r\nHost: a\r\n\r\n").expect("it reads");
    site.wait_until(|threads| threads.queued == 3);
    rws_std::sys::close_with_reset(peer.stream.into());
    site.wait_until(|threads| threads.called_off_total == 2);
    rws_std::sys::close_with_reset(old.into());
    site.wait_until(|threads| threads.called_off_total == 3 && threads.queued == 0);
    drop(site.gate);
    assert_eq!(busy.response(1).map(|response| response.status), Ok(200));
    assert_eq!(site.running.drain(), 0);
    assert_eq!(site.begun.iter().next(), None, "nobody began for them");
}
