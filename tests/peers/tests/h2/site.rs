//! The server that is asked.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use rws_std::app::Wrapped;
use rws_std::{App, OwnedFields, Request, Response, Running, Server, Settings, Status, streaming};

use crate::client::PATIENCE;

/// What handlers wait for and tell.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    open: Mutex<bool>,
    changed: Condvar,
    pub(crate) waiting: AtomicUsize,
    /// Handlers that have begun to read a body as it comes.
    pub(crate) reading: AtomicUsize,
    /// Handlers that have seen their client go.
    pub(crate) abandoned: AtomicUsize,
}

impl Shared {
    /// Blocks until somebody opens the gate.
    fn wait(&self) -> bool {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let open = self.open.lock().unwrap();
        let (open, _) = self.changed.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap();
        *open
    }

    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

pub(crate) struct Site {
    pub(crate) running: Running<Wrapped<Arc<Shared>>>,
    pub(crate) shared: Arc<Shared>,
}

impl Site {
    pub(crate) fn new() -> Site {
        Site::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Site {
        let mut settings = Settings::default();
        change(&mut settings);
        let shared = Arc::new(Shared::default());
        let app = app(Arc::clone(&shared)).finish().unwrap();
        let server = Server::bind("127.0.0.1:0").unwrap().shards(1).settings(settings);
        Site { running: server.start(app).unwrap(), shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }
}

/// Waits until `is_so`; `what` is what is waited for.
pub(crate) fn settles(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Bytes that tell where they stand.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

fn app(shared: Arc<Shared>) -> App<Arc<Shared>> {
    App::with_state(shared)
        .get("/", || "Hello, World!")
        .get("/hello/:name", |request: Request| format!("Hello, {}!", request.param("name")))
        .get("/query", |request: Request| request.query("q").map(|q| q.into_owned()).unwrap_or_default())
        .get("/created", || Response::text("made").status(Status::CREATED).field("X-Kind", "test"))
        .get("/nothing", || ())
        .get("/cookies", |request: Request| {
            String::from_utf8_lossy(request.field("Cookie").unwrap_or_default()).into_owned()
        })
        .get("/two-cookies", || {
            Response::text("x").append_field("Set-Cookie", "a=1").append_field("Set-Cookie", "b=2")
        })
        .get("/authority", |request: Request| {
            String::from_utf8_lossy(request.head().authority()).into_owned()
        })
        .get("/version", |request: Request| request.head().version().as_str())
        .get("/panic", || -> &'static str { panic!("as asked") })
        .get("/nap/:ms", |request: Request| {
            thread::sleep(Duration::from_millis(request.param_as("ms").unwrap_or(0)));
            request.param("ms").to_owned()
        })
        .get("/wait", |shared: &Arc<Shared>| if shared.wait() { "waited" } else { "nobody came" })
        .get("/open", |shared: &Arc<Shared>| {
            shared.open();
            "open"
        })
        .get("/large/:len", |request: Request| {
            let len = request.param_as::<usize>("len").unwrap_or(0);
            Response::bytes(pattern(len))
        })
        .get("/stream/:len", |request: Request| {
            let len = request.param_as::<usize>("len").unwrap_or(0);
            let (response, mut writer) = request.stream();
            thread::spawn(move || {
                for piece in pattern(len).chunks(10_000) {
                    writer.write_all(piece).unwrap();
                }
                let mut trailers = OwnedFields::new();
                trailers.push("X-Length", len.to_string().as_bytes()).unwrap();
                writer.finish_with(trailers);
            });
            response
        })
        .get("/endless", |request: Request, shared: &Arc<Shared>| {
            let (response, mut writer) = request.stream();
            let shared = Arc::clone(shared);
            thread::spawn(move || {
                while writer.write_all(&[7; 1000]).is_ok() {}
                shared.abandoned.fetch_add(1, Ordering::SeqCst);
            });
            response
        })
        .get("/cut", |request: Request| {
            let (response, mut writer) = request.stream();
            writer.write_all(b"half").unwrap();
            response
        })
        .post("/collect", |request: Request| request.bytes().map(Response::bytes))
        .post("/sum", streaming(sum))
        .post("/echo", streaming(|request: Request| Response::body(request.into_body())))
        .post("/refuse", || Response::text("no").status(Status::FORBIDDEN))
}

/// Reads a body as it comes, and says how long it was.
fn sum(request: Request, shared: &Arc<Shared>) -> Response {
    let (mut body, mut bytes, mut piece) = (request.into_body(), 0, [0; 5000]);
    shared.reading.fetch_add(1, Ordering::SeqCst);
    loop {
        match body.read(&mut piece) {
            Ok(0) => return Response::text(bytes.to_string()),
            Ok(n) => bytes += n,
            Err(_) => {
                shared.abandoned.fetch_add(1, Ordering::SeqCst);
                return Response::new(Status::BAD_REQUEST);
            }
        }
    }
}
