//! Request heads: `method SP target SP version CRLF`, then fields (RFC 9112 §3).

use super::control::{Control, Meaning};
use super::fields::{self, Notes};
use super::framing::{Framing, has_content};
use super::resume::Parser;
use super::target::{self, Target};
use super::{ParsedRequest, Stop, span};
use crate::message::{KnownName, Method, RequestSpans, Scratch, Span, TargetSpans, Version, parse_target};
use crate::scan::{self, End, Kernel};
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

    const TOO_LARGE: PeerFault = PeerFault::HeadTooLarge;

    #[inline(always)]
    fn bytes_max(&self) -> u16 {
        self.limits.head_bytes_max
    }

    #[inline(always)]
    fn parse<K: Kernel>(self, kernel: K, bytes: &[u8]) -> Result<ParsedRequest, Stop> {
        let line = request_line(kernel, bytes, self.limits)?;
        let version = line.version;
        let mut facts =
            Facts { version, framing: Framing::Unsaid, control: Control::NONE, host: Span::EMPTY };
        let slots = fields::slots(self.scratch.fields, self.limits);
        let section = fields::parse(kernel, bytes, line.end, slots, &mut facts)?;
        let Facts { framing, control, host, .. } = facts;
        let Meaning { persistent, upgrade, expects_continue } = control.meaning(version);
        let body = framing.of_request(line.method, upgrade)?;
        let spans = RequestSpans {
            arena_len: section.end,
            fields_len: section.count,
            method: line.method,
            method_at: span(0, line.method_end),
            target: line.target.spans(host),
            version,
            body,
            expect_continue: expects_continue && has_content(body),
            upgrade,
        };
        let mut head = ParsedRequest { spans, persistent };
        if !line.target.is_plain(kernel, line.method, host, bytes) {
            parse_odd_target(&mut head.spans, bytes, self.scratch)?;
        }
        Ok(head)
    }
}

/// Reads a target, or a `Host`, that needs a closer look.
///
/// In place: a result that held the parts would be copied field by field on the quick way too.
#[cold]
#[inline(never)]
fn parse_odd_target(
    head: &mut RequestSpans,
    bytes: &[u8],
    scratch: &mut Scratch<'_>,
) -> Result<(), PeerFault> {
    let TargetSpans { raw, authority: host, .. } = head.target;
    if !is_there(host) && head.version != Version::Http10 {
        return Err(PeerFault::HostMissing);
    }
    head.target = parse_target(head.method, raw, host, bytes, scratch.bytes)?;
    Ok(())
}

/// Whether this is where a value stands: none stands at the start of a head.
#[inline(always)]
const fn is_there(value: Span) -> bool {
    value.at != 0
}

/// What the fields of a request say to the engine.
struct Facts {
    version: Version,
    framing: Framing,
    control: Control,
    /// Where `Host` stands; [`Span::EMPTY`] if there is none.
    host: Span,
}

impl Facts {
    #[inline(never)]
    fn note_other(&mut self, name: KnownName, value: &[u8]) -> Result<(), PeerFault> {
        match name {
            KnownName::ContentLength => self.framing = self.framing.with_length(value)?,
            KnownName::TransferEncoding => self.framing = self.framing.with_coding(value, self.version)?,
            KnownName::Upgrade => self.control = self.control.with_upgrade(value),
            KnownName::Expect => self.control = self.control.with_expectation(value)?,
            _ => {}
        }
        Ok(())
    }
}

impl Notes for Facts {
    #[inline(always)]
    fn concerns(name: KnownName) -> bool {
        name.steers()
    }

    #[inline(always)]
    fn note(&mut self, name: KnownName, value: Span, bytes: &[u8]) -> Result<(), PeerFault> {
        match name {
            KnownName::Host if is_there(self.host) => Err(PeerFault::HostRepeated),
            KnownName::Host => {
                self.host = value;
                Ok(())
            }
            KnownName::Connection => {
                self.control = self.control.with_options(value.bytes(bytes));
                Ok(())
            }
            _ => self.note_other(name, value.bytes(bytes)),
        }
    }
}

/// The request line in parts.
struct RequestLine {
    method: Method,
    method_end: usize,
    target: Target,
    version: Version,
    end: usize,
}

#[inline(always)]
fn request_line<K: Kernel>(kernel: K, bytes: &[u8], limits: &Limits) -> Result<RequestLine, Stop> {
    // What health checks and probes send, compared at once.
    const ROOT: [u8; 16] = *b"GET / HTTP/1.1\r\n";
    if bytes.first_chunk().is_some_and(|line| u128::from_ne_bytes(*line) == u128::from_ne_bytes(ROOT))
        && limits.target_bytes_max > 0
    {
        let (method, target) = (Method::Get, Target::root(4));
        return Ok(RequestLine { method, method_end: 3, target, version: Version::Http11, end: ROOT.len() });
    }
    let (method, method_end) = method(kernel, bytes)?;
    if method == Method::Connect && !limits.connect_method {
        return Err(PeerFault::ConnectRefused.into());
    }
    let target = target::read(kernel, bytes, method_end.wrapping_add(1), limits)?;
    let (version, end) = version_and_line_end(bytes, target.end.wrapping_add(1))?;
    Ok(RequestLine { method, method_end, target, version, end })
}

/// Reads the method; gives it, and where the space behind it stands.
#[inline(always)]
fn method<K: Kernel>(kernel: K, bytes: &[u8]) -> Result<(Method, usize), Stop> {
    if bytes.first_chunk().is_some_and(|start| u32::from_ne_bytes(*start) == u32::from_ne_bytes(*b"GET ")) {
        return Ok((Method::Get, 3));
    }
    let End { at: end, byte } = kernel.run_end(scan::TOKEN, bytes, 0);
    match byte {
        Some(b' ') if end > 0 => Ok((Method::from_bytes(bytes.get(..end).unwrap_or(&[])), end)),
        None => Err(Stop::Incomplete),
        Some(b'\r' | b'\n') => Err(PeerFault::RequestLineSyntax.into()),
        Some(_) => Err(PeerFault::MethodSyntax.into()),
    }
}

/// Reads `version CRLF` at `at`; gives what follows.
#[inline(always)]
fn version_and_line_end(bytes: &[u8], at: usize) -> Result<(Version, usize), Stop> {
    let next = at.wrapping_add(VERSION_BYTES + 2);
    if let Some(rest) = bytes.get(at..)
        && let Some((version, rest)) = rest.split_first_chunk()
        && let Some(line_end) = rest.first_chunk()
        && is_http_1_1(*version)
        && u16::from_ne_bytes(*line_end) == u16::from_ne_bytes(*b"\r\n")
    {
        return Ok((Version::Http11, next));
    }
    odd_version_and_line_end(bytes, at)
}

#[cold]
fn odd_version_and_line_end(bytes: &[u8], at: usize) -> Result<(Version, usize), Stop> {
    let version = version(bytes, at, PeerFault::RequestLineSyntax)?;
    let at = at.wrapping_add(VERSION_BYTES);
    let end = End { at, byte: bytes.get(at).copied() };
    Ok((version, fields::after_line_end(bytes, end, PeerFault::RequestLineSyntax)?))
}

/// How many bytes a version takes: `HTTP/1.1`.
pub(super) const VERSION_BYTES: usize = 8;

/// Reads `HTTP/d.d` at `at` (RFC 9112 §2.3); what does not even start like that is `otherwise`.
#[inline(always)]
pub(super) fn version(bytes: &[u8], at: usize, otherwise: PeerFault) -> Result<Version, Stop> {
    match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(version) if is_http_1_1(*version) => Ok(Version::Http11),
        _ => odd_version(bytes, at, otherwise),
    }
}

#[inline(always)]
fn is_http_1_1(version: [u8; VERSION_BYTES]) -> bool {
    u64::from_ne_bytes(version) == u64::from_ne_bytes(*b"HTTP/1.1")
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
