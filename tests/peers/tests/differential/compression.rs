//! Field blocks of ours and of fluke-hpack's, read by the other; and blocks that nobody would write, read by both.

use rws_core::FieldName;
use rws_core::hpack::{Decoder, Encoder, LineName, ListLimits, Pseudo};

use crate::cases;
use crate::dice::Dice;

const LIMITS: ListLimits = ListLimits { bytes_max: 1 << 20, fields_max: u16::MAX };
const NAMES: [&str; 12] = [
    ":method",
    ":path",
    ":status",
    ":authority",
    "accept-encoding",
    "cookie",
    "set-cookie",
    "x-own",
    "x-other",
    "cache-control",
    "sec-fetch-mode",
    "etag",
];
const VALUES: [&str; 10] = [
    "GET",
    "/",
    "200",
    "gzip, deflate",
    "",
    "a",
    "no-cache",
    "\u{1}\u{7f}\u{ff}",
    "text/html; charset=utf-8",
    "0",
];

type Line = (Vec<u8>, Vec<u8>);

fn list(dice: &mut Dice) -> Vec<Line> {
    let line = |dice: &mut Dice| {
        let mut value = VALUES[dice.roll(VALUES.len())].to_owned();
        if dice.roll(3) == 0 {
            value += &"long and longer ".repeat(dice.roll(12));
        }
        (NAMES[dice.roll(NAMES.len())].as_bytes().to_vec(), value.trim_end().as_bytes().to_vec())
    };
    // Never empty: they refuse a block that only changes the table's size.
    (0..=dice.roll(13)).map(|_| line(dice)).collect()
}

struct Ours {
    decoder: Decoder,
    memory: Vec<u8>,
    arena: Vec<u8>,
}

impl Ours {
    fn new() -> Ours {
        Ours { decoder: Decoder::new(), memory: vec![0; 4096], arena: vec![0; 32 * 1024] }
    }

    fn read(&mut self, block: &[u8]) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        let decoded = self.decoder.decode(block, &mut self.memory, &mut self.arena, LIMITS, |line, arena| {
            let name = match line.name {
                LineName::Pseudo(pseudo) => pseudo.as_str().into(),
                LineName::Known(known) => known.as_str().to_ascii_lowercase().into_bytes(),
                LineName::Other(name) => name.bytes(arena).to_vec(),
            };
            lines.push((name, line.value.bytes(arena).to_vec()));
        });
        decoded.ok().map(|decoded| {
            assert!(!decoded.is_too_large);
            lines
        })
    }
}

fn encoded(encoder: &mut Encoder, memory: &mut [u8], list: &[Line]) -> Vec<u8> {
    let mut out = vec![0; 32 * 1024];
    let mut block = encoder.begin(memory, &mut out);
    for (name, value) in list {
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

#[test]
fn what_we_encode_others_read() {
    for seed in 0..cases(10) {
        let mut dice = Dice::new(seed);
        let (mut encoder, mut theirs) = (Encoder::new(), fluke_hpack::Decoder::new());
        let mut memory = vec![0; [0, 64, 500, 4096][dice.roll(4)]];
        for _ in 0..40 {
            let list = list(&mut dice);
            let block = encoded(&mut encoder, &mut memory, &list);
            assert_eq!(theirs.decode(&block).ok(), Some(list), "seed {seed}");
        }
    }
}

#[test]
fn what_others_encode_we_read() {
    for seed in 0..cases(10) {
        let mut dice = Dice::new(seed);
        let (mut encoder, mut ours) = (fluke_hpack::Encoder::new(), Ours::new());
        for _ in 0..40 {
            let list = list(&mut dice);
            let block = encoder.encode(list.iter().map(|(name, value)| (&name[..], &value[..])));
            assert_eq!(ours.read(&block), Some(list), "seed {seed}");
        }
    }
}

#[test]
fn a_block_that_was_damaged_is_refused_or_read_alike() {
    let (mut refused, mut alike) = (0, 0);
    for seed in 0..cases(500) {
        let mut dice = Dice::new(seed);
        let (mut encoder, mut memory) = (Encoder::new(), vec![0; 4096]);
        let (mut ours, mut theirs) = (Ours::new(), fluke_hpack::Decoder::new());
        for at in 0..4 {
            let mut block = encoded(&mut encoder, &mut memory, &list(&mut dice));
            if at > 0 && !block.is_empty() {
                let at = dice.roll(block.len());
                block[at] ^= 1 << dice.roll(8);
            }
            // What they accept beyond us is of no concern here; what both accept is the same.
            let Some(read) = ours.read(&block) else {
                refused += 1;
                break;
            };
            match theirs.decode(&block) {
                Ok(lines) => assert_eq!(lines, read, "seed {seed}"),
                Err(_) => break,
            }
            alike += 1;
        }
    }
    assert!(refused > 0 && alike > 0);
}
