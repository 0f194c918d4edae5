//! Frames as the other side sends them, and as a test reads them.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::compression::{LineName, Pseudo};
use crate::h2::PREFACE;
use crate::h2::frame::{
    Continuation, Data, FrameHeader, FrameKind, Goaway, Headers, Ping, RstStream, Settings as SettingsFrame,
    WindowUpdate, flags,
};
use crate::h2::settings::Setting;
use crate::hpack::{Decoder, Encoder, ListLimits};
use crate::message::FieldName;

/// Frames of the other side, as it would send them. Its blocks are without a table, so that they can be put together
/// in any order.
#[derive(Clone, Debug, Default)]
pub(in crate::h2) struct Frames(pub(in crate::h2) Vec<u8>);

impl Frames {
    /// A client's preface, and the acknowledgement of the server's.
    pub(in crate::h2) fn client() -> Frames {
        Frames(PREFACE.to_vec()).settings(&[]).settings_ack()
    }

    /// A server's SETTINGS, and the acknowledgement of the client's.
    pub(in crate::h2) fn server() -> Frames {
        Frames::default().settings(&[]).settings_ack()
    }

    pub(in crate::h2) fn raw(mut self, bytes: &[u8]) -> Frames {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(in crate::h2) fn frame(self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Frames {
        let header = FrameHeader { length: payload.len() as u32, kind: FrameKind::of(kind), flags, stream };
        self.raw(&header.bytes()).raw(payload)
    }

    pub(in crate::h2) fn settings(self, entries: &[(u16, u32)]) -> Frames {
        let payload: Vec<u8> =
            entries.iter().flat_map(|&(id, value)| Setting { id, value }.bytes()).collect();
        self.frame(4, 0, 0, &payload)
    }

    pub(in crate::h2) fn settings_ack(self) -> Frames {
        self.frame(4, flags::ACK, 0, &[])
    }

    pub(in crate::h2) fn headers(self, stream: u32, end: bool, fields: &[(&str, &str)]) -> Frames {
        let block = block(fields);
        let end = if end { flags::END_STREAM } else { 0 };
        self.frame(1, end | flags::END_HEADERS, stream, &block)
    }

    /// The same in frames of at most `most` bytes.
    pub(in crate::h2) fn continued(
        mut self,
        stream: u32,
        end: bool,
        fields: &[(&str, &str)],
        most: usize,
    ) -> Frames {
        let block = block(fields);
        let mut pieces = block.chunks(most).peekable();
        let mut is_first = true;
        while let Some(piece) = pieces.next() {
            let is_last = pieces.peek().is_none();
            let header = if core::mem::take(&mut is_first) {
                Headers::header(stream, piece.len() as u32, end, is_last)
            } else {
                Continuation::header(stream, piece.len() as u32, is_last)
            };
            self = self.raw(&header.bytes()).raw(piece);
        }
        self
    }

    pub(in crate::h2) fn get(self, stream: u32) -> Frames {
        self.headers(stream, true, GET)
    }

    pub(in crate::h2) fn post(self, stream: u32) -> Frames {
        self.headers(stream, false, POST)
    }

    pub(in crate::h2) fn data(self, stream: u32, end: bool, bytes: &[u8]) -> Frames {
        self.raw(&Data::header(stream, bytes.len() as u32, end).bytes()).raw(bytes)
    }

    pub(in crate::h2) fn reset(self, stream: u32, code: crate::h2::ErrorCode) -> Frames {
        self.raw(&RstStream { code }.bytes(stream))
    }

    pub(in crate::h2) fn window(self, stream: u32, increment: u32) -> Frames {
        self.frame(8, 0, stream, &increment.to_be_bytes())
    }

    pub(in crate::h2) fn ping(self, ack: bool, opaque: [u8; 8]) -> Frames {
        self.raw(&Ping { ack, opaque }.bytes())
    }
}

pub(in crate::h2) const GET: &[(&str, &str)] =
    &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
pub(in crate::h2) const POST: &[(&str, &str)] =
    &[(":method", "POST"), (":scheme", "http"), (":path", "/p"), (":authority", "a")];

/// A field block without a table.
pub(in crate::h2) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = alloc::vec![0; 64 * 1024];
    let mut encoder: Encoder = Encoder::new();
    let mut block = encoder.begin(&mut [], &mut bytes);
    for (name, value) in fields {
        match Pseudo::from_bytes(name.as_bytes()) {
            Some(pseudo) => block.pseudo(pseudo, value.as_bytes()).unwrap(),
            None => block.field(FieldName::Other(name.as_bytes()), value.as_bytes(), false).unwrap(),
        }
    }
    let len = block.finish().unwrap();
    bytes.truncate(len);
    bytes
}

/// Frames as text. A client's preface is passed over.
pub(in crate::h2) fn read(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.strip_prefix(PREFACE.as_slice()).unwrap_or(bytes);
    let (mut at, mut lines) = (0, Vec::new());
    let mut decoder: Decoder = Decoder::new();
    let mut table = alloc::vec![0; 4096];
    let mut block = Vec::new();
    while let Some(header) = bytes.get(at..).and_then(FrameHeader::read) {
        at += FrameHeader::BYTES;
        let payload = &bytes[at..at + header.length as usize];
        at += payload.len();
        header.check(16_384).expect("a frame that may be");
        let (id, end) = (header.stream, if header.has(flags::END_STREAM) { " end" } else { "" });
        lines.push(match header.kind {
            FrameKind::Data => format!("DATA {id}{end} {}", String::from_utf8_lossy(payload)),
            FrameKind::Headers | FrameKind::Continuation | FrameKind::PushPromise => {
                let (what, from) = match header.kind {
                    FrameKind::PushPromise => ("PROMISE", 4),
                    _ => ("HEADERS", 0),
                };
                block.extend_from_slice(&payload[from..]);
                if !header.has(flags::END_HEADERS) {
                    lines.push(format!("{what} {id} more"));
                    continue;
                }
                let text = decode(&mut decoder, &mut table, &block);
                block.clear();
                let promised = match from {
                    0 => String::new(),
                    _ => format!(" {}", u32::from_be_bytes(*payload.first_chunk().unwrap())),
                };
                format!("{what} {id}{promised}{end}{text}")
            }
            FrameKind::RstStream => format!("RST {id} {:?}", RstStream::read(payload).unwrap().code),
            FrameKind::Settings if header.has(flags::ACK) => "SETTINGS ack".to_string(),
            FrameKind::Settings => {
                let entries: Vec<String> = SettingsFrame::entries(payload)
                    .map(|entry| format!(" {}={}", entry.id, entry.value))
                    .collect();
                format!("SETTINGS{}", entries.concat())
            }
            FrameKind::Ping => {
                let ping = Ping::read(header, payload).unwrap();
                let text = String::from_utf8_lossy(&ping.opaque).into_owned();
                format!("PING{} {text}", if ping.ack { " ack" } else { "" })
            }
            FrameKind::Goaway => {
                let goaway = Goaway::read(payload).unwrap();
                format!("GOAWAY {} {:?}", goaway.last_stream, goaway.code)
            }
            FrameKind::WindowUpdate => {
                format!("WINDOW {id} +{}", WindowUpdate::read(header, payload).unwrap().unwrap().increment)
            }
            other => format!("{other:?}"),
        });
    }
    assert_eq!(at, bytes.len(), "whole frames");
    lines
}

fn decode(decoder: &mut Decoder, table: &mut [u8], block: &[u8]) -> String {
    let mut arena = alloc::vec![0; 64 * 1024];
    let mut text = String::new();
    let limits = ListLimits { bytes_max: u32::MAX, fields_max: u16::MAX };
    let decoded = decoder.decode(block, table, &mut arena, limits, |line, arena| {
        let value = String::from_utf8_lossy(line.value.bytes(arena)).into_owned();
        let name = match line.name {
            LineName::Pseudo(pseudo) => pseudo.as_str().to_string(),
            LineName::Known(known) => known.as_str().to_ascii_lowercase(),
            LineName::Other(name) => String::from_utf8_lossy(name.bytes(arena)).into_owned(),
        };
        match name.as_str() {
            ":status" => text.push_str(&format!(" {value}")),
            name => text.push_str(&format!(" [{name}: {value}]")),
        }
    });
    decoded.expect("a block that can be decoded");
    text
}
