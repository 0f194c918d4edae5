//! Each rule is a test with a sentence for a name. The helpers feed every head whole, cut at every place,
//! and byte by byte, and want the same answer each time.

mod pieces;
mod requests;
mod responses;
mod trailers;

use alloc::vec::Vec;

use super::{ParsedRequest, ParsedResponse, parse_request, parse_response, parse_trailers};
use crate::connection::TrailerSpans;
use crate::message::{BodyFraming, Field, Method, Scratch, Span};
use crate::{Limits, PeerFault};

/// What a parse gives: the head, and its field index.
type Seen<T> = Result<Option<(T, Vec<Field>)>, PeerFault>;

/// Memory for one parse.
struct Room {
    bytes: Vec<u8>,
    fields: Vec<Field>,
}

impl Room {
    fn new() -> Room {
        Room { bytes: alloc::vec![0; 9000], fields: alloc::vec![Field::default(); 200] }
    }

    fn scratch(&mut self) -> Scratch<'_> {
        Scratch { bytes: &mut self.bytes, fields: &mut self.fields }
    }
}

trait Parse {
    type Head: Copy + PartialEq + core::fmt::Debug;

    fn parse(
        &self,
        bytes: &[u8],
        scanned: &mut u16,
        room: &mut Room,
    ) -> Result<Option<Self::Head>, PeerFault>;
    fn count(head: &Self::Head) -> u16;

    /// One call after another with ever more bytes.
    fn fed(&self, bytes: &[u8], ends: impl Iterator<Item = usize>) -> Seen<Self::Head> {
        let (mut scanned, mut room) = (0, Room::new());
        for end in ends {
            if let Some(head) = self.parse(&bytes[..end], &mut scanned, &mut room)? {
                let index = room.fields[..usize::from(Self::count(&head))].to_vec();
                return Ok(Some((head, index)));
            }
        }
        Ok(None)
    }

    /// The answer to the whole, after checking that every way to cut it gives the same. As long as neither
    /// the end nor a forbidden byte has come, pieces may be judged later than the whole.
    fn at_every_split(&self, bytes: &[u8]) -> Seen<Self::Head> {
        let whole = self.fed(bytes, core::iter::once(bytes.len()));
        let may_wait = whole.is_err() && !is_decided(bytes);
        let check = |how: &str, seen: Seen<Self::Head>| {
            let agrees = seen == whole || (may_wait && seen == Ok(None));
            assert!(agrees, "{how}: {seen:?}, whole: {whole:?}: {}", bytes.escape_ascii());
        };
        for cut in 0..bytes.len() {
            check(&alloc::format!("cut at {cut}"), self.fed(bytes, [cut, bytes.len()].into_iter()));
        }
        check("byte by byte", self.fed(bytes, 0..=bytes.len()));
        whole
    }
}

/// Whether the end has come, or a byte that no head has.
fn is_decided(bytes: &[u8]) -> bool {
    let is_odd = |at: usize| match bytes[at] {
        b'\r' => bytes.get(at + 1).is_some_and(|&next| next != b'\n'),
        b'\n' => at == 0 || bytes[at - 1] != b'\r' || bytes[..at].ends_with(b"\r\n\r"),
        byte => byte != b'\t' && (byte < b' ' || byte == 0x7f),
    };
    (0..bytes.len()).any(is_odd)
}

struct Requests(Limits);
struct Responses(Method);
struct Trailers(Limits);

impl Parse for Requests {
    type Head = ParsedRequest;

    fn parse(
        &self,
        bytes: &[u8],
        scanned: &mut u16,
        room: &mut Room,
    ) -> Result<Option<ParsedRequest>, PeerFault> {
        parse_request(bytes, scanned, &mut room.scratch(), &self.0)
    }

    fn count(head: &ParsedRequest) -> u16 {
        head.spans.fields_len
    }
}

impl Parse for Responses {
    type Head = ParsedResponse;

    fn parse(
        &self,
        bytes: &[u8],
        scanned: &mut u16,
        room: &mut Room,
    ) -> Result<Option<ParsedResponse>, PeerFault> {
        parse_response(bytes, scanned, self.0, &mut room.scratch(), &Limits::SERVER)
    }

    fn count(head: &ParsedResponse) -> u16 {
        head.spans.fields_len
    }
}

impl Parse for Trailers {
    type Head = TrailerSpans;

    fn parse(
        &self,
        bytes: &[u8],
        scanned: &mut u16,
        room: &mut Room,
    ) -> Result<Option<TrailerSpans>, PeerFault> {
        parse_trailers(bytes, scanned, &mut room.scratch(), &self.0)
    }

    fn count(head: &TrailerSpans) -> u16 {
        head.fields_len
    }
}

/// The head, which must be accepted and end where `bytes` end.
fn accepted(bytes: &[u8]) -> ParsedRequest {
    let seen = Requests(Limits::SERVER).at_every_split(bytes);
    let Ok(Some((head, _))) = seen else { panic!("{seen:?}: {}", bytes.escape_ascii()) };
    assert_eq!(usize::from(head.spans.arena_len), bytes.len());
    head
}

/// The request must be refused for `fault`.
fn refused(bytes: &[u8], fault: PeerFault) {
    let seen = Requests(Limits::SERVER).at_every_split(bytes);
    assert_eq!(seen, Err(fault), "{}", bytes.escape_ascii());
}

/// A POST with these field lines after `Host`.
fn post(lines: &str) -> Vec<u8> {
    alloc::format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n").into_bytes()
}

/// The answer to a GET, which must be accepted.
fn answered(bytes: &[u8]) -> ParsedResponse {
    answered_to(Method::Get, bytes)
}

fn answered_to(method: Method, bytes: &[u8]) -> ParsedResponse {
    let seen = Responses(method).at_every_split(bytes);
    let Ok(Some((head, _))) = seen else { panic!("{seen:?}: {}", bytes.escape_ascii()) };
    head
}

fn bad_answer(bytes: &[u8], fault: PeerFault) {
    let seen = Responses(Method::Get).at_every_split(bytes);
    assert_eq!(seen, Err(fault), "{}", bytes.escape_ascii());
}
