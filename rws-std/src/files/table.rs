//! A bounded map from paths to values, which forgets what has not been asked for lately (the clock scheme:
//! a hand goes round, clears each mark that a hit has set, and takes the first entry without one).

use alloc::sync::Arc;
use std::collections::HashMap;

use rws_core::Instant;

/// A value and what the clock knows about it.
#[derive(Debug)]
struct Slot<V> {
    path: Arc<str>,
    value: V,
    /// When the value was last compared with the file system.
    checked: Instant,
    asked: Instant,
    marked: bool,
}

/// The table.
#[derive(Debug)]
pub(super) struct Table<V> {
    /// Paths to places in `slots`, which has no holes.
    places: HashMap<Arc<str>, usize>,
    slots: Vec<Slot<V>>,
    hand: usize,
}

impl<V> Table<V> {
    pub(super) fn new() -> Table<V> {
        Table { places: HashMap::new(), slots: Vec::new(), hand: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The value of `path` and when it was last checked.
    pub(super) fn get(&mut self, path: &str, now: Instant) -> Option<(&V, Instant)> {
        let &place = self.places.get(path)?;
        let slot = self.slots.get_mut(place)?;
        slot.marked = true;
        slot.asked = now;
        Some((&slot.value, slot.checked))
    }

    /// Sets the value of `path`; returns the one it replaces.
    pub(super) fn put(&mut self, path: &str, value: V, now: Instant) -> Option<V> {
        if let Some(&place) = self.places.get(path) {
            let slot = self.slots.get_mut(place)?;
            slot.checked = now;
            return Some(core::mem::replace(&mut slot.value, value));
        }
        let path: Arc<str> = path.into();
        self.places.insert(Arc::clone(&path), self.slots.len());
        self.slots.push(Slot { path, value, checked: now, asked: now, marked: true });
        None
    }

    /// Takes the value of `path` out.
    pub(super) fn remove(&mut self, path: &str) -> Option<V> {
        let place = self.places.get(path).copied()?;
        self.take(place)
    }

    /// Takes out the entry that the hand finds; `None` if the table is empty.
    pub(super) fn evict(&mut self) -> Option<V> {
        loop {
            let len = self.slots.len();
            if len == 0 {
                return None;
            }
            self.hand %= len;
            let slot = self.slots.get_mut(self.hand)?;
            if !slot.marked {
                return self.take(self.hand);
            }
            slot.marked = false;
            self.hand += 1;
        }
    }

    /// Looks at one entry and takes it out if nobody has asked for it for `idle_us`.
    pub(super) fn sweep_one(&mut self, now: Instant, idle_us: u64) -> Option<V> {
        self.hand = self.hand.checked_rem(self.slots.len())?;
        let asked = self.slots.get(self.hand)?.asked;
        if now.since_us(asked) >= idle_us {
            return self.take(self.hand);
        }
        self.hand += 1;
        None
    }

    pub(super) fn clear(&mut self) {
        *self = Table::new();
    }

    fn take(&mut self, place: usize) -> Option<V> {
        if place >= self.slots.len() {
            return None;
        }
        let slot = self.slots.swap_remove(place);
        self.places.remove(&slot.path);
        if let Some(moved) = self.slots.get(place)
            && let Some(at) = self.places.get_mut(&moved.path)
        {
            *at = place;
        }
        Some(slot.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(1_000);

    fn keys(table: &Table<u32>) -> Vec<String> {
        let mut keys: Vec<_> = table.places.keys().map(ToString::to_string).collect();
        keys.sort();
        keys
    }

    #[test]
    fn an_entry_that_is_asked_for_outlives_one_that_is_not() {
        let mut table = Table::new();
        for (at, path) in ["a", "b", "c"].iter().enumerate() {
            table.put(path, at as u32, NOW);
        }
        // The first round clears every mark and takes the first.
        assert_eq!(table.evict(), Some(0));
        table.get("c", NOW);
        table.put("d", 3, NOW);
        assert_eq!(table.evict(), Some(1), "b has not been asked for since");
        assert_eq!(keys(&table), ["c", "d"]);
    }

    #[test]
    fn places_stay_true_through_any_order_of_removals() {
        let mut table = Table::new();
        for n in 0..50_u32 {
            table.put(&n.to_string(), n, NOW);
        }
        for n in (0..50_u32).step_by(3) {
            assert_eq!(table.remove(&n.to_string()), Some(n));
        }
        for n in 0..50_u32 {
            let found = table.get(&n.to_string(), NOW).map(|(value, _)| *value);
            assert_eq!(found, (n % 3 != 0).then_some(n));
        }
        while table.evict().is_some() {}
        assert_eq!((table.len(), table.places.len()), (0, 0));
    }

    #[test]
    fn a_sweep_takes_only_what_has_been_idle_long_enough() {
        let mut table = Table::new();
        table.put("old", 1, NOW);
        table.put("new", 2, NOW);
        table.get("new", NOW.after_us(50));
        let later = NOW.after_us(100);
        let swept: Vec<u32> = (0..4).filter_map(|_| table.sweep_one(later, 100)).collect();
        assert_eq!(swept, [1]);
        assert_eq!(keys(&table), ["new"]);
    }

    #[test]
    fn replacing_a_value_checks_it_anew_and_returns_the_old_one() {
        let mut table = Table::new();
        assert_eq!(table.put("a", 1, NOW), None);
        assert_eq!(table.put("a", 2, NOW.after_us(5)), Some(1));
        assert_eq!(table.get("a", NOW), Some((&2, NOW.after_us(5))));
    }
}
