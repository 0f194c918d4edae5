//! Runs a [`Service`] in memory, without a connection: what unit tests of services and layers use. And
//! [`wire`] runs an HTTP/1 role over bytes.
//!
//! ```
//! use rws_core::Status;
//! use rws_core::testing::{Exchange, Fixed, TestContext};
//!
//! let service = Fixed::text(Status::OK, "hello");
//! let answer = Exchange::get("/").fill_bytes(1).run(&service, &mut TestContext::default());
//! assert_eq!(answer.status(), Status::OK);
//! assert_eq!(answer.body(), b"hello");
//! ```

pub mod wire;

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::task::Waker;

use crate::connection::{BodyPlan, Fill, HeadAnswer, ResetCause, StreamId};
use crate::message::{
    BodyFraming, FieldBlock, Method, OwnedFields, PathAt, RequestHead, RequestSpans, ResponseHead, Scratch,
    Span, TargetForm, TargetSpans,
};
use crate::service::{ConnectionInfo, Context, Outcome, Service, Taken, WakeContext};
use crate::{Field, FieldName, Instant, KnownName, Status, UnixTime, Version};

/// A [`Context`] whose time stands still and whose entropy is a counted sequence.
#[derive(Clone, Debug)]
pub struct TestContext {
    /// What `now` says.
    pub now: Instant,
    /// What `unix_time` says.
    pub unix_time: Option<UnixTime>,
    /// What `connection` says; the peer is 192.0.2.1 by default.
    pub connection: ConnectionInfo,
    /// The next byte of entropy; each one is one more than the one before.
    pub entropy_next: u8,
    /// What `waker` gives; one that wakes nothing by default.
    pub waker: Waker,
}

impl Default for TestContext {
    fn default() -> TestContext {
        TestContext {
            now: Instant::from_micros(0),
            unix_time: Some(UnixTime(0)),
            connection: ConnectionInfo {
                peer: Some(SocketAddr::from(([192, 0, 2, 1], 50_000))),
                local: None,
                secure: false,
            },
            entropy_next: 1,
            waker: Waker::noop().clone(),
        }
    }
}

impl Context for TestContext {
    fn now(&self) -> Instant {
        self.now
    }
    fn unix_time(&self) -> Option<UnixTime> {
        self.unix_time
    }
    fn entropy(&mut self, out: &mut [u8]) {
        for byte in out {
            *byte = self.entropy_next;
            self.entropy_next = self.entropy_next.wrapping_add(1);
        }
    }
    fn connection(&self) -> &ConnectionInfo {
        &self.connection
    }
    fn stream(&self) -> StreamId {
        StreamId::new(0, 1)
    }
}

impl WakeContext for TestContext {
    fn waker(&self) -> Waker {
        self.waker.clone()
    }
}

/// A request, and how its bytes come and go.
#[derive(Clone, Debug)]
pub struct Exchange {
    method: String,
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    framing: BodyFraming,
    body: Vec<u8>,
    trailers: OwnedFields,
    chunk_bytes: usize,
    fill_bytes: usize,
    scratch_bytes: usize,
    wakes_max: usize,
}

impl Exchange {
    /// A request without a body. `target` is taken as it is: its path is not decoded.
    pub fn new(method: &str, target: &str) -> Exchange {
        Exchange {
            method: String::from(method),
            target: String::from(target),
            fields: Vec::new(),
            framing: BodyFraming::None,
            body: Vec::new(),
            trailers: OwnedFields::new(),
            chunk_bytes: usize::MAX,
            fill_bytes: 1024,
            scratch_bytes: 4096,
            wakes_max: 64,
        }
    }

    /// A GET request.
    pub fn get(target: &str) -> Exchange {
        Exchange::new("GET", target)
    }

    /// Adds a field line.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Exchange {
        self.fields.push((String::from(name), Vec::from(value.as_bytes())));
        self
    }

    /// A body whose length the head tells.
    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Exchange {
        self.framing = BodyFraming::Sized(body.len() as u64);
        self.body = Vec::from(body);
        self
    }

    /// A body whose length shows only at its end.
    #[must_use]
    pub fn streamed(mut self, body: &[u8]) -> Exchange {
        self.framing = BodyFraming::Streamed;
        self.body = Vec::from(body);
        self
    }

    /// A field line behind the body. What cannot stand in one is left out.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Exchange {
        let _ = self.trailers.push(name, value.as_bytes());
        self
    }

    /// The body comes in pieces of this many bytes.
    #[must_use]
    pub const fn chunk_bytes(mut self, bytes: usize) -> Exchange {
        self.chunk_bytes = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// The answer's body is asked for in pieces of this many bytes.
    #[must_use]
    pub const fn fill_bytes(mut self, bytes: usize) -> Exchange {
        self.fill_bytes = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Memory for edits of the request head: bytes.
    #[must_use]
    pub const fn scratch_bytes(mut self, bytes: usize) -> Exchange {
        self.scratch_bytes = bytes;
        self
    }

    /// Calls `look` with the head of this request.
    pub fn with_head<T>(&self, look: impl FnOnce(&mut RequestHead<'_>) -> T) -> T {
        let mut arena = Vec::new();
        let mut put = |bytes: &[u8]| {
            let at = arena.len();
            arena.extend_from_slice(bytes);
            Span::of(at, arena.len()).unwrap_or(Span::EMPTY)
        };
        let (method_at, raw) = (put(self.method.as_bytes()), put(self.target.as_bytes()));
        let query_at = self.target.find('?');
        let path_len = query_at.unwrap_or(self.target.len()) as u16;
        let path = if self.target.starts_with('/') {
            PathAt::Arena(Span { at: raw.at, len: path_len })
        } else {
            PathAt::Nowhere
        };
        let query = query_at.map(|_| {
            let skipped = path_len.saturating_add(1);
            Span { at: raw.at.saturating_add(skipped), len: raw.len.saturating_sub(skipped) }
        });
        let mut authority = Span::EMPTY;
        let mut fields = Vec::new();
        for (name, value) in &self.fields {
            match FieldName::new(name.as_bytes()) {
                FieldName::Known(known) => {
                    let value = put(value);
                    if known == KnownName::Host {
                        authority = value;
                    }
                    fields.push(Field::known(known, value));
                }
                FieldName::Other(name) => {
                    let name = put(name);
                    fields.extend(Field::named(name, put(value)));
                }
            }
        }
        let spans = RequestSpans {
            arena_len: arena.len() as u16,
            fields_len: fields.len() as u16,
            method: Method::from_bytes(self.method.as_bytes()),
            method_at,
            target: TargetSpans { form: TargetForm::Origin, raw, path, query, authority },
            version: Version::Http11,
            body: self.framing,
            expect_continue: self.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("expect")),
            upgrade: false,
        };
        let mut bytes = alloc::vec![0; self.scratch_bytes];
        fields.resize(fields.len().saturating_add(64), Field::default());
        look(&mut spans.view(&arena, Scratch { bytes: &mut bytes, fields: &mut fields }))
    }

    /// Runs `service` over this request to the end, or until it stands still.
    pub fn run<C, S>(&self, service: &S, cx: &mut C) -> Answer
    where
        C: Context + ?Sized,
        S: Service<C>,
    {
        let mut state = self.with_head(|head| service.begin(cx, head));
        let mut answer = Answer::default();
        let mut feed = Feed::new(self);
        let mut wakes = 0;
        let end = loop {
            if answer.head.is_none() {
                service.advance(cx, &mut state);
            }
            let pulled = pull(service, &mut state, self.fill_bytes, &mut answer);
            match pulled {
                Pulled::Some => wakes = 0,
                Pulled::All => break None,
                Pulled::Aborted => break Some(ResetCause::ByUs),
                Pulled::Nothing => wakes += 1,
            }
            if let Some((chunk, end)) = feed.next(self.chunk_bytes) {
                if answer.head.is_none() {
                    answer.taken_before_head += chunk.len();
                }
                if end && !self.trailers.block().is_empty() {
                    service.request_trailers(cx, &mut state, self.trailers.block());
                }
                match service.body(cx, &mut state, chunk, end) {
                    Taken::All | Taken::Later => wakes = 0,
                    Taken::Stop => feed = Feed::default(),
                    Taken::Abort => break Some(ResetCause::ByUs),
                }
            }
            if wakes > self.wakes_max {
                answer.is_stalled = true;
                break Some(ResetCause::ByUs);
            }
        };
        answer.is_aborted = end.is_some();
        let outcome = match (end, &answer.head) {
            (None, Some(head)) => {
                Outcome::Complete { status: head.status, body_bytes: answer.body.len() as u64 }
            }
            (cause, _) => Outcome::Aborted(cause.unwrap_or(ResetCause::ByUs)),
        };
        service.end(cx, state, outcome);
        answer
    }
}

/// What is left of a request's body.
#[derive(Default)]
struct Feed<'e> {
    left: &'e [u8],
    is_open: bool,
}

impl<'e> Feed<'e> {
    fn new(exchange: &'e Exchange) -> Feed<'e> {
        Feed { left: &exchange.body, is_open: exchange.framing.follows() }
    }

    fn next(&mut self, bytes_max: usize) -> Option<(&'e [u8], bool)> {
        if !self.is_open {
            return None;
        }
        let (chunk, left) = self.left.split_at(bytes_max.min(self.left.len()));
        self.left = left;
        self.is_open = !left.is_empty();
        Some((chunk, !self.is_open))
    }
}

enum Pulled {
    Some,
    All,
    Nothing,
    Aborted,
}

/// What `transmit` does with a source: a head if there is none yet, else some of the body.
fn pull<C, S>(service: &S, state: &mut S::State, fill_bytes: usize, answer: &mut Answer) -> Pulled
where
    C: Context + ?Sized,
    S: Service<C>,
{
    if answer.head.is_none() {
        return match service.head(state) {
            HeadAnswer::NotYet => Pulled::Nothing,
            HeadAnswer::Interim(head) => {
                answer.interim.push(AnswerHead::of(head));
                Pulled::Some
            }
            HeadAnswer::Final(head, plan) => {
                answer.head = Some(AnswerHead::of(head));
                answer.plan = Some(plan);
                if matches!(plan, BodyPlan::None) { Pulled::All } else { Pulled::Some }
            }
        };
    }
    let mut out = alloc::vec![0; fill_bytes];
    let (n, pulled) = match service.fill(state, &mut out) {
        Fill::More(n) => (n, Pulled::Some),
        Fill::End(n) => (n, Pulled::All),
        Fill::Blocked => (0, Pulled::Nothing),
        Fill::Abort => (0, Pulled::Aborted),
    };
    answer.body.extend_from_slice(out.get(..n).unwrap_or(&[]));
    if matches!(pulled, Pulled::All) {
        answer.trailers = OwnedFields::copy_of(service.trailers(state));
    }
    pulled
}

/// A head that was answered with.
#[derive(Clone, Debug)]
pub struct AnswerHead {
    status: Status,
    fields: OwnedFields,
}

impl AnswerHead {
    fn of(head: ResponseHead<'_>) -> AnswerHead {
        AnswerHead { status: head.status, fields: OwnedFields::copy_of(head.fields) }
    }

    /// The status.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The fields.
    pub fn fields(&self) -> FieldBlock<'_> {
        self.fields.block()
    }
}

/// All that a service answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    head: Option<AnswerHead>,
    interim: Vec<AnswerHead>,
    plan: Option<BodyPlan>,
    body: Vec<u8>,
    trailers: OwnedFields,
    taken_before_head: usize,
    is_aborted: bool,
    is_stalled: bool,
}

impl Answer {
    /// The final head, if one came.
    pub const fn head(&self) -> Option<&AnswerHead> {
        self.head.as_ref()
    }

    /// The final status.
    ///
    /// # Panics
    /// If no final head came: this is for tests.
    #[expect(clippy::expect_used, reason = "a test driver fails by panicking")]
    pub fn status(&self) -> Status {
        self.head.as_ref().expect("the service gave no final head").status
    }

    /// The first value of a field of the final head.
    pub fn field(&self, name: &str) -> Option<&str> {
        core::str::from_utf8(self.head.as_ref()?.fields().first(name)?).ok()
    }

    /// The interim heads.
    pub fn interim(&self) -> &[AnswerHead] {
        &self.interim
    }

    /// The plan that came with the final head.
    pub const fn plan(&self) -> Option<BodyPlan> {
        self.plan
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The trailer section.
    pub fn trailers(&self) -> FieldBlock<'_> {
        self.trailers.block()
    }

    /// Bytes of the request body that the service was given before its final head.
    pub const fn taken_before_head(&self) -> usize {
        self.taken_before_head
    }

    /// Whether the exchange was cut off.
    pub const fn is_aborted(&self) -> bool {
        self.is_aborted
    }

    /// Whether the service stood still until the driver gave up.
    pub const fn is_stalled(&self) -> bool {
        self.is_stalled
    }
}

/// A service that always answers the same.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    status: Status,
    body: &'static [u8],
}

impl Fixed {
    /// Answers with this status and body, without fields.
    pub const fn text(status: Status, body: &'static str) -> Fixed {
        Fixed { status, body: body.as_bytes() }
    }
}

impl<C: Context + ?Sized> Service<C> for Fixed {
    type State = usize;

    fn begin(&self, _cx: &mut C, _head: &mut RequestHead<'_>) -> usize {
        0
    }
    fn body(&self, _cx: &mut C, _sent: &mut usize, _chunk: &[u8], _end: bool) -> Taken {
        Taken::All
    }
    fn head<'s>(&self, _sent: &'s mut usize) -> HeadAnswer<'s> {
        HeadAnswer::Final(ResponseHead::bare(self.status), BodyPlan::Sized(self.body.len() as u64))
    }
    fn fill(&self, sent: &mut usize, out: &mut [u8]) -> Fill {
        let left = self.body.get(*sent..).unwrap_or(&[]);
        let n = left.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), left.get(..n)) {
            to.copy_from_slice(from);
        }
        *sent += n;
        if n == left.len() { Fill::End(n) } else { Fill::More(n) }
    }
}
