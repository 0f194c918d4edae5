//! Request heads: `method SP target SP version CRLF`, then fields (RFC 9112 §3).

use super::control::Control;
use super::fields::{self, Line};
use super::framing::{Framing, has_content};
use super::{ParsedRequest, Stop};
use crate::message::{KnownName, Method, RequestSpans, Scratch, Span, Version, parse_target};
use crate::scan::Kernel;
use crate::{Limits, PeerFault};

/// Parses the request head at the start of `bytes`.
#[inline(always)]
pub(super) fn parse<K: Kernel>(
    kernel: K,
    bytes: &[u8],
    scratch: &mut Scratch<'_>,
    limits: &Limits,
) -> Result<ParsedRequest, Stop> {
    let line = request_line(kernel, bytes, limits)?;
    let mut facts = Facts::new(line.version);
    let slots = fields::slots(scratch.fields, limits);
    let section = fields::parse(kernel, bytes, line.end, slots, |line| facts.note(line))?;
    let upgrade = facts.control.asks_upgrade();
    let body = facts.framing.of_request(line.method, upgrade)?;
    let host = facts.authority(line.version)?;
    let target = parse_target(line.method, line.target, host, bytes, scratch.bytes)?;
    let spans = RequestSpans {
        arena_len: section.end,
        fields_len: section.count,
        method: line.method,
        method_at: line.method_at,
        target,
        version: line.version,
        body,
        expect_continue: facts.control.expects_continue() && has_content(body),
        upgrade,
    };
    Ok(ParsedRequest { spans, persistent: facts.control.is_persistent() })
}

/// What the fields of a request say to the engine.
struct Facts {
    framing: Framing,
    control: Control,
    host: Option<Span>,
}

impl Facts {
    fn new(version: Version) -> Facts {
        Facts { framing: Framing::new(version), control: Control::new(version), host: None }
    }

    #[inline(always)]
    fn note(&mut self, line: Line<'_>) -> Result<(), PeerFault> {
        match line.name {
            KnownName::Host if self.host.is_some() => return Err(PeerFault::HostRepeated),
            KnownName::Host => self.host = Some(line.span),
            KnownName::ContentLength | KnownName::TransferEncoding => self.framing.note(line)?,
            KnownName::Connection | KnownName::Upgrade => self.control.note(line),
            KnownName::Expect => self.control.expect(line.value)?,
            _ => {}
        }
        Ok(())
    }

    /// Where `Host` stands; an HTTP/1.0 request may have none (RFC 9112 §3.2).
    fn authority(&self, version: Version) -> Result<Span, PeerFault> {
        match self.host {
            Some(span) => Ok(span),
            None if version == Version::Http10 => Ok(Span::EMPTY),
            None => Err(PeerFault::HostMissing),
        }
    }
}

struct RequestLine {
    method: Method,
    method_at: Span,
    target: Span,
    version: Version,
    end: usize,
}

#[inline(always)]
fn request_line<K: Kernel>(kernel: K, bytes: &[u8], limits: &Limits) -> Result<RequestLine, Stop> {
    let method_end = kernel.token_end(bytes, 0);
    match bytes.get(method_end) {
        Some(b' ') if method_end > 0 => {}
        None => return Err(Stop::Incomplete),
        Some(b'\r' | b'\n') => return Err(PeerFault::RequestLineSyntax.into()),
        Some(_) => return Err(PeerFault::MethodSyntax.into()),
    }
    let method_at = Span::of(0, method_end).ok_or(PeerFault::HeadTooLarge)?;
    let method = Method::from_bytes(method_at.bytes(bytes));
    if method == Method::Connect && !limits.connect_method {
        return Err(PeerFault::ConnectRefused.into());
    }
    let start = method_end.wrapping_add(1);
    let end = kernel.target_end(bytes, start);
    if end.wrapping_sub(start) > usize::from(limits.target_bytes_max) {
        return Err(PeerFault::TargetTooLong.into());
    }
    match bytes.get(end) {
        Some(b' ') if end > start => {}
        None => return Err(Stop::Incomplete),
        Some(b'\r' | b'\n' | b' ') => return Err(PeerFault::RequestLineSyntax.into()),
        Some(_) => return Err(PeerFault::TargetSyntax.into()),
    }
    let target = Span::of(start, end).ok_or(PeerFault::TargetTooLong)?;
    let at = end.wrapping_add(1);
    let version = version(bytes, at, PeerFault::RequestLineSyntax)?;
    let end = fields::after_line_end(bytes, at.wrapping_add(VERSION_BYTES), PeerFault::RequestLineSyntax)?;
    Ok(RequestLine { method, method_at, target, version, end })
}

/// How many bytes a version takes: `HTTP/1.1`.
pub(super) const VERSION_BYTES: usize = 8;

/// Reads `HTTP/d.d` at `at` (RFC 9112 §2.3); what does not even start like that is `otherwise`.
#[inline(always)]
pub(super) fn version(bytes: &[u8], at: usize, otherwise: PeerFault) -> Result<Version, Stop> {
    match bytes.get(at..at.wrapping_add(VERSION_BYTES)) {
        Some(b"HTTP/1.1") => Ok(Version::Http11),
        _ => odd_version(bytes, at, otherwise),
    }
}

/// Anything but HTTP/1.1, byte by byte, so that a prefix is judged like the whole.
#[cold]
fn odd_version(bytes: &[u8], at: usize, otherwise: PeerFault) -> Result<Version, Stop> {
    let rest = bytes.get(at..).unwrap_or(&[]);
    for (place, expected) in b"HTTP/".iter().enumerate() {
        match rest.get(place) {
            None => return Err(Stop::Incomplete),
            Some(byte) if byte == expected => {}
            Some(_) => return Err(otherwise.into()),
        }
    }
    let digit = |place: usize| match rest.get(place) {
        None => Err(Stop::Incomplete),
        Some(byte) if byte.is_ascii_digit() => Ok(*byte),
        Some(_) => Err(PeerFault::VersionSyntax.into()),
    };
    let major = digit(5)?;
    match rest.get(6) {
        None => return Err(Stop::Incomplete),
        Some(b'.') => {}
        Some(_) => return Err(PeerFault::VersionSyntax.into()),
    }
    let minor = digit(7)?;
    match (major, minor) {
        (b'1', b'0') => Ok(Version::Http10),
        (b'1', _) => Ok(Version::Http11),
        _ => Err(PeerFault::VersionUnsupported.into()),
    }
}
