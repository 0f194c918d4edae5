//! What the server answers by itself, or cuts short, in the log and in the metrics of the site that it serves.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use rws_core::connection::{Fill, HeadAnswer};
use rws_core::message::{FieldBlock, RequestHead};
use rws_core::service::{Outcome, Service, Taken};
use rws_core::{PeerFault, Status};
use rws_proxy::config;
use rws_proxy::site::{Exchange, Site};
use rws_std::handover::ThreadLimits;
use rws_std::{Application, CutShort, JobCx, Running, Server, ServerHandle, Settings};

use crate::client::{Answer, Client};
use crate::server::Lines;

/// A site with what a site never does: handlers that panic at `/panic` and in the middle of a body, and one that
/// waits at `/wait` until it is let go.
struct Faulty {
    site: Site,
    is_let_go: Mutex<bool>,
    let_go: Condvar,
    waiting: AtomicUsize,
}

impl Service<JobCx> for Faulty {
    type State = Exchange;

    fn begin(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> Exchange {
        assert!(head.path() != "/panic", "a handler that panics");
        if head.path() == "/wait" {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let gate = self.is_let_go.lock().expect("no panic");
            drop(self.let_go.wait_while(gate, |is_let_go| !*is_let_go));
        }
        self.site.begin(cx, head)
    }
    fn body(&self, _: &mut JobCx, _: &mut Exchange, chunk: &[u8], _: bool) -> Taken {
        assert!(chunk != b"panic", "a handler that panics with an exchange");
        Taken::All
    }
    fn head<'s>(&self, state: &'s mut Exchange) -> HeadAnswer<'s> {
        self.site.head(state)
    }
    fn fill(&self, state: &mut Exchange, out: &mut [u8]) -> Fill {
        self.site.fill(state, out)
    }
    fn trailers<'s>(&self, state: &'s mut Exchange) -> FieldBlock<'s> {
        self.site.trailers(state)
    }
    fn end(&self, cx: &mut JobCx, state: Exchange, outcome: Outcome) {
        self.site.end(cx, state, outcome);
    }
}

impl Application for Faulty {
    fn direct(&self, state: &mut Exchange) -> u64 {
        self.site.direct(state)
    }
    fn send(&self, state: &mut Exchange, socket: BorrowedFd<'_>, len: u64) -> io::Result<usize> {
        self.site.send(state, socket, len)
    }
    fn cut_short(&self, state: &mut Exchange, cut: CutShort) {
        self.site.cut_short(state, cut);
    }
    fn not_begun(&self, cx: &mut JobCx, head: &RequestHead<'_>, status: Status) {
        self.site.not_begun(cx, head, status);
    }
    fn refused(&self, cx: &mut JobCx, status: Status, fault: PeerFault) {
        self.site.refused(cx, status, fault);
    }
    fn started(&self, server: &ServerHandle) {
        self.site.started(server);
    }
}

/// A server with one thread for handlers and room for one more that waits.
struct Stage {
    running: Running<Faulty>,
    lines: Lines,
    writer: rws_proxy::access_log::LogWriter,
}

impl Stage {
    fn new() -> Stage {
        let lines = Lines::default();
        let (writer, intake) = lines.writer();
        let text = "log_format = \"json\"\nrequest_body_bytes_max = 100\n\
                    [[route]]\nmatch = { path = \"/*\" }\naction = { type = \"respond\", body = \"hello\" }\n";
        let config = config::check_str(text).expect("a good configuration");
        let site = Site::new(&config, 1, Some(&intake)).expect("a site");
        let app = Faulty {
            site,
            is_let_go: Mutex::new(false),
            let_go: Condvar::new(),
            waiting: AtomicUsize::new(0),
        };
        let threads = ThreadLimits { blocking_threads_max: 1, queue_max: 1, ..ThreadLimits::default() };
        let mut settings = Settings { threads, ..Settings::default() };
        settings.limits.body_bytes_max = 100;
        settings.limits.head_timeout_us = 200_000;
        let server = Server::bind("127.0.0.1:0").expect("a free port").shards(1).settings(settings);
        Stage { running: server.start(app).expect("threads"), lines, writer }
    }

    fn client(&self) -> Client {
        Client::connect(self.running.address())
    }

    /// Sends this on a connection of its own and reads one answer.
    fn answer(&self, bytes: &str) -> Answer {
        let mut client = self.client();
        client.send(bytes);
        client.answer("GET")
    }

    /// Ends the server; the lines of its log.
    fn end(self) -> Vec<serde_json::Value> {
        *self.running.app().is_let_go.lock().expect("no panic") = true;
        self.running.app().let_go.notify_all();
        assert_eq!(self.running.drain(), 0);
        assert!(self.writer.finish(Duration::from_secs(10)), "the writer has ended");
        let text = self.lines.text();
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
    }
}

/// Method, path, status, level and error of a line.
fn told(line: &serde_json::Value) -> (&str, &str, u64, &str, &str) {
    let text = |name: &str| line[name].as_str().unwrap_or("");
    (text("method"), text("path"), line["status"].as_u64().unwrap_or(0), text("level"), text("error"))
}

#[test]
fn a_handler_that_panics_is_500_in_the_log_and_in_the_metrics() {
    let stage = Stage::new();
    assert_eq!(stage.answer("GET /panic?x=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: me\r\n\r\n").status, 500);
    let stats = stage.running.stats();
    assert_eq!((stats.requests_total, stats.errors_total, stats.panics_total), (1, 1, 1));
    let lines = stage.end();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(told(&lines[0]), ("GET", "/panic?x=1", 500, "error", ""));
    assert_eq!((lines[0]["user_agent"].as_str(), lines[0]["route"].as_str()), (Some("me"), Some("/*")));
}

#[test]
fn what_no_thread_is_free_for_is_503_in_the_log_and_in_the_metrics() {
    let stage = Stage::new();
    let send = || {
        let mut client = stage.client();
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        client
    };
    let settles = |is_so: &dyn Fn() -> bool| {
        let until = Instant::now() + Duration::from_secs(10);
        while !is_so() {
            assert!(Instant::now() < until, "{:?}", stage.running.threads());
            std::thread::yield_now();
        }
    };
    let _holds_the_thread = send();
    settles(&|| stage.running.app().waiting.load(Ordering::Relaxed) == 1);
    let _waits_for_it = send();
    settles(&|| stage.running.threads().queued == 1);
    let mut refused = send();
    let answer = refused.answer("GET");
    assert_eq!((answer.status, answer.field("Retry-After")), (503, Some("1")));
    let (stats, threads) = (stage.running.stats(), stage.running.threads());
    assert_eq!((stats.requests_total, stats.errors_total), (3, 1));
    assert_eq!((threads.queued, threads.refused_total), (1, 1), "THREAD_POOL_QUEUED is what waits");
    assert_eq!(stats.connections_open, 3, "ACTIVE_CONNECTIONS");
    let lines = stage.end();
    let of_503: Vec<_> = lines.iter().filter(|line| line["status"] == 503).map(told).collect();
    assert_eq!(of_503, [("GET", "/wait", 503, "error", "")]);
}

#[test]
fn a_handler_that_panics_over_a_body_ends_its_exchange_with_one_line() {
    let stage = Stage::new();
    let answer = stage.answer("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\npanic");
    // The page needs no body, so it may be out before the panic.
    assert!(matches!(answer.status, 200 | 500), "{answer:?}");
    let lines = stage.end();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["status"].as_u64(), Some(u64::from(answer.status)));
}

#[test]
fn requests_that_are_refused_are_in_the_log_with_the_reason() {
    let stage = Stage::new();
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n", 400, "Host is missing"),
        ("GET / HTTP/1.1\r\nHost: a", 408, "the request took too long to arrive"),
        (&long, 431, "the head is too large"),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505, "this HTTP version is not supported"),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405, "CONNECT is not served here"),
    ];
    for (bytes, status, _) in cases {
        assert_eq!(stage.answer(bytes).status, status);
    }
    let stats = stage.running.stats();
    assert_eq!((stats.refused_total, stats.errors_total, stats.requests_total), (5, 1, 0));
    let lines = stage.end();
    let told: Vec<_> = lines.iter().map(told).collect();
    let level = |status| if status == 505 { "error" } else { "warn" };
    let expected: Vec<_> =
        cases.iter().map(|&(_, status, error)| ("-", "-", u64::from(status), level(status), error)).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_body_that_breaks_the_protocol_costs_one_line_with_the_request_that_it_belongs_to() {
    let stage = Stage::new();
    let mut client = stage.client();
    client.send("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    let status = client.answer("GET").status;
    let lines = stage.end();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((lines[0]["method"].as_str(), lines[0]["path"].as_str()), (Some("POST"), Some("/upload")));
    assert_eq!(lines[0]["status"].as_u64(), Some(u64::from(status)));
}

#[test]
fn a_client_that_leaves_in_the_middle_is_an_aborted_exchange_with_what_it_got() {
    let lines = Lines::default();
    let (writer, intake) = lines.writer();
    let large = "x".repeat(32 << 20);
    let server = crate::server::Server::start(
        &[("large", &large)],
        "log_format = \"json\"\nroot = \"ROOT\"\n",
        Some(&intake),
    );
    let mut client = server.client();
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    client.wait_for_bytes();
    drop(client);
    server.await_metric("rws_route_aborted_total{route=\"/*\"} 1");
    server.stop();
    assert!(writer.finish(Duration::from_secs(10)), "the writer has ended");
    let text = lines.text();
    let line: serde_json::Value =
        serde_json::from_str(text.lines().find(|line| line.contains("/large")).expect("a line"))
            .expect("JSON");
    assert_eq!(told(&line), ("GET", "/large", 200, "warn", "the client has gone"));
    assert_eq!(line["aborted"], true);
    let bytes = line["bytes"].as_u64().expect("a number");
    assert!(bytes > 0 && bytes < large.len() as u64, "{bytes}");
}
