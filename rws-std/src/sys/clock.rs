//! The two clocks. Both are read in user space, without a system call.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Microseconds since the system started: for deadlines and durations; never jumps.
#[must_use]
#[inline]
pub fn monotonic_us() -> u64 {
    to_us(clock_gettime(ClockId::Monotonic))
}

/// Microseconds since 1970-01-01T00:00:00Z: for dates; jumps when the clock is set.
#[must_use]
#[inline]
pub fn unix_time_us() -> u64 {
    to_us(clock_gettime(ClockId::Realtime))
}

fn to_us(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000).saturating_add(nanoseconds / 1_000)
}

#[cfg(test)]
mod tests {
    use super::{monotonic_us, unix_time_us};

    #[test]
    fn the_monotonic_clock_does_not_run_backwards() {
        let first = monotonic_us();
        assert!(first > 0);
        assert!(monotonic_us() >= first);
    }

    #[test]
    fn the_unix_clock_is_in_this_century() {
        let years = unix_time_us() / 1_000_000 / 31_556_952;
        assert!((50..130).contains(&years), "{years} years since 1970");
    }
}
