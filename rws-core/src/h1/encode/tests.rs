//! What the encoder writes, and that it parses back.

use super::fields::{decimal, has_option, is_plain};
use super::*;
use crate::Limits;
use crate::h1::head::parse_response;
use crate::h1::out::hex_digits;
use crate::h1::testing::{DATE, OwnFields};
use crate::message::{BodyFraming, Field, Scratch, is_field_value};

fn frame() -> Frame<'static> {
    Frame { method: Method::Get, http10: false, persist: true, date: Some(DATE) }
}

#[test]
fn numbers_are_written_without_leading_zeros() {
    for number in [0, 1, 9, 10, 15, 16, 255, 256, 4095, 65_535, 1_000_000, u64::MAX] {
        let mut bytes = [0; 64];
        let mut out = Out::new(&mut bytes);
        out.put_decimal_line(number).unwrap();
        out.put_hex(number).unwrap();
        let len = out.len();
        assert_eq!(&bytes[..len], alloc::format!("{number}\r\n{number:x}").as_bytes());
        assert_eq!(hex_digits(number) as usize, alloc::format!("{number:x}").len());
    }
}

#[test]
fn every_status_has_a_line_that_parses_back() {
    for code in 200..1000 {
        let status = Status::new(code).unwrap();
        let mut bytes = [0; 512];
        let mut out = Out::new(&mut bytes);
        response(&mut out, &ResponseHead::bare(status), BodyPlan::Sized(3), &frame()).unwrap();
        let len = out.len();
        let mut fields = [Field::default(); 8];
        let mut scratch = Scratch { bytes: &mut [], fields: &mut fields };
        let parsed = parse_response(&bytes[..len], &mut 0, Method::Get, &mut scratch, &Limits::SERVER);
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
fn a_head_that_does_not_fit_is_said_to_not_fit_at_every_size() {
    let fields = OwnFields::new(&[("Content-Type", "text/plain"), ("X-Other", "a"), ("Upgrade", "x")]);
    let head = ResponseHead { status: Status::OK, fields: fields.block() };
    let mut whole = [0; 512];
    let mut out = Out::new(&mut whole);
    response(&mut out, &head, BodyPlan::Sized(10), &frame()).unwrap();
    let len = out.len();
    for room in 0..len {
        let mut bytes = [0; 512];
        let mut out = Out::new(&mut bytes[..room]);
        let result = response(&mut out, &head, BodyPlan::Sized(10), &frame());
        assert_eq!(result, Err(Capacity::Bytes.into()), "{room} of {len}");
    }
    let mut bytes = [0; 512];
    let mut out = Out::new(&mut bytes[..len]);
    assert!(response(&mut out, &head, BodyPlan::Sized(10), &frame()).is_ok());
}

#[test]
fn the_quick_look_at_a_value_agrees_with_the_close_one() {
    for len in 1..=20 {
        for at in 0..len {
            for byte in 0..=255 {
                let mut value = alloc::vec![b'a'; len];
                value[at] = byte;
                let quick = is_plain(&value);
                assert!(!quick || is_field_value(&value), "{byte} at {at} of {len}");
                assert!(quick || byte < b' ' || byte == b' ' || byte == 0x7f, "{byte} at {at} of {len}");
            }
        }
    }
    assert!(is_plain(b"") && is_plain("é and \u{80}".as_bytes()));
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
    request(&mut out, &request_out, true).unwrap();
    assert!(out.len() <= request_room(&request_out));
}
