//! Field lines (RFC 9112 §5): `name ":" OWS value OWS CRLF`, up to the empty line.

use super::{Stop, span};
use crate::message::{Field, KnownName, Span};
use crate::scan::{self, End, FieldLine, Kernel, Scalar};
use crate::{Limits, PeerFault, SMALL};

/// Who is told of some field lines with a known name.
pub(super) trait Notes {
    /// Whether to be told of lines with this name.
    fn concerns(&self, name: KnownName) -> bool;

    /// Takes note of a line, or says what is wrong with it. `value` is where its value stands in `bytes`,
    /// without the white space around it.
    fn note(&mut self, name: KnownName, value: Span, bytes: &[u8]) -> Result<(), PeerFault>;

    /// Takes note of a line whose name was not looked up: one that does not steer, where memory is short.
    fn note_other(&mut self, name: &[u8]) -> Result<(), PeerFault> {
        let _ = name;
        Ok(())
    }
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

/// Reads field lines from `at` to the end of the empty line, into `slots`; `notes` is told of those that
/// concern it. As many lines are allowed as there are slots.
#[cfg_attr(not(target_os = "none"), inline(always))]
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn parse<K: Kernel, N: Notes + ?Sized>(
    kernel: K,
    bytes: &[u8],
    at: usize,
    slots: &mut [Field],
    notes: &mut N,
) -> Result<Section, Stop> {
    let mut section = Sink { slots: slots.iter_mut(), notes, bytes };
    let room = section.slots.len();
    let mut at = at;
    let lines = kernel.lines(bytes);
    while at < lines.far {
        let line = match kernel.far_line::<KnownName>(lines, at) {
            Some(line) => line,
            None if is_empty_line(bytes, at) => return Ok(section.closed(at, room)),
            None => odd_line(kernel, bytes, at)?,
        };
        at = section.take(at, line)?;
    }
    let tail = kernel.tail(bytes);
    loop {
        let line = match kernel.tail_line::<KnownName>(tail, at) {
            Some(line) => line,
            None if is_empty_line(bytes, at) => return Ok(section.closed(at, room)),
            None => odd_line(kernel, bytes, at)?,
        };
        at = section.take(at, line)?;
    }
}

/// Where lines go that have been read.
struct Sink<'f, 'b, N: ?Sized> {
    slots: core::slice::IterMut<'f, Field>,
    notes: &'b mut N,
    bytes: &'b [u8],
}

impl<N: Notes + ?Sized> Sink<'_, '_, N> {
    /// Takes the line at `at`; gives where the next one starts.
    #[inline(always)]
    fn take(&mut self, at: usize, line: FieldLine<KnownName>) -> Result<usize, PeerFault> {
        let slot = self.slots.next().ok_or(PeerFault::TooManyFields)?;
        let value = span(line.value_at, line.value_end);
        match line.word {
            Some(name) => {
                *slot = Field::known(name, value);
                if self.notes.concerns(name) {
                    self.notes.note(name, value, self.bytes)?;
                }
            }
            None => {
                let name = span(at, line.colon);
                *slot = Field::named(name, value).ok_or(PeerFault::HeadTooLarge)?;
                if SMALL {
                    self.notes.note_other(name.bytes(self.bytes))?;
                }
            }
        }
        Ok(line.next)
    }

    /// The section that the empty line at `at` ends, with `room` slots at first.
    #[inline(always)]
    fn closed(&self, at: usize, room: usize) -> Section {
        Section { end: at.wrapping_add(2) as u16, count: room.wrapping_sub(self.slots.len()) as u16 }
    }
}

/// Any line, of whatever shape, or what is wrong with it.
#[inline(always)]
fn odd_line<K: Kernel>(kernel: K, bytes: &[u8], at: usize) -> Result<FieldLine<KnownName>, Stop> {
    let (colon, value_at) = odd_name(bytes, at)?;
    let line_end = kernel.text_end(bytes, value_at);
    let next = after_line_end(bytes, line_end, PeerFault::FieldValueSyntax)?;
    let value_end = blanks_start(bytes, value_at, line_end.at);
    let name = bytes.get(at..colon).unwrap_or(&[]);
    let word = if SMALL { KnownName::steering(name) } else { KnownName::from_bytes(name) };
    Ok(FieldLine { colon, value_at, value_end, next, word })
}

/// Reads `name ":" OWS` at `at`: where the colon stands, and what comes behind the white space.
#[cold]
#[inline(never)]
fn odd_name(bytes: &[u8], at: usize) -> Result<(usize, usize), Stop> {
    let end = Scalar.run_end(scan::TOKEN, bytes, at);
    if end.byte != Some(b':') || end.at == at {
        return Err(no_field_line(bytes, at, end));
    }
    let mut value_at = end.at.wrapping_add(1);
    while is_blank(bytes.get(value_at)) {
        value_at = value_at.wrapping_add(1);
    }
    Ok((end.at, value_at))
}

/// What is wrong with the line at `at`, whose first byte that is no token byte, at `end`, is not a colon
/// behind a name.
fn no_field_line(bytes: &[u8], at: usize, end: End) -> Stop {
    match end.byte {
        None => Stop::Incomplete,
        Some(b'\n') => PeerFault::BareLineEnding.into(),
        Some(b'\r') if end.at == at => broken_line_end(bytes, end, PeerFault::BareLineEnding),
        Some(b' ' | b'\t') if end.at == at => PeerFault::ObsoleteFold.into(),
        Some(_) => PeerFault::FieldNameSyntax.into(),
    }
}

/// Where the white space starts that ends at `end`, not before `start`.
fn blanks_start(bytes: &[u8], start: usize, end: usize) -> usize {
    let mut end = end;
    while end > start && is_blank(bytes.get(end.wrapping_sub(1))) {
        end = end.wrapping_sub(1);
    }
    end
}

/// Steps over the CRLF that must stand at `end`; another byte there is `otherwise`.
#[inline(always)]
pub(super) fn after_line_end(bytes: &[u8], end: End, otherwise: PeerFault) -> Result<usize, Stop> {
    let line_feed = end.at.wrapping_add(1);
    if end.byte == Some(b'\r') && bytes.get(line_feed) == Some(&b'\n') {
        Ok(line_feed.wrapping_add(1))
    } else {
        Err(broken_line_end(bytes, end, otherwise))
    }
}

#[cold]
fn broken_line_end(bytes: &[u8], end: End, otherwise: PeerFault) -> Stop {
    match (end.byte, bytes.get(end.at.wrapping_add(1))) {
        (None, _) | (Some(b'\r'), None) => Stop::Incomplete,
        (Some(b'\r' | b'\n'), _) => Stop::Fault(PeerFault::BareLineEnding),
        (Some(_), _) => Stop::Fault(otherwise),
    }
}

#[inline(always)]
fn is_empty_line(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(b"\r\n"))
}

#[inline(always)]
fn is_blank(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b' ' | b'\t'))
}
