//! One clock read per turn: the monotonic time, and from it the wall-clock second and its `Date` value.

use rws_core::semantics::date;
use rws_core::{Instant, UnixTime};

use crate::sys;

/// How long the distance between the two clocks is trusted: µs. A wall clock that is set shows up within it.
const RESYNC_US: u64 = 1_000_000;

/// The time of the current turn.
#[derive(Debug)]
pub(crate) struct Clock {
    now: Instant,
    unix_us_at_zero: i64,
    synced: Instant,
    second: i64,
    date: [u8; 29],
}

impl Clock {
    pub(crate) fn new() -> Clock {
        let mut clock = Clock {
            now: Instant::default(),
            unix_us_at_zero: 0,
            synced: Instant::default(),
            second: i64::MIN,
            date: [b' '; 29],
        };
        clock.now = Instant::from_micros(sys::monotonic_us());
        clock.sync();
        clock.render();
        clock
    }

    /// Reads the clock.
    pub(crate) fn tick(&mut self) {
        self.now = Instant::from_micros(sys::monotonic_us());
        if self.now.since_us(self.synced) >= RESYNC_US {
            self.sync();
        }
        self.render();
    }

    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    pub(crate) const fn unix_time(&self) -> UnixTime {
        UnixTime(self.second)
    }

    pub(crate) const fn date(&self) -> &[u8; 29] {
        &self.date
    }

    fn sync(&mut self) {
        self.synced = self.now;
        self.unix_us_at_zero = i64::try_from(sys::unix_time_us())
            .unwrap_or(i64::MAX)
            .saturating_sub_unsigned(self.now.as_micros());
    }

    fn render(&mut self) {
        let second = self.unix_us_at_zero.saturating_add_unsigned(self.now.as_micros()).div_euclid(1_000_000);
        if second != self.second {
            self.second = second;
            date::format(UnixTime(second), &mut self.date);
        }
    }
}
