use super::*;
use crate::hpack::testing::{hex, lines_of};
use crate::hpack::{Decoder, ListLimits};
use std::vec;
use std::vec::Vec;

const LIMITS: ListLimits = ListLimits { bytes_max: 64 * 1024, fields_max: 1000 };

/// A block of one line.
fn one(encoder: &mut Encoder, memory: &mut [u8], name: &str, value: &str) -> Vec<u8> {
    let mut out = [0; 1024];
    let mut block = encoder.begin(memory, &mut out);
    block.field(FieldName::from(name), value.as_bytes(), false).expect("room");
    let len = block.finish().expect("whole");
    out[..len].to_vec()
}

#[test]
fn secrets_are_never_indexed_and_what_hardly_comes_again_is_not() {
    let mut memory = [0; 4096];
    for (name, value, kind) in [
        ("authorization", "Basic dXNlcjpzZWNyZXQ=", 0x10),
        ("proxy-authorization", "Basic dXNlcjpzZWNyZXQ=", 0x10),
        ("set-cookie", "a=0123456789012345678901234567890123456789", 0x10),
        ("cookie", "short", 0x10),
        ("cookie", "long=enough=not=to=be=guessed", 0x40),
        ("content-length", "12", 0x00),
        ("etag", "\"1\"", 0x00),
        ("location", "/", 0x00),
        ("server", "rws", 0x40),
        ("x-own", "rws", 0x40),
    ] {
        let mut encoder = Encoder::new();
        let first = one(&mut encoder, &mut memory, name, value);
        let mask = if kind == 0x40 { 0xc0 } else { 0xf0 };
        assert_eq!(first[0] & mask, kind, "{name}");
        let again = one(&mut encoder, &mut memory, name, value);
        if kind == 0x40 {
            assert_eq!(again, [0xbe]);
        } else {
            assert_eq!(again, first);
        }
    }
}

#[test]
fn a_marked_line_is_never_indexed_even_if_it_is_in_a_table() {
    let (mut encoder, mut memory, mut out) = (Encoder::new(), [0; 4096], [0; 256]);
    assert_eq!(one(&mut encoder, &mut memory, "x-key", "secret")[0], 0x40);
    let mut block = encoder.begin(&mut memory, &mut out);
    block.field(FieldName::from("x-key"), b"secret", true).expect("room");
    block.field(FieldName::from("accept-encoding"), b"gzip, deflate", true).expect("room");
    let len = block.finish().expect("whole");
    let (mut memory, mut arena) = ([0; 4096], [0; 4096]);
    let mut decoder = Decoder::new();
    decoder
        .decode(&hex("4001610162"), &mut memory, &mut arena, LIMITS, |_, _| {})
        .expect("an entry for the index to find");
    let (lines, _) = lines_of(&mut decoder, &out[..len], &mut memory, &mut arena, LIMITS).expect("decodes");
    assert!(lines.0.iter().all(|line| line.never_indexed));
    assert_eq!(out[0] & 0xf0, 0x10);
}

#[test]
fn names_are_sent_in_lower_case() {
    let (mut memory, mut theirs, mut arena) = ([0; 4096], [0; 4096], [0; 4096]);
    for (name, value) in
        [("X-Mixed-Case", "Kept-As-It-Is"), ("Sec-Fetch-Mode", "a"), ("\u{1}A\u{2}", "\u{3}")]
    {
        for memory in [&mut memory[..], &mut []] {
            let block = one(&mut Encoder::new(), memory, name, value);
            let (lines, _) =
                lines_of(&mut Decoder::new(), &block, &mut theirs, &mut arena, LIMITS).expect("decodes");
            assert_eq!(lines.0[0].name, name.to_ascii_lowercase());
            assert_eq!(lines.0[0].value, value.as_bytes());
        }
    }
}

#[test]
fn a_name_in_any_case_finds_its_entry() {
    let (mut encoder, mut memory) = (Encoder::new(), [0; 4096]);
    assert!(one(&mut encoder, &mut memory, "X-Own", "a").len() > 1);
    assert_eq!(one(&mut encoder, &mut memory, "x-oWN", "a"), [0xbe]);
    let named = one(&mut encoder, &mut memory, "x-own", "b");
    assert_eq!(named[0], 0x40 | 62);
}

#[test]
fn without_memory_nothing_is_put_into_a_table_and_no_size_is_told() {
    let mut encoder = Encoder::new();
    for _ in 0..3 {
        assert_eq!(
            one(&mut encoder, &mut [], "server", "rws"),
            hex("0f27 82b3cd".replace("82b3cd", &coded("rws")).as_str())
        );
    }
}

fn coded(text: &str) -> std::string::String {
    let mut out = [0; 64];
    let len = put_text::<false>(text.as_bytes(), false, &mut out).expect("room");
    out[..len].iter().map(|byte| std::format!("{byte:02x}")).collect()
}

#[test]
fn sizes_are_told_where_the_peer_must_know_them() {
    let first = |memory: usize, sizes: &[u32]| {
        let mut encoder = Encoder::new();
        let mut memory = vec![0; memory];
        for &size in sizes {
            encoder.allow(size);
        }
        let block = one(&mut encoder, &mut memory, "accept-encoding", "gzip, deflate");
        assert_eq!(one(&mut encoder, &mut memory, "accept-encoding", "gzip, deflate"), [0x90], "told once");
        block
    };
    assert_eq!(first(4096, &[]), hex("90"));
    assert_eq!(first(4096, &[4096]), hex("90"));
    assert_eq!(first(4096, &[8192]), hex("90"));
    assert_eq!(first(8192, &[8192]), hex("3fe13f 90"));
    assert_eq!(first(256, &[]), hex("3fe101 90"));
    assert_eq!(first(256, &[8192]), hex("3fe101 90"));
    assert_eq!(first(4096, &[100]), hex("3f45 90"));
    assert_eq!(first(4096, &[0]), hex("20 90"));
    assert_eq!(first(4096, &[0, 4096]), hex("20 3fe11f 90"));
    assert_eq!(first(0, &[]), hex("90"));
    assert_eq!(first(0, &[8192]), hex("90"));
    assert_eq!(first(0, &[100]), hex("3f45 90"));
    assert_eq!(first(0, &[100, 4096]), hex("3f45 90"));
}

#[test]
fn a_block_that_had_no_room_or_was_dropped_makes_the_peer_forget() {
    let (mut encoder, mut memory) = (Encoder::new(), [0; 4096]);
    let (mut decoder, mut theirs, mut arena) = (Decoder::new(), [0; 4096], [0; 4096]);
    let mut read = |block: &[u8]| {
        let (lines, _) = lines_of(&mut decoder, block, &mut theirs, &mut arena, LIMITS).expect("decodes");
        lines.to_text()
    };
    let text = ["server: rws"];
    assert_eq!(read(&one(&mut encoder, &mut memory, "server", "rws")), text);
    for room in 0..12 {
        let mut out = vec![0; room];
        let mut block = encoder.begin(&mut memory, &mut out);
        let first = block.field(FieldName::from("x-first"), b"a", false);
        let second = block.field(FieldName::from("x-second"), b"b", false);
        assert_eq!((first.and(second), block.finish()), (Err(Capacity::Bytes), Err(Capacity::Bytes)));
        let block = one(&mut encoder, &mut memory, "server", "rws");
        assert_eq!(block[..4], hex("203fe11f"));
        assert_eq!(read(&block), text);
        assert_eq!(read(&one(&mut encoder, &mut memory, "server", "rws")), text);
    }
    let _ = encoder.begin(&mut memory, &mut []);
    assert_eq!(one(&mut encoder, &mut memory, "server", "rws")[..4], hex("203fe11f"));
}

#[test]
fn texts_of_every_length_are_written_in_the_shorter_way_and_need_no_more_room() {
    let longest = if cfg!(miri) { 20 } else { 300 };
    for byte in [b'a', b'&', 0x01] {
        for len in (0..=longest).chain([16_000]).filter(|&len| !cfg!(miri) || len <= longest) {
            let text = vec![byte; len];
            let mut out = vec![0; 20_000];
            let end = put_text::<false>(&text, false, &mut out).expect("room");
            assert!(end <= 1 + len + len / 127 + usize::from(len >= 127) * 2, "{len}: {end}");
            let mut exact = vec![0; end];
            assert_eq!(put_text::<true>(&text, false, &mut exact), Some(end));
            assert_eq!(exact, out[..end]);
            if end > 0 {
                assert_eq!(put_text::<false>(&text, false, &mut exact[..end - 1]), None);
            }
        }
    }
}

#[test]
fn a_line_of_itself_is_read_as_it_was_written_and_is_in_no_table() {
    let (mut encoder, mut out) = (Encoder::new(), [0; 600]);
    let (mut decoder, mut theirs, mut arena) = (Decoder::new(), [0; 4096], [0; 4096]);
    let mut block = encoder.begin(&mut [], &mut out);
    block.no_table();
    let long = vec![b'x'; 200];
    let fields: [(&str, &[u8], &str); 5] = [
        ("content-length", b"7", "content-length: 7"),
        ("X-Other", b"Some Text", "x-other: Some Text"),
        ("accept-encoding", b"gzip, deflate", "accept-encoding: gzip, deflate"),
        ("set-cookie", b"a=b", "set-cookie: a=b"),
        ("vary", &long, &std::format!("vary: {}", "x".repeat(200))),
    ];
    for (name, value, _) in fields {
        let (id, name) = match FieldName::from(name).identified() {
            FieldName::Known(known) => (NameId::known(known), &b""[..]),
            FieldName::Other(name) => (NameId::OTHER, name),
        };
        block.line_of_itself(id, name, value, false).expect("room");
    }
    let len = block.finish().expect("whole");
    assert_eq!(out[0], 0x20, "the table is empty");
    let (lines, _) = lines_of(&mut decoder, &out[..len], &mut theirs, &mut arena, LIMITS).expect("decodes");
    assert_eq!(lines.to_text(), fields.map(|(.., line)| line));
}
