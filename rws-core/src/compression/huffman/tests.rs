use super::code::{CODE_BITS, CODES};
use super::{Text, Undecodable, check, decode, encode};
use crate::SMALL;
use std::vec;
use std::vec::Vec;

/// What both decoders make of `coded`, with other bytes behind it and with none.
fn decoded(coded: &[u8]) -> Result<Vec<u8>, Undecodable> {
    let mut result = None;
    for behind in [&[][..], b"\x00\x00\x00", b"\x1f\xff\xff\xff\xff\xff\xff\xff\xff"] {
        let bytes = [coded, behind].concat();
        for is_small in [true, false] {
            let mut out = vec![0xee; coded.len() * 2 + 9];
            let len = if is_small {
                decode::<true>(&bytes, coded.len(), &mut out)
            } else {
                decode::<false>(&bytes, coded.len(), &mut out)
            };
            let text = len.map(|text| out[..text.len()].to_vec());
            if let (Ok(len), Ok(text)) = (len, &text) {
                assert!(!len.is_plain() || !text.iter().any(u8::is_ascii_control));
            }
            assert_eq!(*result.get_or_insert_with(|| text.clone()), text, "{coded:x?}, small: {is_small}");
            assert_eq!(check(&bytes, coded.len()).is_ok(), text.is_ok());
        }
    }
    result.expect("decoded at least once")
}

fn coded(text: &[u8]) -> Vec<u8> {
    let mut out = vec![0; text.len() * 4];
    let len = encode::<false>(text, false, &mut out).expect("room");
    let mut small = vec![0; len];
    assert_eq!(encode::<true>(text, false, &mut small), Some(len));
    assert_eq!(small, out[..len]);
    for is_small in [true, false] {
        for room in 0..len {
            let mut short = vec![0; room];
            let too_short = if is_small {
                encode::<true>(text, false, &mut short)
            } else {
                encode::<false>(text, false, &mut short)
            };
            assert_eq!(too_short, None);
        }
    }
    small
}

/// `texts` of zeros and ones, as bytes; they must fill the last one.
fn bits(texts: &[&str]) -> Vec<u8> {
    let all = texts.concat();
    assert_eq!(all.len() % 8, 0);
    all.as_bytes()
        .chunks(8)
        .map(|byte| byte.iter().fold(0, |value, digit| value << 1 | (digit - b'0')))
        .collect()
}

#[test]
fn the_examples_of_the_specification_are_read_and_written() {
    // RFC 7541 appendix C.4 and C.6.
    for (text, bytes) in [
        (&b"www.example.com"[..], "f1e3c2e5f23a6ba0ab90f4ff"),
        (b"no-cache", "a8eb10649cbf"),
        (b"custom-key", "25a849e95ba97d7f"),
        (b"custom-value", "25a849e95bb8e8b4bf"),
        (b"302", "6402"),
        (b"private", "aec3771a4b"),
        (b"Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"),
        (b"https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"),
        (b"307", "640eff"),
        (b"gzip", "9bd9ab"),
        (
            b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        ),
        (b"", ""),
    ] {
        let bytes: Vec<u8> = (0..bytes.len() / 2)
            .map(|at| u8::from_str_radix(&bytes[2 * at..2 * at + 2], 16).expect("hexadecimal"))
            .collect();
        assert_eq!(coded(text), bytes);
        assert_eq!(decoded(&bytes).as_deref(), Ok(text));
    }
}

#[test]
fn every_pair_of_bytes_comes_back() {
    let step = if cfg!(miri) { 37 } else { 1 };
    for first in (0..=255).step_by(step) {
        let mut long = Vec::new();
        for second in (0..=255).step_by(step) {
            let text = [first, second, first];
            assert_eq!(decoded(&coded(&text)).as_deref(), Ok(&text[..]));
            long.extend_from_slice(&text);
        }
        let mut out = vec![0; long.len() * 4];
        let len = encode::<false>(&long, false, &mut out).expect("room");
        assert_eq!(decoded(&out[..len]), Ok(long));
    }
}

#[test]
fn the_codes_are_those_of_the_specification() {
    // The first and the last of some lengths, from RFC 7541 appendix B.
    for (symbol, code, len) in [
        (b'0', 0x0, 5),
        (b't', 0x9, 5),
        (b' ', 0x14, 6),
        (b'u', 0x2d, 6),
        (b':', 0x5c, 7),
        (b'z', 0x7b, 7),
        (b'&', 0xf8, 8),
        (b'!', 0x3f8, 10),
        (b'|', 0x7fc, 11),
        (b'#', 0xffa, 12),
        (b'~', 0x1ffd, 13),
        (b'`', 0x7ffd, 15),
        (b'\\', 0x7fff0, 19),
        (195, 0x7fff1, 19),
        (128, 0xfffe6, 20),
        (9, 0xffffea, 24),
        (255, 0x3ffffee, 26),
        (249, 0xffffffe, 28),
        (22, 0x3ffffffe, 30),
    ] {
        assert_eq!((CODES[usize::from(symbol)], CODE_BITS[usize::from(symbol)]), (code, len), "{symbol}");
    }
}

#[test]
fn padding_is_ones_and_less_than_a_byte() {
    // `0` is 00000, and `&` is 11111000.
    assert_eq!(decoded(&bits(&["00000", "111"])).as_deref(), Ok(&b"0"[..]));
    assert_eq!(decoded(&bits(&["00000", "11111000", "111"])).as_deref(), Ok(&b"0&"[..]));
    for padding in ["000", "110", "011", "11111111111", "1111111111111111111", "11111110", "1"] {
        let zeros = if (5 + padding.len()).is_multiple_of(8) { "" } else { &"00000".repeat(8) };
        let text = ["00000", zeros, padding];
        if text.concat().len().is_multiple_of(8) {
            assert_eq!(decoded(&bits(&text)), Err(Undecodable::Malformed), "{padding}");
        }
    }
    assert_eq!(decoded(&[0xff]), Err(Undecodable::Malformed));
    assert_eq!(decoded(&[0xff, 0xff]), Err(Undecodable::Malformed));
    assert_eq!(decoded(&bits(&["00000", "11111111", "111"])), Err(Undecodable::Malformed));
}

#[test]
fn the_end_of_the_string_is_refused_wherever_it_stands() {
    let end = "1".repeat(30);
    for before in ["", "00000", "010100", "1111111111000", "1111111111111111111111111100"] {
        for after in ["", "00000", "111"] {
            let fill = "1".repeat((8 - (before.len() + end.len() + after.len()) % 8) % 8);
            let text = bits(&[before, &end, after, &fill]);
            assert_eq!(decoded(&text), Err(Undecodable::Malformed), "{before} {after}");
        }
    }
}

#[test]
fn every_text_of_few_bytes_reads_alike_and_is_the_shortest_of_its_kind() {
    let step = if cfg!(miri) { 997 } else { 1 };
    let (mut sound, mut unsound) = (0, 0);
    for value in (0..=u16::MAX).step_by(step) {
        let bytes = value.to_be_bytes();
        match decoded(&bytes) {
            Ok(text) => {
                assert_eq!(coded(&text), bytes);
                sound += 1;
            }
            Err(fault) => {
                assert_eq!(fault, Undecodable::Malformed);
                unsound += 1;
            }
        }
    }
    assert!(sound > 0 && unsound > 0);
}

#[test]
fn a_text_that_has_no_room_is_said_to_have_none() {
    let text = b"a text of \x01some\xff symbols, long and short";
    let coded = coded(text);
    for room in 0..text.len() {
        let mut out = vec![0; room];
        assert_eq!(decode::<true>(&coded, coded.len(), &mut out), Err(Undecodable::NoRoom));
        assert_eq!(decode::<false>(&coded, coded.len(), &mut out), Err(Undecodable::NoRoom));
    }
    let mut out = vec![0; text.len()];
    assert_eq!(decode::<SMALL>(&coded, coded.len(), &mut out).map(Text::len), Ok(text.len()));
    assert_eq!(out, text);
}
