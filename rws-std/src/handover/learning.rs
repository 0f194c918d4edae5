//! What a route has learned about its handler: whether the job runs on the shard or goes to a spare first.
//!
//! ```text
//!            two steals within STEAL_WINDOW
//!   ┌────────┐ ──────────────────────────────────▶ ┌───────────┐
//!   │ inline │                                     │ offloaded │
//!   └────────┘ ◀────────────────────────────────── └───────────┘
//!            64 << relapses fast runs in a row
//! ```
//!
//! Stealing alone is not enough: each steal stalls the shard for one to two ticks, so handlers that always
//! block would stall it each time. A route that blocks only now and then would flip back and forth; so each
//! relapse doubles the run of fast answers that it takes to be trusted again, until a quiet minute forgives.
//! The fast path reads one atomic, relaxed; everything else happens beside a steal or an offloaded run.

use crate::sync::{AtomicU64, Ordering};

/// Where the jobs of a route run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// Always on the shard; a job that blocks is still stolen from.
    Inline,
    /// On the shard, until steals teach otherwise.
    #[default]
    Auto,
    /// Always on a spare thread.
    Offload,
}

/// An offloaded run that takes at least this long would have been stolen from.
const BLOCKING_US: u64 = 1_000;
/// Two steals farther apart than this teach nothing: a machine that stalls makes such steals, too.
const STEAL_WINDOW_MS: u32 = 10_000;
/// A route without steals for this long starts with a clean record.
const FORGIVEN_AFTER_MS: u32 = 60_000;
const STEALS_TO_OFFLOAD: u32 = 2;
const FAST_RUNS_TO_RETURN: u32 = 64;
const RELAPSES_MAX: u8 = 6;

/// What one route has learned, shared by all shards.
#[derive(Debug)]
pub struct Learning {
    placement: Placement,
    record: AtomicU64,
}

/// The record as it lies in the atomic, unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Record {
    is_offloaded: bool,
    steals: u8,
    relapses: u8,
    fast_runs: u16,
    last_steal_ms: u32,
}

const OFFLOADED: u64 = 1;

impl Record {
    fn pack(self) -> u64 {
        u64::from(self.is_offloaded)
            | u64::from(self.steals & 0x7f) << 1
            | u64::from(self.relapses) << 8
            | u64::from(self.fast_runs) << 16
            | u64::from(self.last_steal_ms) << 32
    }

    #[expect(clippy::cast_possible_truncation, reason = "each field is cut out of the word on purpose")]
    fn unpack(word: u64) -> Record {
        Record {
            is_offloaded: word & OFFLOADED != 0,
            steals: (word >> 1) as u8 & 0x7f,
            relapses: (word >> 8) as u8,
            fast_runs: (word >> 16) as u16,
            last_steal_ms: (word >> 32) as u32,
        }
    }

    fn after_steal(mut self, now_ms: u32) -> Record {
        let since_ms = now_ms.wrapping_sub(self.last_steal_ms);
        if since_ms > STEAL_WINDOW_MS {
            self.steals = 0;
        }
        if since_ms > FORGIVEN_AFTER_MS {
            self.relapses = 0;
        }
        self.last_steal_ms = now_ms;
        self.steals = self.steals.saturating_add(1).min(0x7f);
        if !self.is_offloaded && u32::from(self.steals) >= STEALS_TO_OFFLOAD {
            self.is_offloaded = true;
            self.fast_runs = 0;
        }
        self
    }

    fn after_offloaded_run(mut self, took_us: u64) -> Record {
        if !self.is_offloaded {
            return self;
        }
        self.fast_runs = if took_us < BLOCKING_US { self.fast_runs.saturating_add(1) } else { 0 };
        if u32::from(self.fast_runs) >= FAST_RUNS_TO_RETURN << self.relapses {
            self.is_offloaded = false;
            self.steals = 0;
            self.fast_runs = 0;
            self.relapses = self.relapses.saturating_add(1).min(RELAPSES_MAX);
        }
        self
    }
}

impl Learning {
    /// A route that knows nothing yet.
    #[must_use]
    pub fn new(placement: Placement) -> Learning {
        let record = Record { is_offloaded: placement == Placement::Offload, ..Record::default() };
        Learning { placement, record: AtomicU64::new(record.pack()) }
    }

    /// Whether the next job should go to a spare thread before it runs.
    #[must_use]
    #[inline]
    pub fn offloads(&self) -> bool {
        self.record.load(Ordering::Relaxed) & OFFLOADED != 0
    }

    /// A job of this route lost its shard while it ran inline. `now_us` is the monotonic clock.
    pub fn note_stolen(&self, now_us: u64) {
        #[expect(clippy::cast_possible_truncation, reason = "only differences within minutes are looked at")]
        let now_ms = (now_us / 1_000) as u32;
        self.update(|record| record.after_steal(now_ms));
    }

    /// A job of this route ran on a spare thread for `took_us`.
    pub fn note_offloaded(&self, took_us: u64) {
        self.update(|record| record.after_offloaded_run(took_us));
    }

    fn update(&self, change: impl Fn(Record) -> Record) {
        if self.placement != Placement::Auto {
            return;
        }
        let step = |word| Some(change(Record::unpack(word)).pack());
        // Never `Err`: the step always has a successor.
        let _ = self.record.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
    }
}

impl Default for Learning {
    fn default() -> Learning {
        Learning::new(Placement::Auto)
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::{FAST_RUNS_TO_RETURN, Learning, Placement, Record};

    const SECOND_US: u64 = 1_000_000;

    fn run_fast(learning: &Learning, times: u32) {
        for _ in 0..times {
            learning.note_offloaded(50);
        }
    }

    #[test]
    fn the_second_steal_sends_a_route_to_the_spares() {
        let learning = Learning::default();
        learning.note_stolen(5 * SECOND_US);
        assert!(!learning.offloads());
        learning.note_stolen(6 * SECOND_US);
        assert!(learning.offloads());
    }

    #[test]
    fn two_steals_far_apart_teach_nothing() {
        let learning = Learning::default();
        learning.note_stolen(5 * SECOND_US);
        learning.note_stolen(50 * SECOND_US);
        assert!(!learning.offloads());
    }

    #[test]
    fn a_row_of_fast_runs_brings_a_route_back_and_a_slow_one_breaks_the_row() {
        let learning = Learning::default();
        learning.note_stolen(SECOND_US);
        learning.note_stolen(SECOND_US);
        run_fast(&learning, FAST_RUNS_TO_RETURN - 1);
        learning.note_offloaded(200_000);
        run_fast(&learning, FAST_RUNS_TO_RETURN - 1);
        assert!(learning.offloads());
        run_fast(&learning, 1);
        assert!(!learning.offloads());
    }

    #[test]
    fn a_relapse_doubles_the_way_back_until_a_quiet_minute_forgives() {
        let learning = Learning::default();
        let mut now_us = SECOND_US;
        for relapses in [0, 1, 2] {
            learning.note_stolen(now_us);
            learning.note_stolen(now_us);
            run_fast(&learning, (FAST_RUNS_TO_RETURN << relapses) - 1);
            assert!(learning.offloads(), "after {relapses} relapses");
            run_fast(&learning, 1);
            assert!(!learning.offloads(), "after {relapses} relapses");
            now_us += SECOND_US;
        }
        now_us += 61 * SECOND_US;
        learning.note_stolen(now_us);
        learning.note_stolen(now_us);
        run_fast(&learning, FAST_RUNS_TO_RETURN);
        assert!(!learning.offloads());
    }

    #[test]
    fn a_fixed_placement_never_learns() {
        let inline = Learning::new(Placement::Inline);
        let offload = Learning::new(Placement::Offload);
        for _ in 0..5 {
            inline.note_stolen(SECOND_US);
        }
        run_fast(&offload, 10_000);
        assert!(!inline.offloads());
        assert!(offload.offloads());
    }

    #[test]
    fn a_record_survives_its_packing() {
        let record =
            Record { is_offloaded: true, steals: 2, relapses: 6, fast_runs: 4095, last_steal_ms: u32::MAX };
        assert_eq!(Record::unpack(record.pack()), record);
        assert_eq!(Record::unpack(0), Record::default());
    }
}
