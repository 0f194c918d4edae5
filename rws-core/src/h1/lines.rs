//! Constant field lines: checked and rendered at compile time.

use super::encode::is_own;
use crate::message::{Field, FieldBlock, KnownName, Span, is_token_byte};

/// Field lines as HTTP/1 sends them, and where their names and values stand. Made by
/// [`field_lines!`](crate::field_lines).
///
/// A head with such a block costs one copy: nothing of it is checked again, and there is nothing for the
/// engine to leave out of it.
#[derive(Clone, Copy, Debug)]
pub struct FieldLines<const FIELDS: usize> {
    text: &'static str,
    index: [Field; FIELDS],
}

/// How many lines `text` has.
pub const fn line_count(text: &str) -> usize {
    let (mut count, mut rest) = (0, text.as_bytes());
    while let [first, tail @ ..] = rest {
        count += (*first == b'\n') as usize;
        rest = tail;
    }
    count
}

impl<const FIELDS: usize> FieldLines<FIELDS> {
    /// The lines of `text`, each `Name: value` and CRLF. Meant for constants: `FIELDS` from [`line_count`].
    ///
    /// # Panics
    /// In a constant a compile error: if a line is malformed, a name that the engine knows is not spelled as
    /// the engine does it, or a field is the engine's own (framing, `Connection`, `Date`, `Upgrade`, …).
    #[expect(clippy::indexing_slicing, reason = "runs at compile time, where a panic is the error message")]
    pub const fn checked(text: &'static str) -> FieldLines<FIELDS> {
        let bytes = text.as_bytes();
        assert!(bytes.len() <= u16::MAX as usize, "field lines are longer than 64 KiB");
        let mut index = [Field::known(KnownName::Accept, Span::EMPTY); FIELDS];
        let (mut at, mut count) = (0, 0);
        while at < bytes.len() {
            let colon = name_end(bytes, at);
            let end = value_end(bytes, colon + 2);
            let name = Span { at: at as u16, len: (colon - at) as u16 };
            index[count] = field(bytes, name, Span { at: colon as u16 + 2, len: (end - colon) as u16 - 2 });
            count += 1;
            at = end + 2;
        }
        assert!(count == FIELDS, "the number of fields is not that of their lines");
        FieldLines { text, index }
    }

    /// The block of these lines.
    pub const fn block(&'static self) -> FieldBlock<'static> {
        FieldBlock::of_lines(self.text.as_bytes(), &self.index)
    }
}

/// Where the name that begins at `at` ends, with a colon and a space.
#[expect(clippy::indexing_slicing, reason = "runs at compile time, where a panic is the error message")]
const fn name_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while is_token_byte(bytes[end]) {
        end += 1;
    }
    assert!(end > at && bytes[end] == b':' && bytes[end + 1] == b' ', "a field line is not `Name: value`");
    end
}

/// Where the value that begins at `at` ends, with CRLF.
#[expect(clippy::indexing_slicing, reason = "runs at compile time, where a panic is the error message")]
const fn value_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while matches!(bytes[end], b' '..=b'~') {
        end += 1;
    }
    assert!(bytes[end] == b'\r' && bytes[end + 1] == b'\n', "a field value has a byte that is not visible");
    assert!(
        bytes[at] != b' ' && (end == at || bytes[end - 1] != b' '),
        "a field value has a space at an end"
    );
    end
}

/// The field with this name and this value.
#[expect(clippy::indexing_slicing, reason = "runs at compile time, where a panic is the error message")]
#[expect(clippy::panic, clippy::expect_used, reason = "as above")]
const fn field(bytes: &[u8], name: Span, value: Span) -> Field {
    let mut id = 0;
    while id < KnownName::ALL.len() {
        let known = KnownName::ALL[id];
        match likeness(known.as_str().as_bytes(), bytes, name) {
            Likeness::Same if is_own(known) => panic!("this field is the engine's own"),
            Likeness::Same => return Field::known(known, value),
            Likeness::Case => panic!("this name is spelled in another case (see KnownName)"),
            Likeness::None => id += 1,
        }
    }
    Field::named(name, value).expect("a field name is longer than Field::NAME_BYTES_MAX")
}

enum Likeness {
    /// The same bytes.
    Same,
    /// But for the case of letters.
    Case,
    None,
}

#[expect(clippy::indexing_slicing, reason = "runs at compile time, where a panic is the error message")]
const fn likeness(known: &[u8], bytes: &[u8], name: Span) -> Likeness {
    if known.len() != name.len as usize {
        return Likeness::None;
    }
    let (mut likeness, mut at) = (Likeness::Same, 0);
    while at < known.len() {
        let byte = bytes[name.at as usize + at];
        if !known[at].eq_ignore_ascii_case(&byte) {
            return Likeness::None;
        }
        if known[at] != byte {
            likeness = Likeness::Case;
        }
        at += 1;
    }
    likeness
}

/// Makes a constant [`FieldBlock`](crate::FieldBlock) of field lines, checked and rendered at compile time;
/// [`FieldLines::checked`](crate::h1::FieldLines::checked) says what does not compile.
///
/// ```
/// use rws_core::{FieldBlock, KnownName, field_lines};
///
/// const HTML: FieldBlock<'static> = field_lines!["Content-Type: text/html", "X-Color: blue"];
/// assert_eq!(HTML.first(KnownName::ContentType), Some(&b"text/html"[..]));
/// assert_eq!(HTML.first("x-color"), Some(&b"blue"[..]));
/// ```
///
/// ```compile_fail
/// const LENGTH: rws_core::FieldBlock<'static> = rws_core::field_lines!["Content-Length: 5"];
/// # let _ = LENGTH;
/// ```
#[macro_export]
macro_rules! field_lines {
    ($($line:literal),+ $(,)?) => {{
        const TEXT: &str = concat!($($line, "\r\n"),+);
        const LINES: &$crate::h1::FieldLines<{ $crate::h1::line_count(TEXT) }> =
            &$crate::h1::FieldLines::checked(TEXT);
        LINES.block()
    }};
}
