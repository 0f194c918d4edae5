//! The nine bytes that every frame begins with (RFC 9113 §4.1).

use super::FrameKind;
use super::flags::{ACK, PADDED, PRIORITY};
use crate::h2::{ErrorCode, Fault, STREAM_ID_MAX};

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Length of the payload: bytes, 24 bits.
    pub length: u32,
    /// What the frame is.
    pub kind: FrameKind,
    /// Its flags, see [`flags`](super::flags).
    pub flags: u8,
    /// The stream, 0 for the connection as a whole.
    pub stream: u32,
}

impl FrameHeader {
    /// How many bytes a header takes.
    pub const BYTES: usize = 9;

    /// The longest payload that a peer may send before our settings say otherwise, and that everybody must take: bytes
    /// (RFC 9113 §4.2).
    pub const LENGTH_MAX_INITIAL: u32 = 16_384;

    /// The header at the start of `bytes`; `None` if it has not all come yet. The reserved bit is ignored.
    pub fn read(bytes: &[u8]) -> Option<FrameHeader> {
        let &[a, b, c, kind, flags, s, t, u, v] = bytes.first_chunk::<{ FrameHeader::BYTES }>()?;
        Some(FrameHeader {
            length: u32::from_be_bytes([0, a, b, c]),
            kind: FrameKind::of(kind),
            flags,
            stream: stream_id([s, t, u, v]),
        })
    }

    /// The header as it is sent.
    pub const fn bytes(self) -> [u8; FrameHeader::BYTES] {
        debug_assert!(self.length < 1 << 24 && self.stream <= STREAM_ID_MAX);
        let [_, a, b, c] = self.length.to_be_bytes();
        let [s, t, u, v] = self.stream.to_be_bytes();
        [a, b, c, self.kind.code(), self.flags, s, t, u, v]
    }

    /// Whether a flag is set.
    pub const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether this frame may be: `length_max` is the SETTINGS_MAX_FRAME_SIZE in force for what we receive.
    ///
    /// # Errors
    /// What RFC 9113 §4.2 and §6 (RFC 9218 §7.1) say of this length and this stream. A frame whose length costs only
    /// its stream is to be passed over.
    pub const fn check(self, length_max: u32) -> Result<(), Fault> {
        if self.length > length_max {
            return Err(Fault::FRAME_SIZE);
        }
        let padding = self.has(PADDED) as u32;
        let (of_connection, length_fits) = match self.kind {
            FrameKind::Data => (Some(false), self.length >= padding),
            FrameKind::Headers => {
                let priority = if self.has(PRIORITY) { 5 } else { 0 };
                (Some(false), self.length >= padding + priority)
            }
            FrameKind::PushPromise => (Some(false), self.length >= padding + 4),
            FrameKind::Continuation => (Some(false), true),
            FrameKind::Priority => (Some(false), true),
            FrameKind::RstStream => (Some(false), self.length == 4),
            FrameKind::Settings => {
                (Some(true), if self.has(ACK) { self.length == 0 } else { self.length.is_multiple_of(6) })
            }
            FrameKind::Ping => (Some(true), self.length == 8),
            FrameKind::Goaway => (Some(true), self.length >= 8),
            FrameKind::PriorityUpdate => (Some(true), self.length >= 4),
            FrameKind::WindowUpdate => (None, self.length == 4),
            FrameKind::Unknown(_) => (None, true),
        };
        match of_connection {
            Some(of_connection) if of_connection != (self.stream == 0) => Err(Fault::PROTOCOL),
            _ if !length_fits => Err(Fault::FRAME_SIZE),
            // RFC 9113 §6.3: the one length that costs a stream only.
            _ if matches!(self.kind, FrameKind::Priority) && self.length != 5 => {
                Err(Fault::Stream(ErrorCode::FRAME_SIZE_ERROR))
            }
            _ => Ok(()),
        }
    }
}

/// A stream identifier, without the reserved bit before it.
pub(super) const fn stream_id(bytes: [u8; 4]) -> u32 {
    u32::from_be_bytes(bytes) & STREAM_ID_MAX
}
