//! What several suites share: a client over a raw socket, and bodies too large for memory.

pub mod content;
pub mod peer;
pub mod streaming;
