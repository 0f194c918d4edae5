//! CRC-32 as Ethernet, gzip and zip use it, with a table of 64 bytes.

/// A sum under way. The crates for it are several times faster and bring 16 KB of tables; a flash chip takes
/// bytes more slowly than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crc32 {
    /// The sum so far, inverted.
    inverted: u32,
}

impl Crc32 {
    /// The sum of nothing.
    pub const fn new() -> Crc32 {
        Crc32 { inverted: u32::MAX }
    }

    /// The sum with `bytes` behind what came before.
    #[must_use]
    pub const fn with(self, bytes: &[u8]) -> Crc32 {
        let (mut sum, mut rest) = (self.inverted, bytes);
        while let [byte, tail @ ..] = rest {
            sum = half(half(sum ^ *byte as u32));
            rest = tail;
        }
        Crc32 { inverted: sum }
    }

    /// The sum as it is told.
    pub const fn value(self) -> u32 {
        !self.inverted
    }
}

impl Default for Crc32 {
    fn default() -> Crc32 {
        Crc32::new()
    }
}

/// Four bits onwards.
#[expect(clippy::indexing_slicing, reason = "four bits are always inside of a table of 16")]
const fn half(sum: u32) -> u32 {
    (sum >> 4) ^ TABLE[(sum & 15) as usize]
}

/// What four bits that leave the sum change in it.
static TABLE: [u32; 16] = table();

#[expect(clippy::indexing_slicing, reason = "runs at compile time, where a panic is the error message")]
const fn table() -> [u32; 16] {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let mut table = [0; 16];
    let mut at = 0;
    while at < table.len() {
        let (mut sum, mut bit) = (at as u32, 0);
        while bit < 4 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        table[at] = sum;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_comes_out() {
        assert_eq!(Crc32::new().with(b"123456789").value(), 0xcbf4_3926);
        assert_eq!(Crc32::new().value(), 0);
    }

    #[test]
    fn an_independent_implementation_agrees_however_the_bytes_are_cut() {
        let bytes: std::vec::Vec<u8> = (0..2000_u32).map(|at| ((at * at) >> 3) as u8).collect();
        for len in [1, 2, 15, 16, 255, 256, 1999] {
            let text = &bytes[..len];
            assert_eq!(Crc32::new().with(text).value(), crc32fast::hash(text), "{len}");
            let cut = text.chunks(7).fold(Crc32::new(), Crc32::with);
            assert_eq!(cut.value(), crc32fast::hash(text), "{len} in pieces");
        }
    }
}
