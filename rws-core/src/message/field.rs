//! One field line, in eight bytes.

use super::{KnownName, Span};
use crate::SMALL;
use crate::scan::TOKEN;

/// A field line as offsets into an arena.
///
/// ```text
///   name_at   16 bits   offset of the name, or the known id
///   name_len  12 bits   length of the name (0 with a known id) + flags KNOWN, NEVER_INDEXED
///   value     32 bits   span of the value
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Field {
    name_at: u16,
    name_len_flags: u16,
    value: Span,
}

const KNOWN: u16 = 0x8000;
const NEVER_INDEXED: u16 = 0x4000;
const NAME_LEN: u16 = 0x0fff;

impl Field {
    /// The longest name a field can have: bytes.
    pub const NAME_BYTES_MAX: usize = NAME_LEN as usize;

    /// A slot that is not in use, for memory in a `static`: all its bits are zero.
    pub const ZERO: Field = Field { name_at: 0, name_len_flags: 0, value: Span { at: 0, len: 0 } };

    /// A field whose name has an id.
    pub const fn known(name: KnownName, value: Span) -> Field {
        Field { name_at: name as u16, name_len_flags: KNOWN, value }
    }

    /// A field whose name stands in the arena; `None` if the name is longer than
    /// [`Field::NAME_BYTES_MAX`].
    pub const fn named(name: Span, value: Span) -> Option<Field> {
        if name.len > NAME_LEN {
            return None;
        }
        Some(Field { name_at: name.at, name_len_flags: name.len, value })
    }

    /// The same field, marked so that HPACK and QPACK never put it in a table (RFC 7541 §7.1.3).
    #[must_use]
    pub const fn never_indexed(self) -> Field {
        Field { name_len_flags: self.name_len_flags | NEVER_INDEXED, ..self }
    }

    /// Whether [`Field::never_indexed`] was set.
    pub const fn is_never_indexed(self) -> bool {
        self.name_len_flags & NEVER_INDEXED != 0
    }

    /// The known name, if the index has its id. Where memory is short the index of a received head has only those of
    /// the names that steer the engine; [`Field::name`] and the block find the others by their spelling.
    pub fn known_name(self) -> Option<KnownName> {
        if self.name_len_flags & KNOWN == 0 { None } else { KnownName::from_id(self.name_at as u8) }
    }

    /// Whether this field's name has the id of `name`, see [`Field::known_name`].
    pub const fn is(self, name: KnownName) -> bool {
        self.name_len_flags & KNOWN != 0 && self.name_at == name as u16
    }

    /// The name, resolved against the arena.
    pub fn name(self, arena: &[u8]) -> FieldName<'_> {
        match self.known_name() {
            Some(known) => FieldName::Known(known),
            None if SMALL => FieldName::new(self.spelling(arena)),
            None => FieldName::Other(self.spelling(arena)),
        }
    }

    /// Whether the name stands in the arena, and is spelled like `name` in any case.
    pub(super) fn is_spelled(self, name: KnownName, arena: &[u8]) -> bool {
        self.name_len_flags & KNOWN == 0
            && self.spelling(arena).eq_ignore_ascii_case(name.as_str().as_bytes())
    }

    /// The name of a field that has no id.
    fn spelling(self, arena: &[u8]) -> &[u8] {
        Span { at: self.name_at, len: self.name_len_flags & NAME_LEN }.bytes(arena)
    }

    /// Where the value stands in the arena.
    pub const fn value_span(self) -> Span {
        self.value
    }

    /// The value, resolved against the arena.
    pub fn value(self, arena: &[u8]) -> &[u8] {
        self.value.bytes(arena)
    }
}

const _: () = assert!(size_of::<Field>() == 8);

/// A field name: an id, or the bytes as they were sent. Names compare without regard to case.
#[derive(Clone, Copy, Debug)]
pub enum FieldName<'a> {
    /// A name with an id.
    Known(KnownName),
    /// Any other token.
    Other(&'a [u8]),
}

impl<'a> FieldName<'a> {
    /// The name with this spelling; an id if there is one. Not validated: see [`is_token`].
    pub fn new(name: &'a [u8]) -> FieldName<'a> {
        match KnownName::from_bytes(name) {
            Some(known) => FieldName::Known(known),
            None => FieldName::Other(name),
        }
    }

    /// The same name, as its id if it has one: for a name that nobody has looked up yet.
    #[must_use]
    #[inline]
    pub fn identified(self) -> FieldName<'a> {
        match self {
            FieldName::Known(_) => self,
            FieldName::Other(name) => FieldName::new(name),
        }
    }

    /// The spelling to write on HTTP/1.x.
    pub fn as_bytes(self) -> &'a [u8] {
        match self {
            FieldName::Known(known) => known.as_str().as_bytes(),
            FieldName::Other(name) => name,
        }
    }
}

impl PartialEq for FieldName<'_> {
    fn eq(&self, other: &FieldName<'_>) -> bool {
        match (self, other) {
            (FieldName::Known(a), FieldName::Known(b)) => a == b,
            (a, b) => a.as_bytes().eq_ignore_ascii_case(b.as_bytes()),
        }
    }
}
impl Eq for FieldName<'_> {}

impl From<KnownName> for FieldName<'_> {
    fn from(known: KnownName) -> Self {
        FieldName::Known(known)
    }
}
impl<'a> From<&'a str> for FieldName<'a> {
    fn from(name: &'a str) -> Self {
        FieldName::new(name.as_bytes())
    }
}
impl<'a> From<&'a [u8]> for FieldName<'a> {
    fn from(name: &'a [u8]) -> Self {
        FieldName::new(name)
    }
}

/// Whether `name` is a token (RFC 9110 §5.6.2): at least one of the letters, digits and marks it lists.
pub fn is_token(name: &[u8]) -> bool {
    !name.is_empty()
        && name.iter().all(|&byte| if SMALL { TOKEN.contains(byte) } else { is_token_byte(byte) })
}

/// Whether `value` may stand in a field value as it is (RFC 9110 §5.5): visible bytes, obs-text, space and
/// tab, with no white space at either end.
#[inline]
pub fn is_field_value(value: &[u8]) -> bool {
    is_plain(value) || is_odd_field_value(value)
}

/// The same, byte by byte: for values with a tab, and for those that are none.
#[cold]
fn is_odd_field_value(value: &[u8]) -> bool {
    // Without an early end, so that the compiler looks at many bytes at once: values are short.
    let is_bad = |byte: u8| u8::from((byte < b' ' && byte != b'\t') | (byte == 0x7f));
    let inside = value.iter().fold(0, |bad, &byte| bad | is_bad(byte)) == 0;
    let edge = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    inside && !edge(value.first()) && !edge(value.last())
}

/// A quick look, eight bytes at a time, that settles almost every value: no byte below space and no DEL,
/// and no space at an end. `false` means: look closely.
#[inline]
fn is_plain(value: &[u8]) -> bool {
    let (Some(&first), Some(&last)) = (value.first(), value.last()) else { return true };
    if first == b' ' || last == b' ' {
        return false;
    }
    // Both ends of it may overlap.
    if let (Some(front), Some(back)) = (value.first_chunk::<8>(), value.last_chunk::<8>()) {
        let mut hits = control_bytes(u64::from_ne_bytes(*front)) | control_bytes(u64::from_ne_bytes(*back));
        let mut rest = value;
        while rest.len() > 16
            && let Some((_, more)) = rest.split_first_chunk::<8>()
            && let Some(word) = more.first_chunk::<8>()
        {
            hits |= control_bytes(u64::from_ne_bytes(*word));
            rest = more;
        }
        return hits == 0;
    }
    if let (Some(front), Some(back)) = (value.first_chunk::<4>(), value.last_chunk::<4>()) {
        let (front, back) = (u32::from_ne_bytes(*front), u32::from_ne_bytes(*back));
        return control_bytes(u64::from(front) | u64::from(back) << 32) == 0;
    }
    value.iter().all(|&byte| byte >= b' ' && byte != 0x7f)
}

/// Not zero if a byte of `word` is below space or is DEL. A borrow can only come out of a byte that is a hit
/// itself, so zero is exact.
#[inline]
const fn control_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let below_space = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word;
    let delete = word ^ ONES.wrapping_mul(0x7f);
    (below_space | (delete.wrapping_sub(ONES) & !delete)) & HIGH
}

/// Whether every byte of `text` is a visible one of ASCII.
#[inline]
pub(crate) fn is_graphic(text: &[u8]) -> bool {
    let (Some(front), Some(back)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) else {
        return text.iter().all(u8::is_ascii_graphic);
    };
    // Both ends of it may overlap.
    let mut hits = not_graphic(u64::from_ne_bytes(*front)) | not_graphic(u64::from_ne_bytes(*back));
    let mut rest = text;
    while rest.len() > 16
        && let Some((_, more)) = rest.split_first_chunk::<8>()
        && let Some(word) = more.first_chunk::<8>()
    {
        hits |= not_graphic(u64::from_ne_bytes(*word));
        rest = more;
    }
    hits == 0
}

/// Not zero if a byte of `word` is a control, a space, or not of ASCII.
#[inline]
const fn not_graphic(word: u64) -> u64 {
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let space = word ^ SPACES;
    control_bytes(word) | (space.wrapping_sub(ONES) & !space & HIGH) | (word & HIGH)
}

pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_look_at_a_value_agrees_with_the_close_one() {
        for len in 1..=20 {
            for at in 0..len {
                for byte in 0..=255 {
                    let mut value = std::vec![b'a'; len];
                    value[at] = byte;
                    let quick = is_plain(&value);
                    assert!(!quick || is_odd_field_value(&value), "{byte} at {at} of {len}");
                    assert!(quick || byte < b' ' || byte == b' ' || byte == 0x7f, "{byte} at {at} of {len}");
                    assert_eq!(is_field_value(&value), is_odd_field_value(&value), "{byte} at {at} of {len}");
                }
            }
        }
        assert!(is_plain(b"") && is_plain("é and \u{80}".as_bytes()));
    }

    #[test]
    fn the_quick_look_for_visible_bytes_agrees_with_the_slow_one() {
        for len in 0..=40 {
            for at in 0..len {
                for byte in 0..=255_u8 {
                    let mut text = std::vec![b'a'; len];
                    text[at] = byte;
                    assert_eq!(is_graphic(&text), byte.is_ascii_graphic(), "{byte} at {at} of {len}");
                }
            }
        }
        assert!(is_graphic(b""));
    }
}
