//! Finding a byte.

use crate::SMALL;

/// Where `byte` first stands.
#[inline]
pub(crate) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    if SMALL { bytes.iter().position(|&other| other == byte) } else { memchr::memchr(byte, bytes) }
}

/// Where `byte` last stands.
#[inline]
pub(crate) fn rfind(byte: u8, bytes: &[u8]) -> Option<usize> {
    if SMALL { bytes.iter().rposition(|&other| other == byte) } else { memchr::memrchr(byte, bytes) }
}
