//! A source of numbers for a board that has no source of entropy.

use crate::clock;

/// Numbers from a timer: different from one start to the next with luck, **guessable always**.
///
/// The simulated board has no random number generator. This one is good enough for initial sequence numbers and request
/// ids in a demonstration, and for nothing that must be secret: no key, no token, no session id.
#[derive(Debug, Clone)]
pub struct InsecureTimerEntropy {
    state: u64,
}

impl InsecureTimerEntropy {
    /// Starts from the counter as it is now.
    #[must_use]
    pub fn new() -> InsecureTimerEntropy {
        InsecureTimerEntropy { state: u64::from(clock::raw_counter()) }
    }

    /// The next number: a SplitMix64 step, with the counter stirred in.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ u64::from(clock::raw_counter());
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Fills `out`.
    pub fn fill(&mut self, out: &mut [u8]) {
        for piece in out.chunks_mut(size_of::<u64>()) {
            for (byte, made) in piece.iter_mut().zip(self.next_u64().to_le_bytes()) {
                *byte = made;
            }
        }
    }
}

impl Default for InsecureTimerEntropy {
    fn default() -> InsecureTimerEntropy {
        InsecureTimerEntropy::new()
    }
}
