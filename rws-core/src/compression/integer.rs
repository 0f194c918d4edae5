//! Integers that begin in the low bits of a byte (RFC 7541 §5.1, RFC 9204 §4.1.1).
//!
//! ```text
//!   fits the prefix:   [flags | value]
//!   does not:          [flags | 1…1] [1 | 7 bits] … [0 | 7 bits]      value − prefix, low bits first
//! ```
//!
//! Values have 32 bits, and no integer takes more than [`BYTES_MAX`] bytes, whatever zeros it is padded with.

/// The most bytes an integer takes: the prefix, and five times seven bits.
pub(crate) const BYTES_MAX: usize = 6;

/// Why an integer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The bytes end in the middle of it.
    Truncated,
    /// It is above 32 bits, or is padded beyond [`BYTES_MAX`].
    TooLarge,
}

/// Reads the integer whose prefix is the bits `prefix` of the first of `bytes`, low ones all, and leaves in `bytes` what
/// comes behind it.
///
/// # Errors
/// [`Unreadable`]; `bytes` begin anywhere then.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn read(bytes: &mut &[u8], prefix: u8) -> Result<u32, Unreadable> {
    debug_assert!(prefix & prefix.wrapping_add(1) == 0 && prefix != 0, "a prefix is the low bits of a byte");
    let full = u32::from(prefix);
    let Some((&first, rest)) = bytes.split_first() else { return Err(Unreadable::Truncated) };
    *bytes = rest;
    let value = u32::from(first) & full;
    if value < full {
        return Ok(value);
    }
    let (value, rest) = read_rest(rest, full)?;
    *bytes = rest;
    Ok(value)
}

fn read_rest(mut bytes: &[u8], full: u32) -> Result<(u32, &[u8]), Unreadable> {
    let mut value = full;
    for shift in [0, 7, 14, 21, 28] {
        let Some((&byte, rest)) = bytes.split_first() else { return Err(Unreadable::Truncated) };
        bytes = rest;
        let part = u32::from(byte & 0x7f);
        if shift == 28 && part > 0xf {
            return Err(Unreadable::TooLarge);
        }
        value = value.checked_add(part << shift).ok_or(Unreadable::TooLarge)?;
        if byte < 0x80 {
            return Ok((value, bytes));
        }
    }
    Err(Unreadable::TooLarge)
}

/// Writes `value` at the start of `out`, behind `flags` in its first byte, and says how many bytes it took; `None`
/// if `out` has too few.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn write(value: u32, prefix_bits: u32, flags: u8, out: &mut [u8]) -> Option<usize> {
    debug_assert!((1..=8).contains(&prefix_bits), "a prefix is a part of a byte");
    let full = 0xff_u32 >> 8_u32.wrapping_sub(prefix_bits);
    let (first, rest) = out.split_first_mut()?;
    if value < full {
        *first = flags | value as u8;
        return Some(1);
    }
    *first = flags | full as u8;
    write_rest(value.wrapping_sub(full), rest)
}

fn write_rest(mut value: u32, out: &mut [u8]) -> Option<usize> {
    let mut len = 1_usize;
    for byte in out {
        len = len.wrapping_add(1);
        if value < 0x80 {
            *byte = value as u8;
            return Some(len);
        }
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn all_of(bytes: &[u8], prefix_bits: u32) -> Result<u32, Unreadable> {
        let mut rest = bytes;
        let value = read(&mut rest, 0xff >> (8 - prefix_bits))?;
        assert!(rest.is_empty(), "all of it is read");
        Ok(value)
    }

    fn written(value: u32, prefix_bits: u32, flags: u8) -> Vec<u8> {
        let mut out = [0; BYTES_MAX];
        let len = write(value, prefix_bits, flags, &mut out).expect("room");
        for short in 0..len {
            let mut copy = out;
            assert_eq!(write(value, prefix_bits, flags, &mut copy[..short]), None);
        }
        out[..len].to_vec()
    }

    #[test]
    fn the_examples_of_the_specification_are_read_and_written() {
        // RFC 7541 appendix C.1.
        for (value, prefix_bits, bytes) in
            [(10, 5, &[0b01010][..]), (1337, 5, &[0b11111, 0b1001_1010, 0b1010]), (42, 8, &[42])]
        {
            assert_eq!(all_of(bytes, prefix_bits), Ok(value));
            assert_eq!(written(value, prefix_bits, 0), bytes);
        }
    }

    #[test]
    fn what_is_written_is_read_at_every_prefix_and_no_part_of_it_is() {
        for prefix_bits in 1..=8_u32 {
            let flags = if prefix_bits == 8 { 0 } else { 0xff << prefix_bits };
            let near = (0..32).flat_map(|bit| {
                let value = 1_u32 << bit;
                [value.wrapping_sub(2), value - 1, value, value + 1, value.wrapping_add(126)]
            });
            for value in near.chain([u32::MAX]) {
                let bytes = written(value, prefix_bits, flags);
                assert_eq!(all_of(&bytes, prefix_bits), Ok(value), "{value} behind {prefix_bits} bits");
                for end in 0..bytes.len() {
                    assert_eq!(all_of(&bytes[..end], prefix_bits), Err(Unreadable::Truncated));
                }
            }
        }
    }

    #[test]
    fn an_integer_that_is_too_large_or_padded_is_refused() {
        assert_eq!(all_of(&[0x7f, 0x80, 0x80, 0x80, 0x80, 0x00], 7), Ok(127));
        for bytes in [
            &[0x7f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00][..],
            &[0x7f, 0x81, 0xff, 0xff, 0xff, 0x0f],
            &[0x7f, 0x80, 0x80, 0x80, 0x80, 0x10],
            &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(all_of(bytes, 7), Err(Unreadable::TooLarge), "{bytes:x?}");
        }
    }
}
