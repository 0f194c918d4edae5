//! The examples of the specification are in `hpack/tests.rs`, beside those of the encoder.

use super::*;
use crate::hpack::testing::{Lines, hex, lines_of};
use std::string::String;
use std::vec;
use std::vec::Vec;

const LIMITS: ListLimits = ListLimits { bytes_max: 16 * 1024, fields_max: 100 };

/// A decoder with its memory.
struct Side {
    decoder: Decoder,
    memory: Vec<u8>,
    arena: Vec<u8>,
    limits: ListLimits,
}

impl Side {
    fn with(memory: usize, arena: usize) -> Side {
        Side { decoder: Decoder::new(), memory: vec![0; memory], arena: vec![0; arena], limits: LIMITS }
    }

    fn decode(&mut self, block: &str) -> Result<(Lines, Decoded), HpackError> {
        let Side { decoder, memory, arena, limits } = self;
        lines_of(decoder, &hex(block), memory, arena, *limits)
    }
}

fn fault(block: &str) -> HpackError {
    Side::with(4096, 4096).decode(block).expect_err("a fault")
}

#[test]
fn an_index_that_no_entry_has_is_refused() {
    for block in ["80", "be", "c0", "ff00", "ffffffff07", "7f0000", "0f2f00", "4f00", "7e00"] {
        let expected = if block == "4f00" { None } else { Some(HpackError::IndexUnknown) };
        assert_eq!(Side::with(4096, 4096).decode(block).err(), expected, "{block}");
    }
}

#[test]
fn a_size_update_is_only_taken_before_the_first_line_and_within_what_is_allowed() {
    assert!(Side::with(4096, 4096).decode("203fe11f82").is_ok(), "two of them");
    assert_eq!(fault("8220"), HpackError::SizeUpdateMisplaced);
    assert_eq!(fault("3fe21f"), HpackError::SizeUpdateTooLarge);
    let mut side = Side::with(4096, 4096);
    side.decoder.allow(8192);
    assert!(side.decode("3fe13f82").is_ok());
}

#[test]
fn a_size_that_was_lowered_must_be_said_to_be() {
    let lowered = |sizes: &[u32], block: &str| {
        let mut side = Side::with(4096, 4096);
        for &size in sizes {
            side.decoder.allow(size);
        }
        side.decode(block).map(|_| ())
    };
    assert_eq!(lowered(&[100], "82"), Err(HpackError::SizeUpdateMissing));
    assert_eq!(lowered(&[100], "3f4582"), Ok(()));
    assert_eq!(lowered(&[100], "3f4682"), Err(HpackError::SizeUpdateTooLarge));
    assert_eq!(lowered(&[100], "2082"), Ok(()));
    assert_eq!(lowered(&[100], ""), Ok(()));
    // Lowered and raised between two blocks: the least must be said, then anything that is allowed.
    assert_eq!(lowered(&[0, 4096], "82"), Err(HpackError::SizeUpdateMissing));
    assert_eq!(lowered(&[0, 4096], "3fe11f82"), Err(HpackError::SizeUpdateMissing));
    assert_eq!(lowered(&[0, 4096], "2082"), Ok(()));
    assert_eq!(lowered(&[0, 4096], "203fe11f82"), Ok(()));
    assert_eq!(lowered(&[8192], "82"), Ok(()));
    assert_eq!(lowered(&[8192, 4096], "82"), Ok(()));
}

#[test]
fn a_size_that_is_low_already_need_not_be_said_again() {
    let mut side = Side::with(4096, 4096);
    assert!(side.decode("2082").is_ok());
    side.decoder.allow(100);
    assert!(side.decode("82").is_ok());
    side.decoder.allow(50);
    side.decoder.allow(4096);
    assert!(side.decode("3fe11f82").is_ok());
}

#[test]
fn a_change_of_size_drops_entries() {
    let mut side = Side::with(4096, 4096);
    assert!(side.decode("400161014062000140026364016540").is_err(), "one of the integers is cut off");
    let mut side = Side::with(4096, 4096);
    assert!(side.decode("40016101624001630164bebf").is_ok());
    assert_eq!(
        side.decode("3f0380bebf").err(),
        Some(HpackError::IndexUnknown),
        "34 bytes hold one entry of 34"
    );
    let mut side = Side::with(4096, 4096);
    assert!(side.decode("40016101624001630164").is_ok());
    let (lines, _) = side.decode("3f03be").expect("the newer one is there");
    assert_eq!(lines.to_text(), ["c: d"]);
    assert_eq!(side.decode("bf").err(), Some(HpackError::IndexUnknown));
}

#[test]
fn a_line_that_is_never_indexed_keeps_its_mark() {
    let (lines, _) = Side::with(4096, 4096).decode("1001610162 0001610162 1f080163").expect("decodes");
    let marks: Vec<bool> = lines.0.iter().map(|line| line.never_indexed).collect();
    assert_eq!(marks, [true, false, true]);
}

#[test]
fn names_with_upper_case_and_values_with_control_bytes_are_told() {
    let sound = |block: &str| {
        let (lines, _) = Side::with(4096, 4096).decode(block).expect("decodes");
        lines.0.iter().map(|line| line.is_well_formed).collect::<Vec<_>>()
    };
    // `a: b`, `A: b`, `Date: b`, `date: b`, `a b: c`, an empty name, `:odd: c`
    assert_eq!(
        sound("000161016200014101620004446174650162000464617465016200036120620163000001630004 3a6f6464 0163"),
        [true, false, false, true, false, false, false]
    );
    // Values: with LF, with a space at the end, empty, with a tab inside; and so from the table.
    assert_eq!(
        sound("400161026a0a 4001610262 20 40016100 40016103620962 c1 c0 bf be"),
        [false, false, true, true, false, false, true, true]
    );
}

#[test]
fn a_list_that_is_too_large_is_decoded_to_its_end() {
    // `a: bbbb` into the table, twice, and once more by its index; then what shows whether the table holds them.
    let block = "4001610462626262 4001630464646464 be bf";
    for (bytes_max, fields_max) in [(0, 100), (36, 100), (73, 100), (147, 100), (16384, 0), (16384, 3)] {
        let mut side = Side::with(4096, 4096);
        side.limits = ListLimits { bytes_max, fields_max };
        let (lines, decoded) = side.decode(block).expect("no fault of the connection");
        assert!(decoded.is_too_large);
        assert!(lines.0.len() < 4);
        side.limits = LIMITS;
        let (lines, decoded) = side.decode("bebf").expect("the next block");
        assert_eq!(lines.to_text(), ["c: dddd", "a: bbbb"]);
        assert_eq!((decoded.is_too_large, decoded.fields, decoded.list_bytes), (false, 2, 74));
    }
    let mut side = Side::with(4096, 4096);
    side.limits = ListLimits { bytes_max: 148, fields_max: 4 };
    let (lines, decoded) = side.decode(block).expect("just fits");
    assert_eq!((lines.0.len(), decoded.is_too_large, decoded.list_bytes), (4, false, 148));
}

#[test]
fn an_arena_of_any_size_changes_no_field_and_no_later_one() {
    let blocks = [
        "82 4001610462626262 40036e616d0464646464 be bf be",
        "bebf 7e0563636363 63 be 408825a849e95ba97d7f8925a849e95bb8e8b4bf be",
        "84 bebfc0 0f2f 0161",
    ];
    let whole: Vec<Vec<String>> = {
        let mut side = Side::with(4096, 4096);
        blocks.iter().map(|block| side.decode(block).expect("decodes").0.to_text()).collect()
    };
    for arena in 0..80 {
        let mut side = Side::with(4096, arena);
        for (block, whole) in blocks.iter().zip(&whole) {
            // A short arena may lose an entry, but none becomes another.
            let Ok((lines, decoded)) = side.decode(block) else { break };
            let text = lines.to_text();
            assert_eq!(decoded.is_too_large, text.len() < whole.len(), "arena {arena}");
            assert_eq!(text[..], whole[..text.len()], "arena {arena}");
        }
    }
}

#[test]
fn memory_of_any_size_loses_entries_but_never_mistakes_one() {
    let mut blocks: Vec<String> = Vec::new();
    for at in 0..40_u8 {
        let value = "62".repeat(usize::from(at % 7));
        blocks.push(std::format!("40 02 78{:02x} {:02x} {value} be", 0x61 + at % 26, at % 7));
        blocks.push(std::format!("{:02x} bf c2", 0xbe + at % 5));
    }
    let whole: Vec<_> = {
        let mut side = Side::with(4096, 4096);
        blocks.iter().map(|block| side.decode(block).map(|found| found.0.to_text())).collect()
    };
    let mut lost = 0;
    for memory in 0..600 {
        let mut side = Side::with(memory, 4096);
        for (block, whole) in blocks.iter().zip(&whole) {
            match side.decode(block) {
                Ok((lines, _)) => assert_eq!(Ok(lines.to_text()), *whole, "memory {memory}"),
                Err(fault) => {
                    assert_eq!(fault, HpackError::IndexUnknown);
                    lost += 1;
                    break;
                }
            }
        }
    }
    assert!(lost > 0);
}

#[test]
fn a_block_that_is_cut_off_is_refused_at_every_place_but_between_lines() {
    let block = hex(
        "82 4001610462626262 40036e616d0464646464 7f80010161 1f2f0161 408825a849e95ba97d7f8925a849e95bb8e8b4bf be",
    );
    let mut whole = Vec::new();
    let mut ends = Vec::new();
    for end in 0..=block.len() {
        let (mut memory, mut arena) = (vec![0; 4096], vec![0; 4096]);
        match lines_of(&mut Decoder::new(), &block[..end], &mut memory, &mut arena, LIMITS) {
            Ok((lines, _)) => {
                assert_eq!(lines.0.len(), ends.len());
                whole = lines.to_text();
                ends.push(end);
            }
            Err(HpackError::IndexUnknown) => break,
            Err(fault) => assert_eq!(fault, HpackError::Truncated, "{end} bytes"),
        }
    }
    assert!(whole.len() > 1);
}
