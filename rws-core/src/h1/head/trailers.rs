//! Trailer sections (RFC 9112 §7.1.2, RFC 9110 §6.5).

use super::Stop;
use super::fields::{self, Notes};
use super::resume::Parser;
use crate::connection::TrailerSpans;
use crate::message::{KnownName, Scratch, Span};
use crate::scan::Kernel;
use crate::{Limits, PeerFault, SMALL};

/// Reads trailer sections.
pub(super) struct TrailersParser<'a, 's> {
    /// Where the field index goes.
    pub(super) scratch: &'a mut Scratch<'s>,
    /// What a section may hold.
    pub(super) limits: &'a Limits,
}

impl Parser for TrailersParser<'_, '_> {
    type Head = TrailerSpans;

    const TOO_LARGE: PeerFault = PeerFault::TrailersTooLarge;

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn bytes_max(&self) -> u16 {
        self.limits.trailer_bytes_max
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn parse<K: Kernel>(self, kernel: K, bytes: &[u8], head: &mut TrailerSpans) -> Result<(), Stop> {
        let slots = fields::slots(self.scratch.fields, self.limits);
        let section = if SMALL {
            fields::parse(kernel, bytes, 0, slots, &mut NoneForbidden as &mut dyn Notes)?
        } else {
            fields::parse(kernel, bytes, 0, slots, &mut NoneForbidden)?
        };
        (head.arena_len, head.fields_len) = (section.end, section.count);
        Ok(())
    }
}

/// Refuses fields that may not come after the body.
struct NoneForbidden;

impl Notes for NoneForbidden {
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn concerns(&self, _name: KnownName) -> bool {
        true
    }

    #[inline(never)]
    fn note(&mut self, name: KnownName, _value: Span, _bytes: &[u8]) -> Result<(), PeerFault> {
        // Where memory is short only names that steer come here.
        if SMALL || may_not_trail(name) { Err(PeerFault::TrailerForbidden) } else { Ok(()) }
    }

    fn note_other(&mut self, name: &[u8]) -> Result<(), PeerFault> {
        if FORBIDDEN.contains(&hash(name)) { Err(PeerFault::TrailerForbidden) } else { Ok(()) }
    }
}

/// The hashes of all names that are forbidden and do not steer, for where memory is short. Of other names one in a
/// hundred millions is taken for one of them, and then refused.
static FORBIDDEN: [u32; FORBIDDEN_LEN] = forbidden();

const FORBIDDEN_LEN: usize = {
    let (mut len, mut rest) = (0, KnownName::ALL);
    while let [name, others @ ..] = rest {
        len += (may_not_trail(*name) && !name.steers()) as usize;
        rest = others;
    }
    len
};

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn forbidden() -> [u32; FORBIDDEN_LEN] {
    let mut hashes = [0; FORBIDDEN_LEN];
    let (mut at, mut rest) = (0, KnownName::ALL);
    while let [name, others @ ..] = rest {
        if may_not_trail(*name) && !name.steers() {
            hashes[at] = hash(name.as_str().as_bytes());
            at += 1;
        }
        assert!(may_not_trail(*name) || !name.steers(), "none of these may come after the body");
        rest = others;
    }
    hashes
}

/// FNV-1a, without regard to case.
const fn hash(name: &[u8]) -> u32 {
    let (mut hash, mut rest) = (0x811c_9dc5_u32, name);
    while let [byte, others @ ..] = rest {
        hash = (hash ^ (*byte | 0x20) as u32).wrapping_mul(0x0100_0193);
        rest = others;
    }
    hash
}

/// Whether a field must be known before the body is: it frames, routes, authenticates, modifies the request
/// or says how to read the content (RFC 9110 §6.5.1).
pub(crate) const fn may_not_trail(name: KnownName) -> bool {
    is_framing_or_routing(name) || is_request_modifier(name) || is_response_control(name)
}

const fn is_framing_or_routing(name: KnownName) -> bool {
    matches!(
        name,
        KnownName::Connection
            | KnownName::ContentLength
            | KnownName::Forwarded
            | KnownName::Host
            | KnownName::KeepAlive
            | KnownName::Origin
            | KnownName::ProxyConnection
            | KnownName::Te
            | KnownName::Trailer
            | KnownName::TransferEncoding
            | KnownName::Upgrade
            | KnownName::Via
            | KnownName::XForwardedFor
            | KnownName::XForwardedHost
            | KnownName::XForwardedProto
    )
}

const fn is_request_modifier(name: KnownName) -> bool {
    matches!(
        name,
        KnownName::Authorization
            | KnownName::CacheControl
            | KnownName::Cookie
            | KnownName::EarlyData
            | KnownName::Expect
            | KnownName::IfMatch
            | KnownName::IfModifiedSince
            | KnownName::IfNoneMatch
            | KnownName::IfRange
            | KnownName::IfUnmodifiedSince
            | KnownName::MaxForwards
            | KnownName::Pragma
            | KnownName::ProxyAuthorization
            | KnownName::Range
            | KnownName::SecWebsocketExtensions
            | KnownName::SecWebsocketKey
            | KnownName::SecWebsocketProtocol
            | KnownName::SecWebsocketVersion
    )
}

const fn is_response_control(name: KnownName) -> bool {
    matches!(
        name,
        KnownName::Age
            | KnownName::ContentEncoding
            | KnownName::ContentRange
            | KnownName::ContentType
            | KnownName::Date
            | KnownName::Expires
            | KnownName::Location
            | KnownName::ProxyAuthenticate
            | KnownName::RetryAfter
            | KnownName::SetCookie
            | KnownName::StrictTransportSecurity
            | KnownName::Vary
            | KnownName::WwwAuthenticate
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_looked_up_may_not_trail_by_its_hash() {
        for &name in KnownName::ALL.iter().filter(|name| !name.steers()) {
            let forbidden = if may_not_trail(name) { Err(PeerFault::TrailerForbidden) } else { Ok(()) };
            for spelling in [name.as_str(), &name.as_str().to_ascii_uppercase()] {
                assert_eq!(NoneForbidden.note_other(spelling.as_bytes()), forbidden, "{spelling}");
            }
        }
        assert_eq!(NoneForbidden.note_other(b"X-Sum"), Ok(()));
    }
}
