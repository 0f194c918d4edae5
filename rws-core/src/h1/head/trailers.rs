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
        if may_not_trail(name) { Err(PeerFault::TrailerForbidden) } else { Ok(()) }
    }
}

/// Whether a field must be known before the body is: it frames, routes, authenticates, modifies the request
/// or says how to read the content (RFC 9110 §6.5.1).
pub(crate) fn may_not_trail(name: KnownName) -> bool {
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
