//! Whether a text is JSON (RFC 8259): one pass without recursion.
//!
//! ```text
//!             value             , (array)
//!   Value ───────────▶ Behind ─────────────▶ Value
//!     │ [ {              │  , (object)  ▲
//!     ▼                  ▼              │ : value
//!   First ── ] } ─▶    Name ────────────┘            Behind at depth 0: nothing may follow
//! ```

/// How many arrays and objects may stand inside each other.
pub const DEPTH_MAX: u32 = 32;

/// Whether `text` is one JSON value in valid UTF-8 (RFC 8259 §8.1), with nothing behind it.
pub(super) fn is_json(text: &[u8]) -> bool {
    core::str::from_utf8(text).is_ok() && Reader { rest: text, depth: 0, objects: 0 }.read().is_some()
}

struct Reader<'t> {
    rest: &'t [u8],
    depth: u32,
    /// A bit for each level, the innermost lowest: whether it is an object.
    objects: u32,
}

/// What may come next.
#[derive(Clone, Copy)]
enum Expected {
    /// A value.
    Value,
    /// The first value or name of an array or object, or its end.
    First,
    /// A name and its colon.
    Name,
    /// What stands behind a value: a comma, an end.
    Behind,
}

impl Reader<'_> {
    fn read(&mut self) -> Option<()> {
        let mut expected = Expected::Value;
        loop {
            self.skip_space();
            if self.depth == 0 && matches!(expected, Expected::Behind) {
                return self.rest.is_empty().then_some(());
            }
            expected = match expected {
                Expected::Value => self.value()?,
                Expected::First if self.closes() => Expected::Behind,
                Expected::First if self.is_in_object() => Expected::Name,
                Expected::First => Expected::Value,
                Expected::Name => self.name()?,
                Expected::Behind if self.closes() => Expected::Behind,
                Expected::Behind => {
                    self.eat(b',')?;
                    if self.is_in_object() { Expected::Name } else { Expected::Value }
                }
            };
        }
    }

    fn is_in_object(&self) -> bool {
        self.objects & 1 == 1
    }

    /// Takes the end of the innermost array or object, if it is here.
    fn closes(&mut self) -> bool {
        let end = if self.is_in_object() { b'}' } else { b']' };
        let is_end = self.eat(end).is_some();
        if is_end {
            self.depth = self.depth.saturating_sub(1);
            self.objects >>= 1;
        }
        is_end
    }

    fn name(&mut self) -> Option<Expected> {
        self.eat(b'"')?;
        self.string()?;
        self.skip_space();
        self.eat(b':')?;
        Some(Expected::Value)
    }

    fn value(&mut self) -> Option<Expected> {
        let (&first, rest) = self.rest.split_first()?;
        match first {
            b'{' | b'[' => {
                self.rest = rest;
                self.depth = self.depth.checked_add(1).filter(|&depth| depth <= DEPTH_MAX)?;
                self.objects = self.objects << 1 | u32::from(first == b'{');
                return Some(Expected::First);
            }
            b'"' => {
                self.rest = rest;
                self.string()?;
            }
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        Some(Expected::Behind)
    }

    /// What follows the quote of a string, its end included.
    fn string(&mut self) -> Option<()> {
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                // RFC 8259 §7: control characters are escaped.
                ..b' ' => return None,
                b' '.. => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let (digits, rest) = self.rest.split_first_chunk::<4>()?;
                self.rest = rest;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    /// RFC 8259 §6: no plus, no leading zero, a digit on both sides of the point.
    fn number(&mut self) -> Option<()> {
        let _ = self.eat(b'-');
        if self.eat(b'0').is_none() {
            self.digits()?;
        }
        if self.eat(b'.').is_some() {
            self.digits()?;
        }
        if self.eat(b'e').or_else(|| self.eat(b'E')).is_some() {
            let _ = self.eat(b'+').or_else(|| self.eat(b'-'));
            self.digits()?;
        }
        Some(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let mut count = 0_usize;
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
            count = count.saturating_add(1);
        }
        (count > 0).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                Some(())
            }
            Some(_) | None => None,
        }
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;

    const RIGHT: &[&str] = &[
        "0",
        "-0",
        "12",
        "-1.5e+10",
        "0.25E-3",
        "1e0",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        r#""\"\\\/\b\f\n\r\t\u00fC\uD800""#,
        "[]",
        "{}",
        " [ ] ",
        "\t{\n}\r",
        "[[],{}]",
        "[1,2 , 3]",
        r#"{"a":1}"#,
        r#"{"a" : [ {"b":null} ] , "c":"d"}"#,
        r#"{"":{}}"#,
        "\"gr\u{fc}n\"",
    ];

    const WRONG: &[&str] = &[
        "",
        " ",
        "-",
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "1 2",
        "tru",
        "True",
        "nul",
        "nulll",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\u{1}\"",
        "\"a\nb\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[}",
        "{",
        "}",
        "{]",
        "{a:1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1}}",
        "{1:2}",
        "{\"a\":1,2}",
        "[\"a\":1]",
        "\u{feff}1",
        "'a'",
        "NaN",
        "Infinity",
        "[1]x",
        "//",
        "\u{a0}1",
    ];

    #[test]
    fn what_is_json_and_what_is_not() {
        for text in RIGHT {
            assert!(is_json(text.as_bytes()), "{text}");
        }
        for text in WRONG {
            assert!(!is_json(text.as_bytes()), "{text}");
        }
        for text in [&b"\"\xff\""[..], b"\"\xc0\x80\"", b"\"\xed\xa0\x80\""] {
            assert!(!is_json(text), "{text:?}");
        }
    }

    #[test]
    fn an_independent_reader_agrees_on_every_prefix_and_every_changed_byte() {
        let judge = |text: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
        for text in RIGHT {
            let bytes = text.as_bytes();
            for len in 0..bytes.len() {
                assert_eq!(is_json(&bytes[..len]), judge(&bytes[..len]), "{text} up to {len}");
            }
            for at in 0..bytes.len() {
                for byte in b"\0 \"\\,:[]{}0-.eEtn1" {
                    let mut changed = bytes.to_vec();
                    changed[at] = *byte;
                    // The other reader does not mind invalid UTF-8 in what it skips.
                    let expected = judge(&changed) && core::str::from_utf8(&changed).is_ok();
                    assert_eq!(is_json(&changed), expected, "{:?}", String::from_utf8_lossy(&changed));
                }
            }
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| std::format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_json(nested(32).as_bytes()));
        assert!(!is_json(nested(33).as_bytes()));
        let beside = std::format!("[{}[]]", "[],".repeat(100));
        assert!(is_json(beside.as_bytes()));
    }
}
