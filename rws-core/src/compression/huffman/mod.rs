//! The static Huffman code of field names and values (RFC 7541 §5.2 and appendix B).
//!
//! The code is canonical: all of it follows from how long each symbol's code is. There are two of each direction,
//! chosen by a const parameter. The quick one looks up twelve bits at a time in a table of 16 KiB that holds two
//! symbols where both fit; the small one has 256 symbols in the order of their codes and a line per code length.
//! Both read and write the same bytes, and refuse the same ones.

mod code;
mod encode;
mod quick;
mod small;
#[cfg(test)]
mod tests;

pub(crate) use encode::encode;

/// Why a text cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// It has the end-of-string symbol, or ends in more than seven bits, or in others than ones, that are no symbol.
    Malformed,
    /// It is longer than the room for it.
    NoRoom,
}

/// What was decoded, in so few bits that it is returned in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text(u32);

impl Text {
    const PLAIN: u32 = 1 << 31;

    fn new(len: u32, is_plain: bool) -> Text {
        Text(len & !Text::PLAIN | if is_plain { Text::PLAIN } else { 0 })
    }

    /// How long it is: bytes.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) fn len(self) -> usize {
        (self.0 & !Text::PLAIN) as usize
    }

    /// Whether it surely has no control byte: none of them has a short code. If not, it may have some or none.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) fn is_plain(self) -> bool {
        self.0 & Text::PLAIN != 0
    }
}

/// Decodes the first `len` bytes of `bytes`, which may go on behind them, to the start of `out`, of which more may be
/// written to than the text takes.
///
/// # Errors
/// [`Undecodable`]. A text for which there is no room may be malformed as well: see [`check`].
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn decode<const SMALL: bool>(
    bytes: &[u8],
    len: usize,
    out: &mut [u8],
) -> Result<Text, Undecodable> {
    debug_assert!(len <= bytes.len(), "the text is there");
    if SMALL {
        small::decode(bytes, len, out).map(|len| Text::new(len as u32, false))
    } else {
        quick::decode(bytes, len, out)
    }
}

/// Whether the first `len` bytes of `bytes` are a text of this code.
///
/// # Errors
/// [`Undecodable::Malformed`] if not.
pub(crate) fn check(bytes: &[u8], len: usize) -> Result<(), Undecodable> {
    match small::decode_each(bytes, len, |_, _| true) {
        Ok(_) => Ok(()),
        Err(fault) => Err(fault),
    }
}
