//! The `combined` line: `peer - - [date] "request line" status bytes "referer" "user agent"`.

use super::record::{Record, Room};
use super::{redact, time};
use std::io::Write as _;

pub(super) fn write(record: &Record<'_>, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{} - - [", record.peer);
    time::write_combined(record.unix_time_us, out);
    out.extend_from_slice(b"] \"");
    escape(record.method, &mut Room::new(), out);
    out.push(b' ');
    url(record.path, out);
    out.push(b' ');
    out.extend_from_slice(record.protocol.as_bytes());
    let _ = write!(out, "\" {:03} {} \"", record.status, record.bytes);
    url(record.referer.unwrap_or(b"-"), out);
    out.extend_from_slice(b"\" \"");
    escape(record.user_agent.unwrap_or(b"-"), &mut Room::new(), out);
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
    for byte in kept {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0x20..=0x7e => out.push(*byte),
            0..=0x1f | 0x7f..=0xff => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    if is_cut {
        out.extend_from_slice(b"...");
    }
}
