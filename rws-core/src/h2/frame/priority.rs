//! PRIORITY (RFC 7540 §6.3, deprecated by RFC 9113 §5.3.2): read and checked as older peers expect, and ignored.

use super::header::stream_id;
use super::{FrameHeader, FrameKind};
use crate::h2::{ErrorCode, Fault};

/// Priority as RFC 7540 had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriorityData {
    /// The stream that this one depends on.
    pub depends_on: u32,
    /// Whether it is the only one that does.
    pub exclusive: bool,
    /// The weight, less one.
    pub weight: u8,
}

impl PriorityData {
    /// How many bytes it takes.
    pub const BYTES: usize = 5;

    /// Reads it.
    pub const fn read(bytes: [u8; PriorityData::BYTES]) -> PriorityData {
        let [a, b, c, d, weight] = bytes;
        PriorityData { depends_on: stream_id([a, b, c, d]), exclusive: a & 0x80 != 0, weight }
    }

    /// As it is sent.
    pub const fn bytes(self) -> [u8; PriorityData::BYTES] {
        let [a, b, c, d] = self.depends_on.to_be_bytes();
        [if self.exclusive { a | 0x80 } else { a }, b, c, d, self.weight]
    }

    /// Whether `stream` may have it.
    ///
    /// # Errors
    /// A stream that depends on itself: PROTOCOL_ERROR of the stream (RFC 7540 §5.3.1).
    pub const fn check(self, stream: u32) -> Result<(), Fault> {
        if self.depends_on == stream { Err(Fault::Stream(ErrorCode::PROTOCOL_ERROR)) } else { Ok(()) }
    }
}

/// A PRIORITY frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// What it says.
    pub data: PriorityData,
}

impl Priority {
    /// Reads the frame with this header; `None` if its payload has not all come yet.
    ///
    /// # Errors
    /// As [`PriorityData::check`].
    pub fn read(header: FrameHeader, payload: &[u8]) -> Result<Option<Priority>, Fault> {
        let Some(bytes) = payload.first_chunk() else { return Ok(None) };
        let data = PriorityData::read(*bytes);
        data.check(header.stream)?;
        Ok(Some(Priority { data }))
    }

    /// The header of a frame, whose [`PriorityData::bytes`] follow.
    pub const fn header(stream: u32) -> FrameHeader {
        FrameHeader { length: PriorityData::BYTES as u32, kind: FrameKind::Priority, flags: 0, stream }
    }
}
