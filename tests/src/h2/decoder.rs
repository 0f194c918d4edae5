//! Reading what a server wrote with HPACK (RFC 7541), strictly.

use super::huffman;
use super::static_table::ENTRIES;

/// A name and a value.
pub type Field = (String, Vec<u8>);

type Fault = String;

/// One direction of a connection: the dynamic table, newest entry first.
#[derive(Debug)]
pub struct Decoder {
    entries: Vec<Field>,
    /// As the last update said.
    size: usize,
    /// As we allow by SETTINGS.
    size_max: usize,
    /// The next block has to begin with an update that goes down to this.
    due: Option<usize>,
    /// How often the other side changed the size of the table.
    pub updates: usize,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder { entries: Vec::new(), size: 4096, size_max: 4096, due: None, updates: 0 }
    }
}

impl Decoder {
    /// We have said, and the other side has acknowledged, that the table may have this size.
    pub fn limit(&mut self, size: usize) {
        self.size_max = size;
        if size < self.held() {
            self.due = Some(size);
        }
    }

    /// The fields of a whole block.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn decode(&mut self, block: &[u8]) -> Result<Vec<Field>, Fault> {
        let mut fields = Vec::new();
        let mut input = Input(block);
        while let Some(first) = input.0.first().copied() {
            if first & 0xe0 == 0x20 {
                let size = input.integer(5)?;
                self.resize(size, fields.is_empty())?;
                continue;
            }
            if self.due.is_some() {
                return Err("no update of the table's size after its reduction (RFC 9113 §4.3.1)".to_owned());
            }
            if first & 0x80 != 0 {
                let index = input.integer(7)?;
                fields.push(self.entry(index)?);
                continue;
            }
            let is_kept = first & 0x40 != 0;
            let index = input.integer(if is_kept { 6 } else { 4 })?;
            let name = if index == 0 { text(input.string()?)? } else { self.entry(index)?.0 };
            let value = input.string()?;
            if is_kept {
                self.insert((name.clone(), value.clone()));
            }
            fields.push((name, value));
        }
        Ok(fields)
    }

    fn resize(&mut self, size: usize, is_first: bool) -> Result<(), Fault> {
        if !is_first {
            return Err("an update of the table's size behind a field (RFC 7541 §4.2)".to_owned());
        }
        if size > self.size_max {
            return Err(format!("a table of {size} octets, allowed are {} (RFC 7541 §6.3)", self.size_max));
        }
        self.updates += 1;
        self.due = self.due.filter(|due| size > *due);
        self.size = size;
        self.evict(size);
        Ok(())
    }

    fn entry(&self, index: usize) -> Result<Field, Fault> {
        let missing = || format!("index {index} is not there (RFC 7541 §2.3.3)");
        let at = index.checked_sub(1).ok_or_else(missing)?;
        if let Some((name, value)) = ENTRIES.get(at) {
            return Ok(((*name).to_owned(), value.as_bytes().to_owned()));
        }
        self.entries.get(at - ENTRIES.len()).cloned().ok_or_else(missing)
    }

    fn insert(&mut self, field: Field) {
        let own = octets(&field);
        self.evict(self.size.saturating_sub(own));
        if own <= self.size {
            self.entries.insert(0, field);
        }
    }

    fn evict(&mut self, size: usize) {
        while self.held() > size {
            self.entries.pop();
        }
    }

    fn held(&self) -> usize {
        self.entries.iter().map(octets).sum()
    }
}

fn octets((name, value): &Field) -> usize {
    name.len() + value.len() + 32
}

fn text(octets: Vec<u8>) -> Result<String, Fault> {
    String::from_utf8(octets).map_err(|_| "a name that is no text".to_owned())
}

struct Input<'b>(&'b [u8]);

impl Input<'_> {
    fn octet(&mut self) -> Result<u8, Fault> {
        let (first, rest) = self.0.split_first().ok_or("the block ends within a field")?;
        self.0 = rest;
        Ok(*first)
    }

    fn integer(&mut self, prefix_bits: u8) -> Result<usize, Fault> {
        let prefix_max = (1_usize << prefix_bits) - 1;
        let mut value = usize::from(self.octet()?) & prefix_max;
        if value < prefix_max {
            return Ok(value);
        }
        for shift in (0..28).step_by(7) {
            let octet = self.octet()?;
            value += usize::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("an integer without an end".to_owned())
    }

    fn string(&mut self) -> Result<Vec<u8>, Fault> {
        let is_huffman = self.0.first().is_some_and(|first| first & 0x80 != 0);
        let length = self.integer(7)?;
        let (octets, rest) = self.0.split_at_checked(length).ok_or("a string beyond the block's end")?;
        self.0 = rest;
        if is_huffman { huffman::decode(octets).map_err(str::to_owned) } else { Ok(octets.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Decoder;
    use crate::h2::Block;

    #[test]
    fn blocks_of_every_form_are_read_and_the_table_follows() {
        let mut decoder = Decoder::default();
        let block = Block::new().indexed(2).field("a", "b").never("c", "d").incremental("e", "f").indexed(62);
        let fields = decoder.decode(&block.0).expect("a sound block");
        let expected = [(":method", "GET"), ("a", "b"), ("c", "d"), ("e", "f"), ("e", "f")];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.as_bytes().to_owned())));
        assert_eq!(decoder.held(), 34);
        let block = Block::new().table_size(0).huffman("name", "value");
        assert_eq!(decoder.decode(&block.0), Ok(vec![("name".to_owned(), b"value".to_vec())]));
        assert_eq!(decoder.held(), 0);
        assert!(decoder.decode(&Block::new().indexed(62).0).is_err());
    }

    #[test]
    fn a_reduced_table_is_demanded_of_the_next_block() {
        let mut decoder = Decoder::default();
        decoder.decode(&Block::new().incremental("e", "f").0).expect("a sound block");
        decoder.limit(0);
        assert!(decoder.decode(&Block::new().indexed(2).0).is_err());
        assert!(decoder.decode(&Block::new().table_size(1).0).is_err());
        assert!(decoder.decode(&Block::new().table_size(0).indexed(2).0).is_ok());
    }
}
