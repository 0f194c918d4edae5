//! The access log: one line per exchange, `combined` or `json`, written by a thread of its own.
//!
//! ```text
//!   shard ── Record<'_> ──▶ LineBuffer ──▶ bounded slot ──▶ writer's thread ──▶ sink
//!                           escaped,        never waits: a full slot
//!                           redacted        drops the line and counts
//! ```
//!
//! Everything in a [`Record`] may come from a stranger, so a line is escaped as a whole: no byte of a request can end
//! the line, close a quote or reach a terminal raw. Values of query keys that look like secrets are replaced.

mod combined;
mod json;
mod record;
mod redact;
#[cfg(test)]
mod tests;
mod time;
mod writer;

pub use record::{FIELD_BYTES_MAX, Format, Level, Record};
pub use writer::{LineBuffer, LogIntake, LogWriter};
