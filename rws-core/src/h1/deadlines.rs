//! The two timers of a connection: one for what the peer sends, one for what it takes.
//!
//! They are soft. Arming is one addition; progress is only counted, and turned into time when the deadline
//! strikes: `deadline + progress / rate`, at most a grace from now. A peer that keeps the rate is never late;
//! one that stands still is late after at most twice the grace.

use crate::{Env, Instant};

/// What is armed, and what has moved since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    rx: Instant,
    tx: Instant,
    rx_progress: u32,
    tx_progress: u32,
    unflushed: usize,
    rx_stale: bool,
}

impl Deadlines {
    /// The receiving side is armed for `rx`.
    pub(super) const fn new(rx: Instant) -> Deadlines {
        Deadlines { rx, tx: Instant::NEVER, rx_progress: 0, tx_progress: 0, unflushed: 0, rx_stale: false }
    }

    /// Arms the receiving side: a phase of `timeout_us` begins.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn arm_rx(&mut self, env: &Env<'_>, timeout_us: u64) {
        self.rx = env.now.after_us(timeout_us);
        self.rx_progress = 0;
        self.rx_stale = false;
    }

    /// The receiving side stood still through no fault of the peer: its time starts again.
    pub(super) fn excuse_rx(&mut self) {
        self.rx_stale = true;
    }

    /// The peer sent `bytes` of a body.
    pub(super) fn received(&mut self, bytes: usize) {
        self.rx_progress = self.rx_progress.saturating_add(clamp(bytes as u64));
    }

    /// `bytes` were handed to the driver, or a run that it sends by itself was (0).
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn wrote(&mut self, env: &Env<'_>, bytes: usize) {
        if self.unflushed == 0 {
            self.tx = env.now.after_us(env.limits.rate_grace_us);
            self.tx_progress = 0;
        }
        self.unflushed = self.unflushed.saturating_add(bytes);
    }

    /// The transport took `bytes` of what was handed over.
    pub(super) fn flushed(&mut self, bytes: usize) {
        self.unflushed = self.unflushed.saturating_sub(bytes);
        self.sent(bytes as u64);
    }

    /// The transport took `bytes` of the driver's own run.
    pub(super) fn sent(&mut self, bytes: u64) {
        self.tx_progress = self.tx_progress.saturating_add(clamp(bytes));
    }

    /// Whether bytes wait in the driver's hands.
    pub(super) fn is_flushing(&self) -> bool {
        self.unflushed > 0
    }

    /// The earlier of the deadlines that count. That for writing counts while bytes wait in the driver's
    /// hands, and while it sends a run by itself (`direct`).
    #[inline]
    pub(super) fn next(&self, rx_counts: bool, direct: bool) -> Instant {
        let rx = if rx_counts { self.rx } else { Instant::NEVER };
        let tx = if direct || self.is_flushing() { self.tx } else { Instant::NEVER };
        rx.min(tx)
    }

    /// Whether the receiving side is past its deadline, with no regard to progress.
    pub(super) fn rx_passed(&self, env: &Env<'_>) -> bool {
        env.now >= self.rx
    }

    /// Whether the peer is late with its body.
    pub(super) fn body_is_late(&mut self, env: &Env<'_>) -> bool {
        if self.rx_stale {
            self.arm_rx(env, env.limits.rate_grace_us);
        }
        if env.now < self.rx {
            return false;
        }
        let progress = core::mem::take(&mut self.rx_progress);
        is_late(&mut self.rx, progress, env.limits.body_rate_min_bytes_per_s, env)
    }

    /// Whether the peer is late in taking what we sent.
    pub(super) fn write_is_late(&mut self, env: &Env<'_>, direct: bool) -> bool {
        if !(direct || self.is_flushing()) || env.now < self.tx {
            return false;
        }
        let progress = core::mem::take(&mut self.tx_progress);
        is_late(&mut self.tx, progress, env.limits.write_rate_min_bytes_per_s, env)
    }
}

/// Moves a deadline that has passed by what was earned; whether it has still passed.
fn is_late(deadline: &mut Instant, progress: u32, rate: u32, env: &Env<'_>) -> bool {
    if rate == 0 {
        *deadline = Instant::NEVER;
        return false;
    }
    let earned = u64::from(progress).saturating_mul(1_000_000) / u64::from(rate);
    *deadline = deadline.after_us(earned).min(env.now.after_us(env.limits.rate_grace_us));
    env.now >= *deadline
}

fn clamp(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn env(now_s: f64) -> Env<'static> {
        Env { now: Instant::from_micros((now_s * 1e6) as u64), limits: &Limits::SERVER, date: None }
    }

    #[test]
    fn a_body_at_its_rate_is_never_late_and_below_it_is() {
        for (bytes_per_s, alive) in [(300, true), (240, true), (200, false), (0, false)] {
            let mut clock = Deadlines::new(Instant::NEVER);
            clock.arm_rx(&env(0.0), Limits::SERVER.rate_grace_us);
            let late = (1..600).any(|second| {
                clock.received(bytes_per_s);
                clock.body_is_late(&env(f64::from(second)))
            });
            assert_eq!(!late, alive, "{bytes_per_s} bytes a second");
        }
    }

    #[test]
    fn a_fast_start_buys_no_more_than_one_grace() {
        let mut clock = Deadlines::new(Instant::NEVER);
        clock.arm_rx(&env(0.0), Limits::SERVER.rate_grace_us);
        clock.received(1 << 30);
        assert!(!clock.body_is_late(&env(10.0)));
        assert!(clock.body_is_late(&env(20.0)));
    }

    #[test]
    fn nothing_to_flush_is_never_late() {
        let mut clock = Deadlines::new(Instant::NEVER);
        clock.wrote(&env(0.0), 100);
        assert_eq!(clock.next(false, false), env(10.0).now);
        clock.flushed(100);
        assert_eq!(clock.next(false, false), Instant::NEVER);
        assert!(!clock.write_is_late(&env(1000.0), false));
        clock.wrote(&env(1000.0), 100);
        assert!(!clock.write_is_late(&env(1009.0), false));
        assert!(clock.write_is_late(&env(1010.0), false));
    }

    #[test]
    fn a_pause_of_our_own_making_starts_the_time_again() {
        let mut clock = Deadlines::new(Instant::NEVER);
        clock.arm_rx(&env(0.0), Limits::SERVER.rate_grace_us);
        clock.excuse_rx();
        assert!(!clock.body_is_late(&env(50.0)));
        assert!(!clock.body_is_late(&env(59.0)));
        assert!(clock.body_is_late(&env(60.0)));
    }
}
