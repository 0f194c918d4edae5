//! Byte-scanning kernels: where does a run of allowed bytes end?
//!
//! ```text
//!   dispatch(task) ── once per head ──▶ task.run(kernel)      the whole parse is compiled per kernel
//!                                          │
//!           run_end · text_end · segments_end (bytes, at) ──▶ the first byte that does not belong
//!
//!   Scalar   one byte at a time: the reading that the others are tested against
//!   Swar     a machine word                         Wide<V>   a vector: Sse2, Avx2 (asked for once), Neon
//! ```
//!
//! What belongs to a class is said once, in `class`; `text` makes text of bytes that are ASCII. A kernel never
//! reads outside the slice that it is given.
//! This is the only folder of the crate with unsafe code in it.
#![cfg_attr(
    not(any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "aarch64", target_feature = "neon")
    )),
    expect(dead_code, reason = "the quick ways are those of vector kernels")
)]

mod backend;
mod class;
mod copy;
mod equal;
mod find;
mod scalar;
mod swar;
mod text;

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod avx2;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2;
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
))]
mod vector;

pub(crate) use backend::Backend;
pub(crate) use class::{Class, KEPT, PATH, QUERY, SEGMENT, Segments, TOKEN, VISIBLE};
pub(crate) use copy::{copy_into, move_within};
pub(crate) use equal::{EQUAL_BYTES, equal_mask};
pub(crate) use find::{find, rfind};
pub(crate) use scalar::Scalar;
use swar::Swar;
pub(crate) use text::as_text;

/// Where a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The index of the first byte that does not belong; the length of the slice if all do.
    pub(crate) at: usize,
    /// That byte.
    pub(crate) byte: Option<u8>,
}

/// Words that a kernel can compare a name with.
pub(crate) trait Dictionary {
    /// A word.
    type Word: Copy;

    /// The one word that a name of `len` bytes can be whose two first and two last bytes are `ends`. The caller
    /// compares all of it, and the length with it.
    fn candidate(ends: [u8; 4], len: usize) -> Option<(Self::Word, &'static Spelling)>;
}

/// How a word is spelled where a field line begins, with the colon and the space behind it.
///
/// ```text
///   0          FRONT                     FRONT + BYTES
///   [ anything ][ name ":" " " anything… ]
/// ```
///
/// So whole blocks compare, whatever the length, that begin where the name does, or end behind the space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spelling {
    /// In lower case; all ones where any byte will do.
    pub(crate) lower: [u8; Spelling::FRONT + Spelling::BYTES],
    /// The bit that tells upper from lower case, where there is a letter, and all ones where any byte will do:
    /// a block is the word if its bytes with these bits set are `lower`.
    pub(crate) case: [u8; Spelling::FRONT + Spelling::BYTES],
}

impl Spelling {
    /// What is in front of the word: bytes.
    pub(crate) const FRONT: usize = 16;
    /// The longest word with its colon and space: bytes.
    pub(crate) const BYTES: usize = 32;
    /// The longest word: bytes.
    pub(crate) const WORD_BYTES_MAX: usize = Spelling::BYTES - 2;

    /// The spelling of `word`. One that is too long is like nothing.
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
    pub(crate) const fn of(word: &str) -> Spelling {
        const LEN: usize = Spelling::FRONT + Spelling::BYTES;
        let word = word.as_bytes();
        if word.len() > Spelling::WORD_BYTES_MAX {
            return Spelling { lower: [0; LEN], case: [0xff; LEN] };
        }
        let mut spelling = Spelling { lower: [0xff; LEN], case: [0xff; LEN] };
        let mut at = 0;
        while at < word.len() {
            spelling.lower[Spelling::FRONT + at] = word[at].to_ascii_lowercase();
            spelling.case[Spelling::FRONT + at] = if word[at].is_ascii_alphabetic() { 0x20 } else { 0 };
            at += 1;
        }
        spelling.lower[Spelling::FRONT + at] = b':';
        spelling.lower[Spelling::FRONT + at + 1] = b' ';
        spelling.case[Spelling::FRONT + at] = 0;
        spelling.case[Spelling::FRONT + at + 1] = 0;
        spelling
    }
}

/// Where the parts of a field line are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldLine<W> {
    /// Where the name ends.
    pub(crate) colon: usize,
    /// Where the value starts.
    pub(crate) value_at: usize,
    /// Where the value ends.
    pub(crate) value_end: usize,
    /// Where the next line starts.
    pub(crate) next: usize,
    /// The word that is the name, in any case.
    pub(crate) word: Option<W>,
}

/// Bytes to read field lines from: most of them with room behind, and those at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    /// Up to here, exclusive, [`Lines::REACH`] bytes follow.
    pub(crate) far: usize,
}

impl<'a> Lines<'a> {
    /// The largest block of any kernel: bytes.
    const BLOCK: usize = 32;
    /// A block for the name, a colon and a space, and a block for the value: bytes. As many as a mask has bits.
    const REACH: usize = 2 * Lines::BLOCK;

    /// The lines of `bytes`.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) const fn new(bytes: &'a [u8]) -> Lines<'a> {
        Lines { bytes, far: (bytes.len() + 1).saturating_sub(Lines::REACH) }
    }
}

/// The end of some bytes, with what a kernel has seen there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail<'a> {
    bytes: &'a [u8],
    /// The lowest bit of the masks is for the byte here.
    base: usize,
    /// Where colons are that at least two bytes follow.
    colons: u64,
    /// Where bytes are that are not from space to `~`, and that at least one byte follows.
    odd: u64,
}

/// Finds the ends of runs that start at an index of at most `bytes.len()`.
pub(crate) trait Kernel: Copy {
    /// The first byte from `at` on that is not in `class`.
    fn run_end(self, class: Class, bytes: &[u8], at: usize) -> End;

    /// The first byte from `at` on that may not stand in a field value (RFC 9110 §5.5): a control byte
    /// other than HTAB.
    fn text_end(self, bytes: &[u8], at: usize) -> End;

    /// The first byte from `at` on that is not in `segments.class`, or that must not follow the separator
    /// before it. What stands before `at` does not count.
    fn segments_end(self, segments: Segments, bytes: &[u8], at: usize) -> End;

    /// The lines that this kernel is quick with: of another, none has room behind.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn lines(self, bytes: &[u8]) -> Lines<'_> {
        Lines { bytes, far: 0 }
    }

    /// The field line at `at`, before `lines.far`, if this kernel is quick to see that it has the usual shape: a
    /// name of at least two bytes, a colon, one space, a value that starts and ends with a byte that is no white
    /// space, and CRLF.
    /// `None` says nothing about the line.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn far_line<D: Dictionary>(self, lines: Lines<'_>, at: usize) -> Option<FieldLine<D::Word>> {
        let _ = (lines, at);
        None
    }

    /// The end of `bytes`, from `lines.far` on.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn tail(self, bytes: &[u8]) -> Tail<'_> {
        Tail { bytes, base: 0, colons: 0, odd: 0 }
    }

    /// As [`Kernel::far_line`], from `lines.far` on.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn tail_line<D: Dictionary>(self, tail: Tail<'_>, at: usize) -> Option<FieldLine<D::Word>> {
        let _ = (tail, at);
        None
    }

    /// Whether this kernel is quick to see that `at..end` is a host of letters, digits, `-` and `_` in
    /// labels that are not empty, which may end in one dot, with a port below 60,000, if any.
    /// `false` says nothing.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn is_plain_host(self, bytes: &[u8], at: usize, end: usize) -> bool {
        let _ = (bytes, at, end);
        false
    }
}

/// Work that is compiled once per kernel, so that the kernel's code is inlined into it.
pub(crate) trait Task {
    /// What the work gives.
    type Output;
    /// What else it fills, in place: large results are not copied.
    type Place;

    /// Does the work on `bytes`, of which `scanned` were looked at before. Implementations are
    /// `#[cfg_attr(not(target_os = "none"), inline(always))]`.
    fn run<K: Kernel>(
        self,
        kernel: K,
        bytes: &[u8],
        scanned: &mut u16,
        place: &mut Self::Place,
    ) -> Self::Output;
}

/// Runs `task` with the fastest kernel of this processor.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn dispatch<T: Task>(task: T, bytes: &[u8], scanned: &mut u16, place: &mut T::Place) -> T::Output {
    Backend::dispatch(task, bytes, scanned, place)
}

/// Runs `task` with the kernel that `backend` names.
#[cfg(test)]
pub(crate) fn run_on<T: Task>(
    backend: Backend,
    task: T,
    bytes: &[u8],
    scanned: &mut u16,
    place: &mut T::Place,
) -> T::Output {
    backend.run(task, bytes, scanned, place)
}

#[cfg(test)]
mod tests;
