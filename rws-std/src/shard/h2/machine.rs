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

/// Tables of the size that the limits allow, and slots that come as streams do. A connection without streams has
/// none: the thread keeps them for the next.
#[derive(Debug)]
pub(in crate::shard) struct Heap {
    slots: Vec<StreamSlot>,
    /// Both tables, the decoder's first.
    tables: Box<[u8]>,
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

/// The table that our field blocks are encoded with: bytes. What a client offers at first (RFC 9113 §6.5.2).
const ENCODER_BYTES: usize = 4096;

impl Heap {
    pub(in crate::shard) fn new(limits: &Limits) -> Heap {
        let bytes = usize::from(limits.header_table_bytes_max) + ENCODER_BYTES;
        Heap { slots: Vec::new(), tables: vec![0; bytes].into_boxed_slice() }
    }
}

impl Memory for Heap {
    #[inline]
    fn lend(&mut self) -> Lent<'_> {
        let decoder_bytes = self.tables.len() - ENCODER_BYTES;
        let (decoder, encoder) = self.tables.split_at_mut(decoder_bytes);
        Lent { slots: &mut self.slots, decoder, encoder }
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
