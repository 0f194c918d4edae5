//! Jobs that run on other threads for an exchange, and what becomes of them when that is over before they are.
//!
//! ```text
//!   queued ── a thread takes it ──▶ running ── done ──────────────────────────▶ done
//!     │ the exchange is over          │ the exchange is over                      ▲
//!     ▼                               ▼                                           │
//!   called off: it never starts     an orphan: it counts against its connection ──┘ done
//! ```
//!
//! A client may end an exchange whenever it likes, for the price of a frame (CVE-2023-44487). What it has made work here
//! stays at work; so a connection has no more streams and orphans together than it may have streams.

use core::fmt;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::handover::Ticket;
use crate::job::{JobCx, Pool};
use crate::shard::Address;

/// What an exchange keeps of a job that works for it on another thread. The exchange is over when this is dropped: the
/// job is called off if no thread has it, else it is an orphan until it is done.
pub(crate) struct Errand {
    pool: Arc<dyn Pool>,
    ticket: Ticket,
    fate: Arc<Fate>,
    /// The job is to run, even if the exchange is over before it begins.
    is_owed: bool,
}

/// What the job keeps as long as it works. It is let go before the last word that the exchange waits for, lest a client
/// is quicker than the end of a thread's work.
#[derive(Debug)]
pub(crate) struct Duty(Arc<Fate>);

/// No thread is free for the job, and the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// What both know.
#[derive(Debug)]
struct Fate {
    state: AtomicU8,
    connection: ConnectionId,
    orphans: Arc<Orphans>,
}

/// Queued, or running for an exchange that is not over.
const OUT: u8 = 0;
/// Running for nobody.
const ORPHAN: u8 = 1;
const DONE: u8 = 2;

impl JobCx {
    /// Sends `job` to a thread of its own beside the shard, for the exchange that this context is of.
    ///
    /// # Errors
    /// All threads are busy and the queue is full: answer 503.
    pub(crate) fn send_out(&self, job: impl FnOnce(Duty) + Send + 'static) -> Result<Errand, Busy> {
        let pool = self.pool.as_ref().ok_or(Busy)?;
        let (state, orphans) = (AtomicU8::new(OUT), Arc::clone(&self.orphans));
        let fate = Arc::new(Fate { state, connection: ConnectionId::of(self.address), orphans });
        let duty = Duty(Arc::clone(&fate));
        let ticket = Arc::clone(pool).offload(Box::new(move || job(duty))).map_err(|_job| Busy)?;
        Ok(Errand { pool: Arc::clone(pool), ticket, fate, is_owed: false })
    }
}

impl Errand {
    /// The server has answered in the job's place: it runs all the same, to learn of it, and counts until it is done.
    pub(crate) const fn owe(&mut self) {
        self.is_owed = true;
    }

    /// The job has said its last word, whether or not its thread has come to its end.
    #[cfg(feature = "grpc")]
    pub(crate) fn conclude(&self) {
        self.fate.is_done();
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if self.fate.state.load(Ordering::Acquire) == DONE {
            return;
        }
        if !self.is_owed && self.pool.call_off(self.ticket) {
            return;
        }
        // Counted first: the job may be done at any moment, and takes itself off then.
        self.fate.orphans.add(self.fate.connection);
        let state = &self.fate.state;
        if state.compare_exchange(OUT, ORPHAN, Ordering::AcqRel, Ordering::Acquire).is_err() {
            self.fate.orphans.remove(self.fate.connection);
        }
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        self.0.is_done();
    }
}

impl Fate {
    fn is_done(&self) {
        if self.state.swap(DONE, Ordering::AcqRel) == ORPHAN {
            self.orphans.remove(self.connection);
        }
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand")
            .field("ticket", &self.ticket)
            .field("fate", &self.fate)
            .finish_non_exhaustive()
    }
}

/// Names a connection of a shard among all that it ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId {
    key: u32,
    generation: u32,
}

impl ConnectionId {
    pub(crate) const fn of(address: Address) -> ConnectionId {
        ConnectionId { key: address.conn, generation: address.generation }
    }
}

/// How many jobs of each connection of a shard run for nobody. There are no more of them than threads.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    all: AtomicUsize,
    by_connection: Mutex<HashMap<ConnectionId, u32>>,
}

impl Orphans {
    /// One more.
    pub(crate) fn add(&self, connection: ConnectionId) {
        let mut counts = self.lock();
        *counts.entry(connection).or_default() += 1;
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    /// One of them is done. Nothing if there was none.
    pub(crate) fn remove(&self, connection: ConnectionId) {
        let mut counts = self.lock();
        let Some(count) = counts.get_mut(&connection) else { return };
        *count -= 1;
        if *count == 0 {
            counts.remove(&connection);
        }
        self.all.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether any connection has one. One relaxed load.
    #[inline]
    pub(crate) fn are_any(&self) -> bool {
        self.all.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn of(&self, connection: ConnectionId) -> u32 {
        self.lock().get(&connection).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, u32>> {
        // Nothing panics with the lock in hand, so a poisoned one is whole.
        self.by_connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;
    use crate::handover::Job;
    use crate::job::Nowhere;

    /// A queue that nobody serves but the test.
    #[derive(Default)]
    struct Queue(Mutex<Vec<Option<Job>>>);

    impl Queue {
        fn take(&self, at: usize) -> Option<Job> {
            self.jobs()[at].take()
        }

        fn jobs(&self) -> MutexGuard<'_, Vec<Option<Job>>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Pool for Queue {
        fn offload(self: Arc<Self>, job: Job) -> Result<Ticket, Job> {
            let mut jobs = self.jobs();
            jobs.push(Some(job));
            Ok(Ticket::new(jobs.len() as u64 - 1))
        }

        fn call_off(&self, ticket: Ticket) -> bool {
            self.take(ticket.number() as usize).is_some()
        }
    }

    fn context() -> (Arc<Queue>, JobCx, impl Fn() -> u32) {
        let queue = Arc::<Queue>::default();
        let cx = JobCx::new(0, Arc::new(Nowhere), Some(Arc::<Queue>::clone(&queue)));
        let (orphans, connection) = (Arc::clone(&cx.orphans), ConnectionId::of(cx.address));
        (queue, cx, move || orphans.of(connection))
    }

    #[test]
    fn a_job_that_waits_is_called_off_with_its_exchange_and_what_it_holds_is_dropped() {
        let (queue, cx, orphans) = context();
        let held = Arc::new(());
        let holding = Arc::clone(&held);
        let errand = cx.send_out(move |_duty| drop(holding)).unwrap();
        drop(errand);
        assert!(queue.take(0).is_none());
        assert_eq!((orphans(), Arc::strong_count(&held)), (0, 1));
    }

    #[test]
    fn a_job_that_was_answered_for_runs_all_the_same_and_counts_from_then_on() {
        let (queue, cx, orphans) = context();
        let mut errand = cx.send_out(|_duty| ()).unwrap();
        errand.owe();
        drop(errand);
        assert_eq!(orphans(), 1);
        queue.take(0).unwrap()();
        assert_eq!(orphans(), 0);
    }

    #[test]
    fn a_job_that_runs_for_nobody_is_an_orphan_until_it_is_done() {
        let (queue, cx, orphans) = context();
        let (end, ended) = channel::<()>();
        let errand = cx.send_out(move |_duty| assert!(ended.recv().is_err())).unwrap();
        let running = thread::spawn(queue.take(0).unwrap());
        assert_eq!(orphans(), 0, "its exchange goes on");
        drop(errand);
        assert!(orphans() == 1 && cx.orphans.are_any());
        drop(end);
        running.join().unwrap();
        assert!(orphans() == 0 && !cx.orphans.are_any());
    }

    #[test]
    fn a_job_that_has_said_its_last_word_is_no_orphan_while_its_thread_goes_on() {
        let (queue, cx, orphans) = context();
        let (tell, told) = channel();
        let (end, ended) = channel::<()>();
        let job = move |duty| {
            drop(duty);
            tell.send(()).unwrap();
            assert!(ended.recv().is_err());
        };
        let errand = cx.send_out(job).unwrap();
        let running = thread::spawn(queue.take(0).unwrap());
        told.recv().unwrap();
        drop(errand);
        assert_eq!(orphans(), 0);
        drop(end);
        running.join().unwrap();
    }

    #[test]
    fn an_orphan_that_panics_is_done_as_well() {
        let (queue, cx, orphans) = context();
        let (end, ended) = channel::<()>();
        let job = move |_duty| {
            assert!(ended.recv().is_err());
            std::panic::resume_unwind(Box::new("a handler's bug"));
        };
        let errand = cx.send_out(job).unwrap();
        let running = thread::spawn(queue.take(0).unwrap());
        drop(errand);
        assert_eq!(orphans(), 1);
        drop(end);
        assert!(running.join().is_err());
        assert_eq!(orphans(), 0);
    }

    #[test]
    fn an_exchange_and_its_job_that_end_at_once_leave_no_count_behind() {
        let (queue, cx, orphans) = context();
        for at in 0..if cfg!(miri) { 10 } else { 300 } {
            let errand = cx.send_out(|_duty| ()).unwrap();
            let running = thread::spawn(queue.take(at).unwrap());
            drop(errand);
            running.join().unwrap();
            assert_eq!(orphans(), 0);
        }
    }
}
