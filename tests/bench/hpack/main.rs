//! HPACK over a story of the public corpus, N times, for callgrind: `hpack-count decode|encode FILE N`.
//!
//! Each pass is one connection with tables of 4,096 bytes. Decoding validates every line and fills the index of a
//! field block, as a server's connection has it done. Encoding begins with names whose ids are known, as those of the
//! fields of a head are. The last line says how many fields one pass has.

use core::hint::black_box;
use std::process::ExitCode;

use rws_core::hpack::{Decoder, Encoder, ListLimits, Pseudo};
use rws_core::{Field, FieldName};
use rws_tests::corpora::hpack::{self, Story};

const LIMITS: ListLimits = ListLimits { bytes_max: 64 * 1024, fields_max: 128 };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, file, times] = &arguments[..] else { return wrong("usage: hpack-count decode|encode FILE N") };
    let Ok(times) = times.parse::<u64>() else { return wrong("N is a number") };
    let Ok(text) = std::fs::read_to_string(file) else { return wrong("the story cannot be read") };
    let story = hpack::story(&text);
    let lists = lists(&story);
    let mut memory = Memory { table: [0; 4096], text: [0; 16 * 1024], fields: [Field::ZERO; 128] };
    for _ in 0..times {
        let done = match &what[..] {
            "decode" => decode(black_box(&story), &mut memory),
            "encode" => encode(black_box(&lists), &mut memory),
            _ => return wrong("it is either decode or encode"),
        };
        if !done {
            return wrong("the story has a block that is not sound");
        }
    }
    println!("{}", story.cases.iter().map(|case| case.lines.len()).sum::<usize>());
    ExitCode::SUCCESS
}

/// What a connection is lent: for its table, and for the head on its way.
struct Memory {
    table: [u8; 4096],
    text: [u8; 16 * 1024],
    fields: [Field; 128],
}

fn wrong(text: &str) -> ExitCode {
    eprintln!("hpack-count: {text}");
    ExitCode::from(2)
}

#[inline(never)]
fn decode(story: &Story, memory: &mut Memory) -> bool {
    let Memory { table, text, fields } = memory;
    let mut decoder = Decoder::new();
    story.cases.iter().all(|case| {
        let (mut count, mut pseudo) = (0, 0_u32);
        let decoded = decoder.decode(&case.wire, table, text, LIMITS, |line, _| match line.field() {
            Some(field) if line.is_well_formed => {
                if let Some(slot) = fields.get_mut(count) {
                    *slot = field;
                    count += 1;
                }
            }
            _ => pseudo += u32::from(line.value.len),
        });
        black_box((&*fields, count, pseudo, decoded.is_ok_and(|decoded| !decoded.is_too_large))).3
    })
}

#[inline(never)]
fn encode(lists: &[List<'_>], memory: &mut Memory) -> bool {
    let mut encoder = Encoder::new();
    lists.iter().all(|list| {
        let mut block = encoder.begin(&mut memory.table, &mut memory.text);
        for (name, value) in list {
            let done = match *name {
                Name::Pseudo(pseudo) => block.pseudo(pseudo, value),
                Name::Field(field) => block.field(field, value, false),
            };
            if done.is_err() {
                return false;
            }
        }
        black_box(block.finish()).is_ok()
    })
}

type List<'s> = Vec<(Name<'s>, &'s [u8])>;

enum Name<'s> {
    Pseudo(Pseudo),
    Field(FieldName<'s>),
}

fn lists(story: &Story) -> Vec<List<'_>> {
    story
        .cases
        .iter()
        .map(|case| case.lines.iter().map(|(name, value)| (named(name), &value[..])).collect())
        .collect()
}

fn named(name: &[u8]) -> Name<'_> {
    Pseudo::from_bytes(name).map_or_else(|| Name::Field(FieldName::new(name)), Name::Pseudo)
}
