//! Bytes as text.

#![expect(unsafe_code, reason = "ASCII is UTF-8: what has been looked at once is not looked at again")]

use crate::SMALL;

/// `bytes` as text, if they are UTF-8. Quick if they are ASCII, as almost everything in a head is.
#[inline]
pub(crate) fn as_text(bytes: &[u8]) -> Option<&str> {
    if !SMALL && is_ascii(bytes) {
        // SAFETY: every byte is below 0x80, so each is a character of its own.
        return Some(unsafe { core::str::from_utf8_unchecked(bytes) });
    }
    if SMALL && is_utf8(bytes) {
        // SAFETY: it has just been found to be UTF-8.
        return Some(unsafe { core::str::from_utf8_unchecked(bytes) });
    }
    if SMALL { None } else { core::str::from_utf8(bytes).ok() }
}

/// Whether `bytes` are UTF-8 (RFC 3629 §4): in a tenth of the code that the standard library's quick way takes.
fn is_utf8(bytes: &[u8]) -> bool {
    // How many bytes of the character are still to come, and the range of the next one.
    let (mut more, mut low, mut high) = (0u8, 0x80u8, 0xbfu8);
    for &byte in bytes {
        if more > 0 {
            if byte < low || byte > high {
                return false;
            }
            more = more.wrapping_sub(1);
            (low, high) = (0x80, 0xbf);
            continue;
        }
        more = match byte {
            0..=0x7f => 0,
            0xc2..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf4 => 3,
            _ => return false,
        };
        match byte {
            // Not what fewer bytes can say, no surrogate, nothing past the last character.
            0xe0 => low = 0xa0,
            0xed => high = 0x9f,
            0xf0 => low = 0x90,
            0xf4 => high = 0x8f,
            _ => {}
        }
    }
    more == 0
}

/// Whether every byte is below 0x80.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().fold(0, |all, byte| all | byte) < 0x80;
    };
    // The last word overlaps the one before it.
    let mut all = u64::from_ne_bytes(*last);
    let mut rest = bytes;
    while let Some((word, more)) = rest.split_first_chunk() {
        all |= u64::from_ne_bytes(*word);
        rest = more;
    }
    all & HIGH_BITS == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn a_byte_that_is_not_ascii_is_seen_at_every_place() {
        for len in 0..=20 {
            assert!(is_ascii(&vec![0x7f; len]));
            for at in 0..len {
                for byte in [0x80, 0xff] {
                    let mut bytes = vec![b'a'; len];
                    bytes[at] = byte;
                    assert!(!is_ascii(&bytes), "{byte:#x} at {at} of {len}");
                    assert_eq!(as_text(&bytes), None);
                }
            }
        }
    }

    #[test]
    fn every_character_and_what_is_almost_one_is_judged_as_the_standard_library_does() {
        let agree =
            |bytes: &[u8]| assert_eq!(is_utf8(bytes), core::str::from_utf8(bytes).is_ok(), "{bytes:x?}");
        // The interpreter takes minutes for all pairs: there, one or two of each class of first and second bytes.
        let few: [&[u8]; 2] = [
            b"\x00\x7f\x80\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff",
            b"\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0",
        ];
        let [firsts, seconds] =
            few.map(|few| if cfg!(miri) { few.to_vec() } else { (0..=u8::MAX).collect() });
        for (first, second) in
            firsts.iter().flat_map(|first| seconds.iter().map(move |second| (*first, *second)))
        {
            agree(&[first]);
            agree(&[first, second]);
            for third in [0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff] {
                agree(&[first, second, third]);
                for fourth in [0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xf4] {
                    agree(&[first, second, third, fourth]);
                    agree(&[b'a', first, second, third, fourth, b'a']);
                }
            }
        }
    }

    #[test]
    fn text_is_what_the_standard_library_takes_for_text() {
        let words = ["", "/", "/hello/world", "caf\u{e9}", "\u{1f980}", "\u{7f}\u{80}"];
        let mut all: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        all.extend([
            b"caf\xc3".to_vec(),
            b"\xed\xa0\x80".to_vec(),
            b"long enough for a word \xc0\x80".to_vec(),
        ]);
        for before in 0..12 {
            for bytes in &all {
                let bytes = [vec![b'a'; before], bytes.clone()].concat();
                assert_eq!(as_text(&bytes), core::str::from_utf8(&bytes).ok());
            }
        }
    }
}
