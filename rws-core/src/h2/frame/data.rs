//! DATA (RFC 9113 §6.1): bytes of a body.

use super::flags::END_STREAM;
use super::{FrameHeader, FrameKind, padding};
use crate::h2::Fault;

/// How a DATA frame is divided. Flow control counts the whole payload, padding and all: the header's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data {
    /// Whether the peer sends nothing more on the stream.
    pub end_stream: bool,
    /// Bytes before the content: 1 if there is a pad length, else 0.
    pub start: u8,
    /// Bytes of content.
    pub content: u32,
    /// Bytes of padding behind the content.
    pub padding: u8,
}

impl Data {
    /// Reads the frame with this header, whose payload begins with `payload`: at most one byte of it is looked at.
    /// `None` if that has not come yet.
    ///
    /// # Errors
    /// Padding as long as the payload or longer: PROTOCOL_ERROR of the connection.
    pub fn read(header: FrameHeader, payload: &[u8]) -> Result<Option<Data>, Fault> {
        let divided = padding::divide(header, 0, payload)?;
        Ok(divided.map(|parts| Data {
            end_stream: header.has(END_STREAM),
            start: parts.start,
            content: parts.content,
            padding: parts.padding,
        }))
    }

    /// The header of a frame without padding, whose `length` bytes of content follow.
    pub const fn header(stream: u32, length: u32, end_stream: bool) -> FrameHeader {
        FrameHeader { length, kind: FrameKind::Data, flags: if end_stream { END_STREAM } else { 0 }, stream }
    }
}
