//! What wakes the watchdog: rung by a shard that leaves its idle phase, heard only by a watchdog that sleeps.

use std::sync::OnceLock;

use super::SleepFlag;
use crate::sync::thread::{self, Thread};

/// The watchdog's alarm bell, shared by all shards. Ringing it costs one fence and one load while the watchdog
/// is awake.
#[derive(Debug, Default)]
pub struct Bell {
    flag: SleepFlag,
    watchdog: OnceLock<Thread>,
}

impl Bell {
    /// A bell that nobody listens to yet.
    #[must_use]
    pub fn new() -> Bell {
        Bell::default()
    }

    /// Names the calling thread as the one that [`Bell::ring`] wakes. The first caller stays.
    pub fn listen(&self) {
        // A second listener would be a second watchdog, which nobody starts; keeping the first is harmless.
        let _ = self.watchdog.set(thread::current());
    }

    /// Whether the watchdog sleeps (or is about to) until somebody rings.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.flag.is_announced()
    }

    /// Wakes the watchdog if it sleeps. Call it after the shard's word says that a job is out.
    #[inline]
    pub fn ring(&self) {
        if self.flag.must_signal() {
            self.wake();
        }
    }

    /// Sleeps until somebody rings, unless `all_idle`, asked after the sleep was announced, says no.
    /// Only for the thread that listens.
    pub fn sleep_if(&self, all_idle: impl FnOnce() -> bool) {
        self.flag.announce();
        if !all_idle() {
            self.flag.rouse();
            return;
        }
        while self.flag.is_announced() {
            thread::park();
        }
    }

    #[cold]
    fn wake(&self) {
        if let Some(watchdog) = self.watchdog.get() {
            watchdog.unpark();
        }
    }
}
