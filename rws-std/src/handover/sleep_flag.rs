//! The flag of a thread that goes to sleep only when nobody has work for it, and of those who bring work.
//!
//! ```text
//!  sleeper                          bringer
//!  announce()  flag = true          makes its work visible
//!  ── full fence ──                 ── full fence ──          must_signal()
//!  looks at the work again          flag still true? swap it to false and wake the sleeper
//!  nothing: sleeps                  false: the sleeper is awake, no system call
//!  something: rouse(), goes on
//! ```
//!
//! Of the two looks at least one sees the other's write, because a full fence stands between each write and
//! each look: either the sleeper finds the work, or the bringer finds the sleeper. The swap gives one of many
//! bringers the duty to wake.

use crate::sync::{AtomicBool, Ordering, fence};

/// True while its owner sleeps or is about to.
#[derive(Debug)]
pub struct SleepFlag {
    asleep: AtomicBool,
}

impl SleepFlag {
    /// A flag whose owner is awake.
    #[must_use]
    pub fn new() -> SleepFlag {
        SleepFlag { asleep: AtomicBool::new(false) }
    }

    /// The owner is about to sleep. It must look at its work once more after this, before it does.
    pub fn announce(&self) {
        self.asleep.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// The owner is awake. A signal that was already on its way may still arrive; it is harmless.
    pub fn rouse(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Whether nobody has taken the duty to wake the owner yet.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.asleep.load(Ordering::Acquire)
    }

    /// Asked by whoever has just made work visible: true means that the caller, and nobody else, has to wake
    /// the owner.
    #[must_use]
    #[inline]
    pub fn must_signal(&self) -> bool {
        fence(Ordering::SeqCst);
        self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::AcqRel)
    }
}

impl Default for SleepFlag {
    fn default() -> SleepFlag {
        SleepFlag::new()
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::SleepFlag;

    #[test]
    fn one_of_two_bringers_gets_the_duty_to_wake() {
        let flag = SleepFlag::new();
        flag.announce();
        assert!(flag.must_signal());
        assert!(!flag.must_signal());
    }

    #[test]
    fn an_owner_that_is_awake_needs_no_signal() {
        let flag = SleepFlag::new();
        assert!(!flag.must_signal());
        flag.announce();
        flag.rouse();
        assert!(!flag.must_signal());
        assert!(!flag.is_announced());
    }
}
