//! A request head that waits in a [`Room`](crate::middleware::Room) while its body is collected.

use crate::message::{FieldBlockMut, Fields, RequestHead, RequestParts, Scratch, Span};
use crate::middleware::{Memory, Room};

/// Room for what later hooks add to a kept head: bytes and fields.
pub(super) const EDIT_BYTES: usize = 1024;
pub(super) const EDIT_FIELDS: usize = 16;

/// A request head as offsets. Its own words stand at the start of the text, the arena of its fields behind
/// them, with what is left of the text for edits.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptHead {
    parts: RequestParts,
    method: Span,
    target: Span,
    path: Span,
    query: Option<Span>,
    authority: Span,
    words_len: usize,
    arena_len: usize,
    fields_len: usize,
}

impl KeptHead {
    /// A copy of `head`, edits included, in the text and fields of `room`; `None` if it does not fit.
    pub(super) fn keep<R: Room>(head: &RequestHead<'_>, room: &mut R) -> Option<KeptHead> {
        let block = head.fields();
        let (arena, fields) = block.parts();
        let words = [head.method_bytes(), head.target(), head.path().as_bytes(), head.authority()];
        let query = head.query().unwrap_or(&[]);
        let words_len = words.iter().fold(query.len(), |sum, word| sum.saturating_add(word.len()));
        room.reserve_head(
            words_len.saturating_add(arena.len()).saturating_add(EDIT_BYTES),
            fields.len().saturating_add(EDIT_FIELDS),
        );
        let memory = room.memory();
        let mut at = 0_usize;
        let mut put = |word: &[u8]| {
            let span = Span::of(at, at.checked_add(word.len())?)?;
            memory.text.get_mut(at..span.end())?.copy_from_slice(word);
            at = span.end();
            Some(span)
        };
        let [method, target, path, authority] = words;
        let (method, target, path) = (put(method)?, put(target)?, put(path)?);
        let (authority, query_at) = (put(authority)?, put(query)?);
        let (_, rest) = memory.text.split_at_mut_checked(words_len)?;
        FieldBlockMut::copy_of(block, Scratch { bytes: rest, fields: memory.fields }).ok()?;
        Some(KeptHead {
            parts: head.parts(),
            method,
            target,
            path,
            query: head.query().map(|_| query_at),
            authority,
            words_len,
            arena_len: arena.len(),
            fields_len: fields.len(),
        })
    }

    /// The head, ready for edits in place.
    pub(super) fn view<'m>(&self, text: &'m mut [u8], fields: &'m mut [crate::Field]) -> RequestHead<'m> {
        let (words, bytes) = text.split_at_mut(self.words_len.min(text.len()));
        let words: &'m [u8] = words;
        RequestHead::of_parts(
            self.parts,
            self.method.bytes(words),
            self.target.bytes(words),
            core::str::from_utf8(self.path.bytes(words)).unwrap_or(""),
            self.query.map(|span| span.bytes(words)),
            self.authority.bytes(words),
            Fields::Edited(FieldBlockMut::resume(Scratch { bytes, fields }, self.arena_len, self.fields_len)),
        )
    }

    /// Remembers what was edited in a view of this head.
    pub(super) fn remember(&mut self, edited: &RequestHead<'_>) {
        let block = edited.fields();
        let (arena, fields) = block.parts();
        self.parts = edited.parts();
        self.arena_len = arena.len();
        self.fields_len = fields.len();
    }
}

/// The answer's head while response hooks edit it: what is in use of the text and the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KeptFields {
    pub(super) arena_len: usize,
    pub(super) fields_len: usize,
}

impl KeptFields {
    /// A copy of `block` in `room`; `None` if it does not fit.
    pub(super) fn keep<R: Room>(block: crate::FieldBlock<'_>, room: &mut R) -> Option<KeptFields> {
        let (arena, fields) = block.parts();
        room.reserve_head(arena.len().saturating_add(EDIT_BYTES), fields.len().saturating_add(EDIT_FIELDS));
        let Memory { text, fields: slots, .. } = room.memory();
        FieldBlockMut::copy_of(block, Scratch { bytes: text, fields: slots }).ok()?;
        Some(KeptFields { arena_len: arena.len(), fields_len: fields.len() })
    }

    /// What of the room `fields` uses.
    pub(super) fn of(fields: &FieldBlockMut<'_>) -> KeptFields {
        let block = fields.block();
        let (arena, fields) = block.parts();
        KeptFields { arena_len: arena.len(), fields_len: fields.len() }
    }

    /// The fields, for reading.
    pub(super) fn view<'m>(&self, memory: Memory<'m>) -> crate::FieldBlock<'m> {
        crate::FieldBlock::new(
            memory.text.get(..self.arena_len).unwrap_or(&[]),
            memory.fields.get(..self.fields_len).unwrap_or(&[]),
        )
    }
}
