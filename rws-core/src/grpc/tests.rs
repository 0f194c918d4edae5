use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use super::*;
use crate::Status;
use crate::message::{Field, FieldBlock, FieldBlockMut, FieldName, OwnedFields, Scratch};
use crate::testing::Exchange;

type Messages = Vec<(bool, Vec<u8>)>;

/// The messages in a body that comes in `pieces`, with whether each is compressed; and how it ended.
fn read(pieces: &[&[u8]], bytes_max: u32) -> (Messages, Result<(), MessageError>) {
    let (mut reader, mut messages, mut open) = (MessageReader::new(bytes_max), Vec::new(), None);
    for piece in pieces {
        let mut bytes = *piece;
        loop {
            match reader.read(&mut bytes) {
                Ok(None) => break,
                Ok(Some(Piece::Begin(head))) => open = Some((head, Vec::new())),
                Ok(Some(Piece::Data(data))) => {
                    assert!(!data.is_empty());
                    open.as_mut().unwrap().1.extend_from_slice(data);
                }
                Ok(Some(Piece::End)) => {
                    let (head, bytes) = open.take().unwrap();
                    assert_eq!(head.len as usize, bytes.len());
                    messages.push((head.is_compressed(), bytes));
                }
                Err(error) => {
                    assert_eq!(reader.read(&mut &b"\0\0\0\0\0"[..]), Err(error), "it stays wrong");
                    return (messages, Err(error));
                }
            }
        }
        assert!(bytes.is_empty());
    }
    (messages, reader.finish())
}

fn framed(is_compressed: bool, message: &[u8]) -> Vec<u8> {
    let mut bytes = message_prefix(is_compressed, message.len() as u32).to_vec();
    bytes.extend_from_slice(message);
    bytes
}

#[test]
fn messages_are_the_same_at_every_split_and_byte_by_byte() {
    let body =
        [framed(false, b"one"), framed(true, b""), framed(true, b"three"), framed(false, b"")].concat();
    let whole = read(&[&body], 5);
    let expected = vec![(false, b"one".to_vec()), (true, vec![]), (true, b"three".to_vec()), (false, vec![])];
    assert_eq!(whole, (expected, Ok(())));
    for at in 0..=body.len() {
        for to in at..=body.len() {
            assert_eq!(read(&[&body[..at], &body[at..to], &body[to..]], 5), whole, "{at} {to}");
        }
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(read(&bytes, 5), whole);
}

#[test]
fn an_empty_message_ends_without_another_byte() {
    let mut reader = MessageReader::new(0);
    let mut bytes = &b"\0\0\0\0\0"[..];
    assert_eq!(reader.read(&mut bytes), Ok(Some(Piece::Begin(MessageHead { flags: 0, len: 0 }))));
    assert!(!reader.is_between());
    assert_eq!(reader.read(&mut bytes), Ok(Some(Piece::End)));
    assert_eq!(reader.read(&mut bytes), Ok(None));
    assert!(reader.is_between());
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_prefix() {
    assert_eq!(read(&[b"\0\0\0\0\x05hello"], 5).1, Ok(()));
    assert_eq!(read(&[b"\0\0\0\0\x06"], 5), (vec![], Err(MessageError::TooLarge)));
    assert_eq!(read(&[b"\0\xff\xff\xff\xff"], u32::MAX).1, Err(MessageError::Truncated));
    assert_eq!(MessageError::TooLarge.code(), Code::ResourceExhausted);
}

#[test]
fn a_flag_without_a_meaning_is_refused_and_a_body_that_ends_early_is_noticed() {
    for flags in 2..=255 {
        assert_eq!(read(&[&[flags, 0, 0, 0, 0]], 5).1, Err(MessageError::Flags), "{flags}");
    }
    let mut web = MessageReader::with_flags(5, COMPRESSED | 0x80);
    let trailers = MessageHead { flags: 0x80, len: 0 };
    assert_eq!(web.read(&mut &b"\x80\0\0\0\0"[..]), Ok(Some(Piece::Begin(trailers))));
    for body in [&b"\0"[..], b"\0\0\0\0", b"\0\0\0\0\x01", b"\0\0\0\0\x03he"] {
        assert_eq!(read(&[body], 5).1, Err(MessageError::Truncated), "{body:?}");
    }
}

#[test]
fn codes_have_their_numbers_and_whatever_else_comes_is_unknown() {
    for (number, &code) in Code::ALL.iter().enumerate() {
        assert_eq!(usize::from(code.number()), number);
        assert_eq!(code.digits(), format!("{number}"));
        assert_eq!(Code::from_value(code.digits().as_bytes()), code);
    }
    assert_eq!(Code::ALL.len(), 17);
    for value in [&b""[..], b"17", b"-1", b"+1", b"1 ", b"x", b"4294967296", b"99999999999999999999"] {
        assert_eq!(Code::from_value(value), Code::Unknown, "{value:?}");
    }
    assert_eq!(Code::from_value(b"005"), Code::NotFound);
}

#[test]
fn statuses_of_http_and_resets_map_as_the_protocol_says() {
    let expected = [
        (400, Code::Internal),
        (401, Code::Unauthenticated),
        (403, Code::PermissionDenied),
        (404, Code::Unimplemented),
        (429, Code::Unavailable),
        (502, Code::Unavailable),
        (503, Code::Unavailable),
        (504, Code::Unavailable),
        (200, Code::Unknown),
        (500, Code::Unknown),
        (413, Code::Unknown),
    ];
    for (status, code) in expected {
        assert_eq!(Code::of_http(Status::new(status).unwrap()), code, "{status}");
    }
    let resets: Vec<Code> = (0..=14).map(Code::of_reset).collect();
    use Code::{Cancelled, Internal, PermissionDenied, ResourceExhausted, Unavailable, Unknown};
    let expected = [
        Internal,
        Internal,
        Internal,
        Internal,
        Internal,
        Unknown,
        Internal,
        Unavailable,
        Cancelled,
        Internal,
        Internal,
        ResourceExhausted,
        PermissionDenied,
        Unknown,
        Unknown,
    ];
    assert_eq!(resets, expected);
    assert_eq!(Code::Cancelled.http().code(), 499);
    assert_eq!(Code::NotFound.http(), Status::NOT_FOUND);
    assert!(Code::ALL.iter().all(|code| *code == Code::Ok || code.http().code() >= 400));
}

#[test]
fn a_timeout_is_digits_and_a_unit() {
    let expected = [
        ("1H", Some(3_600_000_000)),
        ("2M", Some(120_000_000)),
        ("3S", Some(3_000_000)),
        ("100m", Some(100_000)),
        ("7u", Some(7)),
        ("1n", Some(1)),
        ("1001n", Some(2)),
        ("0n", Some(0)),
        ("99999999H", Some(359_999_996_400_000_000)),
        ("100000000n", None),
        ("", None),
        ("5", None),
        ("S", None),
        ("5s", None),
        ("-5S", None),
        ("5 S", None),
        ("5SS", None),
    ];
    for (text, us) in expected {
        assert_eq!(timeout::parse(text.as_bytes()), us, "{text}");
    }
}

#[test]
fn a_timeout_is_written_in_the_finest_unit_that_fits_and_never_shorter() {
    let mut out = [0; timeout::TEXT_BYTES_MAX];
    for (us, text) in [
        (0, "0u"),
        (99_999_999, "99999999u"),
        (100_000_000, "100000m"),
        (100_000_001, "100001m"),
        (99_999_999_001, "100000S"),
        (u64::MAX, "99999999H"),
    ] {
        assert_eq!(core::str::from_utf8(timeout::format(us, &mut out)), Ok(text));
    }
    for shift in 0..58 {
        let us = (1_u64 << shift) + 1;
        let again = timeout::parse(timeout::format(us, &mut out)).unwrap();
        assert!(again >= us && again - us <= us / 1_000, "{us} {again}");
    }
}

fn encoded(text: &str) -> String {
    let mut out = vec![0; text.len() * 3];
    String::from_utf8(percent::encode(text, &mut out).to_vec()).unwrap()
}

#[test]
fn a_message_is_percent_encoded_and_read_back() {
    assert_eq!(encoded("plain text, 100%\r\n"), "plain text, 100%25%0D%0A");
    assert_eq!(encoded("dé☃"), "d%C3%A9%E2%98%83");
    assert_eq!(encoded("  inner space  "), "%20%20inner space%20%20");
    assert_eq!(encoded("   "), "%20%20%20");
    assert_eq!(encoded("\u{7f}~"), "%7F~");
    for text in ["", " ", "  a ", "é", "%41", "\t☃\0\u{10ffff} "] {
        let value = encoded(text);
        assert!(crate::message::is_field_value(value.as_bytes()), "{value}");
        assert_eq!(percent::decode(value.as_bytes()).collect::<Vec<u8>>(), text.as_bytes());
    }
    let loose = b"%4%zz%e2%98%83%";
    assert_eq!(percent::decode(loose).collect::<Vec<u8>>(), "%4%zz☃%".as_bytes());
}

#[test]
fn a_message_without_room_is_cut_between_characters() {
    let full = encoded("a☃b");
    let expected = ["", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a%E2%98%83", "a%E2%98%83b"];
    for (room, expected) in expected.into_iter().enumerate() {
        assert_eq!(percent::encode("a☃b", &mut vec![0; room]), expected.as_bytes(), "{room}");
    }
    assert_eq!(full, "a%E2%98%83b");
}

#[test]
fn content_types_of_calls_are_told_apart() {
    let read = |value: &str| ContentType::parse(value.as_bytes()).map(|is| (is.protocol, is.format));
    for (value, expected) in [
        ("application/grpc", Some((Protocol::Grpc, Format::Proto))),
        ("application/grpc+proto", Some((Protocol::Grpc, Format::Proto))),
        ("Application/GRPC+JSON", Some((Protocol::Grpc, Format::Json))),
        ("application/grpc+thrift", Some((Protocol::Grpc, Format::Other))),
        ("application/grpc;charset=utf-8", Some((Protocol::Grpc, Format::Proto))),
        ("application/grpc+proto ; v=1", Some((Protocol::Grpc, Format::Proto))),
        ("application/grpc-web", Some((Protocol::GrpcWeb, Format::Proto))),
        ("application/grpc-web-text+proto", Some((Protocol::GrpcWebText, Format::Proto))),
        ("application/grpcx", None),
        ("application/json", None),
        ("application/grp", None),
        ("", None),
    ] {
        assert_eq!(read(value), expected, "{value}");
    }
}

fn fields(lines: &[(&str, &str)]) -> OwnedFields {
    let mut fields = OwnedFields::new();
    for (name, value) in lines {
        fields.push(*name, value.as_bytes()).unwrap();
    }
    fields
}

#[test]
fn encodings_are_negotiated_by_name() {
    let accepted = |lines: &[(&str, &str)]| EncodingSet::of_fields(fields(lines).block());
    assert_eq!(accepted(&[]), EncodingSet::IDENTITY);
    assert_eq!(accepted(&[("grpc-accept-encoding", "deflate, GZIP")]), EncodingSet::ALL);
    assert_eq!(
        accepted(&[("grpc-accept-encoding", "br"), ("grpc-accept-encoding", "gzip")]),
        EncodingSet::ALL
    );
    assert_eq!(accepted(&[("grpc-accept-encoding", "gzipped")]), EncodingSet::IDENTITY);
    assert_eq!(EncodingSet::ALL.value(), "identity,gzip");

    let named = |lines: &[(&str, &str)]| Encoding::of_fields(fields(lines).block());
    assert_eq!(named(&[]), Some(Encoding::Identity));
    assert_eq!(named(&[("grpc-encoding", "gzip")]), Some(Encoding::Gzip));
    assert_eq!(named(&[("grpc-encoding", "snappy")]), None);
    assert_eq!(named(&[("grpc-encoding", "gzip"), ("grpc-encoding", "gzip")]), None);
}

#[test]
fn the_flag_of_compression_needs_a_compression() {
    assert_eq!(Encoding::Identity.of_message(false), Ok(Encoding::Identity));
    assert_eq!(Encoding::Identity.of_message(true), Err(Code::Internal));
    assert_eq!(Encoding::Gzip.of_message(false), Ok(Encoding::Identity));
    assert_eq!(Encoding::Gzip.of_message(true), Ok(Encoding::Gzip));
}

#[test]
fn binary_metadata_is_base64_with_padding_or_without() {
    let mut out = [0; 16];
    for (bytes, bare, padded) in
        [(&b"a"[..], "YQ", "YQ=="), (b"ab", "YWI", "YWI="), (b"abc", "YWJj", "YWJj"), (b"", "", "")]
    {
        assert_eq!(metadata::encode_binary(bytes, &mut out), Some(bare.as_bytes()));
        assert_eq!(metadata::encoded_bytes(bytes.len()), Some(bare.len()));
        assert_eq!(metadata::decode_binary(bare.as_bytes(), &mut out), Some(bytes));
        assert_eq!(metadata::decode_binary(padded.as_bytes(), &mut out), Some(bytes));
        assert!(metadata::decoded_bytes_max(padded.len()) >= bytes.len());
    }
    for wrong in ["Y", "YQ=", "YQ===", "Y Q", "Y-_", "=", "YQ==YQ==", "YR", "YWJ"] {
        assert_eq!(metadata::decode_binary(wrong.as_bytes(), &mut out), None, "{wrong}");
    }
    let all: Vec<u8> = (0..=255).chain(0..7).collect();
    let (mut text, mut back) = (vec![0; 360], vec![0; 270]);
    let text = metadata::encode_binary(&all, &mut text).unwrap();
    assert!(text.starts_with(b"AAECAwQFBgcICQoLDA0O") && text.len() == 351, "{}", text.escape_ascii());
    assert_eq!(metadata::decode_binary(text, &mut back), Some(&all[..]));
    assert_eq!(metadata::encode_binary(b"abc", &mut [0; 3]), None);
    assert_eq!(metadata::decode_binary(b"YWJj", &mut [0; 2]), None);
    let joined: Vec<&[u8]> = metadata::binary_values(b"YQ, YWI=,YWJj").collect();
    assert_eq!(joined, [&b"YQ"[..], b"YWI=", b"YWJj"]);
}

#[test]
fn names_of_the_protocol_and_of_http_are_not_free() {
    for name in ["grpc-status", "Grpc-Anything", "content-type", "te", "host", "connection", "content-length"]
    {
        assert!(!metadata::is_free(FieldName::Other(name.as_bytes())), "{name}");
    }
    for name in ["x-trace-bin", "authorization", "user-agent", "grp"] {
        assert!(metadata::is_free(FieldName::from(name)), "{name}");
    }
    assert!(metadata::is_binary(b"x-Bin") && !metadata::is_binary(b"bin") && !metadata::is_binary(b"x-bin2"));
}

#[test]
fn trailers_are_written_and_read_back() {
    let (mut bytes, mut slots) = ([0; 256], [Field::default(); 4]);
    let mut written = FieldBlockMut::new(Scratch { bytes: &mut bytes, fields: &mut slots });
    trailers::push_only(Code::NotFound, "no 50% there", &mut [0; 64], &mut written).unwrap();
    let block = written.block();
    assert_eq!(block.first("content-type"), Some(&b"application/grpc"[..]));
    assert_eq!(block.first("grpc-message"), Some(&b"no 50%25 there"[..]));
    let said = trailers::Said::read(block).unwrap();
    assert_eq!((said.code, said.message), (Code::NotFound, &b"no 50%25 there"[..]));

    let mut slots = [Field::default(); 1];
    let mut written = FieldBlockMut::new(Scratch { bytes: &mut bytes, fields: &mut slots });
    trailers::push(Code::Ok, "", &mut [], &mut written).unwrap();
    assert_eq!(written.block().len(), 1);
    assert!(trailers::Said::read(FieldBlock::EMPTY).is_none());
    let twice = fields(&[("grpc-status", "0"), ("grpc-status", "0")]);
    assert_eq!(trailers::Said::read(twice.block()).map(|said| said.code), Some(Code::Unknown));
    assert_eq!(trailers::Said::read(trailers::OK).map(|said| said.code), Some(Code::Ok));
    assert!(trailers::HEAD.has("content-type"));
}

/// What becomes of a request head.
fn call(
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
) -> Result<(String, Option<u64>, Encoding), Refusal> {
    let exchange = Exchange::new(method, target);
    let exchange = fields.iter().fold(exchange, |exchange, (name, value)| exchange.field(name, value));
    exchange.with_head(|head| {
        CallHead::read(head).map(|call| {
            (format!("{}|{}", call.path.service, call.path.method), call.timeout_us, call.encoding)
        })
    })
}

#[test]
fn the_head_of_a_call_is_read_as_a_whole() {
    const TYPE: (&str, &str) = ("Content-Type", "application/grpc");
    let plain = call("POST", "/a.b.C/Do", &[TYPE]);
    assert_eq!(plain, Ok((String::from("a.b.C|Do"), None, Encoding::Identity)));
    let more = [TYPE, ("grpc-timeout", "5S"), ("grpc-encoding", "gzip")];
    assert_eq!(call("POST", "/C/Do", &more), Ok((String::from("C|Do"), Some(5_000_000), Encoding::Gzip)));

    assert_eq!(call("GET", "/C/Do", &[TYPE]), Err(Refusal::Http(Status::METHOD_NOT_ALLOWED)));
    for wrong in ["text/plain", "application/grpc-web", "application/grpc, application/grpc"] {
        let refused = call("POST", "/C/Do", &[("Content-Type", wrong)]);
        assert_eq!(refused, Err(Refusal::Http(Status::UNSUPPORTED_MEDIA_TYPE)), "{wrong}");
    }
    assert_eq!(call("POST", "/C/Do", &[]), Err(Refusal::Http(Status::UNSUPPORTED_MEDIA_TYPE)));
    for path in ["/", "/C", "/C/", "/C/Do/More"] {
        let refused = call("POST", path, &[TYPE]);
        assert!(matches!(refused, Err(Refusal::Call(Code::Unimplemented, _))), "{path} {refused:?}");
    }
    for (lines, code) in [
        (&[("grpc-timeout", "5")][..], Code::Internal),
        (&[("grpc-timeout", "5S"), ("grpc-timeout", "5S")], Code::Internal),
        (&[("grpc-encoding", "snappy")], Code::Unimplemented),
    ] {
        let refused = call("POST", "/C/Do", &[&[TYPE], lines].concat());
        assert!(matches!(refused, Err(Refusal::Call(is, _)) if is == code), "{lines:?} {refused:?}");
    }
}
