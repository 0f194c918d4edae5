//! Response heads, client role (RFC 9113 §8.3.2).

use super::lines::Lines;
use super::{ParsedResponse, Refusal};
use crate::hpack::Pseudo;
use crate::message::{BodyFraming, Method, ResponseSpans, Status, Version};
use crate::{PeerFault, Span};

impl Lines<'_> {
    /// The head of a response whose block has been decoded; `arena` is the part of its memory that is in use.
    /// `request_method` is that of the request it answers. `end_stream`: no body follows.
    ///
    /// # Errors
    /// What the peer did wrong.
    pub fn response(
        self,
        arena: &[u8],
        request_method: Method,
        end_stream: bool,
    ) -> Result<ParsedResponse, Refusal> {
        const MALFORMED: Refusal = Refusal::Malformed(PeerFault::StatusLineSyntax);
        self.is_sound()?;
        let status = self.pseudo(Pseudo::Status).unwrap_or(Span::EMPTY).bytes(arena);
        let status = status_code(status).ok_or(MALFORMED)?;
        // RFC 9113 §8.6: nothing is switched to; §8.1: an interim response ends nothing.
        if status == Status::SWITCHING_PROTOCOLS || (status.is_interim() && end_stream) {
            return Err(MALFORMED);
        }
        let is_tunnel = request_method == Method::Connect && matches!(status.code(), 200..=299);
        let has_no_content = request_method == Method::Head || status.is_bodiless();
        let length = match self.length {
            _ if is_tunnel => None,
            _ if has_no_content => Some(0),
            length => length,
        };
        let body = match length {
            Some(1..) if end_stream => return Err(Refusal::Malformed(PeerFault::LengthConflict)),
            _ if end_stream || status.is_interim() => BodyFraming::None,
            // The end of a body without bytes is yet to come.
            None | Some(0) => BodyFraming::Streamed,
            Some(length) => BodyFraming::Sized(length),
        };
        let spans = ResponseSpans {
            arena_len: u16::try_from(arena.len()).map_err(|_| Refusal::Answer(PeerFault::HeadTooLarge))?,
            fields_len: self.count as u16,
            status,
            version: Version::Http2,
            body,
        };
        Ok(ParsedResponse { spans, length })
    }
}

/// Three digits.
fn status_code(digits: &[u8]) -> Option<Status> {
    let &[a, b, c] = digits else { return None };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |byte: u8| u16::from(byte.wrapping_sub(b'0'));
    Status::new(digit(a).wrapping_mul(100).wrapping_add(digit(b).wrapping_mul(10)).wrapping_add(digit(c)))
}
