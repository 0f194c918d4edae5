//! Deadlines of many connections: a hierarchical wheel, lazy about deadlines that move later.
//!
//! ```text
//!  level 0   64 slots of 1 tick (8.192 ms)      ┐ an entry lies on the level of the highest base-64 digit
//!  level 1   64 slots of 64 ticks (0.5 s)       │ in which its tick differs from the wheel's;
//!  level 2   64 slots of 4,096 ticks (34 s)     │ when the wheel comes to a slot of level n,
//!  …                                            │ its entries move to lower levels,
//!  level 5   64 slots of 2^30 ticks (102 days)  ┘ those of level 0 expire
//! ```
//!
//! Keys are small numbers (indices of a slab). Each has one entry of 16 bytes in a vector, and the slots are
//! doubly linked lists through it; so arming, disarming and expiring are O(1) and allocate only when the vector
//! grows with the slab.
//!
//! **Lazy**: arming a key for later than it is armed already does nothing. The entry then expires at the old
//! time, the owner looks at the deadline that holds, and arms it again. A connection that is active pushes its
//! deadline on with each request, for nothing; it costs an entry's expiry once per timeout. A key never expires
//! before the tick it is armed for, and at most one tick (and the owner's delay) after its deadline.

/// Microseconds per tick, as a power of two: 8.192 ms.
const TICK_SHIFT: u32 = 13;
const LEVELS: usize = 6;
const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const DIGIT_MASK: u64 = SLOTS as u64 - 1;
/// Ticks that the digits of all levels tell apart: 17 years.
const TICKS_MASK: u64 = (1 << (DIGIT_BITS * LEVELS as u32)) - 1;

/// No neighbour, or an empty slot.
const NONE: u32 = u32::MAX;
/// Set in `prev` when an entry is the first of its slot, whose number is in the rest.
const FIRST: u32 = 1 << 31;
const DISARMED: u64 = u64::MAX;

/// What a key costs in memory.
#[derive(Debug, Clone, Copy)]
struct Entry {
    next: u32,
    prev: u32,
    tick: u64,
}

const _: () = assert!(size_of::<Entry>() <= 16, "one per connection");

/// The wheel.
#[derive(Debug)]
pub struct TimerWheel {
    entries: Vec<Entry>,
    /// First entry of each slot, level by level.
    slots: [u32; LEVELS * SLOTS],
    /// Which slots of a level have entries.
    occupied: [u64; LEVELS],
    origin_us: u64,
    /// How far the wheel has turned.
    now_tick: u64,
    /// No entry needs attention before this.
    next_tick: u64,
}

impl TimerWheel {
    /// Keys must be below this.
    pub const KEYS_MAX: u32 = FIRST - 1;

    /// An empty wheel. No deadline lies before `now_us`.
    #[must_use]
    pub fn new(now_us: u64) -> TimerWheel {
        TimerWheel {
            entries: Vec::new(),
            slots: [NONE; LEVELS * SLOTS],
            occupied: [0; LEVELS],
            origin_us: now_us,
            now_tick: 0,
            next_tick: DISARMED,
        }
    }

    /// Sees to it that `key` expires no later than one tick after `deadline_us`. Does nothing if it will expire
    /// earlier anyway.
    #[inline]
    pub fn arm(&mut self, key: u32, deadline_us: u64) {
        let since_us = deadline_us.saturating_sub(self.origin_us);
        let tick = (since_us >> TICK_SHIFT) + u64::from(since_us & ((1 << TICK_SHIFT) - 1) != 0);
        if self.entry(key).tick <= tick {
            return;
        }
        self.rearm(key, tick);
    }

    /// Sees to it that `key` doesn't expire.
    pub fn disarm(&mut self, key: u32) {
        if self.is_armed(key) {
            self.unlink(key);
            self.set_tick(key, DISARMED);
        }
    }

    /// Whether `key` will expire.
    #[must_use]
    pub fn is_armed(&self, key: u32) -> bool {
        self.entry(key).tick != DISARMED
    }

    /// When to call [`TimerWheel::expire`] next: an upper end for the wait for events. May be a little early,
    /// when entries only have to change levels. `None` while nothing is armed.
    #[must_use]
    #[inline]
    pub fn next_wake_us(&self) -> Option<u64> {
        (self.next_tick != DISARMED).then(|| self.origin_us.saturating_add(self.next_tick << TICK_SHIFT))
    }

    /// Hands each key that expires by `now_us` to `owner`, which answers with the key's next deadline, or with
    /// `None` to leave it disarmed. Stops after `steps_max` entries were handled; then
    /// [`TimerWheel::next_wake_us`] is in the past and the rest follows with the next call.
    pub fn expire(&mut self, now_us: u64, steps_max: usize, mut owner: impl FnMut(u32) -> Option<u64>) {
        let mut steps = steps_max;
        while let Some(key) = self.pop_expired(now_us, &mut steps) {
            if let Some(deadline_us) = owner(key) {
                self.arm(key, deadline_us);
            }
        }
    }

    /// The next key that has expired by `now_us`, which is disarmed by this: for owners that need the wheel
    /// while they handle it. Each entry that is handed out or changes its level takes one of `steps`; at zero
    /// the rest stays for the next call.
    #[inline]
    pub fn pop_expired(&mut self, now_us: u64, steps: &mut usize) -> Option<u32> {
        let now_tick = now_us.saturating_sub(self.origin_us) >> TICK_SHIFT;
        if now_tick < self.next_tick {
            self.now_tick = self.now_tick.max(now_tick);
            return None;
        }
        self.turn(now_tick, steps)
    }

    fn turn(&mut self, now_tick: u64, steps: &mut usize) -> Option<u32> {
        while *steps > 0 {
            let first = self.first_occupied();
            self.next_tick = first.map_or(DISARMED, |(tick, _)| tick);
            if self.next_tick > now_tick {
                self.now_tick = self.now_tick.max(now_tick);
                return None;
            }
            let (tick, slot) = first?;
            self.now_tick = self.now_tick.max(tick);
            *steps -= 1;
            let key = self.slots[slot];
            self.unlink(key);
            let due = self.entry(key).tick;
            if due <= self.now_tick {
                self.set_tick(key, DISARMED);
                return Some(key);
            }
            self.link(key, due);
        }
        None
    }

    /// The occupied slot that the wheel comes to first, and when. Of two at once the higher level, since its
    /// entries may belong before those of the lower one.
    fn first_occupied(&self) -> Option<(u64, usize)> {
        let mut first: Option<(u64, usize)> = None;
        for level in (0..LEVELS).rev() {
            let occupied = self.occupied[level];
            if occupied == 0 {
                continue;
            }
            let shift = DIGIT_BITS * level as u32;
            // Entries lie in the current turn of their level, at or after the current digit.
            let digit = occupied.trailing_zeros();
            let turn = self.now_tick >> shift >> DIGIT_BITS << DIGIT_BITS;
            let tick = (turn + u64::from(digit)) << shift;
            if first.is_none_or(|(earliest, _)| tick < earliest) {
                first = Some((tick, level * SLOTS + digit as usize));
            }
        }
        first
    }

    #[cold]
    fn rearm(&mut self, key: u32, tick: u64) {
        assert!(key < Self::KEYS_MAX, "keys are indices of a slab, far below 2^31");
        let index = key as usize;
        if index >= self.entries.len() {
            self.entries.resize(index + 1, Entry { next: NONE, prev: NONE, tick: DISARMED });
        }
        if self.is_armed(key) {
            self.unlink(key);
        }
        // What the digits can't tell apart expires early, and is armed again by its owner.
        let tick = tick.clamp(self.now_tick, self.now_tick | TICKS_MASK);
        self.link(key, tick);
        self.next_tick = self.next_tick.min(self.start_of_slot(tick));
    }

    /// When the wheel comes to the slot that `tick` lies in now.
    fn start_of_slot(&self, tick: u64) -> u64 {
        let shift = DIGIT_BITS * self.level_of(tick) as u32;
        tick >> shift << shift
    }

    fn level_of(&self, tick: u64) -> usize {
        let differing = (tick ^ self.now_tick) | DIGIT_MASK;
        (differing.ilog2() / DIGIT_BITS) as usize
    }

    fn link(&mut self, key: u32, tick: u64) {
        let level = self.level_of(tick);
        let digit = tick >> (DIGIT_BITS * level as u32) & DIGIT_MASK;
        let slot = level * SLOTS + digit as usize;
        let next = self.slots[slot];
        self.entries[key as usize] = Entry { next, prev: FIRST | slot as u32, tick };
        if next != NONE {
            self.entries[next as usize].prev = key;
        }
        self.slots[slot] = key;
        self.occupied[level] |= 1 << digit;
    }

    fn unlink(&mut self, key: u32) {
        let Entry { next, prev, .. } = self.entries[key as usize];
        if next != NONE {
            self.entries[next as usize].prev = prev;
        }
        if prev & FIRST == 0 {
            self.entries[prev as usize].next = next;
            return;
        }
        let slot = (prev & !FIRST) as usize;
        self.slots[slot] = next;
        if next == NONE {
            self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        }
    }

    fn entry(&self, key: u32) -> Entry {
        self.entries.get(key as usize).copied().unwrap_or(Entry { next: NONE, prev: NONE, tick: DISARMED })
    }

    fn set_tick(&mut self, key: u32, tick: u64) {
        self.entries[key as usize].tick = tick;
    }
}

#[cfg(test)]
mod tests {
    use super::{TICK_SHIFT, TimerWheel};
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    const TICK_US: u64 = 1 << TICK_SHIFT;
    const START_US: u64 = 5_000_000_000;

    fn expired(wheel: &mut TimerWheel, now_us: u64) -> Vec<u32> {
        let mut keys = Vec::new();
        wheel.expire(now_us, usize::MAX, |key| {
            keys.push(key);
            None
        });
        keys.sort_unstable();
        keys
    }

    #[test]
    fn a_key_expires_once_and_not_before_its_deadline() {
        let mut wheel = TimerWheel::new(START_US);
        wheel.arm(3, START_US + 1_000_000);
        assert_eq!(expired(&mut wheel, START_US + 999_999), Vec::<u32>::new());
        assert_eq!(expired(&mut wheel, START_US + 1_000_000 + TICK_US), [3]);
        assert_eq!(expired(&mut wheel, START_US + 99_000_000), Vec::<u32>::new());
        assert_eq!(wheel.next_wake_us(), None);
    }

    #[test]
    fn a_later_deadline_leaves_the_entry_and_an_earlier_one_moves_it() {
        let mut wheel = TimerWheel::new(START_US);
        wheel.arm(0, START_US + 60_000_000);
        wheel.arm(0, START_US + 90_000_000);
        assert_eq!(expired(&mut wheel, START_US + 60_010_000), [0]);
        wheel.arm(0, START_US + 90_000_000);
        wheel.arm(0, START_US + 61_000_000);
        assert_eq!(expired(&mut wheel, START_US + 61_010_000), [0]);
        assert_eq!(expired(&mut wheel, START_US + 200_000_000), Vec::<u32>::new());
    }

    #[test]
    fn a_disarmed_key_stays_silent_and_its_neighbours_do_not() {
        let mut wheel = TimerWheel::new(START_US);
        for key in 0..5 {
            wheel.arm(key, START_US + 100_000);
        }
        for key in [4, 2, 0, 0, 77] {
            wheel.disarm(key);
        }
        assert!(!wheel.is_armed(2) && wheel.is_armed(3));
        assert_eq!(expired(&mut wheel, START_US + 200_000), [1, 3]);
    }

    #[test]
    fn the_owner_can_arm_again_while_keys_expire() {
        let mut wheel = TimerWheel::new(START_US);
        wheel.arm(9, START_US + 50_000);
        let mut times = 0;
        wheel.expire(START_US + 60_000, 100, |key| {
            times += 1;
            assert_eq!(key, 9);
            Some(START_US + 80_000)
        });
        assert_eq!(times, 1);
        assert_eq!(expired(&mut wheel, START_US + 100_000), [9]);
    }

    #[test]
    fn work_is_bounded_per_call_and_nothing_is_lost_between_calls() {
        let mut wheel = TimerWheel::new(START_US);
        for key in 0..1_000 {
            wheel.arm(key, START_US + 30_000_000 + u64::from(key) * 3_000);
        }
        let now_us = START_US + 60_000_000;
        let (mut total, mut calls) = (0, 0);
        while wheel.next_wake_us().is_some() {
            let mut handled = 0;
            wheel.expire(now_us, 64, |_| {
                handled += 1;
                None
            });
            assert!(handled <= 64);
            total += handled;
            calls += 1;
            assert!(calls < 200, "it does not come to an end");
        }
        assert_eq!(total, 1_000);
    }

    #[test]
    fn deadlines_in_the_past_and_beyond_all_levels_expire() {
        let mut wheel = TimerWheel::new(START_US);
        assert_eq!(expired(&mut wheel, START_US + 10 * TICK_US), Vec::<u32>::new());
        wheel.arm(1, 0);
        wheel.arm(2, u64::MAX);
        assert_eq!(expired(&mut wheel, START_US + 10 * TICK_US), [1]);
        assert_eq!(expired(&mut wheel, u64::MAX), [2]);
    }

    #[test]
    fn waiting_until_the_next_wake_reaches_every_deadline_in_few_steps() {
        let mut wheel = TimerWheel::new(START_US);
        let deadline_us = START_US + 3_600_000_000;
        wheel.arm(1, deadline_us);
        let (mut now_us, mut wakes) = (START_US, 0);
        while wheel.is_armed(1) {
            now_us = wheel.next_wake_us().unwrap();
            expired(&mut wheel, now_us);
            wakes += 1;
        }
        assert!((deadline_us..=deadline_us + TICK_US).contains(&now_us));
        assert!(wakes <= 6, "{wakes} wakes");
    }

    #[derive(Debug, Clone)]
    enum Step {
        Arm(u32, u64),
        Disarm(u32),
        Wait(u64, usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Exponents, so that all levels are met.
        let span_us =
            (0..44_u32, any::<u64>()).prop_map(|(bits, noise)| (1 << bits) | (noise & ((1 << bits) - 1)));
        let step = prop_oneof![
            4 => (0..40_u32, span_us.clone()).prop_map(|(key, after)| Step::Arm(key, after)),
            1 => (0..40_u32).prop_map(Step::Disarm),
            3 => (span_us, 1..8_usize).prop_map(|(span, steps)| Step::Wait(span, steps)),
        ];
        prop::collection::vec(step, 1..120)
    }

    proptest! {
        #[test]
        fn the_wheel_agrees_with_a_sorted_map(steps in steps()) {
            let (mut wheel, mut now_us) = (TimerWheel::new(START_US), START_US);
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            let to_tick = |us: u64| (us - START_US).div_ceil(TICK_US);
            for step in steps {
                match step {
                    Step::Arm(key, after_us) => {
                        wheel.arm(key, now_us + after_us);
                        let tick = to_tick(now_us + after_us);
                        model.entry(key).and_modify(|old| *old = tick.min(*old)).or_insert(tick);
                    }
                    Step::Disarm(key) => {
                        wheel.disarm(key);
                        model.remove(&key);
                    }
                    Step::Wait(span_us, steps_max) => {
                        now_us += span_us;
                        let now_tick = (now_us - START_US) / TICK_US;
                        let mut fired = Vec::new();
                        // Each call handles a few entries only, and an entry changes levels five times at most.
                        for _ in 0..40 * 6 {
                            wheel.expire(now_us, steps_max, |key| { fired.push(key); None });
                        }
                        fired.sort_unstable();
                        let due: Vec<u32> = model.iter().filter(|(_, tick)| **tick <= now_tick).map(|(key, _)| *key).collect();
                        prop_assert_eq!(&fired, &due);
                        model.retain(|_, tick| *tick > now_tick);
                    }
                }
                let earliest_us = model.values().min().map(|tick| START_US + tick * TICK_US);
                match (wheel.next_wake_us(), earliest_us) {
                    (Some(wake), Some(earliest)) => prop_assert!(wake <= earliest),
                    (None, Some(_)) => prop_assert!(false, "something is armed"),
                    (_, None) => {}
                }
                for key in 0..40 {
                    prop_assert_eq!(wheel.is_armed(key), model.contains_key(&key));
                }
            }
        }
    }
}
