//! Kernels over vector registers: classify a block, make a bit mask of it, take its lowest bit.
//!
//! ```text
//!   bytes   ....[at ....... last ......... len)      last = len - V::BYTES
//!                [ block ][ block ]
//!                             [ block ]              the last one is moved back, and its mask shifted
//! ```
//!
//! So nothing outside the slice is ever read, and no byte is looked at one by one, but in slices shorter than
//! a block. All of this is in functions and traits that are inlined, since closures cannot be told to be:
//! a function that is not inlined into code compiled for its kernel calls each instruction as a function.
#![expect(unsafe_code, reason = "vector loads at offsets that have been checked")]

mod host;
mod line;
mod search;

use core::marker::PhantomData;

use self::search::{AnySearch, NotText, Outside, SegmentsEnd, found_at};
use super::class::{Class, Segments};
use super::scalar::Scalar;
use super::{Dictionary, End, FieldLine, Kernel, Lines, Tail};

/// A vector register.
///
/// # Safety
/// `load` must read exactly `BYTES` bytes, and masks have `LANE_BITS` bits for each byte, lowest first, and
/// no others. The methods that take `self` may use instructions that not every processor has: whoever has a
/// value has promised that this one has them.
pub(crate) unsafe trait Vector: Copy {
    /// Bytes in a register: 16 or 32.
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

    /// A mask of the bytes that are no decimal digits.
    fn no_digits(self) -> u64;

    /// A mask of the bytes that are not from space to `~`.
    fn not_printable(self) -> u64;

    /// A mask of the bytes that, with `bits` set, equal those of `other`.
    fn equal_with(self, bits: Self, other: Self) -> u64;
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
}

impl<V: Vector> Kernel for Wide<V> {
    #[inline(always)]
    fn run_end(self, class: Class, bytes: &[u8], at: usize) -> End {
        if V::LOOKS_UP { self.find(bytes, at, Outside(class)) } else { Scalar.run_end(class, bytes, at) }
    }

    #[inline(always)]
    fn text_end(self, bytes: &[u8], at: usize) -> End {
        // Most values end in their first block; the few long ones are worth a longer stride.
        match bytes.len().checked_sub(V::BYTES) {
            Some(last) if at <= last => {
                // SAFETY: `at` is at most `last`, from where on a block still fits.
                let found = unsafe { self.block(bytes, at) }.not_text();
                if found != 0 {
                    // SAFETY: a mask has bits for the block's bytes only, and the block is inside the slice.
                    return unsafe { found_at::<V>(bytes, at, found) };
                }
                self.text_end_by_pairs(bytes, at + V::BYTES, last)
            }
            Some(last) => self.find_in_tail(bytes, at, last, NotText),
            None => AnySearch::<V>::in_short(&NotText, bytes, at),
        }
    }

    #[inline(always)]
    fn segments_end(self, segments: Segments, bytes: &[u8], at: usize) -> End {
        if V::LOOKS_UP {
            self.find_near(bytes, at, SegmentsEnd { segments, starts: 0 })
        } else {
            Scalar.segments_end(segments, bytes, at)
        }
    }

    #[inline(always)]
    fn lines(self, bytes: &[u8]) -> Lines<'_> {
        if V::LOOKS_UP { Lines::new(bytes) } else { Lines { bytes, far: 0 } }
    }

    #[inline(always)]
    fn far_line<D: Dictionary>(self, lines: Lines<'_>, at: usize) -> Option<FieldLine<D::Word>> {
        const { assert!(V::BYTES <= Lines::BLOCK) };
        if V::LOOKS_UP && at < lines.far {
            // SAFETY: `REACH` bytes follow, as `Lines` says.
            unsafe { self.line_with_room::<D>(lines.bytes, at) }
        } else {
            None
        }
    }

    #[inline(always)]
    fn tail(self, bytes: &[u8]) -> Tail<'_> {
        self.look_at_tail(bytes)
    }

    #[inline(always)]
    fn tail_line<D: Dictionary>(self, tail: Tail<'_>, at: usize) -> Option<FieldLine<D::Word>> {
        // SAFETY: a kernel is given the tails that it made.
        if V::LOOKS_UP { unsafe { self.line_in_tail::<D>(tail, at) } } else { None }
    }

    #[inline(always)]
    fn is_plain_host(self, bytes: &[u8], at: usize, end: usize) -> bool {
        if V::LOOKS_UP && bytes.len() >= V::BYTES && at < end && end <= bytes.len() && end - at <= V::BYTES {
            // SAFETY: as checked.
            unsafe { self.is_plain_host_in_block(bytes, at, end) }
        } else {
            false
        }
    }
}
