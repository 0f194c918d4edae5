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
pub(crate) use class::{Class, PATH, QUERY, Segments, TOKEN, VISIBLE};
pub(crate) use copy::{copy_into, move_within};
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

    /// The one word that a name of `len` bytes can be whose two first and two last bytes are `ends`. It has
    /// that length.
    fn candidate(ends: [u8; 4], len: usize) -> Option<(Self::Word, &'static Spelling)>;
}

/// How a word of at most 32 bytes is spelled, filled up with zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spelling {
    /// In lower case.
    pub(crate) lower: [u8; Spelling::BYTES],
    /// The bit that tells upper from lower case, where there is a letter: a name is the word if its bytes
    /// with these bits set are `lower`.
    pub(crate) case: [u8; Spelling::BYTES],
}

impl Spelling {
    /// The longest word: bytes.
    pub(crate) const BYTES: usize = 32;

    /// The spelling of `word`.
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
    pub(crate) const fn of(word: &str) -> Spelling {
        let word = word.as_bytes();
        let mut spelling = Spelling { lower: [0; Spelling::BYTES], case: [0; Spelling::BYTES] };
        let mut at = 0;
        while at < word.len() {
            spelling.lower[at] = word[at].to_ascii_lowercase();
            spelling.case[at] = if word[at].is_ascii_alphabetic() { 0x20 } else { 0 };
            at += 1;
        }
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
    /// Whether that is the empty line.
    pub(crate) is_last: bool,
    /// The word that is the name, in any case.
    pub(crate) word: Option<W>,
}

/// Bytes to read field lines from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    /// Up to here, [`Lines::REACH`] bytes follow.
    far: usize,
    /// Up to here, exclusive, something follows; 0 if there are less than [`Lines::BLOCK`] bytes in all.
    near: usize,
}

impl<'a> Lines<'a> {
    /// The largest block of any kernel: bytes.
    const BLOCK: usize = 32;
    /// A block for the name, a colon and a space, a block for the value, and an LF: bytes.
    const REACH: usize = 2 * Lines::BLOCK + 3;

    /// The lines of `bytes`.
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8]) -> Lines<'a> {
        let near = if bytes.len() < Lines::BLOCK { 0 } else { bytes.len() };
        Lines { bytes, far: bytes.len().saturating_sub(Lines::REACH), near }
    }
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

    /// The field line at `at`, if this kernel is quick to see that it has the usual shape: a name of at
    /// least two bytes, a colon, one space, a value that starts and ends with a byte that is no white space,
    /// and CRLF.
    /// `None` says nothing about the line.
    #[inline(always)]
    fn field_line<D: Dictionary>(self, lines: Lines<'_>, at: usize) -> Option<FieldLine<D::Word>> {
        let _ = (lines, at);
        None
    }

    /// Whether this kernel is quick to see that `at..end` is a host of letters, digits, `-` and `_` in
    /// labels that are not empty, which may end in one dot, with a port below 60,000, if any.
    /// `false` says nothing.
    #[inline(always)]
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
    /// `#[inline(always)]`.
    fn run<K: Kernel>(
        self,
        kernel: K,
        bytes: &[u8],
        scanned: &mut u16,
        place: &mut Self::Place,
    ) -> Self::Output;
}

/// Runs `task` with the fastest kernel of this processor.
#[inline(always)]
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
