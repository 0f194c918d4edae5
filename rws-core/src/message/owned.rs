//! Owned forms of fields and request heads (feature `alloc`): conveniences for adapters with a heap.

use alloc::vec::Vec;

use super::field::{is_field_value, is_token};
use super::request::{RequestSpans, Words};
use super::{Field, FieldBlock, FieldName, Fields, KnownName, RequestHead, Scratch, Span};
use crate::{Capacity, Error, Misuse};

/// Field lines that own their memory. An empty one allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct OwnedFields {
    arena: Vec<u8>,
    fields: Vec<Field>,
}

impl OwnedFields {
    /// No fields.
    pub const fn new() -> OwnedFields {
        OwnedFields { arena: Vec::new(), fields: Vec::new() }
    }

    /// A copy of `block`.
    pub fn copy_of(block: FieldBlock<'_>) -> OwnedFields {
        let (arena, fields) = block.parts();
        OwnedFields { arena: arena.to_vec(), fields: fields.to_vec() }
    }

    /// A copy of those lines of `block` whose names `is_kept` says yes to.
    pub fn copy_of_kept(block: FieldBlock<'_>, is_kept: impl FnMut(FieldName<'_>) -> bool) -> OwnedFields {
        let mut fields = OwnedFields::new();
        fields.copy_kept(block, is_kept);
        fields
    }

    /// Becomes a copy of those lines of `block` whose names `is_kept` says yes to, in the memory that it has.
    pub fn copy_kept(&mut self, block: FieldBlock<'_>, mut is_kept: impl FnMut(FieldName<'_>) -> bool) {
        let (bytes, lines) = block.parts();
        self.clear();
        self.arena.extend_from_slice(bytes);
        self.fields.reserve(lines.len());
        for field in lines {
            if is_kept(field.name(bytes)) {
                self.fields.push(*field);
            }
        }
    }

    /// How many bytes of the heap it holds.
    pub fn held_bytes(&self) -> usize {
        self.arena.capacity().saturating_add(self.fields.capacity().saturating_mul(size_of::<Field>()))
    }

    /// The view.
    pub fn block(&self) -> FieldBlock<'_> {
        FieldBlock::new(&self.arena, &self.fields)
    }

    /// Adds a field line at the end.
    ///
    /// # Errors
    /// [`Misuse`] if the name is not a token or the value has a control character or white space at an
    /// end; [`Capacity::Bytes`] beyond 64 KiB.
    pub fn push<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        let name = name.into().identified();
        if !is_field_value(value) {
            return Err(Misuse::FieldValueSyntax.into());
        }
        let at = self.arena.len();
        let field = match name {
            FieldName::Known(known) => {
                Field::known(known, Span::of(at, at.saturating_add(value.len())).ok_or(Capacity::Bytes)?)
            }
            FieldName::Other(name) if is_token(name) => {
                let value_at = at.saturating_add(name.len());
                let name_span = Span::of(at, value_at).ok_or(Capacity::Bytes)?;
                let span = Span::of(value_at, value_at.saturating_add(value.len())).ok_or(Capacity::Bytes)?;
                let field = Field::named(name_span, span).ok_or(Capacity::Bytes)?;
                self.arena.extend_from_slice(name);
                field
            }
            FieldName::Other(_) => return Err(Misuse::FieldNameSyntax.into()),
        };
        self.arena.extend_from_slice(value);
        self.fields.push(field);
        Ok(())
    }

    /// Adds a field line whose value stands in the arena already, as the words of a head that
    /// [`copy_kept`](OwnedFields::copy_kept) has copied do. It is checked when it is written.
    ///
    /// # Errors
    /// [`Misuse`] for a place that is not in the arena.
    pub fn push_at(&mut self, name: KnownName, value: Span) -> Result<(), Error> {
        if value.end() > self.arena.len() {
            return Err(Misuse::FieldValueSyntax.into());
        }
        self.fields.push(Field::known(name, value));
        Ok(())
    }

    /// Keeps `bytes` beside the field lines; they may be named as the value of one.
    ///
    /// # Errors
    /// [`Capacity::Bytes`] beyond 64 KiB.
    pub fn keep(&mut self, bytes: &[u8]) -> Result<Span, Capacity> {
        let at = self.arena.len();
        let span = Span::of(at, at.saturating_add(bytes.len())).ok_or(Capacity::Bytes)?;
        self.arena.extend_from_slice(bytes);
        Ok(span)
    }

    /// Removes every field line with this name; says how many there were.
    pub fn remove<'n>(&mut self, name: impl Into<FieldName<'n>>) -> usize {
        let name = name.into();
        let before = self.fields.len();
        let arena = &self.arena;
        self.fields.retain(|field| field.name(arena) != name);
        before.saturating_sub(self.fields.len())
    }

    /// Replaces every field line with this name by one.
    ///
    /// # Errors
    /// As [`OwnedFields::push`]; the old lines stay then.
    pub fn set<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        let name = name.into();
        self.push(name, value)?;
        if let Some(added) = self.fields.pop() {
            self.remove(name);
            self.fields.push(added);
        }
        Ok(())
    }

    /// Drops all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.fields.clear();
    }
}

/// A request head that owns its memory, for work that outlives the receive buffer.
#[derive(Clone, Debug)]
pub struct OwnedRequestHead {
    spans: RequestSpans,
    text: Vec<u8>,
    fields: OwnedFields,
}

impl OwnedRequestHead {
    /// A copy of `head`, edits included.
    pub fn of(head: &RequestHead<'_>) -> OwnedRequestHead {
        let mut text = Vec::new();
        let mut keep = |bytes: &[u8]| {
            let at = text.len();
            text.extend_from_slice(bytes);
            Span::of(at, text.len()).unwrap_or(Span::EMPTY)
        };
        let spans = head.moved_to(Words {
            method: keep(head.method_bytes()),
            target: keep(head.target()),
            path: keep(head.path().as_bytes()),
            query: head.query().map(&mut keep),
            authority: keep(head.authority()),
        });
        OwnedRequestHead { spans, text, fields: OwnedFields::copy_of(head.fields()) }
    }

    /// The view; edits go to `spare`.
    pub fn view<'a>(&'a self, spare: Scratch<'a>) -> RequestHead<'a> {
        RequestHead::over(self.spans, &self.text, Fields::Received(self.fields.block(), spare))
    }
}
