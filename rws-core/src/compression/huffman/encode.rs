//! Encoding, from a table of codes or, in little code, by looking for each symbol's place.

use super::code::{BYTES, CODE_BITS, CODES, LINES, LONGEST_BITS, SHORTEST_BITS, SYMBOLS};
use crate::scan::find;

/// Encodes `text`, or the same in lower case, to the start of `out`; says how many bytes it takes, or `None` if `out`
/// has too few.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn encode<const SMALL: bool>(text: &[u8], lower_case: bool, out: &mut [u8]) -> Option<usize> {
    if SMALL {
        encode_by(text, lower_case, out, small_code)
    } else if lower_case {
        encode_by(text, true, out, quick_code)
    } else {
        encode_by(text, false, out, quick_code)
    }
}

#[cfg_attr(not(target_os = "none"), inline(always))]
fn encode_by(
    text: &[u8],
    lower_case: bool,
    out: &mut [u8],
    code_of: impl Fn(u8) -> (u32, u32),
) -> Option<usize> {
    let mut rest = &mut *out;
    let mut written = 0_usize;
    // The lowest `held` bits of these are not written yet; they are never 32.
    let (mut bits, mut held) = (0_u64, 0_u32);
    for &byte in text {
        let (code, len) = code_of(if lower_case { byte.to_ascii_lowercase() } else { byte });
        bits = bits << len | u64::from(code);
        held = held.wrapping_add(len);
        if held >= 32 {
            held = held.wrapping_sub(32);
            let place;
            (place, rest) = rest.split_first_chunk_mut()?;
            *place = ((bits >> held) as u32).to_be_bytes();
            written = written.wrapping_add(4);
        }
    }
    // Ones up to a whole byte (RFC 7541 §5.2).
    let last = bits << (32 - held) | u64::from(u32::MAX >> held);
    let len = held.div_ceil(8) as usize;
    for (to, from) in rest.get_mut(..len)?.iter_mut().zip((last as u32).to_be_bytes()) {
        *to = from;
    }
    Some(written.wrapping_add(len))
}

/// The code of each byte, and its length in the lowest byte.
static TABLE: [u64; BYTES] = table();

#[cfg_attr(not(target_os = "none"), inline(always))]
fn quick_code(byte: u8) -> (u32, u32) {
    let entry = TABLE.get(usize::from(byte)).copied().unwrap_or(0);
    ((entry >> 8) as u32, entry as u8 as u32)
}

/// Common symbols stand near the start.
fn small_code(byte: u8) -> (u32, u32) {
    let at = find(byte, &SYMBOLS).unwrap_or(0) as u32;
    let mut len = SHORTEST_BITS;
    for line in &LINES {
        let code = at.wrapping_sub(line.offset);
        if code < line.end >> LONGEST_BITS.wrapping_sub(len) {
            return (code, len);
        }
        len = len.wrapping_add(1);
    }
    (0, 0)
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn table() -> [u64; BYTES] {
    let mut table = [0; BYTES];
    let mut byte = 0;
    while byte < BYTES {
        table[byte] = (CODES[byte] as u64) << 8 | CODE_BITS[byte] as u64;
        byte += 1;
    }
    table
}
