//! How much of what makes work and brings nothing a peer may send.
//!
//! Two levels that rise with each such frame, sink with time, and sink with every useful one. A level at its limit ends
//! the connection with ENHANCE_YOUR_CALM (RFC 9113 §10.5).
//!
//! - *Resets*: streams that the peer has reset (CVE-2023-44487), that it has made us reset (CVE-2025-8671), or that we
//!   had to refuse. An exchange that ends well takes one back.
//! - *Control*: frames that are no part of a message, and DATA frames without content. A message, and content either
//!   way, take some back.

use crate::{Env, Instant};

/// The two levels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    resets: Level,
    control: Level,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    used: u32,
    /// Up to when time has taken its share.
    since: Instant,
}

/// The peer has used up what it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent;

impl Budget {
    pub(super) const fn new(now: Instant) -> Budget {
        let level = Level { used: 0, since: now };
        Budget { resets: level, control: level }
    }

    /// A stream was reset, by the peer or for its fault, or refused.
    ///
    /// # Errors
    /// That was one too many.
    pub(super) fn reset(&mut self, env: &Env<'_>) -> Result<(), Spent> {
        self.resets.rise(env.now, u32::from(env.limits.resets_per_minute_max))
    }

    /// A frame that brings nothing.
    ///
    /// # Errors
    /// That was one too many.
    pub(super) fn control(&mut self, env: &Env<'_>) -> Result<(), Spent> {
        self.control.rise(env.now, u32::from(env.limits.control_frames_per_minute_max))
    }

    /// An exchange has ended well.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn completed(&mut self) {
        self.resets.sink(1);
    }

    /// A message has begun, or content has gone either way: each may bring as many credits and acknowledgements.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn useful(&mut self) {
        self.control.sink(4);
    }
}

impl Level {
    #[cfg_attr(not(target_os = "none"), inline)]
    fn rise(&mut self, now: Instant, per_minute: u32) -> Result<(), Spent> {
        if self.used >= per_minute {
            self.settle(now, per_minute);
            if self.used >= per_minute {
                return Err(Spent);
            }
        }
        if self.used == 0 {
            self.since = now;
        }
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    fn sink(&mut self, by: u32) {
        self.used = self.used.saturating_sub(by);
    }

    #[cold]
    fn settle(&mut self, now: Instant, per_minute: u32) {
        const MINUTE_US: u64 = 60_000_000;
        let back = now.since_us(self.since).saturating_mul(u64::from(per_minute)) / MINUTE_US;
        if back > 0 {
            self.used = self.used.saturating_sub(u32::try_from(back).unwrap_or(u32::MAX));
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    const LIMITS: Limits =
        Limits { resets_per_minute_max: 60, control_frames_per_minute_max: 600, ..Limits::SERVER };

    fn env(ms: u64) -> Env<'static> {
        Env { now: Instant::from_micros(ms * 1000), limits: &LIMITS, date: None }
    }

    #[test]
    fn a_minutes_worth_may_come_at_once_and_then_no_more_than_the_rate() {
        let mut budget = Budget::new(env(0).now);
        assert!((0..60).all(|_| budget.reset(&env(0)).is_ok()));
        assert_eq!(budget.reset(&env(0)), Err(Spent));
        assert_eq!(budget.reset(&env(900)), Err(Spent));
        assert_eq!(budget.reset(&env(1001)), Ok(()));
        assert_eq!(budget.reset(&env(1002)), Err(Spent));
        // The other level is its own.
        assert_eq!(budget.control(&env(1002)), Ok(()));
    }

    #[test]
    fn who_completes_exchanges_may_reset_as_many() {
        let mut budget = Budget::new(env(0).now);
        for _ in 0..10_000 {
            assert_eq!(budget.reset(&env(0)), Ok(()));
            budget.completed();
        }
    }

    #[test]
    fn content_pays_for_the_credit_that_it_asks_for() {
        let mut budget = Budget::new(env(0).now);
        for _ in 0..10_000 {
            budget.useful();
            assert!((0..4).all(|_| budget.control(&env(0)).is_ok()));
        }
        assert!((0..1000).any(|_| budget.control(&env(0)).is_err()));
    }
}
