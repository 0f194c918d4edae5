//! Response heads: the stored form (spans, client role) and the view.

use super::{BodyFraming, FieldBlock, Scratch, Status, Version};

/// A received response head as spans (client role); see [`RequestSpans`](super::RequestSpans).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseSpans {
    /// Bytes of the arena that belong to the head.
    pub arena_len: u16,
    /// Slots of `scratch.fields` that are in use.
    pub fields_len: u16,
    /// The status.
    pub status: Status,
    /// The version.
    pub version: Version,
    /// How the body is framed.
    pub body: BodyFraming,
}

impl ResponseSpans {
    /// The view of this head. `rx` and `scratch` are the slices that were given to `receive`.
    pub fn view<'a>(&self, rx: &'a [u8], scratch: Scratch<'a>) -> ResponseHead<'a> {
        let arena_len = usize::from(self.arena_len);
        let (decoded, index, _) = scratch.split(arena_len, usize::from(self.fields_len));
        let received = rx.get(..arena_len).unwrap_or(&[]);
        let arena = if self.version.is_decoded() { decoded } else { received };
        ResponseHead { status: self.status, fields: FieldBlock::new(arena, index) }
    }
}

/// A response head: what a service answers with, and what a client reads.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'b> {
    /// The status.
    pub status: Status,
    /// The fields, without those that the engine writes itself (framing, `Connection`, `Date`).
    pub fields: FieldBlock<'b>,
}

impl ResponseHead<'static> {
    /// A head with no fields.
    pub const fn bare(status: Status) -> ResponseHead<'static> {
        ResponseHead { status, fields: FieldBlock::EMPTY }
    }
}
