//! What is remembered of streams that are closed (RFC 9113 §5.1): the numbers of the latest, and how they ended.
//!
//! What may still come for a stream says how it ended. A stream that we have reset gets frames that its peer had sent
//! before it knew, and they mean nothing. One that the peer itself has ended gets none: they are its mistake.

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Both messages were complete.
    Whole,
    /// The peer has reset it.
    ByPeer,
    /// We have reset it, and frames that it had sent before may still come.
    ByUs,
    /// Too long ago, or never opened at all.
    Unknown,
}

/// The latest closed streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closed {
    resets: [u32; RESETS],
    whole: [u32; WHOLE],
    next_reset: u8,
    next_whole: u8,
    /// The highest number that `resets` had to forget: of streams up to this one it is not certain that we have not
    /// reset them.
    forgotten: u32,
}

const RESETS: usize = 16;
const WHOLE: usize = 4;
/// Beside a number: the peer has reset it.
const BY_PEER: u32 = 1 << 31;

impl Closed {
    pub(super) const NONE: Closed =
        Closed { resets: [0; RESETS], whole: [0; WHOLE], next_reset: 0, next_whole: 0, forgotten: 0 };

    /// The stream `id` has ended so.
    pub(super) fn push(&mut self, id: u32, how: Ended) {
        match how {
            Ended::Whole => {
                if let Some(place) = self.whole.get_mut(usize::from(self.next_whole)) {
                    *place = id;
                }
                self.next_whole = self.next_whole.wrapping_add(1) % WHOLE as u8;
            }
            Ended::ByPeer | Ended::ByUs => {
                let entry = if how == Ended::ByPeer { id | BY_PEER } else { id };
                if let Some(place) = self.resets.get_mut(usize::from(self.next_reset)) {
                    self.forgotten = self.forgotten.max(*place & !BY_PEER);
                    *place = entry;
                }
                self.next_reset = self.next_reset.wrapping_add(1) % RESETS as u8;
            }
            Ended::Unknown => {}
        }
    }

    /// How the stream `id`, which is not open and not idle, has ended.
    pub(super) fn how(&self, id: u32) -> Ended {
        if self.resets.contains(&id) {
            Ended::ByUs
        } else if self.resets.contains(&(id | BY_PEER)) {
            Ended::ByPeer
        } else if self.whole.contains(&id) {
            Ended::Whole
        } else {
            Ended::Unknown
        }
    }

    /// Whether it may be that we have reset `id` and do not know any more.
    pub(super) const fn may_be_ours(&self, id: u32) -> bool {
        id <= self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_and_of_older_ones_nothing_is_certain() {
        let mut closed = Closed::NONE;
        closed.push(1, Ended::ByUs);
        closed.push(3, Ended::ByPeer);
        closed.push(5, Ended::Whole);
        assert_eq!(
            [1, 3, 5, 7].map(|id| closed.how(id)),
            [Ended::ByUs, Ended::ByPeer, Ended::Whole, Ended::Unknown]
        );
        assert!(!closed.may_be_ours(1));
        for id in (101..101 + 2 * RESETS as u32).step_by(2) {
            closed.push(id, Ended::ByUs);
        }
        assert_eq!([1, 3].map(|id| closed.how(id)), [Ended::Unknown; 2]);
        assert_eq!(closed.how(5), Ended::Whole);
        assert!(closed.may_be_ours(1) && closed.may_be_ours(3) && !closed.may_be_ours(5));
    }
}
