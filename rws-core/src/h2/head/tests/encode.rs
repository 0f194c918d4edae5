//! What is written reads back, and has nothing of an HTTP/1 connection.

use super::*;
use crate::Error;
use crate::connection::{BodyPlan, RequestOut};
use crate::h2::head::encode::{self, Written};
use crate::hpack::{BlockOut, Decoder, Encoder, ListLimits};
use crate::message::{FieldBlockMut, ResponseHead, Status};
use crate::{Capacity, Misuse};

const LIST: ListLimits = ListLimits { bytes_max: 4096, fields_max: 100 };

/// Writes a block and gives its lines as a decoder reads them.
fn written<T>(
    write: impl FnOnce(&mut BlockOut<'_>) -> Result<T, Error>,
) -> Result<(T, Vec<(String, String)>), Error> {
    let (mut memory, mut out) = ([0; 512], [0; 1024]);
    let mut encoder = Encoder::new();
    let mut block = encoder.begin(&mut memory, &mut out);
    let what = write(&mut block)?;
    let len = block.finish()?;
    let (mut memory, mut arena) = ([0; 512], [0; 4096]);
    let mut lines = Vec::new();
    let mut take = |line: Line, arena: &[u8]| {
        assert!(line.is_well_formed, "{line:?}");
        let name = match line.name {
            LineName::Pseudo(pseudo) => pseudo.as_str().into(),
            LineName::Known(known) => known.as_str().to_lowercase(),
            LineName::Other(name) => String::from_utf8(name.bytes(arena).to_vec()).unwrap(),
        };
        lines.push((name, String::from_utf8(line.value.bytes(arena).to_vec()).unwrap()));
    };
    let decoded = Decoder::new().decode(&out[..len], &mut memory, &mut arena, LIST, &mut take).unwrap();
    assert!(!decoded.is_too_large);
    Ok((what, lines))
}

/// Memory for a block of fields.
struct Block {
    bytes: [u8; 512],
    fields: [Field; 16],
}

impl Block {
    const EMPTY: Block = Block { bytes: [0; 512], fields: [Field::ZERO; 16] };

    fn of(&mut self, lines: &[(&str, &str)]) -> FieldBlock<'_> {
        let mut block = FieldBlockMut::new(Scratch { bytes: &mut self.bytes, fields: &mut self.fields });
        for (name, value) in lines {
            block.push(*name, value.as_bytes()).unwrap();
        }
        let (used, count) = (block.block().parts().0.len(), block.block().len());
        FieldBlock::new(&self.bytes[..used], &self.fields[..count])
    }
}

fn responded(
    status: Status,
    lines: &[(&str, &str)],
    plan: BodyPlan,
    method: Method,
) -> (Written, Vec<(String, String)>) {
    let mut memory = Block::EMPTY;
    let head = ResponseHead { status, fields: memory.of(lines) };
    written(|block| encode::response(block, &head, plan, method, None)).unwrap()
}

const SIZED: Written = Written { has_body: true, length: Some(5) };
const NO_BODY: Written = Written { has_body: false, length: None };

#[test]
fn a_response_has_its_status_first_and_names_in_lower_case() {
    let lines = [("Server", "x"), ("X-Odd", "V w")];
    let (what, lines) = responded(Status::OK, &lines, BodyPlan::Sized(5), Method::Get);
    assert_eq!(what, SIZED);
    let expected = [(":status", "200"), ("server", "x"), ("x-odd", "V w"), ("content-length", "5")];
    assert_eq!(pairs(&lines), expected);
}

#[test]
fn what_belongs_to_an_http_1_connection_is_left_out() {
    let own = [
        ("Connection", "close"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("TE", "trailers"),
        ("Host", "a"),
        ("Content-Length", "77"),
    ];
    let (what, lines) = responded(Status::NOT_FOUND, &own, BodyPlan::Streamed, Method::Get);
    assert_eq!(
        (what, pairs(&lines)),
        (Written { has_body: true, length: None }, [(":status", "404")].to_vec())
    );
}

#[test]
fn no_spelling_of_a_connection_field_passes_for_another_name() {
    let arena = b"CONNECTIONclose";
    let index = [Field::named(Span { at: 0, len: 10 }, Span { at: 10, len: 5 }).unwrap()];
    let head = ResponseHead { status: Status::OK, fields: FieldBlock::new(arena, &index) };
    let (_, lines) =
        written(|block| encode::response(block, &head, BodyPlan::None, Method::Get, None)).unwrap();
    assert_eq!(pairs(&lines), [(":status", "200"), ("content-length", "0")]);
}

#[test]
fn the_date_is_added_unless_the_source_has_one() {
    let date = b"Sun, 06 Nov 1994 08:49:37 GMT";
    let bare = ResponseHead::bare(Status::NO_CONTENT);
    let (_, lines) =
        written(|block| encode::response(block, &bare, BodyPlan::None, Method::Get, Some(date))).unwrap();
    assert_eq!(pairs(&lines), [(":status", "204"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")]);
    let mut memory = Block::EMPTY;
    let head = ResponseHead { status: Status::NO_CONTENT, fields: memory.of(&[("Date", "then")]) };
    let (_, lines) =
        written(|block| encode::response(block, &head, BodyPlan::None, Method::Get, Some(date))).unwrap();
    assert_eq!(pairs(&lines), [(":status", "204"), ("date", "then")]);
}

#[test]
fn a_response_without_content_ends_with_its_head() {
    let length = |lines: &[(String, String)]| lines.iter().any(|(name, _)| name == "content-length");
    for (status, method, told) in [
        (Status::OK, Method::Head, true),
        (Status::NOT_MODIFIED, Method::Get, true),
        (Status::NO_CONTENT, Method::Get, false),
    ] {
        let (what, lines) = responded(status, &[], BodyPlan::Sized(5), method);
        assert_eq!((what, length(&lines)), (NO_BODY, told), "{status}");
    }
    let (what, lines) = responded(Status::OK, &[("Content-Length", "9")], BodyPlan::None, Method::Head);
    assert_eq!((what, pairs(&lines)[1]), (NO_BODY, ("content-length", "9")));
}

#[test]
fn a_tunnel_has_no_length() {
    let (what, lines) = responded(Status::OK, &[], BodyPlan::Streamed, Method::Connect);
    assert_eq!((what, lines.len()), (Written { has_body: true, length: None }, 1));
    let forbidden = responded(Status::FORBIDDEN, &[], BodyPlan::Sized(5), Method::Connect);
    assert_eq!(forbidden.0, SIZED);
}

#[test]
fn only_a_final_status_is_a_response_and_only_an_interim_one_is_none() {
    let wrong = Error::Misuse(Misuse::WrongState);
    for code in [100, 101, 103] {
        let head = ResponseHead::bare(Status::new(code).unwrap());
        let response = written(|block| encode::response(block, &head, BodyPlan::None, Method::Get, None));
        assert_eq!(response.unwrap_err(), wrong);
        assert_eq!(written(|block| encode::interim(block, &head)).is_ok(), code != 101);
    }
    let ok = ResponseHead::bare(Status::OK);
    assert_eq!(written(|block| encode::interim(block, &ok)).unwrap_err(), wrong);
}

#[test]
fn a_field_that_could_split_a_head_is_not_written() {
    let arena = b"x-a\r\nb: c x";
    let name = Field::named(Span { at: 0, len: 3 }, Span { at: 2, len: 4 }).unwrap();
    let value = Field::known(KnownName::Server, Span { at: 3, len: 2 });
    let odd_name = Field::named(Span { at: 3, len: 3 }, Span { at: 0, len: 1 }).unwrap();
    for (field, misuse) in [
        (name, Misuse::FieldValueSyntax),
        (value, Misuse::FieldValueSyntax),
        (odd_name, Misuse::FieldNameSyntax),
    ] {
        let index = [field];
        let fields = FieldBlock::new(arena, &index);
        let head = ResponseHead { status: Status::OK, fields };
        let response = written(|block| encode::response(block, &head, BodyPlan::None, Method::Get, None));
        assert_eq!(response.unwrap_err(), Error::Misuse(misuse));
        assert_eq!(written(|block| encode::trailers(block, fields)).unwrap_err(), Error::Misuse(misuse));
    }
}

fn asked(
    method: &str,
    target: &str,
    lines: &[(&str, &str)],
    body: BodyPlan,
) -> Result<(Written, Vec<(String, String)>), Error> {
    let mut memory = Block::EMPTY;
    let head = RequestOut {
        method: method.as_bytes(),
        target: target.as_bytes(),
        authority: b"a.example",
        fields: memory.of(lines),
        body,
        expect_continue: true,
        close: true,
    };
    written(|block| encode::request(block, &head, true))
}

#[test]
fn a_request_has_its_pseudo_fields_first() {
    let lines = [("Host", "b"), ("TE", "gzip, Trailers"), ("Connection", "close"), ("Accept", "*/*")];
    let (what, lines) = asked("POST", "/a?b", &lines, BodyPlan::Sized(5)).unwrap();
    let expected = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "a.example"),
        (":path", "/a?b"),
        ("te", "trailers"),
        ("accept", "*/*"),
        ("content-length", "5"),
        ("expect", "100-continue"),
    ];
    assert_eq!((what, pairs(&lines)), (SIZED, expected.to_vec()));
    let (what, lines) = asked("GET", "/", &[("TE", "gzip")], BodyPlan::None).unwrap();
    assert_eq!((what, lines.len()), (NO_BODY, 4));
}

#[test]
fn connect_has_an_authority_and_an_extended_one_a_protocol() {
    let (what, lines) = asked("CONNECT", "b.example:443", &[], BodyPlan::Streamed).unwrap();
    assert!(what.has_body);
    assert_eq!(pairs(&lines), [(":method", "CONNECT"), (":authority", "b.example:443")]);
    let (what, lines) = asked("CONNECT", "/chat", &[("Upgrade", "websocket")], BodyPlan::Streamed).unwrap();
    assert!(what.has_body);
    let expected = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "a.example"),
        (":path", "/chat"),
    ];
    assert_eq!(pairs(&lines), expected);
    let rules = Rules { connect_protocol: true, ..RULES };
    assert!(Room::of(&pairs(&lines)).request(false, &rules).unwrap().spans.upgrade);
}

#[test]
fn a_target_is_a_path() {
    assert!(asked("OPTIONS", "*", &[], BodyPlan::None).is_ok());
    for (method, target) in [
        ("GET", "*"),
        ("GET", ""),
        ("GET", "a"),
        ("GET", "http://a.example/"),
        ("GET", "/ a"),
        ("GET", "/\r"),
    ] {
        let misuse = Error::Misuse(Misuse::TargetSyntax);
        assert_eq!(asked(method, target, &[], BodyPlan::None).unwrap_err(), misuse, "{target}");
    }
    let misuse = Error::Misuse(Misuse::FieldNameSyntax);
    assert_eq!(asked("G T", "/", &[], BodyPlan::None).unwrap_err(), misuse);
}

#[test]
fn trailers_have_no_framing_fields() {
    let mut memory = Block::EMPTY;
    let section =
        memory.of(&[("Grpc-Status", "0"), ("Content-Length", "1"), ("TE", "trailers"), ("Upgrade", "x")]);
    let ((), lines) = written(|block| encode::trailers(block, section)).unwrap();
    assert_eq!(pairs(&lines), [("grpc-status", "0")]);
    assert!(encode::has_trailers(section) && !encode::has_trailers(FieldBlock::EMPTY));
    let mut memory = Block::EMPTY;
    assert!(!encode::has_trailers(memory.of(&[("Content-Length", "1")])));
}

#[test]
fn a_head_that_was_marked_stays_marked_and_reads_back() {
    let mut memory = Block::EMPTY;
    let block = memory.of(&[("X-Key", "secret"), ("Accept", "*/*")]);
    let (arena, index) = block.parts();
    let index = [index[0].never_indexed(), index[1]];
    let head = RequestOut {
        method: b"GET",
        target: b"/",
        authority: b"a.example",
        fields: FieldBlock::new(arena, &index),
        body: BodyPlan::None,
        expect_continue: false,
        close: false,
    };
    let (mut memory, mut out) = ([0; 512], [0; 1024]);
    let mut encoder = Encoder::new();
    let mut block = encoder.begin(&mut memory, &mut out);
    encode::request(&mut block, &head, false).unwrap();
    let len = block.finish().unwrap();
    let (mut memory, mut arena, mut fields) = ([0; 512], [0; 512], [Field::ZERO; 8]);
    let mut lines = Lines::of_request(&mut fields, &Limits::SERVER);
    let decoded = Decoder::new()
        .decode(&out[..len], &mut memory, &mut arena, LIST, |line, arena| {
            lines.take(&line, arena);
        })
        .unwrap();
    let parsed = lines.request(&mut arena, decoded.arena_bytes, true, false, &Limits::SERVER).unwrap();
    let head = parsed.spans.view(&[], Scratch { bytes: &mut arena, fields: &mut fields });
    let (_, index) = head.fields().parts();
    assert_eq!(index.iter().map(|field| field.is_never_indexed()).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(head.fields().first("x-key"), Some(&b"secret"[..]));
}

#[test]
fn a_block_without_room_is_an_error_of_capacity() {
    let head = ResponseHead::bare(Status::OK);
    let date = b"Sun, 06 Nov 1994 08:49:37 GMT";
    for room in 0..40 {
        let mut out = alloc::vec![0; room];
        let mut encoder = Encoder::new();
        let mut block = encoder.begin(&mut [], &mut out);
        let written = encode::response(&mut block, &head, BodyPlan::Sized(5), Method::Get, Some(date));
        let finished = block.finish();
        match written {
            Ok(what) => assert_eq!((what, finished.is_ok()), (SIZED, true)),
            Err(error) => {
                assert_eq!((error, finished), (Error::Capacity(Capacity::Bytes), Err(Capacity::Bytes)))
            }
        }
    }
}
