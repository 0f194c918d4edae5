//! Whose turn it is to send (RFC 9218 §10).
//!
//! Two queues for each urgency: heads, which need no window, and content, which does. The lower the urgency's number
//! the sooner it is served, heads before content. Within one urgency a stream that is not incremental goes on until it
//! has nothing more to send or has had a long turn; incremental ones have short turns. So a response without end
//! delays its siblings, but does not stop them.
//!
//! A queue is a ring of slots, of which the last is known: taking from the front and adding at either end are a few
//! moves, however many streams there are.

use super::stream::{Flags, NONE, StreamSlot};

/// What a stream has to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A head, interim or final, or trailers.
    Head,
    /// Content.
    Content,
}

/// The queues.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    last: [[u16; URGENCIES]; 2],
    /// Which queues are not empty: a bit for each urgency, for heads and content.
    filled: [u8; 2],
}

const URGENCIES: usize = 8;

/// Beside the urgency: the stream is of use in pieces (RFC 9218 §4.2).
pub(super) const INCREMENTAL: u8 = 1 << 3;
/// What a stream has whose client says nothing (RFC 9218 §4.1).
pub(super) const USUAL: u8 = 3;

impl Schedule {
    pub(super) const EMPTY: Schedule = Schedule { last: [[NONE; URGENCIES]; 2], filled: [0; 2] };

    /// Whether a stream has something to send; content counts only if `window` says so.
    pub(super) const fn has_work(&self, window: bool) -> bool {
        let [heads, content] = self.filled;
        heads != 0 || (window && content != 0)
    }

    /// Adds a stream at the end of its queue, or in front of it; nothing happens if it is in one.
    pub(super) fn add(&mut self, slots: &mut [StreamSlot], at: u16, part: Part, in_front: bool) {
        let Some(slot) = slots.get_mut(usize::from(at)) else { return };
        if slot.flags.has(Flags::QUEUED) {
            return;
        }
        slot.flags.set(Flags::QUEUED);
        let urgency = slot.priority & 7;
        let Some(last) = self.last_of(part, urgency) else { return };
        let old = *last;
        if old == NONE {
            *last = at;
            slot.next = at;
            self.mark(part, urgency, true);
            return;
        }
        if !in_front {
            *last = at;
        }
        let Some(end) = slots.get_mut(usize::from(old)) else { return };
        let first = core::mem::replace(&mut end.next, at);
        if let Some(slot) = slots.get_mut(usize::from(at)) {
            slot.next = first;
        }
    }

    /// Takes the stream whose turn it is; content counts only if `window` says so.
    pub(super) fn take(&mut self, slots: &mut [StreamSlot], window: bool) -> Option<(u16, Part)> {
        let [heads, content] = self.filled;
        let content = if window { content } else { 0 };
        let urgency = (heads | content).trailing_zeros() as u8;
        let part = if heads & bit(urgency) != 0 { Part::Head } else { Part::Content };
        let last = *self.last_of(part, urgency)?;
        let first = slots.get(usize::from(last))?.next;
        self.cut(slots, part, urgency, last, first);
        Some((first, part))
    }

    /// Whether nobody who waits is as urgent as `priority`, or more.
    pub(super) const fn is_foremost(&self, priority: u8) -> bool {
        let [heads, content] = self.filled;
        let urgency = priority & 7;
        (heads | content).trailing_zeros() > urgency as u32
    }

    /// Takes a stream out of its queue, wherever it is: a walk along the queue, for streams that end before their
    /// time.
    pub(super) fn remove(&mut self, slots: &mut [StreamSlot], at: u16) {
        let Some(slot) = slots.get(usize::from(at)) else { return };
        if !slot.flags.has(Flags::QUEUED) {
            return;
        }
        let urgency = slot.priority & 7;
        for part in [Part::Head, Part::Content] {
            let Some(&mut last) = self.last_of(part, urgency) else { continue };
            let mut before = last;
            for _ in 0..slots.len() {
                let Some(next) = slots.get(usize::from(before)).map(|slot| slot.next) else { break };
                if next == at {
                    self.cut(slots, part, urgency, before, at);
                    return;
                }
                before = next;
                if before == last {
                    break;
                }
            }
        }
    }

    /// Takes `at` out, which comes after `before`.
    fn cut(&mut self, slots: &mut [StreamSlot], part: Part, urgency: u8, before: u16, at: u16) {
        let Some(slot) = slots.get_mut(usize::from(at)) else { return };
        slot.flags.clear(Flags::QUEUED);
        let after = slot.next;
        let Some(last) = self.last_of(part, urgency) else { return };
        if after == at {
            *last = NONE;
            self.mark(part, urgency, false);
            return;
        }
        if *last == at {
            *last = before;
        }
        if let Some(slot) = slots.get_mut(usize::from(before)) {
            slot.next = after;
        }
    }

    fn last_of(&mut self, part: Part, urgency: u8) -> Option<&mut u16> {
        let [heads, content] = &mut self.last;
        let queues = if part == Part::Head { heads } else { content };
        queues.get_mut(usize::from(urgency))
    }

    fn mark(&mut self, part: Part, urgency: u8, filled: bool) {
        let [heads, content] = &mut self.filled;
        let bits = if part == Part::Head { heads } else { content };
        if filled {
            *bits |= bit(urgency);
        } else {
            *bits &= !bit(urgency);
        }
    }
}

const fn bit(urgency: u8) -> u8 {
    1_u8.wrapping_shl(urgency as u32)
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn slots(priorities: &[u8]) -> Vec<StreamSlot> {
        priorities.iter().map(|&priority| StreamSlot { priority, ..StreamSlot::FREE }).collect()
    }

    fn drain(schedule: &mut Schedule, slots: &mut [StreamSlot]) -> Vec<u16> {
        core::iter::from_fn(|| schedule.take(slots, true).map(|(at, _)| at)).collect()
    }

    #[test]
    fn the_urgent_come_first_heads_before_content_and_equals_in_their_order() {
        let mut slots = slots(&[3, 0, 3, 7, 0, 3]);
        let mut schedule = Schedule::EMPTY;
        for (at, part) in [
            (0, Part::Content),
            (1, Part::Content),
            (2, Part::Head),
            (3, Part::Head),
            (4, Part::Head),
            (5, Part::Content),
        ] {
            schedule.add(&mut slots, at, part, false);
        }
        assert_eq!(drain(&mut schedule, &mut slots), vec![4, 1, 2, 0, 5, 3]);
        assert!(!schedule.has_work(true));
    }

    #[test]
    fn without_a_window_only_heads_have_their_turn() {
        let mut slots = slots(&[3, 3]);
        let mut schedule = Schedule::EMPTY;
        schedule.add(&mut slots, 0, Part::Content, false);
        schedule.add(&mut slots, 1, Part::Head, false);
        assert_eq!(schedule.take(&mut slots, false), Some((1, Part::Head)));
        assert!(!schedule.has_work(false) && schedule.has_work(true));
        assert_eq!(schedule.take(&mut slots, false), None);
        assert_eq!(schedule.take(&mut slots, true), Some((0, Part::Content)));
    }

    #[test]
    fn one_that_is_put_in_front_is_next_and_adding_twice_changes_nothing() {
        let mut slots = slots(&[3; 4]);
        let mut schedule = Schedule::EMPTY;
        for at in 0..3 {
            schedule.add(&mut slots, at, Part::Content, false);
            schedule.add(&mut slots, at, Part::Content, false);
        }
        schedule.add(&mut slots, 3, Part::Content, true);
        assert_eq!(drain(&mut schedule, &mut slots), vec![3, 0, 1, 2]);
    }

    #[test]
    fn a_stream_leaves_its_queue_wherever_it_stands() {
        for gone in 0..4 {
            let mut slots = slots(&[3; 4]);
            let mut schedule = Schedule::EMPTY;
            for at in 0..4 {
                schedule.add(&mut slots, at, Part::Content, false);
            }
            schedule.remove(&mut slots, gone);
            schedule.remove(&mut slots, gone);
            schedule.add(&mut slots, gone, Part::Content, false);
            let mut wanted: Vec<u16> = (0..4).filter(|&at| at != gone).collect();
            wanted.push(gone);
            assert_eq!(drain(&mut schedule, &mut slots), wanted);
        }
        let mut slots = slots(&[5]);
        let mut schedule = Schedule::EMPTY;
        schedule.add(&mut slots, 0, Part::Head, false);
        schedule.remove(&mut slots, 0);
        assert!(!schedule.has_work(true) && schedule.is_foremost(7));
    }
}
