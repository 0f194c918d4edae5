//! Request heads: what their pseudo-fields say together (RFC 9113 §8.3.1, §8.5, RFC 8441 §4).

use super::lines::{CRUMBS, EXPECTS_CONTINUE, Lines};
use super::{ParsedRequest, Refusal};
use crate::hpack::Pseudo;
use crate::message::{
    BodyFraming, Field, KnownName, Method, PathAt, RequestSpans, Span, TargetSpans, Version, is_token,
    parse_target,
};
use crate::scan::copy_into;
use crate::{Limits, PeerFault, SMALL};

impl Lines<'_> {
    /// The head of a request whose block has been decoded. `bytes` is the memory of its arena, of which `used` bytes
    /// are in use: behind them go a path that had to be decoded, and crumbs of cookies that are put together.
    /// `end_stream`: no body follows. `connect_protocol`: our settings allow extended CONNECT.
    ///
    /// # Errors
    /// What the peer did wrong.
    pub fn request(
        mut self,
        bytes: &mut [u8],
        used: u16,
        end_stream: bool,
        connect_protocol: bool,
        limits: &Limits,
    ) -> Result<ParsedRequest, Refusal> {
        self.is_sound()?;
        self.end_pseudo()?;
        let mut used = usize::from(used).min(bytes.len());
        if self.has(CRUMBS) {
            used = self.join_cookies(bytes, used)?;
        }
        let (arena, rest) =
            bytes.split_at_mut_checked(used).ok_or(Refusal::Answer(PeerFault::HeadTooLarge))?;
        let method_at = self.pseudo(Pseudo::Method).ok_or(MALFORMED)?;
        let spelling = method_at.bytes(arena);
        let method = Method::from_bytes(spelling);
        if method == Method::Other && !is_token(spelling) {
            return Err(Refusal::Malformed(PeerFault::MethodSyntax));
        }
        let target = self.target(method, connect_protocol, arena, rest, limits)?;
        let (target, decoded) = moved(target, used);
        let upgrade = self.pseudo(Pseudo::Protocol).is_some();
        let body = self.body(method, end_stream)?;
        let spans = RequestSpans {
            arena_len: u16::try_from(used.saturating_add(decoded))
                .map_err(|_| Refusal::Answer(PeerFault::HeadTooLarge))?,
            fields_len: self.count as u16,
            method,
            method_at,
            target,
            version: Version::Http2,
            body,
            expect_continue: self.has(EXPECTS_CONTINUE) && body.follows(),
            upgrade,
        };
        Ok(ParsedRequest { spans, length: self.length })
    }

    /// Which pseudo-fields must be there, and what they say of the target.
    fn target(
        &self,
        method: Method,
        connect_protocol: bool,
        arena: &[u8],
        rest: &mut [u8],
        limits: &Limits,
    ) -> Result<TargetSpans, Refusal> {
        let (scheme, path) = (self.pseudo(Pseudo::Scheme), self.pseudo(Pseudo::Path));
        let authority = self.pseudo(Pseudo::Authority);
        let is_extended = self.pseudo(Pseudo::Protocol).is_some();
        if is_extended && (SMALL || method != Method::Connect || !connect_protocol || authority.is_none()) {
            return Err(MALFORMED);
        }
        let host = authority.unwrap_or(self.host);
        if method == Method::Connect && !is_extended {
            return tunnel(scheme, path, authority, arena, limits);
        }
        let (Some(scheme), Some(raw)) = (scheme, path) else { return Err(MALFORMED) };
        if !is_scheme(scheme.bytes(arena)) {
            return Err(MALFORMED);
        }
        match raw.bytes(arena) {
            [b'/', ..] => {}
            b"*" if method == Method::Options => {}
            _ => return Err(Refusal::Malformed(PeerFault::TargetSyntax)),
        }
        if raw.len > limits.target_bytes_max {
            return Err(Refusal::Answer(PeerFault::TargetTooLong));
        }
        if host == Span::EMPTY {
            return Err(Refusal::Answer(PeerFault::HostMissing));
        }
        // An extended CONNECT has the target of any other request.
        let method = if is_extended { Method::Get } else { method };
        parse_target(method, raw, host, arena, rest).map_err(Refusal::Answer)
    }

    /// How the body is framed: here, by the frames; a length only has to agree.
    fn body(&self, method: Method, end_stream: bool) -> Result<BodyFraming, Refusal> {
        let length = self.length;
        if end_stream {
            // RFC 9113 §8.1.1.
            return match length {
                None | Some(0) => Ok(BodyFraming::None),
                Some(_) => Err(Refusal::Malformed(PeerFault::LengthConflict)),
            };
        }
        match length {
            Some(1..) if method == Method::Connect => Err(Refusal::Answer(PeerFault::UpgradeWithBody)),
            None | Some(1..) if method == Method::Trace => Err(Refusal::Answer(PeerFault::TraceWithBody)),
            // The end of a body without bytes is yet to come.
            None | Some(0) => Ok(BodyFraming::Streamed),
            Some(length) => Ok(BodyFraming::Sized(length)),
        }
    }

    /// Puts the crumbs of cookies together behind the arena, as one field where the first stood (RFC 9113 §8.2.3).
    /// Gives how much of the arena is in use then.
    fn join_cookies(&mut self, bytes: &mut [u8], used: usize) -> Result<usize, Refusal> {
        const TOO_LARGE: Refusal = Refusal::Answer(PeerFault::HeadTooLarge);
        let (mut end, mut kept, mut first) = (used, 0, None);
        for at in 0..self.count {
            let Some(&field) = self.slots.get(at) else { break };
            if field.is(KnownName::Cookie) {
                let (crumbs, rest) = bytes.split_at_mut_checked(end).ok_or(TOO_LARGE)?;
                let crumb = field.value_span().bytes(crumbs);
                // An empty one would leave a space at an end of the value.
                let between: &[u8] = if end == used || crumb.is_empty() { b"" } else { b"; " };
                end = end.saturating_add(put(rest, between, crumb).ok_or(TOO_LARGE)?);
                if first.is_some() {
                    continue;
                }
                first = Some((kept, field.is_never_indexed()));
            }
            if let Some(slot) = self.slots.get_mut(kept) {
                *slot = field;
            }
            kept = kept.wrapping_add(1);
        }
        self.count = kept;
        if let Some((at, never_indexed)) = first
            && let Some(slot) = self.slots.get_mut(at)
        {
            let joined = Field::known(KnownName::Cookie, Span::of(used, end).ok_or(TOO_LARGE)?);
            *slot = if never_indexed { joined.never_indexed() } else { joined };
        }
        Ok(end)
    }
}

const MALFORMED: Refusal = Refusal::Malformed(PeerFault::PseudoFields);

/// A CONNECT without a protocol (RFC 9113 §8.5).
fn tunnel(
    scheme: Option<Span>,
    path: Option<Span>,
    authority: Option<Span>,
    arena: &[u8],
    limits: &Limits,
) -> Result<TargetSpans, Refusal> {
    let (None, None, Some(authority)) = (scheme, path, authority) else { return Err(MALFORMED) };
    if SMALL || !limits.connect_method {
        return Err(Refusal::Answer(PeerFault::ConnectRefused));
    }
    parse_target(Method::Connect, authority, authority, arena, &mut []).map_err(Refusal::Answer)
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )` (RFC 3986 §3.1).
fn is_scheme(scheme: &[u8]) -> bool {
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// The target with a path that was decoded behind the `used` bytes of the arena, and how many bytes that takes.
fn moved(target: TargetSpans, used: usize) -> (TargetSpans, usize) {
    match target.path {
        PathAt::Scratch(Span { at, len }) => {
            let path = Span { at: at.saturating_add(used as u16), len };
            (TargetSpans { path: PathAt::Arena(path), ..target }, usize::from(len))
        }
        PathAt::Arena(_) | PathAt::Nowhere => (target, 0),
    }
}

/// Writes two texts to the front of `out`; how long they are.
fn put(out: &mut [u8], one: &[u8], other: &[u8]) -> Option<usize> {
    let (front, rest) = out.split_at_mut_checked(one.len())?;
    copy_into(front, one);
    copy_into(rest.get_mut(..other.len())?, other);
    one.len().checked_add(other.len())
}
