//! PING (RFC 9113 §6.7).

use super::flags::ACK;
use super::{FrameHeader, FrameKind, with_two_words};

/// A PING frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// The answer to one of ours.
    pub ack: bool,
    /// What the answer repeats.
    pub opaque: [u8; 8],
}

impl Ping {
    /// How many bytes a frame takes.
    pub const BYTES: usize = 17;

    /// Reads the frame with this header; `None` if its payload has not all come yet.
    pub fn read(header: FrameHeader, payload: &[u8]) -> Option<Ping> {
        payload.first_chunk().map(|opaque| Ping { ack: header.has(ACK), opaque: *opaque })
    }

    /// The frame as it is sent.
    pub const fn bytes(self) -> [u8; Ping::BYTES] {
        let flags = if self.ack { ACK } else { 0 };
        with_two_words(FrameHeader { length: 8, kind: FrameKind::Ping, flags, stream: 0 }, self.opaque)
    }
}
