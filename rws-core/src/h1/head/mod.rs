//! Head parsing: request heads, response heads and trailer sections (RFC 9112 §2 to §7.1.2).
//!
//! ```text
//!   bytes ─▶ resume ─┬─ not due: look for the end, or for a byte that ends all hope, in the new bytes only
//!                    └─ due ─▶ start line ─▶ field lines ─▶ framing ─▶ spans
//! ```
//!
//! A parse is due when the bytes are new, when the end or a forbidden byte has come, and whenever their
//! number has passed a power of two. So a head that is already hopeless is refused early, and a head that
//! comes byte by byte costs linear time in total. (Where memory is short any control byte will do: there are two a
//! line, and few lines.)
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

pub(crate) use self::framing::content_length;
use self::request::RequestParser;
use self::response::ResponseParser;
use self::resume::Resume;
use self::trailers::TrailersParser;
pub(crate) use self::trailers::may_not_trail;
use crate::connection::TrailerSpans;
use crate::message::{
    BodyFraming, Method, PathAt, RequestSpans, ResponseSpans, Scratch, Span, Status, TargetForm, TargetSpans,
    Version,
};
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

impl ParsedRequest {
    /// What the request line `GET / HTTP/1.1` says, which a parse starts from: it writes only what differs, and
    /// `persistent`.
    pub const BLANK: ParsedRequest = ParsedRequest {
        spans: RequestSpans {
            arena_len: 0,
            fields_len: 0,
            method: Method::Get,
            method_at: Span { at: 0, len: 3 },
            target: TargetSpans {
                form: TargetForm::Origin,
                raw: Span { at: 4, len: 1 },
                path: PathAt::Arena(Span { at: 4, len: 1 }),
                query: None,
                authority: Span::EMPTY,
            },
            version: Version::Http11,
            body: BodyFraming::None,
            expect_continue: false,
            upgrade: false,
        },
        persistent: true,
    };
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

impl ParsedResponse {
    /// What a parse fills.
    const BLANK: ParsedResponse = ParsedResponse {
        spans: ResponseSpans {
            arena_len: 0,
            fields_len: 0,
            status: Status::OK,
            version: Version::Http11,
            body: BodyFraming::None,
        },
        persistent: false,
    };
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
    let mut head = ParsedRequest::BLANK;
    let is_whole = parse_request_into(bytes, scanned, scratch, limits, &mut head)?;
    Ok(is_whole.then_some(head))
}

/// As [`parse_request`], into `head`, which must be [`ParsedRequest::BLANK`] and is only good if the answer is true:
/// the head is complete.
///
/// # Errors
/// As those of [`parse_request`].
#[inline]
pub fn parse_request_into(
    bytes: &[u8],
    scanned: &mut u16,
    scratch: &mut Scratch<'_>,
    limits: &Limits,
    head: &mut ParsedRequest,
) -> Result<bool, PeerFault> {
    match read_request(bytes, scanned, scratch, limits, head) {
        Ok(()) => Ok(true),
        Err(Stop::Incomplete) => Ok(false),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// As [`parse_request_into`], with the reason why it stopped.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn read_request(
    bytes: &[u8],
    scanned: &mut u16,
    scratch: &mut Scratch<'_>,
    limits: &Limits,
    head: &mut ParsedRequest,
) -> Result<(), Stop> {
    scan::dispatch(Resume(RequestParser { scratch, limits }), bytes, scanned, head)
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
    let mut head = ParsedResponse::BLANK;
    match scan::dispatch(
        Resume(ResponseParser { request_method, scratch, limits }),
        bytes,
        scanned,
        &mut head,
    ) {
        Ok(()) => Ok(Some(head)),
        Err(stop) => stop.into(),
    }
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
    let mut section = TrailerSpans { arena_len: 0, fields_len: 0, version: Version::Http11 };
    match scan::dispatch(Resume(TrailersParser { scratch, limits }), bytes, scanned, &mut section) {
        Ok(()) => Ok(Some(section)),
        Err(stop) => stop.into(),
    }
}

/// Why a parse stopped before the end of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
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

impl<T> From<Stop> for Result<Option<T>, PeerFault> {
    fn from(stop: Stop) -> Result<Option<T>, PeerFault> {
        match stop {
            Stop::Incomplete => Ok(None),
            Stop::Fault(fault) => Err(fault),
        }
    }
}

/// The span `from..to` of a head. No window is longer than 65,535 bytes, so nothing is cut off.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn span(from: usize, to: usize) -> Span {
    debug_assert!(from <= to && to <= usize::from(u16::MAX));
    Span { at: from as u16, len: to.wrapping_sub(from) as u16 }
}

#[cfg(test)]
mod tests;
