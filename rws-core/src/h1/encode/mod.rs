//! Heads, field lines and trailers into a lent buffer.
//!
//! A source's fields are checked while they are written, so that no byte of theirs can end a line: what we
//! write parses back to the same fields. The fields that are the engine's own (framing, `Connection`,
//! `Keep-Alive`, …) are left out of a source's head in one place, `fields::own`.

mod fields;

pub(crate) use fields::{Own, decimal, has_option, may_trail, own};
pub(super) use fields::{is_own, trailers};

use self::fields::{Seen, fields};
use super::framing_out::{self, Framing};
use super::out::Rest;
use crate::connection::{BodyPlan, RequestOut};
use crate::message::{is_graphic, is_token};
use crate::{Capacity, Error, Method, Misuse, ResponseHead, SMALL, Status, TEXTS};

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
#[inline]
pub(super) fn response<'o>(
    to: Rest<'o>,
    head: &ResponseHead<'_>,
    plan: BodyPlan,
    frame: &Frame<'_>,
) -> Result<(Rest<'o>, Written), Error> {
    let to = status_line(to, head.status)?;
    // Two calls, so that the first is compiled for a head in which the engine has seen nothing of its own.
    match head.fields.lines() {
        Some(lines) if !SMALL => own_lines(to.lines(lines)?, head.status, plan, frame, Seen::default()),
        lines => {
            let (to, seen) = match lines {
                Some(lines) => (to.lines(lines)?, Seen::default()),
                None => fields(to, head.fields)?,
            };
            own_lines(to, head.status, plan, frame, seen)
        }
    }
}

/// The lines that are the engine's own, and the empty line.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn own_lines<'o>(
    to: Rest<'o>,
    status: Status,
    plan: BodyPlan,
    frame: &Frame<'_>,
    seen: Seen,
) -> Result<(Rest<'o>, Written), Error> {
    let to = match frame.date {
        Some(date) if !seen.has(Seen::DATE) => date_line(to, date)?,
        Some(_) | None => to,
    };
    let framing = framing_out::of_response(frame.method, status, frame.http10, plan, seen.length);
    let to = framing_line(to, framing)?;
    let mut persist = frame.persist && !seen.has(Seen::CLOSE);
    let to = if persist && !seen.has(Seen::UPGRADE) && !frame.http10 {
        to.array(b"\r\n")?
    } else {
        persist = persist && framing != Framing::UntilClose;
        let switches = status == Status::SWITCHING_PROTOCOLS;
        connection_line(to, persist || switches, seen.has(Seen::UPGRADE), frame.http10)?
    };
    Ok((to, Written { framing, persist, upgrade: seen.has(Seen::UPGRADE) }))
}

/// The head of an answer to HTTP/1.1 whose body of `len` bytes follows, on a connection that goes on: as [`response`]
/// writes it, with nothing left to decide. `None` if the source's fields say otherwise, cannot be written, or if it
/// does not fit.
#[inline]
pub(super) fn plain_response<'o>(
    to: Rest<'o>,
    head: &ResponseHead<'_>,
    len: u64,
    date: Option<&[u8; 29]>,
) -> Option<Rest<'o>> {
    let to = status_line(to, head.status).ok()?;
    let (to, seen) = match head.fields.lines() {
        Some(lines) => (to.lines(lines).ok()?, Seen::default()),
        None => fields(to, head.fields).ok()?,
    };
    if seen.has(Seen::CLOSE) || seen.has(Seen::UPGRADE) {
        return None;
    }
    let to = match date {
        Some(date) if !seen.has(Seen::DATE) => {
            to.around::<6, 29, 18, 53>(b"Date: ", date, b"\r\nContent-Length: ").ok()?
        }
        Some(_) | None => to.array(b"Content-Length: ").ok()?,
    };
    to.decimal_end(len).ok()
}

/// An interim response head: no framing, no `Connection`.
///
/// # Errors
/// As [`response`].
pub(super) fn interim<'o>(to: Rest<'o>, head: &ResponseHead<'_>) -> Result<(Rest<'o>, ()), Error> {
    let to = status_line(to, head.status)?;
    let (to, _) = fields(to, head.fields)?;
    Ok((to.array(b"\r\n")?, ()))
}

/// A request head with this method, as its word says. `Host` stands first (RFC 9110 §7.2).
///
/// # Errors
/// As [`response`]; also [`Misuse::TargetSyntax`] for the target or the authority.
pub(super) fn request<'o>(
    to: Rest<'o>,
    head: &RequestOut<'_>,
    method: Method,
    persist: bool,
) -> Result<(Rest<'o>, Written), Error> {
    debug_assert_eq!(method, Method::from_bytes(head.method), "the head's own");
    if method == Method::Other && !is_token(head.method) {
        return Err(Misuse::FieldNameSyntax.into());
    }
    if head.target.is_empty() || !is_graphic(head.target) || !is_graphic(head.authority) {
        return Err(Misuse::TargetSyntax.into());
    }
    let to = to.bytes(head.method)?.array(b" ")?.bytes(head.target)?.array(b" HTTP/1.1\r\n")?;
    let to = to.line(b"Host", head.authority)?;
    let (to, seen) = fields(to, head.fields)?;
    let framing = framing_out::of_request(method, head.body);
    let mut to = framing_line(to, framing)?;
    if head.expect_continue && framing.has_body() {
        to = to.array(b"Expect: 100-continue\r\n")?;
    }
    let persist = persist && !head.close && !seen.has(Seen::CLOSE);
    let to = connection_options(to, persist, seen.has(Seen::UPGRADE), seen.has(Seen::TE))?;
    Ok((to, Written { framing, persist, upgrade: seen.has(Seen::UPGRADE) }))
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

fn connection_options(
    mut to: Rest<'_>,
    persist: bool,
    upgrade: bool,
    te: bool,
) -> Result<Rest<'_>, Capacity> {
    if persist && !upgrade && !te {
        return to.array(b"\r\n");
    }
    let options: [(bool, &[u8]); 3] = [(!persist, b"close"), (upgrade, b"upgrade"), (te, b"TE")];
    let mut lead: &[u8] = b"Connection: ";
    for (wanted, option) in options {
        if wanted {
            to = to.bytes(lead)?.bytes(option)?;
            lead = b", ";
        }
    }
    to.array(b"\r\n\r\n")
}

/// The `Connection` line of a response that needs one, and the empty line.
#[cold]
fn connection_line(to: Rest<'_>, persist: bool, upgrade: bool, http10: bool) -> Result<Rest<'_>, Capacity> {
    match (persist, upgrade, http10) {
        (true, false, false) => to.array(b"\r\n"),
        (true, false, true) => to.array(b"Connection: keep-alive\r\n\r\n"),
        (true, true, _) => to.array(b"Connection: upgrade\r\n\r\n"),
        (false, true, _) => to.array(b"Connection: close, upgrade\r\n\r\n"),
        (false, false, _) => to.array(b"Connection: close\r\n\r\n"),
    }
}

#[cfg_attr(not(target_os = "none"), inline(always))]
fn date_line<'o>(to: Rest<'o>, date: &[u8; 29]) -> Result<Rest<'o>, Capacity> {
    to.array(b"Date: ")?.array(date)?.array(b"\r\n")
}

#[cfg_attr(not(target_os = "none"), inline(always))]
fn framing_line(to: Rest<'_>, framing: Framing) -> Result<Rest<'_>, Capacity> {
    match framing {
        Framing::Sized(len) | Framing::Declared(len) => to.array(b"Content-Length: ")?.decimal_line(len),
        Framing::Chunked => to.array(b"Transfer-Encoding: chunked\r\n"),
        Framing::Bare | Framing::UntilClose => Ok(to),
    }
}

#[cfg_attr(not(target_os = "none"), inline(always))]
fn status_line(to: Rest<'_>, status: Status) -> Result<Rest<'_>, Capacity> {
    if status == Status::OK { to.array(b"HTTP/1.1 200 OK\r\n") } else { other_status_line(to, status) }
}

#[inline(never)]
fn other_status_line(to: Rest<'_>, status: Status) -> Result<Rest<'_>, Capacity> {
    match status {
        _ if SMALL => any_status_line(to, status),
        Status::PARTIAL_CONTENT => to.array(b"HTTP/1.1 206 Partial Content\r\n"),
        Status::NO_CONTENT => to.array(b"HTTP/1.1 204 No Content\r\n"),
        Status::FOUND => to.array(b"HTTP/1.1 302 Found\r\n"),
        Status::NOT_MODIFIED => to.array(b"HTTP/1.1 304 Not Modified\r\n"),
        Status::NOT_FOUND => to.array(b"HTTP/1.1 404 Not Found\r\n"),
        _ => any_status_line(to, status),
    }
}

#[inline]
fn any_status_line(to: Rest<'_>, status: Status) -> Result<Rest<'_>, Capacity> {
    let (mut line, mut code) = (*b"HTTP/1.1 000 \r\n", status.code());
    for digit in line.iter_mut().skip(9).take(3).rev() {
        *digit = b'0' | (code % 10) as u8;
        code /= 10;
    }
    if !TEXTS {
        return to.array(&line);
    }
    let [line @ .., _, _] = line;
    to.array(&line)?.bytes(status.reason().as_bytes())?.array(b"\r\n")
}

/// The answer that the engine gives by itself: a status, one line of text, and the end of the connection.
///
/// # Errors
/// [`Capacity`] if it does not fit [`CANNED_BYTES_MAX`].
pub(super) fn canned<'o>(
    to: Rest<'o>,
    status: Status,
    text: &str,
    with_body: bool,
    date: Option<&[u8; 29]>,
) -> Result<(Rest<'o>, ()), Capacity> {
    let mut to = status_line(to, status)?;
    if let Some(date) = date {
        to = date_line(to, date)?;
    }
    if status == Status::METHOD_NOT_ALLOWED {
        // Only CONNECT is refused here. Its target is a host and a port, of which we serve no method at all:
        // the field, which RFC 9110 §15.5.6 asks for, is empty (§10.2.1).
        to = to.array(b"Allow:\r\n")?;
    }
    if !TEXTS {
        return Ok((to.array(b"Content-Length: 0\r\nConnection: close\r\n\r\n")?, ()));
    }
    to = to.array(b"Content-Type: text/plain\r\n")?;
    to = framing_line(to, Framing::Sized(text.len().saturating_add(1) as u64))?;
    to = to.array(b"Connection: close\r\n\r\n")?;
    if with_body {
        to = to.bytes(text.as_bytes())?.array(b"\n")?;
    }
    Ok((to, ()))
}

/// Room for any answer of [`canned`]: bytes.
pub(super) const CANNED_BYTES_MAX: usize = 256;

/// The interim response that lets a client send its body (RFC 9110 §15.2.1).
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

#[cfg(test)]
mod tests;
