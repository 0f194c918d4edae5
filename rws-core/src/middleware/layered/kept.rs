//! A request head that waits in a [`Room`](crate::middleware::Room) while its body is collected.

use crate::message::{
    Field, FieldBlock, FieldBlockMut, Fields, RequestHead, RequestSpans, Scratch, Span, Words,
};
use crate::middleware::{Memory, Room};
use crate::scan::copy_into;

/// Room for what later hooks add to a kept head: bytes and fields.
pub(super) const EDIT_BYTES: usize = 1024;
pub(super) const EDIT_FIELDS: usize = 16;

/// A request head as offsets. Its own words stand at the start of the text, the arena of its fields behind
/// them, with what is left of the text for edits.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptHead {
    spans: RequestSpans,
    words_len: u16,
    fields: KeptFields,
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
            copy_into(memory.text.get_mut(at..span.end())?, word);
            at = span.end();
            Some(span)
        };
        let [method, target, path, authority] = words;
        let (method, target, path) = (put(method)?, put(target)?, put(path)?);
        let (authority, query_at) = (put(authority)?, put(query)?);
        let (_, rest) = memory.text.split_at_mut_checked(words_len)?;
        FieldBlockMut::copy_of(block, Scratch { bytes: rest, fields: memory.fields }).ok()?;
        Some(KeptHead {
            spans: head.moved_to(Words {
                method,
                target,
                path,
                query: head.query().map(|_| query_at),
                authority,
            }),
            words_len: u16::try_from(words_len).ok()?,
            fields: KeptFields::of(block)?,
        })
    }

    /// The head, ready for edits in place.
    pub(super) fn view<'m>(&self, text: &'m mut [u8], fields: &'m mut [Field]) -> RequestHead<'m> {
        let (words, bytes) = text.split_at_mut(usize::from(self.words_len).min(text.len()));
        let words: &'m [u8] = words;
        RequestHead::over(self.spans, words, Fields::Edited(self.fields.edit(bytes, fields)))
    }

    /// Remembers what was edited in a view of this head.
    pub(super) fn remember(&mut self, edited: &RequestHead<'_>) {
        self.spans.body = edited.body();
        self.fields = KeptFields::of(edited.fields()).unwrap_or(self.fields);
    }
}

/// Fields in a room: what is in use of the text and of the slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KeptFields {
    arena_len: u16,
    fields_len: u16,
}

impl KeptFields {
    /// A copy of `block` in `room`; `None` if it does not fit.
    pub(super) fn keep<R: Room>(block: FieldBlock<'_>, room: &mut R) -> Option<KeptFields> {
        let kept = KeptFields::of(block)?;
        kept.reserve(room);
        let Memory { text, fields, .. } = room.memory();
        FieldBlockMut::copy_of(block, Scratch { bytes: text, fields }).ok()?;
        Some(kept)
    }

    /// What `block` uses; `None` beyond 64 KiB.
    pub(super) fn of(block: FieldBlock<'_>) -> Option<KeptFields> {
        let (arena, fields) = block.parts();
        let (arena_len, fields_len) = (u16::try_from(arena.len()).ok()?, u16::try_from(fields.len()).ok()?);
        Some(KeptFields { arena_len, fields_len })
    }

    /// Asks for room for the next hook's edits.
    pub(super) fn reserve<R: Room>(&self, room: &mut R) {
        room.reserve_head(
            usize::from(self.arena_len).saturating_add(EDIT_BYTES),
            usize::from(self.fields_len).saturating_add(EDIT_FIELDS),
        );
    }

    /// The fields, for reading.
    pub(super) fn view<'m>(&self, memory: Memory<'m>) -> FieldBlock<'m> {
        FieldBlock::new(
            memory.text.get(..usize::from(self.arena_len)).unwrap_or(&[]),
            memory.fields.get(..usize::from(self.fields_len)).unwrap_or(&[]),
        )
    }

    /// The fields, for edits.
    pub(super) fn edit<'m>(&self, bytes: &'m mut [u8], fields: &'m mut [Field]) -> FieldBlockMut<'m> {
        let (used, count) = (usize::from(self.arena_len), usize::from(self.fields_len));
        FieldBlockMut::resume(Scratch { bytes, fields }, used, count)
    }
}
