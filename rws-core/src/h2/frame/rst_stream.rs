//! RST_STREAM (RFC 9113 §6.4): the end of a stream before its time.

use super::{FrameHeader, FrameKind, with_word};
use crate::h2::ErrorCode;

/// A RST_STREAM frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RstStream {
    /// Why.
    pub code: ErrorCode,
}

impl RstStream {
    /// How many bytes a frame takes.
    pub const BYTES: usize = 13;

    /// Reads the payload; `None` if it has not all come yet.
    pub fn read(payload: &[u8]) -> Option<RstStream> {
        payload.first_chunk().map(|code| RstStream { code: ErrorCode(u32::from_be_bytes(*code)) })
    }

    /// The frame as it is sent.
    pub const fn bytes(self, stream: u32) -> [u8; RstStream::BYTES] {
        with_word(FrameHeader { length: 4, kind: FrameKind::RstStream, flags: 0, stream }, self.code.0)
    }
}
