//! Field blocks from a peer: both kinds of decoder, with any memory, read the same; what was read, encoded, reads so
//! again.
//!
//! The first byte of an input says how long the table's memory is, the second how long the arena is and what the list
//! may have; then come blocks, each behind its length in a byte (0 for 256).

use rws_core::FieldName;
use rws_core::hpack::{Decoded, Decoder, Encoder, HpackError, LineName, ListLimits, Pseudo};

const LIMITS: ListLimits = ListLimits { bytes_max: 1 << 20, fields_max: u16::MAX };

/// A name as it is sent, a value, never indexed, well formed.
type Line = (Vec<u8>, Vec<u8>, bool, bool);

/// A decoder and what it is lent.
struct Side<const SMALL: bool> {
    decoder: Decoder<SMALL>,
    memory: Vec<u8>,
    arena: Vec<u8>,
    limits: ListLimits,
}

impl<const SMALL: bool> Side<SMALL> {
    fn new(memory: usize, arena: usize, limits: ListLimits) -> Side<SMALL> {
        Side { decoder: Decoder::of_any_size(), memory: vec![0; memory], arena: vec![0xee; arena], limits }
    }

    fn read(&mut self, block: &[u8]) -> Result<(Vec<Line>, Decoded), HpackError> {
        let mut lines = Vec::new();
        let Side { decoder, memory, arena, limits } = self;
        let decoded = decoder.decode(block, memory, arena, *limits, |line, arena| {
            let name = match line.name {
                LineName::Pseudo(pseudo) => pseudo.as_str().into(),
                LineName::Known(known) => known.as_str().to_ascii_lowercase().into_bytes(),
                LineName::Other(name) => name.bytes(arena).to_vec(),
            };
            let value = line.value.bytes(arena).to_vec();
            lines.push((name, value, line.never_indexed, line.is_well_formed));
        })?;
        Ok((lines, decoded))
    }
}

/// See the module's head.
pub fn check(data: &[u8]) {
    let [memory, sizes, data @ ..] = data else { return };
    let memory = usize::from(*memory) * 24;
    let arena = 64 * 1024 >> (sizes & 0xf);
    let limits = if sizes & 0x10 == 0 {
        LIMITS
    } else {
        ListLimits { bytes_max: 500, fields_max: u16::from(sizes >> 5) }
    };
    let mut whole = Side::<false>::new(u16::MAX.into(), u16::MAX.into(), LIMITS);
    let mut same = Side::<true>::new(u16::MAX.into(), u16::MAX.into(), LIMITS);
    let mut scant = Side::<false>::new(memory, arena, limits);
    let mut also_scant = Side::<true>::new(memory, arena, limits);
    let mut is_scant_well = true;
    let mut around = Around::new(memory);
    for block in blocks(data) {
        let read = whole.read(block);
        assert_eq!(same.read(block), read);
        if is_scant_well {
            let seen = scant.read(block);
            assert_eq!(also_scant.read(block), seen);
            is_scant_well = seen.is_ok();
            compare(&seen, &read);
        }
        let Ok((lines, decoded)) = read else { break };
        // A list of some 65,535 bytes has no room, whoever decodes it.
        if decoded.is_too_large {
            break;
        }
        for (name, value, _, is_well_formed) in &lines {
            assert!(!is_well_formed || rws_core::message::is_field_value(value));
            assert!(!is_well_formed || !name.iter().any(u8::is_ascii_uppercase));
        }
        around.check(&lines);
    }
}

/// With little memory lines may go missing, with a fault or since the list is too large, but none is another.
fn compare(seen: &Result<(Vec<Line>, Decoded), HpackError>, read: &Result<(Vec<Line>, Decoded), HpackError>) {
    match (seen, read) {
        (Ok((lines, decoded)), Ok((all, _))) => {
            assert_eq!(lines[..], all[..lines.len()]);
            assert!(decoded.is_too_large || lines.len() == all.len());
        }
        (Err(HpackError::IndexUnknown), _) => {}
        (Err(fault), Err(other)) => assert_eq!(fault, other),
        (Err(fault), Ok(_)) => panic!("{fault}"),
        (Ok(_), Err(fault)) => panic!("not refused: {fault}"),
    }
}

fn blocks(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (&len, rest) = data.split_first()?;
        let len = if len == 0 { 256 } else { usize::from(len) };
        let (block, more) = rest.split_at(len.min(rest.len()));
        data = more;
        Some(block)
    })
}

/// Two encoders of ours, and who reads what they write.
struct Around {
    quick: Encoder<false>,
    small: Encoder<true>,
    memory: [Vec<u8>; 2],
    readers: [Side<false>; 2],
}

impl Around {
    fn new(memory: usize) -> Around {
        let reader = || Side::new(u16::MAX.into(), u16::MAX.into(), LIMITS);
        Around {
            quick: Encoder::of_any_size(),
            small: Encoder::of_any_size(),
            memory: [vec![0; memory], vec![0; memory]],
            readers: [reader(), reader()],
        }
    }

    fn check(&mut self, lines: &[Line]) {
        let [quick, small] = &mut self.memory;
        let blocks = [encoded(&mut self.quick, quick, lines), encoded(&mut self.small, small, lines)];
        for (block, reader) in blocks.iter().zip(&mut self.readers) {
            let (again, _) = reader.read(block).expect("a block of ours");
            assert_eq!(again.len(), lines.len());
            for ((name, value, marked, _), line) in again.iter().zip(lines) {
                assert_eq!((name, value), (&line.0.to_ascii_lowercase(), &line.1));
                // A head keeps no marks of pseudo-fields.
                assert!(*marked || !line.2 || name.starts_with(b":"), "a mark is passed on");
            }
        }
    }
}

fn encoded<const SMALL: bool>(encoder: &mut Encoder<SMALL>, memory: &mut [u8], lines: &[Line]) -> Vec<u8> {
    let mut out = vec![0; 256 * 1024];
    let mut block = encoder.begin(memory, &mut out);
    for (name, value, marked, _) in lines {
        match Pseudo::from_bytes(name) {
            Some(pseudo) => block.pseudo(pseudo, value),
            None => block.field(FieldName::new(name), value, *marked),
        }
        .expect("room");
    }
    let len = block.finish().expect("whole");
    out.truncate(len);
    out
}
