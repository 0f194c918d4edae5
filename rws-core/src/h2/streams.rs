//! The slots of a connection's streams: which are free, and which stream is where.
//!
//! A stream is found by its number through chains that begin in the slots themselves: slot `n` is the bucket of the
//! numbers whose half leaves `n`. Numbers grow by two, so that streams that are open together fall apart.

use super::stream::{NONE, State, StreamSlot};

/// What is known of the slots, which are lent for each call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    /// Slots that are in use or in the free list.
    known: u16,
    free: u16,
    /// Slots in use.
    taken: u16,
    serial: u16,
}

impl Streams {
    pub(super) const NONE: Streams = Streams { known: 0, free: NONE, taken: 0, serial: 0 };

    /// Slots in use.
    pub(super) const fn taken(&self) -> u16 {
        self.taken
    }

    /// Whether a slot is free.
    pub(super) const fn has_room(&self) -> bool {
        self.free != NONE
    }

    /// Takes in slots that have been added behind those that are known.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn adopt(&mut self, slots: &mut [StreamSlot]) {
        let count = u16::try_from(slots.len()).unwrap_or(NONE).min(NONE.wrapping_sub(1));
        if count <= self.known {
            return;
        }
        for at in (self.known..count).rev() {
            if let Some(slot) = slots.get_mut(usize::from(at)) {
                *slot = StreamSlot { next: self.free, ..StreamSlot::FREE };
                self.free = at;
            }
        }
        self.known = count;
        self.chain_anew(slots);
    }

    /// Forgets all slots: they are given back. None may be in use.
    pub(super) fn forget(&mut self) {
        debug_assert!(self.taken == 0);
        *self = Streams { serial: self.serial, ..Streams::NONE };
    }

    /// Takes a free slot for the stream `id`; 0 for one whose number is not known yet.
    pub(super) fn take(&mut self, slots: &mut [StreamSlot], id: u32) -> Option<(u16, u16)> {
        let at = self.free;
        let slot = slots.get_mut(usize::from(at))?;
        self.free = slot.next;
        self.taken = self.taken.saturating_add(1);
        self.serial = self.serial.wrapping_add(1);
        // The chain that begins here is other streams'.
        *slot = StreamSlot { id, serial: self.serial, bucket: slot.bucket, ..StreamSlot::FREE };
        if id != 0 {
            self.link(slots, at, id);
        }
        Some((at, self.serial))
    }

    /// Gives the stream in slot `at` its number.
    pub(super) fn name(&mut self, slots: &mut [StreamSlot], at: u16, id: u32) {
        if let Some(slot) = slots.get_mut(usize::from(at)) {
            slot.id = id;
            self.link(slots, at, id);
        }
    }

    /// Gives a slot back. It is in no queue.
    pub(super) fn give(&mut self, slots: &mut [StreamSlot], at: u16) {
        let Some(slot) = slots.get(usize::from(at)) else { return };
        debug_assert!(slot.state != State::Free);
        if slot.id != 0 {
            self.unlink(slots, at);
        }
        if let Some(slot) = slots.get_mut(usize::from(at)) {
            slot.state = State::Free;
            slot.id = 0;
            slot.next = self.free;
            self.free = at;
            self.taken = self.taken.saturating_sub(1);
        }
    }

    /// Where the stream `id` is.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn find(&self, slots: &[StreamSlot], id: u32) -> Option<u16> {
        let mut at = slots.get(self.bucket(id)?)?.bucket;
        loop {
            let slot = slots.get(usize::from(at))?;
            if slot.id == id {
                return Some(at);
            }
            at = slot.next_in_bucket;
        }
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    fn bucket(&self, id: u32) -> Option<usize> {
        (id >> 1).checked_rem(u32::from(self.known)).map(|at| at as usize)
    }

    fn link(&self, slots: &mut [StreamSlot], at: u16, id: u32) {
        let Some(bucket) = self.bucket(id).and_then(|bucket| slots.get_mut(bucket)) else { return };
        let first = core::mem::replace(&mut bucket.bucket, at);
        if let Some(slot) = slots.get_mut(usize::from(at)) {
            slot.next_in_bucket = first;
        }
    }

    fn unlink(&self, slots: &mut [StreamSlot], at: u16) {
        let Some(&StreamSlot { id, next_in_bucket: after, .. }) = slots.get(usize::from(at)) else { return };
        let Some(bucket) = self.bucket(id).and_then(|bucket| slots.get_mut(bucket)) else { return };
        if bucket.bucket == at {
            bucket.bucket = after;
            return;
        }
        let mut here = bucket.bucket;
        while let Some(slot) = slots.get_mut(usize::from(here)) {
            if slot.next_in_bucket == at {
                slot.next_in_bucket = after;
                return;
            }
            here = slot.next_in_bucket;
        }
    }

    /// There are more buckets: every stream is put where it belongs now.
    fn chain_anew(&self, slots: &mut [StreamSlot]) {
        for slot in slots.iter_mut() {
            slot.bucket = NONE;
        }
        for at in 0..self.known {
            if let Some(&StreamSlot { id: id @ 1.., .. }) = slots.get(usize::from(at)) {
                self.link(slots, at, id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn open(streams: &mut Streams, slots: &mut [StreamSlot], id: u32) -> u16 {
        let (at, _) = streams.take(slots, id).expect("a free slot");
        slots[usize::from(at)].state = State::Open;
        at
    }

    #[test]
    fn streams_are_found_by_number_whatever_their_order_and_as_the_slots_grow() {
        let mut slots = vec![StreamSlot::FREE; 3];
        let mut streams = Streams::NONE;
        streams.adopt(&mut slots);
        let mut open_ids: Vec<u32> = Vec::new();
        // All in one bucket, as a peer that means ill would number them.
        for id in [1, 7, 13] {
            open(&mut streams, &mut slots, id);
            open_ids.push(id);
        }
        assert!(!streams.has_room());
        assert_eq!(streams.take(&mut slots, 15), None);
        slots.resize(8, StreamSlot::FREE);
        streams.adopt(&mut slots);
        for id in [15, 17, 19, 33, 35] {
            open(&mut streams, &mut slots, id);
            open_ids.push(id);
        }
        for round in 0..8 {
            for id in 0..64 {
                let found = streams.find(&slots, id).map(|at| slots[usize::from(at)].id);
                assert_eq!(found, open_ids.contains(&id).then_some(id));
            }
            let gone = open_ids.remove((round * 5) % open_ids.len());
            let at = streams.find(&slots, gone).unwrap();
            streams.give(&mut slots, at);
        }
        assert_eq!(streams.taken(), 0);
        streams.forget();
        assert!(!streams.has_room());
        assert_eq!(streams.find(&slots, 1), None);
    }
}
