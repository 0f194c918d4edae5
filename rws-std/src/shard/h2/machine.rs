//! The machine of a connection, and where what it keeps between calls lies.

use rws_core::h2::{Lent, Memory, Server, StreamSlot};
use rws_core::{Env, Limits};

/// The machine, on the heap.
pub(in crate::shard) type Machine = Server<Heap>;

/// A machine for a connection whose preface is still to be offered to it.
pub(super) fn machine(env: &Env<'_>) -> Machine {
    Server::new(env, Heap::new(env.limits))
}

/// Tables of the size that the limits allow, and slots that come as streams do.
#[derive(Debug)]
pub(in crate::shard) struct Heap {
    slots: Vec<StreamSlot>,
    decoder: Box<[u8]>,
    encoder: Box<[u8]>,
}

/// The first slots come together.
const SLOTS_MIN: usize = 4;
/// The table that our field blocks are encoded with: bytes. What a client offers at first (RFC 9113 §6.5.2).
const ENCODER_BYTES: usize = 4096;

impl Heap {
    fn new(limits: &Limits) -> Heap {
        Heap {
            slots: Vec::new(),
            decoder: vec![0; usize::from(limits.header_table_bytes_max)].into_boxed_slice(),
            encoder: vec![0; ENCODER_BYTES].into_boxed_slice(),
        }
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
        if slots > self.slots.len() {
            self.slots.resize(slots.max(self.slots.len() * 2).max(SLOTS_MIN), StreamSlot::FREE);
        }
    }

    fn release(&mut self) {
        self.slots = Vec::new();
    }
}
