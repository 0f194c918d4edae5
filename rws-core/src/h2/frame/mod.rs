//! Frames (RFC 9113 §4 and §6, RFC 9218 §7.1).
//!
//! ```text
//!    0        3      4       5               9
//!   ┌────────┬──────┬───────┬───────────────┬──────────────────────────────────────────┐
//!   │ length │ kind │ flags │ R + stream id │ payload: [pad length] … [padding]        │
//!   └────────┴──────┴───────┴───────────────┴──────────────────────────────────────────┘
//!     FrameHeader::read ─▶ check ─▶ one of the kinds ::read(header, payload)
//! ```
//!
//! [`FrameHeader::check`] judges all that nine bytes tell: lengths and on which stream a kind may stand. What a kind's
//! `read` looks at is only the fixed part of its payload, so that DATA and field blocks may come piece by piece
//! through a buffer that is smaller than a frame; `None` means that this part has not all come yet. What is written is
//! an array, or a header whose payload follows.
//!
//! Rules that need to know a connection (which streams exist, whose they are, what may stand between a HEADERS and
//! its CONTINUATION, windows) are not here.

mod continuation;
mod data;
mod goaway;
mod header;
mod headers;
mod kind;
mod padding;
mod ping;
mod priority;
mod priority_update;
mod push_promise;
mod rst_stream;
mod settings;
mod window_update;

pub use continuation::Continuation;
pub use data::Data;
pub use goaway::Goaway;
pub use header::FrameHeader;
pub use headers::Headers;
pub use kind::FrameKind;
pub use ping::Ping;
pub use priority::{Priority, PriorityData};
pub use priority_update::PriorityUpdate;
pub use push_promise::PushPromise;
pub use rst_stream::RstStream;
pub use settings::Settings;
pub use window_update::WindowUpdate;

/// The flags of frames. Those that a kind has no use for are ignored (RFC 9113 §4.1).
pub mod flags {
    /// Of DATA and HEADERS: this side sends nothing more on the stream.
    pub const END_STREAM: u8 = 0x1;
    /// Of SETTINGS and PING: an answer to the peer's.
    pub const ACK: u8 = 0x1;
    /// Of HEADERS, PUSH_PROMISE and CONTINUATION: the field block ends here.
    pub const END_HEADERS: u8 = 0x4;
    /// Of DATA, HEADERS and PUSH_PROMISE: the payload begins with the length of its padding.
    pub const PADDED: u8 = 0x8;
    /// Of HEADERS: priority data stand before the field block (RFC 7540 §6.2).
    pub const PRIORITY: u8 = 0x20;
}

/// `header` and a payload of four bytes.
const fn with_word(header: FrameHeader, word: u32) -> [u8; 13] {
    let [a, b, c, kind, flags, s, t, u, v] = header.bytes();
    let [w, x, y, z] = word.to_be_bytes();
    [a, b, c, kind, flags, s, t, u, v, w, x, y, z]
}

/// `header` and a payload of eight bytes.
const fn with_two_words(header: FrameHeader, payload: [u8; 8]) -> [u8; 17] {
    let [a, b, c, kind, flags, s, t, u, v] = header.bytes();
    let [k, l, m, n, o, p, q, r] = payload;
    [a, b, c, kind, flags, s, t, u, v, k, l, m, n, o, p, q, r]
}

#[cfg(test)]
mod tests;
