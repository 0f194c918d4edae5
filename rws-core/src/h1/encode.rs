//! Heads, field lines and trailers into a lent buffer.
//!
//! A source's fields are checked while they are written, so that no byte of theirs can end a line: what we
//! write parses back to the same fields. The fields that are the engine's own (framing, `Connection`,
//! `Keep-Alive`, …) are left out of a source's head in one place, [`own`].

use super::framing_out::{self, Framing};
use crate::connection::{BodyPlan, RequestOut};
use crate::message::{is_field_value, is_token};
use crate::{Capacity, Error, FieldBlock, FieldName, KnownName, Method, Misuse, ResponseHead, Status};

/// A lent buffer and how much of it is written.
#[derive(Debug)]
pub(super) struct Out<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl<'a> Out<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Out<'a> {
        Out { bytes, len: 0 }
    }

    /// Bytes written.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that still fit.
    pub(super) fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.len)
    }

    /// The part that is not written yet.
    pub(super) fn rest(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.len..).unwrap_or(&mut [])
    }

    /// Counts `n` bytes that were written into [`Out::rest`].
    pub(super) fn advance(&mut self, n: usize) {
        self.len = self.len.saturating_add(n).min(self.bytes.len());
    }

    /// Forgets what was written after `len`.
    pub(super) fn rewind(&mut self, len: usize) {
        self.len = len.min(self.len);
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Capacity> {
        let end = self.len.wrapping_add(bytes.len());
        self.bytes.get_mut(self.len..end).ok_or(Capacity::Bytes)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// A number in decimal.
    pub(super) fn put_decimal(&mut self, mut number: u64) -> Result<(), Capacity> {
        let mut digits = [0u8; 20];
        let mut first = digits.len();
        for (at, slot) in digits.iter_mut().enumerate().rev() {
            *slot = b'0' | (number % 10) as u8;
            first = at;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.put(digits.get(first..).unwrap_or(&[]))
    }

    /// A number in hexadecimal, without leading zeros.
    pub(super) fn put_hex(&mut self, number: u64) -> Result<(), Capacity> {
        for at in (0..hex_digits(number)).rev() {
            let digit = (number >> (at * 4)) & 0xf;
            self.put(&[b"0123456789abcdef".get(digit as usize).copied().unwrap_or(b'0')])?;
        }
        Ok(())
    }
}

/// How many hexadecimal digits `number` has.
pub(super) const fn hex_digits(number: u64) -> u32 {
    let bits = u64::BITS - number.leading_zeros();
    if bits == 0 { 1 } else { bits.div_ceil(4) }
}

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
        out.put(b"Date: ")?;
        out.put(date)?;
        out.put(b"\r\n")?;
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

/// The trailer section and the empty line after it.
///
/// # Errors
/// As [`response`].
pub(super) fn trailers(out: &mut Out<'_>, block: FieldBlock<'_>) -> Result<(), Error> {
    for (name, value) in block.iter() {
        if may_trail(name) {
            field_line(out, name, value)?;
        }
    }
    out.put(b"\r\n")?;
    Ok(())
}

/// Framing, routing and connection fields mean nothing after the content (RFC 9110 §6.5.1).
fn may_trail(name: FieldName<'_>) -> bool {
    match name {
        FieldName::Other(_) => true,
        FieldName::Known(known) => {
            !matches!(own(known), Own::Skip | Own::Length | Own::Options | Own::Upgrade)
        }
    }
}

/// What the engine makes of a field that it may write by itself.
enum Own {
    /// Not the engine's.
    No,
    /// Left out.
    Skip,
    /// Left out, but it tells the length where no body is sent.
    Length,
    /// Left out, but its options are heard.
    Options,
    /// Written, and the engine adds none.
    Date,
    /// Written, with the connection option it needs.
    Upgrade,
    /// As `Upgrade` (RFC 9110 §10.1.4).
    Te,
}

const fn own(name: KnownName) -> Own {
    match name {
        KnownName::ContentLength => Own::Length,
        KnownName::Connection => Own::Options,
        KnownName::TransferEncoding
        | KnownName::KeepAlive
        | KnownName::ProxyConnection
        | KnownName::Expect
        | KnownName::Host => Own::Skip,
        KnownName::Date => Own::Date,
        KnownName::Upgrade => Own::Upgrade,
        KnownName::Te => Own::Te,
        _ => Own::No,
    }
}

/// What the engine must know of a source's fields.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    date: bool,
    upgrade: bool,
    te: bool,
    close: bool,
    length: Option<u64>,
}

fn fields(out: &mut Out<'_>, block: FieldBlock<'_>) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    for (name, value) in block.iter() {
        if let FieldName::Known(known) = name {
            match own(known) {
                Own::No => {}
                Own::Skip => continue,
                Own::Length => {
                    seen.length = decimal(value);
                    continue;
                }
                Own::Options => {
                    seen.close |= has_option(value, b"close");
                    continue;
                }
                Own::Date => seen.date = true,
                Own::Upgrade => seen.upgrade = true,
                Own::Te => seen.te = true,
            }
        }
        field_line(out, name, value)?;
    }
    Ok(seen)
}

#[inline]
fn field_line(out: &mut Out<'_>, name: FieldName<'_>, value: &[u8]) -> Result<(), Error> {
    match name {
        FieldName::Known(known) => out.put(known.as_str().as_bytes())?,
        FieldName::Other(name) if is_token(name) => out.put(name)?,
        FieldName::Other(_) => return Err(Misuse::FieldNameSyntax.into()),
    }
    if !is_plain(value) && !is_field_value(value) {
        return Err(Misuse::FieldValueSyntax.into());
    }
    out.put(b": ")?;
    out.put(value)?;
    out.put(b"\r\n")?;
    Ok(())
}

/// A quick look, eight bytes at a time, that settles almost every value: no byte below space and no DEL,
/// and no space at an end. `false` means: look closely.
#[inline]
fn is_plain(value: &[u8]) -> bool {
    let (Some(&first), Some(&last)) = (value.first(), value.last()) else { return true };
    if first == b' ' || last == b' ' {
        return false;
    }
    let (words, tail) = value.as_chunks::<8>();
    let mut hits = 0;
    for word in words {
        hits |= control_bytes(u64::from_ne_bytes(*word));
    }
    match value.last_chunk::<8>() {
        Some(word) => hits |= control_bytes(u64::from_ne_bytes(*word)),
        None => return tail.iter().all(|&byte| byte >= b' ' && byte != 0x7f),
    }
    hits == 0
}

/// Not zero if a byte of `word` is below space or is DEL. A borrow can only come out of a byte that is a hit
/// itself, so zero is exact.
#[inline]
const fn control_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let below_space = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word;
    let delete = word ^ ONES.wrapping_mul(0x7f);
    (below_space | (delete.wrapping_sub(ONES) & !delete)) & HIGH
}

fn framing_field(out: &mut Out<'_>, framing: Framing) -> Result<(), Capacity> {
    match framing {
        Framing::Sized(len) | Framing::Declared(len) => {
            out.put(b"Content-Length: ")?;
            out.put_decimal(len)?;
            out.put(b"\r\n")
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
            out.put_decimal(u64::from(status.code()))?;
            out.put(b" ")?;
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
        out.put(b"Date: ")?;
        out.put(date)?;
        out.put(b"\r\n")?;
    }
    if status == Status::METHOD_NOT_ALLOWED {
        // Only CONNECT is refused here (RFC 9110 §15.5.6 asks for the field).
        out.put(b"Allow: GET, HEAD\r\n")?;
    }
    out.put(b"Content-Type: text/plain\r\nContent-Length: ")?;
    out.put_decimal(text.len().saturating_add(1) as u64)?;
    out.put(b"\r\nConnection: close\r\n\r\n")?;
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

/// A plain decimal number.
fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |number, byte| {
        let digit = (*byte as char).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Whether a list of connection options has `option` (RFC 9110 §7.6.1).
fn has_option(value: &[u8], option: &[u8]) -> bool {
    value.split(|&byte| byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(option))
}

#[cfg(test)]
mod tests;
