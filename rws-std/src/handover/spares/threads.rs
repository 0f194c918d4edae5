//! The lives of the threads: how they start, find work, park and exit.

use alloc::sync::Arc;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::Ordering;
use std::io;
use std::panic::catch_unwind;
use std::sync::{MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::{Arrival, Held, SPAWN_RETRY, Spares, State, Work};
use crate::sys::set_thread_name;

/// Starting, running and ending.
impl<T: Send + 'static> Spares<T> {
    /// Starts one thread per shard and the first spares.
    ///
    /// # Errors
    /// The system's, when it has no thread for a shard. Refused spares are no error.
    pub(in crate::handover) fn launch(self: &Arc<Self>, shards: Vec<Held<T>>) -> io::Result<()> {
        // All at once, before the first of them offloads a job: whoever is beyond the shards is a spare.
        let all = shards.len();
        self.lock().threads += all;
        for (number, held) in shards.into_iter().enumerate() {
            let pool = Arc::clone(self);
            let start = move || pool.run(Work::Shard(held, Arrival::Launched));
            if let Err(error) = self.spawn(start) {
                self.lock().threads -= all - number;
                let text = format!("no thread for shard {} of {}: {error}", number + 1, self.slots.len());
                return Err(io::Error::new(error.kind(), text));
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
            if let Some((_, job)) = state.jobs.pop_front() {
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
    pub(super) fn grow<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<T>>,
    ) -> MutexGuard<'a, State<T>> {
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
        #[cfg(test)]
        refuse_for_a_test()?;
        let builder = thread::Builder::new().name(SPARE_NAME.to_owned()).stack_size(self.limits.stack_bytes);
        builder.spawn(body).map(drop)
    }
}

const SPARE_NAME: &str = "rws-spare";

#[cfg(test)]
std::thread_local! {
    /// How many threads this one may still start: a test plays a system that refuses the next.
    pub(crate) static SPAWNS_LEFT: core::cell::Cell<usize> = const { core::cell::Cell::new(usize::MAX) };
}

#[cfg(test)]
fn refuse_for_a_test() -> io::Result<()> {
    let left = SPAWNS_LEFT.get();
    SPAWNS_LEFT.set(left.saturating_sub(1));
    if left == 0 { Err(io::Error::from(io::ErrorKind::WouldBlock)) } else { Ok(()) }
}
