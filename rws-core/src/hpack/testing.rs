//! What the tests of both sides use.

use super::{Decoded, Decoder, HpackError, LineName, ListLimits};
use std::string::{String, ToString as _};
use std::vec::Vec;

/// A decoded line with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
    pub(super) never_indexed: bool,
    pub(super) is_well_formed: bool,
}

/// The lines of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines(pub(super) Vec<Owned>);

impl Lines {
    /// Each as `name: value`.
    pub(super) fn to_text(&self) -> Vec<String> {
        self.0.iter().map(|line| std::format!("{}: {}", line.name, line.value.escape_ascii())).collect()
    }
}

/// The bytes of hexadecimal digits, spaces among them.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| {
            let pair = core::str::from_utf8(pair).expect("text");
            u8::from_str_radix(pair, 16).expect("hexadecimal digits")
        })
        .collect()
}

pub(super) fn lines_of<const SMALL: bool>(
    decoder: &mut Decoder<SMALL>,
    block: &[u8],
    memory: &mut [u8],
    arena: &mut [u8],
    limits: ListLimits,
) -> Result<(Lines, Decoded), HpackError> {
    let mut lines = Vec::new();
    let decoded = decoder.decode(block, memory, arena, limits, |line, arena| {
        let name = match line.name {
            LineName::Pseudo(pseudo) => pseudo.as_str().to_string(),
            LineName::Known(known) => known.as_str().to_ascii_lowercase(),
            LineName::Other(name) => String::from_utf8_lossy(name.bytes(arena)).into_owned(),
        };
        let value = line.value.bytes(arena).to_vec();
        let (never_indexed, is_well_formed) = (line.never_indexed, line.is_well_formed);
        lines.push(Owned { name, value, never_indexed, is_well_formed });
    })?;
    Ok((Lines(lines), decoded))
}
