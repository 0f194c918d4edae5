//! Time for `embassy-time`: one timer counts, the other is the alarm.
//!
//! The counter runs down at 25 MHz. Its period is a power of two of microseconds, so that a moment is one 32-bit
//! division and no 64-bit one; the interrupt at the end of each period counts them.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

use crate::registers::{self, Register};
use crate::vectors::{ALARM_INTERRUPT, COUNTER_INTERRUPT};

pub(crate) const CLOCKS_PER_US: u32 = 25;
const PERIOD_BITS: u32 = 27;
const PERIOD_US: u32 = 1 << PERIOD_BITS;
const COUNTER_MAX: u32 = CLOCKS_PER_US * PERIOD_US - 1;

const COUNTER: Timer = Timer::at(0x4000_0000);
const ALARM: Timer = Timer::at(0x4000_1000);

/// A CMSDK APB timer: counts down from `reload`, raises its interrupt at zero.
struct Timer {
    control: Register,
    value: Register,
    reload: Register,
    /// Reads 1 while the interrupt is raised; writing 1 clears it.
    raised: Register,
}

impl Timer {
    const ENABLED_WITH_INTERRUPT: u32 = 0b1001;

    const fn at(base: usize) -> Timer {
        Timer {
            control: Register::at(base),
            value: Register::at(base + 0x4),
            reload: Register::at(base + 0x8),
            raised: Register::at(base + 0xC),
        }
    }
}

struct Clock {
    periods: Mutex<Cell<u32>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    periods: Mutex::new(Cell::new(0)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

/// Starts the counter; time is zero before.
pub(crate) fn start() {
    COUNTER.reload.write(COUNTER_MAX);
    COUNTER.value.write(COUNTER_MAX);
    COUNTER.control.write(Timer::ENABLED_WITH_INTERRUPT);
    registers::enable_interrupt(COUNTER_INTERRUPT);
    registers::enable_interrupt(ALARM_INTERRUPT);
}

/// The counter's raw value, which changes 25 times in a microsecond.
pub(crate) fn raw_counter() -> u32 {
    COUNTER.value.read()
}

pub(crate) extern "C" fn on_counter() {
    critical_section::with(|cs| {
        COUNTER.raised.write(1);
        let periods = CLOCK.periods.borrow(cs);
        periods.set(periods.get().wrapping_add(1));
    });
}

pub(crate) extern "C" fn on_alarm() {
    critical_section::with(|cs| {
        ALARM.control.write(0);
        ALARM.raised.write(1);
        CLOCK.with_queue(cs, |_| true);
    });
}

impl Clock {
    fn now(&self, cs: CriticalSection<'_>) -> u64 {
        let mut periods = self.periods.borrow(cs).get();
        let mut value = COUNTER.value.read();
        if COUNTER.raised.read() != 0 {
            // It has come round and the interrupt waits for us: whatever was read before may be of either period.
            value = COUNTER.value.read();
            periods = periods.wrapping_add(1);
        }
        let in_period_us = COUNTER_MAX.wrapping_sub(value) / CLOCKS_PER_US;
        (u64::from(periods) << PERIOD_BITS) | u64::from(in_period_us)
    }

    /// Changes the queue; where that may bring the next alarm forward, wakes what is due and sets it.
    fn with_queue(&self, cs: CriticalSection<'_>, change: impl FnOnce(&mut Queue) -> bool) {
        // Nothing below calls back into here, so the queue is always free.
        let Ok(mut queue) = self.queue.borrow(cs).try_borrow_mut() else { return };
        if change(&mut queue) {
            let now = self.now(cs);
            let next = queue.next_expiration(now);
            set_alarm(next.saturating_sub(now));
        }
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.now(cs))
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| self.with_queue(cs, |queue| queue.schedule_wake(at, waker)));
    }
}

/// One interrupt after `delay_us`, or earlier where that is beyond the timer: whoever wakes looks at the time anyway.
fn set_alarm(delay_us: u64) {
    let delay_us = u32::try_from(delay_us).unwrap_or(PERIOD_US).clamp(1, PERIOD_US);
    ALARM.control.write(0);
    ALARM.reload.write(0);
    ALARM.value.write(delay_us * CLOCKS_PER_US - 1);
    ALARM.control.write(Timer::ENABLED_WITH_INTERRUPT);
}
