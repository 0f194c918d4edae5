//! The dynamic table over lent bytes (RFC 7541 §2.3.2 and §4).
//!
//! ```text
//!   0        start                 end          index                       room
//!   [  free  ][ oldest … newest bytes ][  free  ][ newest … oldest records, 8 bytes each ]
//! ```
//!
//! A record says where the bytes of its entry stand; a name with an id takes none. When the free bytes in the middle
//! are used up, what is alive moves to both ends. An entry counts 32 bytes more than it has (§4.1), which is more
//! than a record takes: memory as long as the table is always enough for all of it.
//!
//! Memory may grow between calls: the records move to its new end then. With less memory than all of it the oldest
//! entries go before the specification asks for it, and an entry that has no room takes
//! all older ones with it. The newest entries keep the indexes that they have in a table with room for all; those
//! that went are not found.

use crate::SMALL;
use crate::compression::NameId;
use crate::scan::{copy_into, move_within};

/// What an entry counts beyond its bytes (RFC 7541 §4.1).
pub(super) const OVERHEAD_BYTES: u32 = 32;

const RECORD_BYTES: usize = 8;

/// Where things are in the memory. The lengths fit 16 bits: no more memory than that is made use of.
#[derive(Debug)]
pub(super) struct Table {
    /// The most that the entries may count: bytes.
    max: u32,
    /// What they count: bytes.
    size: u32,
    count: u16,
    /// How much memory there is.
    room: u16,
    /// Where the newest record is.
    index: u16,
    /// Where the newest entry's bytes end.
    end: u16,
    /// What the place in a record is ahead of where the bytes are, modulo 2^16: so records need no change when the
    /// bytes are moved.
    ahead: u16,
    /// Something went for want of memory that the specification would have kept. On a board nobody asks for either.
    is_short: bool,
    /// It has had names without an id.
    has_names: bool,
}

/// What is to become an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) name: NameId,
    /// How long the name is, whether it has an id or not.
    pub(super) name_len: u32,
    pub(super) value_len: u32,
    pub(super) flags: u8,
}

/// An entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    at: u16,
    /// How long the name is, whether its bytes are kept or not.
    pub(super) name_len: u16,
    pub(super) value_len: u16,
    pub(super) name: NameId,
    /// For whoever uses the table.
    pub(super) flags: u8,
}

/// Where an entry's bytes are. The name takes none if it has an id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) name_at: u16,
    pub(super) value_at: u16,
}

impl Record {
    fn counted(self) -> u32 {
        u32::from(self.name_len).wrapping_add(u32::from(self.value_len)).wrapping_add(OVERHEAD_BYTES)
    }

    fn kept_name_len(self) -> u16 {
        if self.name == NameId::OTHER { self.name_len } else { 0 }
    }

    fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let [at, at_high] = self.at.to_le_bytes();
        let [name, name_high] = self.name_len.to_le_bytes();
        let [value, value_high] = self.value_len.to_le_bytes();
        [at, at_high, name, name_high, value, value_high, self.name.0, self.flags]
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn from_bytes(bytes: [u8; RECORD_BYTES]) -> Record {
        let [at, at_high, name, name_high, value, value_high, id, flags] = bytes;
        Record {
            at: u16::from_le_bytes([at, at_high]),
            name_len: u16::from_le_bytes([name, name_high]),
            value_len: u16::from_le_bytes([value, value_high]),
            name: NameId(id),
            flags,
        }
    }
}

impl Table {
    pub(super) const fn new(max: u32) -> Table {
        Table {
            max,
            size: 0,
            count: 0,
            room: 0,
            index: 0,
            end: 0,
            ahead: 0,
            is_short: false,
            has_names: false,
        }
    }

    pub(super) const fn max(&self) -> u32 {
        self.max
    }

    #[cfg(test)]
    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    pub(super) const fn len(&self) -> u32 {
        self.count as u32
    }

    /// Looks whether the memory is as long as it was; if it is shorter, nothing in it counts.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn lend(&mut self, memory: &mut [u8]) {
        let room = u16::try_from(memory.len()).unwrap_or(u16::MAX);
        if room != self.room {
            self.resize(room, memory);
        }
    }

    /// The memory ends elsewhere than it did. More of it, behind what there was, is room for more entries.
    #[cold]
    fn resize(&mut self, room: u16, memory: &mut [u8]) {
        let (before, index) = (core::mem::replace(&mut self.room, room), usize::from(self.index));
        if SMALL || room < before || self.count == 0 {
            return self.clear();
        }
        self.index = self.index.wrapping_add(room.wrapping_sub(before));
        self.is_short = false;
        move_within(memory, index..usize::from(before), usize::from(self.index));
    }

    /// Whether entries have gone, since there was this much memory, that more of it would have kept.
    pub(super) const fn is_short(&self) -> bool {
        self.is_short
    }

    /// No name that it keeps is longer: bytes.
    #[inline]
    pub(super) fn name_bytes_at_most(&self) -> u32 {
        if self.has_names { self.size } else { 0 }
    }

    /// No more bytes than these take the entries and their records.
    #[inline]
    pub(super) fn bytes_at_most(&self) -> u32 {
        // Each counts 32 and has a record of 8.
        self.size.wrapping_sub(
            u32::from(self.count).wrapping_mul(OVERHEAD_BYTES.wrapping_sub(RECORD_BYTES as u32)),
        )
    }

    /// Drops every entry.
    pub(super) fn clear(&mut self) {
        (self.size, self.count, self.end, self.index) = (0, 0, 0, self.room);
    }

    /// Changes what the entries may count, and drops those that are too many (RFC 7541 §4.3).
    pub(super) fn set_max(&mut self, max: u32, memory: &[u8]) {
        self.max = max;
        while self.size > max {
            self.drop_oldest(memory);
        }
    }

    /// The entry that `age` others came after.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn record(&self, age: u32, memory: &[u8]) -> Option<Record> {
        if age >= u32::from(self.count) {
            return None;
        }
        let at = usize::from(self.index).wrapping_add((age as usize).wrapping_mul(RECORD_BYTES));
        memory
            .get(at..at.wrapping_add(RECORD_BYTES))
            .and_then(|rest| rest.first_chunk())
            .map(|bytes| Record::from_bytes(*bytes))
    }

    /// Where an entry's bytes are in the memory.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn place(&self, record: Record) -> Place {
        let name_at = record.at.wrapping_sub(self.ahead);
        Place { name_at, value_at: name_at.wrapping_add(record.kept_name_len()) }
    }

    /// The kept bytes of an entry's name, and its value.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn bytes<'m>(&self, record: Record, memory: &'m [u8]) -> (&'m [u8], &'m [u8]) {
        let place = self.place(record);
        let (name_at, value_at) = (usize::from(place.name_at), usize::from(place.value_at));
        let end = value_at.wrapping_add(usize::from(record.value_len));
        (memory.get(name_at..value_at).unwrap_or(&[]), memory.get(value_at..end).unwrap_or(&[]))
    }

    /// Adds an entry (RFC 7541 §4.4), whose bytes the caller [puts](Table::put) where this says: those of a name
    /// without an id, and behind them the value. Without room there is none.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn insert(&mut self, entry: Entry, memory: &mut [u8]) -> Option<usize> {
        let name_len = entry.name_len as usize;
        let kept_name_len = if entry.name == NameId::OTHER { name_len } else { 0 };
        let bytes = kept_name_len.wrapping_add(entry.value_len as usize);
        let needed = bytes.wrapping_add(RECORD_BYTES);
        let counted = entry.name_len.saturating_add(entry.value_len).saturating_add(OVERHEAD_BYTES);
        if counted > self.max || needed > usize::from(self.room) {
            self.is_short |= !SMALL && counted <= self.max;
            self.clear();
            return None;
        }
        while self.size > self.max.wrapping_sub(counted) {
            self.drop_oldest(memory);
        }
        if usize::from(self.index.wrapping_sub(self.end)) < needed {
            self.make_room(needed, memory);
        }
        let at = self.end;
        let record = Record {
            at: at.wrapping_add(self.ahead),
            name_len: entry.name_len as u16,
            value_len: entry.value_len as u16,
            name: entry.name,
            flags: entry.flags,
        };
        self.has_names |= !SMALL && kept_name_len > 0;
        self.end = at.wrapping_add(bytes as u16);
        self.index = self.index.wrapping_sub(RECORD_BYTES as u16);
        let index = usize::from(self.index);
        let place = memory.get_mut(index..index.wrapping_add(RECORD_BYTES));
        *place.and_then(|place| place.first_chunk_mut())? = record.to_bytes();
        self.count = self.count.wrapping_add(1);
        self.size = self.size.wrapping_add(counted);
        Some(usize::from(at))
    }

    /// Puts bytes of the newest entry to their place in the memory: `len` of those in `text`, from `from` on.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn put(&self, at: usize, memory: &mut [u8], text: &[u8], from: usize, len: usize) {
        // Behind the records nothing may be written to.
        if let Some(free) = memory.get_mut(..usize::from(self.index)) {
            copy_run(free, at, text, from, len);
        }
    }

    /// Where the oldest entry's bytes begin.
    fn start(&self, memory: &[u8]) -> u16 {
        match self.record(u32::from(self.count).wrapping_sub(1), memory) {
            Some(oldest) => oldest.at.wrapping_sub(self.ahead),
            None => self.end,
        }
    }

    /// What the entries and their records take of the memory: bytes.
    fn alive_bytes(&self, memory: &[u8]) -> usize {
        let bytes = usize::from(self.end.wrapping_sub(self.start(memory)));
        bytes.wrapping_add(usize::from(self.count).wrapping_mul(RECORD_BYTES))
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    fn drop_oldest(&mut self, memory: &[u8]) {
        let last = u32::from(self.count).wrapping_sub(1);
        let Some(oldest) = self.record(last, memory).filter(|_| last > 0) else { return self.clear() };
        self.count = self.count.wrapping_sub(1);
        self.size = self.size.saturating_sub(oldest.counted());
    }

    /// Moves what is alive to both ends, and drops what must make room for `needed` bytes between them.
    #[cold]
    fn make_room(&mut self, needed: usize, memory: &mut [u8]) {
        while self.alive_bytes(memory).wrapping_add(needed) > usize::from(self.room) {
            self.is_short |= !SMALL;
            self.drop_oldest(memory);
        }
        let start = self.start(memory);
        move_within(memory, usize::from(start)..usize::from(self.end), 0);
        self.ahead = self.ahead.wrapping_add(start);
        self.end = self.end.wrapping_sub(start);
        let records = self.count.wrapping_mul(RECORD_BYTES as u16);
        let index = usize::from(self.index);
        let to = self.room.wrapping_sub(records);
        move_within(memory, index..index.wrapping_add(usize::from(records)), usize::from(to));
        self.index = to;
    }
}

/// How much [`copy_run`] copies at once: bytes.
const BLOCK_BYTES: usize = 32;

/// Copies `len` bytes, and some more behind them if that is quicker.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn copy_run(to: &mut [u8], to_at: usize, from: &[u8], from_at: usize, len: usize) {
    let blocks = len.wrapping_add(BLOCK_BYTES - 1) & !(BLOCK_BYTES - 1);
    if !SMALL
        && len <= 4 * BLOCK_BYTES
        && let (Some(to), Some(from)) =
            (to.get_mut(to_at..to_at.wrapping_add(blocks)), from.get(from_at..from_at.wrapping_add(blocks)))
    {
        let blocks = from.as_chunks::<BLOCK_BYTES>().0;
        for (to, from) in to.as_chunks_mut::<BLOCK_BYTES>().0.iter_mut().zip(blocks) {
            *to = *from;
        }
        return;
    }
    let from = from.get(from_at..from_at.wrapping_add(len)).unwrap_or(&[]);
    copy_into(to.get_mut(to_at..to_at.wrapping_add(len)).unwrap_or(&mut []), from);
}

#[cfg(test)]
mod tests;
