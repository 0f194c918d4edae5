//! rws on a microcontroller: the engine of `rws-core` over `embedded-io` streams and `embassy-net` sockets.
//!
//! ```text
//!   embassy-net socket ─▶ net::Slot::run ─┐
//!   any embedded-io-async stream ─▶ serve ┴─▶ ┌───────┐      Service, Middleware, routes: the same as on a server
//!   any embedded-io stream ─▶ blocking::serve │ Drive │ ◀──▶ in a BoardContext
//!   your own poll loop ───────────────────────└───────┘
//! ```
//!
//! No allocator, no panic path, no unsafe code. A connection is a [`Drive`] (a machine, a service's state, a few
//! counters) and one buffer; memory for heads is shared by all connections. All of it lies in a
//! [`net::Resources`] that the application puts into a `static`.
#![no_std]
#![deny(missing_docs)]
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::large_futures
    )
)]

#[cfg(test)]
extern crate std;

pub mod blocking;
pub mod context;
pub mod drive;
mod exchange;
pub mod handler;
mod log;
#[cfg(feature = "embassy-net")]
pub mod net;
pub mod serve;

pub use context::{BoardContext, Platform};
pub use drive::{Drive, Lent, Next};
pub use handler::{AsyncHandler, Desk};
pub use serve::{Ended, Server, SharedScratch, Transport, serve};

/// Bytes of one connection's buffer that fit [`Limits::DEVICE`](rws_core::Limits::DEVICE).
pub const BUFFER_BYTES: usize = drive_bytes();

const fn drive_bytes() -> usize {
    Drive::<()>::buffer_bytes_min(&rws_core::Limits::DEVICE)
}
