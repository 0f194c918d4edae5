//! A conformance suite for HTTP/2 servers over plain TCP with prior knowledge: one function for each rule of RFC 9113
//! and RFC 7541 that a client can see kept or broken.
//!
//! ```text
//! conformance --target HOST:PORT [--authority TEXT] [--path PATH] [--post PATH] [--strict]
//!             [--patience-ms N] [--at-once N] [--known FILE] [--only TEXT]
//! ```
//!
//! Each check uses connections of its own. An error counts as right in every form that the specification permits;
//! `--strict` wants the code that it names, and a stream error to stay with its stream. `--known` names a file with the
//! checks that this server is known to fail, a line each: then those have to fail, and no other. The exit code is 0 if
//! all is as expected.
//!
//! Left out is what a client can't see or do here: TLS (RFC 9113 §9.2), pushed responses and other duties of clients (§8.4),
//! what an intermediary passes on (§8.2.2, §10.3; see `tests/proxy`), and connections that CONNECT makes (§8.5).

mod check;
mod known;
mod options;
mod report;
mod rfc7541;
mod rfc9113;
mod rfc9218;
mod site;

use core::sync::atomic::{AtomicUsize, Ordering};
use std::process::ExitCode;
use std::sync::mpsc::channel;

use check::{Check, Verdict};
use options::Options;
use report::Report;
use site::Site;

fn main() -> ExitCode {
    let options = match Options::of(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("conformance: {why}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let all = rfc9113::CHECKS.iter().chain(rfc7541::CHECKS).chain(rfc9218::CHECKS).copied().flatten();
    let is_chosen = |check: &&Check| {
        options.only.as_ref().is_none_or(|text| format!("{} {}", check.section, check.name).contains(text))
    };
    let checks: Vec<Check> = all.filter(is_chosen).copied().collect();
    let mut report = Report::new(options.known);
    carry_out(&checks, &options.site, options.at_once, |check, verdict| report.take(check, verdict));
    report.close()
}

/// Tells the verdicts in the order of the checks.
fn carry_out(checks: &[Check], site: &Site, at_once: usize, mut tell: impl FnMut(&Check, Verdict)) {
    let next = AtomicUsize::new(0);
    let (sender, verdicts) = channel();
    std::thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some((at, check)) = take_one(checks, next) {
                    let _ = sender.send((at, (check.run)(site)));
                }
            });
        }
        drop(sender);
        let mut early = std::collections::BTreeMap::new();
        for (at, check) in checks.iter().enumerate() {
            while !early.contains_key(&at) {
                let Ok((at, verdict)) = verdicts.recv() else { return };
                early.insert(at, verdict);
            }
            if let Some(verdict) = early.remove(&at) {
                tell(check, verdict);
            }
        }
    });
}

fn take_one<'c>(checks: &'c [Check], next: &AtomicUsize) -> Option<(usize, &'c Check)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    checks.get(at).map(|check| (at, check))
}
