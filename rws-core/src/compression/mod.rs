//! What HPACK and QPACK share: prefix integers, the Huffman code, and field lines as they are decoded.

pub(crate) mod huffman;
pub(crate) mod integer;
mod line;

pub(crate) use line::NameId;
pub use line::{Line, LineName, Pseudo};
