//! What an application is to the engine: a [`Service`], run in a [`Context`].
//!
//! ```text
//!   begin(head) ─▶ State ─▶ body(chunk)* ─▶ advance()* ─▶ head() ─▶ fill()* ─▶ trailers() ─▶ end(outcome)
//!   └────────────── jobs ───────────────────────────┘     └──── pulled by transmit ─────┘     └ a job
//! ```
//!
//! `begin`, `body`, `request_trailers`, `advance` and `end` are jobs: they run between verbs and may block where the adapter
//! allows it. `head`, `fill` and `trailers` are pulled by `transmit` and must not block. `State` owns no
//! borrow, so it fits a slab, a `static` or another thread.
//!
//! A driver calls `advance` after `begin`, after every `body`, and whenever the exchange is woken or an
//! interim response has gone out, as long as `head` has not given the final head. What a layer does to an
//! answer (its response hooks) happens there, so that nothing of it runs inside a verb.
//!
//! A service that has nothing to say yet parks its exchange ([`HeadAnswer::NotYet`], [`Fill::Blocked`]) and
//! has it woken later, by a waker that it took in a job: see [`WakeContext`].

use core::net::SocketAddr;
use core::task::Waker;

use crate::connection::{Fill, HeadAnswer, ResetCause, StreamId};
use crate::message::{FieldBlock, RequestHead, ResponseHead, Status};
use crate::{Instant, UnixTime};

/// What a job may ask its adapter for. Adapters extend it; a board without a clock or entropy implements
/// less, and what needs more fails in the type.
pub trait Context {
    /// The monotonic time of this turn.
    fn now(&self) -> Instant;

    /// The wall-clock time; `None` without a clock.
    fn unix_time(&self) -> Option<UnixTime>;

    /// Fills `out` from a cryptographically secure source.
    fn entropy(&mut self, out: &mut [u8]);

    /// The connection that the request came on.
    fn connection(&self) -> &ConnectionInfo;

    /// The exchange.
    fn stream(&self) -> StreamId;
}

/// A [`Context`] whose exchange can be woken from anywhere: a thread, another task, an interrupt.
///
/// The service takes a waker in a job, keeps it where the news will come from, and parks the exchange by
/// [`HeadAnswer::NotYet`] or [`Fill::Blocked`]. After a wake the driver asks again, soon and outside of the
/// call to `wake`: [`Service::advance`] and then [`Service::head`] while the head is not out,
/// [`Service::fill`] while the body is not complete.
///
/// ```text
///   job: keep cx.waker() ─▶ look for news ─▶ none: park      news first, then wake: none is lost
///                                  ▲                  │
///                                  └── driver asks ◀── wake()
/// ```
///
/// What drivers and services may rely on:
///
/// - A wake between the look for news and the parking counts. Wakes may be joined into one, and the driver
///   may ask without any, so a service looks again each time.
/// - A wake after the exchange has ended does nothing: not to the connection's next exchange either, beyond
///   asking it once too often. A service need not take its wakers back in time, only not hoard them.
/// - A waker that a service clones and drops never blocks.
pub trait WakeContext: Context {
    /// A handle that wakes this exchange. May cost an allocation on a server, so it is for those who park.
    fn waker(&self) -> Waker;
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The address of the peer; `None` on a transport without addresses.
    pub peer: Option<SocketAddr>,
    /// The address that it reached.
    pub local: Option<SocketAddr>,
    /// Whether the transport is encrypted.
    pub secure: bool,
}

/// What becomes of a body that a service is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Taken {
    /// All of the chunk was taken: that much credit goes back to the peer.
    All,
    /// The chunk was kept: its credit comes with [`Service::credit`], or through a handle of the driver's.
    Later,
    /// The rest of the body is not wanted: the answer decides.
    Stop,
    /// The exchange is cut off: the driver resets the stream, and `end` follows.
    Abort,
}

/// An answer that lies in memory as a whole.
#[derive(Clone, Copy, Debug)]
pub struct WholeAnswer<'s> {
    /// The final head.
    pub head: ResponseHead<'s>,
    /// All of the body.
    pub body: &'s [u8],
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outcome {
    /// The answer was handed to the transport whole.
    Complete {
        /// Its status.
        status: Status,
        /// Body bytes of the answer.
        body_bytes: u64,
    },
    /// The exchange was cut short.
    Aborted(ResetCause),
}

/// An application: answers requests. Shared by every connection, so it takes `&self`.
pub trait Service<C: Context + ?Sized> {
    /// What one exchange needs to remember. Owns no borrow.
    type State;

    /// A request head has come. [`head.body().follows()`](crate::message::BodyFraming::follows) says whether a
    /// body follows: if not, [`Service::body`] is not called.
    fn begin(&self, cx: &mut C, head: &mut RequestHead<'_>) -> Self::State;

    /// A piece of the request body; `end` with the last one (which may be empty).
    fn body(&self, cx: &mut C, state: &mut Self::State, chunk: &[u8], end: bool) -> Taken;

    /// A job: the trailer section behind the request's body (RFC 9110 §6.5), if one with fields has come. Right before the
    /// last call of [`Service::body`], which may bring the last piece, too. A layer that collects the body keeps it to
    /// itself.
    fn request_trailers(&self, cx: &mut C, state: &mut Self::State, trailers: FieldBlock<'_>) {
        let _ = (cx, state, trailers);
    }

    /// Body bytes that were kept with [`Taken::Later`] and are used up now: the driver grants as many. Asked after a
    /// wake; what it names is not named again. Must not block.
    fn credit(&self, state: &mut Self::State) -> u32 {
        let _ = state;
        0
    }

    /// A job: does what is left to do before `head` can be asked. A service that decides its answer in
    /// `begin` or `body`, or elsewhere, has nothing to do here.
    fn advance(&self, cx: &mut C, state: &mut Self::State) {
        let _ = (cx, state);
    }

    /// The answer's head, once it is decided. Must not block.
    fn head<'s>(&self, state: &'s mut Self::State) -> HeadAnswer<'s>;

    /// The answer, if its head and its body are decided and lie in memory as they are to be sent: the short way past
    /// `head` and `fill`, which a driver may still ask instead. Asked before the final head is given. Must not block.
    fn whole<'s>(&self, state: &'s Self::State) -> Option<WholeAnswer<'s>> {
        let _ = state;
        None
    }

    /// Body bytes of the answer. Must not block.
    fn fill(&self, state: &mut Self::State, out: &mut [u8]) -> Fill;

    /// Whether any answer is [`BodyPlan::Streamed`](crate::connection::BodyPlan). On a board a service whose answers all
    /// have a length says no, and saves the code that writes such bodies; one that is streamed all the same becomes
    /// a 500.
    fn streams(&self) -> bool {
        true
    }

    /// Whether [`Service::body`] wants to be called. On a board a service that never looks at a body says no, and saves the
    /// code that reads them: one that has a length is skipped, one in chunks ends the connection with its answer. A driver
    /// may call it all the same.
    fn reads_bodies(&self) -> bool {
        true
    }

    /// The answer's trailer section, after a streamed body.
    fn trailers<'s>(&self, state: &'s mut Self::State) -> FieldBlock<'s> {
        let _ = state;
        FieldBlock::EMPTY
    }

    /// The exchange is over; the last call for this state.
    fn end(&self, cx: &mut C, state: Self::State, outcome: Outcome) {
        let _ = (cx, state, outcome);
    }
}
