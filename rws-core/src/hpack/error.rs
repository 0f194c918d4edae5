//! What can be wrong with a block.

use core::fmt;

/// Why a block cannot be decoded. Each is a COMPRESSION_ERROR of the connection (RFC 9113 §4.3), whose decoder cannot
/// be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum HpackError {
    /// The block ends in the middle of a line.
    Truncated,
    /// An integer is above 32 bits, or padded (RFC 7541 §5.1).
    IntegerTooLarge,
    /// An index that is 0, or that no entry has, or one that is not kept here (RFC 7541 §2.3.3).
    IndexUnknown,
    /// A text is no Huffman code, or is padded wrongly (RFC 7541 §5.2).
    HuffmanCode,
    /// A size update behind the first line (RFC 7541 §4.2).
    SizeUpdateMisplaced,
    /// A size update above what our SETTINGS allow (RFC 7541 §6.3).
    SizeUpdateTooLarge,
    /// Our SETTINGS lowered the table's size, and the block does not begin by lowering it (RFC 7541 §4.2).
    SizeUpdateMissing,
}

impl HpackError {
    /// One line that says what was wrong.
    pub const fn text(self) -> &'static str {
        match self {
            HpackError::Truncated => "a field block ends in the middle of a line",
            HpackError::IntegerTooLarge => "an integer of a field block is too large",
            HpackError::IndexUnknown => "a field block refers to an entry that is not there",
            HpackError::HuffmanCode => "a text of a field block is not Huffman code",
            HpackError::SizeUpdateMisplaced => "a table's size changes in the middle of a field block",
            HpackError::SizeUpdateTooLarge => "a table's size is set above what is allowed",
            HpackError::SizeUpdateMissing => "a table's size is not lowered as it must be",
        }
    }
}

impl fmt::Display for HpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for HpackError {}
