//! The device of `examples/device` seen from outside: what is asked of it, what it answered, and a server that runs it.

pub mod exchanges;
mod target;
pub mod transcript;

pub use target::Target;
