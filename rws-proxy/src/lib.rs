//! The parts of the `rws` binary: the command line, the checked configuration, the access log, and serving.

extern crate alloc;

pub mod access_log;
pub mod cli;
pub mod config;
pub mod serve;
pub mod site;
