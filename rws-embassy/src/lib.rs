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
//! [`net::Resources`] that the application puts into a `static`: see `examples/board` for an image.
//!
//! A connection without any IO, which is all that a driver adds:
//!
//! ```
//! use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
//! use rws_core::message::{RequestHead, Scratch};
//! use rws_core::service::{ConnectionInfo, Context, Service, Taken};
//! use rws_core::{Env, Field, Instant, Limits, ResponseHead, Status};
//! use rws_embassy::{BUFFER_BYTES, BoardContext, Drive, Lent, Next, Platform};
//!
//! struct Led;
//! impl<C: Context> Service<C> for Led {
//!     type State = ();
//!     fn begin(&self, _: &mut C, _: &mut RequestHead<'_>) {}
//!     fn body(&self, _: &mut C, _: &mut (), _: &[u8], _: bool) -> Taken {
//!         Taken::Stop
//!     }
//!     fn head<'s>(&self, _: &'s mut ()) -> HeadAnswer<'s> {
//!         HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Sized(3))
//!     }
//!     fn fill(&self, _: &mut (), out: &mut [u8]) -> Fill {
//!         out[..3].copy_from_slice(b"on\n");
//!         Fill::End(3)
//!     }
//! }
//!
//! struct Board;
//! impl Platform for Board {
//!     fn entropy(&self, out: &mut [u8]) {
//!         // A board asks its random number generator here.
//!         out.fill(4);
//!     }
//! }
//!
//! let env = Env { now: Instant::from_micros(0), limits: &Limits::DEVICE, date: None };
//! let mut cx = BoardContext::new(Board, ConnectionInfo { peer: None, local: None, secure: false });
//! let (mut buf, mut bytes, mut fields) = ([0; BUFFER_BYTES], [0; 256], [Field::ZERO; 24]);
//! let mut drive = Drive::new(&env);
//!
//! let request = b"GET /led HTTP/1.1\r\nHost: board\r\n\r\n";
//! drive.space(&mut buf, env.limits)[..request.len()].copy_from_slice(request);
//! drive.received(request.len());
//! let scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
//! let next = drive.turn(&env, &mut Lent { buf: &mut buf, scratch }, &Led, &mut cx);
//! assert_eq!(next, Next::Send);
//! assert_eq!(drive.unsent(&buf), b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\non\n");
//! ```
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
#[cfg(feature = "http2")]
pub use drive::Http2;
pub use drive::{Also, Drive, Lent, Next};
pub use handler::{AsyncHandler, Desk};
pub use serve::{Ended, Server, SharedScratch, Transport, serve};

/// Bytes of one connection's buffer that fit [`Limits::DEVICE`](rws_core::Limits::DEVICE).
pub const BUFFER_BYTES: usize = drive_bytes();

const fn drive_bytes() -> usize {
    Drive::<()>::buffer_bytes_min(&rws_core::Limits::DEVICE)
}
