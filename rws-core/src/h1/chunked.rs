//! The line before a chunk (RFC 9112 §7.1, §7.1.1), read byte by byte so that a split costs nothing.
//!
//! ```text
//!              ┌ hexdig
//!   Size ──────┤
//!    │ ws      │ ";"                        "="             DQUOTE
//!    ▼         ▼                             ▼              ┌──▶ Quoted ◀─▶ Escape
//!   Gap ─";"─▶ NameStart ─token─▶ Name ───▶ ValueStart ─────┤        │ DQUOTE
//!                                  │ ws       ▲             └─▶ Value │
//!                                  ▼    "="   │                  │    ▼
//!                                NameGap ─────┘                  └▶ ValueEnd
//!   Size, Name, Value, ValueEnd ── CR ──▶ LineFeed ── LF ──▶ the size is known
//! ```
//!
//! White space is allowed only where the grammar has BWS: so `5 \r\n` is refused.

use super::body::Count;
use crate::message::{hex_digit, is_token_byte};
use crate::scan::TOKEN;
use crate::{Limits, PeerFault, SMALL};

/// How far a chunk-size line has been read. The size itself is kept by the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkLine {
    extension_bytes: u16,
    digits: u8,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Size,
    Gap,
    NameStart,
    Name,
    NameGap,
    ValueStart,
    Value,
    Quoted,
    Escape,
    ValueEnd,
    LineFeed,
}

const DIGITS_MAX: u8 = 16;

impl ChunkLine {
    /// Before the first digit.
    pub(super) const START: ChunkLine = ChunkLine { extension_bytes: 0, digits: 0, at: At::Size };

    /// Takes one byte; whether the line is complete with it, and `size` with it too. `size` is 0 before the
    /// first byte.
    ///
    /// # Errors
    /// [`PeerFault::ChunkSyntax`], or [`PeerFault::ChunkOverhead`] for extensions beyond the limit.
    pub(super) fn step(&mut self, byte: u8, size: &mut Count, limits: &Limits) -> Result<bool, PeerFault> {
        match self.at {
            At::Size => match byte {
                b'\r' if self.digits > 0 => self.at = At::LineFeed,
                b';' | b' ' | b'\t' if self.digits > 0 => return self.extension(byte, limits),
                _ => self.digit(byte, size)?,
            },
            At::LineFeed if byte == b'\n' => return Ok(true),
            At::LineFeed => return Err(PeerFault::ChunkSyntax),
            At::Gap
            | At::NameStart
            | At::Name
            | At::NameGap
            | At::ValueStart
            | At::Value
            | At::Quoted
            | At::Escape
            | At::ValueEnd => return self.extension(byte, limits),
        }
        Ok(false)
    }

    fn digit(&mut self, byte: u8, size: &mut Count) -> Result<(), PeerFault> {
        let digit = hex_digit(byte).ok_or(PeerFault::ChunkSyntax)?;
        if self.digits == DIGITS_MAX {
            return Err(PeerFault::ChunkSyntax);
        }
        self.digits = self.digits.wrapping_add(1);
        // Only a count of 32 bits can overflow, and no body may be as long.
        *size = if *size > Count::MAX >> 4 { Count::MAX } else { (*size << 4) | Count::from(digit) };
        Ok(())
    }

    fn extension(&mut self, byte: u8, limits: &Limits) -> Result<bool, PeerFault> {
        let from = AFTER.get(usize::from(class_of(byte))).unwrap_or(&[None; STATES]);
        let next = from.get(self.at as usize).copied().flatten().ok_or(PeerFault::ChunkSyntax)?;
        self.at = next;
        if next != At::LineFeed {
            self.extension_bytes = self.extension_bytes.saturating_add(1);
            if self.extension_bytes > limits.chunk_extension_bytes_max {
                return Err(PeerFault::ChunkOverhead);
            }
        }
        Ok(false)
    }
}

/// The states, in their order.
const ALL: [At; STATES] = [
    At::Size,
    At::Gap,
    At::NameStart,
    At::Name,
    At::NameGap,
    At::ValueStart,
    At::Value,
    At::Quoted,
    At::Escape,
    At::ValueEnd,
    At::LineFeed,
];
const STATES: usize = 11;

/// Bytes that stand for all that mean the same in an extension: `MARKS` for themselves alone.
const MARKS: [u8; 5] = *b";\r=\"\\";
const CLASSES: [u8; 9] = *b";\r=\"\\ a@\0";

/// Which of [`CLASSES`] stands for a byte.
fn class_of(byte: u8) -> u8 {
    if let Some(mark) = MARKS.iter().position(|&mark| mark == byte) {
        return mark as u8;
    }
    match byte {
        b' ' | b'\t' => 5,
        _ if is_token_mark(byte) => 6,
        b' '..=0x7e | 0x80.. => 7,
        _ => 8,
    }
}

fn is_token_mark(byte: u8) -> bool {
    if SMALL { TOKEN.contains(byte) } else { is_token_byte(byte) }
}

/// Where a byte leads, by its class and the state.
static AFTER: [[Option<At>; STATES]; CLASSES.len()] = transitions();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn transitions() -> [[Option<At>; STATES]; CLASSES.len()] {
    let mut table = [[None; STATES]; CLASSES.len()];
    let mut class = 0;
    while class < CLASSES.len() {
        let mut state = 0;
        while state < STATES {
            assert!(ALL[state] as usize == state);
            table[class][state] = after_extension_byte(ALL[state], CLASSES[class]);
            state += 1;
        }
        class += 1;
    }
    table
}

/// The transitions inside extensions; `None` is a syntax error.
const fn after_extension_byte(at: At, byte: u8) -> Option<At> {
    let blank = matches!(byte, b' ' | b'\t');
    let token = is_token_byte(byte);
    match (at, byte) {
        (At::Size | At::Gap | At::Name | At::NameGap | At::Value | At::ValueEnd, b';') => Some(At::NameStart),
        (At::Size | At::Name | At::Value | At::ValueEnd, b'\r') => Some(At::LineFeed),
        (At::Size | At::Gap, _) if blank => Some(At::Gap),
        (At::NameStart, _) if blank => Some(At::NameStart),
        (At::NameStart | At::Name, _) if token => Some(At::Name),
        (At::Name | At::NameGap, _) if blank => Some(At::NameGap),
        (At::Name | At::NameGap, b'=') => Some(At::ValueStart),
        (At::ValueStart, b'"') => Some(At::Quoted),
        (At::ValueStart, _) if blank => Some(At::ValueStart),
        (At::ValueStart | At::Value, _) if token => Some(At::Value),
        (At::Value | At::ValueEnd, _) if blank => Some(At::Gap),
        (At::Quoted, b'"') => Some(At::ValueEnd),
        (At::Quoted, b'\\') => Some(At::Escape),
        (At::Quoted | At::Escape, _) if blank || (byte >= b' ' && byte != 0x7f) => Some(At::Quoted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_stands_for_each_of_its_bytes() {
        for byte in 0..=u8::MAX {
            for at in ALL {
                let row = &AFTER[usize::from(class_of(byte))];
                assert_eq!(row[at as usize], after_extension_byte(at, byte), "{at:?}, {byte}");
            }
        }
    }

    fn read(line: &[u8]) -> Result<Option<u64>, PeerFault> {
        let (mut state, mut size) = (ChunkLine::START, 0);
        for (at, &byte) in line.iter().enumerate() {
            if state.step(byte, &mut size, &Limits::SERVER)? {
                assert_eq!(at + 1, line.len(), "the line ended early");
                return Ok(Some(size));
            }
        }
        Ok(None)
    }

    #[test]
    fn sizes_are_hexadecimal_in_either_case() {
        for (line, size) in [("0\r\n", 0), ("a\r\n", 10), ("1F\r\n", 31), ("00000000000000ff\r\n", 255)] {
            assert_eq!(read(line.as_bytes()), Ok(Some(size)), "{line:?}");
        }
        assert_eq!(read(b"ffffffffffffffff\r\n"), Ok(Some(u64::MAX)));
    }

    #[test]
    fn extensions_are_read_and_dropped() {
        for line in [
            "5;a\r\n",
            "5;a=b\r\n",
            "5;a=\"b;\\\"c\"\r\n",
            "5 ; a = b ;c\r\n",
            "5;a=b ; d=\"\"\r\n",
            "5\t;a\r\n",
        ] {
            assert_eq!(read(line.as_bytes()), Ok(Some(5)), "{line:?}");
        }
    }

    #[test]
    fn whatever_is_not_in_the_grammar_is_refused() {
        for line in [
            "\r\n",
            " 5\r\n",
            "5 \r\n",
            "5\n",
            "5\r\r\n",
            "0x5\r\n",
            "+5\r\n",
            "-5\r\n",
            "5_0\r\n",
            "g\r\n",
            ";a\r\n",
            "5;\r\n",
            "5;=b\r\n",
            "5;a=\r\n",
            "5;a\n",
            "5;a=\"b\r\n",
            "5;a b\r\n",
            "5;a=b\0\r\n",
            "5,\r\n",
            "00000000000000005\r\n",
            "5;a=\"\x7f\"\r\n",
            "5\0\r\n",
        ] {
            assert_eq!(read(line.as_bytes()), Err(PeerFault::ChunkSyntax), "{line:?}");
        }
    }

    #[test]
    fn long_extensions_are_refused() {
        let mut line = alloc::vec![b'5', b';'];
        line.extend(core::iter::repeat_n(b'x', usize::from(Limits::SERVER.chunk_extension_bytes_max)));
        assert_eq!(read(&line), Err(PeerFault::ChunkOverhead));
    }
}
