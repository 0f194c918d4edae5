//! Field lines (RFC 9112 §5): `name ":" OWS value OWS CRLF`, up to the empty line.

use super::{Stop, span};
use crate::message::{Field, KnownName, Span};
use crate::scan::{self, Kernel};
use crate::{Limits, PeerFault};

/// A field line whose name is known.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its name.
    pub(super) name: KnownName,
    /// Where its value stands, without the white space around it.
    pub(super) span: Span,
    bytes: &'a [u8],
}

impl<'a> Line<'a> {
    /// The value.
    pub(super) fn value(self) -> &'a [u8] {
        self.span.bytes(self.bytes)
    }
}

/// Who is told of the field lines with a known name.
pub(super) trait Notes {
    /// Takes note of a line, or says what is wrong with it.
    fn note(&mut self, line: Line<'_>) -> Result<(), PeerFault>;
}

/// Where a section ended.
#[derive(Clone, Copy)]
pub(super) struct Section {
    /// One past its final empty line.
    pub(super) end: u16,
    /// How many field lines it has.
    pub(super) count: u16,
}

/// The slots that a section may fill: `fields_max` of those lent.
#[inline(always)]
pub(super) fn slots<'f>(lent: &'f mut [Field], limits: &Limits) -> &'f mut [Field] {
    let count = lent.len().min(usize::from(limits.fields_max));
    lent.split_at_mut_checked(count).map_or(&mut [], |(slots, _)| slots)
}

/// Reads field lines from `at` to the end of the empty line, into `slots`; `notes` is told of those with a known
/// name. As many lines are allowed as there are slots.
#[inline(always)]
pub(super) fn parse<K: Kernel>(
    kernel: K,
    bytes: &[u8],
    at: usize,
    slots: &mut [Field],
    notes: &mut impl Notes,
) -> Result<Section, Stop> {
    let mut at = at;
    let mut count = 0_usize;
    loop {
        let colon = kernel.run_end(scan::TOKEN, bytes, at);
        if bytes.get(colon) != Some(&b':') || colon == at {
            let end = section_end(bytes, at, colon)?;
            return Ok(Section { end: end as u16, count: count as u16 });
        }
        let slot = slots.get_mut(count).ok_or(PeerFault::TooManyFields)?;
        count = count.wrapping_add(1);
        let (value, next) = value(kernel, bytes, colon.wrapping_add(1))?;
        match known_name(kernel, bytes, at, colon) {
            Some(name) => {
                *slot = Field::known(name, value);
                notes.note(Line { name, span: value, bytes })?;
            }
            None => *slot = Field::named(span(at, colon), value).ok_or(PeerFault::HeadTooLarge)?,
        }
        at = next;
    }
}

/// The id of the name that stands at `at..end`, if it has one.
#[inline(always)]
fn known_name<K: Kernel>(kernel: K, bytes: &[u8], at: usize, end: usize) -> Option<KnownName> {
    let name = bytes.get(at..end)?;
    let candidate = KnownName::candidate(name)?;
    let is_it = if K::COMPARES_WIDE {
        kernel.equals_lowercase(bytes, at, name.len(), candidate.lowercase())
    } else {
        candidate.as_str().as_bytes().eq_ignore_ascii_case(name)
    };
    if is_it { Some(candidate) } else { None }
}

/// Reads `OWS value OWS CRLF`; gives the value's place and where the next line starts.
#[inline(always)]
fn value<K: Kernel>(kernel: K, bytes: &[u8], at: usize) -> Result<(Span, usize), Stop> {
    let mut start = at;
    while is_blank(bytes.get(start)) {
        start = start.wrapping_add(1);
    }
    let line_end = kernel.text_end(bytes, start);
    let next = after_line_end(bytes, line_end, PeerFault::FieldValueSyntax)?;
    let mut end = line_end;
    while end > start && is_blank(bytes.get(end.wrapping_sub(1))) {
        end = end.wrapping_sub(1);
    }
    Ok((span(start, end), next))
}

/// Steps over the CRLF that must stand at `at`; another byte there is `otherwise`.
#[inline(always)]
pub(super) fn after_line_end(bytes: &[u8], at: usize, otherwise: PeerFault) -> Result<usize, Stop> {
    let next = at.wrapping_add(2);
    match bytes.get(at..next) {
        Some(b"\r\n") => Ok(next),
        _ => Err(broken_line_end(bytes, at, otherwise)),
    }
}

#[cold]
fn broken_line_end(bytes: &[u8], at: usize, otherwise: PeerFault) -> Stop {
    match (bytes.get(at), bytes.get(at.wrapping_add(1))) {
        (None, _) | (Some(b'\r'), None) => Stop::Incomplete,
        (Some(b'\r' | b'\n'), _) => Stop::Fault(PeerFault::BareLineEnding),
        (Some(_), _) => Stop::Fault(otherwise),
    }
}

/// What stands at `at` is no field line, since its first byte that is no token byte, at `stop`, is not a
/// colon after a name. Gives the end of the section if it is the empty line.
#[inline(always)]
fn section_end(bytes: &[u8], at: usize, stop: usize) -> Result<usize, Stop> {
    match bytes.get(at..at.wrapping_add(2)) {
        Some(b"\r\n") => Ok(at.wrapping_add(2)),
        _ => Err(broken_line(bytes, at, stop)),
    }
}

#[cold]
fn broken_line(bytes: &[u8], at: usize, stop: usize) -> Stop {
    match bytes.get(stop) {
        None => Stop::Incomplete,
        Some(b'\r') if stop == at => broken_line_end(bytes, at, PeerFault::BareLineEnding),
        Some(b'\n') => PeerFault::BareLineEnding.into(),
        Some(b' ' | b'\t') if stop == at => PeerFault::ObsoleteFold.into(),
        Some(_) => PeerFault::FieldNameSyntax.into(),
    }
}

#[inline(always)]
fn is_blank(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b' ' | b'\t'))
}
