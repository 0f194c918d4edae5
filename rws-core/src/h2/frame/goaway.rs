//! GOAWAY (RFC 9113 §6.8): no more streams.

use super::header::stream_id;
use super::{FrameHeader, FrameKind, with_two_words};
use crate::h2::ErrorCode;

/// A GOAWAY frame without its debug data, which is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goaway {
    /// The last stream that something may have been done for.
    pub last_stream: u32,
    /// Why.
    pub code: ErrorCode,
}

impl Goaway {
    /// How many bytes a frame without debug data takes.
    pub const BYTES: usize = 17;

    /// Reads the start of a payload; `None` if its first eight bytes have not all come yet.
    pub fn read(payload: &[u8]) -> Option<Goaway> {
        let &[a, b, c, d, e, f, g, h] = payload.first_chunk::<8>()?;
        Some(Goaway {
            last_stream: stream_id([a, b, c, d]),
            code: ErrorCode(u32::from_be_bytes([e, f, g, h])),
        })
    }

    /// The frame as it is sent.
    pub const fn bytes(self) -> [u8; Goaway::BYTES] {
        let [a, b, c, d] = self.last_stream.to_be_bytes();
        let [e, f, g, h] = self.code.0.to_be_bytes();
        let header = FrameHeader { length: 8, kind: FrameKind::Goaway, flags: 0, stream: 0 };
        with_two_words(header, [a, b, c, d, e, f, g, h])
    }
}
