//! The `json` line: one object with a fixed order of members, valid for any bytes (RFC 8259).

use super::record::{Record, Room, address, decimal};
use super::{redact, time};
use std::io::Write as _;

pub(super) fn write(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"ts\":\"");
    time::write_rfc3339(record.unix_time_us, out);
    out.extend_from_slice(b"\",\"level\":\"");
    out.extend_from_slice(record.level.name().as_bytes());
    out.push(b'"');
    text_member("method", record.method, out);
    url_member("path", record.path, out);
    out.extend_from_slice(b",\"status\":");
    decimal(record.status, out);
    out.extend_from_slice(b",\"latency_ms\":");
    milliseconds(record.latency_us, out);
    text_member("request_id", record.request_id, out);
    out.extend_from_slice(b",\"peer\":\"");
    address(record.peer, out);
    if let Some(client) = record.client.filter(|client| *client != record.peer) {
        out.extend_from_slice(b"\",\"client\":\"");
        address(client, out);
    }
    out.extend_from_slice(b"\",\"bytes\":");
    decimal(record.bytes, out);
    text_member("protocol", record.protocol.as_bytes(), out);
    if let Some(user_agent) = record.user_agent {
        text_member("user_agent", user_agent, out);
    }
    if let Some(referer) = record.referer {
        url_member("referer", referer, out);
    }
    if let Some(route) = record.route {
        text_member("route", route.as_bytes(), out);
    }
    if let Some(upstream) = record.upstream {
        text_member("upstream", upstream.as_bytes(), out);
    }
    if let Some(backend) = record.backend {
        open_member("backend", out);
        // Writing to a vector cannot fail.
        drop(write!(out, "{backend}\""));
    }
    if record.is_aborted {
        out.extend_from_slice(b",\"aborted\":true");
    }
    if let Some(error) = record.error {
        text_member("error", error.as_bytes(), out);
    }
    out.extend_from_slice(b"}\n");
}

/// `12.034`: three digits after the point.
fn milliseconds(us: u64, out: &mut Vec<u8>) {
    decimal(us / 1000, out);
    // The leading 1 keeps the zeros after it; its place is the point's.
    let point = out.len();
    decimal(1000 + us % 1000, out);
    if let Some(digit) = out.get_mut(point) {
        *digit = b'.';
    }
}

/// `,"name":` and the opening quote. Names are ours and need no escape.
fn open_member(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":\"");
}

fn text_member(name: &str, value: &[u8], out: &mut Vec<u8>) {
    open_member(name, out);
    escape(value, &mut Room::new(), out);
    out.push(b'"');
}

fn url_member(name: &str, value: &[u8], out: &mut Vec<u8>) {
    open_member(name, out);
    let mut room = Room::new();
    redact::pieces(value, |piece| escape(piece, &mut room, out));
    out.push(b'"');
}

/// Appends `value` as the inside of a JSON string, as far as there is `room`. Bytes that are not UTF-8 become
/// U+FFFD; control characters, C1 and DEL included, become `\u00XX`, so that no terminal acts on them.
fn escape(value: &[u8], room: &mut Room, out: &mut Vec<u8>) {
    let (kept, is_cut) = room.take(value);
    let odd = kept.iter().position(|byte| !is_plain(*byte)).unwrap_or(kept.len());
    let (run, rest) = kept.split_at(odd);
    out.extend_from_slice(run);
    for chunk in rest.utf8_chunks() {
        escape_text(chunk.valid(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    if is_cut {
        out.extend_from_slice(b"...");
    }
}

/// Stands for itself in a JSON string, and is ASCII: what all of most fields is made of.
fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\'
}

fn escape_text(text: &str, out: &mut Vec<u8>) {
    let mut plain_from = 0;
    for (at, character) in text.char_indices() {
        if !(character.is_control() || character == '"' || character == '\\') {
            continue;
        }
        out.extend_from_slice(text.get(plain_from..at).unwrap_or_default().as_bytes());
        plain_from = at + character.len_utf8();
        let _ = match character {
            '"' => out.write_all(b"\\\""),
            '\\' => out.write_all(b"\\\\"),
            '\n' => out.write_all(b"\\n"),
            '\r' => out.write_all(b"\\r"),
            '\t' => out.write_all(b"\\t"),
            other => write!(out, "\\u{:04x}", u32::from(other)),
        };
    }
    out.extend_from_slice(text.get(plain_from..).unwrap_or_default().as_bytes());
}
