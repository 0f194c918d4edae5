//! Decoding field blocks (RFC 7541 §3 and §6).
//!
//! ```text
//!   1 iiiiiii   an entry                          001 sssss   the table's new size, before all others
//!   01 iiiiii   a value, put into the table       0001 iiii   a value that no hop may put into one
//!   0000 iiii   a value                           i = 0: the name stands there too
//! ```

use super::static_table;
use super::table::{OVERHEAD_BYTES, Record, Table};
use super::{HpackError, TABLE_BYTES_DEFAULT};
use crate::compression::huffman::{self, Undecodable};
use crate::compression::integer::{self, Unreadable};
use crate::compression::{Line, LineName, NameId, Pseudo};
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
    /// How many lines there were; no more are counted once the list is too large.
    pub fields: u16,
    /// The names and values of the lines, and 32 more for each: bytes.
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

    /// Decodes the whole `block`, and gives each line to `each` in its order, with the arena that its spans point
    /// into: the names and values are put there one after the other, from its start.
    ///
    /// `memory` holds the table: the same bytes at every call. An arena that is shorter than the longest entry that
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
            block,
            at: 0,
            memory,
            arena,
            used: 0,
            limits,
            list_bytes: 0,
            fields: 0,
            is_too_large: false,
        };
        self.size_updates(&mut run)?;
        while run.at < run.block.len() {
            if let Some(line) = self.line(&mut run)? {
                each(line, run.arena);
            }
        }
        Ok(Decoded {
            arena_bytes: if run.is_too_large { 0 } else { run.used as u16 },
            fields: run.fields,
            list_bytes: run.list_bytes,
            is_too_large: run.is_too_large,
        })
    }

    #[cfg(test)]
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// The updates that a block may, or must, begin with (RFC 7541 §4.2).
    fn size_updates(&mut self, run: &mut Run<'_>) -> Result<(), HpackError> {
        let Some(mut first) = run.block.first() else { return Ok(()) };
        let mut is_missing = self.table.max() > self.allowed_least;
        while first & 0xe0 == 0x20 {
            let max = run.integer(5)?;
            if max > self.allowed {
                return Err(HpackError::SizeUpdateTooLarge);
            }
            self.table.set_max(max, run.memory);
            is_missing &= max > self.allowed_least;
            let Some(next) = run.block.get(run.at) else { break };
            first = next;
        }
        self.allowed_least = self.allowed;
        if is_missing { Err(HpackError::SizeUpdateMissing) } else { Ok(()) }
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn line(&mut self, run: &mut Run<'_>) -> Result<Option<Line>, HpackError> {
        let Some(&first) = run.block.get(run.at) else { return Err(HpackError::Truncated) };
        if first & 0x80 != 0 {
            let index = run.integer(7)?;
            return self.indexed(index, run);
        }
        let (kind, prefix_bits) = match first >> 4 {
            0 => (Literal::Plain, 4),
            1 => (Literal::NeverIndexed, 4),
            2 | 3 => return Err(HpackError::SizeUpdateMisplaced),
            _ => (Literal::Indexed, 6),
        };
        self.literal(kind, prefix_bits, run)
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn indexed(&mut self, index: u32, run: &mut Run<'_>) -> Result<Option<Line>, HpackError> {
        if run.is_too_large {
            return self.name_of(index, run).map(|_| None);
        }
        let start = run.used;
        let (name, value, flags) = if index <= static_table::LEN {
            let entry = static_table::entry(index).ok_or(HpackError::IndexUnknown)?;
            let Some(value) = run.put_padded(&entry.value, usize::from(entry.value_len)) else {
                return Ok(run.no_room());
            };
            (Name { id: entry.name, at: 0, len: entry.name.len() as u16 }, value, Flags::SOUND)
        } else {
            let record = self.record(index, run).ok_or(HpackError::IndexUnknown)?;
            let (name, value) = self.table.bytes(record, run.memory);
            let len = record.name_len;
            let (Some(at), Some(value)) =
                (put(run.arena, &mut run.used, name), put(run.arena, &mut run.used, value))
            else {
                run.used = start;
                return Ok(run.no_room());
            };
            (Name { id: record.name, at: at.at, len }, value, Flags(record.flags))
        };
        Ok(run.counted(name, value, flags, false))
    }

    /// A line that is not in a table. If the arena has no room for it, the list is too large, and the arena is
    /// used once more for this line alone; what is longer than all of it is not kept in the table either.
    fn literal(
        &mut self,
        kind: Literal,
        prefix_bits: u32,
        run: &mut Run<'_>,
    ) -> Result<Option<Line>, HpackError> {
        let from = run.at;
        if run.is_too_large {
            run.used = 0;
        }
        match self.literal_in_arena(kind, prefix_bits, run) {
            Ok(line) => return Ok(line),
            Err(Stop::Fault(fault)) => return Err(fault),
            Err(Stop::NoRoom) => {}
        }
        run.no_room();
        run.at = from;
        run.used = 0;
        match self.literal_in_arena(kind, prefix_bits, run) {
            Ok(_) => Ok(None),
            Err(Stop::Fault(fault)) => Err(fault),
            Err(Stop::NoRoom) => {
                run.at = from;
                self.literal_passed_over(kind, prefix_bits, run)
            }
        }
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn literal_in_arena(
        &mut self,
        kind: Literal,
        prefix_bits: u32,
        run: &mut Run<'_>,
    ) -> Result<Option<Line>, Stop> {
        let index = run.integer(prefix_bits)?;
        let (name, name_flags) = match index {
            0 => run.new_name::<SMALL>()?,
            _ => self.known_name(index, run)?,
        };
        let value = run.text::<SMALL>()?;
        let bytes = value.bytes(run.arena);
        let value_flags = if is_field_value(bytes) { Flags::VALUE } else { 0 };
        let flags = Flags(name_flags | value_flags);
        if let Literal::Indexed = kind {
            let kept = if name.id == NameId::OTHER { name.span().bytes(run.arena) } else { &[] };
            self.table.insert(name.id, kept, bytes, flags.0, run.memory);
        }
        Ok(run.counted(name, value, flags, matches!(kind, Literal::NeverIndexed)))
    }

    /// The name of an entry, in the arena if it has no id.
    fn known_name(&self, index: u32, run: &mut Run<'_>) -> Result<(Name, u8), Stop> {
        let (id, len, flags) = self.name_of(index, run)?;
        if id != NameId::OTHER {
            return Ok((Name { id, at: 0, len }, Flags::NAME));
        }
        let record = self.record(index, run).ok_or(HpackError::IndexUnknown)?;
        let (name, _) = self.table.bytes(record, run.memory);
        let at = put(run.arena, &mut run.used, name).ok_or(Stop::NoRoom)?.at;
        Ok((Name { id, at, len }, flags & Flags::NAME))
    }

    /// Looks over a line that the arena has no room for.
    #[cold]
    fn literal_passed_over(
        &mut self,
        kind: Literal,
        prefix_bits: u32,
        run: &mut Run<'_>,
    ) -> Result<Option<Line>, HpackError> {
        match run.integer(prefix_bits)? {
            0 => run.text_passed_over()?,
            index => {
                self.name_of(index, run)?;
            }
        }
        run.text_passed_over()?;
        if let Literal::Indexed = kind {
            self.table.clear();
        }
        Ok(None)
    }

    fn name_of(&self, index: u32, run: &Run<'_>) -> Result<(NameId, u16, u8), HpackError> {
        if index <= static_table::LEN {
            let name = static_table::name(index).ok_or(HpackError::IndexUnknown)?;
            return Ok((name, name.len() as u16, Flags::SOUND.0));
        }
        let record = self.record(index, run).ok_or(HpackError::IndexUnknown)?;
        Ok((record.name, record.name_len, record.flags))
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn record(&self, index: u32, run: &Run<'_>) -> Option<Record> {
        self.table.record(index.wrapping_sub(static_table::LEN).wrapping_sub(1), run.memory)
    }
}

/// What becomes of a line that is not in a table.
#[derive(Clone, Copy, Debug)]
enum Literal {
    Plain,
    Indexed,
    NeverIndexed,
}

/// What has been found of a line's parts; kept with an entry.
#[derive(Clone, Copy, Debug)]
struct Flags(u8);

impl Flags {
    const NAME: u8 = 1;
    const VALUE: u8 = 2;
    const SOUND: Flags = Flags(Flags::NAME | Flags::VALUE);
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
    block: &'r [u8],
    at: usize,
    memory: &'r mut [u8],
    arena: &'r mut [u8],
    used: usize,
    limits: ListLimits,
    list_bytes: u32,
    fields: u16,
    is_too_large: bool,
}

impl Run<'_> {
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn integer(&mut self, prefix_bits: u32) -> Result<u32, HpackError> {
        integer::read(self.block, &mut self.at, prefix_bits).map_err(|unreadable| match unreadable {
            Unreadable::Truncated => HpackError::Truncated,
            Unreadable::TooLarge => HpackError::IntegerTooLarge,
        })
    }

    /// A text's bytes in the block, with what comes behind them, how many they are, and whether they are Huffman code.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn coded(&mut self) -> Result<(usize, usize, bool), HpackError> {
        let is_huffman = self.block.get(self.at).is_some_and(|byte| byte & 0x80 != 0);
        let len = self.integer(7)? as usize;
        let at = self.at;
        if self.block.len().wrapping_sub(at) < len {
            return Err(HpackError::Truncated);
        }
        self.at = at.wrapping_add(len);
        Ok((at, len, is_huffman))
    }

    /// A text, put into the arena (RFC 7541 §5.2).
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn text<const SMALL: bool>(&mut self) -> Result<Span, Stop> {
        let (at, len, is_huffman) = self.coded()?;
        let bytes = self.block.get(at..).unwrap_or(&[]);
        if !is_huffman {
            return put(self.arena, &mut self.used, bytes.get(..len).unwrap_or(&[])).ok_or(Stop::NoRoom);
        }
        let room = self.arena.get_mut(self.used..).unwrap_or(&mut []);
        let from = self.used;
        match huffman::decode::<SMALL>(bytes, len, room) {
            Ok(len) => {
                self.used = from.wrapping_add(len);
                Ok(Span { at: from as u16, len: len as u16 })
            }
            Err(Undecodable::NoRoom) => Err(Stop::NoRoom),
            Err(Undecodable::Malformed) => Err(HpackError::HuffmanCode.into()),
        }
    }

    fn text_passed_over(&mut self) -> Result<(), HpackError> {
        let (at, len, is_huffman) = self.coded()?;
        let bytes = self.block.get(at..).unwrap_or(&[]);
        if is_huffman { huffman::check(bytes, len).map_err(|_| HpackError::HuffmanCode) } else { Ok(()) }
    }

    /// A name that stands in the block: its id if it has one, and its place if not.
    fn new_name<const SMALL: bool>(&mut self) -> Result<(Name, u8), Stop> {
        let from = self.used;
        let span = self.text::<SMALL>()?;
        let bytes = span.bytes(self.arena);
        let is_lower_case = !bytes.iter().any(u8::is_ascii_uppercase);
        let id = if bytes.first() == Some(&b':') {
            Pseudo::from_bytes(bytes).map(NameId::pseudo)
        } else {
            KnownName::from_bytes(bytes).filter(|_| is_lower_case).map(NameId::known)
        };
        if let Some(id) = id {
            self.used = from;
            return Ok((Name { id, at: 0, len: span.len }, Flags::NAME));
        }
        let flags = if is_lower_case && is_token(bytes) { Flags::NAME } else { 0 };
        Ok((Name { id: NameId::OTHER, at: span.at, len: span.len }, flags))
    }

    /// As [`put`], for a value with room behind it.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn put_padded(&mut self, value: &[u8; static_table::VALUE_BYTES], len: usize) -> Option<Span> {
        let from = self.used;
        let rest = self.arena.get_mut(from..)?;
        if let Some(place) = rest.first_chunk_mut() {
            *place = *value;
            self.used = from.wrapping_add(len);
            return Some(Span { at: from as u16, len: len as u16 });
        }
        put(self.arena, &mut self.used, value.get(..len)?)
    }

    /// The line, if the list is within its limits with it.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn counted(&mut self, name: Name, value: Span, flags: Flags, never_indexed: bool) -> Option<Line> {
        if self.is_too_large {
            return None;
        }
        let bytes = u32::from(name.len).wrapping_add(u32::from(value.len)).wrapping_add(OVERHEAD_BYTES);
        self.list_bytes = self.list_bytes.saturating_add(bytes);
        if self.list_bytes > self.limits.bytes_max || self.fields >= self.limits.fields_max {
            return self.no_room();
        }
        self.fields = self.fields.wrapping_add(1);
        let is_well_formed = flags.0 == Flags::SOUND.0;
        let name: LineName = name.id.name(name.span());
        Some(Line { name, value, never_indexed, is_well_formed })
    }

    /// The list is too large.
    fn no_room(&mut self) -> Option<Line> {
        self.is_too_large = true;
        None
    }
}

/// Puts `bytes` behind what is used of the arena.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn put(arena: &mut [u8], used: &mut usize, bytes: &[u8]) -> Option<Span> {
    let from = *used;
    let end = from.wrapping_add(bytes.len());
    copy_into(arena.get_mut(from..end)?, bytes);
    *used = end;
    Some(Span { at: from as u16, len: bytes.len() as u16 })
}

#[cfg(test)]
mod tests;
