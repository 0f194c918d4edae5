//! Field lines (RFC 9112 §5): `name ":" OWS value OWS CRLF`, up to the empty line.

use super::Stop;
use crate::message::{Field, KnownName, Span};
use crate::scan::Kernel;
use crate::{Limits, PeerFault};

/// One field line that is of interest to the engine.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its name.
    pub(super) name: KnownName,
    /// Its value, without the white space around it.
    pub(super) value: &'a [u8],
    /// Where the value stands.
    pub(super) span: Span,
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
pub(super) fn slots<'f>(lent: &'f mut [Field], limits: &Limits) -> &'f mut [Field] {
    let count = lent.len().min(usize::from(limits.fields_max));
    lent.split_at_mut_checked(count).map_or(&mut [], |(slots, _)| slots)
}

/// Reads field lines from `at` to the end of the empty line, into `slots`; `note` sees those with a known
/// name. As many lines are allowed as there are slots.
#[inline(always)]
pub(super) fn parse<K: Kernel>(
    kernel: K,
    bytes: &[u8],
    at: usize,
    slots: &mut [Field],
    mut note: impl FnMut(Line<'_>) -> Result<(), PeerFault>,
) -> Result<Section, Stop> {
    let mut at = at;
    let mut count = 0;
    loop {
        let colon = kernel.token_end(bytes, at);
        if colon == at || bytes.get(colon) != Some(&b':') {
            let end = section_end(bytes, at, colon)?;
            let end = u16::try_from(end).map_err(|_| PeerFault::HeadTooLarge)?;
            return Ok(Section { end, count: u16::try_from(count).unwrap_or(u16::MAX) });
        }
        let slot = slots.get_mut(count).ok_or(PeerFault::TooManyFields)?;
        let (span, next) = value(kernel, bytes, colon.wrapping_add(1))?;
        let name = Span::of(at, colon).ok_or(PeerFault::HeadTooLarge)?;
        match KnownName::from_bytes(name.bytes(bytes)) {
            Some(known) => {
                *slot = Field::known(known, span);
                note(Line { name: known, value: span.bytes(bytes), span })?;
            }
            None => *slot = Field::named(name, span).ok_or(PeerFault::HeadTooLarge)?,
        }
        count = count.wrapping_add(1);
        at = next;
    }
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
    let span = Span::of(start, end).ok_or(PeerFault::HeadTooLarge)?;
    Ok((span, next))
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
fn section_end(bytes: &[u8], at: usize, stop: usize) -> Result<usize, Stop> {
    match bytes.get(stop) {
        None => Err(Stop::Incomplete),
        Some(b'\r') if stop == at => after_line_end(bytes, at, PeerFault::BareLineEnding),
        Some(b'\n') => Err(PeerFault::BareLineEnding.into()),
        Some(b' ' | b'\t') if stop == at => Err(PeerFault::ObsoleteFold.into()),
        Some(_) => Err(PeerFault::FieldNameSyntax.into()),
    }
}

#[inline(always)]
fn is_blank(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b' ' | b'\t'))
}
