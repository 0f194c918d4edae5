//! The field line of the usual shape, seen at a glance.
//!
//! ```text
//!   with room behind    [ name: … block ]              every line brings two blocks of its own
//!                             [ value … block ]
//!   at the end          [ 64 bytes, two blocks ]       both are looked at once, for all lines
//! ```

use super::super::class::TOKEN;
use super::super::{Dictionary, FieldLine, Lines, Spelling, Tail};
use super::search::{EqualTo, NotText, Outside, first_lane};
use super::{Vector, Wide};

/// A pair of bytes at `at`.
///
/// # Safety
/// They are inside `bytes`.
#[inline(always)]
unsafe fn pair(bytes: &[u8], at: usize) -> [u8; 2] {
    debug_assert!(at + 2 <= bytes.len());
    // SAFETY: as the caller promises.
    unsafe { bytes.as_ptr().add(at).cast::<[u8; 2]>().read() }
}

/// Whether a value may start or end with the byte at `at`.
///
/// # Safety
/// It is inside `bytes`.
#[inline(always)]
unsafe fn is_edge(bytes: &[u8], at: usize) -> bool {
    // SAFETY: as the caller promises.
    unsafe { *bytes.get_unchecked(at) > b' ' }
}

impl<V: Vector> Wide<V> {
    /// Whether a mask of 64 bytes has a bit for each.
    const IS_DENSE: bool = V::LANE_BITS == 1 && V::BYTES == 32;
    /// The longest name of a usual line: with colon and space it fits a block.
    const NAME_BYTES_MAX: usize = V::BYTES - 2;

    /// The field line at `at`, if it has the usual shape.
    ///
    /// # Safety
    /// `at + Lines::REACH` is at most `bytes.len()`.
    #[inline(always)]
    pub(super) unsafe fn line_with_room<D: Dictionary>(
        self,
        bytes: &[u8],
        at: usize,
    ) -> Option<FieldLine<D::Word>> {
        // SAFETY: `at` and what is up to two blocks behind it are inside, and so are the name with its colon and
        // space, which fit a block. Other places are checked.
        unsafe {
            let name = self.block(bytes, at);
            let len = first_lane::<V>(name.equal_to(b':'));
            if len.wrapping_sub(2) > Self::NAME_BYTES_MAX - 2 {
                return None;
            }
            let (colon, value_at) = (at + len, at + len + 2);
            let (word, spelling) = candidate::<D>(bytes, at, len)?;
            let word = if self.is_spelled(bytes, at, spelling) {
                Some(word)
            } else {
                // A word is a token, with a colon and a space; any other name must be seen to be one.
                if first_lane::<V>(name.outside(TOKEN)) != len || pair(bytes, colon) != *b": " {
                    return None;
                }
                None
            };
            let value_len = first_lane::<V>(self.block(bytes, value_at).not_printable());
            let mut value_end = value_at + value_len;
            if value_len >= V::BYTES - 1 || pair(bytes, value_end) != *b"\r\n" {
                value_end = self.long_text_end(bytes, value_at)?;
            }
            if !is_edge(bytes, value_at) || !is_edge(bytes, value_end - 1) {
                return None;
            }
            Some(FieldLine { colon, value_at, value_end, next: value_end + 2, word })
        }
    }

    /// Where the text ends that starts at `at`, if CRLF follows.
    ///
    /// # Safety
    /// A block is inside from `at` on.
    #[inline(always)]
    unsafe fn long_text_end(self, bytes: &[u8], at: usize) -> Option<usize> {
        // SAFETY: as the caller promises.
        let len = first_lane::<V>(unsafe { self.block(bytes, at) }.not_text());
        let end = if len < V::BYTES {
            at + len
        } else {
            self.text_end_by_pairs(bytes, at + V::BYTES, bytes.len() - V::BYTES).at
        };
        // SAFETY: both bytes are inside.
        if end + 1 < bytes.len() && unsafe { pair(bytes, end) } == *b"\r\n" { Some(end) } else { None }
    }

    /// The end of `bytes`.
    #[inline(always)]
    pub(super) fn look_at_tail(self, bytes: &[u8]) -> Tail<'_> {
        let len = bytes.len();
        // With so many, the first block has no byte that ends a line or stands right before it.
        if !Self::IS_DENSE || len < V::BYTES + 3 {
            return Tail { bytes, base: 0, colons: 0, odd: 0 };
        }
        let base = len.saturating_sub(Lines::REACH);
        let shift = len - V::BYTES - base;
        // SAFETY: there is a block, and `base` is not behind the last.
        let (low, high) = unsafe { (self.block(bytes, base), self.block(bytes, len - V::BYTES)) };
        let colons = low.equal_to(b':') | (high.equal_to(b':') & (u64::MAX >> 34)) << (shift % 64);
        let odd = low.not_printable() | (high.not_printable() & (u64::MAX >> 33)) << (shift % 64);
        Tail { bytes, base, colons, odd }
    }

    /// The field line at `at`, in the last bytes, if it has the usual shape.
    ///
    /// # Safety
    /// `tail` is of [`Wide::look_at_tail`].
    #[inline(always)]
    pub(super) unsafe fn line_in_tail<D: Dictionary>(
        self,
        tail: Tail<'_>,
        at: usize,
    ) -> Option<FieldLine<D::Word>> {
        let bytes = tail.bytes;
        // SAFETY: `name_len` and `value_end` give places that as many bytes follow as are read, and `at` is inside
        // if there is a name.
        unsafe {
            let len = self.name_len(tail, at)?;
            let (colon, value_at) = (at + len, at + len + 2);
            if value_at < Spelling::FRONT {
                return None;
            }
            let (word, spelling) = candidate::<D>(bytes, at, len)?;
            let word = if is_spelled_to(bytes, at, len, spelling) {
                Some(word)
            } else {
                let last = bytes.len() - V::BYTES;
                if self.first_in_block::<false, _>(bytes, at, last, Outside(TOKEN)) != len
                    || pair(bytes, colon) != *b": "
                {
                    return None;
                }
                None
            };
            let value_end = self.value_end(tail, value_at)?;
            if pair(bytes, value_end) != *b"\r\n"
                || !is_edge(bytes, value_at)
                || !is_edge(bytes, value_end - 1)
            {
                return None;
            }
            Some(FieldLine { colon, value_at, value_end, next: value_end + 2, word })
        }
    }

    /// How long the name at `at` is, from 2 to what a block holds with two bytes more. These and another one
    /// follow.
    ///
    /// # Safety
    /// `tail` is of [`Wide::look_at_tail`].
    #[inline(always)]
    unsafe fn name_len(self, tail: Tail<'_>, at: usize) -> Option<usize> {
        let Tail { bytes, base, colons, .. } = tail;
        let len = if Self::IS_DENSE {
            let from = at.wrapping_sub(base);
            if from >= 64 {
                return None;
            }
            (colons >> from).trailing_zeros() as usize
        } else {
            let last = bytes.len().checked_sub(V::BYTES)?;
            if at >= bytes.len() {
                return None;
            }
            // SAFETY: `at` is inside, and so is a block.
            unsafe { self.first_in_block::<false, _>(bytes, at, last, EqualTo(b':')) }
        };
        let fits = len.wrapping_sub(2) <= Self::NAME_BYTES_MAX - 2;
        if fits && (Self::IS_DENSE || at + len + 2 < bytes.len()) { Some(len) } else { None }
    }

    /// Where the value ends that starts at `at`. Two bytes follow.
    ///
    /// # Safety
    /// `tail` is of [`Wide::look_at_tail`], and `at` inside, behind what [`Wide::name_len`] has found.
    #[inline(always)]
    unsafe fn value_end(self, tail: Tail<'_>, at: usize) -> Option<usize> {
        let Tail { bytes, base, odd, .. } = tail;
        if !Self::IS_DENSE {
            let end = self.find_text_end(bytes, at);
            return if end + 1 < bytes.len() { Some(end) } else { None };
        }
        let rest = odd >> ((at - base) % 64);
        if rest == 0 { None } else { Some(at + rest.trailing_zeros() as usize) }
    }

    #[inline(always)]
    fn find_text_end(self, bytes: &[u8], at: usize) -> usize {
        self.find(bytes, at, NotText).at
    }

    /// Whether a line begins at `at` as `spelling` says.
    ///
    /// # Safety
    /// 32 bytes are inside `bytes` from `at` on.
    #[inline(always)]
    unsafe fn is_spelled(self, bytes: &[u8], at: usize, spelling: &Spelling) -> bool {
        let mut from = 0;
        while from < Spelling::BYTES {
            // SAFETY: as the caller promises; blocks have 16 or 32 bytes.
            let equal = unsafe {
                let lower = self.block(&spelling.lower, Spelling::FRONT + from);
                let case = self.block(&spelling.case, Spelling::FRONT + from);
                self.block(bytes, at + from).equal_with(case, lower)
            };
            if equal != u64::MAX >> (64 - V::BYTES * V::LANE_BITS) {
                return false;
            }
            from += V::BYTES;
        }
        true
    }
}

/// The word that a name of `len` bytes at `at` can be.
///
/// # Safety
/// They are inside `bytes`, and at least two.
#[inline(always)]
unsafe fn candidate<D: Dictionary>(
    bytes: &[u8],
    at: usize,
    len: usize,
) -> Option<(D::Word, &'static Spelling)> {
    // SAFETY: as the caller promises.
    let ([first, second], [third, fourth]) = unsafe { (pair(bytes, at), pair(bytes, at + len - 2)) };
    D::candidate([first, second, third, fourth], len)
}

/// Whether a line begins at `at` as `spelling` says, with a name of `len` bytes, colon and space.
///
/// # Safety
/// All these are inside `bytes`, at most 32, and they end at least 16 from its start.
#[inline(always)]
unsafe fn is_spelled_to(bytes: &[u8], at: usize, len: usize, spelling: &Spelling) -> bool {
    const HALF: usize = Spelling::FRONT;
    let end = at + len + 2;
    debug_assert!(end <= bytes.len() && end >= HALF && len + 2 <= Spelling::BYTES);
    // SAFETY: as the caller promises, with `len + 2` at most 32, which the spelling has behind its front.
    unsafe {
        is_half(bytes, end - HALF, spelling, len + 2)
            && (len + 2 <= HALF || is_half(bytes, at, spelling, HALF))
    }
}

/// Whether the 16 bytes at `at` are those of `spelling` from `from` on.
///
/// # Safety
/// They are inside both.
#[inline(always)]
unsafe fn is_half(bytes: &[u8], at: usize, spelling: &Spelling, from: usize) -> bool {
    // SAFETY: as the caller promises; arrays of bytes need no alignment.
    unsafe {
        let half = |of: &[u8], at: usize| u128::from_ne_bytes(of.as_ptr().add(at).cast::<[u8; 16]>().read());
        ((half(bytes, at) | half(&spelling.case, from)) ^ half(&spelling.lower, from)) == 0
    }
}
