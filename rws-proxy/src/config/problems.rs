//! The collector of mistakes: a reader goes on after each one, and in the end they all come out in order.

use super::diagnostic::{Diagnostic, Place};
use alloc::rc::Rc;
use core::cell::RefCell;
use core::ops::Range;

/// More than this many mistakes in one file are counted, not shown.
const DIAGNOSTICS_MAX: usize = 1000;

/// Where a value stands, while the source text is still at hand.
#[derive(Clone, Debug)]
pub(super) enum Spot {
    Environment(Rc<str>),
    /// Bytes of the file.
    File(Range<usize>),
    CommandLine(&'static str),
}

/// A mistake without its place: what a rule returns.
#[derive(Debug)]
pub(super) struct Problem {
    message: String,
    hint: Option<String>,
    class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// The text is not TOML.
    Syntax,
    /// Something that should be there is not.
    Missing,
    Other,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, class: Class::Other }
    }

    pub(super) fn syntax(message: impl Into<String>) -> Self {
        Self { class: Class::Syntax, ..Self::new(message) }
    }

    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self { class: Class::Missing, ..Self::new(message) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }
}

/// A text from outside, safe and short enough to stand in a message.
pub(super) fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut shown: String = text.chars().take(CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Everything found wrong so far in one file, the environment and the command line.
#[derive(Debug)]
pub(super) struct Problems<'s> {
    file_name: &'s str,
    /// The lines as they were written, for the excerpts.
    lines: Vec<&'s str>,
    /// The text that all spans are of; it may have brackets that were missing (see `syntax.rs`).
    text: &'s str,
    line_starts: Vec<usize>,
    found: RefCell<Vec<(Spot, Problem)>>,
}

impl<'s> Problems<'s> {
    /// `text` has the same lines as `written`.
    pub(super) fn new(file_name: &'s str, written: &'s str, text: &'s str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let line_starts = core::iter::once(0).chain(starts).collect();
        let lines = written.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        Self { file_name, lines, text, line_starts, found: RefCell::default() }
    }

    pub(super) fn add(&self, spot: Spot, problem: Problem) {
        self.found.borrow_mut().push((spot, problem));
    }

    /// Keeps the value of a rule that held; notes the problem of one that did not.
    pub(super) fn keep<T>(&self, spot: &Spot, outcome: Result<T, Problem>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(problem) => {
                self.add(spot.clone(), problem);
                None
            }
        }
    }

    /// The line of a byte of the file, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    /// All mistakes: the environment's first, then the file's in line order, then the command line's.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut found = self.found.take();
        let syntax: Vec<usize> = found.iter().filter_map(syntax_at).collect();
        found.retain(|(spot, problem)| !self.follows_from_syntax(spot, problem, &syntax));
        found.sort_by_key(|(spot, _)| match spot {
            Spot::Environment(_) => (0, 0, 0),
            Spot::File(span) => (1, span.start, span.end),
            Spot::CommandLine(_) => (2, 0, 0),
        });
        found.dedup_by(|(a, x), (b, y)| self.place(a) == self.place(b) && x.message == y.message);
        let hidden = found.len().saturating_sub(DIAGNOSTICS_MAX);
        found.truncate(DIAGNOSTICS_MAX);
        let mut diagnostics: Vec<Diagnostic> =
            found.into_iter().map(|(spot, problem)| self.diagnostic(&spot, problem)).collect();
        if hidden > 0 {
            diagnostics.push(Diagnostic {
                place: Place::WholeFile { name: self.file_name.to_owned() },
                message: format!("{hidden} more errors are not shown"),
                hint: None,
                excerpt: None,
            });
        }
        diagnostics
    }

    /// A line that is not TOML is reported for that alone: what the recovering parser made of it is a guess. And a
    /// section that holds such a line may well have the key that seems to be missing.
    fn follows_from_syntax(&self, spot: &Spot, problem: &Problem, syntax: &[usize]) -> bool {
        let Spot::File(span) = spot else { return false };
        match problem.class {
            Class::Syntax => false,
            Class::Missing => {
                let end = self.section_end(span.end);
                syntax.iter().any(|at| (span.start..end).contains(at))
            }
            Class::Other => {
                let line = self.line(span.start);
                syntax.iter().any(|at| self.line(*at) == line)
            }
        }
    }

    /// Where the section whose header ends at `from` ends: at the next header, or at the end.
    fn section_end(&self, from: usize) -> usize {
        let later = self.line_starts.get(self.line(from)..).unwrap_or_default();
        let header = later.iter().find(|start| {
            self.text.get(**start..).is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with('['))
        });
        header.copied().unwrap_or(self.text.len() + 1)
    }

    fn diagnostic(&self, spot: &Spot, problem: Problem) -> Diagnostic {
        let excerpt = match spot {
            Spot::File(span) => Some(self.excerpt(span)),
            Spot::Environment(_) | Spot::CommandLine(_) => None,
        };
        Diagnostic { place: self.place(spot), message: problem.message, hint: problem.hint, excerpt }
    }

    fn place(&self, spot: &Spot) -> Place {
        match spot {
            Spot::Environment(variable) => Place::Environment { variable: variable.to_string() },
            Spot::CommandLine(option) => Place::CommandLine { option },
            Spot::File(span) => {
                let (line, in_line) = self.excerpt(span);
                let column = line.get(..in_line.start).map_or(0, |before| before.chars().count()) + 1;
                Place::File { name: self.file_name.to_owned(), line: self.line(span.start), column }
            }
        }
    }

    /// The line on which a span begins and the part of the span that lies on it, on character boundaries.
    fn excerpt(&self, span: &Range<usize>) -> (String, Range<usize>) {
        let index = self.line(span.start).saturating_sub(1);
        let start = self.line_starts.get(index).copied().unwrap_or(0);
        let line = self.lines.get(index).copied().unwrap_or_default();
        let inside = |at: usize| line.floor_char_boundary(at.saturating_sub(start).min(line.len()));
        (line.to_owned(), inside(span.start)..inside(span.end.max(span.start)))
    }
}

fn syntax_at((spot, problem): &(Spot, Problem)) -> Option<usize> {
    match spot {
        Spot::File(span) if problem.class == Class::Syntax => Some(span.start),
        Spot::File(_) | Spot::Environment(_) | Spot::CommandLine(_) => None,
    }
}
