//! What other threads have told one exchange and its shard has not heard yet, in one word.
//!
//! ```text
//!  any thread                                       the shard
//!  wake, grant: adds to the word                    reads the letter: takes the word, leaves 0
//!    it was 0 ──▶ a letter is due                     then looks at the source, and gives the credit
//!    it was not ──▶ one is on its way, no second
//! ```
//!
//! So an exchange has at most one such letter in the mailbox, however often it is called. Nothing is lost:
//! whoever adds to a word that is not 0 comes before the `take` that the letter on its way leads to, and all
//! that he did before is seen by it.

use crate::shard::Address;
use crate::sync::{AtomicU64, Ordering};

/// The word of one exchange. Shared by all that call it.
#[derive(Debug)]
pub(crate) struct Calls {
    address: Address,
    /// [`WOKEN`], [`PATIENT`], and below them the bytes that may come beyond those granted before.
    word: AtomicU64,
}

const WOKEN: u64 = 1 << 63;
const PATIENT: u64 = 1 << 62;

/// What was asked for since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    /// The source of the answer has something to say.
    pub(crate) is_woken: bool,
    /// The body may stand still.
    pub(crate) is_patient: bool,
    /// So many bytes of the body may come.
    pub(crate) bytes_granted: u32,
}

impl Calls {
    pub(crate) fn new(address: Address) -> Calls {
        Calls { address, word: AtomicU64::new(0) }
    }

    /// Whose they are.
    pub(crate) const fn address(&self) -> Address {
        self.address
    }

    /// The source has something to say. True if a letter is due.
    #[must_use = "without the letter nobody hears of it"]
    pub(crate) fn wake(&self) -> bool {
        self.word.fetch_or(WOKEN, Ordering::AcqRel) == 0
    }

    /// The body may stand still. True if a letter is due.
    #[cfg(feature = "grpc")]
    #[must_use = "without the letter nobody hears of it"]
    pub(crate) fn be_patient(&self) -> bool {
        self.word.fetch_or(PATIENT, Ordering::AcqRel) == 0
    }

    /// `bytes` more may come. True if a letter is due.
    #[must_use = "without the letter nobody hears of it"]
    pub(crate) fn grant(&self, bytes: u32) -> bool {
        // 2^30 grants of all that fits would be needed to reach the flags.
        bytes > 0 && self.word.fetch_add(u64::from(bytes), Ordering::AcqRel) == 0
    }

    /// What was asked for; from now on a letter is due again.
    pub(crate) fn take(&self) -> Called {
        let word = self.word.swap(0, Ordering::AcqRel);
        Called {
            is_woken: word & WOKEN != 0,
            is_patient: word & PATIENT != 0,
            bytes_granted: u32::try_from(word & !(WOKEN | PATIENT)).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use rws_core::connection::StreamId;

    use super::*;

    fn calls() -> Calls {
        Calls::new(Address { conn: 1, generation: 2, stream: StreamId::new(3, 4) })
    }

    #[test]
    fn only_the_first_call_since_the_last_look_asks_for_a_letter() {
        let calls = calls();
        assert!(calls.grant(5));
        assert!(!calls.wake() && !calls.wake() && !calls.grant(7));
        assert_eq!(calls.take(), Called { is_woken: true, is_patient: false, bytes_granted: 12 });
        assert!(calls.wake());
        assert_eq!(calls.take(), Called { is_woken: true, is_patient: false, bytes_granted: 0 });
    }

    #[test]
    fn more_credit_than_a_grant_can_say_is_all_that_it_can() {
        let calls = calls();
        assert!(!calls.grant(0), "nothing is no news");
        assert!(calls.grant(u32::MAX));
        assert!(!calls.grant(u32::MAX));
        assert_eq!(calls.take(), Called { is_woken: false, is_patient: false, bytes_granted: u32::MAX });
    }
}
