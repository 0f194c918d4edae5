//! The one thread that looks after all shards: a job that is out for two looks loses its shard to a spare.
//!
//! ```text
//!   ┌─────────┐ a job was out, or no spare is ready ┌──────────┐
//!   │  calm   │────────────────────────────────────▶│ watchful │  the same job at two looks: a spare takes the shard
//!   │ 4 ms    │◀────────────────────────────────────│ 1.25 ms  │
//!   └─────────┘        neither, at this look        └──────────┘
//!     │     ▲
//!     │     │ a shard leaves its rest and rings the bell
//!     ▼     │
//!   ┌─────────┐
//!   │ asleep  │  every shard has been at rest for QUIET_LOOKS
//!   └─────────┘
//! ```
//!
//! So an idle server has no wake-ups at all, and one whose handlers never block has a few hundred per second,
//! whatever its load. The quiet looks before sleep keep a light load from ringing the bell (a system call) for
//! every request.

use alloc::sync::Arc;
use core::time::Duration;

use super::{Bell, Slot, Spares, Word};
use crate::sync::thread;

/// Between two looks of which the first saw a job out. One that blocks loses its shard at the second.
pub const TICK: Duration = Duration::from_micros(1250);

/// Between two looks otherwise: a job that blocks is first seen within this time. Each look is a context switch.
const CALM_TICK: Duration = Duration::from_millis(4);

/// How many looks without any change come before the watchdog sleeps.
const QUIET_LOOKS: u32 = 10;

/// The watchdog's memory of the last look.
#[derive(Debug)]
pub(super) struct Watchdog<T> {
    pub(super) slots: Vec<Arc<Slot<T>>>,
    pub(super) seen: Vec<Word>,
    pub(super) bell: Arc<Bell>,
    pub(super) spares: Arc<Spares<T>>,
}

/// What a look found, of all slots the liveliest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    /// Nothing has moved since the last look.
    Rest,
    /// Something has moved, and no job is out.
    Activity,
    /// A job is out.
    JobOut,
}

impl<T: Send + 'static> Watchdog<T> {
    /// Ticks until the pool closes and every shard has ended.
    pub(super) fn run(mut self) {
        self.bell.listen();
        let mut quiet_looks = 0;
        loop {
            let seen = self.look();
            quiet_looks = if seen == Seen::Rest { quiet_looks + 1 } else { 0 };
            if self.spares.is_closing() && self.slots.iter().all(|slot| slot.observe().is_done()) {
                return;
            }
            if quiet_looks >= QUIET_LOOKS {
                sleep_until_job(&self.slots, || self.spares.is_closing());
                quiet_looks = 0;
            }
            let is_watchful = seen == Seen::JobOut || !self.spares.has_parked_spare();
            std::thread::sleep(if is_watchful { TICK } else { CALM_TICK });
        }
    }

    /// One look at every slot.
    pub(super) fn look(&mut self) -> Seen {
        let mut most = Seen::Rest;
        for (slot, seen) in self.slots.iter().zip(&mut self.seen) {
            let word = slot.observe();
            most = most.max(match word.is_published() {
                true => Seen::JobOut,
                false if word != *seen => Seen::Activity,
                false => Seen::Rest,
            });
            if word.is_published() && word == *seen {
                self.spares.take_over(slot, word);
            }
            *seen = word;
        }
        self.spares.replenish();
        most
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
