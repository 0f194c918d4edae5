//! The machine of a connection, and where what it keeps between calls lies.

use core::cell::RefCell;

use rws_core::h2::{Lent, Memory, Server, StreamSlot};
use rws_core::{Env, Limits};

/// The machine, on the heap.
pub(in crate::shard) type Machine = Server<Heap>;

/// A machine for a connection whose preface is still to be offered to it.
pub(super) fn machine(env: &Env<'_>) -> Machine {
    Server::new(env, Heap::new(env.limits))
}

/// Tables that grow as they are made use of, and slots that come as streams do. A connection without streams has none:
/// the thread keeps them for the next.
#[derive(Debug)]
pub(in crate::shard) struct Heap {
    slots: Vec<StreamSlot>,
    decoder: Box<[u8]>,
    encoder: Box<[u8]>,
    decoder_bytes_max: u16,
}

/// The first slots come together.
const SLOTS_MIN: usize = 4;
/// Pieces of memory for slots that a thread keeps.
const SPARES_MAX: usize = 64;
/// A piece that has grown beyond this goes back to the allocator: slots.
const SPARE_SLOTS_MAX: usize = 128;

thread_local! {
    static SPARES: RefCell<Vec<Vec<StreamSlot>>> = const { RefCell::new(Vec::new()) };
}

/// A decoder's table that is made use of has as much at least: bytes.
const DECODER_BYTES_MIN: usize = 128;
/// What the table that our field blocks are encoded with begins with: bytes. The fields of an application's own answers
/// fit.
const ENCODER_BYTES_MIN: usize = 512;
/// What it may grow to: bytes. What a client offers at first (RFC 9113 §6.5.2).
const ENCODER_BYTES_MAX: usize = 4096;

impl Heap {
    /// For a connection that we serve, of which there may be very many.
    fn new(limits: &Limits) -> Heap {
        Heap {
            slots: Vec::new(),
            decoder: Box::default(),
            encoder: vec![0; ENCODER_BYTES_MIN].into_boxed_slice(),
            decoder_bytes_max: limits.header_table_bytes_max,
        }
    }

    /// For a connection to an upstream: few, and of many requests each.
    pub(in crate::shard) fn for_upstream(limits: &Limits) -> Heap {
        Heap { encoder: vec![0; ENCODER_BYTES_MAX].into_boxed_slice(), ..Heap::new(limits) }
    }
}

impl Memory for Heap {
    #[inline]
    fn lend(&mut self) -> Lent<'_> {
        Lent { slots: &mut self.slots, decoder: &mut self.decoder, encoder: &mut self.encoder }
    }

    #[cold]
    fn grow(&mut self, slots: u16) {
        let slots = usize::from(slots);
        if self.slots.capacity() == 0 {
            let spare = SPARES.try_with(|spares| spares.borrow_mut().pop());
            self.slots = spare.ok().flatten().unwrap_or_default();
        }
        if slots > self.slots.len() {
            self.slots.resize(slots.max(self.slots.len() * 2).max(SLOTS_MIN), StreamSlot::FREE);
        }
    }

    #[inline]
    fn reserve(&mut self, decoder_bytes: usize) {
        if decoder_bytes > self.decoder.len() {
            let most = usize::from(self.decoder_bytes_max);
            lengthen(&mut self.decoder, decoder_bytes.next_power_of_two().max(DECODER_BYTES_MIN).min(most));
        }
    }

    fn widen(&mut self) {
        let bytes = self.encoder.len() * 2;
        lengthen(&mut self.encoder, bytes.min(ENCODER_BYTES_MAX));
    }

    fn release(&mut self) {
        let mut slots = core::mem::take(&mut self.slots);
        if slots.capacity() == 0 || slots.capacity() > SPARE_SLOTS_MAX {
            return;
        }
        slots.clear();
        // A thread that is ending keeps nothing.
        let _ = SPARES.try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < SPARES_MAX {
                spares.push(slots);
            }
        });
    }
}

/// More bytes behind those of `table`, if it has fewer.
#[cold]
fn lengthen(table: &mut Box<[u8]>, bytes: usize) {
    if bytes > table.len() {
        let mut longer = vec![0; bytes].into_boxed_slice();
        longer[..table.len()].copy_from_slice(table);
        *table = longer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_grow_to_what_is_asked_for_and_no_further_and_keep_what_is_in_them() {
        let limits = Limits { header_table_bytes_max: 1000, ..Limits::SERVER };
        let mut heap = Heap::new(&limits);
        heap.reserve(0);
        assert_eq!(heap.lend().decoder.len(), 0, "its client has said nothing yet");
        let mut lens = Vec::new();
        for (round, wanted) in [1, 128, 129, 700, 4096].into_iter().enumerate() {
            heap.reserve(wanted);
            let decoder = heap.lend().decoder;
            lens.push(decoder.len());
            assert!(decoder[..round].iter().all(|byte| *byte == 7), "the start is kept");
            decoder[round] = 7;
        }
        assert_eq!(lens, [128, 128, 256, 1000, 1000]);
        let mut lens = Vec::new();
        for _ in 0..5 {
            lens.push(heap.lend().encoder.len());
            heap.widen();
        }
        assert_eq!(lens, [512, 1024, 2048, 4096, 4096]);
    }
}
