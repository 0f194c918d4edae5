//! The `combined` line: `client - - [date] "request line" status bytes "referer" "user agent"`, and the request's id
//! behind it, in quotes, if it has one. The status of an answer that had not begun is 000.

use super::record::{Record, Room, address, decimal};
use super::{redact, time};
use std::io::Write as _;

pub(super) fn write(record: &Record<'_>, out: &mut Vec<u8>) {
    address(record.client.unwrap_or(record.peer), out);
    out.extend_from_slice(b" - - [");
    time::write_combined(record.unix_time_us, out);
    out.extend_from_slice(b"] \"");
    escape(record.method, &mut Room::new(), out);
    out.push(b' ');
    url(record.path, out);
    out.push(b' ');
    out.extend_from_slice(record.protocol.as_bytes());
    out.extend_from_slice(b"\" ");
    match record.status {
        0 => out.extend_from_slice(b"000"),
        status => decimal(status, out),
    }
    out.push(b' ');
    decimal(record.bytes, out);
    out.extend_from_slice(b" \"");
    url(record.referer.unwrap_or(b"-"), out);
    out.extend_from_slice(b"\" \"");
    escape(record.user_agent.unwrap_or(b"-"), &mut Room::new(), out);
    if !record.request_id.is_empty() {
        out.extend_from_slice(b"\" \"");
        escape(record.request_id, &mut Room::new(), out);
    }
    out.extend_from_slice(b"\"\n");
}

fn url(value: &[u8], out: &mut Vec<u8>) {
    let mut room = Room::new();
    redact::pieces(value, |piece| escape(piece, &mut room, out));
}

/// Appends `value` as visible ASCII, as far as there is `room`: quotes and backslashes get a backslash, every
/// other byte that is not visible ASCII or a space becomes `\xHH`.
fn escape(value: &[u8], room: &mut Room, out: &mut Vec<u8>) {
    let (kept, is_cut) = room.take(value);
    let mut rest = kept;
    loop {
        let plain = rest.iter().position(|byte| !is_plain(*byte)).unwrap_or(rest.len());
        let (run, later) = rest.split_at(plain);
        out.extend_from_slice(run);
        let Some((odd, later)) = later.split_first() else { break };
        match odd {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *odd]),
            // Writing to a vector cannot fail.
            other => drop(write!(out, "\\x{other:02x}")),
        }
        rest = later;
    }
    if is_cut {
        out.extend_from_slice(b"...");
    }
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\'
}
