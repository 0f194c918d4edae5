//! WINDOW_UPDATE (RFC 9113 §6.9): credit for body bytes.

use super::header::stream_id;
use super::{FrameHeader, FrameKind, with_word};
use crate::h2::{ErrorCode, Fault};

/// A WINDOW_UPDATE frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowUpdate {
    /// By how much the window grows: bytes, 1 to 2^31-1.
    pub increment: u32,
}

impl WindowUpdate {
    /// How many bytes a frame takes.
    pub const BYTES: usize = 13;

    /// Reads the frame with this header; `None` if its payload has not all come yet.
    ///
    /// # Errors
    /// An increment of 0: PROTOCOL_ERROR of the stream, or of the connection if its window is meant.
    pub fn read(header: FrameHeader, payload: &[u8]) -> Result<Option<WindowUpdate>, Fault> {
        let Some(increment) = payload.first_chunk() else { return Ok(None) };
        match (stream_id(*increment), header.stream) {
            (0, 0) => Err(Fault::PROTOCOL),
            (0, _) => Err(Fault::Stream(ErrorCode::PROTOCOL_ERROR)),
            (increment, _) => Ok(Some(WindowUpdate { increment })),
        }
    }

    /// The frame as it is sent; stream 0 for the connection.
    pub const fn bytes(self, stream: u32) -> [u8; WindowUpdate::BYTES] {
        debug_assert!(self.increment != 0);
        with_word(FrameHeader { length: 4, kind: FrameKind::WindowUpdate, flags: 0, stream }, self.increment)
    }
}
