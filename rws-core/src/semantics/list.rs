//! Lists and parameters in field values (RFC 9110 §5.6).

use crate::scan::copy_into;

/// The members of a comma-separated list (RFC 9110 §5.6.1), without white space around them; empty ones are
/// left out. Commas inside quoted strings do not divide. Not for entity tags, whose quotes have no escapes: see
/// [`etag::parse_list`](super::etag::parse_list).
pub fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    Split { rest: Some(value), separator: b',' }.filter(|member| !member.is_empty())
}

/// The parameters of a field value `item;name=value;flag` (RFC 9110 §5.6.6), behind the item: names as sent,
/// values with their quotes if they have them (see [`unquoted`]), `None` without `=`.
pub fn parameters(value: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    Split { rest: Some(value), separator: b';' }.skip(1).filter(|part| !part.is_empty()).map(
        |part| match part.iter().position(|&byte| byte == b'=').and_then(|at| part.split_at_checked(at)) {
            Some((name, [_, value @ ..])) => (name, Some(value)),
            _ => (part, None),
        },
    )
}

/// The item in front of the parameters.
pub fn item(value: &[u8]) -> &[u8] {
    Split { rest: Some(value), separator: b';' }.next().unwrap_or(&[])
}

/// The text of a token or a quoted string that has no escapes; `None` if it has some, or is malformed. (Who
/// must read escapes uses [`unescape`].)
pub fn unquoted(value: &[u8]) -> Option<&[u8]> {
    match value {
        [b'"', text @ .., b'"'] if !text.iter().any(|byte| matches!(byte, b'"' | b'\\')) => Some(text),
        [b'"', ..] => None,
        _ if crate::message::is_token(value) => Some(value),
        _ => None,
    }
}

/// Copies the text of a token or a quoted string to `out`, escapes resolved (RFC 9110 §5.6.4). `None` if the
/// value is malformed or does not fit; its own length always suffices.
pub fn unescape<'o>(value: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
    let [b'"', text @ .., b'"'] = value else {
        let text = unquoted(value)?;
        let room = out.get_mut(..text.len())?;
        copy_into(room, text);
        return Some(room);
    };
    let (mut len, mut rest) = (0usize, text);
    while let [byte, tail @ ..] = rest {
        let (byte, tail) = match (byte, tail) {
            (b'\\', [escaped, tail @ ..]) => (escaped, tail),
            (b'\\' | b'"', _) => return None,
            _ => (byte, tail),
        };
        *out.get_mut(len)? = *byte;
        len = len.saturating_add(1);
        rest = tail;
    }
    out.get(..len)
}

/// Without spaces and tabs at either end (RFC 9110 §5.6.3).
pub fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Parts between separators that stand outside quoted strings.
struct Split<'v> {
    rest: Option<&'v [u8]>,
    separator: u8,
}

impl<'v> Iterator for Split<'v> {
    type Item = &'v [u8];

    fn next(&mut self) -> Option<&'v [u8]> {
        let value = self.rest.take()?;
        let len = part_len(value, self.separator);
        let (part, rest) = value.split_at_checked(len).unwrap_or((value, &[]));
        self.rest = rest.split_first().map(|(_, rest)| rest);
        Some(trim(part))
    }
}

/// How far it is to the first separator outside quotes. A quoted string that does not end takes all that is
/// left, so that nothing inside it is ever read as a member.
fn part_len(value: &[u8], separator: u8) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let end = value.iter().position(|&byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => return !quoted && byte == separator,
        }
        false
    });
    end.unwrap_or(value.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn texts<'v>(parts: impl Iterator<Item = &'v [u8]>) -> Vec<&'v str> {
        parts.map(|part| core::str::from_utf8(part).expect("ASCII")).collect()
    }

    #[test]
    fn members_are_divided_by_commas_outside_quotes() {
        assert_eq!(texts(members(b"a, b ,c")), ["a", "b", "c"]);
        assert_eq!(texts(members(b"")), [""; 0]);
        // RFC 9110 §5.6.1.2
        assert_eq!(texts(members(b"foo ,bar,")), ["foo", "bar"]);
        assert_eq!(texts(members(b"foo , ,bar,charlie")), ["foo", "bar", "charlie"]);
        assert_eq!(texts(members(b", ,\t,")), [""; 0]);
        assert_eq!(texts(members(br#"a;b="x,y", "c\",d", e"#)), [r#"a;b="x,y""#, r#""c\",d""#, "e"]);
        assert_eq!(texts(members(br#"a, "b, c"#)), ["a", "\"b, c"]);
        assert_eq!(texts(members(br"a\, b")), ["a\\", "b"]);
    }

    #[test]
    fn parameters_keep_their_quotes_until_asked() {
        let value = br#"text/html ; charset=utf-8;q="1;2" ; flag;; a = b"#;
        assert_eq!(item(value), b"text/html");
        let all: Vec<_> = parameters(value).collect();
        let want: [(&[u8], Option<&[u8]>); 4] =
            [(b"charset", Some(b"utf-8")), (b"q", Some(b"\"1;2\"")), (b"flag", None), (b"a ", Some(b" b"))];
        assert_eq!(all, want);
        assert_eq!(parameters(b"text/html").count(), 0);
    }

    #[test]
    fn quoted_text_is_read_with_and_without_escapes() {
        let mut out = [0; 16];
        for (value, plain, resolved) in [
            ("token", Some("token"), Some("token")),
            ("\"a b\"", Some("a b"), Some("a b")),
            ("\"\"", Some(""), Some("")),
            (r#""a\"b""#, None, Some("a\"b")),
            (r#""a\\""#, None, Some("a\\")),
            (r#""a\""#, None, None),
            (r#""a"b""#, None, None),
            ("\"a", None, None),
            ("\"", None, None),
            ("a b", None, None),
            ("", None, None),
        ] {
            assert_eq!(unquoted(value.as_bytes()), plain.map(str::as_bytes), "{value}");
            assert_eq!(unescape(value.as_bytes(), &mut out), resolved.map(str::as_bytes), "{value}");
        }
        assert_eq!(unescape(b"abc", &mut [0; 2]), None);
        assert_eq!(unescape(b"\"abc\"", &mut [0; 2]), None);
    }
}
