//! Priorities of streams that are yet to be opened (RFC 9218 §7.1): PRIORITY_UPDATE may overtake the request that it is
//! for. The latest few are kept; where few bytes of memory are, none.

use crate::SMALL;

/// What is kept, by the numbers of the streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Early {
    streams: [u32; PLACES],
    priorities: [u8; PLACES],
    next: u8,
}

const PLACES: usize = if SMALL { 0 } else { 8 };

impl Early {
    pub(super) const NONE: Early = Early { streams: [0; PLACES], priorities: [0; PLACES], next: 0 };

    /// The stream `id` is to have this priority. Those up to `opened` will not be opened any more: their places go
    /// first, and then the one that was taken longest ago.
    pub(super) fn keep(&mut self, id: u32, priority: u8, opened: u32) {
        let known = self.streams.iter().position(|own| *own == id);
        let free = || self.streams.iter().position(|own| *own <= opened);
        let place = known.or_else(free).unwrap_or_else(|| {
            let oldest = usize::from(self.next);
            self.next = self.next.wrapping_add(1) & (PLACES as u8).saturating_sub(1);
            oldest
        });
        if let (Some(stream), Some(own)) = (self.streams.get_mut(place), self.priorities.get_mut(place)) {
            (*stream, *own) = (id, priority);
        }
    }

    /// What was kept for the stream `id`, which opens.
    pub(super) fn take(&mut self, id: u32) -> Option<u8> {
        let place = self.streams.iter().position(|own| *own == id)?;
        *self.streams.get_mut(place)? = 0;
        self.priorities.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_word_on_each_of_the_latest_streams_is_kept_once() {
        let mut early = Early::NONE;
        for id in (1..=15).step_by(2) {
            early.keep(id, 3, 0);
            early.keep(id, id as u8, 0);
        }
        assert_eq!((early.take(15), early.take(15), early.take(9)), (Some(15), None, Some(9)));
        // Two places are free, and two more have gone by.
        for id in [17, 19, 21, 23] {
            early.keep(id, 1, 3);
        }
        assert_eq!([1, 3, 5, 7].map(|id| early.take(id)), [None, None, Some(5), Some(7)]);
    }

    #[test]
    fn where_all_places_are_taken_the_oldest_goes() {
        let mut early = Early::NONE;
        for id in (1..2001).step_by(2) {
            early.keep(id, 5, 0);
        }
        let kept = (1..2001).filter(|id| early.take(*id).is_some()).collect::<alloc::vec::Vec<_>>();
        assert_eq!(kept, [1985, 1987, 1989, 1991, 1993, 1995, 1997, 1999]);
    }
}
