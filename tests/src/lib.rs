//! What several suites share: a client over a raw socket, bodies too large for memory, the corpora, and what is asked
//! of the device.

pub mod content;
pub mod corpora;
pub mod device;
pub mod h2;
pub mod peer;
pub mod smuggling;
pub mod streaming;
