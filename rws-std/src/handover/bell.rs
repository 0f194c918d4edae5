//! What wakes the watchdog when it sleeps.

use std::sync::OnceLock;

use crate::sync::thread::{self, Thread};

/// The watchdog's alarm bell, shared by all slots. Whether it has to be rung is said by the slot's word.
#[derive(Debug, Default)]
pub struct Bell {
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

    /// Wakes the watchdog, now or from its next sleep.
    #[cold]
    pub fn ring(&self) {
        if let Some(watchdog) = self.watchdog.get() {
            watchdog.unpark();
        }
    }
}
