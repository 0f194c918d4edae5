//! CONTINUATION (RFC 9113 §6.10): more of a field block.

use super::flags::END_HEADERS;
use super::{FrameHeader, FrameKind};

/// A CONTINUATION frame: all of its payload belongs to the field block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// Whether the field block ends here.
    pub end_headers: bool,
    /// Bytes of the field block.
    pub content: u32,
}

impl Continuation {
    /// What the header says, which is all.
    pub const fn read(header: FrameHeader) -> Continuation {
        Continuation { end_headers: header.has(END_HEADERS), content: header.length }
    }

    /// The header of a frame whose `length` bytes of field block follow.
    pub const fn header(stream: u32, length: u32, end_headers: bool) -> FrameHeader {
        let flags = if end_headers { END_HEADERS } else { 0 };
        FrameHeader { length, kind: FrameKind::Continuation, flags, stream }
    }
}
