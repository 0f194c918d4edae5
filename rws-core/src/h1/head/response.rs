//! Response heads, client role: `version SP status SP [reason] CRLF`, then fields (RFC 9112 §4).

use super::control::Control;
use super::fields::{self, Line};
use super::framing::Framing;
use super::request::{VERSION_BYTES, version};
use super::{ParsedResponse, Stop};
use crate::message::{BodyFraming, KnownName, Method, ResponseSpans, Scratch, Status, Version};
use crate::scan::Kernel;
use crate::{Limits, PeerFault};

/// Parses the response head at the start of `bytes`, which answers a request with `request_method`.
#[inline(always)]
pub(super) fn parse<K: Kernel>(
    kernel: K,
    bytes: &[u8],
    request_method: Method,
    scratch: &mut Scratch<'_>,
    limits: &Limits,
) -> Result<ParsedResponse, Stop> {
    let line = status_line(kernel, bytes)?;
    let mut framing = Framing::new(line.version);
    let mut control = Control::new(line.version);
    let slots = fields::slots(scratch.fields, limits);
    let section = fields::parse(kernel, bytes, line.end, slots, |line: Line<'_>| {
        match line.name {
            KnownName::ContentLength | KnownName::TransferEncoding => framing.note(line)?,
            KnownName::Connection => control.note(line),
            _ => {}
        }
        Ok(())
    })?;
    let body = framing.of_response(request_method, line.status)?;
    let spans = ResponseSpans {
        arena_len: section.end,
        fields_len: section.count,
        status: line.status,
        version: line.version,
        body,
    };
    Ok(ParsedResponse { spans, persistent: control.is_persistent() && body != BodyFraming::UntilClose })
}

struct StatusLine {
    version: Version,
    status: Status,
    end: usize,
}

#[inline(always)]
fn status_line<K: Kernel>(kernel: K, bytes: &[u8]) -> Result<StatusLine, Stop> {
    let version = version(bytes, 0, PeerFault::StatusLineSyntax)?;
    let mut at = VERSION_BYTES;
    expect_space(bytes, at)?;
    let mut code = 0_u16;
    for _ in 0..3 {
        at = at.wrapping_add(1);
        let byte = *bytes.get(at).ok_or(Stop::Incomplete)?;
        if !byte.is_ascii_digit() {
            return Err(PeerFault::StatusLineSyntax.into());
        }
        code = code.wrapping_mul(10).wrapping_add(u16::from(byte.wrapping_sub(b'0')));
    }
    let status = Status::new(code).ok_or(PeerFault::StatusLineSyntax)?;
    at = at.wrapping_add(1);
    expect_space(bytes, at)?;
    let reason_end = kernel.text_end(bytes, at);
    let end = fields::after_line_end(bytes, reason_end, PeerFault::StatusLineSyntax)?;
    Ok(StatusLine { version, status, end })
}

#[inline(always)]
fn expect_space(bytes: &[u8], at: usize) -> Result<(), Stop> {
    match bytes.get(at) {
        Some(b' ') => Ok(()),
        None => Err(Stop::Incomplete),
        Some(_) => Err(PeerFault::StatusLineSyntax.into()),
    }
}
