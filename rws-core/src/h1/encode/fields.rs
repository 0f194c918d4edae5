//! Field lines of a source: checked while they are written, and without those that are the engine's own.

use crate::h1::out::Rest;
#[cfg(target_pointer_width = "64")]
use crate::h1::out::SHORT_BYTES;
use crate::message::{Field, Span, is_field_value, is_token};
use crate::scan::{self, Kernel, Task};
use crate::{Error, FieldBlock, FieldName, KnownName, Misuse};

/// What the engine must know of a source's fields. A word of bits, which stays in a register from line to line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    bits: u32,
    pub(super) length: Option<u64>,
}

impl Seen {
    /// A `Date` field.
    pub(super) const DATE: u32 = 1;
    /// An `Upgrade` field.
    pub(super) const UPGRADE: u32 = 2;
    /// A `TE` field.
    pub(super) const TE: u32 = 4;
    /// The connection option `close`.
    pub(super) const CLOSE: u32 = 8;

    #[inline(always)]
    pub(super) const fn has(&self, bit: u32) -> bool {
        self.bits & bit != 0
    }
}

/// The lines of a head, and what was seen on the way.
///
/// # Errors
/// As [`response`](super::response).
#[inline]
pub(super) fn fields<'o>(to: Rest<'o>, block: FieldBlock<'_>) -> Result<(Rest<'o>, Seen), Error> {
    scan::dispatch(Write { to, block }, &[], &mut 0, &mut ())
}

/// Writes lines with the kernel that checks their values.
struct Write<'o, 'b> {
    to: Rest<'o>,
    block: FieldBlock<'b>,
}

impl<'o> Task for Write<'o, '_> {
    type Output = Result<(Rest<'o>, Seen), Error>;
    type Place = ();

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn run<K: Kernel>(self, kernel: K, _bytes: &[u8], _scanned: &mut u16, _place: &mut ()) -> Self::Output {
        let mut to = self.to;
        let mut seen = Seen::default();
        let (arena, index) = self.block.parts();
        for &field in index {
            let known = match field.known_name() {
                Some(known) => known,
                // A block need not come from a builder: no spelling of a framing field passes for another name.
                None => match identified(field, arena) {
                    Some(known) => known,
                    None => {
                        to = other_line(to, field, arena)?;
                        continue;
                    }
                },
            };
            match own(known) {
                Own::No => {}
                Own::Skip => continue,
                Own::Length => {
                    seen.length = decimal(field.value(arena));
                    continue;
                }
                Own::Options => {
                    if has_option(field.value(arena), b"close") {
                        seen.bits |= Seen::CLOSE;
                    }
                    continue;
                }
                Own::Date => seen.bits |= Seen::DATE,
                Own::Upgrade => seen.bits |= Seen::UPGRADE,
                Own::Te => seen.bits |= Seen::TE,
            }
            to = known_line(kernel, to, known, arena, field.value_span())?;
        }
        Ok((to, seen))
    }
}

/// The id of a name that came without one.
#[inline(never)]
fn identified(field: Field, arena: &[u8]) -> Option<KnownName> {
    match field.name(arena).identified() {
        FieldName::Known(known) => Some(known),
        FieldName::Other(_) => None,
    }
}

/// A line whose name has no id.
#[inline(never)]
fn other_line<'o>(to: Rest<'o>, field: Field, arena: &[u8]) -> Result<Rest<'o>, Error> {
    field_line(to, field.name(arena), field.value(arena))
}

/// A line whose name has an id. Mostly all of it is short and lies with room around: then it is checked and copied
/// in a few whole pieces.
#[inline(always)]
fn known_line<'o, K: Kernel>(
    kernel: K,
    to: Rest<'o>,
    name: KnownName,
    arena: &[u8],
    value: Span,
) -> Result<Rest<'o>, Error> {
    #[cfg(target_pointer_width = "64")]
    let to = match short_value(kernel, arena, value) {
        Some((piece, len)) => match to.short_line(name, piece, len) {
            Ok(to) => return Ok(to),
            Err(to) => to,
        },
        None => to,
    };
    any_line(kernel, to, name, arena, value)
}

/// A value that is in one piece with what lies behind it, if it is seen at once that it may be written.
#[cfg(target_pointer_width = "64")]
#[inline(always)]
fn short_value<K: Kernel>(kernel: K, arena: &[u8], value: Span) -> Option<(&[u8; SHORT_BYTES], usize)> {
    let (at, len) = (usize::from(value.at), usize::from(value.len));
    let piece = arena.get(at..)?.first_chunk()?;
    // Of what may stand in a value, only white space is no more than a space.
    let is_edge = |at: usize| piece.get(at).is_some_and(|&byte| byte > b' ');
    let is_plain = is_edge(0) && is_edge(len.wrapping_sub(1)) && kernel.text_end(piece, 0).at >= len;
    is_plain.then_some((piece, len))
}

/// As [`known_line`], wherever the value lies.
#[inline(always)]
fn any_line<'o, K: Kernel>(
    kernel: K,
    to: Rest<'o>,
    name: KnownName,
    arena: &[u8],
    value: Span,
) -> Result<Rest<'o>, Error> {
    if !is_value_at(kernel, arena, value) {
        return Err(Misuse::FieldValueSyntax.into());
    }
    Ok(to.line_start(name)?.part(arena, value)?.array(b"\r\n")?)
}

/// Whether what `span` names may be written as a value.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn is_value_at<K: Kernel>(kernel: K, arena: &[u8], span: Span) -> bool {
    let (at, end) = (usize::from(span.at), span.end());
    let is_edge = |at: usize| !matches!(arena.get(at), Some(b' ' | b'\t'));
    // A span that does not fit the arena is written as an empty value.
    span.len == 0
        || end > arena.len()
        || (kernel.text_end(arena, at).at >= end && is_edge(at) && is_edge(end.wrapping_sub(1)))
}

/// Whether the engine has its own view of this field, so that a head of ours is looked through for it.
pub(in crate::h1) const fn is_own(name: KnownName) -> bool {
    !matches!(own(name), Own::No)
}

/// What the engine makes of a field that it may write by itself.
pub(crate) enum Own {
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

pub(crate) const fn own(name: KnownName) -> Own {
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
        let name = name.identified();
        if may_trail(name) {
            to = field_line(to, name, value)?;
        }
    }
    Ok((to.array(b"\r\n")?, ()))
}

/// Framing, routing and connection fields mean nothing after the content (RFC 9110 §6.5.1).
pub(crate) fn may_trail(name: FieldName<'_>) -> bool {
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
    check_value(value)?;
    Ok(to.line(name, value)?)
}

#[inline]
fn check_value(value: &[u8]) -> Result<(), Error> {
    if is_field_value(value) { Ok(()) } else { Err(Misuse::FieldValueSyntax.into()) }
}

/// A plain decimal number.
#[inline(never)]
pub(crate) fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |number, byte| {
        let digit = (*byte as char).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Whether a list of connection options has `option` (RFC 9110 §7.6.1).
#[inline(never)]
pub(crate) fn has_option(value: &[u8], option: &[u8]) -> bool {
    value.split(|&byte| byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(option))
}
