//! Heads, field lines and trailers into a lent buffer.
//!
//! A source's fields are checked while they are written, so that no byte of theirs can end a line: what we
//! write parses back to the same fields. The fields that are the engine's own (framing, `Connection`,
//! `Keep-Alive`, …) are left out of a source's head in one place, `fields::own`.

mod fields;

pub(super) use fields::trailers;

use self::fields::fields;
use super::framing_out::{self, Framing};
use super::out::Out;
use crate::connection::{BodyPlan, RequestOut};
use crate::message::is_token;
use crate::{Capacity, Error, Method, Misuse, ResponseHead, Status};

/// What a final response head is made of, beside the source's part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'e> {
    /// The request's method.
    pub(super) method: Method,
    /// The request came with HTTP/1.0.
    pub(super) http10: bool,
    /// The connection may go on after this exchange.
    pub(super) persist: bool,
    /// The `Date` value.
    pub(super) date: Option<&'e [u8; 29]>,
}

/// What a written head decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The framing of the body.
    pub(super) framing: Framing,
    /// The connection goes on after this exchange.
    pub(super) persist: bool,
    /// The head has an `Upgrade` field.
    pub(super) upgrade: bool,
}

/// A final response head.
///
/// # Errors
/// [`Misuse`] for a source's field that cannot be written, [`Capacity`] if it does not fit.
pub(super) fn response(
    out: &mut Out<'_>,
    head: &ResponseHead<'_>,
    plan: BodyPlan,
    frame: &Frame<'_>,
) -> Result<Written, Error> {
    status_line(out, head.status)?;
    let seen = fields(out, head.fields)?;
    if let (false, Some(date)) = (seen.date, frame.date) {
        out.put(&date_line(date))?;
    }
    let framing = framing_out::of_response(frame.method, head.status, frame.http10, plan, seen.length);
    framing_field(out, framing)?;
    let switches = head.status == Status::SWITCHING_PROTOCOLS;
    let persist = frame.persist && !seen.close && framing != Framing::UntilClose;
    match (persist || switches, seen.upgrade, frame.http10) {
        (true, true, _) => out.put(b"Connection: upgrade\r\n\r\n")?,
        (true, false, true) => out.put(b"Connection: keep-alive\r\n\r\n")?,
        (true, false, false) => out.put(b"\r\n")?,
        (false, true, _) => out.put(b"Connection: close, upgrade\r\n\r\n")?,
        (false, false, _) => out.put(b"Connection: close\r\n\r\n")?,
    }
    Ok(Written { framing, persist, upgrade: seen.upgrade })
}

/// An interim response head: no framing, no `Connection`.
///
/// # Errors
/// As [`response`].
pub(super) fn interim(out: &mut Out<'_>, head: &ResponseHead<'_>) -> Result<(), Error> {
    status_line(out, head.status)?;
    fields(out, head.fields)?;
    out.put(b"\r\n")?;
    Ok(())
}

/// A request head. `Host` stands first (RFC 9110 §7.2).
///
/// # Errors
/// As [`response`]; also [`Misuse::TargetSyntax`] for the target or the authority.
pub(super) fn request(out: &mut Out<'_>, head: &RequestOut<'_>, persist: bool) -> Result<Written, Error> {
    if !is_token(head.method) {
        return Err(Misuse::FieldNameSyntax.into());
    }
    let graphic = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
    if head.target.is_empty() || !graphic(head.target) || !graphic(head.authority) {
        return Err(Misuse::TargetSyntax.into());
    }
    out.put(head.method)?;
    out.put(b" ")?;
    out.put(head.target)?;
    out.put(b" HTTP/1.1\r\nHost: ")?;
    out.put(head.authority)?;
    out.put(b"\r\n")?;
    let seen = fields(out, head.fields)?;
    let framing = framing_out::of_request(Method::from_bytes(head.method), head.body);
    framing_field(out, framing)?;
    if head.expect_continue && framing.has_body() {
        out.put(b"Expect: 100-continue\r\n")?;
    }
    let persist = persist && !head.close && !seen.close;
    connection_options(out, persist, seen.upgrade, seen.te)?;
    Ok(Written { framing, persist, upgrade: seen.upgrade })
}

/// Room that is enough for this request's head: bytes.
pub(super) fn request_room(head: &RequestOut<'_>) -> usize {
    const AROUND: usize = 160;
    let start = [head.method, head.target, head.authority];
    let start = start.iter().fold(AROUND, |sum, part| sum.saturating_add(part.len()));
    head.fields.iter().fold(start, |sum, (name, value)| {
        sum.saturating_add(name.as_bytes().len()).saturating_add(value.len()).saturating_add(4)
    })
}

fn connection_options(out: &mut Out<'_>, persist: bool, upgrade: bool, te: bool) -> Result<(), Capacity> {
    let options: [(bool, &[u8]); 3] = [(!persist, b"close"), (upgrade, b"upgrade"), (te, b"TE")];
    let mut lead: &[u8] = b"Connection: ";
    for (wanted, option) in options {
        if wanted {
            out.put(lead)?;
            out.put(option)?;
            lead = b", ";
        }
    }
    out.put(if persist && !upgrade && !te { b"\r\n" } else { b"\r\n\r\n" })
}

/// The `Date` field line, in one piece.
#[inline]
fn date_line(date: &[u8; 29]) -> [u8; 37] {
    let mut line = *b"Date: .............................\r\n";
    if let Some(value) = line.get_mut(6..35) {
        value.copy_from_slice(date);
    }
    line
}

#[inline]
fn framing_field(out: &mut Out<'_>, framing: Framing) -> Result<(), Capacity> {
    match framing {
        Framing::Sized(len) | Framing::Declared(len) => {
            out.put(b"Content-Length: ")?;
            out.put_decimal_line(len)
        }
        Framing::Chunked => out.put(b"Transfer-Encoding: chunked\r\n"),
        Framing::Bare | Framing::UntilClose => Ok(()),
    }
}

fn status_line(out: &mut Out<'_>, status: Status) -> Result<(), Capacity> {
    let whole: &[u8] = match status {
        Status::OK => b"HTTP/1.1 200 OK\r\n",
        Status::PARTIAL_CONTENT => b"HTTP/1.1 206 Partial Content\r\n",
        Status::NO_CONTENT => b"HTTP/1.1 204 No Content\r\n",
        Status::FOUND => b"HTTP/1.1 302 Found\r\n",
        Status::NOT_MODIFIED => b"HTTP/1.1 304 Not Modified\r\n",
        Status::NOT_FOUND => b"HTTP/1.1 404 Not Found\r\n",
        _ => {
            out.put(b"HTTP/1.1 ")?;
            let digit = |place: u16| b'0' | (status.code() / place % 10) as u8;
            out.put(&[digit(100), digit(10), digit(1), b' '])?;
            out.put(status.reason().as_bytes())?;
            return out.put(b"\r\n");
        }
    };
    out.put(whole)
}

/// The answer that the engine gives by itself: a status, one line of text, and the end of the connection.
///
/// # Errors
/// [`Capacity`] if it does not fit [`CANNED_BYTES_MAX`].
pub(super) fn canned(
    out: &mut Out<'_>,
    status: Status,
    text: &str,
    with_body: bool,
    date: Option<&[u8; 29]>,
) -> Result<(), Capacity> {
    status_line(out, status)?;
    if let Some(date) = date {
        out.put(&date_line(date))?;
    }
    if status == Status::METHOD_NOT_ALLOWED {
        // Only CONNECT is refused here (RFC 9110 §15.5.6 asks for the field).
        out.put(b"Allow: GET, HEAD\r\n")?;
    }
    out.put(b"Content-Type: text/plain\r\nContent-Length: ")?;
    out.put_decimal_line(text.len().saturating_add(1) as u64)?;
    out.put(b"Connection: close\r\n\r\n")?;
    if with_body {
        out.put(text.as_bytes())?;
        out.put(b"\n")?;
    }
    Ok(())
}

/// Room for any answer of [`canned`]: bytes.
pub(super) const CANNED_BYTES_MAX: usize = 256;

/// The interim response that lets a client send its body (RFC 9110 §15.2.1).
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

#[cfg(test)]
mod tests;
