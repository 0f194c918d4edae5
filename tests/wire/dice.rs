//! Numbers that look random and are the same in every run.

/// An xorshift generator.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number from 0 to below `below`, which is not 0.
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % below
    }

    /// Below one of these bounds, each as likely as the next.
    pub(crate) fn roll_any(&mut self, bounds: &[usize]) -> usize {
        let bound = bounds[self.roll(bounds.len())];
        self.roll(bound)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.roll(256) as u8).collect()
    }
}
