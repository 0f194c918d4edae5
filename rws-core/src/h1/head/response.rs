//! Response heads, client role: `version SP status SP [reason] CRLF`, then fields (RFC 9112 §4).

use super::control::Control;
use super::fields::{self, Notes};
use super::framing::Framing;
use super::request::{VERSION_BYTES, version};
use super::resume::Parser;
use super::{ParsedResponse, Stop};
use crate::message::{BodyFraming, KnownName, Method, ResponseSpans, Scratch, Span, Status, Version};
use crate::scan::Kernel;
use crate::{Limits, PeerFault};

/// Reads response heads.
pub(super) struct ResponseParser<'a, 's> {
    /// The method of the request that is answered.
    pub(super) request_method: Method,
    /// Where the field index goes.
    pub(super) scratch: &'a mut Scratch<'s>,
    /// What a head may hold.
    pub(super) limits: &'a Limits,
}

impl Parser for ResponseParser<'_, '_> {
    type Head = ParsedResponse;

    const TOO_LARGE: PeerFault = PeerFault::HeadTooLarge;

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn bytes_max(&self) -> u16 {
        self.limits.head_bytes_max
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn parse<K: Kernel>(self, kernel: K, bytes: &[u8], head: &mut ParsedResponse) -> Result<(), Stop> {
        let line = status_line(kernel, bytes)?;
        let mut facts = Facts { version: line.version, framing: Framing::Unsaid, control: Control::NONE };
        let slots = fields::slots(self.scratch.fields, self.limits);
        let section = fields::parse(kernel, bytes, line.end, slots, &mut facts)?;
        let body = facts.framing.of_response(self.request_method, line.status)?;
        let spans = ResponseSpans {
            arena_len: section.end,
            fields_len: section.count,
            status: line.status,
            version: line.version,
            body,
        };
        let persistent = facts.control.meaning(line.version).persistent && body != BodyFraming::UntilClose;
        *head = ParsedResponse { spans, persistent };
        Ok(())
    }
}

/// What the fields of a response say to the engine.
struct Facts {
    version: Version,
    framing: Framing,
    control: Control,
}

impl Notes for Facts {
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn concerns(&self, name: KnownName) -> bool {
        name.steers()
    }

    #[inline(never)]
    fn note(&mut self, name: KnownName, value: Span, bytes: &[u8]) -> Result<(), PeerFault> {
        match name {
            KnownName::ContentLength => self.framing = self.framing.with_length(value.bytes(bytes))?,
            KnownName::TransferEncoding => {
                self.framing = self.framing.with_coding(value.bytes(bytes), self.version)?;
            }
            KnownName::Connection => self.control = self.control.with_options(value.bytes(bytes)),
            _ => {}
        }
        Ok(())
    }
}

struct StatusLine {
    version: Version,
    status: Status,
    end: usize,
}

#[cfg_attr(not(target_os = "none"), inline(always))]
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

#[cfg_attr(not(target_os = "none"), inline(always))]
fn expect_space(bytes: &[u8], at: usize) -> Result<(), Stop> {
    match bytes.get(at) {
        Some(b' ') => Ok(()),
        None => Err(Stop::Incomplete),
        Some(_) => Err(PeerFault::StatusLineSyntax.into()),
    }
}
