//! What requests and responses mean, whatever carries them: pure functions over field values.
//!
//! | module | what | source |
//! |---|---|---|
//! | [`date`] | IMF-fixdate out, three forms in | RFC 9110 §5.6.7 |
//! | [`etag`] | entity tags: parse, compare, make from a file's time and length | RFC 9110 §8.8.3 |
//! | [`conditional`] | preconditions, in their order | RFC 9110 §13 |
//! | [`range`] | byte ranges | RFC 9110 §14 |
//! | [`media_type`] | by extension, and parsed | RFC 9110 §8.3 |
//! | [`accept_encoding`] | the coding to answer with | RFC 9110 §12.5.3 |
//! | [`hop_by_hop`] | which fields end at the next hop | RFC 9110 §7.6.1 |
//! | [`list`] | comma-separated lists and parameters | RFC 9110 §5.6.1, §5.6.6 |

pub mod accept_encoding;
pub mod conditional;
pub mod date;
pub mod etag;
pub mod hop_by_hop;
pub mod list;
pub mod media_type;
pub mod range;
