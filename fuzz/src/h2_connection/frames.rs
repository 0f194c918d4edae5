//! Frames as a peer could send them, and some that none should.

use arbitrary::{Arbitrary, Unstructured};
use rws_core::h2::PREFACE;

/// One frame, or bytes that are none.
#[derive(Debug, Arbitrary)]
pub(super) enum Frame {
    Get(u8),
    Post(u8),
    Long { stream: u8, cut: u8, indexed: bool },
    Data { stream: u8, len: u8, pad: Option<u8>, end: bool },
    Trailers(u8),
    Status { stream: u8, code: u8, end: bool },
    Window { stream: Option<u8>, increment: u16 },
    Settings { id: u8, value: u16 },
    SettingsAck,
    Reset { stream: u8, code: u8 },
    Ping { ack: bool },
    Priority { stream: u8, parent: u8 },
    PriorityUpdate { stream: u8, urgency: u8 },
    Goaway { last: u8, code: u8 },
    Push { stream: u8, promised: u8 },
    Large { stream: Option<u8>, increment: u32 },
    Any { kind: u8, flags: u8, stream: u8, payload: Vec<u8> },
    Raw(Vec<u8>),
}

/// What the other side begins with.
pub(super) fn beginning(is_server: bool, input: &mut Unstructured<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if is_server {
        bytes.extend_from_slice(PREFACE);
    }
    let window = [1, 30, 65_535, 100_000][usize::from(input.arbitrary::<u8>().unwrap_or(0) % 4)];
    put(&mut bytes, 4, 0, 0, &[&[0, 4][..], &u32::to_be_bytes(window)].concat());
    bytes
}

impl Frame {
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        const GET: &[u8] = b"\x82\x86\x84\x41\x01a";
        const POST: &[u8] = b"\x83\x86\x84\x41\x01a";
        match *self {
            Frame::Get(stream) => put(to, 1, 5, id(stream), GET),
            Frame::Post(stream) => put(to, 1, 4, id(stream), POST),
            Frame::Long { stream, cut, indexed } => {
                let field: &[u8] = if indexed { b"\x40\x01x\x03abc\xbe" } else { b"\x0f\x0d\x013" };
                let block = [POST, field].concat();
                let (first, rest) = block.split_at(usize::from(cut) % block.len());
                put(to, 1, 0, id(stream), first);
                put(to, 9, 4, id(stream), rest);
            }
            Frame::Data { stream, len, pad: None, end } => {
                put(to, 0, u8::from(end), id(stream), &vec![b'x'; usize::from(len)]);
            }
            Frame::Data { stream, len, pad: Some(pad), end } => {
                let content = vec![b'x'; usize::from(len)];
                let padding = vec![0; usize::from(pad % 32)];
                let payload = [&[pad % 32][..], &content, &padding].concat();
                put(to, 0, 8 | u8::from(end), id(stream), &payload);
            }
            Frame::Trailers(stream) => put(to, 1, 5, id(stream), b"\x00\x01x\x01y"),
            Frame::Status { stream, code, end } => {
                let blocks: [&[u8]; 4] = [b"\x88", b"\x89", b"\x08\x03100", b"\x88\x0f\x0d\x013"];
                put(to, 1, 4 | u8::from(end), id(stream), blocks[usize::from(code % 4)]);
            }
            Frame::Window { stream, increment } => {
                put(to, 8, 0, stream.map_or(0, id), &u32::from(increment).to_be_bytes());
            }
            Frame::Large { stream, increment } => {
                put(to, 8, 0, stream.map_or(0, id), &increment.to_be_bytes());
            }
            Frame::Settings { id, value } => {
                put(to, 4, 0, 0, &[&[0, id % 10][..], &u32::from(value).to_be_bytes()].concat());
            }
            Frame::SettingsAck => put(to, 4, 1, 0, &[]),
            Frame::Reset { stream, code } => put(to, 3, 0, id(stream), &[0, 0, 0, code % 16]),
            Frame::Ping { ack } => put(to, 6, u8::from(ack), 0, b"rws ping"),
            Frame::Priority { stream, parent } => put(to, 2, 0, id(stream), &[0, 0, 0, parent % 32, 9]),
            Frame::PriorityUpdate { stream, urgency } => {
                put(to, 0x10, 0, 0, &[0, 0, 0, stream % 32, b'u', b'=', b'0' + urgency % 10]);
            }
            Frame::Goaway { last, code } => put(to, 7, 0, 0, &[0, 0, 0, last % 32, 0, 0, 0, code % 16]),
            Frame::Push { stream, promised } => {
                put(to, 5, 4, id(stream), &[&[0, 0, 0, promised][..], GET].concat());
            }
            Frame::Any { kind, flags, stream, ref payload } => put(to, kind % 18, flags, id(stream), payload),
            Frame::Raw(ref bytes) => to.extend_from_slice(bytes),
        }
    }
}

/// Few streams, so that frames meet on them; mostly a client's.
fn id(stream: u8) -> u32 {
    let id = u32::from(stream % 32);
    if stream < 200 { id | 1 } else { id }
}

fn put(to: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    to.extend_from_slice(&length);
    to.extend_from_slice(&[kind, flags]);
    to.extend_from_slice(&stream.to_be_bytes());
    to.extend_from_slice(payload);
}
