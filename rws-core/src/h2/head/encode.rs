//! Heads and trailer sections of ours into a field block (RFC 9113 §8.2, §8.3).
//!
//! A source's fields are checked while they are written, as on HTTP/1, and what belongs to an HTTP/1 connection is left
//! out. After an error the block is lost, and whoever writes gives up the stream.

use crate::connection::{BodyPlan, RequestOut};
use crate::h1::encode::{Own, decimal, has_option, may_trail, own};
use crate::h1::framing_out::{self, Framing};
use crate::h1::out::{DECIMALS, decimals};
use crate::hpack::Pseudo;
use crate::hpack::{Beginning, BlockOut, Repeated};
use crate::message::{FieldName, is_field_value, is_graphic, is_token};
use crate::{Error, FieldBlock, KnownName, Method, Misuse, ResponseHead, Status};

/// What a written head says of the body behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// A body follows; else the head ends the stream.
    pub has_body: bool,
    /// How many bytes it has to have.
    pub length: Option<u64>,
}

/// The head of a final response to a request with this method.
///
/// # Errors
/// [`Misuse`] for a field that cannot be written, or a status that is not final; [`Capacity`](crate::Capacity) if
/// there is no room.
pub fn response(
    block: &mut BlockOut<'_>,
    head: &ResponseHead<'_>,
    plan: BodyPlan,
    method: Method,
    date: Option<&[u8; 29]>,
) -> Result<Written, Error> {
    if head.status.code() < 200 {
        return Err(Misuse::WrongState.into());
    }
    // None of the engine's own are among constant ones.
    let lines = if head.fields.is_empty() { Some(&[][..]) } else { head.fields.lines() };
    let known = lines.and_then(|lines| Beginning::of(head.status.code(), lines, date));
    match known {
        Some(known) if method != Method::Connect => {
            let framing = framing_out::of_response(method, head.status, false, plan, None);
            constant(block, head, framing, date, known)
        }
        Some(_) | None => {
            let seen = beginning(block, head, date)?;
            if method == Method::Connect && head.status.code() < 300 {
                // What follows is no content, but a tunnel (RFC 9113 §8.5).
                return Ok(Written { has_body: plan != BodyPlan::None, length: None });
            }
            framed(block, framing_out::of_response(method, head.status, false, plan, seen.length))
        }
    }
}

/// A head whose fields are constants of the program: most begin as the last one did, and many end so too.
fn constant(
    block: &mut BlockOut<'_>,
    head: &ResponseHead<'_>,
    framing: Framing,
    date: Option<&[u8; 29]>,
    known: Beginning,
) -> Result<Written, Error> {
    let told = told(framing);
    match block.repeat(&known, told)? {
        Repeated::Whole => return Ok(written(framing, told)),
        Repeated::Beginning => {}
        Repeated::Nothing => {
            beginning(block, head, date)?;
            block.keep(known);
        }
    }
    let written = framed(block, framing)?;
    block.keep_whole(&known, told);
    Ok(written)
}

/// Status, fields and date.
fn beginning(
    block: &mut BlockOut<'_>,
    head: &ResponseHead<'_>,
    date: Option<&[u8; 29]>,
) -> Result<Seen, Error> {
    status(block, head.status)?;
    let seen = fields(block, head.fields, false)?;
    if let Some(date) = date
        && !seen.date
    {
        block.field(KnownName::Date.into(), date, false)?;
    }
    Ok(seen)
}

/// The head of an interim response.
///
/// # Errors
/// As [`response`]; also if the status is not an interim one.
pub fn interim(block: &mut BlockOut<'_>, head: &ResponseHead<'_>) -> Result<(), Error> {
    if !head.status.is_interim() {
        return Err(Misuse::WrongState.into());
    }
    status(block, head.status)?;
    fields(block, head.fields, false)?;
    Ok(())
}

/// The head of a request, sent or promised. `secure`: the scheme is https. A CONNECT with an `Upgrade` field is an
/// extended one (RFC 8441 §4), to the target; the peer must have allowed it.
///
/// # Errors
/// As [`response`]; [`Misuse::TargetSyntax`] for a target that is neither a path nor the `*` of OPTIONS, and for an
/// authority with odd bytes.
pub fn request(block: &mut BlockOut<'_>, head: &RequestOut<'_>, secure: bool) -> Result<Written, Error> {
    if !is_token(head.method) {
        return Err(Misuse::FieldNameSyntax.into());
    }
    if !is_graphic(head.target) || !is_graphic(head.authority) {
        return Err(Misuse::TargetSyntax.into());
    }
    let method = Method::from_bytes(head.method);
    block.pseudo(Pseudo::Method, head.method)?;
    let protocol = head.fields.first(KnownName::Upgrade).filter(|_| method == Method::Connect);
    if method == Method::Connect && protocol.is_none() {
        block.pseudo(Pseudo::Authority, head.target)?;
    } else {
        if !(head.target.starts_with(b"/") || (method == Method::Options && head.target == b"*")) {
            return Err(Misuse::TargetSyntax.into());
        }
        if let Some(protocol) = protocol {
            check_value(protocol)?;
            block.pseudo(Pseudo::Protocol, protocol)?;
        }
        block.pseudo(Pseudo::Scheme, if secure { b"https" } else { b"http" })?;
        if !head.authority.is_empty() {
            block.pseudo(Pseudo::Authority, head.authority)?;
        }
        block.pseudo(Pseudo::Path, head.target)?;
    }
    fields(block, head.fields, true)?;
    if method == Method::Connect {
        return Ok(Written { has_body: head.body != BodyPlan::None, length: None });
    }
    let written = framed(block, framing_out::of_request(method, head.body))?;
    if head.expect_continue && written.has_body {
        block.field(KnownName::Expect.into(), b"100-continue", false)?;
    }
    Ok(written)
}

/// A trailer section.
///
/// # Errors
/// As [`response`].
pub fn trailers(block: &mut BlockOut<'_>, section: FieldBlock<'_>) -> Result<(), Error> {
    let (arena, index) = section.parts();
    for field in index {
        let name = field.name(arena).identified();
        if may_trail(name) && !matches!(name, FieldName::Known(KnownName::Te)) {
            line(block, name, field.value(arena), field.is_never_indexed())?;
        }
    }
    Ok(())
}

/// Whether a trailer section has anything that [`trailers`] writes: an empty field block ends a stream no better than
/// an empty DATA frame.
pub fn has_trailers(section: FieldBlock<'_>) -> bool {
    section.iter().any(|(name, _)| may_trail(name.identified()))
}

/// What the engine must know of a source's fields.
struct Seen {
    date: bool,
    length: Option<u64>,
}

fn fields(block: &mut BlockOut<'_>, source: FieldBlock<'_>, is_request: bool) -> Result<Seen, Error> {
    let mut seen = Seen { date: false, length: None };
    let (arena, index) = source.parts();
    for &field in index {
        let (name, mut value) = (field.name(arena).identified(), field.value(arena));
        if let FieldName::Known(known) = name {
            match own(known) {
                Own::No => {}
                // RFC 9113 §8.2.2.
                Own::Skip | Own::Options | Own::Upgrade => continue,
                Own::Length => {
                    seen.length = decimal(value);
                    continue;
                }
                Own::Date => seen.date = true,
                Own::Te if is_request && has_option(value, b"trailers") => value = b"trailers",
                Own::Te => continue,
            }
        }
        line(block, name, value, field.is_never_indexed())?;
    }
    Ok(seen)
}

/// A field line; the encoder writes its name in lower case.
fn line(
    block: &mut BlockOut<'_>,
    name: FieldName<'_>,
    value: &[u8],
    never_indexed: bool,
) -> Result<(), Error> {
    if let FieldName::Other(name) = name
        && !is_token(name)
    {
        return Err(Misuse::FieldNameSyntax.into());
    }
    check_value(value)?;
    Ok(block.field(name, value, never_indexed)?)
}

fn check_value(value: &[u8]) -> Result<(), Error> {
    if is_field_value(value) { Ok(()) } else { Err(Misuse::FieldValueSyntax.into()) }
}

fn status(block: &mut BlockOut<'_>, status: Status) -> Result<(), Error> {
    let digit = |place: u16| b'0' | (status.code() / place % 10) as u8;
    Ok(block.pseudo(Pseudo::Status, &[digit(100), digit(10), digit(1)])?)
}

/// The length, where one is told.
fn framed(block: &mut BlockOut<'_>, framing: Framing) -> Result<Written, Error> {
    let told = told(framing);
    if let Some(length) = told {
        let mut digits = [0; DECIMALS];
        block.field(KnownName::ContentLength.into(), decimals(length, &mut digits)?, false)?;
    }
    Ok(written(framing, told))
}

const fn told(framing: Framing) -> Option<u64> {
    match framing {
        Framing::Sized(length) | Framing::Declared(length) => Some(length),
        Framing::Bare | Framing::Chunked | Framing::UntilClose => None,
    }
}

fn written(framing: Framing, told: Option<u64>) -> Written {
    let has_body = framing.has_body();
    Written { has_body, length: told.filter(|_| has_body) }
}
