//! A line for each check, and a summary.

use std::process::ExitCode;

use crate::check::{Check, Finding, Verdict};
use crate::known::Known;

pub(crate) struct Report {
    known: Known,
    kept: usize,
    inapplicable: usize,
    known_broken: usize,
    /// What is not as it was expected.
    surprises: Vec<String>,
}

impl Report {
    pub(crate) const fn new(known: Known) -> Report {
        Report { known, kept: 0, inapplicable: 0, known_broken: 0, surprises: Vec::new() }
    }

    pub(crate) fn take(&mut self, check: &Check, verdict: Verdict) {
        let rule = format!("{:<20} {}", check.section, check.sentence());
        match (verdict, self.known.why(check)) {
            (Ok(()), None) => {
                self.kept += 1;
                println!("ok     {rule}");
            }
            (Ok(()), Some(_)) => self.is_surprised(format!("FIXED  {rule}: it was known to fail")),
            (Err(Finding::Inapplicable(why)), _) => {
                self.inapplicable += 1;
                println!("-      {rule}: {why}");
            }
            (Err(Finding::Broken(what)), Some(why)) => {
                self.known_broken += 1;
                println!("known  {rule}: {why} ({what})");
            }
            (Err(Finding::Broken(what)), None) => self.is_surprised(format!("BROKEN {rule}: {what}")),
        }
    }

    fn is_surprised(&mut self, line: String) {
        println!("{line}");
        self.surprises.push(line);
    }

    pub(crate) fn close(&self) -> ExitCode {
        let Report { kept, inapplicable, known_broken, surprises, .. } = self;
        println!(
            "\n{kept} kept, {known_broken} known to be broken, {inapplicable} without occasion, {} unexpected",
            surprises.len()
        );
        for line in surprises {
            println!("{line}");
        }
        if surprises.is_empty() && *kept > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
