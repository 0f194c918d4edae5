//! The device itself: what handlers and the firmware's tasks share.
//!
//! ```text
//!   publish ─▶ ring of readings ─▶ wakes every subscriber ─▶ its driver asks fill() ─▶ news()
//! ```
//!
//! Everything is guarded by one critical section, held for a few dozen instructions; that needs no
//! compare-and-swap, which a Cortex-M0 does not have.

use core::cell::RefCell;
use core::task::Waker;

use critical_section::Mutex;

use crate::routes;

/// How many clients may listen to `/events` at a time.
pub const SUBSCRIBERS_MAX: usize = 4;

/// How many readings are kept for those who were away.
pub const READINGS_KEPT: usize = 8;

/// A device. One `static` in a firmware.
pub struct Device {
    shared: Mutex<RefCell<Shared>>,
}

struct Shared {
    is_led_on: bool,
    /// The reading of sequence number `n` is at `n % READINGS_KEPT`.
    readings: [Reading; READINGS_KEPT],
    newest: u32,
    beats: u32,
    subscribers: [Option<Waker>; SUBSCRIBERS_MAX],
    firmware: Firmware,
    counts: Counts,
}

/// What a sensor said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reading {
    /// Its number; the first is 1.
    pub sequence: u32,
    /// The temperature in thousandths of a degree Celsius.
    pub millicelsius: i32,
}

/// The image that was taken last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    /// Its bytes; 0 before there is one.
    pub length: u32,
    /// Its CRC-32.
    pub crc32: u32,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests by their place in the route table, those without a route last.
    pub(crate) requests: [u32; routes::COUNT + 1],
    pub(crate) events_sent: u32,
    pub(crate) uploads_taken: u32,
    pub(crate) uploads_refused: u32,
}

/// All that the metrics show, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) counts: Counts,
    pub(crate) newest: Reading,
    pub(crate) firmware: Firmware,
    pub(crate) subscribers: u8,
    pub(crate) is_led_on: bool,
}

/// What a subscriber has not heard yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum News {
    #[default]
    None,
    Reading(Reading),
    /// Nothing, but the connection shall be seen to live: the number of the beat.
    Beat(u32),
}

impl Device {
    /// A device that has measured nothing yet.
    pub const fn new() -> Device {
        Device {
            shared: Mutex::new(RefCell::new(Shared {
                is_led_on: false,
                readings: [Reading { sequence: 0, millicelsius: 0 }; READINGS_KEPT],
                newest: 0,
                beats: 0,
                subscribers: [const { None }; SUBSCRIBERS_MAX],
                firmware: Firmware { length: 0, crc32: 0 },
                counts: Counts {
                    requests: [0; routes::COUNT + 1],
                    events_sent: 0,
                    uploads_taken: 0,
                    uploads_refused: 0,
                },
            })),
        }
    }

    /// A task of the firmware has measured something: who listens to `/events` hears it at once.
    pub fn publish(&self, millicelsius: i32) {
        self.with(|shared| {
            shared.newest = shared.newest.wrapping_add(1);
            let reading = Reading { sequence: shared.newest, millicelsius };
            if let Some(place) = shared.readings.get_mut(place_of(reading.sequence)) {
                *place = reading;
            }
        });
        self.wake_subscribers();
    }

    /// Sends a comment to those who listen and had no reading since the last one, so that neither they nor
    /// what stands between take the connection for dead. To be called every 15 seconds or so.
    pub fn keep_alive(&self) {
        self.with(|shared| shared.beats = shared.beats.wrapping_add(1));
        self.wake_subscribers();
    }

    /// Whether the LED is to be lit.
    pub fn is_led_on(&self) -> bool {
        self.with(|shared| shared.is_led_on)
    }

    /// Switches the LED.
    pub fn set_led(&self, is_on: bool) {
        self.with(|shared| shared.is_led_on = is_on);
    }

    /// The image that was taken last.
    pub fn firmware(&self) -> Firmware {
        self.with(|shared| shared.firmware)
    }

    /// How many clients listen to `/events`.
    pub fn subscribers(&self) -> usize {
        self.with(|shared| shared.subscribers.iter().flatten().count())
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.with(|shared| Snapshot {
            counts: shared.counts,
            newest: shared.reading(shared.newest),
            firmware: shared.firmware,
            subscribers: shared.subscribers.iter().flatten().count() as u8,
            is_led_on: shared.is_led_on,
        })
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Counts)) {
        self.with(|shared| count(&mut shared.counts));
    }

    pub(crate) fn install(&self, firmware: Firmware) {
        self.with(|shared| shared.firmware = firmware);
    }

    /// A seat among the subscribers, if one is free.
    pub(crate) fn subscribe(&self, waker: Waker) -> Option<usize> {
        self.with(|shared| {
            let seat = shared.subscribers.iter().position(Option::is_none)?;
            *shared.subscribers.get_mut(seat)? = Some(waker);
            Some(seat)
        })
    }

    pub(crate) fn unsubscribe(&self, seat: usize) {
        self.with(|shared| shared.subscribers.get_mut(seat).map(Option::take)).flatten();
    }

    /// The sequence number to begin with after this one: the next, or the oldest that is kept; after none, and
    /// after one that this device has not reached since it started, the newest.
    pub(crate) fn begin_after(&self, last: Option<u32>) -> u32 {
        self.with(|shared| match last {
            Some(last) if last <= shared.newest => last.wrapping_add(1),
            Some(_) | None => shared.newest.max(1),
        })
    }

    /// What there is for a subscriber who waits for reading `next` and has seen so many beats.
    pub(crate) fn news(&self, next: u32, beats: u32) -> News {
        self.with(|shared| {
            if next <= shared.newest {
                let oldest = shared.newest.saturating_sub(READINGS_KEPT as u32 - 1);
                News::Reading(shared.reading(next.max(oldest)))
            } else if beats != shared.beats {
                News::Beat(shared.beats)
            } else {
                News::None
            }
        })
    }

    pub(crate) fn beats(&self) -> u32 {
        self.with(|shared| shared.beats)
    }

    /// Each waker is called outside of the critical section: what it does is the driver's.
    fn wake_subscribers(&self) {
        for seat in 0..SUBSCRIBERS_MAX {
            let waker = self.with(|shared| shared.subscribers.get(seat).cloned().flatten());
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn with<T: Default>(&self, look: impl FnOnce(&mut Shared) -> T) -> T {
        critical_section::with(|token| {
            // Nothing that looks calls back, so the state is never taken already.
            let shared = self.shared.borrow(token).try_borrow_mut();
            shared.map(|mut shared| look(&mut shared)).unwrap_or_default()
        })
    }
}

/// What the demonstrations measure where there is no sensor: between 20 and 23.1 °C, up and down.
pub const fn simulated_millicelsius(reading: u32) -> i32 {
    let step = (reading % 64) as i32;
    20_000 + 100 * if step < 32 { step } else { 63 - step }
}

impl Shared {
    fn reading(&self, sequence: u32) -> Reading {
        self.readings.get(place_of(sequence)).copied().unwrap_or_default()
    }
}

const fn place_of(sequence: u32) -> usize {
    sequence as usize % READINGS_KEPT
}

impl Default for Device {
    fn default() -> Device {
        Device::new()
    }
}

impl core::fmt::Debug for Device {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Device").field("is_led_on", &self.is_led_on()).finish_non_exhaustive()
    }
}
