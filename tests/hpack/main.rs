//! The public HPACK stories: every block that other encoders made decodes to its list, with tables of any memory and
//! cut off at every place; every list that we encode is one that our decoder reads.

use rws_core::FieldName;
use rws_core::hpack::{Decoded, Decoder, Encoder, HpackError, LineName, ListLimits, Pseudo};
use rws_tests::corpora::hpack::{self, Case, Story};

const LIMITS: ListLimits = ListLimits { bytes_max: 64 * 1024, fields_max: 1000 };

type Line = (Vec<u8>, Vec<u8>);

/// A decoder with what it is lent.
struct Side<const SMALL: bool> {
    decoder: Decoder<SMALL>,
    table: Vec<u8>,
    arena: Vec<u8>,
    limits: ListLimits,
}

impl<const SMALL: bool> Side<SMALL> {
    fn with(table_bytes: usize) -> Side<SMALL> {
        let decoder = Decoder::of_any_size();
        Side { decoder, table: vec![0; table_bytes], arena: vec![0; 32 * 1024], limits: LIMITS }
    }

    fn decode(&mut self, block: &[u8]) -> Result<(Vec<Line>, Decoded), HpackError> {
        let mut lines = Vec::new();
        let Side { decoder, table, arena, limits } = self;
        let decoded = decoder.decode(block, table, arena, *limits, |line, arena| {
            let name = match line.name {
                LineName::Pseudo(pseudo) => pseudo.as_str().into(),
                LineName::Known(known) => known.as_str().to_ascii_lowercase().into_bytes(),
                LineName::Other(name) => name.bytes(arena).to_vec(),
            };
            lines.push((name, line.value.bytes(arena).to_vec()));
        })?;
        Ok((lines, decoded))
    }
}

/// All of them, those whose table changes its size among them.
fn encoded_stories() -> Vec<Story> {
    ["nghttp2", "nghttp2-change-table-size", "go-hpack"].into_iter().flat_map(hpack::stories).collect()
}

fn allow<const SMALL: bool>(side: &mut Side<SMALL>, case: &Case) {
    if let Some(bytes) = case.table_bytes {
        side.decoder.allow(bytes);
    }
}

fn reads<const SMALL: bool>(story: &Story) {
    let mut side = Side::<SMALL>::with(4096);
    for (at, case) in story.cases.iter().enumerate() {
        allow(&mut side, case);
        let (lines, decoded) =
            side.decode(&case.wire).unwrap_or_else(|fault| panic!("{}, {at}: {fault}", story.name));
        assert_eq!(lines, case.lines, "{}, {at}", story.name);
        let counted: usize = lines.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
        assert_eq!((decoded.is_too_large, decoded.list_bytes as usize), (false, counted));
    }
}

#[test]
fn every_story_of_every_encoder_is_read() {
    for story in encoded_stories() {
        reads::<false>(&story);
        reads::<true>(&story);
    }
}

#[test]
fn a_block_that_is_cut_off_is_refused_everywhere_but_between_two_lines() {
    for story in encoded_stories().iter().filter(|story| story.cases.len() < 100) {
        let mut whole = Side::<false>::with(4096);
        let mut before: Vec<&Case> = Vec::new();
        for case in story.cases.iter().take(4) {
            let (mut borders, mut lines_before) = (0, 0);
            for end in 0..case.wire.len() {
                let mut side = Side::<false>::with(4096);
                for case in &before {
                    allow(&mut side, case);
                    side.decode(&case.wire).expect("as before");
                }
                allow(&mut side, case);
                match side.decode(&case.wire[..end]) {
                    Ok((lines, _)) => {
                        assert_eq!(lines[..], case.lines[..lines.len()], "{}, {end} bytes", story.name);
                        assert!(lines.len() == lines_before + 1 || lines.is_empty());
                        lines_before = lines.len();
                        borders += 1;
                    }
                    Err(HpackError::SizeUpdateMissing) => assert_eq!(lines_before, 0),
                    Err(fault) => assert_eq!(fault, HpackError::Truncated, "{}, {end} bytes", story.name),
                }
            }
            assert!(borders >= case.lines.len(), "each line but the last has an end");
            allow(&mut whole, case);
            whole.decode(&case.wire).expect("whole");
            before.push(case);
        }
    }
}

#[test]
fn with_less_memory_than_the_table_no_field_is_mistaken() {
    let mut refused = 0;
    for story in hpack::stories("nghttp2") {
        for table_bytes in [0, 1, 60, 200, 1024, 2000, 3000, 4095] {
            let mut side = Side::<false>::with(table_bytes);
            for case in &story.cases {
                match side.decode(&case.wire) {
                    Ok((lines, _)) => assert_eq!(lines, case.lines),
                    Err(fault) => {
                        assert_eq!(fault, HpackError::IndexUnknown);
                        refused += 1;
                        break;
                    }
                }
            }
        }
    }
    assert!(refused > 0 || hpack::stories("nghttp2").is_empty());
}

#[test]
fn lists_that_are_too_large_leave_the_table_as_it_must_be() {
    for story in hpack::stories("nghttp2") {
        let mut side = Side::<false>::with(4096);
        for (at, case) in story.cases.iter().enumerate() {
            // Every other list is refused: by its bytes, by its lines, or since the arena is short.
            side.limits = match at % 6 {
                1 => ListLimits { bytes_max: 100, ..LIMITS },
                3 => ListLimits { fields_max: 2, ..LIMITS },
                _ => LIMITS,
            };
            let (lines, decoded) = side.decode(&case.wire).expect("a sound block");
            if side.limits == LIMITS {
                assert_eq!(lines, case.lines);
            } else {
                assert_eq!(decoded.is_too_large, lines.len() < case.lines.len());
                assert_eq!(lines[..], case.lines[..lines.len()]);
            }
        }
    }
}

/// Encodes a list.
fn encoded<const SMALL: bool>(encoder: &mut Encoder<SMALL>, table: &mut [u8], lines: &[Line]) -> Vec<u8> {
    let mut out = vec![0; 64 * 1024];
    let mut block = encoder.begin(table, &mut out);
    for (name, value) in lines {
        match Pseudo::from_bytes(name) {
            Some(pseudo) => block.pseudo(pseudo, value),
            None => block.field(FieldName::new(name), value, false),
        }
        .expect("room");
    }
    let len = block.finish().expect("whole");
    out.truncate(len);
    out
}

/// Encodes a story with so much memory; the decoder's table changes its size on the way. Says how many bytes it took.
fn goes_around<const SMALL: bool>(story: &Story, table_bytes: usize) -> usize {
    let mut encoder = Encoder::<SMALL>::of_any_size();
    let mut table = vec![0; table_bytes];
    let mut side = Side::<false>::with(8192);
    let mut bytes = 0;
    for (at, case) in story.cases.iter().enumerate() {
        if at % 40 == 39 {
            for size in [[4096, 8192], [0, 4096], [512, 1000]][at / 40 % 3] {
                encoder.allow(size);
                side.decoder.allow(size);
            }
        }
        let block = encoded(&mut encoder, &mut table, &case.lines);
        let (lines, _) = side.decode(&block).unwrap_or_else(|fault| panic!("{}, {at}: {fault}", story.name));
        assert_eq!(lines, case.lines, "{}, {at}", story.name);
        bytes += block.len();
    }
    bytes
}

#[test]
fn every_list_that_we_encode_is_read_again() {
    for story in hpack::stories("raw-data") {
        let bytes = goes_around::<false>(&story, 4096);
        assert_eq!(bytes, goes_around::<true>(&story, 4096), "both kinds find the same entries");
        let without = goes_around::<true>(&story, 0);
        assert!(bytes <= without, "{}: {bytes} bytes with a table, {without} without", story.name);
        for table_bytes in [40, 300, 1024, 8192] {
            goes_around::<false>(&story, table_bytes);
        }
    }
}

#[test]
fn our_blocks_are_hardly_larger_than_those_of_others() {
    let theirs = |folder| -> usize {
        hpack::stories(folder).iter().flat_map(|story| &story.cases).map(|case| case.wire.len()).sum()
    };
    let (ours, theirs): (usize, usize) = (
        hpack::stories("raw-data")
            .iter()
            .map(|story| {
                let (mut encoder, mut table) = (Encoder::new(), vec![0; 4096]);
                let lens =
                    story.cases.iter().map(|case| encoded(&mut encoder, &mut table, &case.lines).len());
                lens.sum::<usize>()
            })
            .sum(),
        theirs("nghttp2"),
    );
    assert!(ours <= theirs + theirs / 50, "{ours} bytes, and {theirs}");
}
