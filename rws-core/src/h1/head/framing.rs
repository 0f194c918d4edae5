//! How long is this message? The only place where that is decided (RFC 9112 §6.3).

use super::fields::Line;
use crate::PeerFault;
use crate::message::{BodyFraming, KnownName, Method, Status, Version};

/// What a head says about its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framing {
    version: Version,
    length: Option<u64>,
    chunked: bool,
}

impl Framing {
    /// Of a head that has said nothing yet.
    pub(super) const fn new(version: Version) -> Framing {
        Framing { version, length: None, chunked: false }
    }

    /// Takes note of a `Content-Length` or `Transfer-Encoding` line; others say nothing about framing.
    pub(super) fn note(&mut self, line: Line<'_>) -> Result<(), PeerFault> {
        match line.name {
            KnownName::ContentLength => {
                if self.length.is_some() {
                    return Err(PeerFault::ContentLengthRepeated);
                }
                self.length = Some(content_length(line.value())?);
            }
            KnownName::TransferEncoding => {
                if self.chunked || self.version != Version::Http11 {
                    return Err(PeerFault::TransferEncodingSyntax);
                }
                only_chunked(line.value())?;
                self.chunked = true;
            }
            _ => {}
        }
        if self.chunked && self.length.is_some() {
            return Err(PeerFault::LengthAndEncoding);
        }
        Ok(())
    }

    /// The body of a request with this head (RFC 9112 §6.3, rules 3 to 7).
    pub(super) fn of_request(self, method: Method, upgrade: bool) -> Result<BodyFraming, PeerFault> {
        let body = match self.length {
            Some(length) => BodyFraming::Sized(length),
            None if self.chunked => BodyFraming::Streamed,
            None => BodyFraming::None,
        };
        let content = has_content(body);
        // RFC 9110 §9.3.6: CONNECT has no content. What follows its head would be body to one, tunnel to another.
        if content && (upgrade || method == Method::Connect) {
            return Err(PeerFault::UpgradeWithBody);
        }
        if content && method == Method::Trace {
            return Err(PeerFault::TraceWithBody);
        }
        Ok(body)
    }

    /// The body of a response with this head and `status` to a request with `method` (RFC 9112 §6.3).
    pub(super) fn of_response(self, method: Method, status: Status) -> Result<BodyFraming, PeerFault> {
        let tunnel = method == Method::Connect && (200..300).contains(&status.code());
        // RFC 9112 §6.1: no transfer coding where there is never content. 304 may repeat what a 200 had.
        if self.chunked && (status.code() < 200 || status == Status::NO_CONTENT) {
            return Err(PeerFault::TransferEncodingSyntax);
        }
        if method == Method::Head || status.is_bodiless() || tunnel {
            return Ok(BodyFraming::None);
        }
        Ok(match self.length {
            Some(length) => BodyFraming::Sized(length),
            None if self.chunked => BodyFraming::Streamed,
            None => BodyFraming::UntilClose,
        })
    }
}

/// Whether at least one byte of content may follow.
pub(super) const fn has_content(body: BodyFraming) -> bool {
    match body {
        BodyFraming::None | BodyFraming::Sized(0) => false,
        BodyFraming::Sized(_) | BodyFraming::Streamed | BodyFraming::UntilClose => true,
    }
}

/// `1*DIGIT` that fits 64 bits (RFC 9110 §8.6): no sign, no list, no other base.
fn content_length(value: &[u8]) -> Result<u64, PeerFault> {
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
fn only_chunked(value: &[u8]) -> Result<(), PeerFault> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
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
