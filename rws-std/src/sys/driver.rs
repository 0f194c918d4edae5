//! Was a job to blame for the loss of its shard?
//!
//! On a busy machine a thread may lose its turn on the CPU in the midst of a job that takes a microsecond. Its
//! shard is stolen, and rightly so, but the job's route must not learn from it that it blocks. So the thief
//! first looks at what the thread does, and leaves a note that the late job's thread judges by:
//!
//! | the thief saw the thread | and since then it computed | the job is |
//! |---|---|---|
//! | sleeping | | to blame: it blocks |
//! | runnable | for [`LONG_JOB_US`] | to blame: it computes for long |
//! | runnable | for less | not to blame: it was kept from running |
//!
//! A job without a note is to blame: it gave its shard away itself, or the system tells nothing about threads.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use super::process::{ThreadActivity, thread_cpu_us};
use super::slot::Word;

/// A job that uses so much CPU time after it was stolen from was right to be.
const LONG_JOB_US: u64 = 1_000;

/// A thread that drives shards, and the last note of a thief to it.
#[derive(Debug)]
pub(super) struct Driver {
    thread: u64,
    /// Which job was stolen from while its thread was runnable.
    runnable_sequence: AtomicU64,
    /// CPU time that the thread had used by then.
    cpu_us: AtomicU64,
}

thread_local! {
    static THIS_THREAD: Arc<Driver> = Arc::new(Driver {
        thread: ThreadActivity::this_thread(),
        runnable_sequence: AtomicU64::new(u64::MAX),
        cpu_us: AtomicU64::new(0),
    });
}

impl Driver {
    /// The calling thread.
    pub(super) fn this_thread() -> Arc<Driver> {
        THIS_THREAD.with(Arc::clone)
    }

    /// Leaves the note of a thief that is about to steal from the job `word`.
    pub(super) fn note(&self, word: Word) {
        let activity = ThreadActivity::of(self.thread);
        let sequence = if activity.is_runnable { word.sequence() } else { u64::MAX };
        self.cpu_us.store(activity.cpu_us, Ordering::Relaxed);
        self.runnable_sequence.store(sequence, Ordering::Release);
    }
}

/// Whether the calling thread's job, which was published as `word` and has lost its shard, is to blame for it.
/// Ask when it has returned.
#[must_use]
pub fn blames_job(word: Word) -> bool {
    THIS_THREAD.with(|driver| {
        let was_runnable = driver.runnable_sequence.load(Ordering::Acquire) == word.sequence();
        !was_runnable || thread_cpu_us().saturating_sub(driver.cpu_us.load(Ordering::Relaxed)) >= LONG_JOB_US
    })
}
