//! Heads and trailer sections: decoded field lines into the message model, and back (RFC 9113 §8).
//!
//! ```text
//!   field block ─▶ hpack ─▶ Line ─▶ Lines::take ─▶ Lines::request ─▶ RequestHead spans      arena and index in scratch
//!                                      │      └──▶ response, trailers
//!                                      └─ Refusal { Malformed: reset the stream | Answer: with a status }
//!
//!   ResponseHead, RequestOut, trailers ─▶ encode ─▶ hpack ─▶ field block
//! ```
//!
//! [`Lines`] is told of each line while the block is decoded and judges it at once: what it lets pass is safe to be
//! written as HTTP/1. The first fault counts; the lines behind it are decoded for the table's sake and dropped.
//!
//! What a service sees is what HTTP/1 would have shown it: `Host` stands in front of the fields whatever the authority
//! came in, crumbs of cookies are one `Cookie`, and an extended CONNECT (RFC 8441) has its protocol in `Upgrade`.

pub mod encode;
mod lines;
mod request;
mod response;

pub use lines::Lines;

use super::ErrorCode;
use crate::hpack::{ListLimits, Pseudo};
use crate::message::{RequestSpans, ResponseSpans};
use crate::{Limits, PeerFault, Status};

/// A complete request head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedRequest {
    /// The head. Its arena is the start of `scratch.bytes`.
    pub spans: RequestSpans,
    /// The `Content-Length`, which the DATA frames must add up to (RFC 9113 §8.1.1).
    pub length: Option<u64>,
}

/// A complete response head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedResponse {
    /// The head. Its arena is the start of `scratch.bytes`.
    pub spans: ResponseSpans,
    /// What the DATA frames must add up to (RFC 9113 §8.1.1); `Some(0)` where there cannot be content.
    pub length: Option<u64>,
}

/// Why a head is not given to anybody. The connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// The message is malformed (RFC 9113 §8.1.1): the stream is reset with PROTOCOL_ERROR.
    Malformed(PeerFault),
    /// The message is well formed, but is not served. A server answers with the fault's status; a client, that cannot
    /// answer, resets the stream.
    Answer(PeerFault),
}

impl Refusal {
    /// What was wrong.
    pub const fn fault(self) -> PeerFault {
        match self {
            Refusal::Malformed(fault) | Refusal::Answer(fault) => fault,
        }
    }

    /// The status to answer a request with; `None` if its stream is to be reset instead.
    pub const fn status(self) -> Option<Status> {
        match self {
            Refusal::Malformed(_) => None,
            Refusal::Answer(fault) => Some(fault.status()),
        }
    }

    /// The code to reset the stream with, where no answer is given.
    pub const fn code(self) -> ErrorCode {
        match self {
            Refusal::Malformed(_) => ErrorCode::PROTOCOL_ERROR,
            Refusal::Answer(_) => ErrorCode::CANCEL,
        }
    }
}

/// What a field list may take: the bytes of a head as on HTTP/1, and the 32 more that each line counts
/// (RFC 9113 §6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE). Too many lines are found by [`Lines`].
pub fn list_limits(limits: &Limits) -> ListLimits {
    list_of(limits.head_bytes_max, limits)
}

/// As [`list_limits`], for trailer sections.
pub fn trailer_list_limits(limits: &Limits) -> ListLimits {
    list_of(limits.trailer_bytes_max, limits)
}

fn list_of(bytes_max: u16, limits: &Limits) -> ListLimits {
    let fields_max = limits.fields_max.saturating_add(Pseudo::ALL.len() as u16);
    ListLimits { bytes_max: u32::from(bytes_max).saturating_add(u32::from(fields_max) * 32), fields_max }
}

#[cfg(test)]
mod tests;
