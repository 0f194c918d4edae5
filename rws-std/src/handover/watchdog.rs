//! The one thread that looks after all shards: a job that is out for two looks loses its shard to a spare.
//!
//! ```text
//!            every tick: look at each slot's word
//!   ┌─────────┐  same published word as last time → a spare takes the shard
//!   │ ticking │◀─┐
//!   └─────────┘──┘
//!     │     ▲
//!     │     │ a shard leaves its rest and rings the bell
//!     ▼     │
//!   ┌─────────┐
//!   │ asleep  │  every shard has been at rest for QUIET_TICKS
//!   └─────────┘
//! ```
//!
//! So an idle server has no wake-ups at all, and a loaded one `1 / tick` per second, whatever its load. The
//! quiet ticks before sleep keep a light load from ringing the bell (a system call) for every request.

use alloc::sync::Arc;
use core::time::Duration;

use super::{Bell, Slot, Spares, Word};
use crate::sync::thread;

/// Between two looks. A blocked job loses its shard after one to two of these. At 1.25 ms the watchdog stays
/// under 800 context switches per second.
pub const TICK: Duration = Duration::from_micros(1250);

/// How many looks without any change come before the watchdog sleeps.
const QUIET_TICKS: u32 = 32;

/// The watchdog's memory of the last look.
#[derive(Debug)]
pub(super) struct Watchdog<T> {
    pub(super) slots: Vec<Arc<Slot<T>>>,
    pub(super) seen: Vec<Word>,
    pub(super) bell: Arc<Bell>,
    pub(super) spares: Arc<Spares<T>>,
}

impl<T: Send + 'static> Watchdog<T> {
    /// Ticks until the pool closes and every shard has ended.
    pub(super) fn run(mut self) {
        self.bell.listen();
        let mut quiet_ticks = 0;
        loop {
            quiet_ticks = if self.look() { 0 } else { quiet_ticks + 1 };
            if self.spares.is_closing() && self.slots.iter().all(|slot| slot.observe().is_done()) {
                return;
            }
            if quiet_ticks >= QUIET_TICKS {
                sleep_until_job(&self.slots, || self.spares.is_closing());
                quiet_ticks = 0;
            }
            std::thread::sleep(TICK);
        }
    }

    /// One look at every slot. True when anything has moved since the last one or a job is out.
    pub(super) fn look(&mut self) -> bool {
        let mut is_active = false;
        for (slot, seen) in self.slots.iter().zip(&mut self.seen) {
            let word = slot.observe();
            is_active |= word != *seen || word.is_published();
            if word.is_published() && word == *seen {
                self.spares.take_over(slot, word);
            }
            *seen = word;
        }
        self.spares.replenish();
        is_active
    }
}

/// Sleeps until a shard has had a job, if every shard is at rest, or until the bell is rung when it is over.
/// The calling thread must listen to the bell of these slots.
pub(super) fn sleep_until_job<T>(slots: &[Arc<Slot<T>>], is_over: impl Fn() -> bool) {
    let may_sleep = slots.iter().all(|slot| slot.await_job());
    // A job may be over by now and its shard at rest again; then it is awaited no more.
    let is_awaited = |word: Word| word.is_awaited() || word.is_done();
    while may_sleep && !is_over() && slots.iter().all(|slot| is_awaited(slot.observe())) {
        thread::park();
    }
    for slot in slots {
        slot.await_no_job();
    }
}
