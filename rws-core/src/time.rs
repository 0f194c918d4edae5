//! Time as an argument: the core owns no clock.

/// A point on a monotonic clock, in microseconds since an origin that the driver chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The latest representable point; a deadline that never comes.
    pub const NEVER: Instant = Instant(u64::MAX);

    /// The point `us` microseconds after the clock's origin.
    pub const fn from_micros(us: u64) -> Instant {
        Instant(us)
    }

    /// Microseconds since the clock's origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// This point moved later by `us` microseconds; stops at [`Instant::NEVER`].
    #[must_use]
    #[cfg_attr(target_os = "none", inline(never))]
    pub const fn after_us(self, us: u64) -> Instant {
        Instant(self.0.saturating_add(us))
    }

    /// Microseconds from `earlier` to this point; 0 when `earlier` is later (a clock that jumped back).
    pub const fn since_us(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnixTime(pub i64);
