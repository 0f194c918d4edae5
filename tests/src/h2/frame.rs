//! Frames as they are on the wire (RFC 9113 §4.1), and short ways to make each kind.

use super::decoder::Field;

/// DATA.
pub const DATA: u8 = 0x0;
/// HEADERS.
pub const HEADERS: u8 = 0x1;
/// PRIORITY.
pub const PRIORITY: u8 = 0x2;
/// RST_STREAM.
pub const RST_STREAM: u8 = 0x3;
/// SETTINGS.
pub const SETTINGS: u8 = 0x4;
/// PUSH_PROMISE.
pub const PUSH_PROMISE: u8 = 0x5;
/// PING.
pub const PING: u8 = 0x6;
/// GOAWAY.
pub const GOAWAY: u8 = 0x7;
/// WINDOW_UPDATE.
pub const WINDOW_UPDATE: u8 = 0x8;
/// CONTINUATION.
pub const CONTINUATION: u8 = 0x9;

/// ACK of SETTINGS and PING.
pub const ACK: u8 = 0x1;
/// END_STREAM of DATA and HEADERS.
pub const END_STREAM: u8 = 0x1;
/// END_HEADERS of HEADERS, PUSH_PROMISE and CONTINUATION.
pub const END_HEADERS: u8 = 0x4;
/// PADDED of DATA, HEADERS and PUSH_PROMISE.
pub const PADDED: u8 = 0x8;
/// PRIORITY of HEADERS.
pub const WITH_PRIORITY: u8 = 0x20;

/// SETTINGS_HEADER_TABLE_SIZE.
pub const HEADER_TABLE_SIZE: u16 = 0x1;
/// SETTINGS_ENABLE_PUSH.
pub const ENABLE_PUSH: u16 = 0x2;
/// SETTINGS_MAX_CONCURRENT_STREAMS.
pub const MAX_CONCURRENT_STREAMS: u16 = 0x3;
/// SETTINGS_INITIAL_WINDOW_SIZE.
pub const INITIAL_WINDOW_SIZE: u16 = 0x4;
/// SETTINGS_MAX_FRAME_SIZE.
pub const MAX_FRAME_SIZE: u16 = 0x5;
/// SETTINGS_MAX_HEADER_LIST_SIZE.
pub const MAX_HEADER_LIST_SIZE: u16 = 0x6;

/// The octets of a frame's head.
pub const HEAD_OCTETS: usize = 9;

/// One frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// The stream, without the reserved bit.
    pub stream: u32,
    /// What follows the head.
    pub payload: Vec<u8>,
    /// On the last frame of a field block: what the whole block says.
    pub fields: Option<Vec<Field>>,
}

impl Frame {
    /// Whether it is of this type and has this flag.
    #[must_use]
    pub const fn has(&self, kind: u8, flag: u8) -> bool {
        self.kind == kind && self.flags & flag != 0
    }

    /// The four octets at `at` as a number, where they are there.
    #[must_use]
    pub fn number(&self, at: usize) -> Option<u32> {
        let octets = self.payload.get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*octets))
    }

    /// The error code of a RST_STREAM or GOAWAY.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self.kind {
            RST_STREAM => self.number(0),
            GOAWAY => self.number(4),
            _ => None,
        }
    }

    /// The content of DATA, without padding.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.unpadded().unwrap_or_default()
    }

    /// The stream that a PUSH_PROMISE is for.
    #[must_use]
    pub fn promised(&self) -> Option<u32> {
        let octets = self.unpadded().filter(|_| self.kind == PUSH_PROMISE)?.first_chunk()?;
        Some(u32::from_be_bytes(*octets) & 0x7fff_ffff)
    }

    /// The piece of a field block in HEADERS, PUSH_PROMISE or CONTINUATION, if the frame is long enough for its flags.
    #[must_use]
    pub fn fragment(&self) -> Option<&[u8]> {
        if self.kind == CONTINUATION {
            return Some(&self.payload);
        }
        let before = match self.kind {
            PUSH_PROMISE => 4,
            _ if self.flags & WITH_PRIORITY != 0 => 5,
            _ => 0,
        };
        self.unpadded()?.get(before..)
    }

    fn unpadded(&self) -> Option<&[u8]> {
        if self.flags & PADDED == 0 {
            return Some(&self.payload);
        }
        let (padding, rest) = self.payload.split_first()?;
        rest.get(..rest.len().checked_sub(usize::from(*padding))?)
    }

    /// The pairs of SETTINGS.
    pub fn settings(&self) -> impl Iterator<Item = (u16, u32)> {
        self.payload
            .as_chunks::<6>()
            .0
            .iter()
            .map(|[a, b, rest @ ..]| (u16::from_be_bytes([*a, *b]), u32::from_be_bytes(*rest)))
    }
}

/// A frame's head alone, with whatever length it shall claim.
#[must_use]
pub fn head(kind: u8, flags: u8, stream: u32, length: usize) -> [u8; HEAD_OCTETS] {
    let [_, .., a, b, c] = (length as u64).to_be_bytes();
    let [d, e, f, g] = stream.to_be_bytes();
    [a, b, c, kind, flags, d, e, f, g]
}

/// A whole frame.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    [&head(kind, flags, stream, payload.len()), payload].concat()
}

/// SETTINGS with these pairs.
#[must_use]
pub fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> =
        pairs.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
    frame(SETTINGS, 0, 0, &payload)
}

/// WINDOW_UPDATE.
#[must_use]
pub fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

/// RST_STREAM.
#[must_use]
pub fn rst_stream(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// PRIORITY: depends on `parent`, not exclusively, with the usual weight.
#[must_use]
pub fn priority(stream: u32, parent: u32) -> Vec<u8> {
    frame(PRIORITY, 0, stream, &priority_fields(parent))
}

/// What the flag PRIORITY adds before the field block of HEADERS.
#[must_use]
pub fn priority_fields(parent: u32) -> Vec<u8> {
    [&parent.to_be_bytes()[..], &[15]].concat()
}

/// PING with this payload.
#[must_use]
pub fn ping(payload: [u8; 8]) -> Vec<u8> {
    frame(PING, 0, 0, &payload)
}
