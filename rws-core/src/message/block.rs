//! Field blocks: an arena of bytes and an index of fields into it.
//!
//! A block can be moved by moving both slices, since every span is relative to its arena. [`FieldBlock`]
//! reads, [`FieldBlockMut`] builds, and [`Fields`] is a block that is copied only if somebody edits it.

use super::field::{is_field_value, is_token};
use super::{Field, FieldName, KnownName, Span};
use crate::scan::copy_into;
use crate::{Capacity, Error, Misuse, SMALL};

/// Memory lent for one call: bytes for decoded text and edits, and slots for field indexes.
///
/// Two slices, since without unsafe code one cannot be carved from the other.
#[derive(Debug, Default)]
pub struct Scratch<'s> {
    /// Bytes.
    pub bytes: &'s mut [u8],
    /// Field slots.
    pub fields: &'s mut [Field],
}

impl<'s> Scratch<'s> {
    /// The same memory for a shorter time.
    pub fn reborrow(&mut self) -> Scratch<'_> {
        Scratch { bytes: self.bytes, fields: self.fields }
    }

    /// Splits off what is in use: the first `bytes` bytes and `fields` slots (clamped), and the rest.
    pub fn split(self, bytes: usize, fields: usize) -> (&'s [u8], &'s [Field], Scratch<'s>) {
        let (used, rest) = self.bytes.split_at_mut(bytes.min(self.bytes.len()));
        let (index, slots) = self.fields.split_at_mut(fields.min(self.fields.len()));
        (used, index, Scratch { bytes: rest, fields: slots })
    }
}

/// A view of field lines in their order.
#[derive(Clone, Copy, Debug, Default)]
pub struct FieldBlock<'a> {
    arena: &'a [u8],
    fields: &'a [Field],
    /// The arena is these fields as HTTP/1 lines, ready to be sent.
    is_lines: bool,
}

impl<'a> FieldBlock<'a> {
    /// No fields.
    pub const EMPTY: FieldBlock<'static> = FieldBlock::new(&[], &[]);

    /// A block over `arena`, whose spans `fields` names.
    pub const fn new(arena: &'a [u8], fields: &'a [Field]) -> FieldBlock<'a> {
        FieldBlock { arena, fields, is_lines: false }
    }

    /// A block whose arena is its HTTP/1 lines, one after the other, none of them the engine's own.
    pub(crate) const fn of_lines(lines: &'a [u8], fields: &'a [Field]) -> FieldBlock<'a> {
        FieldBlock { arena: lines, fields, is_lines: true }
    }

    /// The HTTP/1 lines of a block that was made of them; see [`FieldLines`](crate::h1::FieldLines).
    #[inline]
    pub(crate) fn lines(&self) -> Option<&'a [u8]> {
        self.is_lines.then_some(self.arena)
    }

    /// How many field lines there are.
    pub const fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The arena and the index.
    pub const fn parts(&self) -> (&'a [u8], &'a [Field]) {
        (self.arena, self.fields)
    }

    /// Every field line, in order.
    pub fn iter(&self) -> impl Iterator<Item = (FieldName<'a>, &'a [u8])> + use<'a> {
        let arena = self.arena;
        self.fields.iter().map(move |field| (field.name(arena), field.value(arena)))
    }

    /// Every value of `name`, in order.
    pub fn all<'n, N: Into<FieldName<'n>>>(
        &self,
        name: N,
    ) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n, N> {
        let (arena, name) = (self.arena, name.into());
        self.fields
            .iter()
            .filter(move |field| matches(**field, arena, name))
            .map(move |field| field.value(arena))
    }

    /// The first value of `name`.
    pub fn first<'n>(&self, name: impl Into<FieldName<'n>>) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The value of `name` if it appears exactly once.
    pub fn single<'n>(&self, name: impl Into<FieldName<'n>>) -> Option<&'a [u8]> {
        let mut values = self.all(name);
        let first = values.next()?;
        if values.next().is_some() { None } else { Some(first) }
    }

    /// Whether `name` appears.
    pub fn has<'n>(&self, name: impl Into<FieldName<'n>>) -> bool {
        self.first(name).is_some()
    }
}

fn matches(field: Field, arena: &[u8], name: FieldName<'_>) -> bool {
    match name {
        FieldName::Known(known) => field.is(known) || (SMALL && field.is_spelled(known, arena)),
        FieldName::Other(_) => field.known_name().is_none() && field.name(arena) == name,
    }
}

/// Whether any of `fields` has this name.
fn names(fields: &[Field], arena: &[u8], name: FieldName<'_>) -> bool {
    match name {
        FieldName::Known(known) if !SMALL => fields.iter().any(|field| field.is(known)),
        FieldName::Known(_) | FieldName::Other(_) => fields.iter().any(|field| matches(*field, arena, name)),
    }
}

/// A field block under construction in lent memory.
#[derive(Debug, Default)]
pub struct FieldBlockMut<'a> {
    arena: &'a mut [u8],
    used: usize,
    fields: &'a mut [Field],
    count: usize,
}

impl<'a> FieldBlockMut<'a> {
    /// An empty block in `scratch`.
    pub fn new(scratch: Scratch<'a>) -> FieldBlockMut<'a> {
        FieldBlockMut { arena: scratch.bytes, used: 0, fields: scratch.fields, count: 0 }
    }

    /// A copy of `block` in `scratch`.
    ///
    /// # Errors
    /// [`Capacity`] if the arena or the index does not fit.
    pub fn copy_of(block: FieldBlock<'_>, scratch: Scratch<'a>) -> Result<FieldBlockMut<'a>, Capacity> {
        let (arena, fields) = block.parts();
        copy_into(scratch.bytes.get_mut(..arena.len()).ok_or(Capacity::Bytes)?, arena);
        copy_into(scratch.fields.get_mut(..fields.len()).ok_or(Capacity::Fields)?, fields);
        Ok(FieldBlockMut {
            arena: scratch.bytes,
            used: arena.len(),
            fields: scratch.fields,
            count: fields.len(),
        })
    }

    /// A block that was built in this memory before: `used` bytes of its arena and `count` fields (clamped),
    /// as the parts of its [`FieldBlockMut::block`] said.
    pub fn resume(scratch: Scratch<'a>, used: usize, count: usize) -> FieldBlockMut<'a> {
        let (used, count) = (used.min(scratch.bytes.len()), count.min(scratch.fields.len()));
        FieldBlockMut { arena: scratch.bytes, used, fields: scratch.fields, count }
    }

    /// The block as it stands.
    pub fn block(&self) -> FieldBlock<'_> {
        FieldBlock::new(
            self.arena.get(..self.used).unwrap_or(&[]),
            self.fields.get(..self.count).unwrap_or(&[]),
        )
    }

    /// Adds a field line at the end.
    ///
    /// # Errors
    /// [`Misuse`] if the name is not a token or the value has a control character or white space at an
    /// end; [`Capacity`] if it does not fit.
    pub fn push<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        let name = name.into().identified();
        if !is_field_value(value) {
            return Err(Misuse::FieldValueSyntax.into());
        }
        let at = self.used;
        let field = match name {
            FieldName::Known(known) => Field::known(known, self.append(value)?),
            FieldName::Other(name) if is_token(name) => {
                let name = self.append(name)?;
                let value = self.append(value).inspect_err(|_| self.used = at)?;
                Field::named(name, value).ok_or(Capacity::Bytes)?
            }
            FieldName::Other(_) => return Err(Misuse::FieldNameSyntax.into()),
        };
        let Some(slot) = self.fields.get_mut(self.count) else {
            self.used = at;
            return Err(Capacity::Fields.into());
        };
        *slot = field;
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Removes every field line with this name; says how many there were. Their bytes stay unused in the
    /// arena.
    pub fn remove<'n>(&mut self, name: impl Into<FieldName<'n>>) -> usize {
        let name = name.into();
        if !names(self.fields.get(..self.count).unwrap_or(&[]), self.arena, name) {
            return 0;
        }
        self.retain(|this, _| this != name)
    }

    /// Keeps the field lines for which `keep` says so; says how many went.
    pub fn retain(&mut self, mut keep: impl FnMut(FieldName<'_>, &[u8]) -> bool) -> usize {
        let before = self.count;
        let mut kept = 0;
        for at in 0..before {
            let Some(&field) = self.fields.get(at) else { break };
            if !keep(field.name(self.arena), field.value(self.arena)) {
                continue;
            }
            if let Some(slot) = self.fields.get_mut(kept) {
                *slot = field;
            }
            kept = kept.saturating_add(1);
        }
        self.count = kept;
        before.saturating_sub(kept)
    }

    /// Replaces every field line with this name by one.
    ///
    /// # Errors
    /// As [`FieldBlockMut::push`]; the old lines stay then.
    pub fn set<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        let name = name.into();
        self.push(name, value)?;
        let last = self.count.saturating_sub(1);
        let (before, added) = self.fields.split_at(last.min(self.fields.len()));
        let Some(&added) = added.first() else { return Ok(()) };
        if !names(before, self.arena, name) {
            return Ok(());
        }
        self.count = last;
        self.remove(name);
        if let Some(slot) = self.fields.get_mut(self.count) {
            *slot = added;
            self.count = self.count.saturating_add(1);
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<Span, Capacity> {
        let end = self.used.checked_add(bytes.len()).ok_or(Capacity::Bytes)?;
        let span = Span::of(self.used, end).ok_or(Capacity::Bytes)?;
        copy_into(self.arena.get_mut(self.used..end).ok_or(Capacity::Bytes)?, bytes);
        self.used = end;
        Ok(span)
    }
}

/// The fields of a head: as received until somebody edits them, then a copy in scratch.
#[derive(Debug)]
pub enum Fields<'a> {
    /// As received; the scratch is where a first edit copies them to.
    Received(FieldBlock<'a>, Scratch<'a>),
    /// Edited.
    Edited(FieldBlockMut<'a>),
}

impl<'a> Fields<'a> {
    /// The fields as they stand.
    pub fn block(&self) -> FieldBlock<'_> {
        match self {
            Fields::Received(block, _) => *block,
            Fields::Edited(block) => block.block(),
        }
    }

    /// The fields, ready for edits: copied into scratch at the first call.
    ///
    /// # Errors
    /// [`Capacity`] if scratch cannot hold them; they stay as they were.
    pub fn edit(&mut self) -> Result<&mut FieldBlockMut<'a>, Capacity> {
        if let Fields::Received(block, scratch) = self {
            let (arena, index) = block.parts();
            if scratch.bytes.len() < arena.len() {
                return Err(Capacity::Bytes);
            }
            if scratch.fields.len() < index.len() {
                return Err(Capacity::Fields);
            }
            let scratch = core::mem::take(scratch);
            *self = Fields::Edited(FieldBlockMut::copy_of(*block, scratch)?);
        }
        match self {
            Fields::Edited(block) => Ok(block),
            Fields::Received(..) => Err(Capacity::Bytes),
        }
    }

    /// The first value of a known name.
    pub fn first(&self, name: KnownName) -> Option<&[u8]> {
        self.block().first(name)
    }
}
