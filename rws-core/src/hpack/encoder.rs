//! Encoding field blocks: what is in a table by its index, the rest in Huffman code where that is shorter.
//!
//! What goes into the table is what is likely to come again. What differs with every message would only push out the
//! rest, and secrets must not be found by guessing at them (RFC 7541 §7.1):
//!
//! ```text
//!   authorization, proxy-authorization, set-cookie, short cookies, marked lines    never indexed, by no hop
//!   :path, content-length, validators, ranges, location, age; what is long         not indexed
//!   all others                                                                     indexed
//! ```

mod repeat;

pub(crate) use repeat::Beginning;

use self::repeat::Repeat;
use super::TABLE_BYTES_DEFAULT;
use super::static_table;
use super::table::{OVERHEAD_BYTES, Table};
use crate::compression::{NameId, Pseudo, huffman, integer};
use crate::scan::{copy_into, move_within};
use crate::{Capacity, FieldName, KnownName};

/// A cookie that is shorter may be guessed: bytes.
const COOKIE_BYTES_MIN: usize = 20;

/// The encoder of one connection.
///
/// `SMALL` chooses little code before speed; the default is what the target needs.
#[derive(Debug)]
pub struct Encoder<const SMALL: bool = { crate::SMALL }> {
    table: Table,
    /// How large the peer has been told that the table is: bytes.
    told: u32,
    /// What the peer's SETTINGS allow: bytes.
    allowed: u32,
    /// The least that they allowed since the last block.
    allowed_least: u32,
    /// A block was begun, and not finished: the peer may never see it.
    is_open: bool,
    /// Moves on with each change of the table.
    state: u32,
    repeat: Repeat,
}

impl Encoder {
    /// An encoder whose table may have the 4,096 bytes that hold until the peer's SETTINGS say otherwise.
    pub const fn new() -> Encoder {
        Encoder::of_any_size()
    }
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

impl<const SMALL: bool> Encoder<SMALL> {
    /// As [`Encoder::new`], with `SMALL` chosen by the caller.
    pub const fn of_any_size() -> Encoder<SMALL> {
        Encoder {
            table: Table::new(TABLE_BYTES_DEFAULT),
            told: TABLE_BYTES_DEFAULT,
            allowed: TABLE_BYTES_DEFAULT,
            allowed_least: TABLE_BYTES_DEFAULT,
            is_open: false,
            state: 0,
            repeat: Repeat::NONE,
        }
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE is `bytes_max`. The next block says so where it must.
    pub fn allow(&mut self, bytes_max: u32) {
        self.allowed = bytes_max;
        self.allowed_least = self.allowed_least.min(bytes_max);
    }

    /// Begins a block at the start of `out`.
    ///
    /// `memory` holds the table: the same bytes at every call, and no more than 65,535 of them are made use of. It may
    /// be empty: then nothing is put into the table.
    pub fn begin<'b>(&'b mut self, memory: &'b mut [u8], out: &'b mut [u8]) -> BlockOut<'b, SMALL> {
        self.table.lend(memory);
        let mut block = BlockOut { encoder: self, memory, out, at: 0, is_whole: true, from: 0, state: 0 };
        block.size_updates();
        (block.from, block.state) = (block.at, block.encoder.state);
        block
    }
}

/// A block under construction. It must be [finished](BlockOut::finish) and sent, before any later one.
#[derive(Debug)]
pub struct BlockOut<'b, const SMALL: bool = { crate::SMALL }> {
    encoder: &'b mut Encoder<SMALL>,
    memory: &'b mut [u8],
    out: &'b mut [u8],
    at: usize,
    is_whole: bool,
    /// Where the first line stands, and how the table was before it.
    from: usize,
    state: u32,
}

impl<const SMALL: bool> BlockOut<'_, SMALL> {
    /// Adds a pseudo-field.
    ///
    /// # Errors
    /// [`Capacity::Bytes`] if there is no room; the block is lost then.
    #[inline]
    pub fn pseudo(&mut self, name: Pseudo, value: &[u8]) -> Result<(), Capacity> {
        self.line(NameId::pseudo(name), &[], value, false)
    }

    /// Adds a field line, its name in lower case. With `never_indexed` no hop may put it into a table.
    ///
    /// # Errors
    /// [`Capacity::Bytes`] if there is no room; the block is lost then.
    #[inline]
    pub fn field(&mut self, name: FieldName<'_>, value: &[u8], never_indexed: bool) -> Result<(), Capacity> {
        match name {
            FieldName::Known(known) => self.line(NameId::known(known), &[], value, never_indexed),
            FieldName::Other(other) => self.line(NameId::OTHER, other, value, never_indexed),
        }
    }

    /// Ends the block: how many bytes it takes.
    ///
    /// # Errors
    /// [`Capacity::Bytes`] if there was no room for all of it. Nothing of it may be sent. The next block makes the
    /// peer forget the table, so that both sides agree again.
    pub fn finish(self) -> Result<usize, Capacity> {
        if !self.is_whole {
            return Err(Capacity::Bytes);
        }
        self.encoder.is_open = false;
        Ok(self.at)
    }

    /// Tells the peer of what has changed since the last block (RFC 7541 §4.2).
    fn size_updates(&mut self) {
        let least = if core::mem::replace(&mut self.encoder.is_open, true) {
            self.encoder.told = u32::MAX;
            0
        } else {
            self.encoder.allowed_least
        };
        if least < self.encoder.told {
            self.size_update(least);
        }
        let allowed = self.encoder.allowed;
        let wanted = if self.memory.is_empty() {
            allowed.min(self.encoder.told)
        } else {
            allowed.min(u32::try_from(self.memory.len()).unwrap_or(u32::MAX).min(u32::from(u16::MAX)))
        };
        if wanted != self.encoder.told {
            self.size_update(wanted);
        }
        self.encoder.allowed_least = allowed;
    }

    fn size_update(&mut self, bytes: u32) {
        self.encoder.table.set_max(bytes, self.memory);
        self.encoder.told = bytes;
        self.encoder.state = self.encoder.state.wrapping_add(1);
        // Without room the block is lost, and the next one begins anew.
        let _ = self.integer(bytes, 5, 0x20);
    }

    #[inline]
    fn line(&mut self, id: NameId, name: &[u8], value: &[u8], never_indexed: bool) -> Result<(), Capacity> {
        let is_secret = never_indexed || is_secret(id, value.len());
        let first = static_table::first_of(id);
        let mut name_index = first;
        if !is_secret {
            if let Some(index) = first.and_then(|first| static_table::find(first, id, value)) {
                return self.integer(index, 7, 0x80);
            }
            if let Some(age) = self.find(id, name, value) {
                return self.integer(age.saturating_add(static_table::LEN + 1), 7, 0x80);
            }
        }
        if first.is_none() {
            let age = self.find_name(id, name);
            name_index = age.map(|age| age.saturating_add(static_table::LEN + 1));
        }
        let counted = id.len().saturating_add(name.len()).saturating_add(value.len());
        let is_long = counted.saturating_add(OVERHEAD_BYTES as usize) as u64 * 4 > u64::from(self.room()) * 3;
        if is_secret {
            self.literal(name_index, 4, 0x10, id, name, value)
        } else if is_long || is_fleeting(id) {
            self.literal(name_index, 4, 0, id, name, value)
        } else {
            self.literal(name_index, 6, 0x40, id, name, value)?;
            self.encoder.table.insert(id, name, value, digest(name, value), self.memory);
            self.encoder.state = self.encoder.state.wrapping_add(1);
            Ok(())
        }
    }

    /// What an entry may count: bytes.
    fn room(&self) -> u32 {
        if self.memory.is_empty() { 0 } else { self.encoder.table.max() }
    }

    /// How many entries came after the one with this name and value.
    fn find(&self, id: NameId, name: &[u8], value: &[u8]) -> Option<u32> {
        let digest = digest(name, value);
        let table = &self.encoder.table;
        (0..table.len()).find(|&age| {
            table.record(age, self.memory).is_some_and(|record| {
                record.name == id
                    && record.flags == digest
                    && usize::from(record.value_len) == value.len()
                    && {
                        let (other_name, other_value) = table.bytes(record, self.memory);
                        other_value == value && other_name.eq_ignore_ascii_case(name)
                    }
            })
        })
    }

    /// How many entries came after one with this name.
    fn find_name(&self, id: NameId, name: &[u8]) -> Option<u32> {
        let table = &self.encoder.table;
        (0..table.len()).find(|&age| {
            table.record(age, self.memory).is_some_and(|record| {
                record.name == id && table.bytes(record, self.memory).0.eq_ignore_ascii_case(name)
            })
        })
    }

    fn literal(
        &mut self,
        name_index: Option<u32>,
        prefix_bits: u32,
        flags: u8,
        id: NameId,
        name: &[u8],
        value: &[u8],
    ) -> Result<(), Capacity> {
        self.integer(name_index.unwrap_or(0), prefix_bits, flags)?;
        if name_index.is_none() {
            self.text(if id == NameId::OTHER { name } else { id.as_str().as_bytes() }, true)?;
        }
        self.text(value, false)
    }

    fn integer(&mut self, value: u32, prefix_bits: u32, flags: u8) -> Result<(), Capacity> {
        let rest = self.out.get_mut(self.at..).unwrap_or(&mut []);
        let len = integer::write(value, prefix_bits, flags, rest);
        self.written(len)
    }

    fn text(&mut self, text: &[u8], lower_case: bool) -> Result<(), Capacity> {
        let rest = self.out.get_mut(self.at..).unwrap_or(&mut []);
        let len = put_text::<SMALL>(text, lower_case, rest);
        self.written(len)
    }

    fn written(&mut self, len: Option<usize>) -> Result<(), Capacity> {
        let Some(len) = len else {
            self.is_whole = false;
            return Err(Capacity::Bytes);
        };
        self.at = self.at.wrapping_add(len);
        Ok(())
    }
}

/// Writes a text in the shorter way, with its length in front (RFC 7541 §5.2); `None` if it has no room.
fn put_text<const SMALL: bool>(text: &[u8], lower_case: bool, out: &mut [u8]) -> Option<usize> {
    let (first, rest) = out.split_first_mut()?;
    let shorter = rest.len().min(text.len().wrapping_sub(1));
    if !text.is_empty()
        && let Some(len) = huffman::encode::<SMALL>(text, lower_case, rest.get_mut(..shorter)?)
    {
        if len < 0x7f {
            *first = 0x80 | len as u8;
            return len.checked_add(1);
        }
        // The length takes more than the byte that was left for it.
        let mut start = [0; integer::BYTES_MAX];
        let start_len = integer::write(u32::try_from(len).ok()?, 7, 0x80, &mut start)?;
        let end = start_len.checked_add(len)?;
        if end > out.len() {
            return None;
        }
        move_within(out, 1..len.checked_add(1)?, start_len);
        copy_into(out.get_mut(..start_len)?, start.get(..start_len)?);
        return Some(end);
    }
    let start_len = integer::write(u32::try_from(text.len()).ok()?, 7, 0, out)?;
    let end = start_len.checked_add(text.len())?;
    let place = out.get_mut(start_len..end)?;
    copy_into(place, text);
    if lower_case {
        place.make_ascii_lowercase();
    }
    Some(end)
}

/// Whether somebody who can add lines of their own to the connection may not learn that they have guessed the value.
fn is_secret(id: NameId, value_len: usize) -> bool {
    const COOKIE: NameId = NameId::known(KnownName::Cookie);
    const SECRETS: [NameId; 3] = [
        NameId::known(KnownName::Authorization),
        NameId::known(KnownName::ProxyAuthorization),
        NameId::known(KnownName::SetCookie),
    ];
    SECRETS.contains(&id) || (id == COOKIE && value_len < COOKIE_BYTES_MIN)
}

/// Whether the next message hardly has the same value.
fn is_fleeting(id: NameId) -> bool {
    const FLEETING: [NameId; 11] = [
        NameId::pseudo(Pseudo::Path),
        NameId::known(KnownName::Age),
        NameId::known(KnownName::ContentLength),
        NameId::known(KnownName::ContentRange),
        NameId::known(KnownName::Etag),
        NameId::known(KnownName::IfModifiedSince),
        NameId::known(KnownName::IfNoneMatch),
        NameId::known(KnownName::IfRange),
        NameId::known(KnownName::Location),
        NameId::known(KnownName::Range),
        NameId::known(KnownName::Traceparent),
    ];
    FLEETING.contains(&id)
}

/// Eight bits of a name without an id and a value, that most others differ in.
fn digest(name: &[u8], value: &[u8]) -> u8 {
    const MULTIPLIER: u32 = 0x9e37_79b1;
    // Names compare without regard to case.
    let name = ends(name, 0x2020_2020).rotate_left(7);
    (name ^ ends(value, 0)).wrapping_mul(MULTIPLIER).to_be_bytes()[0]
}

/// The bytes at both ends of `text`, those bits set.
fn ends(text: &[u8], set: u32) -> u32 {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first) | set, u32::from_le_bytes(*last) | set);
        return first ^ last.rotate_left(11);
    }
    text.iter().fold(0, |all, &byte| all << 8 | u32::from(byte)) | set
}

#[cfg(test)]
mod tests;
