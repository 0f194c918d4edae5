//! Bodies in pieces: what is found does not depend on how the bytes arrive, and no credit is overspent.

use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::message::Field;

/// Reads `input` in pieces; the content, the trailers if the end came, and what is left unread.
fn read(
    framing: BodyFraming,
    pieces: &[&[u8]],
    credit: u32,
) -> Result<(String, Option<String>, usize), PeerFault> {
    let mut reader = BodyReader::new(framing, credit);
    let (mut rx, mut content, mut end) = (Vec::new(), String::new(), None);
    let (mut bytes, mut fields) = ([0; 64], [Field::default(); 8]);
    let mut scanned = 0;
    for piece in pieces {
        rx.extend_from_slice(piece);
        loop {
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
            let (consumed, found) = reader.step(&rx, &mut scanned, &mut scratch, &Limits::SERVER)?;
            match found {
                Found::Nothing | Found::Stalled => {}
                Found::Content(chunk) => content.push_str(str::from_utf8(chunk.bytes(&rx)).unwrap()),
                Found::End(trailers) => {
                    let mut text = String::new();
                    if let Some(spans) = trailers {
                        for (name, value) in spans.view(&rx, &scratch).iter() {
                            text.push_str(str::from_utf8(name.as_bytes()).unwrap());
                            text.push('=');
                            text.push_str(str::from_utf8(value).unwrap());
                        }
                    }
                    end = Some(text);
                }
            }
            rx = rx.split_off(consumed);
            if consumed == 0 && !matches!(found, Found::Content(_)) {
                break;
            }
        }
    }
    Ok((content, end, rx.len()))
}

/// As [`read`], whole, at every split and byte by byte, all of which must agree.
fn check(framing: BodyFraming, input: &str) -> Result<(String, Option<String>, usize), PeerFault> {
    let input = input.as_bytes();
    let whole = read(framing, &[input], u32::MAX);
    for at in 0..=input.len() {
        assert_eq!(whole, read(framing, &[&input[..at], &input[at..]], u32::MAX), "split at {at}");
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(whole, read(framing, &bytes, u32::MAX), "byte by byte");
    whole
}

fn chunked(input: &str) -> Result<(String, Option<String>, usize), PeerFault> {
    check(BodyFraming::Streamed, input)
}

fn found(
    content: &str,
    end: Option<&str>,
    left: usize,
) -> Result<(String, Option<String>, usize), PeerFault> {
    Ok((content.into(), end.map(String::from), left))
}

#[test]
fn a_sized_body_ends_with_its_last_byte() {
    assert_eq!(check(BodyFraming::Sized(5), "helloGET"), found("hello", Some(""), 3));
    assert_eq!(check(BodyFraming::Sized(5), "hell"), found("hell", None, 0));
}

#[test]
fn no_body_takes_nothing() {
    for framing in [BodyFraming::None, BodyFraming::Sized(0)] {
        assert_eq!(check(framing, "GET"), found("", None, 3));
        assert!(BodyReader::new(framing, 1).is_ended());
    }
}

#[test]
fn a_body_until_the_close_takes_everything() {
    assert_eq!(check(BodyFraming::UntilClose, "hello"), found("hello", None, 0));
    let mut reader = BodyReader::new(BodyFraming::UntilClose, 1);
    assert!(reader.end_of_input() && reader.is_ended());
    assert!(!BodyReader::new(BodyFraming::Sized(1), 1).end_of_input());
    assert!(!BodyReader::new(BodyFraming::Streamed, 1).end_of_input());
}

#[test]
fn chunks_are_joined_and_the_rest_is_left_alone() {
    assert_eq!(chunked("4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\nGET"), found("Wikipedia", Some(""), 3));
    assert_eq!(chunked("0\r\n\r\n"), found("", Some(""), 0));
    assert_eq!(chunked("000\r\n\r\n"), found("", Some(""), 0));
    assert_eq!(chunked("1;a=\"\\\"\"\r\n;\r\n0;b\r\n\r\n"), found(";", Some(""), 0));
}

#[test]
fn trailers_come_with_the_end() {
    assert_eq!(chunked("1\r\nx\r\n0\r\nX-Sum: 7\r\nX-B: c\r\n\r\nGET"), found("x", Some("X-Sum=7X-B=c"), 3));
}

#[test]
fn an_unfinished_body_does_not_end() {
    let input = "5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n";
    for at in 0..input.len() {
        let (_, end, _) = chunked(&input[..at]).unwrap();
        assert_eq!(end, None, "{:?}", &input[..at]);
    }
}

#[test]
fn malformed_chunks_are_refused() {
    for input in [
        "5\r\nhelloX",
        "5\r\nhello\n",
        "5\r\nhello\r\r",
        "5\nhello",
        "\r\n",
        "5\r\nhello\r\n\r\n",
        "0\r\n\n",
        "0\r\nA : b\r\n\r\n",
        "0\r\n A: b\r\n\r\n",
        "10000000000000000\r\n",
        "-1\r\n",
        "0x1\r\n",
        "5\r\nhello0\r\n\r\n",
    ] {
        assert!(chunked(input).is_err(), "{input:?}: {:?}", chunked(input));
    }
}

#[test]
fn framing_fields_are_refused_as_trailers() {
    for name in ["Content-Length", "Transfer-Encoding", "Host"] {
        let result = chunked(&alloc::format!("0\r\n{name}: 1\r\n\r\n"));
        assert_eq!(result, Err(PeerFault::TrailerForbidden), "{name}");
    }
}

#[test]
fn no_more_content_than_the_credit_is_handed_out() {
    for framing in [BodyFraming::Sized(10), BodyFraming::Streamed, BodyFraming::UntilClose] {
        let input: &[u8] =
            if framing == BodyFraming::Streamed { b"a\r\n0123456789\r\n" } else { b"0123456789" };
        for credit in 0..10 {
            let (content, end, _) = read(framing, &[input], credit).unwrap();
            assert_eq!((content.as_str(), end), (&"0123456789"[..credit as usize], None));
        }
    }
}

#[test]
fn a_size_beyond_all_memory_is_only_a_number() {
    let (content, end, _) = chunked("ffffffffffffffff\r\nhello").unwrap();
    assert_eq!((content.as_str(), end), ("hello", None));
}
