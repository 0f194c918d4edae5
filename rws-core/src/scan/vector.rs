//! The search that all vector kernels share: classify a block, make a bit mask of it, take its lowest bit.
//!
//! ```text
//!   bytes   ....[at ......... len)          block      [base .. base + V::BYTES)
//!   near the end the block is moved back so that it ends with the slice, and its mask is shifted:
//!   nothing outside the slice is ever read, and no byte is looked at one by one.
//! ```
//!
//! Slices shorter than a block go to [`Scalar`].
#![expect(unsafe_code, reason = "vector loads at offsets that have been checked")]

use core::marker::PhantomData;

use super::Kernel;
use super::class::{Class, Segments};
use super::scalar::Scalar;

/// A vector register.
///
/// # Safety
/// `load` must read exactly `BYTES` bytes, and masks have `LANE_BITS` bits for each byte, lowest first.
/// The methods that take `self` may use instructions that not every processor has: whoever has a value
/// has promised that this one has them.
pub(crate) unsafe trait Vector: Copy {
    /// Bytes in a register.
    const BYTES: usize;
    /// Bits of a mask for each byte.
    const LANE_BITS: usize;

    /// Whether `outside` is quick: there is an instruction that looks nibbles up.
    const LOOKS_UP: bool;

    /// Loads a register.
    ///
    /// # Safety
    /// `BYTES` bytes are readable at `from`, and the processor has the instructions of this type.
    unsafe fn load(from: *const u8) -> Self;

    /// A mask of the bytes that are not in `class`.
    fn outside(self, class: Class) -> u64;

    /// A mask of the bytes that may not stand in a field value.
    fn not_text(self) -> u64;

    /// Whether this or `other` has a control byte, HTAB included.
    fn either_has_control(self, other: Self) -> bool;

    /// A mask of the bytes that equal `byte`.
    fn equal_to(self, byte: u8) -> u64;

    /// A mask of the bytes that, in lower case, equal those of `lowercase`. Only right for token bytes.
    fn equal_to_lowercase(self, lowercase: Self) -> u64;
}

/// The kernel that works with registers `V`.
#[derive(Debug)]
pub(crate) struct Wide<V>(PhantomData<V>);

impl<V> Clone for Wide<V> {
    #[inline(always)]
    fn clone(&self) -> Wide<V> {
        *self
    }
}

impl<V> Copy for Wide<V> {}

impl<V: Vector> Wide<V> {
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    pub(super) const unsafe fn new() -> Wide<V> {
        Wide(PhantomData)
    }

    /// The block at `at`.
    ///
    /// # Safety
    /// `at + V::BYTES` is at most `bytes.len()`.
    #[inline(always)]
    unsafe fn block(self, bytes: &[u8], at: usize) -> V {
        debug_assert!(at + V::BYTES <= bytes.len());
        // SAFETY: the caller promises that the block is inside the slice, and `new` that `V` can be used.
        unsafe { V::load(bytes.as_ptr().add(at)) }
    }

    /// The first byte from `at` on that `search` looks for. `None` if the slice is shorter than a block.
    #[inline(always)]
    fn find(self, bytes: &[u8], at: usize, mut search: impl Search<V>) -> Option<usize> {
        let last = bytes.len().checked_sub(V::BYTES)?;
        let mut at = at;
        while at < bytes.len() {
            let base = at.min(last);
            // SAFETY: `base` is at most `last`, from where on a block still fits.
            let block = unsafe { self.block(bytes, base) };
            let found = search.mask(block, (at - base) * V::LANE_BITS);
            if found != 0 {
                return Some(at + first_lane::<V>(found));
            }
            at = base + V::BYTES;
        }
        Some(at)
    }

    /// Steps over pairs of blocks from `at` on that hold text only. Gives the first byte that is none, or else
    /// where less than a pair is left.
    #[inline(always)]
    fn skip_text(self, bytes: &[u8], at: usize) -> Result<usize, usize> {
        let mut at = at;
        while bytes.len() - at >= 2 * V::BYTES {
            // SAFETY: two blocks fit from `at` on, by the condition of the loop.
            let (low, high) = unsafe { (self.block(bytes, at), self.block(bytes, at + V::BYTES)) };
            if low.either_has_control(high) {
                let (in_low, in_high) = (low.not_text(), high.not_text());
                if in_low != 0 {
                    return Ok(at + first_lane::<V>(in_low));
                }
                if in_high != 0 {
                    return Ok(at + V::BYTES + first_lane::<V>(in_high));
                }
            }
            at += 2 * V::BYTES;
        }
        Err(at)
    }
}

#[inline(always)]
fn first_lane<V: Vector>(mask: u64) -> usize {
    mask.trailing_zeros() as usize / V::LANE_BITS
}

/// What to look for. A trait, since closures cannot be told to be inlined.
trait Search<V> {
    /// The mask of what is wanted in `block`, moved down by `shift` bits.
    fn mask(&mut self, block: V, shift: usize) -> u64;
}

struct Outside(Class);

impl<V: Vector> Search<V> for Outside {
    #[inline(always)]
    fn mask(&mut self, block: V, shift: usize) -> u64 {
        block.outside(self.0) >> shift
    }
}

struct NotText;

impl<V: Vector> Search<V> for NotText {
    #[inline(always)]
    fn mask(&mut self, block: V, shift: usize) -> u64 {
        block.not_text() >> shift
    }
}

struct SegmentsEnd {
    segments: Segments,
    /// The lane of the next block's first byte, if the last byte of this one is a separator.
    starts: u64,
}

impl<V: Vector> Search<V> for SegmentsEnd {
    #[inline(always)]
    fn mask(&mut self, block: V, shift: usize) -> u64 {
        let Segments { class, separator, not_first } = self.segments;
        let separators = block.equal_to(separator) >> shift;
        let unwanted = separators | (block.equal_to(not_first) >> shift);
        let starts = (separators << V::LANE_BITS) | self.starts;
        self.starts = separators >> ((V::BYTES - 1) * V::LANE_BITS - shift);
        (block.outside(class) >> shift) | (starts & unwanted)
    }
}

impl<V: Vector> Kernel for Wide<V> {
    const COMPARES_WIDE: bool = true;

    #[inline(always)]
    fn run_end(self, class: Class, bytes: &[u8], at: usize) -> usize {
        let found = if V::LOOKS_UP { self.find(bytes, at, Outside(class)) } else { None };
        match found {
            Some(end) => end,
            None => Scalar.run_end(class, bytes, at),
        }
    }

    #[inline(always)]
    fn text_end(self, bytes: &[u8], at: usize) -> usize {
        // Most values end in their first block; the few long ones are worth a longer stride.
        let last = bytes.len().wrapping_sub(V::BYTES);
        if bytes.len() < V::BYTES || at > last {
            return match self.find(bytes, at, NotText) {
                Some(end) => end,
                None => Scalar.text_end(bytes, at),
            };
        }
        // SAFETY: `at` is at most `last`, from where on a block still fits.
        let found = unsafe { self.block(bytes, at) }.not_text();
        if found != 0 {
            return at + first_lane::<V>(found);
        }
        match self.skip_text(bytes, at + V::BYTES) {
            Ok(end) => end,
            Err(at) => {
                let end = self.find(bytes, at, NotText);
                end.unwrap_or(at)
            }
        }
    }

    #[inline(always)]
    fn segments_end(self, segments: Segments, bytes: &[u8], at: usize) -> usize {
        if !V::LOOKS_UP {
            return Scalar.segments_end(segments, bytes, at);
        }
        let end = self.find(bytes, at, SegmentsEnd { segments, starts: 0 });
        match end {
            Some(end) => end,
            None => Scalar.segments_end(segments, bytes, at),
        }
    }

    #[inline(always)]
    fn equals_lowercase(self, bytes: &[u8], at: usize, len: usize, lowercase: &[u8; 32]) -> bool {
        if len > lowercase.len() || bytes.len().saturating_sub(at) < lowercase.len() {
            return Scalar.equals_lowercase(bytes, at, len, lowercase);
        }
        let mut block = 0;
        while block < len {
            // SAFETY: `block` is 0, or 16 where registers have 16 bytes; 32 bytes are there at both places.
            let (name, lower) = unsafe { (self.block(bytes, at + block), self.block(lowercase, block)) };
            let wanted = u64::MAX >> (64 - (len - block).min(V::BYTES) * V::LANE_BITS);
            if name.equal_to_lowercase(lower) & wanted != wanted {
                return false;
            }
            block += V::BYTES;
        }
        true
    }
}
