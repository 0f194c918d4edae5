//! Decoding symbol by symbol, in little code: the length of a code is found by comparing it with the last of each
//! length, and its symbol by its place among those of that length.

use super::Undecodable;
use super::code::{LINES, LONGEST_BITS, SHORTEST_BITS, SYMBOLS};

pub(super) fn decode(bytes: &[u8], len: usize, out: &mut [u8]) -> Result<usize, Undecodable> {
    decode_each(bytes, len, |at, symbol| match out.get_mut(at) {
        Some(place) => {
            *place = symbol;
            true
        }
        None => false,
    })
}

/// Gives each symbol and its place to `put`, which says whether there was room; says how many there were.
pub(super) fn decode_each(
    bytes: &[u8],
    len: usize,
    mut put: impl FnMut(usize, u8) -> bool,
) -> Result<usize, Undecodable> {
    let text = bytes.get(..len).unwrap_or(bytes);
    let mut left_bits = text.len().saturating_mul(8);
    let mut count = 0_usize;
    loop {
        let window = window(text, left_bits);
        let Some((symbol, bits)) = symbol_at_start(window) else {
            // Ones to the end, which is padding if it is less than a byte (RFC 7541 §5.2).
            return if left_bits < 8 { Ok(count) } else { Err(Undecodable::Malformed) };
        };
        // A symbol that needs some of the ones behind the end is none.
        left_bits = left_bits.checked_sub(bits as usize).ok_or(Undecodable::Malformed)?;
        if !put(count, symbol) {
            return Err(Undecodable::NoRoom);
        }
        count = count.wrapping_add(1);
    }
}

/// The 32 bits of `text` that begin `left_bits` before its end; behind the end are ones.
pub(super) fn window(text: &[u8], left_bits: usize) -> u32 {
    let shift = left_bits.wrapping_neg() as u32 & 7;
    let at = text.len().wrapping_sub(left_bits.div_ceil(8));
    let mut bytes = text.get(at..).unwrap_or(&[]).iter();
    let mut next = || bytes.next().copied().map_or(0xff, u32::from);
    let mut window = 0;
    for _ in 0..4 {
        window = window << 8 | next();
    }
    window << shift | next() >> 8_u32.wrapping_sub(shift)
}

/// The symbol that `window` begins with, and the length of its code; `None` if it is the end of the string.
pub(super) fn symbol_at_start(window: u32) -> Option<(u8, u32)> {
    let aligned = window >> 32_u32.wrapping_sub(LONGEST_BITS);
    let mut bits = SHORTEST_BITS;
    for line in &LINES {
        if aligned < line.end {
            let code = aligned >> LONGEST_BITS.wrapping_sub(bits);
            let at = code.wrapping_add(line.offset) as usize;
            return Some((*SYMBOLS.get(at)?, bits));
        }
        bits = bits.wrapping_add(1);
    }
    None
}
