//! A lent buffer that is filled from the front.

use super::body::{Count, is_countable};
use crate::message::{KnownName, Span};
use crate::scan::copy_into;
use crate::{Capacity, SMALL};

/// A lent buffer and how much of it is written.
#[derive(Debug)]
pub(super) struct Out<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl<'a> Out<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Out<'a> {
        Out { bytes, len: 0 }
    }

    /// Bytes written.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that still fit.
    pub(super) fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.len)
    }

    /// The part that is not written yet.
    pub(super) fn rest(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.len..).unwrap_or(&mut [])
    }

    /// Counts `n` bytes that were written into [`Out::rest`].
    pub(super) fn advance(&mut self, n: usize) {
        self.len = self.len.saturating_add(n).min(self.bytes.len());
    }

    /// Forgets what was written after `len`.
    pub(super) fn rewind(&mut self, len: usize) {
        self.len = len.min(self.len);
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Capacity> {
        let end = self.len.wrapping_add(bytes.len());
        copy_into(self.bytes.get_mut(self.len..end).ok_or(Capacity::Bytes)?, bytes);
        self.len = end;
        Ok(())
    }

    /// Writes at most `most` bytes: what `write` puts at the front of the rest, or nothing if it fails.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn write<T, E: From<Capacity>>(
        &mut self,
        most: usize,
        write: impl for<'r> FnOnce(Rest<'r>) -> Result<(Rest<'r>, T), E>,
    ) -> Result<T, E> {
        let end = self.len.saturating_add(most).min(self.bytes.len());
        let rest = Rest(self.bytes.get_mut(self.len..end).ok_or(Capacity::Bytes)?);
        let (rest, made) = write(rest)?;
        self.len = end.wrapping_sub(rest.0.len());
        Ok(made)
    }

    /// A number in hexadecimal, without leading zeros.
    pub(super) fn put_hex(&mut self, number: u64) -> Result<(), Capacity> {
        for at in (0..hex_digits(number)).rev() {
            let digit = (number >> (at * 4)) & 0xf;
            self.put(&[b"0123456789abcdef".get(digit as usize).copied().unwrap_or(b'0')])?;
        }
        Ok(())
    }
}

/// Values up to this length are copied in one piece: bytes.
pub(super) const SHORT_BYTES: usize = 32;

/// The part of a buffer that is not written yet. What is put there goes to its front, and leaves the rest: a
/// value of two words that stays in registers, where an [`Out`] would be memory.
#[derive(Debug)]
pub(super) struct Rest<'a>(&'a mut [u8]);

impl<'a> Rest<'a> {
    /// All of `bytes`.
    pub(super) const fn of(bytes: &'a mut [u8]) -> Rest<'a> {
        Rest(bytes)
    }

    /// Bytes whose number is known: a few moves.
    #[inline(always)]
    pub(super) fn array<const N: usize>(self, bytes: &[u8; N]) -> Result<Rest<'a>, Capacity> {
        match bytes.as_slice() {
            // Mostly the end of a line: no call that copies.
            &[first, second] if SMALL => return self.pair([first, second]),
            _ if SMALL => return self.bytes(bytes),
            _ => {}
        }
        let (slot, rest) = self.0.split_first_chunk_mut().ok_or(Capacity::Bytes)?;
        *slot = *bytes;
        Ok(Rest(rest))
    }

    #[inline(never)]
    fn pair(self, pair: [u8; 2]) -> Result<Rest<'a>, Capacity> {
        let (slot, rest) = self.0.split_first_chunk_mut().ok_or(Capacity::Bytes)?;
        *slot = pair;
        Ok(Rest(rest))
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn bytes(self, bytes: &[u8]) -> Result<Rest<'a>, Capacity> {
        let (slot, rest) = self.0.split_at_mut_checked(bytes.len()).ok_or(Capacity::Bytes)?;
        copy_into(slot, bytes);
        Ok(Rest(rest))
    }

    /// Field lines: mostly so few bytes that copying both ends of them, which overlap, spares a call.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn lines(self, bytes: &[u8]) -> Result<Rest<'a>, Capacity> {
        const END: usize = 32;
        if SMALL {
            return self.bytes(bytes);
        }
        let (slot, rest) = self.0.split_at_mut_checked(bytes.len()).ok_or(Capacity::Bytes)?;
        if bytes.len() <= 2 * END
            && let (Some(first), Some(last)) = (bytes.first_chunk::<END>(), bytes.last_chunk::<END>())
        {
            *slot.first_chunk_mut().ok_or(Capacity::Bytes)? = *first;
            *slot.last_chunk_mut().ok_or(Capacity::Bytes)? = *last;
        } else {
            copy_into(slot, bytes);
        }
        Ok(Rest(rest))
    }

    /// The start of a line with this name, without a call to copy it.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn line_start(self, name: KnownName) -> Result<Rest<'a>, Capacity> {
        #[cfg(target_pointer_width = "64")]
        if let Some(start) = name.line_start()
            && let Some(slot) = self.0.first_chunk_mut()
        {
            *slot = start.bytes;
            return Ok(Rest(self.0.get_mut(usize::from(start.len)..).unwrap_or(&mut [])));
        }
        self.bytes(name.as_str().as_bytes())?.array(b": ")
    }

    /// A line with this name and the first `len` bytes of `piece`, if there is room for a line that is as long as
    /// one can be here; the rest unchanged if not. What is copied too much the next bytes overwrite.
    #[cfg(target_pointer_width = "64")]
    #[inline(always)]
    pub(super) fn short_line(
        self,
        name: KnownName,
        piece: &[u8; SHORT_BYTES],
        len: usize,
    ) -> Result<Rest<'a>, Rest<'a>> {
        // All names are shorter: bounds that are powers of two cost no comparison.
        const NAME: usize = 63;
        const LINE: usize = NAME + SHORT_BYTES + 2;
        let Some(slot) = self.0.first_chunk_mut::<LINE>() else { return Err(self) };
        let Some(start) = name.line_start() else { return Err(self) };
        let name_len = usize::from(start.len) & NAME;
        let end = name_len.wrapping_add(len.min(SHORT_BYTES));
        if let Some(to) = slot.first_chunk_mut() {
            *to = start.bytes;
        }
        if let Some(to) = slot.get_mut(name_len..).and_then(<[u8]>::first_chunk_mut) {
            *to = *piece;
        }
        if let Some(to) = slot.get_mut(end..).and_then(<[u8]>::first_chunk_mut) {
            *to = *b"\r\n";
        }
        Ok(Rest(self.0.get_mut(end.wrapping_add(2)..).unwrap_or(&mut [])))
    }

    /// What `span` names in `arena`. Where both have the room, a short one is copied with whatever lies behind
    /// it, which the next bytes overwrite: that spares a call.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn part(self, arena: &[u8], span: Span) -> Result<Rest<'a>, Capacity> {
        if SMALL {
            return self.bytes(span.bytes(arena));
        }
        let from = arena.get(usize::from(span.at)..).unwrap_or(&[]);
        if usize::from(span.len) <= SHORT_BYTES
            && let Some(piece) = from.first_chunk::<SHORT_BYTES>()
            && let Some(slot) = self.0.first_chunk_mut()
        {
            *slot = *piece;
            return Ok(Rest(self.0.get_mut(usize::from(span.len)..).unwrap_or(&mut [])));
        }
        self.bytes(span.bytes(arena))
    }

    /// A field line.
    #[inline]
    pub(super) fn line(self, name: &[u8], value: &[u8]) -> Result<Rest<'a>, Capacity> {
        self.bytes(name)?.array(b": ")?.bytes(value)?.array(b"\r\n")
    }

    /// A number in decimal, and CRLF.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn decimal_line(self, number: u64) -> Result<Rest<'a>, Capacity> {
        let (0..10_000, Some(line), false) = (number, self.0.first_chunk_mut::<8>(), SMALL) else {
            return self.long_decimal_line(number);
        };
        let digits = four_digits(number as u32);
        // In bits: the zeros in front, but for the last digit.
        let zeros = (digits | 1 << 24).trailing_zeros() & !7;
        let text = u64::from(digits | 0x3030_3030) | (u64::from(u16::from_le_bytes(*b"\r\n")) << 32);
        *line = (text >> zeros).to_le_bytes();
        let len = 6_usize.wrapping_sub((zeros / 8) as usize);
        Ok(Rest(self.0.get_mut(len..).unwrap_or(&mut [])))
    }

    /// A number in decimal, CRLF, and the empty line that ends a head.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn decimal_end(self, number: u64) -> Result<Rest<'a>, Capacity> {
        let (0..10_000, Some(line), false) = (number, self.0.first_chunk_mut::<8>(), SMALL) else {
            return self.long_decimal_line(number)?.array(b"\r\n");
        };
        let digits = four_digits(number as u32);
        let zeros = (digits | 1 << 24).trailing_zeros() & !7;
        let text = u64::from(digits | 0x3030_3030) | (u64::from(u32::from_le_bytes(*b"\r\n\r\n")) << 32);
        *line = (text >> zeros).to_le_bytes();
        let len = 8_usize.wrapping_sub((zeros / 8) as usize);
        Ok(Rest(self.0.get_mut(len..).unwrap_or(&mut [])))
    }

    /// Two texts of known lengths around another, in one piece.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn around<const A: usize, const B: usize, const C: usize, const ALL: usize>(
        self,
        before: &[u8; A],
        middle: &[u8; B],
        after: &[u8; C],
    ) -> Result<Rest<'a>, Capacity> {
        const { assert!(A + B + C == ALL) };
        let (slot, rest) = self.0.split_first_chunk_mut::<ALL>().ok_or(Capacity::Bytes)?;
        let mut slot = Rest(slot);
        slot = slot.array(before)?.array(middle)?;
        slot.array(after)?;
        Ok(Rest(rest))
    }

    /// How many bytes are left.
    #[inline]
    pub(super) fn room(&self) -> usize {
        self.0.len()
    }

    #[cold]
    #[inline(never)]
    fn long_decimal_line(self, number: u64) -> Result<Rest<'a>, Capacity> {
        self.bytes(decimals(number, &mut [0; DECIMALS])?)?.array(b"\r\n")
    }
}

/// A number in decimal, at the end of `out`.
///
/// # Errors
/// [`Capacity`] for a number that cannot be [counted](is_countable).
#[inline(never)]
pub(crate) fn decimals(number: u64, out: &mut [u8; DECIMALS]) -> Result<&[u8], Capacity> {
    if !is_countable(number) {
        return Err(Capacity::Bytes);
    }
    let (mut number, mut first) = (number as Count, DECIMALS);
    while let Some(slot) = first.checked_sub(1).and_then(|at| out.get_mut(at)) {
        *slot = b'0' | (number % 10) as u8;
        number /= 10;
        first = first.wrapping_sub(1);
        if number == 0 {
            break;
        }
    }
    Ok(out.get(first..).unwrap_or(&[]))
}

/// The digits of a number below 10,000, one a byte, the first lowest.
#[cfg_attr(not(target_os = "none"), inline(always))]
const fn four_digits(number: u32) -> u32 {
    // Division by multiplication, exact for as many digits as there are: first pairs, then both pairs at once.
    let high = number.wrapping_mul(5243) >> 19;
    let pairs = high | number.wrapping_sub(high.wrapping_mul(100)) << 16;
    let tens = (pairs.wrapping_mul(103) >> 10) & 0x000f_000f;
    tens | pairs.wrapping_sub(tens.wrapping_mul(10)) << 8
}

/// Decimal digits of the largest number.
pub(crate) const DECIMALS: usize = 20;

/// How many hexadecimal digits `number` has.
pub(super) const fn hex_digits(number: u64) -> u32 {
    let bits = u64::BITS - number.leading_zeros();
    if bits == 0 { 1 } else { bits.div_ceil(4) }
}
