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
//!
//! On a target without an operating system nothing is put into the table, and texts are written as they are: a board's
//! answers have few lines, and its flash is short. The peer is told of an empty table in the first block.

mod repeat;

pub(crate) use repeat::{Beginning, Repeated};

use self::repeat::Repeat;
use super::TABLE_BYTES_DEFAULT;
use super::static_table;
use super::table::{Entry, OVERHEAD_BYTES, Table};
use crate::compression::{NameId, Pseudo, huffman, integer};
use crate::scan::{EQUAL_BYTES, copy_into, equal_mask, move_within};
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
    /// Where the newest digest is.
    recent_at: u8,
    /// A digest of each of the newest entries, the newest first, and room for a last block.
    recent: [u8; RECENT + EQUAL_BYTES],
}

/// How many digests are kept to find an entry by: enough for all entries of a table of 4,096 bytes.
const RECENT: usize = if crate::SMALL { 0 } else { 128 };

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
            recent_at: RECENT as u8,
            recent: [0; RECENT + EQUAL_BYTES],
        }
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE is `bytes_max`. The next block says so where it must.
    pub fn allow(&mut self, bytes_max: u32) {
        self.allowed = bytes_max;
        self.allowed_least = self.allowed_least.min(bytes_max);
    }

    /// Whether more memory for the table would have made blocks shorter. Never on a target without an operating system.
    pub const fn lacks_memory(&self) -> bool {
        self.table.is_short()
    }

    /// Begins a block at the start of `out`.
    ///
    /// `memory` holds the table: the same bytes at every call, or more behind them, and no more than 65,535 of them are
    /// made use of. It may be empty: then nothing is put into the table. On a target without an operating system no use
    /// is made of it.
    pub fn begin<'b>(&'b mut self, memory: &'b mut [u8], out: &'b mut [u8]) -> BlockOut<'b, SMALL> {
        if !crate::SMALL {
            self.table.lend(memory);
        }
        let mut block = BlockOut { encoder: self, memory, out, at: 0, is_whole: true, from: 0, state: 0 };
        if crate::SMALL {
            block.no_table()
        } else {
            block.size_updates()
        }
        (block.from, block.state) = (block.at, block.encoder.state);
        block
    }
}

impl<const SMALL: bool> Encoder<SMALL> {
    /// Notes the digest of a new entry.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn note(&mut self, digest: u8) {
        if SMALL {
            return;
        }
        if self.recent_at == 0 {
            // The older half makes room.
            move_within(&mut self.recent, 0..RECENT / 2, RECENT / 2);
            self.recent_at = (RECENT / 2) as u8;
        }
        self.recent_at = self.recent_at.wrapping_sub(1);
        if let Some(place) = self.recent.get_mut(usize::from(self.recent_at)) {
            *place = digest;
        }
    }

    /// The digests of entries from the one that `age` others came after on; what is behind the oldest is no digest.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn recent_block(&self, age: u32) -> Option<&[u8; EQUAL_BYTES]> {
        let at = usize::from(self.recent_at).wrapping_add(age as usize);
        self.recent.get(at..at.wrapping_add(EQUAL_BYTES))?.first_chunk()
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
        if crate::SMALL {
            self.encoder.told = 0;
        }
        Ok(self.at)
    }

    /// Tells the peer that the table is empty, until it has got a block: whatever it allows then is more.
    fn no_table(&mut self) {
        if self.encoder.told > 0 {
            // Without room the block is lost, and the next one says it.
            let _ = self.integer(0, 5, 0x20);
        }
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

    fn line(&mut self, id: NameId, name: &[u8], value: &[u8], never_indexed: bool) -> Result<(), Capacity> {
        if crate::SMALL {
            return self.line_of_itself(id, name, value, never_indexed);
        }
        let use_of_table = if never_indexed { Use::Secret } else { use_for(id, value.len()) };
        let first = static_table::first_of(id);
        let digest = digest(name, value);
        if !matches!(use_of_table, Use::Secret) {
            if let Some(index) = first.and_then(|first| static_table::find(first, id, value)) {
                return self.integer(index, 7, 0x80);
            }
            if let Use::Indexed = use_of_table
                && let Some(age) = self.find(id, name, value, digest)
            {
                return self.integer(age.saturating_add(static_table::LEN + 1), 7, 0x80);
            }
        }
        let name_index = first.or_else(|| self.find_name(id, name));
        let counted = id.len().saturating_add(name.len()).saturating_add(value.len());
        let is_long = counted.saturating_add(OVERHEAD_BYTES as usize) as u64 * 4 > u64::from(self.room()) * 3;
        match use_of_table {
            Use::Secret => self.literal(name_index, 4, 0x10, id, name, value),
            Use::Indexed if !is_long => {
                self.literal(name_index, 6, 0x40, id, name, value)?;
                self.insert(id, name, value, digest);
                Ok(())
            }
            Use::Indexed | Use::Plain => self.literal(name_index, 4, 0, id, name, value),
        }
    }

    /// A line that makes no use of the table, but of the static one.
    fn line_of_itself(
        &mut self,
        id: NameId,
        name: &[u8],
        value: &[u8],
        never_indexed: bool,
    ) -> Result<(), Capacity> {
        let is_secret = never_indexed || is_secret(id, value.len());
        let first = static_table::first_of(id);
        if !is_secret && let Some(index) = first.and_then(|first| static_table::find(first, id, value)) {
            return self.integer(index, 7, 0x80);
        }
        self.literal(first, 4, if is_secret { 0x10 } else { 0 }, id, name, value)
    }

    /// What an entry may count: bytes.
    fn room(&self) -> u32 {
        if self.memory.is_empty() { 0 } else { self.encoder.table.max() }
    }

    /// How many entries came after the one with this name and value.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn find(&self, id: NameId, name: &[u8], value: &[u8], digest: u8) -> Option<u32> {
        let encoder = &*self.encoder;
        if SMALL {
            return (0..encoder.table.len()).find(|&age| self.is_at(age, id, name, value, digest));
        }
        let mut age = 0;
        while let Some(block) = encoder.recent_block(age) {
            let mut hits = equal_mask(block, digest);
            while hits != 0 {
                let hit = age.wrapping_add(hits.trailing_zeros());
                if self.is_at(hit, id, name, value, digest) {
                    return Some(hit);
                }
                hits &= hits.wrapping_sub(1);
            }
            age = age.wrapping_add(EQUAL_BYTES as u32);
            if age >= encoder.table.len() {
                break;
            }
        }
        None
    }

    /// Whether the entry that `age` others came after has this name and value.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn is_at(&self, age: u32, id: NameId, name: &[u8], value: &[u8], digest: u8) -> bool {
        let table = &self.encoder.table;
        let Some(record) = table.record(age, self.memory) else { return false };
        if record.name != id || record.flags != digest || usize::from(record.value_len) != value.len() {
            return false;
        }
        let place = table.place(record);
        let (name_at, value_at) = (usize::from(place.name_at), usize::from(place.value_at));
        let kept_name = || self.memory.get(name_at..value_at).unwrap_or(&[]);
        self.memory.get(value_at..value_at.wrapping_add(value.len())) == Some(value)
            && (id != NameId::OTHER || kept_name().eq_ignore_ascii_case(name))
    }

    /// The index of an entry with this name.
    fn find_name(&self, id: NameId, name: &[u8]) -> Option<u32> {
        let table = &self.encoder.table;
        let is_same = |age| {
            table.record(age, self.memory).is_some_and(|record| {
                record.name == id && table.bytes(record, self.memory).0.eq_ignore_ascii_case(name)
            })
        };
        let age = (0..table.len()).find(|&age| is_same(age))?;
        Some(age.saturating_add(static_table::LEN + 1))
    }

    fn insert(&mut self, id: NameId, name: &[u8], value: &[u8], digest: u8) {
        // A line that is long is not indexed: the lengths fit.
        let name_len = id.len().wrapping_add(name.len()) as u32;
        let entry = Entry { name: id, name_len, value_len: value.len() as u32, flags: digest };
        self.encoder.state = self.encoder.state.wrapping_add(1);
        let table = &mut self.encoder.table;
        if let Some(at) = table.insert(entry, self.memory) {
            table.put(at, self.memory, name, 0, name.len());
            table.put(at.wrapping_add(name.len()), self.memory, value, 0, value.len());
            self.encoder.note(digest);
        }
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
    if crate::SMALL {
        return put_as_it_is(text, lower_case, out);
    }
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
    put_as_it_is(text, lower_case, out)
}

fn put_as_it_is(text: &[u8], lower_case: bool, out: &mut [u8]) -> Option<usize> {
    let start_len = integer::write(u32::try_from(text.len()).ok()?, 7, 0, out)?;
    let end = start_len.checked_add(text.len())?;
    let place = out.get_mut(start_len..end)?;
    copy_into(place, text);
    if lower_case {
        place.make_ascii_lowercase();
    }
    Some(end)
}

/// What a line has of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It goes into it.
    Indexed,
    /// Not that, since the next message hardly has the same value.
    Plain,
    /// No hop may put it into one: somebody who can add lines of their own to the connection may not learn that they
    /// have guessed the value.
    Secret,
}

#[cfg_attr(not(target_os = "none"), inline(always))]
fn use_for(id: NameId, value_len: usize) -> Use {
    if is_guessable(id, value_len) {
        return Use::Secret;
    }
    USES.get(usize::from(id.0)).copied().unwrap_or(Use::Indexed)
}

/// Whether it is a cookie so short that it may be guessed.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn is_guessable(id: NameId, value_len: usize) -> bool {
    id == NameId::known(KnownName::Cookie) && value_len < COOKIE_BYTES_MIN
}

const SECRET: &[KnownName] = &[KnownName::Authorization, KnownName::ProxyAuthorization, KnownName::SetCookie];

/// Whether a line has [`Use::Secret`] by its name and length.
fn is_secret(id: NameId, value_len: usize) -> bool {
    is_guessable(id, value_len) || is_among(id, SECRET)
}

const fn use_of_name(id: NameId) -> Use {
    const PLAIN: &[KnownName] = &[
        KnownName::Age,
        KnownName::ContentLength,
        KnownName::ContentRange,
        KnownName::Etag,
        KnownName::IfModifiedSince,
        KnownName::IfNoneMatch,
        KnownName::IfRange,
        KnownName::Location,
        KnownName::Range,
        KnownName::Traceparent,
    ];
    if is_among(id, SECRET) {
        Use::Secret
    } else if is_among(id, PLAIN) || id.0 == NameId::pseudo(Pseudo::Path).0 {
        Use::Plain
    } else {
        Use::Indexed
    }
}

const fn is_among(id: NameId, mut names: &[KnownName]) -> bool {
    while let [first, rest @ ..] = names {
        if *first as u8 == id.0 {
            return true;
        }
        names = rest;
    }
    false
}

/// By the number of a name.
static USES: [Use; 256] = uses();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn uses() -> [Use; 256] {
    let mut uses = [Use::Indexed; 256];
    let mut id = 0;
    while id < uses.len() {
        uses[id] = use_of_name(NameId(id as u8));
        id += 1;
    }
    uses
}

/// Eight bits of a name without an id and a value, that most others differ in.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn digest(name: &[u8], value: &[u8]) -> u8 {
    const MULTIPLIER: u32 = 0x9e37_79b1;
    let mut ends = ends(value, 0);
    if !name.is_empty() {
        // Names compare without regard to case.
        ends ^= self::ends(name, 0x2020_2020).rotate_left(7);
    }
    ends.wrapping_mul(MULTIPLIER).to_be_bytes()[0]
}

/// Bytes from both ends of `text`, those bits set.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn ends(text: &[u8], set: u32) -> u32 {
    let set = u64::from(set) << 32 | u64::from(set);
    let (first, last) = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => short_ends(text),
    };
    let all = (first | set).rotate_left(23) ^ (last | set);
    (all ^ all >> 29) as u32
}

/// The same of a text of fewer than eight bytes.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn short_ends(text: &[u8]) -> (u64, u64) {
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()),
        _ => (0, text.iter().fold(0, |all, &byte| all << 8 | u64::from(byte))),
    }
}

#[cfg(test)]
mod tests;
