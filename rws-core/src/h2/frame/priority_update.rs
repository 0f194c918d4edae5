//! PRIORITY_UPDATE (RFC 9218 §7.1): the priority of another stream, from a client.

use super::header::stream_id;
use super::{FrameHeader, FrameKind, with_word};
use crate::h2::Fault;

/// The start of a PRIORITY_UPDATE frame, whose field value follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriorityUpdate {
    /// The stream whose priority it is.
    pub stream: u32,
    /// Bytes of the field value.
    pub content: u32,
}

impl PriorityUpdate {
    /// How many bytes stand before the field value.
    pub const START_BYTES: usize = 13;

    /// Bytes of the payload before the field value.
    pub const START: usize = 4;

    /// Reads the frame with this header; `None` if the first four bytes of its payload have not come yet.
    ///
    /// # Errors
    /// A prioritized stream 0: PROTOCOL_ERROR of the connection.
    pub fn read(header: FrameHeader, payload: &[u8]) -> Result<Option<PriorityUpdate>, Fault> {
        let Some(stream) = payload.first_chunk() else { return Ok(None) };
        match stream_id(*stream) {
            0 => Err(Fault::PROTOCOL),
            stream => Ok(Some(PriorityUpdate { stream, content: header.length.saturating_sub(4) })),
        }
    }

    /// The start of the frame, whose `content` bytes of field value follow.
    pub const fn start(self) -> [u8; PriorityUpdate::START_BYTES] {
        let length = self.content.wrapping_add(4);
        let header = FrameHeader { length, kind: FrameKind::PriorityUpdate, flags: 0, stream: 0 };
        with_word(header, self.stream)
    }
}
