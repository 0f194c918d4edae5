//! Each rule is a test with a sentence for a name, over lines as a decoder hands them out.

mod encode;
mod requests;
mod responses;

use alloc::string::String;
use alloc::vec::Vec;

use super::{Lines, ParsedRequest, ParsedResponse, Refusal};
use crate::connection::TrailerSpans;
use crate::hpack::{Line, LineName, Pseudo};
use crate::message::{Field, FieldBlock, KnownName, Method, Scratch, Span, is_field_value, is_token};
use crate::{Limits, PeerFault, RequestHead};

/// Memory of a head and what stands in it.
struct Room {
    bytes: Vec<u8>,
    used: usize,
    fields: Vec<Field>,
    lines: Vec<Line>,
}

impl Room {
    /// Lines as a decoder hands them out.
    fn of(lines: &[(&str, &str)]) -> Room {
        let mut room = Room {
            bytes: alloc::vec![0xaa; 4096],
            used: 0,
            fields: alloc::vec![Field::default(); 200],
            lines: Vec::new(),
        };
        for (name, value) in lines {
            let lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
            let known = KnownName::from_bytes(name.as_bytes()).filter(|_| lower);
            let is_name = lower && is_token(name.as_bytes());
            let (name, is_name) = match (Pseudo::from_bytes(name.as_bytes()), known) {
                (Some(pseudo), _) => (LineName::Pseudo(pseudo), true),
                (None, Some(known)) => (LineName::Known(known), true),
                (None, None) => (LineName::Other(room.put(name)), is_name),
            };
            let is_well_formed = is_name && is_field_value(value.as_bytes());
            let value = room.put(value);
            room.lines.push(Line { name, value, never_indexed: false, is_well_formed });
        }
        room
    }

    fn put(&mut self, text: &str) -> Span {
        let (at, end) = (self.used, self.used + text.len());
        self.bytes[at..end].copy_from_slice(text.as_bytes());
        self.used = end;
        Span::of(at, end).unwrap()
    }

    fn request(&mut self, end_stream: bool, rules: &Rules) -> Result<ParsedRequest, Refusal> {
        let mut lines = Lines::of_request(&mut self.fields, &rules.limits);
        for line in &self.lines {
            lines.take(line, &self.bytes);
        }
        let room = self.used + rules.spare_bytes;
        let bytes = &mut self.bytes[..room];
        lines.request(bytes, self.used as u16, end_stream, rules.connect_protocol, &rules.limits)
    }

    fn response(&mut self, method: Method, end_stream: bool) -> Result<ParsedResponse, Refusal> {
        let mut lines = Lines::of_response(&mut self.fields, &Limits::SERVER);
        for line in &self.lines {
            lines.take(line, &self.bytes);
        }
        lines.response(&self.bytes[..self.used], method, end_stream)
    }

    fn trailers(&mut self) -> Result<TrailerSpans, Refusal> {
        let mut lines = Lines::of_trailers(&mut self.fields, &Limits::SERVER);
        for line in &self.lines {
            lines.take(line, &self.bytes);
        }
        lines.trailers(self.used as u16)
    }

    /// The view of a head that was read.
    fn head(&mut self, parsed: &ParsedRequest) -> RequestHead<'_> {
        parsed.spans.view(b"not here", Scratch { bytes: &mut self.bytes, fields: &mut self.fields })
    }
}

struct Rules {
    limits: Limits,
    connect_protocol: bool,
    /// Memory behind the lines.
    spare_bytes: usize,
}

const RULES: Rules = Rules { limits: Limits::SERVER, connect_protocol: false, spare_bytes: 512 };

const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", "/")];

/// `GET /` with more lines.
fn get_with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    GET.into_iter().chain(more.iter().copied()).collect()
}

/// What is wrong with a request without a body.
fn refused(lines: &[(&str, &str)]) -> Refusal {
    Room::of(lines).request(true, &RULES).expect_err("a request that is refused")
}

fn malformed(lines: &[(&str, &str)], fault: PeerFault) {
    assert_eq!(refused(lines), Refusal::Malformed(fault), "{lines:?}");
}

fn answered(lines: &[(&str, &str)], fault: PeerFault) {
    assert_eq!(refused(lines), Refusal::Answer(fault), "{lines:?}");
}

fn lines_of(block: FieldBlock<'_>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    block.iter().map(|(name, value)| (text(name.as_bytes()), text(value))).collect()
}

fn pairs(lines: &[(String, String)]) -> Vec<(&str, &str)> {
    lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
