//! A lent buffer that is filled from the front.

use crate::Capacity;

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
        self.bytes.get_mut(self.len..end).ok_or(Capacity::Bytes)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// A field line.
    #[inline]
    pub(super) fn put_line(&mut self, name: &[u8], value: &[u8]) -> Result<(), Capacity> {
        let len = name.len().wrapping_add(value.len()).wrapping_add(4);
        let end = self.len.wrapping_add(len);
        let line = self.bytes.get_mut(self.len..end).ok_or(Capacity::Bytes)?;
        let (to_name, rest) = line.split_at_mut_checked(name.len()).ok_or(Capacity::Bytes)?;
        let (colon, rest) = rest.split_first_chunk_mut::<2>().ok_or(Capacity::Bytes)?;
        let (to_value, line_end) = rest.split_last_chunk_mut::<2>().ok_or(Capacity::Bytes)?;
        to_name.copy_from_slice(name);
        *colon = *b": ";
        to_value.get_mut(..value.len()).ok_or(Capacity::Bytes)?.copy_from_slice(value);
        *line_end = *b"\r\n";
        self.len = end;
        Ok(())
    }

    /// A number in decimal, and CRLF.
    pub(super) fn put_decimal_line(&mut self, mut number: u64) -> Result<(), Capacity> {
        let mut line = *b"00000000000000000000\r\n";
        let mut first = DECIMALS;
        for (at, slot) in line.iter_mut().take(DECIMALS).enumerate().rev() {
            *slot = b'0' | (number % 10) as u8;
            first = at;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.put(line.get(first..).unwrap_or(&[]))
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

/// Decimal digits of the largest number.
const DECIMALS: usize = 20;

/// How many hexadecimal digits `number` has.
pub(super) const fn hex_digits(number: u64) -> u32 {
    let bits = u64::BITS - number.leading_zeros();
    if bits == 0 { 1 } else { bits.div_ceil(4) }
}
