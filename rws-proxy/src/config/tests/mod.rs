//! The configuration as a whole: what is said about mistakes, which source wins, and that pages and examples are true.

mod mistakes;
mod pages;
mod random;
mod sources;

use super::{Config, Diagnostic, check_str};

/// The configuration of a text without a mistake.
fn good(text: &str) -> Config {
    match check_str(text) {
        Ok(config) => config,
        Err(diagnostics) => panic!("{}", super::render_all(&diagnostics, false)),
    }
}

/// The mistakes of a text.
fn bad(text: &str) -> Vec<Diagnostic> {
    check_str(text).expect_err("a text with mistakes")
}

/// Line and message of each mistake, in the order of their report.
fn briefly(text: &str) -> Vec<String> {
    bad(text).iter().map(brief).collect()
}

fn brief(diagnostic: &Diagnostic) -> String {
    match diagnostic.place() {
        super::Place::File { line, column, .. } => format!("{line}:{column} {}", diagnostic.message()),
        super::Place::WholeFile { .. } => format!("file: {}", diagnostic.message()),
        super::Place::Environment { variable } => format!("{variable}: {}", diagnostic.message()),
        super::Place::CommandLine { option } => format!("{option}: {}", diagnostic.message()),
    }
}
