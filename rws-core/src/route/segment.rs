//! The segments of a path, eight bytes at a time.

use crate::SMALL;

/// One segment of a path: where it begins, how many bytes it has, and its first eight as the index has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) word: u64,
    pub(super) from: usize,
    pub(super) len: usize,
}

impl Segment {
    /// Where it ends.
    pub(super) const fn end(self) -> usize {
        self.from.wrapping_add(self.len)
    }

    /// The segment that begins at `from`.
    #[inline]
    pub(super) fn of(path: &[u8], from: usize) -> Segment {
        let Some(rest) = path.get(from..).filter(|rest| !rest.is_empty()) else {
            return Segment { word: 0, from, len: 0 };
        };
        if SMALL {
            let len = crate::scan::find(b'/', rest).unwrap_or(rest.len());
            let word = load_short(rest.get(..len.min(8)).unwrap_or(&[]));
            return Segment { word, from, len };
        }
        let word = load(path, rest);
        let marks = slashes(word);
        let len = if marks != 0 {
            (marks.trailing_zeros() / 8) as usize
        } else if rest.len() <= 8 {
            rest.len()
        } else {
            len_of_long(rest)
        };
        // The lowest mark is the top bit of its byte: without one, nothing is cut off.
        let first = (marks & marks.wrapping_neg()) >> 7;
        Segment { word: word & first.wrapping_sub(1), from, len }
    }
}

/// How far it is to the first slash, if there is none among the first eight bytes.
#[inline(never)]
fn len_of_long(rest: &[u8]) -> usize {
    let tail = rest.get(8..).unwrap_or(&[]);
    crate::scan::find(b'/', tail).unwrap_or(tail.len()).wrapping_add(8)
}

/// Up to eight bytes from the start of `rest`, which ends where `path` ends; zeros behind.
#[inline]
fn load(path: &[u8], rest: &[u8]) -> u64 {
    if let Some(word) = rest.first_chunk() {
        return u64::from_le_bytes(*word);
    }
    match path.last_chunk() {
        Some(word) => u64::from_le_bytes(*word) >> (64 - 8 * rest.len() as u32),
        None => load_short(rest),
    }
}

#[inline(never)]
fn load_short(rest: &[u8]) -> u64 {
    rest.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte))
}

/// The top bit of each byte that is a slash, as far as the first: those behind it may be wrong, since borrows
/// run upwards.
#[inline]
const fn slashes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let zeros = word ^ (ONES * b'/' as u64);
    zeros.wrapping_sub(ONES) & !zeros & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_segment_of_any_length_is_read_at_any_place() {
        for before in ["/", "/a/", "/abcdefgh/", "/abcdefghijklmnop/"] {
            for text in ["", "a", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghijklmnopqrstuvwxyz"] {
                for after in ["", "/", "/b", "//", "/abcdefghijklm"] {
                    let path = format!("{before}{text}{after}");
                    let segment = Segment::of(path.as_bytes(), before.len());
                    let mut word = [0; 8];
                    let len = text.len().min(8);
                    word[..len].copy_from_slice(&text.as_bytes()[..len]);
                    assert_eq!(&path[segment.from..segment.end()], text, "{path}");
                    assert_eq!((segment.word, segment.len), (u64::from_le_bytes(word), text.len()), "{path}");
                }
            }
        }
        assert_eq!(Segment::of(b"/a", 3).len, 0);
    }
}
