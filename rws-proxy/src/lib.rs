//! The parts of the `rws` binary.
