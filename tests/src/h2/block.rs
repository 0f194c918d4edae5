//! Field blocks as they are written (RFC 7541 §6): every form on demand, none chosen for the caller.

use super::huffman;

/// A field block that grows.
#[derive(Clone, Debug, Default)]
pub struct Block(pub Vec<u8>);

impl Block {
    /// An empty one.
    #[must_use]
    pub fn new() -> Block {
        Block::default()
    }

    /// The pseudo-header fields of a request over plain text.
    #[must_use]
    pub fn request(method: &str, path: &str, authority: &str) -> Block {
        Block::new()
            .field(":method", method)
            .field(":scheme", "http")
            .field(":path", path)
            .field(":authority", authority)
    }

    /// A literal that leaves the table alone, its name spelled out.
    #[must_use]
    pub fn field(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Block {
        self.raw([0x00]).string(name.as_ref()).string(value.as_ref())
    }

    /// A literal that is never to be indexed.
    #[must_use]
    pub fn never(self, name: &str, value: &str) -> Block {
        self.raw([0x10]).string(name.as_bytes()).string(value.as_bytes())
    }

    /// A literal that goes into the table.
    #[must_use]
    pub fn incremental(self, name: &str, value: &str) -> Block {
        self.raw([0x40]).string(name.as_bytes()).string(value.as_bytes())
    }

    /// A literal that goes into the table, with the name of entry `index`.
    #[must_use]
    pub fn incremental_named(self, index: u64, value: &str) -> Block {
        self.raw(integer(0x40, 6, index)).string(value.as_bytes())
    }

    /// A literal that leaves the table alone, with the name of entry `index`.
    #[must_use]
    pub fn field_named(self, index: u64, value: &str) -> Block {
        self.raw(integer(0x00, 4, index)).string(value.as_bytes())
    }

    /// A literal that leaves the table alone, both strings in the Huffman code.
    #[must_use]
    pub fn huffman(self, name: &str, value: &str) -> Block {
        let (name, value) = (huffman::encode(name.as_bytes()), huffman::encode(value.as_bytes()));
        self.raw([0x00]).huffman_string(&name).huffman_string(&value)
    }

    /// An entry of the static or dynamic table.
    #[must_use]
    pub fn indexed(self, index: u64) -> Block {
        self.raw(integer(0x80, 7, index))
    }

    /// A new size of the table.
    #[must_use]
    pub fn table_size(self, size: u64) -> Block {
        self.raw(integer(0x20, 5, size))
    }

    /// A string literal of octets as they are.
    #[must_use]
    pub fn string(self, text: &[u8]) -> Block {
        self.raw(integer(0x00, 7, text.len() as u64)).raw(text)
    }

    /// A string literal that claims to be in the Huffman code.
    #[must_use]
    pub fn huffman_string(self, octets: &[u8]) -> Block {
        self.raw(integer(0x80, 7, octets.len() as u64)).raw(octets)
    }

    /// Any octets.
    #[must_use]
    pub fn raw(mut self, octets: impl AsRef<[u8]>) -> Block {
        self.0.extend_from_slice(octets.as_ref());
        self
    }

    /// The other block behind this one.
    #[must_use]
    pub fn and(self, other: &Block) -> Block {
        self.raw(&other.0)
    }
}

/// An integer with a prefix of so many bits (RFC 7541 §5.1), its first octet's other bits as in `pattern`.
#[must_use]
pub fn integer(pattern: u8, prefix_bits: u8, value: u64) -> Vec<u8> {
    let prefix_max = (1_u64 << prefix_bits) - 1;
    if value < prefix_max {
        return vec![pattern | value as u8];
    }
    let mut octets = vec![pattern | prefix_max as u8];
    let mut rest = value - prefix_max;
    while rest >= 128 {
        octets.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    octets.push(rest as u8);
    octets
}
