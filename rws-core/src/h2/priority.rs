//! Priority of an exchange (RFC 9218 §4): the `priority` field and what a PRIORITY_UPDATE frame carries.
//!
//! The value is a dictionary of structured fields (RFC 9651 §3.2): `u=2, i`. Members with another name or of another
//! type are passed over, and a value that is no dictionary says nothing at all. What stands inside byte sequences and
//! display strings, which have no meaning here, is not looked into. Where bytes of code count, two members are looked for
//! and nothing else.

use crate::SMALL;
use crate::message::{FieldBlock, KnownName};

/// How urgent an answer is, and whether parts of it are of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Priority {
    /// 0, the most urgent, to 7.
    pub urgency: u8,
    /// Parts of the answer are of use, so it may share the connection with others as urgent as itself.
    pub incremental: bool,
}

impl Priority {
    /// What an exchange has that says nothing (RFC 9218 §4.1, §4.2).
    pub const DEFAULT: Priority = Priority { urgency: 3, incremental: false };

    /// The longest value that [`Priority::write`] makes: bytes.
    pub const VALUE_BYTES_MAX: usize = 6;

    /// What a field value says; [`Priority::DEFAULT`] for what it leaves unsaid, and for all if it is malformed.
    pub fn parse(value: &[u8]) -> Priority {
        Priority::DEFAULT.with(value).unwrap_or(Priority::DEFAULT)
    }

    /// What the `priority` fields of a head say. Several lines are one dictionary (RFC 9651 §4.2).
    pub fn of(fields: FieldBlock<'_>) -> Priority {
        let mut lines = fields.all(KnownName::Priority);
        lines.try_fold(Priority::DEFAULT, Priority::with).unwrap_or(Priority::DEFAULT)
    }

    /// The field value, at the front of `out`: `u=2, i`.
    pub fn write(self, out: &mut [u8; Priority::VALUE_BYTES_MAX]) -> &[u8] {
        *out = *b"u=3, i";
        let len = if self.incremental { 6 } else { 3 };
        let [_, _, urgency, ..] = out;
        *urgency = b'0'.wrapping_add(self.urgency.min(7));
        out.get(..len).unwrap_or(&[])
    }

    /// With what `value` says; `None` if it is malformed.
    fn with(self, value: &[u8]) -> Option<Priority> {
        if SMALL { Some(self.with_plain(value)) } else { self.with_dictionary(value) }
    }

    /// Looks for the two members as clients write them, and at nothing else: a hint is not worth a parser where bytes of
    /// code count.
    fn with_plain(mut self, value: &[u8]) -> Priority {
        for member in value.split(|&byte| byte == b',') {
            match member.trim_ascii() {
                [b'u', b'=', urgency @ b'0'..=b'7'] => self.urgency = urgency.wrapping_sub(b'0'),
                b"i" | b"i=?1" => self.incremental = true,
                b"i=?0" => self.incremental = false,
                _ => {}
            }
        }
        self
    }

    fn with_dictionary(mut self, value: &[u8]) -> Option<Priority> {
        let mut rest = value;
        while let [start @ .., b' '] = rest {
            rest = start;
        }
        skip(&mut rest, |byte| byte == b' ');
        while !rest.is_empty() {
            let name = key(&mut rest)?;
            let member = if take(&mut rest, b'=') { item_or_list(&mut rest)? } else { bare(&mut rest)? };
            match (name, member) {
                (b"u", Member::Integer(urgency @ 0..=7)) => self.urgency = urgency,
                (b"i", Member::Boolean(incremental)) => self.incremental = incremental,
                (_, Member::Integer(_) | Member::Boolean(_) | Member::Other) => {}
            }
            skip(&mut rest, is_blank);
            if rest.is_empty() {
                break;
            }
            if !take(&mut rest, b',') {
                return None;
            }
            skip(&mut rest, is_blank);
            // A comma at the end (RFC 9651 §4.2.2).
            if rest.is_empty() {
                return None;
            }
        }
        Some(self)
    }
}

/// The value of a member, as far as anybody wants to know it.
enum Member {
    /// An integer; if it is negative or above 255, then 255.
    Integer(u8),
    Boolean(bool),
    Other,
}

/// A member without a value, which is true, and its parameters.
fn bare(rest: &mut &[u8]) -> Option<Member> {
    parameters(rest)?;
    Some(Member::Boolean(true))
}

fn item_or_list(rest: &mut &[u8]) -> Option<Member> {
    let member = if take(rest, b'(') { inner_list(rest)? } else { item(rest)? };
    parameters(rest)?;
    Some(member)
}

/// An inner list behind its parenthesis (RFC 9651 §4.2.1.2).
fn inner_list(rest: &mut &[u8]) -> Option<Member> {
    loop {
        skip(rest, |byte| byte == b' ');
        if take(rest, b')') {
            return Some(Member::Other);
        }
        item(rest)?;
        parameters(rest)?;
        if !matches!(rest.first(), Some(b' ' | b')')) {
            return None;
        }
    }
}

/// Parameters (RFC 9651 §4.2.3.2), which nobody wants to know.
fn parameters(rest: &mut &[u8]) -> Option<()> {
    while take(rest, b';') {
        skip(rest, |byte| byte == b' ');
        key(rest)?;
        if take(rest, b'=') {
            item(rest)?;
        }
    }
    Some(())
}

/// A key (RFC 9651 §4.2.3.3).
fn key<'v>(rest: &mut &'v [u8]) -> Option<&'v [u8]> {
    if !matches!(rest.first(), Some(b'a'..=b'z' | b'*')) {
        return None;
    }
    Some(skip(rest, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*')))
}

/// A bare item (RFC 9651 §4.2.3.1).
fn item(rest: &mut &[u8]) -> Option<Member> {
    let first = *rest.first()?;
    if matches!(first, b'-' | b'0'..=b'9') {
        return number(rest);
    }
    *rest = rest.get(1..)?;
    match first {
        b'a'..=b'z' | b'A'..=b'Z' | b'*' => {
            skip(rest, |byte| matches!(byte, b':' | b'/') || crate::message::is_token_byte(byte));
            Some(Member::Other)
        }
        b'?' if take(rest, b'0') => Some(Member::Boolean(false)),
        b'?' if take(rest, b'1') => Some(Member::Boolean(true)),
        b'@' => {
            let date = number(rest)?;
            matches!(date, Member::Integer(_)).then_some(Member::Other)
        }
        b'"' => quoted(rest),
        b'%' if take(rest, b'"') => {
            skip(rest, |byte| byte != b'"' && matches!(byte, b' '..=b'~'));
            take(rest, b'"').then_some(Member::Other)
        }
        b':' => {
            skip(rest, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
            take(rest, b':').then_some(Member::Other)
        }
        _ => None,
    }
}

/// An integer or a decimal (RFC 9651 §4.2.4).
fn number(rest: &mut &[u8]) -> Option<Member> {
    let is_negative = take(rest, b'-');
    let digits = skip(rest, |byte| byte.is_ascii_digit());
    if take(rest, b'.') {
        let places = skip(rest, |byte| byte.is_ascii_digit());
        let fits = matches!(digits.len(), 1..=12) && matches!(places.len(), 1..=3);
        return fits.then_some(Member::Other);
    }
    if !matches!(digits.len(), 1..=15) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0u8, |value, digit| value.saturating_mul(10).saturating_add(digit.wrapping_sub(b'0')));
    Some(Member::Integer(if is_negative && value != 0 { u8::MAX } else { value }))
}

/// A string behind its first quote (RFC 9651 §4.2.5).
fn quoted(rest: &mut &[u8]) -> Option<Member> {
    loop {
        skip(rest, |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
        if take(rest, b'"') {
            return Some(Member::Other);
        }
        if !take(rest, b'\\') || !(take(rest, b'"') || take(rest, b'\\')) {
            return None;
        }
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Steps over `byte` if it comes next.
fn take(rest: &mut &[u8], byte: u8) -> bool {
    match rest.split_first() {
        Some((first, tail)) if *first == byte => {
            *rest = tail;
            true
        }
        Some(_) | None => false,
    }
}

/// Steps over the bytes that come next and for which `is_part` says so.
fn skip<'v>(rest: &mut &'v [u8], is_part: impl Fn(u8) -> bool) -> &'v [u8] {
    let len = rest.iter().position(|&byte| !is_part(byte)).unwrap_or(rest.len());
    let (part, tail) = rest.split_at_checked(len).unwrap_or((rest, &[]));
    *rest = tail;
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{FieldBlockMut, Scratch};
    use crate::{Field, FieldName};

    fn said(urgency: u8, incremental: bool) -> Option<Priority> {
        Some(Priority { urgency, incremental })
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        assert_eq!(Priority::DEFAULT.with(b"u=0"), said(0, false));
        assert_eq!(Priority::DEFAULT.with(b"u=5, i"), said(5, true));
        assert_eq!(Priority::DEFAULT.with(b""), said(3, false));
        assert_eq!(Priority::DEFAULT.with(b"i"), said(3, true));
    }

    #[test]
    fn what_is_unknown_or_of_another_type_is_passed_over() {
        for value in [
            "u=8",
            "u=-1",
            "u=256",
            "u=999999999999999",
            "u=1.5",
            "u=?1",
            "u",
            "i=1",
            "i=\"x\"",
            "foo",
            "foo=(1 \"a\\\"b\" x;y=1 ?0);z, *k-_.9=:aGk=:",
            "d=@-12, s=%\"a%20\", t=*a/b:c!",
            "  a=1  ",
            "a=1;p;q=2 ,\tb",
        ] {
            assert_eq!(Priority::DEFAULT.with(value.as_bytes()), said(3, false), "{value}");
        }
        assert_eq!(Priority::DEFAULT.with(b"u=1;x=2, i=?1;y"), said(1, true));
    }

    #[test]
    fn what_clients_write_is_read_alike_by_little_code() {
        for value in [
            "",
            "u=0",
            "u=7",
            "u=5, i",
            "i",
            "i=?0",
            "i=?1,u=2",
            "u=1, i, u=2, i=?0",
            "u=9",
            "foo, u=1",
            "u=8;x",
        ] {
            let plain = Priority::DEFAULT.with_plain(value.as_bytes());
            assert_eq!(Priority::DEFAULT.with_dictionary(value.as_bytes()), Some(plain), "{value}");
        }
        assert_eq!(Priority::DEFAULT.with_plain(b"u=\"1\", \0,,=u=1"), Priority::DEFAULT);
    }

    #[test]
    fn the_last_of_two_counts() {
        assert_eq!(Priority::DEFAULT.with(b"u=1, i, u=2, i=?0"), said(2, false));
        assert_eq!(Priority::DEFAULT.with(b"u=1, u=9"), said(1, false));
    }

    #[test]
    fn a_value_that_is_no_dictionary_says_nothing() {
        for value in [
            "u=1,",
            "u=1, ",
            ",u=1",
            "u=1 i",
            "u=1,,i",
            "u =1",
            "u= 1",
            "U=1",
            "u=",
            "u=1;",
            "u=1;A",
            "u=(1",
            "u=(1,2)",
            "u=(1\t2)",
            "u=?2",
            "u=?",
            "u=\"a",
            "u=\"\\x\"",
            "u=\"\u{7f}\"",
            "u=:a",
            "u=:!:",
            "u=@1.5",
            "u=-",
            "u=1.",
            "u=1.2345",
            "u=1234567890123456",
            "u=%a",
            "\tu=1",
            "u=1\0",
            "=1",
        ] {
            assert_eq!(Priority::DEFAULT.with(value.as_bytes()), None, "{value}");
            assert_eq!(Priority::parse(value.as_bytes()), Priority::DEFAULT);
        }
    }

    #[test]
    fn several_lines_are_one_dictionary() {
        let (mut bytes, mut fields) = ([0; 64], [Field::default(); 4]);
        let mut block = FieldBlockMut::new(Scratch { bytes: &mut bytes, fields: &mut fields });
        assert_eq!(Priority::of(block.block()), Priority::DEFAULT);
        block.push(FieldName::Known(KnownName::Priority), b"u=1").unwrap();
        block.push("priority", b"i").unwrap();
        assert_eq!(Priority::of(block.block()), Priority { urgency: 1, incremental: true });
        block.push("priority", b"u=,").unwrap();
        assert_eq!(Priority::of(block.block()), Priority::DEFAULT);
    }

    #[test]
    fn a_priority_reads_back_as_it_was_written() {
        let mut out = [0; Priority::VALUE_BYTES_MAX];
        for urgency in 0..=7 {
            for incremental in [false, true] {
                let priority = Priority { urgency, incremental };
                assert_eq!(Priority::parse(priority.write(&mut out)), priority);
            }
        }
        assert_eq!(Priority { urgency: 2, incremental: true }.write(&mut out), b"u=2, i");
    }
}
