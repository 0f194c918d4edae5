//! The flag of a thread that goes to sleep only when nobody has work for it, and of those who bring work.
//!
//! ```text
//!  sleeper                                bringer
//!  announce()  swaps in true              makes its work visible
//!  looks at the work again                must_signal()  swaps in false; was it true?
//!    nothing: sleeps                        yes: wakes the sleeper, which is its duty alone
//!    something: rouse(), goes on            no: the sleeper is awake, no system call
//! ```
//!
//! No wake-up is lost, because all swaps are in one order. If the bringer's comes after the sleeper's, it finds
//! true. If it comes before, the sleeper's swap sees it through an unbroken chain of swaps, and with it the work
//! that was made visible before; the second look finds that. A plain store in `rouse()` would break the chain
//! (the model finds the lost wake-up), so that is a swap, too.

use crate::sync::{AtomicBool, Ordering};

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
    #[inline]
    pub fn announce(&self) {
        self.asleep.swap(true, Ordering::AcqRel);
    }

    /// The owner is awake. A signal that was already on its way may still arrive; it is harmless.
    #[inline]
    pub fn rouse(&self) {
        if self.asleep.load(Ordering::Relaxed) {
            self.asleep.swap(false, Ordering::AcqRel);
        }
    }

    /// Asked by whoever has just made work visible: true means that the caller, and nobody else, has to wake
    /// the owner.
    #[must_use]
    #[inline]
    pub fn must_signal(&self) -> bool {
        self.asleep.swap(false, Ordering::AcqRel)
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
    }
}
