//! Handlers that may block, without stopping their shard.
//!
//! A shard is driven by one thread at a time. Before a job runs, the thread lays the shard into its [`Slot`];
//! afterwards it takes it back with one compare-and-swap. If the job is still out after two looks of the
//! watchdog, a spare thread takes the shard and goes on with it, and the late job's thread becomes a spare.
//!
//! ```text
//!  thread A   held.publish() ── job ────────── blocks ──────────────── reclaim() → Stolen → a spare
//!  watchdog                        look … same word: steal ─┐
//!  thread B   (parked spare)                                └▶ drive(held, Arrival::Stolen, spares) …
//! ```
//!
//! | what | where |
//! |---|---|
//! | the slot, its word and who owns the shard | [`Slot`], [`Held`], [`Published`] (`sys/slot.rs`) |
//! | the threads, parked, away or driving | [`Spares`] |
//! | the looks | `watchdog.rs` |
//! | waking what sleeps | [`Bell`], [`SleepFlag`] |
//! | which routes go to a spare before they run | [`Learning`] |
//!
//! The races are modelled with loom: `RUSTFLAGS="--cfg loom" cargo test -p rws-std --release --lib loom`.

mod bell;
mod learning;
#[cfg(test)]
#[cfg(loom)]
mod loom_models;
mod sleep_flag;
mod spares;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
mod watchdog;

use alloc::sync::Arc;
use std::io;
use std::time::Instant;

pub use self::bell::Bell;
pub use self::learning::{Learning, Placement};
pub use self::sleep_flag::SleepFlag;
pub use self::spares::{Arrival, Drive, Job, SPAWN_RETRY, Spares, ThreadLimits, ThreadStats, Ticket};
pub use self::watchdog::TICK;
pub use crate::sys::slot::{Held, Lease, Published, Slot, Stolen, Word};

#[cfg(test)]
pub(crate) use self::spares::SPAWNS_LEFT;
use self::watchdog::Watchdog;

/// A running set of shards with their threads and their watchdog.
#[derive(Debug)]
pub struct Handover<T> {
    spares: Arc<Spares<T>>,
    bell: Arc<Bell>,
}

impl<T: Send + 'static> Handover<T> {
    /// Starts a thread for each shard, the first spares and the watchdog.
    ///
    /// `drive` runs a shard until it has ended (then it drops the [`Held`]) or until [`Published::reclaim`]
    /// says that it was stolen (then it delivers the late job's result and returns).
    ///
    /// # Errors
    /// The system's, when it refuses a thread for a shard or for the watchdog. `stop` is called then, which must
    /// make the shards that run already end; all threads are gone when this returns.
    pub fn start(
        limits: ThreadLimits,
        shards: Vec<T>,
        drive: impl Fn(Held<T>, Arrival, &Arc<Spares<T>>) + Send + Sync + 'static,
        stop: impl FnOnce(),
    ) -> io::Result<Handover<T>> {
        let bell = Arc::new(Bell::new());
        let (slots, shards): (Vec<_>, Vec<_>) = shards
            .into_iter()
            .enumerate()
            .map(|(index, shard)| Slot::new(index, Arc::clone(&bell), Box::new(shard)))
            .unzip();
        let spares = Arc::new(Spares::new(limits, slots.clone(), Box::new(drive)));
        let watchdog = Watchdog {
            seen: vec![Word::default(); slots.len()],
            slots,
            bell: Arc::clone(&bell),
            spares: Arc::clone(&spares),
        };
        std::thread::Builder::new().name("rws-watchdog".to_owned()).spawn(move || watchdog.run())?;
        let handover = Handover { spares, bell };
        if let Err(error) = handover.spares.launch(shards) {
            stop();
            let _none_is_left = handover.join(None);
            return Err(error);
        }
        Ok(handover)
    }

    /// The pool, for statistics and for offloading from outside of a shard.
    #[must_use]
    pub fn spares(&self) -> &Arc<Spares<T>> {
        &self.spares
    }

    /// Waits until every shard has ended, then lets the threads go and waits for them until `deadline`.
    /// How many threads are left, in jobs that have not returned.
    #[must_use]
    pub fn join(self, deadline: Option<Instant>) -> usize {
        let _all_ended = self.spares.wait_shards(deadline);
        self.spares.close();
        self.bell.ring();
        self.spares.wait_threads(deadline)
    }
}
