//! Queries read as forms write them (`name=value` pairs, the URL Standard's
//! `application/x-www-form-urlencoded`): one decoding, in one place.
//!
//! ```
//! use rws_core::message::QueryPairs;
//!
//! let mut pairs = QueryPairs::new(b"q=caf%C3%A9+au+lait&page=2");
//! let (name, value) = pairs.next().ok_or("no pair")?;
//! let mut out = [0; 16];
//! assert!(name.is("q") && !value.is_plain());
//! assert_eq!(value.decode(&mut out), Ok("café au lait".as_bytes()));
//! # Ok::<(), &str>(())
//! ```

use super::path::hex_digit;
use crate::Capacity;

/// The pairs of a query, in order: parts between `&` that are not empty, each split at its first `=`.
/// A part without one is a name whose value is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueryPairs<'q> {
    rest: &'q [u8],
}

impl<'q> QueryPairs<'q> {
    /// The pairs of `query`, which stands without its `?`.
    pub const fn new(query: &'q [u8]) -> QueryPairs<'q> {
        QueryPairs { rest: query }
    }

    /// The first value of `name` (decoded).
    pub fn value(mut self, name: &str) -> Option<QueryText<'q>> {
        self.find(|(key, _)| key.is(name)).map(|(_, value)| value)
    }
}

impl<'q> Iterator for QueryPairs<'q> {
    type Item = (QueryText<'q>, QueryText<'q>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let (pair, rest) = split_once(self.rest, b'&');
            self.rest = rest;
            if !pair.is_empty() {
                let (name, value) = split_once(pair, b'=');
                return Some((QueryText(name), QueryText(value)));
            }
        }
        None
    }
}

fn split_once(text: &[u8], mark: u8) -> (&[u8], &[u8]) {
    match memchr::memchr(mark, text).and_then(|at| text.split_at_checked(at)) {
        Some((before, [_, after @ ..])) => (before, after),
        Some((_, [])) | None => (text, &[]),
    }
}

/// A name or a value as it was sent. Decoded, `+` is a space and `%` with two hexadecimal digits is a byte;
/// a `%` without them stands for itself. What results is not always UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct QueryText<'q>(&'q [u8]);

impl<'q> QueryText<'q> {
    /// As it was sent.
    pub const fn raw(self) -> &'q [u8] {
        self.0
    }

    /// Whether decoding would change nothing.
    pub fn is_plain(self) -> bool {
        memchr::memchr2(b'+', b'%', self.0).is_none()
    }

    /// The decoded bytes.
    pub const fn bytes(self) -> QueryBytes<'q> {
        QueryBytes(self.0)
    }

    /// Whether it says `text` once it is decoded.
    pub fn is(self, text: &str) -> bool {
        self.bytes().eq(text.bytes())
    }

    /// The decoded bytes, written to the start of `out`; never more than [`QueryText::raw`] has.
    ///
    /// # Errors
    /// [`Capacity::Bytes`] if `out` is too short.
    pub fn decode(self, out: &mut [u8]) -> Result<&[u8], Capacity> {
        let mut len = 0usize;
        for byte in self.bytes() {
            *out.get_mut(len).ok_or(Capacity::Bytes)? = byte;
            len = len.saturating_add(1);
        }
        out.get(..len).ok_or(Capacity::Bytes)
    }
}

/// The bytes of a [`QueryText`], decoded one by one.
#[derive(Clone, Debug)]
pub struct QueryBytes<'q>(&'q [u8]);

impl Iterator for QueryBytes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(match (first, rest) {
            (b'+', _) => b' ',
            (b'%', &[high, low, ref tail @ ..]) => match (hex_digit(high), hex_digit(low)) {
                (Some(high), Some(low)) => {
                    self.0 = tail;
                    (high << 4) | low
                }
                (None, _) | (_, None) => b'%',
            },
            (byte, _) => byte,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        let text =
            |text: QueryText<'_>| String::from_utf8_lossy(&text.bytes().collect::<Vec<u8>>()).into_owned();
        QueryPairs::new(query.as_bytes()).map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn pairs_are_split_at_ampersands_and_at_the_first_equals_sign() {
        for (query, expected) in [
            ("", &[][..]),
            ("a=1&b=2", &[("a", "1"), ("b", "2")]),
            ("a", &[("a", "")]),
            ("=1&=", &[("", "1"), ("", "")]),
            ("&&a=b=c&", &[("a", "b=c")]),
            ("a;b=1", &[("a;b", "1")]),
            ("a%26b=1%3D2", &[("a&b", "1=2")]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|&(name, value)| (String::from(name), String::from(value))).collect();
            assert_eq!(pairs(query), expected, "{query}");
        }
    }

    #[test]
    fn escapes_and_plus_signs_are_decoded_once() {
        for (sent, meant) in [
            ("a+b%20c", &b"a b c"[..]),
            ("%2B%2b", b"++"),
            ("%2541", b"%41"),
            ("%c3%A9", "é".as_bytes()),
            ("%ff%00%0d%0A", b"\xff\0\r\n"),
            ("100%", b"100%"),
            ("%4", b"%4"),
            ("%zz%%41", b"%zz%A"),
        ] {
            let text = QueryText(sent.as_bytes());
            let mut out = [0; 16];
            assert_eq!(text.decode(&mut out), Ok(meant), "{sent}");
            assert_eq!(text.decode(&mut out[..meant.len() - 1]), Err(Capacity::Bytes), "{sent}");
            assert!(!text.is_plain(), "{sent}");
        }
        assert!(QueryText(b"a-b.c~d").is_plain());
    }

    #[test]
    fn a_value_is_found_by_its_decoded_name_and_the_first_one_counts() {
        let pairs = QueryPairs::new(b"%6eame=x&name=y&empty");
        assert!(pairs.value("name").is_some_and(|value| value.is("x")));
        assert!(pairs.value("empty").is_some_and(|value| value.is("")));
        assert!(pairs.value("nam").is_none());
    }
}
