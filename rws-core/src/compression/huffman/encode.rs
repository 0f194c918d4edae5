//! Encoding, from a table of codes or, in little code, by looking for each symbol's place.

use super::code::{BYTES, CODE_BITS, CODES, LINES, LONGEST_BITS, SHORTEST_BITS, SYMBOLS};
use crate::SMALL;
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
    code_of: impl Fn(u8) -> (u64, u32),
) -> Option<usize> {
    let mut out = Out { room: out.len(), rest: out, bits: 0, held: 0 };
    let code_of = |byte: u8| code_of(if lower_case { byte.to_ascii_lowercase() } else { byte });
    let mut text = text;
    // Four at once, as long as their codes are not so long that they do not fit.
    while !SMALL && let Some((four, rest)) = text.split_first_chunk::<4>() {
        let [first, second, third, fourth] = four.map(&code_of);
        let at_second = out.held.wrapping_add(first.1);
        let at_third = at_second.wrapping_add(second.1);
        let at_fourth = at_third.wrapping_add(third.1);
        let end = at_fourth.wrapping_add(fourth.1);
        if end >= 64 {
            break;
        }
        out.bits |= first.0.wrapping_shr(out.held) | second.0.wrapping_shr(at_second);
        out.bits |= third.0.wrapping_shr(at_third) | fourth.0.wrapping_shr(at_fourth);
        out.held = end;
        out.flush()?;
        text = rest;
    }
    for &byte in text {
        let (code, len) = code_of(byte);
        out.bits |= code.wrapping_shr(out.held);
        out.held = out.held.wrapping_add(len);
        out.flush()?;
    }
    out.finish()
}

/// Bits on their way.
struct Out<'o> {
    /// How many bytes there were.
    room: usize,
    rest: &'o mut [u8],
    /// What is not written yet: the highest `held` of these, and zeros.
    bits: u64,
    held: u32,
}

impl Out<'_> {
    /// Writes four bytes if there are; fewer than 32 bits are held then.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn flush(&mut self) -> Option<()> {
        if self.held >= 32 {
            let (place, rest) = core::mem::take(&mut self.rest).split_first_chunk_mut()?;
            *place = ((self.bits >> 32) as u32).to_be_bytes();
            (self.rest, self.bits, self.held) = (rest, self.bits << 32, self.held.wrapping_sub(32));
        }
        Some(())
    }

    /// Writes the rest, and ones up to a whole byte (RFC 7541 §5.2); says how many bytes there are in all.
    fn finish(self) -> Option<usize> {
        let bits = self.bits | u64::MAX >> self.held;
        let len = self.held.div_ceil(8) as usize;
        let written = self.room.wrapping_sub(self.rest.len());
        for (to, from) in self.rest.get_mut(..len)?.iter_mut().zip(bits.to_be_bytes()) {
            *to = from;
        }
        Some(written.wrapping_add(len))
    }
}

/// The code of each byte, from the highest of 64 bits on.
static ALIGNED: [u64; BYTES] = aligned();

/// The code of `byte`, from the highest of 64 bits on, and its length.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn quick_code(byte: u8) -> (u64, u32) {
    let (code, len) = (ALIGNED.get(usize::from(byte)), CODE_BITS.get(usize::from(byte)));
    (code.copied().unwrap_or(0), len.copied().map_or(0, u32::from))
}

/// The same. Common symbols stand near the start.
fn small_code(byte: u8) -> (u64, u32) {
    let at = find(byte, &SYMBOLS).unwrap_or(0) as u32;
    let mut len = SHORTEST_BITS;
    for line in &LINES {
        let code = at.wrapping_sub(line.offset);
        if code < line.end >> LONGEST_BITS.wrapping_sub(len) {
            return (u64::from(code) << 64_u32.wrapping_sub(len), len);
        }
        len = len.wrapping_add(1);
    }
    (0, 0)
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn aligned() -> [u64; BYTES] {
    let mut aligned = [0; BYTES];
    let mut byte = 0;
    while byte < BYTES {
        aligned[byte] = (CODES[byte] as u64) << (64 - CODE_BITS[byte] as u32);
        byte += 1;
    }
    aligned
}
