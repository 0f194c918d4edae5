//! Decoding twelve bits at a time, which are two symbols for most text.

use super::code::{BYTES, CODE_BITS, CODES};
use super::small::{symbol_at_start, window};
use super::{Text, Undecodable};

/// How many bits one look at the table takes.
const LOOK_BITS: u32 = 12;
/// How many looks are taken at one word, whose first bits may be of the byte before: four of them fit 57 bits.
const LOOKS: usize = 4;

/// What begins with the bits that are its index.
///
/// ```text
///   31         24 23         16 15          8 7          0
///   [  second    ][  first     ][ 8 × count  ][ bits used ]      all zero where no code of twelve bits is
/// ```
static TABLE: [u32; 1 << LOOK_BITS] = table();

pub(super) fn decode(bytes: &[u8], len: usize, out: &mut [u8]) -> Result<Text, Undecodable> {
    let end = len.wrapping_mul(8);
    // As a 32-bit number, so that the compiler knows that a few more are no overflow.
    let (mut at, mut count, mut is_plain) = (0_usize, 0_u32, true);
    loop {
        let mut left = end.wrapping_sub(at);
        let mut looked;
        loop {
            let word = word_at(bytes, at);
            // Behind the end are ones, with which no short code begins.
            looked = look(if left < 64 { word | u64::MAX >> left } else { word });
            at = at.wrapping_add((looked.sum & 0xff) as usize);
            count = put(looked.symbols, count, looked.sum >> 11 & 0x1f, out)?;
            left = end.wrapping_sub(at);
            if looked.entry == 0 || left.wrapping_sub(8) as isize <= 0 {
                break;
            }
        }
        // A symbol that needs some of the ones behind the end is none.
        if left as isize <= 0 {
            return if left == 0 { Ok(Text::new(count, is_plain)) } else { Err(Undecodable::Malformed) };
        }
        // Ones to the end, which is padding if it is less than a byte (RFC 7541 §5.2).
        if left < 8 && looked.word >> (64 - LOOK_BITS) == (1 << LOOK_BITS) - 1 {
            return Ok(Text::new(count, is_plain));
        }
        if looked.entry == 0 {
            let (symbol, bits) = long_symbol(bytes, len, left).ok_or(Undecodable::Malformed)?;
            *out.get_mut(count as usize).ok_or(Undecodable::NoRoom)? = symbol;
            count = count.wrapping_add(1);
            at = at.wrapping_add(bits);
            is_plain = false;
        }
    }
}

/// What a few looks found.
struct Looked {
    /// The symbols, from the lowest byte on.
    symbols: u64,
    /// The entries added up, of which the lower half counts.
    sum: u32,
    /// The last entry.
    entry: u32,
    /// What is left.
    word: u64,
}

#[cfg_attr(not(target_os = "none"), inline(always))]
fn look(mut word: u64) -> Looked {
    let (mut symbols, mut sum, mut entry) = (0_u64, 0_u32, 0_u32);
    for _ in 0..LOOKS {
        entry = TABLE.get((word >> (64 - LOOK_BITS)) as usize).copied().unwrap_or(0);
        symbols |= u64::from(entry >> 16).wrapping_shl(sum >> 8);
        sum = sum.wrapping_add(entry);
        word = word.wrapping_shl(entry);
    }
    Looked { symbols, sum, entry, word }
}

/// The 57 bits and more from bit `at` on, from the highest of 64 on. Where there are no bytes, there are ones.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    let byte = at >> 3;
    let word = match bytes.get(byte..byte.wrapping_add(8)).and_then(|word| word.first_chunk()) {
        Some(word) => u64::from_be_bytes(*word),
        None => short_word(bytes.get(byte..).unwrap_or(&[])),
    };
    word << (at & 7)
}

#[cold]
#[inline(never)]
fn short_word(rest: &[u8]) -> u64 {
    let mut word = [0xff; 8];
    for (to, from) in word.iter_mut().zip(rest) {
        *to = *from;
    }
    u64::from_be_bytes(word)
}

/// Puts `len` symbols to `out[count..]`; says how many there are then.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn put(symbols: u64, count: u32, len: u32, out: &mut [u8]) -> Result<u32, Undecodable> {
    let after = count.wrapping_add(len);
    let at = count as usize;
    match out.get_mut(at..at.wrapping_add(8)).and_then(|rest| rest.first_chunk_mut()) {
        Some(place) => *place = symbols.to_le_bytes(),
        None => put_last(symbols, out.get_mut(at..after as usize).ok_or(Undecodable::NoRoom)?),
    }
    Ok(after)
}

#[cold]
#[inline(never)]
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
                table[at] = (first as u32) << 16 | 8 << 8 | bits;
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
                table[at] = (second as u32) << 24 | (first as u32) << 16 | 16 << 8 | used;
                at += 1;
            }
        }
        second += 1;
    }
}
