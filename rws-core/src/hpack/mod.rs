//! HPACK, the field compression of HTTP/2 (RFC 7541), over lent memory.
//!
//! ```text
//!   block ─▶ Decoder::decode(block, table memory, arena, limits, each) ─▶ each(Line, arena) per line, in order
//!   Encoder::begin(table memory, out) ─▶ BlockOut: pseudo, field … finish ─▶ block
//! ```
//!
//! Both keep counters only; the bytes of a table are lent for each call, and must be those of the call before, or more of them. As
//! many of the newest entries are kept as they hold; none may be lent. A connection that lends less than the
//! specification's 4,096 bytes is still right about every field: a reference to an entry that it has not kept is an
//! error of the connection, never another field.
//!
//! A field list that is too large does not end the decoding: the rest of its block is still read, for the table's
//! sake, so that its stream alone can be refused.

mod decoder;
mod encoder;
mod error;
mod static_table;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use crate::compression::{Line, LineName, Pseudo};
pub use decoder::{Decoded, Decoder, ListLimits};
pub(crate) use encoder::{Beginning, Repeated};
pub use encoder::{BlockOut, Encoder};
pub use error::HpackError;

/// What both tables may count until a setting says otherwise: bytes (RFC 9113 §6.5.2).
pub const TABLE_BYTES_DEFAULT: u32 = 4096;
