//! PUSH_PROMISE (RFC 9113 §6.6): the request that a server answers without being asked.

use super::flags::{END_HEADERS, PADDED};
use super::header::stream_id;
use super::{FrameHeader, FrameKind, padding, with_word};
use crate::h2::Fault;

/// How a PUSH_PROMISE frame is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushPromise {
    /// Whether the field block ends here; else CONTINUATION frames follow.
    pub end_headers: bool,
    /// The stream that the answer will come on.
    pub promised: u32,
    /// Bytes before the field block.
    pub start: u8,
    /// Bytes of the field block.
    pub content: u32,
    /// Bytes of padding behind it.
    pub padding: u8,
}

impl PushPromise {
    /// How many bytes stand before the field block in a frame of ours.
    pub const START_BYTES: usize = 13;

    /// Reads the frame with this header, whose payload begins with `payload`: at most five bytes of it are looked at.
    /// `None` if those have not all come yet.
    ///
    /// # Errors
    /// Padding that is longer than its place, or a promised stream that no server opens: PROTOCOL_ERROR of the
    /// connection.
    pub fn read(header: FrameHeader, payload: &[u8]) -> Result<Option<PushPromise>, Fault> {
        let Some(parts) = padding::divide(header, 4, payload)? else { return Ok(None) };
        let at = usize::from(header.has(PADDED));
        let Some(promised) = payload.get(at..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
        let promised = stream_id(*promised);
        if promised == 0 || promised % 2 == 1 {
            return Err(Fault::PROTOCOL);
        }
        Ok(Some(PushPromise {
            end_headers: header.has(END_HEADERS),
            promised,
            start: parts.start,
            content: parts.content,
            padding: parts.padding,
        }))
    }

    /// The start of a frame without padding on `stream`, whose `content` bytes of field block follow.
    pub const fn start(
        stream: u32,
        promised: u32,
        content: u32,
        end_headers: bool,
    ) -> [u8; PushPromise::START_BYTES] {
        let flags = if end_headers { END_HEADERS } else { 0 };
        let length = content.wrapping_add(4);
        with_word(FrameHeader { length, kind: FrameKind::PushPromise, flags, stream }, promised)
    }
}
