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

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::io;
use std::panic::catch_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::{Held, Slot, Word};
use crate::sys::set_thread_name;

/// How long to wait after the system refused a thread before asking again.
pub const SPAWN_RETRY: Duration = Duration::from_millis(100);

/// A job that runs on another thread than the shard's.
pub type Job = Box<dyn FnOnce() + Send + 'static>;

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
    jobs: VecDeque<Job>,
    parked: usize,
    starting: usize,
    threads: usize,
    spawn_refused_at: Option<Instant>,
    queued_total: u64,
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
                parked: 0,
                starting: 0,
                threads: 0,
                spawn_refused_at: None,
                queued_total: 0,
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
    pub fn offload(self: &Arc<Self>, job: Job) -> Result<(), Job> {
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
        state.jobs.push_back(job);
        state.queued_total += u64::from(!had_spare);
        self.note_ready(&state);
        // Not `had_spare`: a thread that `grow` started may have parked before the job stood in the queue.
        let is_anyone_parked = state.parked > 0;
        drop(state);
        self.offloaded_total.fetch_add(1, Ordering::Relaxed);
        if is_anyone_parked {
            self.work.notify_one();
        }
        Ok(())
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

/// Starting, running and ending.
impl<T: Send + 'static> Spares<T> {
    /// Starts one thread per shard and the first spares.
    ///
    /// # Errors
    /// The system's, when it has no thread for a shard. Refused spares are no error.
    pub(super) fn launch(self: &Arc<Self>, shards: Vec<Held<T>>) -> io::Result<()> {
        for held in shards {
            let mut state = self.lock();
            state.threads += 1;
            drop(state);
            let pool = Arc::clone(self);
            let start = move || pool.run(Work::Shard(held, Arrival::Launched));
            if let Err(error) = self.spawn(start) {
                self.lock().threads -= 1;
                self.close();
                return Err(error);
            }
        }
        drop(self.grow(self.lock()));
        Ok(())
    }

    /// Tells parked spares to exit and refuses new jobs. Queued jobs are dropped.
    pub fn close(&self) {
        let mut state = self.lock();
        self.closing.store(true, Ordering::Release);
        let dropped = core::mem::take(&mut state.jobs);
        self.note_ready(&state);
        drop(state);
        drop(dropped);
        self.work.notify_all();
        self.changed.notify_all();
    }

    /// Whether [`Spares::close`] was called.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Waits until every shard has ended, or until `deadline`. True when all have.
    #[must_use]
    pub fn wait_shards(&self, deadline: Option<Instant>) -> bool {
        self.wait_until(deadline, |_| self.slots.iter().all(|slot| slot.observe().is_done()))
    }

    /// Waits until every thread has exited, or until `deadline`. The threads that are left (in jobs that have
    /// not returned).
    #[must_use]
    pub fn wait_threads(&self, deadline: Option<Instant>) -> usize {
        self.wait_until(deadline, |state| state.threads == 0);
        self.lock().threads
    }

    fn wait_until(&self, deadline: Option<Instant>, is_over: impl Fn(&State<T>) -> bool) -> bool {
        let mut state = self.lock();
        while !is_over(&state) {
            let Some(deadline) = deadline else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// A thread's whole life.
    fn run(self: &Arc<Self>, first: Work<T>) {
        let mut work = first;
        loop {
            let outcome = catch_unwind(AssertUnwindSafe(|| match work {
                Work::Shard(held, arrival) => {
                    self.drive_shard(held, arrival);
                    true
                }
                Work::Job(job) => {
                    job();
                    true
                }
                Work::Exit => false,
            }));
            match outcome {
                Ok(true) => {}
                Ok(false) => return,
                Err(_panic) => {
                    // The caller catches the panics of jobs; this one is the runtime's or the driver's own. If it
                    // held a shard, the unwinding has published it for the watchdog.
                    self.panics_total.fetch_add(1, Ordering::Relaxed);
                }
            }
            work = self.next_work(self.lock());
        }
    }

    fn drive_shard(self: &Arc<Self>, mut held: Held<T>, arrival: Arrival) {
        let arrival = if held.take_panicked() { Arrival::AfterPanic } else { arrival };
        held.slot().driven_by_this_thread();
        set_thread_name(&format!("rws-shard-{}", held.index()));
        (self.drive)(held, arrival, self);
        set_thread_name(SPARE_NAME);
        // Whoever waits for the shard's end looks under the lock: passing through it, the news can't be missed.
        drop(self.lock());
        self.changed.notify_all();
    }

    fn next_work<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State<T>>) -> Work<T> {
        let mut has_waited_long = false;
        loop {
            if let Some((held, arrival)) = state.shards.pop_front() {
                self.leave_park(state);
                return Work::Shard(held, arrival);
            }
            if let Some(job) = state.jobs.pop_front() {
                self.leave_park(state);
                return Work::Job(job);
            }
            if self.is_closing() || (has_waited_long && state.parked >= self.limits.spares_kept_max) {
                state.threads -= 1;
                drop(state);
                self.changed.notify_all();
                return Work::Exit;
            }
            (state, has_waited_long) = self.park(state);
        }
    }

    fn park<'a>(&'a self, mut state: MutexGuard<'a, State<T>>) -> (MutexGuard<'a, State<T>>, bool) {
        let is_surplus = state.parked >= self.limits.spares_kept_max;
        state.parked += 1;
        self.note_ready(&state);
        let mut has_waited_long = false;
        if is_surplus {
            let woken = self.work.wait_timeout(state, self.limits.spare_idle);
            let (locked, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
            (state, has_waited_long) = (locked, timeout.timed_out());
        } else {
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.parked -= 1;
        self.note_ready(&state);
        (state, has_waited_long)
    }

    /// A thread has taken work: another spare should be ready after it.
    fn leave_park(self: &Arc<Self>, state: MutexGuard<'_, State<T>>) {
        self.note_ready(&state);
        drop(self.grow(state));
    }

    /// Starts up to two threads if too few spares are ready or on their way. Two, so that a burst of jobs is met
    /// by a growth that doubles, since each new thread comes through here as well.
    fn grow<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        for _ in 0..2 {
            let wanted = state.shards.len() + state.jobs.len() + self.limits.spares_ready_min;
            let is_enough = state.parked + state.starting >= wanted;
            let is_full = state.threads >= self.threads_max();
            let is_barred = state.spawn_refused_at.is_some_and(|at| at.elapsed() < SPAWN_RETRY);
            if is_enough || is_full || is_barred || self.is_closing() {
                break;
            }
            state.threads += 1;
            state.starting += 1;
            drop(state);
            let pool = Arc::clone(self);
            let outcome = self.spawn(move || {
                let mut state = pool.lock();
                state.starting -= 1;
                let first = pool.next_work(state);
                pool.run(first);
            });
            state = self.lock();
            state.spawn_refused_at = outcome.is_err().then(Instant::now);
            if outcome.is_err() {
                state.threads -= 1;
                state.starting -= 1;
                state.spawn_refused_total += 1;
            }
            self.note_ready(&state);
        }
        state
    }

    fn spawn(&self, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let builder = thread::Builder::new().name(SPARE_NAME.to_owned()).stack_size(self.limits.stack_bytes);
        builder.spawn(body).map(drop)
    }
}

const SPARE_NAME: &str = "rws-spare";

impl<T> fmt::Debug for Spares<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spares")
            .field("limits", &self.limits)
            .field("ready", &self.ready.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
