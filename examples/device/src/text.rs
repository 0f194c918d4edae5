//! Text written into lent memory, without the machinery of `core::fmt`.

/// What has been written so far. What does not fit is cut off, so memory is sized by its users' tests.
#[derive(Debug)]
pub(crate) struct Text<'o> {
    out: &'o mut [u8],
    len: usize,
}

impl<'o> Text<'o> {
    pub(crate) const fn new(out: &'o mut [u8]) -> Text<'o> {
        Text { out, len: 0 }
    }

    pub(crate) fn put(&mut self, text: &str) -> &mut Text<'o> {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Text<'o> {
        for (to, &from) in self.out.iter_mut().skip(self.len).zip(bytes) {
            *to = from;
            self.len = self.len.saturating_add(1);
        }
        self
    }

    pub(crate) fn number(&mut self, number: u32) -> &mut Text<'o> {
        let mut digits = [b'0'; 10];
        let (mut rest, mut used) = (number, 0_usize);
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.wrapping_add((rest % 10) as u8);
            rest /= 10;
            used = used.saturating_add(1);
            if rest == 0 {
                break;
            }
        }
        let from = digits.len().saturating_sub(used);
        self.bytes(digits.get(from..).unwrap_or(&[]))
    }

    /// A number of thousandths, as a decimal with three digits behind the point.
    pub(crate) fn thousandths(&mut self, number: i32) -> &mut Text<'o> {
        if number < 0 {
            self.put("-");
        }
        let number = number.unsigned_abs();
        let fraction = number % 1000;
        self.number(number / 1000).put(".");
        self.put(if fraction < 100 { "0" } else { "" }).put(if fraction < 10 { "0" } else { "" });
        self.number(fraction)
    }

    pub(crate) fn written(self) -> &'o [u8] {
        let Text { out, len } = self;
        out.get(..len).unwrap_or(&[])
    }
}

/// The eight lower-case hexadecimal digits of a number.
#[expect(
    clippy::indexing_slicing,
    reason = "eight digits of eight, and constants need a loop without iterators"
)]
pub(crate) const fn hex(number: u32) -> [u8; 8] {
    let (mut digits, mut rest, mut at) = ([0; 8], number, 0);
    while at < digits.len() {
        let half = (rest >> 28) as u8;
        digits[at] = half.wrapping_add(if half < 10 { b'0' } else { b'a' - 10 });
        rest <<= 4;
        at += 1;
    }
    digits
}

/// The number that up to eight hexadecimal digits stand for.
pub(crate) fn parse_hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}

/// The number that decimal digits stand for, if it is not too large.
pub(crate) fn parse_decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, &digit| {
        number.checked_mul(10)?.checked_add(char::from(digit).to_digit(10)?)
    })
}

/// Moves what is left of `text` from `at` on into `out`; says how much, and whether that was the end.
pub(crate) fn copy_from(text: &[u8], at: usize, out: &mut [u8]) -> (usize, bool) {
    let left = text.get(at..).unwrap_or(&[]);
    let len = left.len().min(out.len());
    for (to, &from) in out.iter_mut().zip(left) {
        *to = from;
    }
    (len, len == left.len())
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    fn written(write: impl FnOnce(&mut Text<'_>)) -> std::string::String {
        let mut out = [0; 64];
        let mut text = Text::new(&mut out);
        write(&mut text);
        std::string::String::from_utf8(text.written().to_vec()).expect("text")
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 1, 9, 10, 99, 100, 4096, 999_999_999, u32::MAX] {
            assert_eq!(written(|text| _ = text.number(number)), number.to_string());
            let digits = hex(number);
            assert_eq!(core::str::from_utf8(&digits), Ok(&*std::format!("{number:08x}")));
            assert_eq!(parse_hex(&digits), Some(number));
            assert_eq!(parse_decimal(number.to_string().as_bytes()), Some(number));
        }
        for (number, want) in
            [(0, "0.000"), (7, "0.007"), (21_500, "21.500"), (-1_050, "-1.050"), (i32::MIN, "-2147483.648")]
        {
            assert_eq!(written(|text| _ = text.thousandths(number)), want);
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for wrong in ["", "g", "-1", "+1", "123456789", " 1", "0x1"] {
            assert_eq!(parse_hex(wrong.as_bytes()), None, "{wrong}");
        }
        for wrong in ["", "a", "-1", "4294967296", "99999999999", " 1"] {
            assert_eq!(parse_decimal(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse_hex(b"CBF43926"), Some(0xcbf4_3926));
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        let mut out = [0; 4];
        let mut text = Text::new(&mut out);
        text.put("abc").number(12).put("x");
        assert_eq!(text.written(), b"abc1");
    }
}
