//! The timers of a connection. Those of single streams are looked at when the earliest of them strikes, all at once.

use crate::{Env, Instant};

/// What is armed.
#[derive(Clone, Copy, Debug)]
pub(in crate::h2) struct Clock {
    /// The peer's preface, then its acknowledgement of our settings.
    pub(in crate::h2) settings: Instant,
    /// The end of the field block that has begun.
    pub(in crate::h2) block: Instant,
    /// Nobody has a stream.
    pub(in crate::h2) idle: Instant,
    /// The end of the warning before a drain, of the time after our last byte.
    pub(in crate::h2) drain: Instant,
    /// The earliest of the streams' timers, at most.
    pub(in crate::h2) streams: Instant,
    /// The peer's window for the connection is shut, and streams wait for it.
    shut: Instant,
    shut_progress: u32,
    /// The transport takes nothing.
    tx: Instant,
    tx_progress: u32,
    unflushed: u32,
    linger_left: u32,
}

impl Clock {
    pub(super) fn new(env: &Env<'_>) -> Clock {
        Clock {
            settings: env.now.after_us(env.limits.first_byte_timeout_us),
            block: Instant::NEVER,
            idle: Instant::NEVER,
            drain: Instant::NEVER,
            streams: Instant::NEVER,
            shut: Instant::NEVER,
            shut_progress: 0,
            tx: Instant::NEVER,
            tx_progress: 0,
            unflushed: 0,
            linger_left: env.limits.linger_bytes_max,
        }
    }

    /// The earliest of them.
    pub(super) fn next(&self) -> Instant {
        let tx = if self.unflushed > 0 { self.tx } else { Instant::NEVER };
        let (one, two) = (self.settings.min(self.block), self.idle.min(self.drain));
        one.min(two).min(self.streams.min(self.shut)).min(tx)
    }

    /// A stream's timer strikes no sooner than `us` from now.
    pub(in crate::h2) fn arm_streams(&mut self, env: &Env<'_>, us: u64) {
        self.streams = self.streams.min(env.now.after_us(us));
    }

    /// Nothing is awaited but the end.
    pub(super) fn arm_linger(&mut self, env: &Env<'_>) {
        self.forget_streams();
        self.settings = Instant::NEVER;
        self.drain = env.now.after_us(env.limits.linger_timeout_us);
    }

    /// Nothing that has to do with streams is awaited.
    pub(super) fn forget_streams(&mut self) {
        self.block = Instant::NEVER;
        self.idle = Instant::NEVER;
        self.streams = Instant::NEVER;
        self.shut = Instant::NEVER;
    }

    /// What may still come after our last byte: bytes.
    pub(super) fn linger_bytes(&self) -> usize {
        self.linger_left as usize
    }

    /// So much of it has come.
    pub(super) fn linger(&mut self, bytes: usize) {
        self.linger_left = self.linger_left.saturating_sub(clamp(bytes));
    }

    /// `bytes` were handed to the driver.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn wrote(&mut self, env: &Env<'_>, bytes: usize) {
        if self.unflushed == 0 {
            self.tx = env.now.after_us(env.limits.rate_grace_us);
            self.tx_progress = 0;
        }
        self.unflushed = self.unflushed.saturating_add(clamp(bytes));
    }

    /// The transport took `bytes` of them.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn flushed(&mut self, bytes: usize) {
        self.unflushed = self.unflushed.saturating_sub(clamp(bytes));
        self.tx_progress = self.tx_progress.saturating_add(clamp(bytes));
    }

    /// Whether bytes wait in the driver's hands.
    pub(super) const fn is_flushing(&self) -> bool {
        self.unflushed > 0
    }

    /// Whether the peer is late in taking what was handed to the driver.
    pub(super) fn write_is_late(&mut self, env: &Env<'_>) -> bool {
        if self.unflushed == 0 || env.now < self.tx {
            return false;
        }
        is_late(&mut self.tx, &mut self.tx_progress, env)
    }

    /// Content waits for the connection's window, or not.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn shut(&mut self, env: &Env<'_>, is_shut: bool) {
        if !is_shut {
            self.shut = Instant::NEVER;
        } else if self.shut == Instant::NEVER {
            self.shut = env.now.after_us(env.limits.rate_grace_us);
            self.shut_progress = 0;
        }
    }

    /// `bytes` of content went through the connection's window.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn content(&mut self, bytes: usize) {
        self.shut_progress = self.shut_progress.saturating_add(clamp(bytes));
    }

    /// Whether the peer keeps the connection's window shut for too long.
    pub(super) fn shut_is_late(&mut self, env: &Env<'_>) -> bool {
        self.shut != Instant::NEVER
            && env.now >= self.shut
            && is_late(&mut self.shut, &mut self.shut_progress, env)
    }
}

/// Moves a deadline that has passed by what was earned; whether it has still passed.
fn is_late(deadline: &mut Instant, progress: &mut u32, env: &Env<'_>) -> bool {
    let rate = env.limits.write_rate_min_bytes_per_s;
    let earned = match rate {
        0 => u64::MAX,
        rate => u64::from(core::mem::take(progress)).saturating_mul(1_000_000) / u64::from(rate),
    };
    *deadline = deadline.after_us(earned).min(env.now.after_us(env.limits.rate_grace_us));
    env.now >= *deadline
}

fn clamp(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
