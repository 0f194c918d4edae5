//! The examples of RFC 7541 appendix C, and both sides together.

use super::testing::{hex, lines_of};
use super::{Decoder, Encoder, LineName, ListLimits, Pseudo};
use crate::{FieldName, KnownName, Span};
use std::string::String;
use std::vec;
use std::vec::Vec;

const LIMITS: ListLimits = ListLimits { bytes_max: 64 * 1024, fields_max: 1000 };

/// A block, what is in it, and what is in the table afterwards, with its size.
type Example = (&'static str, &'static [&'static str], &'static [&'static str], u32);

fn both_read(blocks: &[Example]) {
    read::<true>(blocks);
    read::<false>(blocks);
}

fn read<const SMALL: bool>(blocks: &[Example]) {
    let mut decoder = Decoder::<SMALL>::of_any_size();
    let (mut memory, mut arena) = ([0; 4096], [0; 4096]);
    for (block, list, table, size) in blocks {
        let block = hex(block);
        let (lines, decoded) =
            lines_of(&mut decoder, &block, &mut memory, &mut arena, LIMITS).expect("an example");
        assert_eq!(lines.to_text(), *list);
        assert!(lines.0.iter().all(|line| line.is_well_formed) && !decoded.is_too_large);
        assert_eq!((decoder.table().len() as usize, decoder.table().size()), (table.len(), *size));
        for (age, entry) in (0..).zip(*table) {
            let record = decoder.table().record(age, &memory).expect("an entry");
            let (name, value) = decoder.table().bytes(record, &memory);
            let name = [record.name.as_str().as_bytes(), name].concat().to_ascii_lowercase();
            assert_eq!([&name, &b": "[..], value].concat(), entry.as_bytes());
        }
    }
}

#[test]
fn single_lines_of_the_specification_are_read() {
    both_read(&[(
        "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        &["custom-key: custom-header"],
        &["custom-key: custom-header"],
        55,
    )]);
    both_read(&[("040c 2f73 616d 706c 652f 7061 7468", &[":path: /sample/path"], &[], 0)]);
    both_read(&[("1008 7061 7373 776f 7264 0673 6563 7265 74", &["password: secret"], &[], 0)]);
    both_read(&[("82", &[":method: GET"], &[], 0)]);
}

const AUTHORITY: &str = ":authority: www.example.com";
const PLAIN_GET: &[&str] = &[":method: GET", ":scheme: http", ":path: /", AUTHORITY];
const NO_CACHE: &[&str] =
    &[":method: GET", ":scheme: http", ":path: /", AUTHORITY, "cache-control: no-cache"];
const CUSTOM: &[&str] =
    &[":method: GET", ":scheme: https", ":path: /index.html", AUTHORITY, "custom-key: custom-value"];
const CUSTOM_TABLE: &[&str] = &["custom-key: custom-value", "cache-control: no-cache", AUTHORITY];

#[test]
fn requests_of_the_specification_are_read() {
    both_read(&[
        ("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", PLAIN_GET, &[AUTHORITY], 57),
        ("8286 84be 5808 6e6f 2d63 6163 6865", NO_CACHE, &["cache-control: no-cache", AUTHORITY], 110),
        (
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
            CUSTOM,
            CUSTOM_TABLE,
            164,
        ),
    ]);
    both_read(&[
        ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", PLAIN_GET, &[AUTHORITY], 57),
        ("8286 84be 5886 a8eb 1064 9cbf", NO_CACHE, &["cache-control: no-cache", AUTHORITY], 110),
        ("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", CUSTOM, CUSTOM_TABLE, 164),
    ]);
}

/// As much memory as is asked for before each block, against all of it. Blocks of a row of random lines: entries of both
/// tables, new names, names of older entries again.
#[test]
fn a_table_that_grows_when_it_is_asked_to_reads_what_a_whole_one_reads() {
    let mut seed = 1_u32;
    let mut dice = move |sides: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % sides
    };
    let (mut grew, mut read) = (0, 0);
    for _ in 0..if cfg!(miri) { 2 } else { 200 } {
        let (mut growing, mut whole) = (Decoder::<false>::of_any_size(), Decoder::<false>::of_any_size());
        let (mut few, mut all, mut arena) = (Vec::new(), [0; 4096], vec![0; 65_535]);
        for _ in 0..if cfg!(miri) { 3 } else { 30 } {
            let mut block = Vec::new();
            for _ in 0..dice(12) {
                match dice(4) {
                    0 => block.push(0x80 | (dice(61) + 1) as u8),
                    1 if whole.table().len() > 0 => {
                        block.push(0x80 | (62 + dice(whole.table().len().min(60))) as u8)
                    }
                    2 => {
                        // A name that has an index, now or after the lines before.
                        let dynamic = whole.table().len().min(1);
                        block.push(0x40 | if dynamic > 0 && dice(2) > 0 { 62 } else { (dice(61) + 1) as u8 });
                        let len = dice(20);
                        block.push(len as u8);
                        block.extend((0..len).map(|_| b'0' + dice(10) as u8));
                    }
                    _ => {
                        // A zero in Huffman code is five bits, and none is shorter.
                        let (name, value) = (5 * dice(6) + 5, dice(30));
                        block.extend([0x40, 0x80 | name as u8]);
                        block.extend((0..name).map(|_| 0));
                        block.push(value as u8);
                        block.extend((0..value).map(|_| b'a' + dice(26) as u8));
                    }
                }
            }
            let wanted = growing.memory_wanted(block.len());
            assert!(wanted <= 4096);
            if wanted > few.len() {
                grew += 1;
                few.resize(wanted, 0);
            }
            let expected = lines_of(&mut whole, &block, &mut all, &mut arena, LIMITS);
            assert_eq!(lines_of(&mut growing, &block, &mut few, &mut arena, LIMITS), expected);
            if expected.is_err() {
                break;
            }
            assert_eq!(growing.table().len(), whole.table().len());
            assert_eq!(growing.table().size(), whole.table().size());
            read += 1;
        }
    }
    assert!(cfg!(miri) || grew > 100 && read > 1000, "{read} blocks were read, and it grew {grew} times");
}

const PRIVATE: &str = "cache-control: private";
const FIRST_DATE: &str = "date: Mon, 21 Oct 2013 20:13:21 GMT";
const SECOND_DATE: &str = "date: Mon, 21 Oct 2013 20:13:22 GMT";
const LOCATION: &str = "location: https://www.example.com";
const COOKIE: &str = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const FOUND: &[&str] = &[":status: 302", PRIVATE, FIRST_DATE, LOCATION];
const REDIRECT: &[&str] = &[":status: 307", PRIVATE, FIRST_DATE, LOCATION];
const LAST: &[&str] = &[":status: 200", PRIVATE, SECOND_DATE, LOCATION, "content-encoding: gzip", COOKIE];

/// The answers, with or without Huffman code: each in a table of 256 bytes, of which the first block tells.
fn answers(blocks: [&'static str; 3]) {
    let [first, second, third] = blocks;
    both_read(&[
        (first, FOUND, &[LOCATION, FIRST_DATE, PRIVATE, ":status: 302"], 222),
        (second, REDIRECT, &[":status: 307", LOCATION, FIRST_DATE, PRIVATE], 222),
        (third, LAST, &[COOKIE, "content-encoding: gzip", SECOND_DATE], 215),
    ]);
}

#[test]
fn answers_of_the_specification_are_read() {
    answers([
        "3fe101 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32
         3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738
         666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33
         3630 303b 2076 6572 7369 6f6e 3d31",
    ]);
    answers([
        "3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad
         1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7
         b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ]);
}

#[test]
fn the_encoder_writes_the_requests_of_the_specification() {
    let mut encoder = Encoder::new();
    let mut memory = [0; 4096];
    // The second path is indexed in the static table; no other path would be put into a table.
    for (list, block) in [
        (PLAIN_GET, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"),
        (NO_CACHE, "8286 84be 5886 a8eb 1064 9cbf"),
        (CUSTOM, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"),
    ] {
        assert_eq!(encoded(&mut encoder, list, &mut memory), hex(block));
    }
}

/// A block of lines `name: value`.
pub(super) fn encoded<const SMALL: bool, T: AsRef<str>>(
    encoder: &mut Encoder<SMALL>,
    list: &[T],
    memory: &mut [u8],
) -> Vec<u8> {
    let mut out = vec![0; 64 * 1024];
    let mut block = encoder.begin(memory, &mut out);
    for line in list {
        let (name, value) = line.as_ref().split_at(1);
        let (rest, value) = value.split_once(": ").expect("a colon");
        let name = [name, rest].concat();
        match Pseudo::from_bytes(name.as_bytes()) {
            Some(pseudo) => block.pseudo(pseudo, value.as_bytes()),
            None => block.field(FieldName::new(name.as_bytes()), value.as_bytes(), false),
        }
        .expect("room");
    }
    let len = block.finish().expect("whole");
    out.truncate(len);
    out
}

#[test]
fn what_one_side_encodes_the_other_decodes_with_any_memory_and_any_settings() {
    // Many names and values, some of them again and again.
    let mut seed = 7_u32;
    let mut next = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % below
    };
    let blocks = if cfg!(miri) { 20 } else { 200 };
    let lists: Vec<Vec<String>> = (0..blocks)
        .map(|_| {
            (0..next(12))
                .map(|_| {
                    let value = "v".repeat(next(40) as usize);
                    match next(4) {
                        0 => std::format!(
                            "{}: {value}",
                            KnownName::ALL[next(KnownName::ALL.len() as u32) as usize]
                                .as_str()
                                .to_ascii_lowercase()
                        ),
                        1 => std::format!("x-{}: {}", next(9), next(9)),
                        2 => std::format!("{}: {}", Pseudo::ALL[next(6) as usize].as_str(), next(9)),
                        _ => std::format!("x-long-{}: {value}", "n".repeat(next(50) as usize)),
                    }
                })
                .collect()
        })
        .collect();
    for memory in [0, 1, 33, 64, 100, 600, 4096, 9000] {
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::<true>::of_any_size());
        let (mut ours, mut theirs, mut arena) = (vec![0; memory], vec![0; 9000], vec![0; 4096]);
        for (at, list) in lists.iter().enumerate() {
            if at % 9 == 8 {
                for max in [next(5000), next(9000)] {
                    encoder.allow(max);
                    decoder.allow(max);
                }
            }
            let block = encoded(&mut encoder, list, &mut ours);
            let (lines, _) =
                lines_of(&mut decoder, &block, &mut theirs, &mut arena, LIMITS).expect("a sound block");
            assert_eq!(lines.to_text(), *list, "memory {memory}, block {at}");
            assert!(lines.0.iter().all(|line| line.is_well_formed));
        }
    }
}

#[test]
fn lines_know_their_names() {
    let (mut memory, mut arena) = ([0; 256], [0; 256]);
    let mut names = Vec::new();
    let block = hex("82 0f0d0130 000178 00");
    Decoder::new()
        .decode(&block, &mut memory, &mut arena, LIMITS, |line, _| names.push(line.name))
        .expect("a sound block");
    let other = LineName::Other(Span { at: 4, len: 1 });
    assert_eq!(names, [LineName::Pseudo(Pseudo::Method), LineName::Known(KnownName::ContentLength), other]);
}
