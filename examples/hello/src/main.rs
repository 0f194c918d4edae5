//! The server that tests and benches measure with.
fn main() {}
