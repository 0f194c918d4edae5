//! Request heads: `method SP target SP version CRLF`, then fields (RFC 9112 §3).

use super::control::Control;
use super::fields::{self, Line, Notes};
use super::framing::{Framing, has_content};
use super::resume::Parser;
use super::target::{self, Target};
use super::{ParsedRequest, Stop, span};
use crate::message::{KnownName, Method, RequestSpans, Scratch, Span, Version};
use crate::scan::{self, Kernel};
use crate::{Limits, PeerFault};

/// Reads request heads.
pub(super) struct RequestParser<'a, 's> {
    /// Where the field index and the decoded path go.
    pub(super) scratch: &'a mut Scratch<'s>,
    /// What a head may hold.
    pub(super) limits: &'a Limits,
}

impl Parser for RequestParser<'_, '_> {
    type Head = ParsedRequest;

    #[inline(always)]
    fn parse<K: Kernel>(self, kernel: K, bytes: &[u8]) -> Result<ParsedRequest, Stop> {
        let line = request_line(kernel, bytes, self.limits)?;
        let mut facts = Facts::new(line.version);
        let slots = fields::slots(self.scratch.fields, self.limits);
        let section = fields::parse(kernel, bytes, line.end, slots, &mut facts)?;
        let upgrade = facts.control.asks_upgrade();
        let body = facts.framing.of_request(line.method, upgrade)?;
        let host = facts.authority(line.version)?;
        let target = line.target.resolve(kernel, line.method, host, bytes, self.scratch.bytes)?;
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

    /// Where `Host` stands; an HTTP/1.0 request may have none (RFC 9112 §3.2).
    fn authority(&self, version: Version) -> Result<Span, PeerFault> {
        match self.host {
            Some(span) => Ok(span),
            None if version == Version::Http10 => Ok(Span::EMPTY),
            None => Err(PeerFault::HostMissing),
        }
    }
}

impl Notes for Facts {
    #[inline(always)]
    fn note(&mut self, line: Line<'_>) -> Result<(), PeerFault> {
        match line.name {
            KnownName::Host if self.host.is_some() => return Err(PeerFault::HostRepeated),
            KnownName::Host => self.host = Some(line.span),
            KnownName::ContentLength | KnownName::TransferEncoding => self.framing.note(line)?,
            KnownName::Connection | KnownName::Upgrade => self.control.note(line),
            KnownName::Expect => self.control.expect(line.value())?,
            _ => {}
        }
        Ok(())
    }
}

struct RequestLine {
    method: Method,
    method_at: Span,
    target: Target,
    version: Version,
    end: usize,
}

#[inline(always)]
fn request_line<K: Kernel>(kernel: K, bytes: &[u8], limits: &Limits) -> Result<RequestLine, Stop> {
    let (method, method_end) = method(kernel, bytes)?;
    if method == Method::Connect && !limits.connect_method {
        return Err(PeerFault::ConnectRefused.into());
    }
    let (target, at) = target::read(kernel, bytes, method_end.wrapping_add(1), limits)?;
    let version = version(bytes, at, PeerFault::RequestLineSyntax)?;
    let end = fields::after_line_end(bytes, at.wrapping_add(VERSION_BYTES), PeerFault::RequestLineSyntax)?;
    Ok(RequestLine { method, method_at: span(0, method_end), target, version, end })
}

/// Reads the method; gives it, and where the space behind it stands.
#[inline(always)]
fn method<K: Kernel>(kernel: K, bytes: &[u8]) -> Result<(Method, usize), Stop> {
    if let Some(b"GET ") = bytes.first_chunk() {
        return Ok((Method::Get, 3));
    }
    let end = kernel.run_end(scan::TOKEN, bytes, 0);
    match bytes.get(end) {
        Some(b' ') if end > 0 => Ok((Method::from_bytes(bytes.get(..end).unwrap_or(&[])), end)),
        None => Err(Stop::Incomplete),
        Some(b'\r' | b'\n') => Err(PeerFault::RequestLineSyntax.into()),
        Some(_) => Err(PeerFault::MethodSyntax.into()),
    }
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
