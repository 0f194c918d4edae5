use super::*;
use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

/// A table with room for everything, as the specification has it: the newest first.
struct Model {
    max: usize,
    entries: VecDeque<(Vec<u8>, Vec<u8>)>,
}

impl Model {
    fn size(&self) -> usize {
        self.entries.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
    }

    fn insert(&mut self, name: &[u8], value: &[u8]) {
        self.entries.push_front((name.to_vec(), value.to_vec()));
        while self.size() > self.max {
            self.entries.pop_back();
        }
    }
}

fn insert(table: &mut Table, name: &[u8], value: &[u8], flags: u8, memory: &mut [u8]) -> bool {
    let (name_len, value_len) = (name.len() as u32, value.len() as u32);
    let Some(at) = table.insert(Entry { name: NameId::OTHER, name_len, value_len, flags }, memory) else {
        return false;
    };
    table.put(at, memory, name, 0, name.len());
    table.put(at + name.len(), memory, value, 0, value.len());
    true
}

/// Inserts many entries of many sizes; looks after each that what the table has is what the model has.
fn walk(room: usize, max: usize, lens: &mut dyn FnMut() -> usize) -> usize {
    let mut table = Table::new(max as u32);
    let mut memory = vec![0; room];
    table.lend(&mut memory);
    let mut model = Model { max, entries: VecDeque::new() };
    let mut missing = 0;
    for step in 0..if cfg!(miri) { 40 } else { 400_usize } {
        let (name, value) = (vec![step as u8; lens() % 20 + 1], vec![!step as u8; lens()]);
        insert(&mut table, &name, &value, step as u8, &mut memory);
        model.insert(&name, &value);
        for (age, (name, value)) in (0..).zip(&model.entries) {
            match table.record(age, &memory) {
                Some(record) => {
                    assert_eq!(table.bytes(record, &memory), (&name[..], &value[..]));
                    assert_eq!(record.flags, (step as u8).wrapping_sub(age as u8));
                }
                None => missing += 1,
            }
        }
        assert!(table.record(model.entries.len() as u32, &memory).is_none());
        assert!(table.size() as usize <= model.size());
    }
    missing
}

#[test]
fn memory_as_long_as_the_table_keeps_all_of_it() {
    let mut seed = 1_usize;
    for room in [64, 100, 128, 500, 1024, 4096] {
        for most in [1, 5, 40, 200, room] {
            let missing = walk(room, room, &mut || {
                seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
                (seed >> 8) % most
            });
            assert_eq!(missing, 0, "room {room}, up to {most} bytes");
        }
    }
}

#[test]
fn less_memory_keeps_the_newest() {
    let mut seed = 1_usize;
    for room in [0, 1, 8, 9, 50, 100, 1000] {
        let missing = walk(room, 4096, &mut || {
            seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
            (seed >> 8) % 60
        });
        assert!(missing > 0, "room {room}");
    }
}

#[test]
fn an_entry_that_is_larger_than_the_table_empties_it() {
    let (mut table, mut memory) = (Table::new(100), [0; 100]);
    table.lend(&mut memory);
    assert!(insert(&mut table, b"a", b"b", 0, &mut memory));
    assert!(insert(&mut table, b"a", &[b'b'; 67], 0, &mut memory));
    assert_eq!((table.len(), table.size()), (1, 100));
    assert!(!insert(&mut table, b"a", &[b'b'; 68], 0, &mut memory));
    assert_eq!((table.len(), table.size()), (0, 0));
}

#[test]
fn other_memory_holds_nothing() {
    let (mut table, mut memory) = (Table::new(4096), [0; 100]);
    table.lend(&mut memory);
    assert!(insert(&mut table, b"a", b"b", 0, &mut memory));
    table.lend(&mut memory);
    assert_eq!(table.len(), 1);
    table.lend(&mut memory[..99]);
    assert_eq!(table.len(), 0);
}

#[test]
fn memory_that_grows_keeps_what_is_in_it() {
    for steps in 1..if cfg!(miri) { 6 } else { 60_usize } {
        let (mut table, mut memory) = (Table::new(4096), vec![0; 64 + 7 * steps]);
        table.lend(&mut memory);
        for step in 0..steps {
            insert(&mut table, &[step as u8; 5], &vec![step as u8; step % 30], 0, &mut memory);
        }
        let held = |table: &Table, memory: &[u8]| -> Vec<Vec<u8>> {
            let records = (0..table.len()).map(|age| table.record(age, memory).unwrap());
            records
                .map(|record| {
                    let (name, value) = table.bytes(record, memory);
                    [name, value].concat()
                })
                .collect()
        };
        let before = held(&table, &memory);
        assert!(!before.is_empty() && table.bytes_at_most() as usize >= table.alive_bytes(&memory));
        memory.resize(memory.len() + 13 * steps, 0xff);
        table.lend(&mut memory);
        assert_eq!(held(&table, &memory), before);
        assert!(insert(&mut table, b"more", b"of it", 0, &mut memory));
        assert_eq!(held(&table, &memory)[1..], before[..table.len() as usize - 1]);
        assert!(!table.is_short(), "since then nothing had to go");
    }
}

const _: () = assert!(size_of::<Table>() <= 20);
