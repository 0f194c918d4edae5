//! From text to a TOML document, with every syntax error, and as much of the document as can be had beside them.

use super::problems::{Problem, Problems, Spot};
use alloc::borrow::Cow;
use core::ops::Range;
use toml::de::DeTable;

/// A text whose unclosed headers are closed. The parser recovers from most mistakes by itself; but behind `[route` it
/// takes everything up to the next bracket for a part of that header, which hides what stands there.
#[derive(Debug)]
pub(super) struct Closed<'t> {
    /// The text with the missing brackets; lines are the same, and columns are but behind such a bracket.
    pub(super) text: Cow<'t, str>,
    /// Where the brackets were missing, and the parser's words for it.
    errors: Vec<(Range<usize>, String)>,
}

/// Closes every header that is not.
pub(super) fn close_headers(text: &str) -> Closed<'_> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let mut missing: Vec<(usize, &'static str, String)> = errors
        .into_iter()
        .filter_map(|error| {
            let bracket = match error.message() {
                "unclosed table, expected `]`" | "unclosed array table, expected `]`" => "]",
                "unclosed array table, expected `]]`" => "]]",
                _ => return None,
            };
            Some((error.span()?.start, bracket, error.message().to_owned()))
        })
        .filter(|(at, _, _)| text.is_char_boundary(*at))
        .collect();
    if missing.is_empty() {
        return Closed { text: Cow::Borrowed(text), errors: Vec::new() };
    }
    missing.sort_by_key(|(at, _, _)| *at);
    missing.dedup_by_key(|(at, _, _)| *at);
    let mut closed = String::with_capacity(text.len() + 2 * missing.len());
    let mut errors = Vec::with_capacity(missing.len());
    let mut from = 0;
    for (at, bracket, message) in missing {
        closed.push_str(text.get(from..at).unwrap_or_default());
        errors.push((closed.len()..closed.len(), message));
        closed.push_str(bracket);
        from = at;
    }
    closed.push_str(text.get(from..).unwrap_or_default());
    Closed { text: Cow::Owned(closed), errors }
}

/// Parses a closed text, and notes its syntax errors: those of the headers, and the parser's own on other lines.
pub(super) fn parse<'t>(closed: &'t Closed<'_>, problems: &Problems<'_>) -> DeTable<'t> {
    let lines: Vec<usize> = closed.errors.iter().map(|(span, _)| problems.line(span.start)).collect();
    for (span, message) in &closed.errors {
        problems.add(Spot::File(span.clone()), problem(message));
    }
    let (document, errors) = DeTable::parse_recoverable(&closed.text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        if lines.binary_search(&problems.line(span.start)).is_err() {
            problems.add(Spot::File(span), problem(error.message()));
        }
    }
    document.into_inner()
}

/// The parser's words, with the way out for the commonest slips.
fn problem(message: &str) -> Problem {
    let hints = [
        ("string values must be quoted", "put text in double quotes: key = \"text\""),
        ("duplicate key", "a key or table may be given once in its section: remove one"),
        ("unclosed", "close the bracket"),
        ("invalid basic string", "close the text with a double quote on the same line"),
        ("key with no value", "a line is `key = value` or a [header]"),
        ("invalid boolean", "write `true` or `false`"),
    ];
    let hint = hints.into_iter().find(|(start, _)| message.starts_with(start));
    Problem::syntax(format!("not valid TOML: {message}")).maybe_hint(hint.map(|(_, hint)| hint.to_owned()))
}
