//! Byte ranges (RFC 9110 §14).
//!
//! Ranges that touch or overlap are merged. A set that a client has no honest use for is ignored, so that it
//! costs no more than the whole: more than [`RANGES_MAX`] members, or more bytes asked for than there are.

use super::conditional::{Validators, range_applies};
use super::list::members;
use crate::UnixTime;
use crate::message::{FieldBlock, KnownName, Method};
use crate::scan::{copy_into, move_within};

/// The most ranges that one request may ask for.
pub const RANGES_MAX: usize = 16;

/// Bytes `from` up to, not including, `end`; never empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub from: u64,
    /// One past the last.
    pub end: u64,
}

impl ByteRange {
    /// How many bytes it has.
    pub const fn len(self) -> u64 {
        self.end.saturating_sub(self.from)
    }

    /// Whether it has none, which no range from [`parse`] has.
    pub const fn is_empty(self) -> bool {
        self.end <= self.from
    }
}

/// Some ranges, none touching another, in the order in which they were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranges {
    ranges: [ByteRange; RANGES_MAX],
    count: usize,
}

impl Ranges {
    const NONE: Ranges = Ranges { ranges: [ByteRange { from: 0, end: 0 }; RANGES_MAX], count: 0 };

    /// The ranges.
    pub fn as_slice(&self) -> &[ByteRange] {
        self.ranges.get(..self.count).unwrap_or(&[])
    }

    /// Adds a range; those that it touches become one with it, at the place of the first.
    fn add(&mut self, mut range: ByteRange) {
        let mut place = self.count;
        while let Some(at) = self.as_slice().iter().position(|other| touch(*other, range)) {
            place = place.min(at);
            if let Some(other) = self.ranges.get(at) {
                range = ByteRange { from: range.from.min(other.from), end: range.end.max(other.end) };
            }
            move_within(&mut self.ranges, at.saturating_add(1)..self.count, at);
            self.count = self.count.saturating_sub(1);
        }
        if self.count < RANGES_MAX && place <= self.count {
            move_within(&mut self.ranges, place..self.count, place.saturating_add(1));
            if let Some(room) = self.ranges.get_mut(place) {
                *room = range;
            }
            self.count = self.count.saturating_add(1);
        }
    }
}

const fn touch(a: ByteRange, b: ByteRange) -> bool {
    a.from <= b.end && b.from <= a.end
}

/// What is to be sent.
#[expect(
    clippy::large_enum_variant,
    reason = "the ranges are the answer, and there is no heap to put them on"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The whole representation: 200.
    Whole,
    /// These parts of it: 206.
    Parts(Ranges),
    /// None of what was asked for exists: 416, with `Content-Range: bytes */length`.
    Unsatisfiable,
}

/// What a request asks for of a representation of `len` bytes, once its preconditions let it proceed
/// (see [`evaluate`](super::conditional::evaluate)). Only GET has ranges (RFC 9110 §14.2); a repeated `Range`
/// is ignored, as is one whose `If-Range` does not hold.
pub fn select(
    method: Method,
    fields: FieldBlock<'_>,
    validators: &Validators<'_>,
    len: u64,
    now: Option<UnixTime>,
) -> Selection {
    match fields.single(KnownName::Range) {
        Some(value) if method == Method::Get && range_applies(fields, validators, now) => parse(value, len),
        _ => Selection::Whole,
    }
}

/// What a `Range` value asks for of `len` bytes. One that is malformed, of another unit or greedy is ignored.
pub fn parse(value: &[u8], len: u64) -> Selection {
    let Some(set) = byte_range_set(value) else { return Selection::Whole };
    let (mut ranges, mut sum, mut count) = (Ranges::NONE, 0u64, 0usize);
    for member in members(set) {
        let Some(range) = resolve(member, len) else { return Selection::Whole };
        count = count.saturating_add(1);
        sum = sum.saturating_add(range.len());
        if count > RANGES_MAX || sum > len {
            return Selection::Whole;
        }
        if !range.is_empty() {
            ranges.add(range);
        }
    }
    match (count, ranges.count) {
        (0, _) => Selection::Whole,
        (_, 0) => Selection::Unsatisfiable,
        _ => Selection::Parts(ranges),
    }
}

fn byte_range_set(value: &[u8]) -> Option<&[u8]> {
    let (unit, rest) = value.split_at_checked(5)?;
    unit.eq_ignore_ascii_case(b"bytes").then(|| rest.strip_prefix(b"="))?
}

/// The bytes that `first-`, `first-last` or `-suffix` means of `len`; empty if it cannot be satisfied.
fn resolve(member: &[u8], len: u64) -> Option<ByteRange> {
    let dash = member.iter().position(|&byte| byte == b'-')?;
    let (first, [_, last @ ..]) = member.split_at_checked(dash)? else { return None };
    if first.is_empty() {
        // The last bytes of nothing are satisfiable (RFC 9110 §14.1.2), but no 206 can say so.
        let suffix = number(last).filter(|&suffix| suffix == 0 || len > 0)?;
        return Some(ByteRange { from: len.saturating_sub(suffix), end: len });
    }
    let from = number(first)?;
    let end =
        if last.is_empty() { len } else { number(last).filter(|last| *last >= from)?.saturating_add(1) };
    Some(ByteRange { from: from.min(len), end: end.min(len) })
}

/// One or more digits; what is beyond 64 bits is as good as their maximum.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        Some(number.saturating_mul(10).saturating_add(u64::from(digit)))
    })
}

/// The longest `Content-Range` value: bytes.
pub const CONTENT_RANGE_BYTES_MAX: usize = 6 + 20 + 1 + 20 + 1 + 20;

/// Writes the `Content-Range` value of `range` of `len` bytes, `bytes 0-4/10`, or of no range, `bytes */10`
/// (RFC 9110 §14.4). `range` must not be empty.
pub fn content_range(range: Option<ByteRange>, len: u64, out: &mut [u8; CONTENT_RANGE_BYTES_MAX]) -> &[u8] {
    let mut writer = Writer { out, at: 0 };
    writer.text(b"bytes ");
    match range {
        Some(range) => {
            writer.number(range.from);
            writer.text(b"-");
            writer.number(range.end.saturating_sub(1));
        }
        None => writer.text(b"*"),
    }
    writer.text(b"/");
    writer.number(len);
    let at = writer.at;
    out.get(..at).unwrap_or(&[])
}

struct Writer<'o> {
    out: &'o mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn text(&mut self, text: &[u8]) {
        let end = self.at.saturating_add(text.len());
        if let Some(room) = self.out.get_mut(self.at..end) {
            copy_into(room, text);
            self.at = end;
        }
    }

    fn number(&mut self, mut number: u64) {
        let mut digits = [0u8; 20];
        let mut from = digits.len();
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0'.wrapping_add((number % 10) as u8);
            number /= 10;
            from = at;
            if number == 0 {
                break;
            }
        }
        self.text(digits.get(from..).unwrap_or(&[]));
    }
}

#[cfg(test)]
mod tests;
