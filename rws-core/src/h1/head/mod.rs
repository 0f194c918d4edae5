//! Head parsing: request heads, response heads and trailer sections (RFC 9112 §2 to §7.1.2).
//!
//! ```text
//!   bytes ─▶ resume ─┬─ not due: look for the end, or for a byte that ends all hope, in the new bytes only
//!                    └─ due ─▶ start line ─▶ field lines ─▶ framing ─▶ spans
//! ```
//!
//! A parse is due when the bytes are new, when the end or a forbidden byte has come, and whenever their
//! number has passed a power of two. So a head that is already hopeless is refused early, and a head that
//! comes byte by byte costs linear time in total.
//!
//! Faults are found in the order of the bytes, and then those of the head as a whole (framing, `Host`,
//! target). A prefix therefore never gives another fault than the whole, wherever the bytes are split.
//!
//! `framing` alone decides how long a message is. What an `Expect`, `Upgrade` or `Connection` means is
//! decided in `control`.

mod control;
mod fields;
mod framing;
mod request;
mod response;
mod resume;
mod target;
mod trailers;

use self::request::RequestParser;
use self::response::ResponseParser;
use self::resume::Resume;
use self::trailers::TrailersParser;
use crate::connection::TrailerSpans;
use crate::message::{Method, RequestSpans, ResponseSpans, Scratch, Span};
use crate::scan;
use crate::{Limits, PeerFault};

/// A complete request head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedRequest {
    /// The head.
    pub spans: RequestSpans,
    /// Whether the client lets the connection be used again after this exchange (RFC 9112 §9.3).
    pub persistent: bool,
}

/// A complete response head (client role).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedResponse {
    /// The head.
    pub spans: ResponseSpans,
    /// Whether the server lets the connection be used again after this exchange (RFC 9112 §9.3); false
    /// too when the body ends with the connection.
    pub persistent: bool,
}

/// Parses a request head; `None` if it is not complete yet.
///
/// `bytes` starts at the head's first byte and may hold more than the head. `scanned` is 0 for a new head;
/// it remembers how far earlier calls have looked, for the same head with more bytes. `scratch.fields`
/// gets the field index, `scratch.bytes` the decoded path if it had to be decoded.
///
/// # Errors
/// What the client did wrong (RFC 9112 §2 to §6, RFC 9110 §7.2 and §10.1.1).
pub fn parse_request(
    bytes: &[u8],
    scanned: &mut u16,
    scratch: &mut Scratch<'_>,
    limits: &Limits,
) -> Result<Option<ParsedRequest>, PeerFault> {
    scan::dispatch(Resume(RequestParser { scratch, limits }), bytes, scanned)
}

/// Parses a response head (client role); `None` if it is not complete yet. `request_method` is that of the
/// request it answers; the rest is as in [`parse_request`].
///
/// # Errors
/// What the server did wrong (RFC 9112 §2 to §6).
pub fn parse_response(
    bytes: &[u8],
    scanned: &mut u16,
    request_method: Method,
    scratch: &mut Scratch<'_>,
    limits: &Limits,
) -> Result<Option<ParsedResponse>, PeerFault> {
    scan::dispatch(Resume(ResponseParser { request_method, scratch, limits }), bytes, scanned)
}

/// Parses a trailer section with its final empty line; `None` if it is not complete yet. The arguments are
/// as in [`parse_request`].
///
/// # Errors
/// What the peer did wrong; [`PeerFault::TrailerForbidden`] for a field that may not come after the body
/// (RFC 9110 §6.5.1).
pub fn parse_trailers(
    bytes: &[u8],
    scanned: &mut u16,
    scratch: &mut Scratch<'_>,
    limits: &Limits,
) -> Result<Option<TrailerSpans>, PeerFault> {
    scan::dispatch(Resume(TrailersParser { scratch, limits }), bytes, scanned)
}

/// Why a parse stopped before the end of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// More bytes are needed.
    Incomplete,
    /// The peer broke a rule.
    Fault(PeerFault),
}

impl From<PeerFault> for Stop {
    fn from(fault: PeerFault) -> Stop {
        Stop::Fault(fault)
    }
}

/// The span `from..to` of a head. No window is longer than 65,535 bytes, so nothing is cut off.
#[inline(always)]
fn span(from: usize, to: usize) -> Span {
    debug_assert!(from <= to && to <= usize::from(u16::MAX));
    Span { at: from as u16, len: to.wrapping_sub(from) as u16 }
}

#[cfg(test)]
mod tests;
