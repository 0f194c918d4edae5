//! The `rws` binary.
fn main() {}
