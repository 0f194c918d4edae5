//! Bytes as text.

#![expect(unsafe_code, reason = "ASCII is UTF-8: what has been looked at once is not looked at again")]

/// `bytes` as text, if they are UTF-8. Quick if they are ASCII, as almost everything in a head is.
#[inline]
pub(crate) fn as_text(bytes: &[u8]) -> Option<&str> {
    if is_ascii(bytes) {
        // SAFETY: every byte is below 0x80, so each is a character of its own.
        return Some(unsafe { core::str::from_utf8_unchecked(bytes) });
    }
    core::str::from_utf8(bytes).ok()
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
