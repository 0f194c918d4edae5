//! How long is this message? The only place where that is decided (RFC 9112 §6.3).

use crate::PeerFault;
use crate::message::{BodyFraming, Method, Status, Version};

/// What a head says about its body so far.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(target_os = "none", repr(u8))]
pub(super) enum Framing {
    /// Nothing.
    Unsaid,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

impl Framing {
    /// With a `Content-Length` line.
    pub(super) fn with_length(self, value: &[u8]) -> Result<Framing, PeerFault> {
        match self {
            Framing::Unsaid => Ok(Framing::Length(content_length(value)?)),
            Framing::Length(_) => Err(PeerFault::ContentLengthRepeated),
            Framing::Chunked => Err(PeerFault::LengthAndEncoding),
        }
    }

    /// With a `Transfer-Encoding` line, in a message of this version.
    pub(super) fn with_coding(self, value: &[u8], version: Version) -> Result<Framing, PeerFault> {
        match self {
            Framing::Unsaid if version == Version::Http11 => only_chunked(value),
            Framing::Unsaid | Framing::Chunked => Err(PeerFault::TransferEncodingSyntax),
            Framing::Length(_) => Err(PeerFault::LengthAndEncoding),
        }
    }

    /// The body of a request with this head (RFC 9112 §6.3, rules 3 to 7).
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn of_request(self, method: Method, upgrade: bool) -> Result<BodyFraming, PeerFault> {
        let body = match self {
            Framing::Unsaid => return Ok(BodyFraming::None),
            Framing::Length(length) => BodyFraming::Sized(length),
            Framing::Chunked => BodyFraming::Streamed,
        };
        // RFC 9110 §9.3.6: CONNECT has no content. What follows its head would be body to one, tunnel to
        // another.
        if has_content(body) && (upgrade || method.may_open_tunnel()) {
            return Err(PeerFault::UpgradeWithBody);
        }
        if has_content(body) && method == Method::Trace {
            return Err(PeerFault::TraceWithBody);
        }
        Ok(body)
    }

    /// The body of a response with this head and `status` to a request with `method` (RFC 9112 §6.3).
    pub(super) fn of_response(self, method: Method, status: Status) -> Result<BodyFraming, PeerFault> {
        let tunnel = method == Method::Connect && (200..300).contains(&status.code());
        let never_has_coding = status.code() < 200 || status == Status::NO_CONTENT;
        match self {
            // RFC 9112 §6.1; a 304 may repeat what a 200 would have had.
            Framing::Chunked if never_has_coding => Err(PeerFault::TransferEncodingSyntax),
            _ if method == Method::Head || status.is_bodiless() || tunnel => Ok(BodyFraming::None),
            Framing::Length(length) => Ok(BodyFraming::Sized(length)),
            Framing::Chunked => Ok(BodyFraming::Streamed),
            Framing::Unsaid => Ok(BodyFraming::UntilClose),
        }
    }
}

/// Whether at least one byte of content may follow.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) const fn has_content(body: BodyFraming) -> bool {
    match body {
        BodyFraming::None | BodyFraming::Sized(0) => false,
        BodyFraming::Sized(_) | BodyFraming::Streamed | BodyFraming::UntilClose => true,
    }
}

/// `1*DIGIT` that fits 64 bits (RFC 9110 §8.6): no sign, no list, no other base.
pub(crate) fn content_length(value: &[u8]) -> Result<u64, PeerFault> {
    if value.is_empty() {
        return Err(PeerFault::ContentLengthSyntax);
    }
    value
        .iter()
        .try_fold(0_u64, |length, &byte| {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            length.checked_mul(10)?.checked_add(u64::from(digit))
        })
        .ok_or(PeerFault::ContentLengthSyntax)
}

/// Whether the transfer coding is one we decode: `chunked` alone (RFC 9112 §6.1).
///
/// A list that ends in `chunked` has a clear end, and a coding we lack: 501. Without that end the length is
/// unknown, and RFC 9112 §6.3 asks for 400.
fn only_chunked(value: &[u8]) -> Result<Framing, PeerFault> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(Framing::Chunked);
    }
    let mut codings = value.split(|&byte| byte == b',').map(|coding| coding.trim_ascii());
    let last = codings.next_back().unwrap_or(&[]);
    let well_formed =
        codings.all(|coding| !coding.eq_ignore_ascii_case(b"chunked") && crate::message::is_token(coding));
    if last.eq_ignore_ascii_case(b"chunked") && well_formed {
        Err(PeerFault::TransferEncodingUnsupported)
    } else {
        Err(PeerFault::TransferEncodingSyntax)
    }
}
