//! Base64 with padding (RFC 4648 §4), in a time that depends on the length alone: what is decoded is secret.

/// Decodes `text` into `out`. `None` if it is not canonical base64, or does not fit.
pub(super) fn decode<'o>(text: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = match text {
        [digits @ .., b'=', b'='] | [digits @ .., b'='] => digits,
        _ => text,
    };
    let len = digits.len() / 4 * 3 + digits.len() % 4 * 3 / 4;
    // What is not written yet, how many bits of it, and whether a byte was no digit (then it is negative).
    let (mut word, mut bits, mut all) = (0u32, 0u32, 0i32);
    let mut places = out.get_mut(..len)?.iter_mut();
    for &byte in digits {
        let digit = digit(byte);
        all |= digit;
        word = (word << 6) | (digit as u32 & 63);
        bits = bits.wrapping_add(6);
        if bits >= 8
            && let Some(place) = places.next()
        {
            bits = bits.wrapping_sub(8);
            *place = (word >> bits) as u8;
        }
    }
    // Bits that belong to no byte are zero, so that there is one spelling only.
    let is_canonical = bits < 6 && word & (1u32 << bits).wrapping_sub(1) == 0;
    (all >= 0 && is_canonical).then_some(out.get(..len)?)
}

/// The value of a digit; negative if it is none. No branch, and no table.
const fn digit(byte: u8) -> i32 {
    const fn ranged(byte: u8, low: u8, high: u8, value: i32) -> i32 {
        let byte = byte as i32;
        // All ones if it is in the range.
        let is_inside = ((low as i32 - 1 - byte) & (byte - high as i32 - 1)) >> 31;
        is_inside & (byte - low as i32 + value + 1)
    }
    (ranged(byte, b'A', b'Z', 0)
        | ranged(byte, b'a', b'z', 26)
        | ranged(byte, b'0', b'9', 52)
        | ranged(byte, b'+', b'+', 62)
        | ranged(byte, b'/', b'/', 63))
        - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64, Encoding as _};

    #[test]
    fn a_digit_has_its_value_and_nothing_else_is_a_digit() {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for byte in 0..=u8::MAX {
            let place = digits.iter().position(|&other| other == byte).map_or(-1, |place| place as i32);
            assert_eq!(digit(byte), place, "{byte}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_base64_is_what_an_independent_decoder_takes_for_it(
            text in "[A-Za-z0-9+/]{0,9}={0,3}|[A-Za-z0-9+/ =-]{0,12}",
        ) {
            let (mut ours, mut theirs) = ([0; 12], [0; 12]);
            let expected = Base64::decode(text.as_bytes(), &mut theirs).ok();
            proptest::prop_assert_eq!(decode(text.as_bytes(), &mut ours), expected, "{}", text);
        }

        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(0..=u8::MAX, 0..20)) {
            let (mut text, mut back) = ([0; 32], [0; 20]);
            let text = Base64::encode(&bytes, &mut text).expect("it fits");
            proptest::prop_assert_eq!(decode(text.as_bytes(), &mut back), Some(&bytes[..]));
        }
    }
}
