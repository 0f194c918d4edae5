//! The threads: those that drive shards, those that are away in jobs, and the spares between them.
//!
//! A thread is not tied to a role. It drives a shard until one of its jobs blocks and the shard goes on with a
//! spare; when the late job returns, the thread is a spare itself:
//!
//! ```text
//!                   takes a shard                          its shard was stolen
//!   ┌────────┐ ───────────────────────▶ ┌─────────────┐ ─────────────────────────▶ ┌──────┐
//!   │ parked │                          │ drives a    │                            │ away │
//!   │ spare  │ ◀─────────────────────── │ shard       │          ┌────────────────▶│ in a │
//!   └────────┘    the shard has ended   └─────────────┘          │ takes an        │ job  │
//!     │    ▲ └───────────────────────────────────────────────────┘ offloaded job   └──────┘
//!     │    └──────────────────────────────────────────────────────────────────────────┘
//!     └─▶ exits (too many spares for too long, or the runtime closes)       the job returned
//! ```
//!
//! There are never more threads than shards plus `blocking_threads_max`, so never more than that many are away.
//! A thread that leaves the park first sees to it that another spare will be there. All of this is off the
//! fast path, so one mutex guards it; the fast path asks [`Spares::has_parked_spare`], one relaxed load.
//!
//! If the system refuses a thread, nothing panics: no new spare appears, shards stop running jobs inline, jobs
//! wait in the queue for the threads that exist, and past `queue_max` (or when no thread exists at all) they
//! are refused. A new attempt is made after [`SPAWN_RETRY`].

mod threads;

#[cfg(test)]
pub(crate) use self::threads::SPAWNS_LEFT;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Held, Slot, Word};

/// How long to wait after the system refused a thread before asking again.
pub const SPAWN_RETRY: Duration = Duration::from_millis(100);

/// A job that runs on another thread than the shard's.
pub type Job = Box<dyn FnOnce() + Send + 'static>;

/// A job's number in the queue: [`Spares::call_off`] takes it out of there by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

#[cfg(test)]
impl Ticket {
    pub(crate) const fn new(number: u64) -> Ticket {
        Ticket(number)
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

/// The limits of the thread pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadLimits {
    /// How many threads may be away in jobs at once; at least 1.
    pub blocking_threads_max: usize,
    /// How many jobs may wait for a thread beyond those.
    pub queue_max: usize,
    /// How many parked spares are always kept ready, and started beforehand; at least 1.
    pub spares_ready_min: usize,
    /// How many parked spares stay for good; those beyond exit after `spare_idle`.
    pub spares_kept_max: usize,
    /// How long a spare beyond `spares_kept_max` waits for work before it exits.
    pub spare_idle: Duration,
    /// Stack of each thread, in bytes.
    pub stack_bytes: usize,
}

impl Default for ThreadLimits {
    fn default() -> ThreadLimits {
        ThreadLimits {
            blocking_threads_max: 512,
            queue_max: 1024,
            spares_ready_min: 1,
            spares_kept_max: 4,
            spare_idle: Duration::from_secs(10),
            stack_bytes: 2 << 20,
        }
    }
}

/// How a shard came into the hand of the thread that drives it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The runtime has just started.
    Launched,
    /// Taken from a thread whose job is still out: what it left in the shard's buffers has to be finished.
    Stolen,
    /// Given away by a thread that is about to block.
    HandedOver,
    /// The last holder panicked with the shard in its hand.
    AfterPanic,
}

/// What the pool did so far, and what it has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThreadStats {
    /// Threads now: shards, spares and those away.
    pub threads: usize,
    /// Parked spares now.
    pub parked: usize,
    /// Jobs waiting for a thread now.
    pub queued: usize,
    /// Offloaded jobs that found no parked spare and had to wait, ever (`THREAD_POOL_QUEUED`).
    pub queued_total: u64,
    /// Jobs offloaded, ever.
    pub offloaded_total: u64,
    /// Jobs taken out of the queue because nobody wanted them any more, ever.
    pub called_off_total: u64,
    /// Jobs refused because the queue was full, ever.
    pub refused_total: u64,
    /// Shards taken from a blocked thread, ever.
    pub stolen_total: u64,
    /// Threads that the system refused to start, ever.
    pub spawn_refused_total: u64,
    /// Panics that got past the caller's own catching, ever.
    pub panics_total: u64,
}

/// Drives a shard until it has ended or another thread has taken it.
pub type Drive<T> = dyn Fn(Held<T>, Arrival, &Arc<Spares<T>>) + Send + Sync;

/// The pool.
pub struct Spares<T> {
    limits: ThreadLimits,
    slots: Vec<Arc<Slot<T>>>,
    drive: Box<Drive<T>>,
    state: Mutex<State<T>>,
    work: Condvar,
    changed: Condvar,
    ready: AtomicUsize,
    may_grow: AtomicBool,
    closing: AtomicBool,
    offloaded_total: AtomicU64,
    stolen_total: AtomicU64,
    panics_total: AtomicU64,
}

struct State<T> {
    shards: VecDeque<(Held<T>, Arrival)>,
    /// In the order of their tickets.
    jobs: VecDeque<(Ticket, Job)>,
    next_ticket: u64,
    parked: usize,
    starting: usize,
    threads: usize,
    spawn_refused_at: Option<Instant>,
    queued_total: u64,
    called_off_total: u64,
    refused_total: u64,
    spawn_refused_total: u64,
}

impl<T> State<T> {
    /// Parked spares that no waiting work has a claim on yet.
    fn ready(&self) -> usize {
        self.parked.saturating_sub(self.shards.len().saturating_add(self.jobs.len()))
    }
}

enum Work<T> {
    Shard(Held<T>, Arrival),
    Job(Job),
    Exit,
}

impl<T: Send + 'static> Spares<T> {
    pub(super) fn new(limits: ThreadLimits, slots: Vec<Arc<Slot<T>>>, drive: Box<Drive<T>>) -> Spares<T> {
        let limits = ThreadLimits {
            blocking_threads_max: limits.blocking_threads_max.max(1),
            spares_ready_min: limits.spares_ready_min.max(1),
            ..limits
        };
        Spares {
            limits,
            slots,
            drive,
            state: Mutex::new(State {
                shards: VecDeque::new(),
                jobs: VecDeque::new(),
                next_ticket: 0,
                parked: 0,
                starting: 0,
                threads: 0,
                spawn_refused_at: None,
                queued_total: 0,
                called_off_total: 0,
                refused_total: 0,
                spawn_refused_total: 0,
            }),
            work: Condvar::new(),
            changed: Condvar::new(),
            ready: AtomicUsize::new(0),
            may_grow: AtomicBool::new(true),
            closing: AtomicBool::new(false),
            offloaded_total: AtomicU64::new(0),
            stolen_total: AtomicU64::new(0),
            panics_total: AtomicU64::new(0),
        }
    }

    /// Whether a job that blocks would find somebody to take the shard: what a shard asks before it runs a job
    /// inline. One relaxed load.
    #[must_use]
    #[inline]
    pub fn has_parked_spare(&self) -> bool {
        self.ready.load(Ordering::Relaxed) > 0
    }

    /// Whether a spare is parked, or will be soon: threads may still be started. A job that blocks then keeps
    /// its shard for a moment longer than with a parked spare, so this is enough for routes that have no record
    /// of blocking. Two relaxed loads.
    #[must_use]
    #[inline]
    pub fn has_spare(&self) -> bool {
        self.has_parked_spare() || self.may_grow.load(Ordering::Relaxed)
    }

    /// Gives a job to a spare thread before it runs. It waits in the queue when all threads are busy.
    ///
    /// # Errors
    /// Gives the job back when the queue is full, when there is no thread that will ever come for it, or when
    /// the pool is closing: the caller answers 503.
    pub fn offload(self: &Arc<Self>, job: Job) -> Result<Ticket, Job> {
        let mut state = self.lock();
        let had_spare = state.ready() > 0;
        if !had_spare && state.starting == 0 {
            // Somebody has to be on the way: usually the last spare to leave has seen to it already.
            state = self.grow(state);
        }
        let pool_threads = state.threads.saturating_sub(self.slots.len());
        let is_full = state.jobs.len() >= self.limits.queue_max.saturating_add(state.parked);
        if self.is_closing() || is_full || pool_threads == 0 {
            state.refused_total += 1;
            return Err(job);
        }
        let ticket = Ticket(state.next_ticket);
        state.next_ticket = state.next_ticket.wrapping_add(1);
        state.jobs.push_back((ticket, job));
        state.queued_total += u64::from(!had_spare);
        self.note_ready(&state);
        // Not `had_spare`: a thread that `grow` started may have parked before the job stood in the queue.
        let is_anyone_parked = state.parked > 0;
        drop(state);
        self.offloaded_total.fetch_add(1, Ordering::Relaxed);
        if is_anyone_parked {
            self.work.notify_one();
        }
        Ok(ticket)
    }

    /// Takes a job that nobody wants any more out of the queue: it never runs, and somebody else has its place. `None`
    /// if a thread has it, or had.
    #[must_use = "what the job holds is to be dropped, or ended"]
    pub fn call_off(&self, ticket: Ticket) -> Option<Job> {
        let mut state = self.lock();
        let at = state.jobs.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()?;
        let (_, job) = state.jobs.remove(at)?;
        state.called_off_total += 1;
        self.note_ready(&state);
        Some(job)
    }

    /// Gives the shard itself to a parked spare: for a thread that is about to block and keeps the job.
    ///
    /// # Errors
    /// Gives the shard back when no spare is parked.
    pub fn hand_over(&self, held: Held<T>) -> Result<(), Held<T>> {
        let state = self.lock();
        if state.ready() == 0 {
            return Err(held);
        }
        self.pass_on(state, held, Arrival::HandedOver);
        Ok(())
    }

    /// Gives a shard that is published as `word` to a parked spare: for a job that runs inline and is about to
    /// block. False when no spare is parked or the shard is gone already.
    pub fn hand_over_published(&self, slot: &Arc<Slot<T>>, word: Word) -> bool {
        self.move_on(slot, word, Arrival::HandedOver)
    }

    /// Takes the shard whose job has been out since `word` was first seen, if a spare is parked for it or on
    /// its way; shards go before jobs.
    pub(super) fn take_over(&self, slot: &Arc<Slot<T>>, word: Word) -> bool {
        if !self.has_spare() {
            return false;
        }
        slot.note_activity(word);
        self.move_on(slot, word, Arrival::Stolen)
    }

    /// Starts the spares that should be ready and are not; what the watchdog does at each tick.
    pub(super) fn replenish(self: &Arc<Self>) {
        if !self.has_parked_spare() {
            drop(self.grow(self.lock()));
        }
    }

    /// The slots of all shards.
    #[must_use]
    pub fn slots(&self) -> &[Arc<Slot<T>>] {
        &self.slots
    }

    /// What the pool did so far.
    #[must_use]
    pub fn stats(&self) -> ThreadStats {
        let state = self.lock();
        ThreadStats {
            threads: state.threads,
            parked: state.parked,
            queued: state.jobs.len(),
            queued_total: state.queued_total,
            offloaded_total: self.offloaded_total.load(Ordering::Relaxed),
            called_off_total: state.called_off_total,
            refused_total: state.refused_total,
            stolen_total: self.stolen_total.load(Ordering::Relaxed),
            spawn_refused_total: state.spawn_refused_total,
            panics_total: self.panics_total.load(Ordering::Relaxed),
        }
    }

    fn move_on(&self, slot: &Arc<Slot<T>>, word: Word, arrival: Arrival) -> bool {
        let state = self.lock();
        let spares = match arrival {
            Arrival::Stolen => state.parked + state.starting,
            Arrival::Launched | Arrival::HandedOver | Arrival::AfterPanic => state.ready(),
        };
        if spares <= state.shards.len() {
            return false;
        }
        let Some(held) = Slot::steal(slot, word) else { return false };
        self.stolen_total.fetch_add(u64::from(arrival == Arrival::Stolen), Ordering::Relaxed);
        self.pass_on(state, held, arrival);
        true
    }

    fn pass_on(&self, mut state: MutexGuard<'_, State<T>>, held: Held<T>, arrival: Arrival) {
        state.shards.push_back((held, arrival));
        self.note_ready(&state);
        drop(state);
        self.work.notify_one();
    }

    fn threads_max(&self) -> usize {
        self.slots.len().saturating_add(self.limits.blocking_threads_max)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No user code runs under this lock, so a poisoned one is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_ready(&self, state: &State<T>) {
        self.ready.store(state.ready(), Ordering::Relaxed);
        let may_grow = state.threads < self.threads_max() && state.spawn_refused_at.is_none();
        self.may_grow.store(may_grow, Ordering::Relaxed);
    }
}

impl<T> fmt::Debug for Spares<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spares")
            .field("limits", &self.limits)
            .field("ready", &self.ready.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
