//! The search that all vector kernels share: classify a block, make a bit mask of it, take its lowest bit.
//!
//! ```text
//!   bytes   ....[at ....... last ......... len)      last = len - V::BYTES
//!                [ block ][ block ]
//!                             [ block ]              the last one is moved back, and its mask shifted
//! ```
//!
//! So nothing outside the slice is ever read, and no byte is looked at one by one, but in slices shorter than
//! a block. All of this is in functions and traits that are inlined, since closures cannot be told to be.
#![expect(unsafe_code, reason = "vector loads at offsets that have been checked")]

use core::marker::PhantomData;

use super::class::{Class, NAME, Segments, TOKEN};
use super::scalar::Scalar;
use super::{Dictionary, End, FieldLine, Kernel, Lines, Spelling};

/// A vector register.
///
/// # Safety
/// `load` must read exactly `BYTES` bytes, and masks have `LANE_BITS` bits for each byte, lowest first, and no
/// others. The methods that take `self` may use instructions that not every processor has: whoever has a
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

    /// The first byte from `at` on that `search` looks for.
    #[inline(always)]
    fn find<S: AnySearch<V>>(self, bytes: &[u8], at: usize, mut search: S) -> End {
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

    /// The same in what is left behind the last full block.
    #[inline(always)]
    fn find_in_tail<S: Search<V>>(self, bytes: &[u8], at: usize, last: usize, mut search: S) -> End {
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
    fn text_end_by_pairs(self, bytes: &[u8], at: usize, last: usize) -> End {
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
}

#[inline(always)]
fn first_lane<V: Vector>(mask: u64) -> usize {
    mask.trailing_zeros() as usize / V::LANE_BITS
}

/// The end at the lowest bit of `mask`, which is not 0, in the block at `at`.
///
/// # Safety
/// The block is inside `bytes`.
#[inline(always)]
unsafe fn found_at<V: Vector>(bytes: &[u8], at: usize, mask: u64) -> End {
    let at = at + first_lane::<V>(mask);
    debug_assert!(at < bytes.len());
    // SAFETY: the lowest bit of a mask that is not 0 belongs to a byte of the block.
    End { at, byte: Some(unsafe { *bytes.get_unchecked(at) }) }
}

/// What to look for.
trait Search<V> {
    /// The mask of what is wanted in `block`, moved down by `shift` bits (modulo 64).
    fn mask(&mut self, block: V, shift: usize) -> u64;
}

/// A search in any slice.
trait AnySearch<V>: Search<V> {
    /// The search in a slice that is shorter than a block.
    fn in_short(&self, bytes: &[u8], at: usize) -> End;
}

struct Outside(Class);

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

struct NotPrintable;

impl<V: Vector> Search<V> for NotPrintable {
    #[inline(always)]
    fn mask(&mut self, block: V, shift: usize) -> u64 {
        block.not_printable() >> (shift % 64)
    }
}

struct EqualTo(u8);

impl<V: Vector> Search<V> for EqualTo {
    #[inline(always)]
    fn mask(&mut self, block: V, shift: usize) -> u64 {
        block.equal_to(self.0) >> (shift % 64)
    }
}

struct NotText;

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

struct SegmentsEnd {
    segments: Segments,
    /// The lane of the next block's first byte, if the last byte of this one is a separator.
    starts: u64,
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

impl<V: Vector> Wide<V> {
    /// The field line at `at`, if it has the usual shape.
    ///
    /// # Safety
    /// With `FAR`, `at + Lines::REACH` is at most `bytes.len()`. Else `at` is inside, and so is one block.
    #[inline(always)]
    unsafe fn usual_line<const FAR: bool, D: Dictionary>(
        self,
        bytes: &[u8],
        at: usize,
    ) -> Option<FieldLine<D::Word>> {
        // SAFETY: every call below is for indexes that the lines before it have placed inside the slice.
        let byte = |index: usize| unsafe { *bytes.get_unchecked(index) };
        // SAFETY: as above, for two bytes.
        let pair = |index: usize| unsafe { bytes.as_ptr().add(index).cast::<[u8; 2]>().read() };
        let last = bytes.len() - V::BYTES;
        // SAFETY: as the caller promises.
        let len = unsafe { self.first_in_block::<FAR, _>(bytes, at, last, EqualTo(b':')) };
        // With `FAR`, the colon, a space and the block behind them are inside: so `REACH` is made.
        if len.wrapping_sub(2) >= V::BYTES - 2 || (!FAR && at + len + 2 >= bytes.len()) {
            return None;
        }
        let (colon, value_at) = (at + len, at + len + 2);
        if pair(colon) != *b": " || byte(value_at) <= b' ' {
            return None;
        }
        // SAFETY: as above; `value_at` is inside.
        let value_len = unsafe { self.first_in_block::<FAR, _>(bytes, value_at, last, NotPrintable) };
        let mut value_end = value_at + value_len;
        if value_len >= V::BYTES || (!FAR && value_end + 1 >= bytes.len()) || pair(value_end) != *b"\r\n" {
            // SAFETY: `value_at` is inside; with `FAR`, a block is.
            value_end = unsafe { self.long_text_end::<FAR>(bytes, value_at, last) }?;
            if pair(value_end) != *b"\r\n" {
                return None;
            }
        }
        if byte(value_end - 1) <= b' ' {
            return None;
        }
        let ([first, second], [third, fourth]) = (pair(at), pair(colon - 2));
        // SAFETY: with `FAR`, a block fits at `at`; else the name is inside.
        let word = unsafe { self.look_up::<FAR, D>(bytes, at, len, [first, second, third, fourth]) };
        if word.is_none() {
            // A word is a token; any other name must be seen to be one.
            // SAFETY: as for the colon.
            let token_len = unsafe { self.first_in_block::<FAR, _>(bytes, at, last, Outside(TOKEN)) };
            if token_len != len {
                return None;
            }
        }
        let next = value_end + 2;
        let is_last = (next + 1 < bytes.len()) && pair(next) == *b"\r\n";
        Some(FieldLine { colon, value_at, value_end, next, is_last, word })
    }

    /// Where the text ends that starts at `at`. `None` if no byte follows that end in `bytes`.
    ///
    /// # Safety
    /// `last` is where the last block of `bytes` starts. With `FAR`, `at` is at most that; else it is inside.
    #[inline(always)]
    unsafe fn long_text_end<const FAR: bool>(self, bytes: &[u8], at: usize, last: usize) -> Option<usize> {
        // SAFETY: as the caller promises.
        let mut len = unsafe { self.first_in_block::<FAR, _>(bytes, at, last, NotText) };
        if len >= V::BYTES {
            let next = at + V::BYTES;
            len = if FAR {
                self.text_end_by_pairs(bytes, next, last).at - at
            } else if next < bytes.len() {
                // SAFETY: `next` is inside.
                V::BYTES + unsafe { self.first_in_block::<false, _>(bytes, next, last, NotText) }
            } else {
                V::BYTES
            };
        }
        if at + len + 1 < bytes.len() { Some(at + len) } else { None }
    }

    /// The word that the `len` bytes at `at` are.
    ///
    /// # Safety
    /// They are inside `bytes`, and at least two. With `FAR`, 32 bytes are.
    #[inline(always)]
    unsafe fn look_up<const FAR: bool, D: Dictionary>(
        self,
        bytes: &[u8],
        at: usize,
        len: usize,
        ends: [u8; 4],
    ) -> Option<D::Word> {
        let (word, spelling) = D::candidate(ends, len)?;
        // SAFETY: as the caller promises.
        let is_it = unsafe {
            if FAR {
                self.is_spelled(bytes, at, len, spelling)
            } else {
                is_spelled_in_words(bytes, at, len, spelling)
            }
        };
        if is_it { Some(word) } else { None }
    }

    /// Whether the `len` bytes at `at` are those of `spelling`.
    ///
    /// # Safety
    /// 32 bytes are inside `bytes` from `at` on.
    #[inline(always)]
    unsafe fn is_spelled(self, bytes: &[u8], at: usize, len: usize, spelling: &Spelling) -> bool {
        // SAFETY: as the caller promises; the second block is that of registers with 16 bytes.
        unsafe {
            let equal = self.equal_bytes(bytes, at, spelling, 0);
            if V::BYTES == Spelling::BYTES || equal < V::BYTES || len <= V::BYTES {
                return equal >= len;
            }
            V::BYTES + self.equal_bytes(bytes, at, spelling, V::BYTES) >= len
        }
    }

    /// How many bytes of `bytes[at + from..]` are those of `spelling` behind `from`: at least `V::BYTES` if a block is.
    ///
    /// # Safety
    /// A block is inside both from there on.
    #[inline(always)]
    unsafe fn equal_bytes(self, bytes: &[u8], at: usize, spelling: &Spelling, from: usize) -> usize {
        // SAFETY: as the caller promises.
        unsafe {
            let (lower, case) = (self.block(&spelling.lower, from), self.block(&spelling.case, from));
            first_lane::<V>(!self.block(bytes, at + from).equal_with(case, lower))
        }
    }

    /// How many bytes stand before the first that `search` looks for in the block at `at`, or, not `FAR`, in the
    /// last bytes from `at` on. At least `V::BYTES` if there is none.
    ///
    /// # Safety
    /// `last` is where the last block of `bytes` starts. With `FAR`, `at` is at most that; else it is inside.
    #[inline(always)]
    unsafe fn first_in_block<const FAR: bool, S: Search<V>>(
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

    /// Whether the name and the port of `at..end` are as [`Kernel::is_plain_host`] says.
    ///
    /// # Safety
    /// `end` is at most `bytes.len()`, `at` less, and `last` is where the last block of `bytes` starts.
    #[inline(always)]
    unsafe fn is_plain_host_in_block(self, bytes: &[u8], at: usize, end: usize, last: usize) -> bool {
        let base = at.min(last);
        // SAFETY: `base` is at most `last`.
        let block = unsafe { self.block(bytes, base) };
        let shift = (at - base) * V::LANE_BITS;
        let outside = block.outside(NAME) >> (shift % 64);
        let name_len = first_lane::<V>(outside);
        let dots = block.equal_to(b'.') >> (shift % 64);
        // The lowest bit stands for the place before the host, as if there was a dot.
        let empty_labels = dots & ((dots << V::LANE_BITS) | 1);
        if empty_labels & (outside ^ outside.wrapping_sub(1)) != 0 || name_len == 0 {
            return false;
        }
        let len = end - at;
        if name_len >= len {
            return true;
        }
        let port_len = len - name_len - 1;
        let other = block.no_digits() >> (shift % 64) >> (name_len * V::LANE_BITS) >> V::LANE_BITS;
        // SAFETY: `name_len` is less than `len`.
        let separator = unsafe { *bytes.get_unchecked(at + name_len) };
        separator == b':' && port_len.wrapping_sub(1) < 4 && first_lane::<V>(other) >= port_len
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
            self.find(bytes, at, SegmentsEnd { segments, starts: 0 })
        } else {
            Scalar.segments_end(segments, bytes, at)
        }
    }

    #[inline(always)]
    fn field_line<D: Dictionary>(self, lines: Lines<'_>, at: usize) -> Option<FieldLine<D::Word>> {
        const { assert!(V::BYTES <= Lines::BLOCK) };
        let Lines { bytes, far, near } = lines;
        if !V::LOOKS_UP {
            None
        } else if at < far {
            // SAFETY: `REACH` bytes follow, as `Lines` says.
            unsafe { self.usual_line::<true, D>(bytes, at) }
        } else if at < near {
            // SAFETY: `at` is inside, and so is a block, as `Lines` says.
            unsafe { self.usual_line::<false, D>(bytes, at) }
        } else {
            None
        }
    }

    #[inline(always)]
    fn is_plain_host(self, bytes: &[u8], at: usize, end: usize) -> bool {
        match bytes.len().checked_sub(V::BYTES) {
            Some(last) if V::LOOKS_UP && at < end && end <= bytes.len() && end - at <= V::BYTES => {
                // SAFETY: as checked.
                unsafe { self.is_plain_host_in_block(bytes, at, end, last) }
            }
            _ => false,
        }
    }
}

/// Whether the `len` bytes at `at` are those of `spelling`, for names that no full block starts at.
///
/// # Safety
/// They are inside `bytes`, and at least two.
#[inline(always)]
unsafe fn is_spelled_in_words(bytes: &[u8], at: usize, len: usize, spelling: &Spelling) -> bool {
    debug_assert!(at + len <= bytes.len() && len >= 2);
    // SAFETY: there are `len` bytes, at least the word's. The first and the last word may overlap.
    unsafe {
        match len {
            2..=3 => ends_are_spelled::<2>(bytes, at, len, spelling),
            4..=8 => ends_are_spelled::<4>(bytes, at, len, spelling),
            9..=16 => ends_are_spelled::<8>(bytes, at, len, spelling),
            17..=Spelling::BYTES => ends_are_spelled::<16>(bytes, at, len, spelling),
            _ => false,
        }
    }
}

/// Whether the first and the last `N` of the `len` bytes at `at` are those of `spelling`.
///
/// # Safety
/// `len` bytes are inside `bytes`, from `N` to 32.
#[inline(always)]
unsafe fn ends_are_spelled<const N: usize>(bytes: &[u8], at: usize, len: usize, spelling: &Spelling) -> bool {
    let end = len - N;
    // SAFETY: as the caller promises; arrays of bytes need no alignment.
    unsafe {
        let word = |from: &[u8], at: usize| widened(from.as_ptr().add(at).cast::<[u8; N]>().read());
        let first = (word(bytes, at) | word(&spelling.case, 0)) ^ word(&spelling.lower, 0);
        let last = (word(bytes, at + end) | word(&spelling.case, end)) ^ word(&spelling.lower, end);
        first | last == 0
    }
}

/// The bytes as one number.
#[inline(always)]
fn widened<const N: usize>(bytes: [u8; N]) -> u128 {
    let mut wide = [0; 16];
    wide.iter_mut().zip(bytes).for_each(|(wide, byte)| *wide = byte);
    u128::from_ne_bytes(wide)
}
