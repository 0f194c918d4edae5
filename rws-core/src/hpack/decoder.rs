//! Decoding field blocks (RFC 7541 §3 and §6).
//!
//! ```text
//!   1 iiiiiii   an entry                          001 sssss   the table's new size, before all others
//!   01 iiiiii   a value, put into the table       0001 iiii   a value that no hop may put into one
//!   0000 iiii   a value                           i = 0: the name stands there too
//! ```

use super::static_table;
use super::table::{Entry, OVERHEAD_BYTES, Record, Table, copy_run};
use super::{HpackError, TABLE_BYTES_DEFAULT};
use crate::compression::huffman::{self, Undecodable};
use crate::compression::integer::{self, Unreadable};
use crate::compression::{Line, NameId, Pseudo};
use crate::message::{is_field_value, is_token};
use crate::scan::copy_into;
use crate::{KnownName, Span};

/// What one field list may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    /// The names and values, and 32 more for each line (RFC 9113 §6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE): bytes.
    pub bytes_max: u32,
    /// Lines, pseudo-fields among them.
    pub fields_max: u16,
}

/// What came of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// How much of the arena the lines take: bytes.
    pub arena_bytes: u16,
    /// How many lines there were; the limit itself if the list is too large.
    pub fields: u16,
    /// The names and values of the lines, and 32 more for each, up to the line that was too many: bytes.
    pub list_bytes: u32,
    /// Whether the list is above its limits or larger than the arena. Not all of its lines were handed out then, and
    /// the arena has been written over.
    pub is_too_large: bool,
}

/// The decoder of one connection.
///
/// `SMALL` chooses little code before speed; the default is what the target needs.
#[derive(Debug)]
pub struct Decoder<const SMALL: bool = { crate::SMALL }> {
    table: Table,
    /// What our SETTINGS allow the table to be: bytes.
    allowed: u32,
    /// The least that they allowed since the last block.
    allowed_least: u32,
}

impl Decoder {
    /// A decoder whose table may have the 4,096 bytes that hold until a setting is acknowledged.
    pub const fn new() -> Decoder {
        Decoder::of_any_size()
    }
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

impl<const SMALL: bool> Decoder<SMALL> {
    /// As [`Decoder::new`], with `SMALL` chosen by the caller.
    pub const fn of_any_size() -> Decoder<SMALL> {
        Decoder {
            table: Table::new(TABLE_BYTES_DEFAULT),
            allowed: TABLE_BYTES_DEFAULT,
            allowed_least: TABLE_BYTES_DEFAULT,
        }
    }

    /// The peer has acknowledged our SETTINGS_HEADER_TABLE_SIZE of `bytes_max`. If that is less than the table has,
    /// the next block must begin by saying so.
    pub fn allow(&mut self, bytes_max: u32) {
        self.allowed = bytes_max;
        self.allowed_least = self.allowed_least.min(bytes_max);
    }

    /// How much memory suffices to decode a block of `block_bytes` as if there were all that the table may have.
    ///
    /// ```text
    ///   what the table has  +  4 × block          8 for the record of each line, which has 2 bytes at least,
    ///                                             and 8/5 of a text in Huffman code
    ///                       +  longest × block/2  a name that the table has may be kept again by 2 bytes
    /// ```
    #[inline]
    pub fn memory_wanted(&self, block_bytes: usize) -> usize {
        let block = u32::try_from(block_bytes).unwrap_or(u32::MAX);
        let has = self.table.bytes_at_most();
        // No name is longer than all that the table has, or this block brings.
        let longest = self.table.name_bytes_at_most().saturating_add(block.saturating_mul(8) / 5);
        let names = longest.saturating_mul(block / 2);
        let wanted = has.saturating_add(block.saturating_mul(4)).saturating_add(names);
        wanted.min(self.table.max().max(self.allowed)) as usize
    }

    /// Decodes the whole `block`, and gives each line to `each` in its order, with the arena that its spans point
    /// into: the names and values are put there one after the other, from its start.
    ///
    /// `memory` holds the table: the same bytes at every call, or more behind them. An arena that is shorter than the longest entry that
    /// `memory` holds may keep less of the table. No more than 65,535 bytes of either are made use of.
    ///
    /// # Errors
    /// [`HpackError`], for which the connection must be closed.
    pub fn decode(
        &mut self,
        block: &[u8],
        memory: &mut [u8],
        arena: &mut [u8],
        limits: ListLimits,
        mut each: impl FnMut(Line, &[u8]),
    ) -> Result<Decoded, HpackError> {
        self.table.lend(memory);
        let whole = usize::from(u16::MAX).min(arena.len());
        let Some(arena) = arena.get_mut(..whole) else { return Err(HpackError::Truncated) };
        let mut run = Run {
            rest: block,
            memory,
            arena,
            used: 0,
            bytes_left: limits.bytes_max,
            fields_left: limits.fields_max,
            is_too_large: false,
            name: Name { id: NameId::OTHER, at: 0, len: 0 },
            value: Span::EMPTY,
            flags: Flags(0),
        };
        self.size_updates(&mut run)?;
        while let Some((&first, rest)) = run.rest.split_first() {
            if !SMALL && let Some(line) = self.usual_line(first, &mut run) {
                run.rest = rest;
                each(line, run.arena);
                continue;
            }
            if self.line(first, &mut run)? {
                each(run.line(), run.arena);
            }
        }
        Ok(Decoded {
            arena_bytes: if run.is_too_large { 0 } else { run.used },
            fields: limits.fields_max.wrapping_sub(run.fields_left),
            list_bytes: limits.bytes_max.wrapping_sub(run.bytes_left),
            is_too_large: run.is_too_large,
        })
    }

    #[cfg(test)]
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// The updates that a block may, or must, begin with (RFC 7541 §4.2).
    fn size_updates(&mut self, run: &mut Run<'_>) -> Result<(), HpackError> {
        if run.rest.is_empty() {
            return Ok(());
        }
        let mut is_missing = self.table.max() > self.allowed_least;
        while run.rest.first().is_some_and(|first| first & 0xe0 == 0x20) {
            let max = run.integer(0x1f)?;
            if max > self.allowed {
                return Err(HpackError::SizeUpdateTooLarge);
            }
            self.table.set_max(max, run.memory);
            is_missing &= max > self.allowed_least;
        }
        self.allowed_least = self.allowed;
        if is_missing { Err(HpackError::SizeUpdateMissing) } else { Ok(()) }
    }

    /// The line that `first` is all of, if it is one of the usual ones: an entry of the dynamic table whose name has
    /// an id, and for which there is room. Otherwise nothing is changed.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn usual_line(&self, first: u8, run: &mut Run<'_>) -> Option<Line> {
        const NEWEST: u8 = 0x80 + static_table::LEN as u8 + 1;
        let age = first.wrapping_sub(NEWEST);
        if age >= 0xff - NEWEST {
            return None;
        }
        let record = self.table.record(u32::from(age), run.memory)?;
        if record.name == NameId::OTHER {
            return None;
        }
        let value = Span { at: run.used, len: record.value_len };
        if value.end() > run.arena.len() {
            return None;
        }
        (run.bytes_left, run.fields_left) = run.left_after(record.name_len, value.len)?;
        run.used = value.end() as u16;
        let from = usize::from(self.table.place(record).name_at);
        copy_run(run.arena, usize::from(value.at), run.memory, from, usize::from(value.len));
        Some(Line {
            name: record.name.name(Span::EMPTY),
            value,
            never_indexed: false,
            is_well_formed: record.flags == Flags::SOUND,
        })
    }

    /// Decodes a line; says whether it belongs to the list.
    fn line(&mut self, first: u8, run: &mut Run<'_>) -> Result<bool, HpackError> {
        if first & 0x80 != 0 {
            let index = run.integer(0x7f)?;
            return self.indexed(index, run);
        }
        let (kind, prefix) = match first {
            0x40.. => (Flags::INDEXED, 0x3f),
            0x20.. => return Err(HpackError::SizeUpdateMisplaced),
            0x10.. => (Flags::NEVER_INDEXED, 0xf),
            0.. => (0, 0xf),
        };
        let from = run.rest;
        match self.literal(kind, prefix, run) {
            Ok(belongs) => Ok(belongs),
            Err(Stop::Fault(fault)) => Err(fault),
            Err(Stop::NoRoom) => {
                run.rest = from;
                self.literal_again(kind, prefix, run)
            }
        }
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    #[cfg_attr(target_os = "none", inline(never))]
    fn indexed(&mut self, index: u32, run: &mut Run<'_>) -> Result<bool, HpackError> {
        if index <= static_table::LEN {
            let id = static_table::name(index).ok_or(HpackError::IndexUnknown)?;
            run.name = Name { id, at: 0, len: id.len() as u16 };
            run.flags = Flags(Flags::SOUND);
            return Ok(if run.put_static(index) { run.count() } else { run.no_room() });
        }
        let record = self.record(index, run).ok_or(HpackError::IndexUnknown)?;
        let place = self.table.place(record);
        run.name = Name { id: record.name, at: run.used, len: record.name_len };
        run.flags = Flags(record.flags);
        if record.name == NameId::OTHER && run.put_kept(place.name_at, record.name_len).is_none() {
            return Ok(run.no_room());
        }
        match run.put_kept(place.value_at, record.value_len) {
            Some(value) => run.value = value,
            None => return Ok(run.no_room()),
        }
        Ok(run.count())
    }

    /// Decodes a line once more for which the arena had no room. The list is too large then, and the arena is used
    /// for this line alone; what is longer than all of it is not kept in the table either.
    #[cold]
    #[inline(never)]
    fn literal_again(&mut self, kind: u8, prefix: u8, run: &mut Run<'_>) -> Result<bool, HpackError> {
        let from = run.rest;
        run.no_room();
        match self.literal(kind, prefix, run) {
            Ok(_) => {}
            Err(Stop::Fault(fault)) => return Err(fault),
            Err(Stop::NoRoom) => {
                run.rest = from;
                self.literal_passed_over(kind, prefix, run)?;
            }
        }
        Ok(false)
    }

    /// Decodes a line that is not in a table.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn literal(&mut self, kind: u8, prefix: u8, run: &mut Run<'_>) -> Result<bool, Stop> {
        let index = run.integer(prefix)?;
        let name_flags = match index {
            0 => run.new_name::<SMALL>()?,
            _ => self.known_name(index, run)?,
        };
        let is_plain = run.text::<SMALL>()?;
        let is_sound =
            if is_plain { !is_spaced(run.arena, run.value) } else { is_sound(run.arena, run.value) };
        run.flags = Flags(name_flags | kind | if is_sound { Flags::VALUE } else { 0 });
        if kind == Flags::INDEXED {
            self.insert(run);
        }
        Ok(run.count())
    }

    /// Puts the last line into the table.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn insert(&mut self, run: &mut Run<'_>) {
        let Run { name, value, .. } = *run;
        let (name_len, value_len) = (u32::from(name.len), u32::from(value.len));
        let flags = run.flags.0 & Flags::SOUND;
        let Some(mut at) = self.table.insert(Entry { name: name.id, name_len, value_len, flags }, run.memory)
        else {
            return;
        };
        if name.id == NameId::OTHER {
            self.table.put(at, run.memory, run.arena, usize::from(name.at), usize::from(name.len));
            at = at.wrapping_add(usize::from(name.len));
        }
        self.table.put(at, run.memory, run.arena, usize::from(value.at), usize::from(value.len));
    }

    /// The name of an entry, put into the arena if it has no id; says whether it is well formed.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn known_name(&self, index: u32, run: &mut Run<'_>) -> Result<u8, Stop> {
        if index <= static_table::LEN {
            let id = static_table::name(index).ok_or(HpackError::IndexUnknown)?;
            run.name = Name { id, at: 0, len: id.len() as u16 };
            return Ok(Flags::NAME);
        }
        let record = self.record(index, run).ok_or(HpackError::IndexUnknown)?;
        run.name = Name { id: record.name, at: run.used, len: record.name_len };
        if record.name == NameId::OTHER {
            run.put_kept(self.table.place(record).name_at, record.name_len).ok_or(Stop::NoRoom)?;
        }
        Ok(record.flags & Flags::NAME)
    }

    /// Looks over a line that the arena has no room for.
    fn literal_passed_over(&mut self, kind: u8, prefix: u8, run: &mut Run<'_>) -> Result<(), HpackError> {
        match run.integer(prefix)? {
            0 => run.text_passed_over()?,
            index if index <= static_table::LEN => {}
            index => {
                self.record(index, run).ok_or(HpackError::IndexUnknown)?;
            }
        }
        run.text_passed_over()?;
        if kind == Flags::INDEXED {
            self.table.clear();
        }
        Ok(())
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn record(&self, index: u32, run: &Run<'_>) -> Option<Record> {
        self.table.record(index.wrapping_sub(static_table::LEN).wrapping_sub(1), run.memory)
    }
}

/// Whether there is a space at an end.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn is_spaced(arena: &[u8], value: Span) -> bool {
    let bytes = value.bytes(arena);
    bytes.first() == Some(&b' ') || bytes.last() == Some(&b' ')
}

#[inline(never)]
fn is_sound(arena: &[u8], value: Span) -> bool {
    is_field_value(value.bytes(arena))
}

/// What has been found of a line; the first two are kept with an entry.
#[derive(Clone, Copy, Debug)]
struct Flags(u8);

impl Flags {
    /// The name is well formed.
    const NAME: u8 = 1;
    /// The value is.
    const VALUE: u8 = 2;
    /// Both are.
    const SOUND: u8 = Flags::NAME | Flags::VALUE;
    /// The line goes into the table.
    const INDEXED: u8 = 4;
    /// No hop may put it into one.
    const NEVER_INDEXED: u8 = 8;
}

/// A name, in the arena if it has no id.
#[derive(Clone, Copy, Debug)]
struct Name {
    id: NameId,
    at: u16,
    len: u16,
}

impl Name {
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn span(self) -> Span {
        Span { at: self.at, len: self.len }
    }
}

/// Why a line could not be put into the arena.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Fault(HpackError),
    NoRoom,
}

impl From<HpackError> for Stop {
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn from(fault: HpackError) -> Stop {
        Stop::Fault(fault)
    }
}

/// One block on its way.
struct Run<'r> {
    rest: &'r [u8],
    memory: &'r mut [u8],
    arena: &'r mut [u8],
    used: u16,
    bytes_left: u32,
    fields_left: u16,
    is_too_large: bool,
    // The last line.
    name: Name,
    value: Span,
    flags: Flags,
}

/// A text as it stands in the block, with what comes behind it.
struct Coded<'r> {
    bytes: &'r [u8],
    len: usize,
    is_huffman: bool,
}

impl<'r> Run<'r> {
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn integer(&mut self, prefix: u8) -> Result<u32, HpackError> {
        integer::read(&mut self.rest, prefix).map_err(|unreadable| match unreadable {
            Unreadable::Truncated => HpackError::Truncated,
            Unreadable::TooLarge => HpackError::IntegerTooLarge,
        })
    }

    /// Passes over a text (RFC 7541 §5.2).
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn coded(&mut self) -> Result<Coded<'r>, HpackError> {
        let is_huffman = self.rest.first().is_some_and(|byte| byte & 0x80 != 0);
        let len = self.integer(0x7f)? as usize;
        let bytes = self.rest;
        self.rest = bytes.get(len..).ok_or(HpackError::Truncated)?;
        Ok(Coded { bytes, len, is_huffman })
    }

    /// A text, put into the arena as the last value; says whether it surely has no control byte.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn text<const SMALL: bool>(&mut self) -> Result<bool, Stop> {
        let Coded { bytes, len, is_huffman } = self.coded()?;
        let from = self.used;
        let Some(room) = self.arena.get_mut(usize::from(from)..) else { return Err(Stop::NoRoom) };
        let (len, is_plain) = if is_huffman {
            match huffman::decode::<SMALL>(bytes, len, room) {
                Ok(text) => (text.len(), text.is_plain()),
                Err(Undecodable::NoRoom) => return Err(Stop::NoRoom),
                Err(Undecodable::Malformed) => return Err(HpackError::HuffmanCode.into()),
            }
        } else {
            copy_into(room.get_mut(..len).ok_or(Stop::NoRoom)?, bytes.get(..len).unwrap_or(&[]));
            (len, false)
        };
        // An arena has no more than 65,535 bytes.
        self.used = from.wrapping_add(len as u16);
        self.value.at = from;
        self.value.len = len as u16;
        Ok(is_plain)
    }

    fn text_passed_over(&mut self) -> Result<(), HpackError> {
        let Coded { bytes, len, is_huffman } = self.coded()?;
        if is_huffman { huffman::check(bytes, len).map_err(|_| HpackError::HuffmanCode) } else { Ok(()) }
    }

    /// A name that stands in the block: its id if it has one, and its place if not. Says whether it is well formed.
    fn new_name<const SMALL: bool>(&mut self) -> Result<u8, Stop> {
        let from = self.used;
        self.text::<SMALL>()?;
        let span = self.value;
        let bytes = span.bytes(self.arena);
        let is_lower_case = !bytes.iter().any(u8::is_ascii_uppercase);
        let id = if bytes.first() == Some(&b':') {
            Pseudo::from_bytes(bytes).map(NameId::pseudo)
        } else {
            KnownName::from_bytes(bytes).filter(|_| is_lower_case).map(NameId::known)
        };
        if let Some(id) = id {
            self.used = from;
            self.name = Name { id, at: 0, len: span.len };
            return Ok(Flags::NAME);
        }
        self.name = Name { id: NameId::OTHER, at: span.at, len: span.len };
        Ok(if is_lower_case && is_token(bytes) { Flags::NAME } else { 0 })
    }

    /// Puts a value of the static table into the arena; says whether there was room.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn put_static(&mut self, index: u32) -> bool {
        let at = usize::from(self.used);
        if let Some(padded) = static_table::padded(index)
            && let Some(place) = self.arena.get_mut(at..at.wrapping_add(padded.value.len()))
            && let Some(place) = place.first_chunk_mut()
        {
            *place = padded.value;
            self.value = Span { at: self.used, len: u16::from(padded.len) };
            self.used = self.used.wrapping_add(u16::from(padded.len));
            return true;
        }
        self.put_static_exactly(static_table::value(index))
    }

    #[inline(never)]
    fn put_static_exactly(&mut self, value: &[u8]) -> bool {
        self.value = Span { at: self.used, len: value.len() as u16 };
        let Some(place) = self.arena.get_mut(usize::from(self.used)..self.value.end()) else { return false };
        copy_into(place, value);
        self.used = self.value.end() as u16;
        true
    }

    /// Puts bytes of the table into the arena.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn put_kept(&mut self, from: u16, len: u16) -> Option<Span> {
        let span = Span { at: self.used, len };
        let (at, from) = (usize::from(self.used), usize::from(from));
        let end = span.end();
        if end > self.arena.len() {
            return None;
        }
        copy_run(self.arena, at, self.memory, from, usize::from(len));
        self.used = end as u16;
        Some(span)
    }

    /// Counts the last line; says whether the list is within its limits with it.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn count(&mut self) -> bool {
        let Some(left) = self.left_after(self.name.len, self.value.len) else { return self.no_room() };
        (self.bytes_left, self.fields_left) = left;
        true
    }

    /// How many bytes and lines the list may have after one more.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn left_after(&self, name_len: u16, value_len: u16) -> Option<(u32, u16)> {
        let bytes = u32::from(name_len).wrapping_add(u32::from(value_len)).wrapping_add(OVERHEAD_BYTES);
        Some((self.bytes_left.checked_sub(bytes)?, self.fields_left.checked_sub(1)?))
    }

    /// The last line.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn line(&self) -> Line {
        Line {
            name: self.name.id.name(self.name.span()),
            value: self.value,
            never_indexed: self.flags.0 & Flags::NEVER_INDEXED != 0,
            is_well_formed: self.flags.0 & Flags::SOUND == Flags::SOUND,
        }
    }

    /// The list is too large. Whatever comes is not counted any more, and uses the arena from its start.
    #[cold]
    fn no_room(&mut self) -> bool {
        self.is_too_large = true;
        self.fields_left = 0;
        self.used = 0;
        false
    }
}

#[cfg(test)]
mod tests;
