//! Answering by asking somebody else: what a reverse proxy tells its shard.
//!
//! ```text
//!  begin(head) ─▶ Application::forward ─▶ Forward ─▶ shard: pooled or new connection, client role of the core
//!                 Application::forwarded ◀─ Forwarded::Head (the body follows by itself) or Forwarded::Failed
//! ```
//!
//! The shard moves the bytes on its own reactor, without a thread: what is read from one side is written
//! straight to the other, kept once where that side is slow, and asked for again only when it has gone on.

mod memory;
mod request;
mod reverse_proxy;

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};

use rws_core::connection::{BodyPlan, RequestOut};
use rws_core::h2::ErrorCode;
use rws_core::message::{FieldName, ResponseHead, Span};
use rws_core::{Error, PeerFault, Status};

use self::memory::{Kept, Memory};
pub use self::request::{ForwardOptions, Protocol};
pub use self::reverse_proxy::{ProxyState, ReverseProxy};

/// A request for an upstream.
#[derive(Debug)]
pub struct Forward {
    /// Where it can go.
    pub upstream: Arc<dyn Upstream>,
    /// How long to wait for a connection: µs.
    pub connect_timeout_us: u64,
    /// How long to wait for the next bytes of the upstream: µs.
    pub read_timeout_us: u64,
    /// The longest body: bytes. 413 beyond.
    pub body_bytes_max: u64,
    /// How long the whole exchange may take until its answer is whole, if it goes over HTTP/2: µs.
    pub(crate) total_timeout_us: u64,
    memory: Memory,
    /// Where the words stand in the arena of the fields.
    method: Span,
    /// `None`: it was written anew, into the memory's text.
    target: Option<Span>,
    authority: Span,
    pub(crate) protocol: Protocol,
    pub(crate) body: BodyPlan,
    /// The client waits for `100 (Continue)`.
    pub(crate) expects_continue: bool,
    /// The client wants to see the trailer section of the response.
    pub(crate) wants_trailers: bool,
    pub(crate) is_idempotent: bool,
    pub(crate) is_patient: bool,
    pub(crate) refused: Option<ForwardError>,
}

impl Forward {
    /// Replaces every field line with this name by one.
    ///
    /// # Errors
    /// As [`OwnedFields::set`](rws_core::message::OwnedFields::set).
    pub fn set_field<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        self.memory.kept().fields.set(name, value)
    }

    /// Removes every field line with this name; says how many there were.
    pub fn remove_field<'n>(&mut self, name: impl Into<FieldName<'n>>) -> usize {
        self.memory.kept().fields.remove(name)
    }

    /// Gives up before anything is sent: the application is told `error` as if an upstream had failed.
    pub const fn refuse(&mut self, error: ForwardError) {
        self.refused = Some(error);
    }

    /// Bounds the whole exchange, until its answer is whole: 504 after so many µs, or the answer is cut off. Heard for
    /// [`Protocol::Http2`] only.
    pub const fn limit_time(&mut self, us: u64) {
        self.total_timeout_us = us;
    }

    /// The client may be silent within its body for as long as it likes, as in a conversation. Heard for
    /// [`Protocol::Http2`] only.
    pub const fn be_patient(&mut self) {
        self.is_patient = true;
    }

    /// It is over: its memory is kept for the next.
    pub(crate) fn retire(self: Box<Self>) {
        memory::retire(self);
    }

    pub(crate) fn request(&self) -> RequestOut<'_> {
        let fields = self.memory.fields();
        let (arena, _) = fields.parts();
        RequestOut {
            method: self.method.bytes(arena),
            target: self.target.as_ref().map_or(self.memory.text(), |span| span.bytes(arena)),
            authority: self.authority.bytes(arena),
            fields,
            body: self.body,
            expect_continue: self.expects_continue,
            close: false,
        }
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.memory.give();
    }
}

/// The backends of one name.
pub trait Upstream: core::fmt::Debug + Send + Sync + 'static {
    /// Where a new request begins to look for its backend: a number that [`Upstream::backend`] understands.
    fn turn(&self) -> usize;

    /// The backend for try number `attempt` (from 0) of a request that began at `turn`; `None` if there is none
    /// left to try. The same question has the same answer.
    fn backend(&self, turn: usize, attempt: u32) -> Option<SocketAddr>;
}

/// One backend after the other; a request that one of them refuses goes on to the next.
#[derive(Debug)]
pub struct RoundRobin {
    backends: Vec<SocketAddr>,
    next: AtomicUsize,
}

impl RoundRobin {
    /// Turns among `backends`.
    pub const fn new(backends: Vec<SocketAddr>) -> RoundRobin {
        RoundRobin { backends, next: AtomicUsize::new(0) }
    }
}

impl Upstream for RoundRobin {
    fn turn(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn backend(&self, turn: usize, attempt: u32) -> Option<SocketAddr> {
        let attempt = attempt as usize;
        if attempt >= self.backends.len() {
            return None;
        }
        let place = turn.wrapping_add(attempt).checked_rem(self.backends.len())?;
        self.backends.get(place).copied()
    }
}

/// What became of a forwarded request.
#[derive(Clone, Copy, Debug)]
pub enum Forwarded<'e> {
    /// The upstream's response as it came, hop-by-hop fields included. Its body goes to the client behind
    /// the head that the application answers with.
    Head(ResponseHead<'e>, BodyPlan),
    /// There will be none.
    Failed(ForwardError),
}

/// Why an upstream gave no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardError {
    /// No backend is left to try.
    NoBackend,
    /// This process has no descriptor or memory left for a connection to a backend.
    NoSocket,
    /// The backend takes no connection.
    Connect,
    /// The backend did not take a connection in time.
    ConnectTimeout,
    /// The backend closed the connection before its response.
    Closed,
    /// The backend reset the request, with this code (RFC 9113 §7).
    Reset(ErrorCode),
    /// The backend did not answer in time.
    ReadTimeout,
    /// The backend broke the protocol.
    Protocol(PeerFault),
    /// The client's body is longer than the plan allows.
    BodyTooLarge,
    /// The head has no room for what has to be added to it.
    HeadTooLarge,
    /// A layer around the application has a hook for bodies, which forwarded ones do not pass through.
    LayerInTheWay,
}

impl ForwardError {
    /// 502 (Bad Gateway), 504 (Gateway Timeout), 413 or 431 where the request is too large, 503 or 500 where the
    /// server is at fault: for now, or until it is changed.
    pub const fn status(self) -> Status {
        match self {
            ForwardError::ConnectTimeout | ForwardError::ReadTimeout => Status::GATEWAY_TIMEOUT,
            ForwardError::BodyTooLarge => Status::CONTENT_TOO_LARGE,
            ForwardError::HeadTooLarge => Status::REQUEST_HEADER_FIELDS_TOO_LARGE,
            ForwardError::NoSocket => Status::SERVICE_UNAVAILABLE,
            ForwardError::LayerInTheWay => Status::INTERNAL_SERVER_ERROR,
            ForwardError::NoBackend
            | ForwardError::Connect
            | ForwardError::Closed
            | ForwardError::Reset(_)
            | ForwardError::Protocol(_) => Status::BAD_GATEWAY,
        }
    }

    /// One line that says what happened.
    pub const fn text(self) -> &'static str {
        match self {
            ForwardError::NoBackend => "no upstream is available",
            ForwardError::NoSocket => "the server is out of file descriptors or memory",
            ForwardError::Connect => "the upstream takes no connections",
            ForwardError::ConnectTimeout => "the upstream did not take a connection in time",
            ForwardError::Closed => "the upstream closed the connection",
            ForwardError::Reset(_) => "the upstream reset the request",
            ForwardError::ReadTimeout => "the upstream did not answer in time",
            ForwardError::Protocol(_) => "the upstream broke the protocol",
            ForwardError::BodyTooLarge => "the body is too large",
            ForwardError::HeadTooLarge => "the head is too large",
            ForwardError::LayerInTheWay => {
                "a layer changes bodies, and forwarded ones do not pass through it"
            }
        }
    }
}
