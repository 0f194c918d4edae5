//! Which bytes belong to which class: the one definition that every kernel is built from and tested against.

use crate::SMALL;

/// A set of ASCII bytes, in the two shapes that kernels need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Class {
    /// The bit of this class in [`flags`].
    bit: u8,
    /// Bit `h` of entry `l` is set if the byte `16 * h + l` belongs to the class: for kernels that look
    /// nibbles up.
    pub(super) by_low_nibble: [u8; 16],
}

/// Token bytes (RFC 9110 §5.6.2).
pub(crate) const TOKEN: Class = Class::with_bit(TOKEN_BIT);
/// Visible ASCII: what a request target is made of before its own syntax is looked at.
pub(crate) const VISIBLE: Class = Class::with_bit(VISIBLE_BIT);
/// What a query may hold.
pub(crate) const QUERY: Class = Class::with_bit(QUERY_BIT);
/// A path that is canonical as it stands: no escape, no parameter, no backslash, no empty segment, and none
/// that starts with a dot.
pub(crate) const PATH: Segments =
    Segments { class: Class::with_bit(PATH_BIT), separator: b'/', not_first: b'.' };
/// What may stand in a segment of a path as it is; `/`, `%` and `;` need a closer look.
pub(crate) const SEGMENT: Class = Class::with_bit(SEGMENT_BIT);
/// What is written into a path as it is.
pub(crate) const KEPT: Class = Class::with_bit(KEPT_BIT);
/// Letters, digits, `-`, `_` and `.`: what almost every host name is made of.
pub(super) const NAME: Class = Class::with_bit(NAME_BIT);

const TOKEN_BIT: u8 = 1;
const VISIBLE_BIT: u8 = 1 << 1;
const PATH_BIT: u8 = 1 << 2;
const QUERY_BIT: u8 = 1 << 3;
const NAME_BIT: u8 = 1 << 4;
/// What a field value may hold (RFC 9110 §5.5). Not a [`Class`], since obs-text is beyond ASCII.
const TEXT_BIT: u8 = 1 << 5;
const SEGMENT_BIT: u8 = 1 << 6;
const KEPT_BIT: u8 = 1 << 7;

/// Bytes of a class in segments: the separator must not follow itself, nor must `not_first` follow it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segments {
    /// The bytes, with the separator.
    pub(crate) class: Class,
    /// What stands between segments.
    pub(crate) separator: u8,
    /// Which other byte no segment starts with.
    pub(crate) not_first: u8,
}

impl Class {
    /// Whether `byte` belongs to the class.
    #[inline(always)]
    pub(crate) fn contains(self, byte: u8) -> bool {
        flags(byte) & self.bit != 0
    }

    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
    const fn with_bit(bit: u8) -> Class {
        let mut by_low_nibble = [0; 16];
        let mut byte = 0_u8;
        while byte < 0x80 {
            if flags_of(byte) & bit != 0 {
                by_low_nibble[(byte & 0x0f) as usize] |= 1 << (byte >> 4);
            }
            byte += 1;
        }
        Class { bit, by_low_nibble }
    }
}

/// Whether `byte` may stand in a field value.
#[inline(always)]
pub(super) fn is_text(byte: u8) -> bool {
    flags(byte) & TEXT_BIT != 0
}

#[inline(always)]
fn flags(byte: u8) -> u8 {
    static FLAGS: [u8; FLAGS_LEN] = every_byte();
    // A byte indexes 256 entries: no check is left after optimisation.
    FLAGS.get(usize::from(byte)).copied().unwrap_or(TEXT_BIT)
}

/// All bytes; or only ASCII, since the others are alike.
const FLAGS_LEN: usize = if SMALL { 128 } else { 256 };

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn every_byte() -> [u8; FLAGS_LEN] {
    let mut table = [0; FLAGS_LEN];
    let mut byte = 0;
    while byte < FLAGS_LEN {
        table[byte] = flags_of(byte as u8);
        byte += 1;
    }
    table
}

const fn flags_of(byte: u8) -> u8 {
    let letter_or_digit = byte.is_ascii_alphanumeric();
    let visible = byte.is_ascii_graphic();
    let unsafe_in_uris = matches!(byte, b'"' | b'#' | b'<' | b'>');
    let not_plain_in_paths = matches!(byte, b'%' | b';' | b'?' | b'\\' | b'`' | b'{' | b'}');
    let kept = letter_or_digit || is_kept_mark(byte);
    (if letter_or_digit || is_token_mark(byte) { TOKEN_BIT } else { 0 })
        | (if visible { VISIBLE_BIT } else { 0 })
        | (if visible && !unsafe_in_uris && !not_plain_in_paths { PATH_BIT } else { 0 })
        | (if visible && !unsafe_in_uris { QUERY_BIT } else { 0 })
        | (if letter_or_digit || matches!(byte, b'-' | b'_' | b'.') { NAME_BIT } else { 0 })
        | (if kept && byte != b'/' || matches!(byte, b'[' | b']' | b'|' | b'^') { SEGMENT_BIT } else { 0 })
        | (if kept { KEPT_BIT } else { 0 })
        | (if byte == b'\t' || (byte >= b' ' && byte != 0x7f) { TEXT_BIT } else { 0 })
}

const fn is_kept_mark(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+')
        || matches!(byte, b',' | b'=' | b':' | b'@' | b'/')
}

const fn is_token_mark(byte: u8) -> bool {
    matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+')
        || matches!(byte, b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}
