//! Searches: the first byte, or the first in a block, that is looked for.

use super::super::class::{Class, Segments};
use super::super::scalar::Scalar;
use super::super::{End, Kernel};
use super::{Vector, Wide};

impl<V: Vector> Wide<V> {
    /// The first byte from `at` on that `search` looks for.
    #[inline(always)]
    pub(super) fn find<S: AnySearch<V>>(self, bytes: &[u8], at: usize, mut search: S) -> End {
        let Some(last) = bytes.len().checked_sub(V::BYTES) else { return search.in_short(bytes, at) };
        let mut at = at;
        while at <= last {
            // SAFETY: `at` is at most `last`, from where on a block still fits.
            let found = search.mask(unsafe { self.block(bytes, at) }, 0);
            if found != 0 {
                // SAFETY: a mask has bits for the block's bytes only, and the block is inside the slice.
                return unsafe { found_at::<V>(bytes, at, found) };
            }
            at += V::BYTES;
        }
        self.find_in_tail(bytes, at, last, search)
    }

    /// The same, for what is mostly found in the first block: nothing is made ready for a loop.
    #[inline(always)]
    pub(super) fn find_near<S: AnySearch<V>>(self, bytes: &[u8], at: usize, mut search: S) -> End {
        let last = bytes.len().wrapping_sub(V::BYTES);
        if bytes.len() >= V::BYTES && at <= last {
            // SAFETY: `at` is at most `last`, from where on a block still fits.
            let found = search.mask(unsafe { self.block(bytes, at) }, 0);
            if found != 0 {
                // SAFETY: a mask has bits for the block's bytes only, and the block is inside the slice.
                return unsafe { found_at::<V>(bytes, at, found) };
            }
            return self.find(bytes, at + V::BYTES, search);
        }
        self.find(bytes, at, search)
    }

    /// The same in what is left behind the last full block.
    #[inline(always)]
    pub(super) fn find_in_tail<S: Search<V>>(
        self,
        bytes: &[u8],
        at: usize,
        last: usize,
        mut search: S,
    ) -> End {
        // SAFETY: `last` is where the last block of the slice starts.
        let block = unsafe { self.block(bytes, last) };
        let shift = at.wrapping_sub(last).wrapping_mul(V::LANE_BITS);
        if V::BYTES * V::LANE_BITS == 64 && shift >= 64 {
            return End { at, byte: None };
        }
        // For an `at` behind the slice this may find what is not there: `get` then says so.
        let found = search.mask(block, shift);
        if found == 0 {
            return End { at: bytes.len().max(at), byte: None };
        }
        let at = at.wrapping_add(first_lane::<V>(found));
        End { at, byte: bytes.get(at).copied() }
    }

    /// Steps over pairs of blocks from `at` on that hold text only, to the first byte that is none.
    #[inline(always)]
    pub(super) fn text_end_by_pairs(self, bytes: &[u8], at: usize, last: usize) -> End {
        let mut at = at;
        while at + V::BYTES <= last {
            // SAFETY: two blocks fit from `at` on, by the condition of the loop.
            let (low, high) = unsafe { (self.block(bytes, at), self.block(bytes, at + V::BYTES)) };
            if low.either_has_control(high) {
                let (in_low, in_high) = (low.not_text(), high.not_text());
                if in_low != 0 {
                    // SAFETY: a mask has bits for the block's bytes only, and the block is inside the slice.
                    return unsafe { found_at::<V>(bytes, at, in_low) };
                }
                if in_high != 0 {
                    // SAFETY: as above.
                    return unsafe { found_at::<V>(bytes, at + V::BYTES, in_high) };
                }
            }
            at += 2 * V::BYTES;
        }
        self.find(bytes, at, NotText)
    }

    /// How many bytes stand before the first that `search` looks for in the block at `at`, or, not `FAR`, in
    /// the last bytes from `at` on. At least `V::BYTES` if there is none.
    ///
    /// # Safety
    /// `last` is where the last block of `bytes` starts. With `FAR`, `at` is at most that; else it is inside.
    #[inline(always)]
    pub(super) unsafe fn first_in_block<const FAR: bool, S: Search<V>>(
        self,
        bytes: &[u8],
        at: usize,
        last: usize,
        mut search: S,
    ) -> usize {
        let base = if FAR { at } else { at.min(last) };
        let shift = (at - base) * V::LANE_BITS;
        // SAFETY: `base` is at most `last`.
        first_lane::<V>(search.mask(unsafe { self.block(bytes, base) }, shift))
    }
}

#[inline(always)]
pub(super) fn first_lane<V: Vector>(mask: u64) -> usize {
    mask.trailing_zeros() as usize / V::LANE_BITS
}

/// The end at the lowest bit of `mask`, which is not 0, in the block at `at`.
///
/// # Safety
/// The block is inside `bytes`.
#[inline(always)]
pub(super) unsafe fn found_at<V: Vector>(bytes: &[u8], at: usize, mask: u64) -> End {
    let at = at + first_lane::<V>(mask);
    debug_assert!(at < bytes.len());
    // SAFETY: the lowest bit of a mask that is not 0 belongs to a byte of the block.
    End { at, byte: Some(unsafe { *bytes.get_unchecked(at) }) }
}

/// What to look for.
pub(super) trait Search<V> {
    /// The mask of what is wanted in `block`, moved down by `shift` bits (modulo 64).
    fn mask(&mut self, block: V, shift: usize) -> u64;
}

/// A search in any slice.
pub(super) trait AnySearch<V>: Search<V> {
    /// The search in a slice that is shorter than a block.
    fn in_short(&self, bytes: &[u8], at: usize) -> End;
}

pub(super) struct Outside(pub(super) Class);

impl<V: Vector> Search<V> for Outside {
    #[inline(always)]
    fn mask(&mut self, block: V, shift: usize) -> u64 {
        block.outside(self.0) >> (shift % 64)
    }
}

impl<V: Vector> AnySearch<V> for Outside {
    #[cold]
    fn in_short(&self, bytes: &[u8], at: usize) -> End {
        Scalar.run_end(self.0, bytes, at)
    }
}

pub(super) struct EqualTo(pub(super) u8);

impl<V: Vector> Search<V> for EqualTo {
    #[inline(always)]
    fn mask(&mut self, block: V, shift: usize) -> u64 {
        block.equal_to(self.0) >> (shift % 64)
    }
}

pub(super) struct NotText;

impl<V: Vector> Search<V> for NotText {
    #[inline(always)]
    fn mask(&mut self, block: V, shift: usize) -> u64 {
        block.not_text() >> (shift % 64)
    }
}

impl<V: Vector> AnySearch<V> for NotText {
    #[cold]
    fn in_short(&self, bytes: &[u8], at: usize) -> End {
        Scalar.text_end(bytes, at)
    }
}

pub(super) struct SegmentsEnd {
    pub(super) segments: Segments,
    /// The lane of the next block's first byte, if the last byte of this one is a separator.
    pub(super) starts: u64,
}

impl<V: Vector> Search<V> for SegmentsEnd {
    #[inline(always)]
    fn mask(&mut self, block: V, shift: usize) -> u64 {
        let Segments { class, separator, not_first } = self.segments;
        let separators = block.equal_to(separator) >> (shift % 64);
        let mut unwanted = separators;
        if not_first != separator {
            unwanted |= block.equal_to(not_first) >> (shift % 64);
        }
        let starts = (separators << V::LANE_BITS) | self.starts;
        self.starts = separators >> ((V::BYTES - 1) * V::LANE_BITS);
        block.outside(class) >> (shift % 64) | (starts & unwanted)
    }
}

impl<V: Vector> AnySearch<V> for SegmentsEnd {
    #[cold]
    fn in_short(&self, bytes: &[u8], at: usize) -> End {
        Scalar.segments_end(self.segments, bytes, at)
    }
}
