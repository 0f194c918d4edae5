//! Request heads: `method SP target SP version CRLF`, then fields (RFC 9112 §3).

use super::control::{Control, Meaning};
use super::fields::{self, Notes};
use super::framing::{Framing, has_content};
use super::resume::Parser;
use super::target;
use super::{ParsedRequest, Stop, span};
use crate::message::{KnownName, Method, RequestSpans, Scratch, Span, Version, read_target};
use crate::scan::{self, End, Kernel};
use crate::{Limits, PeerFault, SMALL};

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

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn bytes_max(&self) -> u16 {
        self.limits.head_bytes_max
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn parse<K: Kernel>(self, kernel: K, bytes: &[u8], head: &mut ParsedRequest) -> Result<(), Stop> {
        let at = request_line(kernel, bytes, self.limits, &mut head.spans)?;
        let is_usual = head.spans.version == Version::Http11;
        let mut facts =
            Facts { spans: &mut head.spans, is_usual, framing: Framing::Unsaid, control: Control::NONE };
        let slots = fields::slots(self.scratch.fields, self.limits);
        let section = if SMALL {
            fields::parse(kernel, bytes, at, slots, &mut facts as &mut dyn Notes)?
        } else {
            fields::parse(kernel, bytes, at, slots, &mut facts)?
        };
        let Facts { framing, control, is_usual, .. } = facts;
        head.spans.arena_len = section.end;
        head.spans.fields_len = section.count;
        if !is_usual {
            settle(head, framing, control)?;
        }
        // Where memory is short there is one way for all.
        if SMALL || !target::is_plain(kernel, &head.spans, bytes) {
            parse_odd_target(&mut head.spans, bytes, self.scratch)?;
        }
        Ok(())
    }
}

/// Decides what a head means that says more than where to and what it likes.
#[inline(never)]
fn settle(head: &mut ParsedRequest, framing: Framing, control: Control) -> Result<(), PeerFault> {
    let spans = &mut head.spans;
    let Meaning { persistent, upgrade, expects_continue } = control.meaning(spans.version);
    spans.body = framing.of_request(spans.method, upgrade)?;
    spans.expect_continue = expects_continue && has_content(spans.body);
    spans.upgrade = upgrade;
    head.persistent = persistent;
    Ok(())
}

/// Reads a target, or a `Host`, that needs a closer look.
#[cold]
#[inline(never)]
fn parse_odd_target(
    head: &mut RequestSpans,
    bytes: &[u8],
    scratch: &mut Scratch<'_>,
) -> Result<(), PeerFault> {
    if !is_there(head.target.authority) && head.version != Version::Http10 {
        return Err(PeerFault::HostMissing);
    }
    read_target(head.method, bytes, scratch.bytes, &mut head.target)
}

/// Whether this is where a value stands: none stands at the start of a head.
#[cfg_attr(not(target_os = "none"), inline(always))]
const fn is_there(value: Span) -> bool {
    value.at != 0
}

/// What the fields of a request say to the engine.
struct Facts<'h> {
    spans: &'h mut RequestSpans,
    /// Nothing but `Host` and `Connection: keep-alive` was said, in HTTP/1.1.
    is_usual: bool,
    framing: Framing,
    control: Control,
}

impl Facts<'_> {
    #[inline(never)]
    fn note_other(&mut self, name: KnownName, value: &[u8]) -> Result<(), PeerFault> {
        self.is_usual = false;
        match name {
            KnownName::Connection => self.control = self.control.with_options(value),
            KnownName::ContentLength => self.framing = self.framing.with_length(value)?,
            KnownName::TransferEncoding => {
                self.framing = self.framing.with_coding(value, self.spans.version)?;
            }
            KnownName::Upgrade => self.control = self.control.with_upgrade(value),
            KnownName::Expect => self.control = self.control.with_expectation(value)?,
            _ => {}
        }
        Ok(())
    }
}

impl Notes for Facts<'_> {
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn concerns(&self, name: KnownName) -> bool {
        name.steers()
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn note(&mut self, name: KnownName, value: Span, bytes: &[u8]) -> Result<(), PeerFault> {
        if name == KnownName::Host {
            if is_there(self.spans.target.authority) {
                return Err(PeerFault::HostRepeated);
            }
            self.spans.target.authority = value;
            return Ok(());
        }
        let value = value.bytes(bytes);
        // Nearly all that is ever sent, and what HTTP/1.1 means anyway.
        if name == KnownName::Connection && self.is_usual && !SMALL && value == b"keep-alive" {
            return Ok(());
        }
        self.note_other(name, value)
    }
}

/// Reads the request line into `head`; gives where the next line starts.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn request_line<K: Kernel>(
    kernel: K,
    bytes: &[u8],
    limits: &Limits,
    head: &mut RequestSpans,
) -> Result<usize, Stop> {
    // What health checks and probes send, compared at once: such a head is all there already.
    const ROOT: [u8; 16] = *b"GET / HTTP/1.1\r\n";
    if SMALL {
        if bytes.starts_with(&ROOT) && limits.target_bytes_max > 0 {
            return Ok(ROOT.len());
        }
        let at = if bytes.starts_with(&GET) { GET.len() } else { other_method(kernel, bytes, limits, head)? };
        let end = target::read(kernel, bytes, at, limits, &mut head.target)?;
        let (version, at) = odd_version_and_line_end(bytes, end.wrapping_add(1))?;
        head.version = version;
        return Ok(at);
    }
    if bytes.first_chunk().is_some_and(|line| u128::from_ne_bytes(*line) == u128::from_ne_bytes(ROOT))
        && limits.target_bytes_max > 0
    {
        return Ok(ROOT.len());
    }
    let end =
        if bytes.first_chunk().is_some_and(|start| u32::from_ne_bytes(*start) == u32::from_ne_bytes(GET)) {
            target::read(kernel, bytes, GET.len(), limits, &mut head.target)?
        } else {
            let at = other_method(kernel, bytes, limits, head)?;
            target::read(kernel, bytes, at, limits, &mut head.target)?
        };
    version_and_line_end(bytes, end.wrapping_add(1), head)
}

const GET: [u8; 4] = *b"GET ";

/// Reads any method; gives where the target starts.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn other_method<K: Kernel>(
    kernel: K,
    bytes: &[u8],
    limits: &Limits,
    head: &mut RequestSpans,
) -> Result<usize, Stop> {
    let End { at: end, byte } = kernel.run_end(scan::TOKEN, bytes, 0);
    match byte {
        Some(b' ') if end > 0 => {}
        None => return Err(Stop::Incomplete),
        Some(b'\r' | b'\n') => return Err(PeerFault::RequestLineSyntax.into()),
        Some(_) => return Err(PeerFault::MethodSyntax.into()),
    }
    head.method = Method::from_bytes(bytes.get(..end).unwrap_or(&[]));
    head.method_at = span(0, end);
    if head.method == Method::Connect && (SMALL || !limits.connect_method) {
        return Err(PeerFault::ConnectRefused.into());
    }
    Ok(end.wrapping_add(1))
}

/// Reads `version CRLF` at `at`; gives what follows.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn version_and_line_end(bytes: &[u8], at: usize, head: &mut RequestSpans) -> Result<usize, Stop> {
    const LEN: usize = VERSION_BYTES + 2;
    if let Some(line_end) = bytes.get(at..).and_then(|rest| rest.first_chunk::<LEN>())
        && let Some((version, rest)) = line_end.split_first_chunk()
        && is_http_1_1(*version)
        && let Some(pair) = rest.first_chunk()
        && u16::from_ne_bytes(*pair) == u16::from_ne_bytes(*b"\r\n")
    {
        return Ok(at.wrapping_add(LEN));
    }
    let (version, end) = odd_version_and_line_end(bytes, at)?;
    head.version = version;
    Ok(end)
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
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn version(bytes: &[u8], at: usize, otherwise: PeerFault) -> Result<Version, Stop> {
    match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(version) if is_http_1_1(*version) => Ok(Version::Http11),
        _ => odd_version(bytes, at, otherwise),
    }
}

#[cfg_attr(not(target_os = "none"), inline(always))]
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
