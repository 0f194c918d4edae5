//! HEADERS (RFC 9113 §6.2): a head or a trailer section, or its beginning.

use super::flags::{END_HEADERS, END_STREAM, PADDED, PRIORITY};
use super::{FrameHeader, FrameKind, PriorityData, padding};
use crate::h2::Fault;

/// How a HEADERS frame is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    /// Whether the peer sends nothing more on the stream after this field section.
    pub end_stream: bool,
    /// Whether the field block ends here; else CONTINUATION frames follow.
    pub end_headers: bool,
    /// Priority as RFC 7540 had it. If the stream depends on itself ([`PriorityData::check`]), it is reset *after* the
    /// field block was decoded, which the compression state of the connection needs.
    pub priority: Option<PriorityData>,
    /// Bytes before the field block.
    pub start: u8,
    /// Bytes of the field block.
    pub content: u32,
    /// Bytes of padding behind it.
    pub padding: u8,
}

impl Headers {
    /// Reads the frame with this header, whose payload begins with `payload`: at most six bytes of it are looked at.
    /// `None` if those have not all come yet.
    ///
    /// # Errors
    /// Padding that is longer than its place: PROTOCOL_ERROR of the connection.
    pub fn read(header: FrameHeader, payload: &[u8]) -> Result<Option<Headers>, Fault> {
        let has_priority = header.has(PRIORITY);
        let fixed = if has_priority { PriorityData::BYTES as u8 } else { 0 };
        let Some(parts) = padding::divide(header, fixed, payload)? else { return Ok(None) };
        let priority_at = usize::from(header.has(PADDED));
        let priority = payload.get(priority_at..).and_then(|rest| rest.first_chunk());
        Ok(Some(Headers {
            end_stream: header.has(END_STREAM),
            end_headers: header.has(END_HEADERS),
            priority: priority.filter(|_| has_priority).map(|bytes| PriorityData::read(*bytes)),
            start: parts.start,
            content: parts.content,
            padding: parts.padding,
        }))
    }

    /// The header of a frame without padding and priority, whose `length` bytes of field block follow.
    pub const fn header(stream: u32, length: u32, end_stream: bool, end_headers: bool) -> FrameHeader {
        let flags = if end_stream { END_STREAM } else { 0 } | if end_headers { END_HEADERS } else { 0 };
        FrameHeader { length, kind: FrameKind::Headers, flags, stream }
    }
}
