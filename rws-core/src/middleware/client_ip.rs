//! Who the client is, where trusted proxies stand between.
//!
//! ```text
//!   client ──▶ proxy A ──▶ proxy B ──▶ us        peer = B
//!   X-Forwarded-For: whatever, client, A         B wrote A, A wrote client, the client wrote the rest
//!                              ▲ right-most hop that is not trusted
//! ```
//!
//! Each proxy appends the address that it was reached from, so the list is believed from the right for as
//! long as the address on the right of an entry is a proxy that we trust.

use core::net::{IpAddr, SocketAddr};

use super::IpSet;
use crate::KnownName;
use crate::message::FieldBlock;

/// Which field the trusted proxies keep. One, and chosen: a proxy that keeps one of them passes the other
/// on as the client sent it, so looking at both would let a client choose its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HopField {
    /// `X-Forwarded-For`: addresses between commas.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239): the `for` parameters.
    Forwarded,
}

/// The client's address: the right-most hop that is not trusted.
///
/// `peer` itself, if it is not trusted or the field says nothing. An entry that is not an address
/// (`unknown`, an obfuscated name, a malformed one) ends the walk: the answer is the hop that wrote it. If
/// all hops are trusted, it is the left-most one. IPv4-mapped addresses come out as IPv4.
pub fn client_ip<T: IpSet + ?Sized>(
    peer: IpAddr,
    fields: FieldBlock<'_>,
    trusted: &T,
    hop_field: HopField,
) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(peer) {
        return peer;
    }
    let name = match hop_field {
        HopField::XForwardedFor => KnownName::XForwardedFor,
        HopField::Forwarded => KnownName::Forwarded,
    };
    let mut client = None;
    for line in fields.all(name) {
        client = match read_line(line, trusted, hop_field) {
            Line::Client(hop) => Some(hop),
            Line::Trusted(left_most) => client.or(left_most),
            Line::Broken(writer) => writer,
        };
    }
    client.unwrap_or(peer)
}

/// What one field line says, if whoever wrote its end can be believed.
enum Line {
    /// The right-most hop that is not trusted.
    Client(IpAddr),
    /// All hops are trusted; the left-most of them, if there is one.
    Trusted(Option<IpAddr>),
    /// An entry is no address; the hop that wrote it, if this line names it.
    Broken(Option<IpAddr>),
}

/// Reads from the right: what a client wrote on the left, an open quote say, must not hide what a proxy
/// appended.
fn read_line<T: IpSet + ?Sized>(line: &[u8], trusted: &T, hop_field: HopField) -> Line {
    let (mut rest, mut last) = (Some(line), None);
    while let Some(list) = rest {
        let (before, entry) = match hop_field {
            HopField::XForwardedFor => rsplit(list, b',', false),
            HopField::Forwarded => rsplit(list, b',', true),
        };
        rest = before;
        let entry = entry.trim_ascii();
        // Empty elements say nothing (RFC 9110 §5.6.1).
        if entry.is_empty() {
            continue;
        }
        let hop = match hop_field {
            HopField::XForwardedFor => node(entry),
            HopField::Forwarded => forwarded_for(entry).and_then(node),
        };
        match hop {
            None => return Line::Broken(last),
            Some(hop) if !trusted.contains(hop) => return Line::Client(hop),
            Some(hop) => last = Some(hop),
        }
    }
    Line::Trusted(last)
}

/// What stands before the last `mark`, and what behind it; marks inside quotes do not count if `quotes`.
fn rsplit(text: &[u8], mark: u8, quotes: bool) -> (Option<&[u8]>, &[u8]) {
    let mut is_quoted = false;
    for (at, &byte) in text.iter().enumerate().rev() {
        if byte == mark && !is_quoted {
            return (text.get(..at), text.get(at.saturating_add(1)..).unwrap_or(&[]));
        }
        if quotes && byte == b'"' {
            let escapes = text.iter().take(at).rev().take_while(|&&byte| byte == b'\\').count();
            is_quoted ^= escapes.is_multiple_of(2);
        }
    }
    (None, text)
}

/// The value of the only `for` parameter of a `Forwarded` element (RFC 7239 §4).
fn forwarded_for(element: &[u8]) -> Option<&[u8]> {
    let (mut found, mut rest) = (None, Some(element));
    while let Some(pairs) = rest {
        let (before, pair) = rsplit(pairs, b';', true);
        rest = before;
        let equals = pair.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (pair.get(..equals)?.trim_ascii(), pair.get(equals.saturating_add(1)..)?);
        if name.eq_ignore_ascii_case(b"for") && found.replace(unquoted(value.trim_ascii())?).is_some() {
            return None;
        }
    }
    found
}

/// A token, or what stands between quotes; with an escape in it, it is no address.
fn unquoted(value: &[u8]) -> Option<&[u8]> {
    let Some(inner) = value.strip_prefix(b"\"") else { return Some(value) };
    let inner = inner.strip_suffix(b"\"")?;
    if inner.contains(&b'\\') { None } else { Some(inner) }
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:80`.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = core::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(bare) => IpAddr::V6(bare.parse().ok()?),
        None => match text.parse::<IpAddr>() {
            Ok(address) => address,
            Err(_) => text.parse::<SocketAddr>().ok()?.ip(),
        },
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests;
