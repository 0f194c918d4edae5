//! HTTP/2 (RFC 9113): a connection of each role, over lent buffers and lent stream slots.
//!
//! ```text
//!            ┌──────────────── machine ────────────────────┐
//!   rx ─▶ frames ─▶ DATA ─▶ body ────────────────────────────▶ Event
//!            │      HEADERS, CONTINUATION ─▶ block ─▶ hpack ─▶ head ─▶ server, client ─▶ Event
//!            │      SETTINGS, PING, … ─▶ peer
//!            └ Fault: stream ─▶ RST_STREAM, connection ─▶ GOAWAY
//!
//!   tx ◀─ control (acknowledgements, credit, resets) ◀─ the machine
//!      ◀─ schedule ─▶ a stream's turn: its head (server, client), its content ◀─ Source
//! ```
//!
//! ```text
//!   Preface ── 24 bytes (server) ──▶ Settings ── the peer's SETTINGS ──▶ Open ── fault, drained ──▶ Ending
//!                                                                                        GOAWAY written │
//!                                                         Closed ◀── end of input, time ── Linger ◀─────┘
//! ```
//!
//! The states of streams are drawn in `stream`, those of a drain in `control`.
//!
//! A driver does what it does for [HTTP/1](crate::h1), for many exchanges at once:
//!
//! ```
//! use rws_core::connection::{BodyPlan, StreamId};
//! use rws_core::h2::{Inline, Server};
//! use rws_core::{
//!     ByteConnection, Env, Event, Field, Fill, HeadAnswer, Instant, Limits, ResponseHead, Scratch, Sent, Source,
//!     Status, h2,
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
//! let mut server = Server::new(&env, Inline::<4, 4096, 4096>::new());
//!
//! // Received: the preface, SETTINGS, and a request on stream 1 by four entries of the static table.
//! let mut rx = h2::PREFACE.to_vec();
//! rx.extend_from_slice(b"\0\0\0\x04\0\0\0\0\0");
//! rx.extend_from_slice(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a");
//! let mut at = 0;
//! let stream = loop {
//!     let step = server.receive(&env, &mut rx[at..], &mut scratch);
//!     at += step.consumed;
//!     if let Some(Event::Request { stream, head, end: true }) = step.event {
//!         assert_eq!(head.view(&rx, scratch.reborrow()).path(), "/");
//!         break stream;
//!     }
//! };
//! assert!(server.is_live(stream) && at == rx.len());
//!
//! // Answered: our SETTINGS, an acknowledgement, HEADERS and DATA in one piece.
//! let mut tx = [0; 32 * 1024];
//! let Sent::Bytes(len) = server.transmit(&env, &mut tx, &mut scratch, &mut Hello) else { panic!("an answer") };
//! assert!(tx[..len].ends_with(b"\0\0\x05\0\x01\0\0\0\x01hello"));
//! assert!(!server.is_live(stream));
//! server.flushed(&env, len);
//! ```
//!
//! Where to look: [`frame`] reads and writes frames, [`settings`] has what both sides say of themselves, [`head`] turns
//! field lines into heads and back; `machine` has what both roles do alike, `server` and `client` what they do not;
//! `stream`, `streams` and `schedule` are the slots, `early` has priorities of streams to come, `closed` what is remembered of them, `control` and `budget` bound
//! what a peer can cause; [`ErrorCode`] and [`Fault`] name what went wrong and how much of the connection it costs.

mod budget;
mod by_source;
mod client;
mod closed;
mod control;
mod early;
mod error_code;
mod fault;
pub mod frame;
pub mod head;
#[cfg(test)]
mod hostile;
mod machine;
mod memory;
mod news;
mod out;
#[cfg(test)]
mod pair;
pub mod priority;
mod role;
mod schedule;
mod server;
pub mod settings;
mod stream;
mod streams;
#[cfg(test)]
mod testing;

pub use client::Client;
pub use error_code::ErrorCode;
pub use fault::Fault;
pub use memory::{Inline, Lent, Memory};
pub use priority::Priority;
pub use role::Role;
pub use server::Server;
pub use stream::StreamSlot;

/// What a client sends before its first frame (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The highest stream identifier: 31 bits (RFC 9113 §5.1.1).
pub const STREAM_ID_MAX: u32 = 0x7fff_ffff;

/// The largest flow-control window: bytes (RFC 9113 §6.9.1).
pub const WINDOW_MAX: u32 = 0x7fff_ffff;
