//! Entity tags (RFC 9110 §8.8.3).

use crate::UnixTime;

/// An entity tag: `"opaque"` or `W/"opaque"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityTag<'v> {
    /// `W/` stands in front.
    pub weak: bool,
    /// What stands between the quotes. There are no escapes: a backslash is a backslash.
    pub opaque: &'v [u8],
}

impl<'v> EntityTag<'v> {
    /// The tag that `value` is; `None` if it is something else.
    pub fn parse(value: &'v [u8]) -> Option<EntityTag<'v>> {
        match take_tag(value) {
            Some((tag, [])) => Some(tag),
            _ => None,
        }
    }

    /// The strong comparison: the same, and both strong (RFC 9110 §8.8.3.2).
    pub fn strong_eq(self, other: EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// The weak comparison: the same opaque text (RFC 9110 §8.8.3.2).
    pub fn weak_eq(self, other: EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

/// The tags of a list, as in `If-None-Match`. Stops at the first member that is no tag: what comes before it
/// still counts, what comes after it cannot be divided with certainty.
pub fn parse_list(value: &[u8]) -> impl Iterator<Item = EntityTag<'_>> {
    let mut rest = value;
    core::iter::from_fn(move || {
        while let [b' ' | b'\t' | b',', tail @ ..] = rest {
            rest = tail;
        }
        let (tag, tail) = take_tag(rest)?;
        rest = tail;
        while let [b' ' | b'\t', tail @ ..] = rest {
            rest = tail;
        }
        matches!(rest, [] | [b',', ..]).then_some(tag)
    })
}

/// The tag at the start of `value`, and what follows.
fn take_tag(value: &[u8]) -> Option<(EntityTag<'_>, &[u8])> {
    let (weak, text) = match value {
        [b'W', b'/', b'"', text @ ..] => (true, text),
        [b'"', text @ ..] => (false, text),
        _ => return None,
    };
    let end = text.iter().position(|&byte| !is_etagc(byte))?;
    let (opaque, [b'"', rest @ ..]) = text.split_at_checked(end)? else { return None };
    Some((EntityTag { weak, opaque }, rest))
}

/// `etagc`: visible bytes but the quote, and obs-text.
const fn is_etagc(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x7e | 0x80..)
}

/// A strong tag made of a file's modification time and length, as text with its quotes: `"66f2a1c0.1f-4e2"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileTag {
    text: [u8; FILE_TAG_BYTES_MAX],
    len: u8,
}

/// The longest [`FileTag`]: bytes.
pub const FILE_TAG_BYTES_MAX: usize = 2 + 16 + 1 + 8 + 1 + 16;

impl FileTag {
    /// The tag of a file of `len` bytes that was last changed at `modified` and `nanos` nanoseconds.
    pub fn new(modified: UnixTime, nanos: u32, len: u64) -> FileTag {
        let mut tag = FileTag { text: [0; FILE_TAG_BYTES_MAX], len: 0 };
        tag.push(b'"');
        tag.push_hex(modified.0.cast_unsigned());
        tag.push(b'.');
        tag.push_hex(u64::from(nanos));
        tag.push(b'-');
        tag.push_hex(len);
        tag.push(b'"');
        tag
    }

    /// The text, with its quotes.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// The tag, for comparing.
    pub fn tag(&self) -> EntityTag<'_> {
        let opaque = match self.as_bytes() {
            [b'"', opaque @ .., b'"'] => opaque,
            _ => &[],
        };
        EntityTag { weak: false, opaque }
    }

    fn push(&mut self, byte: u8) {
        if let Some(room) = self.text.get_mut(usize::from(self.len)) {
            *room = byte;
            self.len = self.len.saturating_add(1);
        }
    }

    fn push_hex(&mut self, number: u64) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = (64 - (number | 1).leading_zeros()).div_ceil(4);
        for at in (0..digits).rev() {
            let digit = (number >> (4 * at)) as usize & 15;
            self.push(DIGITS.get(digit).copied().unwrap_or(b'0'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_tag_is_read_exactly() {
        let tag = |weak, opaque| Some(EntityTag { weak, opaque });
        assert_eq!(EntityTag::parse(br#""xyzzy""#), tag(false, b"xyzzy"));
        assert_eq!(EntityTag::parse(br#"W/"xyzzy""#), tag(true, b"xyzzy"));
        assert_eq!(EntityTag::parse(br#""""#), tag(false, b""));
        assert_eq!(EntityTag::parse(br#""a\""#), tag(false, br"a\"));
        assert_eq!(EntityTag::parse("\"\u{e9}\"".as_bytes()), tag(false, "\u{e9}".as_bytes()));
        for bad in [
            "",
            "xyzzy",
            "\"",
            "\"a",
            "a\"",
            "w/\"a\"",
            "W/a",
            "W/",
            "\"a b\"",
            "\"a\"b",
            "\"a\"\"",
            "*",
            "\"\u{7f}\"",
        ] {
            assert_eq!(EntityTag::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_list_of_tags_ends_where_it_cannot_be_read() {
        let list =
            |value: &'static str| parse_list(value.as_bytes()).map(|tag| tag.opaque).collect::<Vec<_>>();
        assert_eq!(list(r#""a", W/"b" ,"c,d""#), [&b"a"[..], b"b", b"c,d"]);
        assert_eq!(list(r#", ,"a",,"b","#), [b"a", b"b"]);
        assert_eq!(list(r#""a\", "b""#), [&br"a\"[..], b"b"]);
        assert_eq!(list(r#""a", b, "c""#), [b"a"]);
        assert_eq!(list(r#""a" "b""#), [b""; 0]);
        assert_eq!(list("*"), [b""; 0]);
        assert_eq!(list(""), [b""; 0]);
    }

    #[test]
    fn tags_compare_strongly_and_weakly() {
        // RFC 9110 §8.8.3.2
        let parse = |value| EntityTag::parse(value).expect("a tag");
        for (a, b, strong, weak) in [
            (&br#"W/"1""#[..], &br#"W/"1""#[..], false, true),
            (br#"W/"1""#, br#"W/"2""#, false, false),
            (br#"W/"1""#, br#""1""#, false, true),
            (br#""1""#, br#""1""#, true, true),
        ] {
            assert_eq!(parse(a).strong_eq(parse(b)), strong);
            assert_eq!(parse(a).weak_eq(parse(b)), weak);
        }
    }

    #[test]
    fn a_file_tag_tells_time_and_length_and_fits_its_buffer() {
        let tag = FileTag::new(UnixTime(0x66f2_a1c0), 31, 0x4e2);
        assert_eq!(tag.as_bytes(), br#""66f2a1c0.1f-4e2""#);
        assert_eq!(EntityTag::parse(tag.as_bytes()), Some(tag.tag()));
        assert_eq!(FileTag::new(UnixTime(0), 0, 0).as_bytes(), br#""0.0-0""#);
        let longest = FileTag::new(UnixTime(-1), u32::MAX, u64::MAX);
        assert_eq!(longest.as_bytes().len(), FILE_TAG_BYTES_MAX);
        assert!(EntityTag::parse(longest.as_bytes()).is_some());
    }
}
