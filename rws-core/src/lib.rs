//! The sans-IO, `no_std`, no-alloc HTTP engine of rws.
//!
//! ```text
//!   bytes in ─▶ receive ─▶ Event ─▶ (driver runs a job: middleware, route, handler) ─▶ transmit ─▶ bytes out
//!                  ▲                                                                    ▲
//!                  └──────────────── Env { now, limits, date } lent to every verb ──────┘
//! ```
//!
//! A connection stores spans and counters, never a borrow; buffers are lent per call. Time, bytes and
//! entropy come in as arguments, so the same inputs give the same outputs, byte for byte.
//!
//! Where to look: [`message`] (heads and fields), [`connection`] (events and verbs), [`h1`] (HTTP/1.1), [`h2`] (HTTP/2),
//! [`hpack`] (its field compression), [`grpc`] (what a call is made of), [`service`] and [`middleware`] (what an
//! application implements), [`route`], [`semantics`] (ranges, conditional requests, dates, media types), `json` (feature
//! `json`).
#![no_std]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

#[cfg(any(feature = "alloc", test))]
extern crate alloc;
#[cfg(test)]
extern crate std;

/// Whether bytes of code count for more than speed: on targets without an operating system. What is written twice for
/// its speed has only its short form there, and what is `inline(always)` elsewhere, as
/// `cfg_attr(not(target_os = "none"), inline(always))`, is left to the compiler.
/// Enums that hold 64 bits are `repr(u8)` there: their tags would be of 64 bits otherwise, which is two registers.
pub(crate) const SMALL: bool = cfg!(target_os = "none");

/// Whether answers have reason phrases, and the engine's own refusals a line that says what was wrong. Nobody needs
/// either (RFC 9112 §4), and they take 2.5 KB: a target without an operating system has them with the feature `texts`.
pub(crate) const TEXTS: bool = !SMALL || cfg!(feature = "texts");

mod compression;
pub mod connection;
pub mod env;
pub mod error;
pub mod grpc;
pub mod h1;
pub mod h2;
pub mod hpack;
#[cfg(feature = "json")]
pub mod json;
pub mod limits;
pub mod message;
pub mod middleware;
pub mod route;
mod scan;
pub mod semantics;
pub mod service;
#[cfg(any(test, feature = "alloc"))]
pub mod testing;
pub mod time;

pub use connection::{ByteConnection, Connection, Event, Fill, HeadAnswer, Sent, Source, Step, StreamId};
pub use env::Env;
pub use error::{Capacity, Error, Misuse, PeerFault};
pub use limits::Limits;
pub use message::{
    Field, FieldBlock, FieldBlockMut, FieldName, KnownName, Method, RequestHead, ResponseHead, Scratch, Span,
    Status, Version,
};
pub use service::{Context, Service, WakeContext};
pub use time::{Instant, UnixTime};
