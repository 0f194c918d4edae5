//! What a connection of any version looks like to a driver: events, verbs, and the source of its answers.
//!
//! ```text
//!   loop {
//!     receive(env, rx, scratch) ──▶ Step { consumed, event }      at most one event a call, bounded work
//!        Request / Response  head as spans; build the view with `spans.view(rx, scratch)`
//!        Body                a chunk of `rx`
//!        End                 the message is complete, trailers as spans
//!        Refused             the engine answers by itself and closes
//!     … run the job, then drop `consumed` bytes of rx …
//!     transmit(env, tx, scratch, source) ──▶ Sent                 pulls heads and bodies from the source
//!   }
//! ```
//!
//! No user code runs inside a verb except [`Source`], which must not block.

use crate::message::{Chunk, FieldBlock, RequestSpans, ResponseHead, ResponseSpans, Scratch, Version};
use crate::{Env, Error, Instant, PeerFault, Status};

/// Names one exchange on one connection. Opaque: a slot and a generation. In HTTP/1 the generation moves on
/// with every exchange, so a late answer cannot hit the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StreamId {
    slot: u32,
    generation: u32,
}

impl StreamId {
    /// The id of `slot` in its `generation`.
    pub const fn new(slot: u32, generation: u32) -> StreamId {
        StreamId { slot, generation }
    }

    /// The slot: small, dense, reused.
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// The generation: differs between exchanges that share a slot.
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

/// What one call of `receive` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes of `rx` that the driver discards once it is done with the event.
    pub consumed: usize,
    /// What happened. Nothing consumed and no event means that more bytes are needed.
    pub event: Option<Event>,
}

impl Step {
    /// More bytes are needed.
    pub const NEED_MORE: Step = Step { consumed: 0, event: None };
}

/// Something a driver must know. Spans are valid until the driver discards `consumed` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request head is complete (server role). `end`: there is no body, and no [`Event::End`] follows.
    Request {
        /// The exchange.
        stream: StreamId,
        /// The head.
        head: RequestSpans,
        /// No body follows.
        end: bool,
    },
    /// An interim response head (client role): another follows.
    Interim {
        /// The exchange.
        stream: StreamId,
        /// The head.
        head: ResponseSpans,
    },
    /// The final response head (client role). `end` as in [`Event::Request`].
    Response {
        /// The exchange.
        stream: StreamId,
        /// The head.
        head: ResponseSpans,
        /// No body follows.
        end: bool,
    },
    /// Some body bytes.
    Body {
        /// The exchange.
        stream: StreamId,
        /// Where they stand in `rx`.
        chunk: Chunk,
    },
    /// The message is complete.
    End {
        /// The exchange.
        stream: StreamId,
        /// The trailer section, if one came that has fields.
        trailers: Option<TrailerSpans>,
    },
    /// The exchange is over before its end: the peer's doing, or a deadline.
    Reset {
        /// The exchange.
        stream: StreamId,
        /// Why.
        cause: ResetCause,
    },
    /// Body bytes wait in `rx`, but the stream has no credit: `grant`, then call again.
    Stalled {
        /// The exchange.
        stream: StreamId,
    },
    /// The peer broke the protocol. The connection has its answer ready (server role) and closes after it:
    /// transmit, then close as [`Status::CloseAfterFlush`](ConnectionStatus::CloseAfterFlush) says. In HTTP/2 it may be
    /// one stream only that ends, with an answer or a reset: then the status is what it was. The named exchange is over
    /// for the driver; where the connection ends, all are.
    Refused {
        /// The exchange, if the head had been read.
        stream: Option<StreamId>,
        /// The status of the answer.
        status: Status,
        /// What was wrong.
        fault: PeerFault,
    },
    /// The connection ended where it may: nothing is lost.
    Closed,
}

/// A trailer section as spans: arena and index as in [`RequestSpans`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailerSpans {
    /// Bytes of the arena that belong to the section.
    pub arena_len: u16,
    /// Slots of `scratch.fields` in use.
    pub fields_len: u16,
    /// The version, which says where the arena is.
    pub version: Version,
}

impl TrailerSpans {
    /// The view of this section. `rx` and `fields` are what `receive` was given.
    pub fn view<'a>(&self, rx: &'a [u8], scratch: &'a Scratch<'_>) -> FieldBlock<'a> {
        let arena = if self.version.is_decoded() { &*scratch.bytes } else { rx };
        FieldBlock::new(
            arena.get(..usize::from(self.arena_len)).unwrap_or(&[]),
            scratch.fields.get(..usize::from(self.fields_len)).unwrap_or(&[]),
        )
    }
}

/// Why an exchange was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ResetCause {
    /// The connection ended in the middle of a message.
    Truncated,
    /// The peer was too slow with its body.
    BodyTimeout,
    /// The peer was too slow to take the answer.
    WriteTimeout,
    /// The peer reset the stream.
    ByPeer,
    /// This side reset the stream.
    ByUs,
}

/// What one call of `transmit` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(target_os = "none", repr(u8))]
pub enum Sent {
    /// This many bytes of `tx` are to be sent. Call again once there is room.
    Bytes(usize),
    /// `bytes` of `tx` are to be sent, and after them `len` body bytes of `stream` that the driver sends by
    /// itself (`sendfile`, a large slice), reporting them with [`Connection::sent`].
    Direct {
        /// Bytes of `tx` that go first.
        bytes: usize,
        /// The exchange.
        stream: StreamId,
        /// Body bytes that follow.
        len: u64,
    },
    /// `tx` is too small for the next step: lend at least this many bytes.
    NeedRoom(usize),
    /// Nothing to send now.
    Nothing,
    /// Nothing to send any more: the connection can be closed (see [`Connection::status`] for how).
    Close,
}

/// What a source says of a head.
#[derive(Debug)]
pub enum HeadAnswer<'b> {
    /// Not decided yet: the stream is parked until `wake`.
    NotYet,
    /// An interim response (1xx, not 101); the source is asked again.
    Interim(ResponseHead<'b>),
    /// The final response and its body.
    Final(ResponseHead<'b>, BodyPlan),
}

/// What body follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(target_os = "none", repr(u8))]
pub enum BodyPlan {
    /// None.
    None,
    /// Exactly this many bytes.
    Sized(u64),
    /// Until the source says that it ends; trailers may follow.
    Streamed,
}

/// A request of ours (client role). The engine writes the request line, `Host`, the framing, `Expect` and
/// `Connection`.
#[derive(Clone, Copy, Debug)]
pub struct RequestOut<'b> {
    /// The method's spelling.
    pub method: &'b [u8],
    /// The request target as it is to stand in the request line (RFC 9112 §3.2).
    pub target: &'b [u8],
    /// The value of `Host`.
    pub authority: &'b [u8],
    /// The other fields. `Upgrade` and `TE` get the connection options that they need; a `Connection: close`
    /// is heard like `close`.
    pub fields: FieldBlock<'b>,
    /// The body.
    pub body: BodyPlan,
    /// Hold the body until the server asks for it, answers, or `expect_timeout_us` has passed
    /// (RFC 9110 §10.1.1).
    pub expect_continue: bool,
    /// Use the connection for no other request after this.
    pub close: bool,
}

/// What a source put into the slice that it was lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fill {
    /// `n` bytes, and there is more.
    More(usize),
    /// `n` bytes, and they are the last.
    End(usize),
    /// Nothing now: the stream is parked until `wake`.
    Blocked,
    /// The body cannot be completed: the exchange is cut off so that the peer sees it as incomplete.
    Abort,
}

/// Where a connection pulls the messages of this side from. Must not block.
///
/// A server's source implements [`Source::head`], a client's [`Source::request`].
pub trait Source {
    /// The response head of `stream` (server role). Asked for when `tx` can hold it, and not again once it
    /// was final.
    fn head(&mut self, stream: StreamId) -> HeadAnswer<'_> {
        let _ = stream;
        HeadAnswer::NotYet
    }

    /// The request of `stream` (client role). Asked for until its head fits into `tx`; `None` parks the
    /// stream until `wake`.
    fn request(&mut self, stream: StreamId) -> Option<RequestOut<'_>> {
        let _ = stream;
        None
    }

    /// Body bytes of `stream` into `out`, which is never empty and already clipped to window and space.
    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill;

    /// How many of the next body bytes the driver would rather send by itself; 0 means `fill`. Not asked on targets
    /// without an operating system.
    fn direct(&mut self, stream: StreamId) -> u64 {
        let _ = stream;
        0
    }

    /// Whether any body is [`BodyPlan::Streamed`]. A source that says no has none refused with a 500, and the code that
    /// writes such bodies is not linked for it.
    fn streams(&self) -> bool {
        true
    }

    /// The trailer section of a streamed body that has ended.
    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        let _ = stream;
        FieldBlock::EMPTY
    }

    /// Nothing more of this side's message is asked for: it is written to its end (`complete`), or was given up after
    /// [`Fill::Abort`] or a misuse. With it a server's exchange is over; a client's is if it is not `complete`. HTTP/2
    /// says so of each message, HTTP/1 of none.
    fn ended(&mut self, stream: StreamId, complete: bool) {
        let _ = (stream, complete);
    }
}

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnectionStatus {
    /// It takes requests.
    Open,
    /// It finishes what it has and takes no more.
    Draining,
    /// Send what is in `tx`, half-close, drop what still arrives for `linger_timeout_us`, close.
    CloseAfterFlush,
    /// It can be closed now.
    Closed,
    /// It speaks another protocol now: the bytes left in `rx` belong to that.
    Upgraded,
}

/// The verbs that every version has, in both roles.
pub trait Connection {
    /// `bytes` more body bytes of `stream` may come. The first grant sends `100 (Continue)` where the
    /// client waits for it.
    ///
    /// # Errors
    /// [`Misuse::StaleStream`](crate::Misuse) if the exchange is over.
    fn grant(&mut self, stream: StreamId, bytes: u32) -> Result<(), Error>;

    /// A parked stream may go on: its source has an answer or bytes now. Harmless if it is not parked.
    fn wake(&mut self, stream: StreamId);

    /// The body that the peer sends on `stream` may stand still for as long as it likes, as that of a conversation does:
    /// no rate is asked of it. HTTP/1 goes on asking.
    fn be_patient(&mut self, stream: StreamId) {
        let _ = stream;
    }

    /// Gives up an exchange: nothing more is sent or received for it. HTTP/1 closes the connection.
    fn reset(&mut self, stream: StreamId);

    /// `bytes` of a [`Sent::Direct`] run went out. After the last of them `transmit` goes on, and ends the
    /// exchange if nothing follows.
    ///
    /// # Errors
    /// [`Misuse`](crate::Misuse) if no such run is under way or it is shorter.
    fn sent(&mut self, stream: StreamId, bytes: u64) -> Result<(), Error>;

    /// How many more bytes `receive` could use; 0 means: do not read.
    fn rx_want(&self) -> usize;

    /// Whether `transmit` has something to do.
    fn wants_transmit(&self) -> bool;

    /// How the connection stands.
    fn status(&self) -> ConnectionStatus;

    /// When [`Connection::on_deadline`] wants to be called; [`Instant::NEVER`] if never.
    fn next_deadline(&self) -> Instant;

    /// The deadline has passed (a call too early does nothing).
    fn on_deadline(&mut self, env: &Env<'_>) -> Option<Event>;

    /// Drain: finish what is under way, take no more, say so to the peer.
    fn shutdown(&mut self, env: &Env<'_>);
}

/// The verbs of connections that run over a byte stream: HTTP/1 and HTTP/2.
pub trait ByteConnection: Connection {
    /// Takes the next step on received bytes. `rx` starts where the last call stopped consuming.
    fn receive(&mut self, env: &Env<'_>, rx: &mut [u8], scratch: &mut Scratch<'_>) -> Step;

    /// The peer has sent all it will send. Ends a body that ends with the connection, makes truncation an
    /// error. `rx` must have been offered to `receive` until it asked for more.
    fn receive_end(&mut self, env: &Env<'_>) -> Option<Event>;

    /// Writes what can be sent into `tx`, pulling from `source`.
    fn transmit<S: Source + ?Sized>(
        &mut self,
        env: &Env<'_>,
        tx: &mut [u8],
        scratch: &mut Scratch<'_>,
        source: &mut S,
    ) -> Sent;

    /// `bytes` of what `transmit` wrote were taken by the transport (for the write-rate deadline). Those of a
    /// [`Sent::Direct`] run are told by [`Connection::sent`] alone.
    fn flushed(&mut self, env: &Env<'_>, bytes: usize);
}
