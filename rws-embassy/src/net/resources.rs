//! The memory of a server, to be put into a `static`.

use core::cell::Cell;

use super::pool::{Pool, SeatState};
use super::slot::Slot;
use crate::BUFFER_BYTES;
use crate::serve::SharedScratch;

/// All the memory of a server with `CONNS` sockets, in bytes for each: `BUF` for HTTP, `RX` and `TX` for TCP.
///
/// One socket more than clients that are to be served at once keeps one listening.
#[derive(Debug)]
pub struct Resources<
    const CONNS: usize,
    const BUF: usize = BUFFER_BYTES,
    const RX: usize = 1024,
    const TX: usize = 1024,
> {
    slots: [SlotMemory<BUF, RX, TX>; CONNS],
    seats: [SeatState; CONNS],
    stopping: Cell<bool>,
    scratch: SharedScratch,
}

#[derive(Debug)]
struct SlotMemory<const BUF: usize, const RX: usize, const TX: usize> {
    buf: [u8; BUF],
    rx: [u8; RX],
    tx: [u8; TX],
}

impl<const CONNS: usize, const BUF: usize, const RX: usize, const TX: usize> Resources<CONNS, BUF, RX, TX> {
    /// Memory that nobody uses yet: all zero, so that it takes no flash.
    pub const fn new() -> Resources<CONNS, BUF, RX, TX> {
        Resources {
            slots: [const { SlotMemory { buf: [0; BUF], rx: [0; RX], tx: [0; TX] } }; CONNS],
            seats: [const { SeatState::new() }; CONNS],
            stopping: Cell::new(false),
            scratch: SharedScratch::new(),
        }
    }

    /// The parts: a slot for each task, and what ends them all.
    pub fn split(&mut self) -> ([Slot<'_>; CONNS], Pool<'_>) {
        let pool = Pool { seats: &self.seats, stopping: &self.stopping, scratch: &self.scratch };
        let mut at = 0;
        let slots = self.slots.each_mut().map(|memory| {
            let slot = Slot { at, pool, buf: &mut memory.buf, rx: &mut memory.rx, tx: &mut memory.tx };
            at = at.wrapping_add(1);
            slot
        });
        (slots, pool)
    }
}

impl<const CONNS: usize, const BUF: usize, const RX: usize, const TX: usize> Default
    for Resources<CONNS, BUF, RX, TX>
{
    fn default() -> Self {
        Self::new()
    }
}
