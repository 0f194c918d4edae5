//! Bodies of any size that need no memory: what stands in them depends on the place alone, so that whoever reads
//! one knows whether it arrived as it was sent.

use core::fmt;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::OnceLock;

/// After so many bytes it begins anew; a prime, so that no buffer's length divides it.
const PERIOD: usize = 1_048_583;
/// Sent at once.
const PIECE: usize = 200_000;

fn pattern() -> &'static [u8] {
    static PATTERN: OnceLock<Vec<u8>> = OnceLock::new();
    PATTERN.get_or_init(|| {
        let mut state: u32 = 1;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..PERIOD).map(next).collect()
    })
}

/// What comes at `at`, as far as it lies in one piece.
fn from(at: u64) -> &'static [u8] {
    let start = (at % PERIOD as u64) as usize;
    &pattern()[start..]
}

/// A body that is made as it is sent.
#[derive(Debug)]
pub struct Content {
    at: u64,
    bytes: u64,
}

impl Content {
    /// So many bytes of it.
    #[must_use]
    pub fn of(bytes: u64) -> Content {
        Content { at: 0, bytes }
    }
}

/// Sends so many bytes of it, in chunks or as they are.
///
/// # Errors
/// Those of the socket.
pub fn send_content(stream: &mut TcpStream, bytes: u64, is_chunked: bool) -> io::Result<()> {
    for piece in Content::of(bytes) {
        if is_chunked {
            write!(stream, "{:x}\r\n", piece.len())?;
        }
        stream.write_all(piece)?;
        if is_chunked {
            stream.write_all(b"\r\n")?;
        }
    }
    if is_chunked {
        stream.write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}

impl Iterator for Content {
    type Item = &'static [u8];

    fn next(&mut self) -> Option<&'static [u8]> {
        let here = from(self.at);
        let left = (self.bytes - self.at).min(PIECE as u64) as usize;
        let piece = &here[..left.min(here.len())];
        self.at += piece.len() as u64;
        (!piece.is_empty()).then_some(piece)
    }
}

/// Reads such a body, in whatever pieces it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// How many came.
    pub bytes: u64,
    /// Every byte was the one for its place.
    pub is_right: bool,
}

impl Arrived {
    /// Nothing yet.
    pub const NOTHING: Arrived = Arrived { bytes: 0, is_right: true };

    /// The next bytes.
    pub fn add(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let expected = from(self.bytes);
            let (here, rest) = piece.split_at(piece.len().min(expected.len()));
            self.is_right &= here == &expected[..here.len()];
            self.bytes += here.len() as u64;
            piece = rest;
        }
    }
}

/// What an upstream says of it.
impl fmt::Display for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, {}", self.bytes, if self.is_right { "right" } else { "wrong" })
    }
}
