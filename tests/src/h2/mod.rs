//! HTTP/2 by hand: a client that sends whatever frames it likes, right or wrong.
//!
//! It shares nothing with the engine it is to judge: frames, HPACK and the Huffman code are written here once more, for
//! clarity and not for speed.

mod audit;
mod block;
pub mod codes;
mod decoder;
pub mod frame;
pub mod huffman;
mod peer;
mod response;
mod static_table;

pub use block::{Block, integer};
pub use codes::{Code, name_of};
pub use decoder::{Decoder, Field};
pub use frame::Frame;
pub use peer::{Got, PREFACE, Peer, Stop};
pub use response::{End, Response};
