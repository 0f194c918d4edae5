//! Field lines of a source: checked while they are written, and without those that are the engine's own.

use crate::h1::out::Rest;
use crate::message::{is_field_value, is_token};
use crate::{Error, FieldBlock, FieldName, KnownName, Misuse};

/// What the engine must know of a source's fields.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) date: bool,
    pub(super) upgrade: bool,
    pub(super) te: bool,
    pub(super) close: bool,
    pub(super) length: Option<u64>,
}

/// The lines of a head, and what was seen on the way.
///
/// # Errors
/// As [`response`](super::response).
#[inline(never)]
pub(super) fn fields<'o>(mut to: Rest<'o>, block: FieldBlock<'_>) -> Result<(Rest<'o>, Seen), Error> {
    let mut seen = Seen::default();
    for (name, value) in block.iter() {
        if let FieldName::Known(known) = name {
            match own(known) {
                Own::No => {}
                Own::Skip => continue,
                Own::Length => {
                    seen.length = decimal(value);
                    continue;
                }
                Own::Options => {
                    seen.close |= has_option(value, b"close");
                    continue;
                }
                Own::Date => seen.date = true,
                Own::Upgrade => seen.upgrade = true,
                Own::Te => seen.te = true,
            }
        }
        to = field_line(to, name, value)?;
    }
    Ok((to, seen))
}

/// Whether the engine has its own view of this field, so that a head of ours is looked through for it.
pub(in crate::h1) const fn is_own(name: KnownName) -> bool {
    !matches!(own(name), Own::No)
}

/// What the engine makes of a field that it may write by itself.
enum Own {
    /// Not the engine's.
    No,
    /// Left out.
    Skip,
    /// Left out, but it tells the length where no body is sent.
    Length,
    /// Left out, but its options are heard.
    Options,
    /// Written, and the engine adds none.
    Date,
    /// Written, with the connection option it needs.
    Upgrade,
    /// As `Upgrade` (RFC 9110 §10.1.4).
    Te,
}

const fn own(name: KnownName) -> Own {
    match name {
        KnownName::ContentLength => Own::Length,
        KnownName::Connection => Own::Options,
        KnownName::TransferEncoding
        | KnownName::KeepAlive
        | KnownName::ProxyConnection
        | KnownName::Expect
        | KnownName::Host => Own::Skip,
        KnownName::Date => Own::Date,
        KnownName::Upgrade => Own::Upgrade,
        KnownName::Te => Own::Te,
        _ => Own::No,
    }
}

/// The trailer section and the empty line after it.
///
/// # Errors
/// As [`response`](super::response).
pub(in crate::h1) fn trailers<'o>(mut to: Rest<'o>, block: FieldBlock<'_>) -> Result<(Rest<'o>, ()), Error> {
    for (name, value) in block.iter() {
        if may_trail(name) {
            to = field_line(to, name, value)?;
        }
    }
    Ok((to.array(b"\r\n")?, ()))
}

/// Framing, routing and connection fields mean nothing after the content (RFC 9110 §6.5.1).
fn may_trail(name: FieldName<'_>) -> bool {
    match name {
        FieldName::Other(_) => true,
        FieldName::Known(known) => {
            !matches!(own(known), Own::Skip | Own::Length | Own::Options | Own::Upgrade)
        }
    }
}

#[inline]
fn field_line<'o>(to: Rest<'o>, name: FieldName<'_>, value: &[u8]) -> Result<Rest<'o>, Error> {
    let name = match name {
        FieldName::Known(known) => known.as_str().as_bytes(),
        FieldName::Other(name) if is_token(name) => name,
        FieldName::Other(_) => return Err(Misuse::FieldNameSyntax.into()),
    };
    if !is_plain(value) && !is_field_value(value) {
        return Err(Misuse::FieldValueSyntax.into());
    }
    Ok(to.line(name, value)?)
}

/// A quick look, eight bytes at a time, that settles almost every value: no byte below space and no DEL,
/// and no space at an end. `false` means: look closely.
#[inline]
pub(super) fn is_plain(value: &[u8]) -> bool {
    let (Some(&first), Some(&last)) = (value.first(), value.last()) else { return true };
    if first == b' ' || last == b' ' {
        return false;
    }
    let Some(last) = value.last_chunk::<8>() else {
        return value.iter().all(|&byte| byte >= b' ' && byte != 0x7f);
    };
    let (mut hits, mut rest) = (control_bytes(u64::from_ne_bytes(*last)), value);
    while let Some((word, more)) = rest.split_first_chunk::<8>() {
        hits |= control_bytes(u64::from_ne_bytes(*word));
        rest = more;
    }
    hits == 0
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

/// A plain decimal number.
pub(super) fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |number, byte| {
        let digit = (*byte as char).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Whether a list of connection options has `option` (RFC 9110 §7.6.1).
pub(super) fn has_option(value: &[u8], option: &[u8]) -> bool {
    value.split(|&byte| byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(option))
}
