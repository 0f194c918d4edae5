//! The code, from the length of each symbol's.

/// How many symbols stand for a byte; the one behind them is the end of the string.
pub(super) const BYTES: usize = 256;

/// The shortest code: bits.
pub(super) const SHORTEST_BITS: u32 = 5;
/// The longest code, the end of the string's among them: bits.
pub(super) const LONGEST_BITS: u32 = 30;

/// How long the code of each byte and, in the end, of the end of the string is: bits (RFC 7541 appendix B).
#[rustfmt::skip]
pub(super) const CODE_BITS: [u8; BYTES + 1] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The codes of one length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// The first code behind these, as if it had [`LONGEST_BITS`] bits.
    pub(super) end: u32,
    /// What to add to a code of this length for the place of its symbol in [`SYMBOLS`].
    pub(super) offset: u32,
}

/// Every byte in the order of its code. The end of the string comes last of all, and is not among them.
pub(super) static SYMBOLS: [u8; BYTES] = symbols();

/// The codes of each length, from [`SHORTEST_BITS`] on.
pub(super) static LINES: [Line; (LONGEST_BITS - SHORTEST_BITS + 1) as usize] = lines();

/// The code of each byte, in the low bits.
pub(super) const CODES: [u32; BYTES] = codes();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn symbols() -> [u8; BYTES] {
    let mut symbols = [0; BYTES];
    let mut count = 0;
    let mut bits = SHORTEST_BITS;
    while bits <= LONGEST_BITS {
        let mut byte = 0;
        while byte < BYTES {
            if CODE_BITS[byte] as u32 == bits {
                symbols[count] = byte as u8;
                count += 1;
            }
            byte += 1;
        }
        bits += 1;
    }
    assert!(count == BYTES);
    symbols
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn codes() -> [u32; BYTES] {
    let symbols = symbols();
    let mut codes = [0; BYTES];
    let (mut next, mut bits) = (0, SHORTEST_BITS);
    let mut at = 0;
    while at < BYTES {
        let symbol = symbols[at] as usize;
        next <<= CODE_BITS[symbol] as u32 - bits;
        bits = CODE_BITS[symbol] as u32;
        codes[symbol] = next;
        next += 1;
        at += 1;
    }
    // What is left is the end of the string: ones only.
    assert!(next == (1 << bits) - 1 && CODE_BITS[BYTES] as u32 == bits);
    codes
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn lines() -> [Line; (LONGEST_BITS - SHORTEST_BITS + 1) as usize] {
    let symbols = symbols();
    let mut lines = [Line { end: 0, offset: 0 }; (LONGEST_BITS - SHORTEST_BITS + 1) as usize];
    let (mut at, mut end) = (0, 0);
    let mut line = 0;
    while line < lines.len() {
        let bits = SHORTEST_BITS + line as u32;
        let offset = (at as u32).wrapping_sub(end >> (LONGEST_BITS - bits));
        while at < BYTES && CODE_BITS[symbols[at] as usize] as u32 == bits {
            end += 1 << (LONGEST_BITS - bits);
            at += 1;
        }
        lines[line] = Line { end, offset };
        line += 1;
    }
    lines
}
