//! The server under attack: the routes of `hello`, and some that misbehave on purpose.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rws_core::Limits;
use rws_core::route::MethodSet;
use rws_std::app::Wrapped;
use rws_std::{AppWithState, Response, Running, Server, Settings, handler, streaming};

use crate::peer::{PATIENCE, Peer};

/// Pairs of routes that block now and then.
pub(crate) const SURPRISES: usize = 64;

type Request<'r> = rws_std::Request<'r>;
type Shared = Arc<Seen>;

/// What handlers have seen.
pub(crate) struct Seen {
    /// Requests that reached `/hidden`, where no honest request leads.
    hidden: AtomicU64,
    told: Mutex<Sender<String>>,
}

impl Seen {
    fn tell(&self, text: impl Into<String>) {
        let _ = self.told.lock().expect("no holder panics").send(text.into());
    }
}

/// A server within this process.
pub(crate) struct Site {
    pub(crate) running: Running<Wrapped<Shared>>,
    seen: Shared,
    told: Receiver<String>,
}

impl Site {
    pub(crate) fn new() -> Site {
        Site::with(|_| {})
    }

    pub(crate) fn with_limits(change: impl FnOnce(&mut Limits)) -> Site {
        Site::with(|settings| change(&mut settings.limits))
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Site {
        Site::at("127.0.0.1:0", change)
    }

    pub(crate) fn at(address: &str, change: impl FnOnce(&mut Settings)) -> Site {
        let mut settings = Settings::default();
        change(&mut settings);
        let (sender, told) = channel();
        let seen = Arc::new(Seen { hidden: AtomicU64::new(0), told: Mutex::new(sender) });
        let app = app(Arc::clone(&seen)).finish().expect("sound routes");
        let server = Server::bind(address).expect("a free port").shards(1).settings(settings);
        Site { running: server.start(app).expect("threads and descriptors"), seen, told }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    pub(crate) fn connect(&self) -> Peer {
        Peer::connect(self.address())
    }

    /// How many requests have reached `/hidden`.
    pub(crate) fn hidden(&self) -> u64 {
        self.seen.hidden.load(Ordering::SeqCst)
    }

    /// The next thing that a handler has to say.
    #[track_caller]
    pub(crate) fn hears(&self) -> String {
        self.told.recv_timeout(PATIENCE).expect("a handler says something in time")
    }

    /// Asserts that `is_so` becomes true within the usual patience.
    #[track_caller]
    pub(crate) fn settles(&self, what: &str, is_so: impl Fn(&Site) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < until, "{what} does not settle: {:?}", self.running.stats());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Asserts that an ordinary request is served.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        let answer = self.connect().get("/");
        assert_eq!((answer.status, answer.text()), (200, "Hello, World!"));
    }
}

fn app(seen: Shared) -> AppWithState<Shared> {
    let app = AppWithState::with_state(seen)
        .get("/", || "Hello, World!")
        .get("/hello/:name", |request: Request<'_>| format!("Hello, {}!", request.param("name")))
        .get("/sleep/:ms", sleep)
        .post("/echo", streaming(|request: Request<'_>| Response::body(request.into_body())))
        .post("/collect", collect)
        .post("/measured", handler(collect).body_bytes_max(1000).require_length())
        .post("/ignore", || "not read\n")
        .post(
            "/drain",
            streaming(|request: Request<'_>| {
                io::copy(&mut request.into_body(), &mut io::sink()).map_or(0, |n| n).to_string()
            }),
        )
        .post("/drip-read", streaming(read_slowly))
        .route(MethodSet::ANY, "/hidden", hidden)
        .get("/panic", panic)
        .get("/panic-late/:ms", panic_late)
        .post("/panic-collected", panic)
        .post("/panic-streaming", streaming(panic))
        .get("/panic-midway", panic_midway)
        .get("/reflect", reflect)
        .get("/host", |request: Request<'_>| String::from_utf8_lossy(request.head().authority()).into_owned())
        .get("/stream/:bytes", stream)
        .get("/endless", endless);
    // Each route learns for itself that it blocks: many of them are many surprises.
    (0..SURPRISES).fold(app, |app, number| {
        app.get(&format!("/doze/{number}/:ms"), sleep).post(&format!("/brood/{number}"), collect)
    })
}

fn sleep(request: Request<'_>) -> String {
    let ms = request.param("ms").parse().expect("a number");
    std::thread::sleep(Duration::from_millis(ms));
    format!("slept {ms} ms\n")
}

/// Gives the body back, after as many milliseconds as the query says.
fn collect(request: Request<'_>) -> Response {
    let ms = request.raw_query().and_then(|query| core::str::from_utf8(query).ok()?.parse().ok());
    std::thread::sleep(Duration::from_millis(ms.unwrap_or(0)));
    Response::body(request.into_body().read_all(usize::MAX).expect("a collected body"))
}

fn hidden(_request: Request<'_>, seen: &Shared) -> &'static str {
    seen.hidden.fetch_add(1, Ordering::SeqCst);
    "hidden\n"
}

fn panic() -> &'static str {
    panic!("on purpose")
}

/// Blocks before it panics, so that its route is found out as one that blocks.
fn panic_late(request: Request<'_>) -> &'static str {
    sleep(request);
    panic()
}

/// Sends a part of its answer, then loses its thread.
fn panic_midway(request: Request<'_>) -> Response {
    let (response, mut writer) = request.stream();
    std::thread::spawn(move || {
        writer.write_all(b"the first half").expect("the client is there");
        panic!("on purpose");
    });
    response
}

/// Puts its query, percent-decoded, into a field: what an incautious handler does.
fn reflect(request: Request<'_>) -> Response {
    Response::text("reflected\n").field("X-Reflect", percent_decoded(request.raw_query().unwrap_or_default()))
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let code = if byte == b'%' { after.get(..2) } else { None };
        let code = code.and_then(|digits| u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &rest[2..] } else { rest };
    }
    bytes
}

fn stream(request: Request<'_>) -> Response {
    let bytes: usize = request.param("bytes").parse().expect("a number");
    let (response, mut writer) = request.stream();
    std::thread::spawn(move || {
        let chunk = [b's'; 10_000];
        let mut left = bytes;
        while left > 0 {
            let n = left.min(chunk.len());
            if writer.write_all(&chunk[..n]).is_err() {
                return;
            }
            left -= n;
        }
        writer.finish();
    });
    response
}

/// Writes until somebody stops it, and says why it stopped.
fn endless(request: Request<'_>, seen: &Shared) -> Response {
    let (response, mut writer) = request.stream();
    let seen = Arc::clone(seen);
    std::thread::spawn(move || {
        seen.tell("started");
        let chunk = [b'e'; 4096];
        let error = loop {
            if let Err(error) = writer.write_all(&chunk) {
                break error;
            }
        };
        seen.tell(format!("{:?}", error.kind()));
    });
    response
}

/// Reads its body byte by byte, and says how that ended.
fn read_slowly(request: Request<'_>, seen: &Shared) -> String {
    seen.tell("started");
    let mut body = request.into_body();
    let mut count = 0_u64;
    let outcome = loop {
        match body.read(&mut [0]) {
            Ok(0) => break "whole".to_owned(),
            Ok(_) => count += 1,
            Err(error) => break format!("{:?}", error.kind()),
        }
    };
    seen.tell(outcome.clone());
    format!("{count} bytes, {outcome}\n")
}
