//! `grpc-timeout`: one to eight digits and a unit.

use core::num::NonZero;

use crate::scan::copy_into;

/// The longest text: eight digits and a unit.
pub const TEXT_BYTES_MAX: usize = 9;

const UNITS: [(u8, u64); 5] =
    [(b'u', 1), (b'm', 1_000), (b'S', 1_000_000), (b'M', 60_000_000), (b'H', 3_600_000_000)];
const VALUE_MAX: u64 = 99_999_999;

/// The microseconds that a value of `grpc-timeout` stands for. Nanoseconds are rounded up. `None` if it is malformed.
pub fn parse(value: &[u8]) -> Option<u64> {
    let (&unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_u64, |number, digit| {
        number.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0')))
    });
    if unit == b'n' {
        return Some(number.div_ceil(1_000));
    }
    let (_, us) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(number.saturating_mul(*us))
}

/// Writes `us` microseconds as a value of `grpc-timeout`, in the finest unit that has room for it: rounded up, so
/// that a peer that is further on does not give up first.
pub fn format(us: u64, out: &mut [u8; TEXT_BYTES_MAX]) -> &[u8] {
    let in_unit = |&(name, unit): &(u8, u64)| {
        // None of them is zero, which a linker must see.
        let unit = NonZero::new(unit)?;
        let number = us.saturating_add(unit.get().saturating_sub(1)) / unit;
        (number <= VALUE_MAX).then_some((name, number))
    };
    let (name, mut number) = UNITS.iter().find_map(in_unit).unwrap_or((b'H', VALUE_MAX));
    let mut digits = [0; TEXT_BYTES_MAX];
    let mut at = TEXT_BYTES_MAX;
    for place in digits.iter_mut().rev() {
        *place = b'0'.wrapping_add((number % 10) as u8);
        number /= 10;
        at = at.saturating_sub(1);
        if number == 0 {
            break;
        }
    }
    let text = digits.get(at..).unwrap_or(&[]);
    copy_into(out.get_mut(..text.len()).unwrap_or(&mut []), text);
    if let Some(place) = out.get_mut(text.len()) {
        *place = name;
    }
    out.get(..=text.len()).unwrap_or(&[])
}
