//! Decoding twelve bits at a time, which are two symbols for most text.

use super::Undecodable;
use super::code::{BYTES, CODE_BITS, CODES};
use super::small::{symbol_at_start, window};

/// How many bits one look at the table takes.
const LOOK_BITS: u32 = 12;
const LOOK_MASK: u64 = (1 << LOOK_BITS) - 1;
/// How many looks are taken at one word, whose first bits may be of the byte before: four of them fit 57 bits.
const LOOKS: usize = 4;

/// What begins with the bits that are its index.
///
/// ```text
///   31        24 23        16 15         8 7          0
///   [ bits used ][ 8 × count ][  second   ][  first    ]      all zero where no code of twelve bits is
/// ```
static TABLE: [u32; 1 << LOOK_BITS] = table();

pub(super) fn decode(bytes: &[u8], len: usize, out: &mut [u8]) -> Result<usize, Undecodable> {
    let end = len.wrapping_mul(8);
    let (mut at, mut count) = (0_usize, 0_usize);
    loop {
        let left = end.wrapping_sub(at);
        let mut word = word_at(bytes, at);
        if left < 64 {
            // Behind the end are ones, with which no short code begins.
            word |= u64::MAX >> left;
        }
        let (mut symbols, mut filled) = (0_u64, 0_u32);
        let mut used = 0_u32;
        let mut last = 0_u32;
        for _ in 0..LOOKS {
            last = TABLE.get((word >> (64 - LOOK_BITS)) as usize).copied().unwrap_or(0);
            symbols |= u64::from(last & 0xffff) << filled;
            filled = filled.wrapping_add(last >> 16 & 0xff);
            let bits = last >> 24;
            word <<= bits;
            used = used.wrapping_add(bits);
        }
        at = at.wrapping_add(used as usize);
        count = put(symbols, filled, count, out)?;
        // A symbol that needs some of the ones behind the end is none.
        let left = end.checked_sub(at).ok_or(Undecodable::Malformed)?;
        // Ones to the end, which is padding if it is less than a byte (RFC 7541 §5.2).
        if left == 0 || (left < 8 && word >> (64 - LOOK_BITS) == LOOK_MASK) {
            return Ok(count);
        }
        if last != 0 {
            continue;
        }
        let (symbol, bits) = long_symbol(bytes, len, left).ok_or(Undecodable::Malformed)?;
        *out.get_mut(count).ok_or(Undecodable::NoRoom)? = symbol;
        count = count.wrapping_add(1);
        at = at.wrapping_add(bits);
    }
}

/// The 57 bits and more from bit `at` on, from the highest of 64 on. Where there are no bytes, there are ones.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at >> 3..).unwrap_or(&[]);
    let word = match rest.first_chunk() {
        Some(word) => u64::from_be_bytes(*word),
        None => short_word(rest),
    };
    word << (at & 7)
}

#[cold]
fn short_word(rest: &[u8]) -> u64 {
    let mut word = [0xff; 8];
    for (to, from) in word.iter_mut().zip(rest) {
        *to = *from;
    }
    u64::from_be_bytes(word)
}

/// Puts the lowest `filled` bits of `symbols` to `out[count..]`.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn put(symbols: u64, filled: u32, count: usize, out: &mut [u8]) -> Result<usize, Undecodable> {
    let after = count.wrapping_add((filled / 8) as usize);
    match out.get_mut(count..).and_then(|rest| rest.first_chunk_mut()) {
        Some(place) => *place = symbols.to_le_bytes(),
        None => put_last(symbols, out.get_mut(count..after).ok_or(Undecodable::NoRoom)?),
    }
    Ok(after)
}

#[cold]
fn put_last(symbols: u64, out: &mut [u8]) {
    for (to, from) in out.iter_mut().zip(symbols.to_le_bytes()) {
        *to = from;
    }
}

/// The symbol with a long code that begins `left` bits before the end; `None` if there is none.
#[cold]
fn long_symbol(bytes: &[u8], len: usize, left: usize) -> Option<(u8, usize)> {
    let text = bytes.get(..len).unwrap_or(bytes);
    let (symbol, bits) = symbol_at_start(window(text, left))?;
    (bits as usize <= left).then_some((symbol, bits as usize))
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn table() -> [u32; 1 << LOOK_BITS] {
    let mut table = [0; 1 << LOOK_BITS];
    let mut first = 0;
    while first < BYTES {
        let bits = CODE_BITS[first] as u32;
        if bits <= LOOK_BITS {
            let spare = LOOK_BITS - bits;
            let from = (CODES[first] << spare) as usize;
            let mut at = from;
            while at < from + (1 << spare) {
                table[at] = bits << 24 | 8 << 16 | first as u32;
                at += 1;
            }
            with_second(&mut table, from, first, spare);
        }
        first += 1;
    }
    table
}

/// Adds each symbol that fits the `spare` bits behind `first`, whose entries begin at `from`.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn with_second(table: &mut [u32; 1 << LOOK_BITS], from: usize, first: usize, spare: u32) {
    let mut second = 0;
    while second < BYTES {
        let bits = CODE_BITS[second] as u32;
        if bits <= spare {
            let used = LOOK_BITS - spare + bits;
            let rest = spare - bits;
            let from = from + ((CODES[second] as usize) << rest);
            let mut at = from;
            while at < from + (1 << rest) {
                table[at] = used << 24 | 16 << 16 | (second as u32) << 8 | first as u32;
                at += 1;
            }
        }
        second += 1;
    }
}
