//! Field lines, judged one by one as they are decoded (RFC 9113 §8.2, §8.3).

use super::Refusal;
use crate::connection::TrailerSpans;
use crate::h1::head::{content_length, may_not_trail};
use crate::hpack::{Line, LineName, Pseudo};
use crate::message::{Field, KnownName, Span, Version, is_token, split_authority};
use crate::{Limits, PeerFault};

/// What a field section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Request,
    Response,
    Trailers,
}

/// The lines of one field section, while it is decoded.
#[derive(Debug)]
pub struct Lines<'f> {
    pub(super) slots: &'f mut [Field],
    pub(super) count: usize,
    section: Section,
    /// What has come: a bit for each pseudo-field by its number, and those below.
    seen: u16,
    /// Where the values of pseudo-fields stand, by their number.
    pseudo: [Span; Pseudo::ALL.len()],
    /// The value of `Host`.
    pub(super) host: Span,
    pub(super) length: Option<u64>,
    refusal: Option<Refusal>,
}

/// A line that is no pseudo-field: none of those may come any more.
const REGULAR: u16 = 1 << 8;
const HOST: u16 = 1 << 9;
pub(super) const EXPECTS_CONTINUE: u16 = 1 << 10;
const COOKIE: u16 = 1 << 11;
/// More than one line of cookies.
pub(super) const CRUMBS: u16 = 1 << 12;

impl<'f> Lines<'f> {
    /// No lines yet, of the head of a request. `slots` is where the index goes: as many lines are let in as there are
    /// slots, or `fields_max`.
    pub fn of_request(slots: &'f mut [Field], limits: &Limits) -> Lines<'f> {
        Lines::new(Section::Request, slots, limits)
    }

    /// As [`Lines::of_request`], of the head of a response.
    pub fn of_response(slots: &'f mut [Field], limits: &Limits) -> Lines<'f> {
        Lines::new(Section::Response, slots, limits)
    }

    /// As [`Lines::of_request`], of a trailer section.
    pub fn of_trailers(slots: &'f mut [Field], limits: &Limits) -> Lines<'f> {
        Lines::new(Section::Trailers, slots, limits)
    }

    fn new(section: Section, slots: &'f mut [Field], limits: &Limits) -> Lines<'f> {
        let count = slots.len().min(usize::from(limits.fields_max));
        Lines {
            slots: slots.get_mut(..count).unwrap_or(&mut []),
            count: 0,
            section,
            seen: 0,
            pseudo: [Span::EMPTY; Pseudo::ALL.len()],
            host: Span::EMPTY,
            length: None,
            refusal: None,
        }
    }

    /// Takes a line whose bytes stand in `arena`; whether it is of any use. After the first `false` no line is.
    pub fn take(&mut self, line: &Line, arena: &[u8]) -> bool {
        if self.refusal.is_some() {
            return false;
        }
        match self.judge(line, arena) {
            Ok(()) => true,
            Err(refusal) => {
                self.refusal = Some(refusal);
                false
            }
        }
    }

    /// The section is larger than it may be: it is refused with 431, unless something was wrong before.
    pub fn refuse_size(&mut self) {
        let fault = match self.section {
            Section::Request | Section::Response => PeerFault::HeadTooLarge,
            Section::Trailers => PeerFault::TrailersTooLarge,
        };
        self.refusal.get_or_insert(Refusal::Answer(fault));
    }

    /// A trailer section; `used` bytes of its arena are in use.
    ///
    /// # Errors
    /// What the peer did wrong.
    pub fn trailers(self, used: u16) -> Result<TrailerSpans, Refusal> {
        self.is_sound()?;
        Ok(TrailerSpans { arena_len: used, fields_len: self.count as u16, version: Version::Http2 })
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_sound(&self) -> Result<(), Refusal> {
        self.refusal.map_or(Ok(()), Err)
    }

    pub(super) const fn has(&self, bit: u16) -> bool {
        self.seen & bit != 0
    }

    /// Where the value of a pseudo-field stands, if it has come.
    pub(super) fn pseudo(&self, pseudo: Pseudo) -> Option<Span> {
        let span = self.pseudo.get(pseudo as usize).copied()?;
        self.has(bit(pseudo)).then_some(span)
    }

    /// Adds a field that the engine makes of a pseudo-field, where it has come.
    pub(super) fn end_pseudo(&mut self) -> Result<(), Refusal> {
        if self.has(REGULAR) {
            return Ok(());
        }
        self.seen |= REGULAR;
        if let Some(authority) = self.pseudo(Pseudo::Authority) {
            self.push(Field::known(KnownName::Host, authority))?;
        }
        if let Some(protocol) = self.pseudo(Pseudo::Protocol) {
            self.push(Field::known(KnownName::Upgrade, protocol))?;
        }
        Ok(())
    }

    fn push(&mut self, field: Field) -> Result<(), Refusal> {
        let slot = self.slots.get_mut(self.count).ok_or(Refusal::Answer(PeerFault::TooManyFields))?;
        *slot = field;
        self.count = self.count.wrapping_add(1);
        Ok(())
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn judge(&mut self, line: &Line, arena: &[u8]) -> Result<(), Refusal> {
        if !line.is_well_formed {
            return Err(malformed_line(line, arena));
        }
        let known = match line.name {
            LineName::Pseudo(pseudo) => return self.take_pseudo(pseudo, line.value),
            LineName::Known(known) => Some(known),
            LineName::Other(_) => None,
        };
        self.end_pseudo()?;
        if let Some(known) = known
            && !self.note(known, line.value, arena)?
        {
            return Ok(());
        }
        self.push(line.field().ok_or(Refusal::Answer(PeerFault::HeadTooLarge))?)
    }

    fn take_pseudo(&mut self, pseudo: Pseudo, value: Span) -> Result<(), Refusal> {
        let allowed = match self.section {
            Section::Request => pseudo != Pseudo::Status,
            Section::Response => pseudo == Pseudo::Status,
            Section::Trailers => false,
        };
        if !allowed || self.has(REGULAR | bit(pseudo)) {
            return Err(Refusal::Malformed(PeerFault::PseudoFields));
        }
        self.seen |= bit(pseudo);
        if let Some(place) = self.pseudo.get_mut(pseudo as usize) {
            *place = value;
        }
        Ok(())
    }

    /// Takes note of a line with a known name; whether it belongs to the fields.
    fn note(&mut self, name: KnownName, value: Span, arena: &[u8]) -> Result<bool, Refusal> {
        if self.section == Section::Trailers && may_not_trail(name) {
            return Err(Refusal::Malformed(PeerFault::TrailerForbidden));
        }
        let bytes = value.bytes(arena);
        match name {
            // RFC 9113 §8.2.2.
            KnownName::Connection
            | KnownName::KeepAlive
            | KnownName::ProxyConnection
            | KnownName::TransferEncoding
            | KnownName::Upgrade => return Err(Refusal::Malformed(PeerFault::ConnectionField)),
            KnownName::Te if !bytes.eq_ignore_ascii_case(b"trailers") => {
                return Err(Refusal::Malformed(PeerFault::ConnectionField));
            }
            KnownName::ContentLength => {
                if self.length.is_some() {
                    return Err(Refusal::Malformed(PeerFault::ContentLengthRepeated));
                }
                self.length = Some(content_length(bytes).map_err(Refusal::Malformed)?);
            }
            KnownName::Host if self.section == Section::Request => return self.note_host(value, arena),
            KnownName::Expect if self.section == Section::Request => {
                if !bytes.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Refusal::Answer(PeerFault::ExpectationUnknown));
                }
                self.seen |= EXPECTS_CONTINUE;
            }
            KnownName::Cookie => self.seen |= if self.has(COOKIE) { CRUMBS } else { COOKIE },
            _ => {}
        }
        Ok(true)
    }

    /// `Host`: it says what `:authority` says, which then stands for it (RFC 9113 §8.3.1).
    fn note_host(&mut self, value: Span, arena: &[u8]) -> Result<bool, Refusal> {
        if self.has(HOST) {
            return Err(Refusal::Malformed(PeerFault::HostRepeated));
        }
        self.seen |= HOST;
        let Some(authority) = self.pseudo(Pseudo::Authority) else {
            self.host = value;
            return Ok(true);
        };
        let scheme = self.pseudo(Pseudo::Scheme).unwrap_or(Span::EMPTY).bytes(arena);
        if is_same(authority.bytes(arena), value.bytes(arena), scheme) {
            Ok(false)
        } else {
            Err(Refusal::Malformed(PeerFault::AuthorityConflict))
        }
    }
}

const fn bit(pseudo: Pseudo) -> u16 {
    1 << pseudo as u8
}

#[cold]
fn malformed_line(line: &Line, arena: &[u8]) -> Refusal {
    Refusal::Malformed(match line.name {
        LineName::Other(name) if is_unknown_pseudo(name.bytes(arena)) => PeerFault::PseudoFields,
        LineName::Other(name) if !is_lower_token(name.bytes(arena)) => PeerFault::FieldNameSyntax,
        LineName::Other(_) | LineName::Known(_) | LineName::Pseudo(_) => PeerFault::FieldValueSyntax,
    })
}

fn is_unknown_pseudo(name: &[u8]) -> bool {
    name.first() == Some(&b':')
}

fn is_lower_token(name: &[u8]) -> bool {
    is_token(name) && !name.iter().any(u8::is_ascii_uppercase)
}

/// Whether two authorities are one (RFC 3986 §6.2.2.1, §6.2.3).
fn is_same(one: &[u8], other: &[u8], scheme: &[u8]) -> bool {
    if one == other {
        return true;
    }
    let usual = if scheme.eq_ignore_ascii_case(b"https") { 443 } else { 80 };
    let (one, other) = (split_authority(one), split_authority(other));
    one.0.eq_ignore_ascii_case(other.0) && one.1.unwrap_or(usual) == other.1.unwrap_or(usual)
}
