//! HTTP/2 (RFC 9113): frames, settings and heads.
//!
//! ```text
//!   rx ─▶ frame::FrameHeader ─▶ check ─▶ Data, Headers, Ping, …      one file for each kind of frame
//!                                 │
//!                                 └─ Fault { Connection | Stream, ErrorCode }
//! ```
//!
//! Where to look: [`frame`] reads and writes frames, [`head`] heads and trailers, [`settings`] has what both sides say
//! of themselves, [`priority`] how urgent an answer is; [`ErrorCode`] and [`Fault`] name what went wrong and how much of
//! the connection it costs.

mod budget;
mod by_source;
mod client;
mod closed;
mod control;
mod error_code;
mod fault;
pub mod frame;
pub mod head;
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
