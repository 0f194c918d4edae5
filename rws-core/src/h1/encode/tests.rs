//! What the encoder writes, and that it parses back.

use super::fields::{decimal, has_option};
use super::*;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::h1::head::parse_response;
use crate::h1::out::{Out, hex_digits};
use crate::h1::testing::{DATE, OwnFields};
use crate::message::{BodyFraming, Field, KnownName, Scratch, is_field_value};
use crate::{FieldBlock, Limits, field_lines};

fn frame() -> Frame<'static> {
    Frame { method: Method::Get, http10: false, persist: true, date: Some(DATE) }
}

fn written(head: &ResponseHead<'_>, plan: BodyPlan) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let mut out = Out::new(&mut bytes);
    out.write(usize::MAX, |to| response(to, head, plan, &frame())).unwrap();
    let len = out.len();
    bytes.truncate(len);
    bytes
}

#[test]
fn numbers_are_written_without_leading_zeros() {
    let large = [65_535, 1_000_000, 10_000_000_000, u64::MAX - 1, u64::MAX];
    for number in (0..=10_100).chain(large) {
        let text = alloc::format!("{number}\r\n{number:x}");
        for spare in [0, 1, 8] {
            let mut bytes = vec![0; text.len() + spare];
            let mut out = Out::new(&mut bytes);
            out.write(usize::MAX, |to| Ok::<_, Capacity>((to.decimal_line(number)?, ()))).unwrap();
            out.put_hex(number).unwrap();
            let len = out.len();
            assert_eq!(&bytes[..len], text.as_bytes());
        }
        let mut short = vec![0; number.to_string().len() + 1];
        let wrote =
            Out::new(&mut short).write(usize::MAX, |to| Ok::<_, Capacity>((to.decimal_line(number)?, ())));
        assert_eq!(wrote, Err(Capacity::Bytes));
        assert_eq!(hex_digits(number) as usize, alloc::format!("{number:x}").len());
    }
}

#[test]
fn a_constant_block_is_written_as_its_fields_would_be() {
    const LINES: FieldBlock<'static> =
        field_lines!["Content-Type: text/plain; charset=utf-8", "X-Empty: ", "ETag: \"a b\""];
    let fields = [("Content-Type", "text/plain; charset=utf-8"), ("X-Empty", ""), ("ETag", "\"a b\"")];
    let owned = OwnFields::new(&fields);
    assert!(LINES.lines().is_some() && owned.block().lines().is_none());
    let head = |fields| ResponseHead { status: Status::OK, fields };
    let lines = written(&head(LINES), BodyPlan::Sized(3));
    assert_eq!(lines, written(&head(owned.block()), BodyPlan::Sized(3)));
    assert!(
        lines.starts_with(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-Empty: \r\n")
    );
}

#[test]
fn every_status_has_a_line_that_parses_back() {
    for code in 200..1000 {
        let status = Status::new(code).unwrap();
        let bytes = written(&ResponseHead::bare(status), BodyPlan::Sized(3));
        let mut fields = [Field::default(); 8];
        let mut scratch = Scratch { bytes: &mut [], fields: &mut fields };
        let parsed = parse_response(&bytes, &mut 0, Method::Get, &mut scratch, &Limits::SERVER);
        match parsed {
            Ok(Some(parsed)) => {
                assert_eq!((parsed.spans.status, parsed.persistent), (status, true));
                let bodiless = matches!(code, 204 | 205 | 304);
                let body = if bodiless { BodyFraming::None } else { BodyFraming::Sized(3) };
                let sized_zero = parsed.spans.body == BodyFraming::Sized(0) && code == 205;
                assert!(parsed.spans.body == body || sized_zero, "{code}: {:?}", parsed.spans.body);
            }
            // A client may take no more than the five classes there are (RFC 9110 §15).
            other => assert!(code >= 600, "{code}: {other:?}"),
        }
    }
}

#[test]
fn lines_of_any_length_are_copied_whole() {
    let lines: Vec<u8> = (0..=255).collect();
    for len in 0..=200 {
        let mut bytes = [0; 200];
        let mut out = Out::new(&mut bytes);
        out.write(usize::MAX, |to| Ok::<_, Capacity>((to.lines(&lines[..len])?, ()))).unwrap();
        assert_eq!(out.len(), len);
        assert_eq!(bytes[..len], lines[..len]);
        assert!(bytes[len..].iter().all(|&byte| byte == 0));
    }
}

#[test]
fn a_head_that_does_not_fit_is_said_to_not_fit_at_every_size_and_leaves_nothing() {
    const LINES: FieldBlock<'static> = field_lines!["Content-Type: text/plain"];
    let fields = OwnFields::new(&[("Content-Type", "text/plain"), ("X-Other", "a"), ("Upgrade", "x")]);
    for fields in [LINES, fields.block()] {
        let head = ResponseHead { status: Status::OK, fields };
        let len = written(&head, BodyPlan::Sized(10)).len();
        for room in 0..len + 8 {
            let (mut bytes, mut wide) = (vec![b'-'; room + 6], vec![b'-'; len + 99]);
            for (bytes, most) in [(&mut bytes, usize::MAX), (&mut wide, room)] {
                let mut out = Out::new(bytes);
                out.put(b"before").unwrap();
                let result = out.write(most, |to| response(to, &head, BodyPlan::Sized(10), &frame()));
                assert_eq!(result.err(), (room < len).then_some(Capacity::Bytes.into()), "{room} of {len}");
                assert_eq!(out.len(), if room < len { 6 } else { 6 + len });
            }
        }
    }
}

#[test]
fn lines_are_written_whole_however_little_lies_around_their_values() {
    for known in KnownName::ALL.iter().filter(|&&known| !is_own(known)) {
        for len in [0, 1, 31, 32, 33, 60] {
            for around in [0, 40] {
                let value = vec![b'v'; len];
                let arena = [&value[..], &vec![b'#'; around]].concat();
                let fields = [Field::known(*known, crate::Span { at: 0, len: len as u16 })];
                let head = ResponseHead { status: Status::OK, fields: FieldBlock::new(&arena, &fields) };
                let text = String::from_utf8(written(&head, BodyPlan::Sized(0))).unwrap();
                let line = alloc::format!("\r\n{}: {}\r\n", known.as_str(), "v".repeat(len));
                assert!(text.contains(&line) && !text.contains('#'), "{text:?}");
            }
        }
    }
}

#[test]
fn a_value_that_cannot_stand_in_a_line_is_refused_wherever_it_lies() {
    for len in [1, 2, 31, 32, 33, 40] {
        for around in [0, 40] {
            for at in 0..len {
                for byte in 0..=255_u8 {
                    let mut value = vec![b'v'; len];
                    value[at] = byte;
                    let arena = [&value[..], &vec![b'#'; around]].concat();
                    let fields = [Field::known(KnownName::Accept, crate::Span { at: 0, len: len as u16 })];
                    let head = ResponseHead { status: Status::OK, fields: FieldBlock::new(&arena, &fields) };
                    let mut bytes = [0; 512];
                    let result = Out::new(&mut bytes)
                        .write(usize::MAX, |to| response(to, &head, BodyPlan::Sized(0), &frame()));
                    let expected = is_field_value(&value);
                    assert_eq!(result.is_ok(), expected, "{byte} at {at} of {len}, {around} behind");
                }
            }
        }
    }
}

#[test]
fn lengths_of_a_source_are_read_strictly() {
    assert_eq!(decimal(b"0"), Some(0));
    assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
    for value in ["", "+1", "1 ", "1,1", "18446744073709551616", "0x1"] {
        assert_eq!(decimal(value.as_bytes()), None, "{value:?}");
    }
}

#[test]
fn connection_options_are_found_in_any_case_and_place() {
    for value in ["close", "Close", "x, close", "close ,x", "\tCLOSE"] {
        assert!(has_option(value.as_bytes(), b"close"), "{value:?}");
    }
    for value in ["", "closed", "x-close", "clo se"] {
        assert!(!has_option(value.as_bytes(), b"close"), "{value:?}");
    }
}

#[test]
fn the_room_for_a_request_is_enough() {
    let fields = OwnFields::new(&[("TE", "trailers"), ("Upgrade", "x"), ("X-Y", "z")]);
    let request_out = RequestOut {
        method: b"POST",
        target: b"/some/where",
        authority: b"a.example",
        fields: fields.block(),
        body: BodyPlan::Sized(u64::MAX),
        expect_continue: true,
        close: true,
    };
    let mut bytes = [0; 1024];
    let mut out = Out::new(&mut bytes);
    out.write(usize::MAX, |to| request(to, &request_out, Method::from_bytes(request_out.method), true))
        .unwrap();
    assert!(out.len() <= request_room(&request_out));
}
