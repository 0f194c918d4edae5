//! A service whose paths misbehave on purpose, and clients for it.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{FieldBlock, RequestHead, ResponseHead};
use rws_core::service::{Outcome, Service, Taken, WholeAnswer};
use rws_core::{PeerFault, Status};
use rws_std::{Application, JobCx, Running, Server, Settings, Waker};

/// Longer than anything here takes; only a failure waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Holds handlers until it is opened.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// How many have come, and whether they may pass.
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        self.changed.notify_all();
        let is_shut = |state: &mut (usize, bool)| !state.1;
        let (_state, timeout) = self.changed.wait_timeout_while(state, PATIENCE, is_shut).unwrap();
        assert!(!timeout.timed_out(), "nobody opened the gate");
    }

    /// Whether `many` have come to it within `time`.
    pub(crate) fn is_reached(&self, many: usize, time: Duration) -> bool {
        let state = self.state.lock().unwrap();
        let is_missing = |state: &mut (usize, bool)| state.0 < many;
        !self.changed.wait_timeout_while(state, time, is_missing).unwrap().1.timed_out()
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

/// | path | what it does |
/// |---|---|
/// | `/in-HOOK` | panics in that hook |
/// | `/gate` | `begin` waits at the gate |
/// | `/body-gate` | the first `body` waits at the gate |
/// | `/abort-at-end` | cuts the exchange off once its body is whole |
/// | `/abort-fill` | gives half of its body up |
/// | `/park/ID` | answers when it is woken a second time |
/// | `/whole`, `/in-end` | answer in one piece |
/// | `/huge-head` | answers with a head beyond every limit |
/// | others | `ok`, after the body |
#[derive(Debug, Default)]
pub(crate) struct Probe {
    pub(crate) gate: Gate,
    pub(crate) wakers: Mutex<HashMap<String, Waker>>,
    pub(crate) log: Mutex<Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct Request {
    path: String,
    is_whole: bool,
    advances: usize,
    sent: usize,
}

impl Request {
    fn trips(&self, hook: &str) {
        assert!(self.path.strip_prefix("/in-") != Some(hook), "on purpose: {hook}");
    }
}

static HUGE: [u8; 60_000] = [b'x'; 60_000];

impl Service<JobCx> for Probe {
    type State = Request;

    fn begin(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> Request {
        let path = head.path().to_owned();
        self.note(format!("begin {path}"));
        self.wakers.lock().unwrap().insert(path.clone(), cx.waker());
        if path == "/gate" {
            self.gate.pass();
        }
        let is_whole = matches!(head.body(), rws_core::message::BodyFraming::None);
        let state = Request { path, is_whole, advances: 0, sent: 0 };
        state.trips("begin");
        state
    }

    fn body(&self, _: &mut JobCx, state: &mut Request, _: &[u8], end: bool) -> Taken {
        if state.path == "/body-gate" && !end {
            self.gate.pass();
        }
        state.trips("body");
        state.is_whole |= end;
        if end && state.path == "/abort-at-end" { Taken::Abort } else { Taken::All }
    }

    fn advance(&self, _: &mut JobCx, state: &mut Request) {
        state.advances += 1;
        state.trips("advance");
    }

    fn head<'s>(&self, state: &'s mut Request) -> HeadAnswer<'s> {
        state.trips("head");
        if !state.is_whole || (state.path.starts_with("/park/") && state.advances < 2) {
            return HeadAnswer::NotYet;
        }
        if state.path == "/huge-head" {
            const FIELD: &[rws_core::message::Field] = &[rws_core::message::Field::known(
                rws_core::message::KnownName::Etag,
                rws_core::message::Span { at: 0, len: 60_000 },
            )];
            let fields = FieldBlock::new(&HUGE, FIELD);
            return HeadAnswer::Final(ResponseHead { status: Status::OK, fields }, BodyPlan::None);
        }
        let streams = matches!(state.path.as_str(), "/in-later-fill" | "/in-trailers");
        let plan = if streams { BodyPlan::Streamed } else { BodyPlan::Sized(2) };
        HeadAnswer::Final(ResponseHead::bare(Status::OK), plan)
    }

    fn whole<'s>(&self, state: &'s Request) -> Option<WholeAnswer<'s>> {
        state.trips("whole");
        let is_asked_for = state.path == "/whole" || state.path == "/in-end";
        (is_asked_for && state.is_whole)
            .then_some(WholeAnswer { head: ResponseHead::bare(Status::OK), body: b"ok" })
    }

    fn fill(&self, state: &mut Request, out: &mut [u8]) -> Fill {
        state.trips("fill");
        if state.sent > 0 {
            state.trips("later-fill");
        }
        if state.sent > 0 && state.path == "/abort-fill" {
            return Fill::Abort;
        }
        let text = &b"ok"[state.sent..];
        let n = text.len().min(out.len()).min(1);
        out[..n].copy_from_slice(&text[..n]);
        state.sent += n;
        if state.sent == 2 { Fill::End(n) } else { Fill::More(n) }
    }

    fn trailers<'s>(&self, state: &'s mut Request) -> FieldBlock<'s> {
        state.trips("trailers");
        FieldBlock::EMPTY
    }

    fn end(&self, _: &mut JobCx, state: Request, outcome: Outcome) {
        self.note(format!("end {} {} {}", state.path, state.advances, told(outcome)));
        state.trips("end");
    }
}

fn told(outcome: Outcome) -> String {
    match outcome {
        Outcome::Complete { status, .. } => status.code().to_string(),
        Outcome::Aborted(cause) => format!("{cause:?}"),
    }
}

impl Application for Shared {
    fn refused(&self, _: &mut JobCx, _: Status, fault: PeerFault) {
        self.0.note(format!("refused {fault:?}"));
        assert!(!self.0.has_noted("begin /arm-refused"), "on purpose: refused");
    }

    fn direct(&self, state: &mut Request) -> u64 {
        state.trips("direct");
        0
    }

    fn forward(&self, state: &mut Request) -> Option<Box<rws_std::forward::Forward>> {
        state.trips("forward");
        None
    }
}

impl Probe {
    fn note(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }

    pub(crate) fn has_noted(&self, line: &str) -> bool {
        self.log.lock().unwrap().iter().any(|noted| noted == line)
    }

    pub(crate) fn count(&self, start: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|noted| noted.starts_with(start)).count()
    }

    /// Waits for a line of the log.
    #[track_caller]
    pub(crate) fn awaits(&self, line: &str) {
        eventually(line, || self.has_noted(line));
    }
}

/// The probe as an application that the test keeps a hand on.
#[derive(Debug)]
pub(crate) struct Shared(pub(crate) Arc<Probe>);

impl Service<JobCx> for Shared {
    type State = Request;
    fn begin(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> Request {
        self.0.begin(cx, head)
    }
    fn body(&self, cx: &mut JobCx, state: &mut Request, chunk: &[u8], end: bool) -> Taken {
        self.0.body(cx, state, chunk, end)
    }
    fn advance(&self, cx: &mut JobCx, state: &mut Request) {
        self.0.advance(cx, state);
    }
    fn head<'s>(&self, state: &'s mut Request) -> HeadAnswer<'s> {
        self.0.head(state)
    }
    fn whole<'s>(&self, state: &'s Request) -> Option<WholeAnswer<'s>> {
        self.0.whole(state)
    }
    fn fill(&self, state: &mut Request, out: &mut [u8]) -> Fill {
        self.0.fill(state, out)
    }
    fn trailers<'s>(&self, state: &'s mut Request) -> FieldBlock<'s> {
        self.0.trailers(state)
    }
    fn end(&self, cx: &mut JobCx, state: Request, outcome: Outcome) {
        self.0.end(cx, state, outcome);
    }
}

/// Serves the probe on one shard.
pub(crate) fn probe(settings: Settings) -> (Arc<Probe>, Running<Shared>) {
    let probe = Arc::new(Probe::default());
    (Arc::clone(&probe), serve(Shared(probe), settings))
}

pub(crate) fn serve<A: Application>(app: A, settings: Settings) -> Running<A> {
    Server::bind("127.0.0.1:0").unwrap().shards(1).settings(settings).start(app).unwrap()
}

/// Waits until `is_so`; fails if it does not come.
#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let patience = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < patience, "it never came to this: {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// One connection.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Client {
        Client::with(TcpStream::connect(address).unwrap())
    }

    /// One whose kernel takes little, so that the server's socket fills.
    pub(crate) fn narrow(address: SocketAddr) -> Client {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&address.into()).unwrap();
        Client::with(socket.into())
    }

    fn with(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(stream)
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    }

    /// One answer with a length: its status and its body.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> (u16, Vec<u8>) {
        let head = self.head();
        let status = head[9..12].parse().unwrap();
        let length =
            head.to_lowercase().lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).expect("a whole body");
        (status, body)
    }

    /// The head of an answer.
    #[track_caller]
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            let read = self.0.read(&mut byte);
            let n = read.unwrap_or_else(|e| panic!("{e} after {:?}", String::from_utf8_lossy(&head)));
            assert_ne!(n, 0, "closed after {:?}", String::from_utf8_lossy(&head));
            head.extend_from_slice(&byte);
        }
        String::from_utf8(head).unwrap()
    }

    /// Reads until something has come, or the connection ends.
    pub(crate) fn rest_of_one(&mut self) {
        let _ = self.0.read(&mut [0; 4096]);
    }

    /// All that still comes until the end; a reset ends it as well.
    pub(crate) fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut bytes) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "after {} bytes", bytes.len());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
