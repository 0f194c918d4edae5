//! HTTP/1.1 and HTTP/1.0 (RFC 9112): a connection of each role, over lent buffers.
//!
//! ```text
//!   server role
//!          ┌──────────────── answer written ───────────────┐
//!          ▼                                               │
//!        Idle ── part of a head ──▶ Head ── the rest ──▶ Exchange ─┬─ answer written ──▶ Linger ──▶ Closed
//!          ▲                         │                      │ │    └─ 101 ──▶ Upgraded     ▲
//!          │                         └─ fault ─▶ Refusing ◀─┘ │                            │
//!          └── the rest is read ── Drain ◀────────────────────┘                            │
//!                                    └─ too much ──────────────────────────────────────────┘
//!
//!   Idle      a whole head at once: Exchange. Unused for too long, end of input, shutdown: Closed.
//!   Head      fault, or too slow: Refusing. End of input: Closed.
//!   Exchange  the answer is written to its end:
//!               the connection persists, the request was read to its end: Idle
//!               it persists, a little of the request is left: Drain
//!               it does not persist, or much is left: Linger
//!             fault or too slow before the answer's head: Refusing; after it: Closed, cut off.
//!   Drain     drops the rest of a request body. Malformed or more than linger_bytes_max: Linger.
//!   Refusing  the engine's own answer is written: Linger.
//!   Linger    nothing more is written; what comes is dropped, and past linger_bytes_max not even read. End of
//!             input, linger_timeout_us: Closed.
//! ```
//!
//! ```text
//!   client role
//!          ┌────────── no body ────────┬── the body's last byte ─┐
//!          ▼                           │                         │
//!        Idle ─────── open ───────▶ Waiting ── final head ──▶ Receiving
//!                                   │ ▲  └─ 101, or 2xx to CONNECT ──▶ Upgraded
//!                                   └─┘ interim head
//!
//!   Closed instead of Idle when one side does not persist, or the request was not written to its end;
//!   from anywhere at a fault, a truncation, a deadline, or bytes that answer no request.
//! ```
//!
//! Beside it the request goes its own way: head, then the body; held back for a `100 (Continue)`, stopped by
//! a final response that does not want the rest (RFC 9112 §9.5).
//!
//! One exchange at a time: while an answer is not written to its end, the next request stays in `rx`, so
//! that pipelined requests are answered in order (RFC 9112 §9.3.2), and into one `tx` if it has the room.
//!
//! A driver's turn is the same for each role:
//!
//! ```
//! use rws_core::connection::{BodyPlan, StreamId};
//! use rws_core::{
//!     ByteConnection, Env, Event, Field, Fill, HeadAnswer, Instant, Limits, ResponseHead, Scratch, Sent, Source,
//!     Status, h1,
//! };
//!
//! struct Hello;
//! impl Source for Hello {
//!     fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
//!         HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Sized(5))
//!     }
//!     fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
//!         out[..5].copy_from_slice(b"hello");
//!         Fill::End(5)
//!     }
//! }
//!
//! let env = Env { now: Instant::from_micros(0), limits: &Limits::SERVER, date: None };
//! let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 16]);
//! let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
//! let mut server = h1::Server::new(&env);
//!
//! // Received: a whole request. The view borrows `rx` until the driver drops `consumed` bytes of it.
//! let mut rx = *b"GET /greeting HTTP/1.1\r\nHost: a.example\r\n\r\n";
//! let step = server.receive(&env, &mut rx, &mut scratch);
//! let Some(Event::Request { head, end: true, .. }) = step.event else { panic!("a request without a body") };
//! assert_eq!(head.view(&rx, scratch.reborrow()).path(), "/greeting");
//! assert_eq!(step.consumed, rx.len());
//!
//! // Answered: head and body in one piece.
//! let mut tx = [0; 32 * 1024];
//! let Sent::Bytes(len) = server.transmit(&env, &mut tx, &mut scratch, &mut Hello) else { panic!("an answer") };
//! assert_eq!(&tx[..len], b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
//! server.flushed(&env, len);
//! ```
//!
//! Where to look: [`head`] reads start lines, fields and trailers and decides the framing of what comes;
//! `framing_out` decides that of what goes; `body` and `chunked` read bodies, `body_out` writes them;
//! `encode` writes heads into an `out`, `lines` makes constant fields at compile time; `deadlines` has the timers.

mod body;
mod body_out;
mod chunked;
mod client;
mod deadlines;
pub(crate) mod encode;
pub(crate) mod framing_out;
pub mod head;
mod lines;
pub(crate) mod out;
#[cfg(test)]
mod pair;
mod server;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod walk;

pub use client::Client;
pub use lines::{FieldLines, line_count};
pub use server::{Received, ReceivedHead, Server, Shed};
