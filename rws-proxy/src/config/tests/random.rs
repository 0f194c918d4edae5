//! No text makes the check panic, and what it reports can always be shown.

use super::super::{check_str, render_all};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../../examples/proxy.toml");

/// Texts that are most likely to hit a rule or an edge of the parser.
const PIECES: [&str; 32] = [
    "[[route]]",
    "[route",
    "[route.match]",
    "[route.action]\n",
    "[[upstream]]\n",
    "type = ",
    "\"static\"",
    "\"proxy\"",
    "upstream",
    "path = \"/*\"\n",
    "\"",
    "'",
    "\"\"\"",
    "=",
    ".",
    ",",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "#",
    "ü",
    "\u{feff}",
    "\0",
    "-9223372036854775809",
    "1979-05-27",
    "inf",
    "0x",
];

fn survives(text: &str) {
    match check_str(text) {
        Ok(config) => assert!(config.root.is_some() || !config.routes.is_empty()),
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty());
            let shown = render_all(&diagnostics, false) + &render_all(&diagnostics, true);
            assert!(shown.contains("error"), "{shown}");
            let lines: Vec<usize> = diagnostics
                .iter()
                .filter_map(|diagnostic| match diagnostic.place() {
                    super::super::Place::File { line, column, .. } => {
                        assert!(*line >= 1 && *column >= 1);
                        assert!(*line <= text.split('\n').count(), "line {line}");
                        Some(*line)
                    }
                    _ => None,
                })
                .collect();
            assert!(lines.is_sorted(), "{lines:?}");
        }
    }
}

/// A mutation: where, how much goes, and what comes.
type Edit = (prop::sample::Index, usize, String);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let piece = prop_oneof![prop::sample::select(&PIECES[..]).prop_map(str::to_owned), any::<String>()];
    prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, piece), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_mutated_example_is_survived(edits in edits()) {
        let mut text: Vec<char> = EXAMPLE.chars().collect();
        for (index, gone, come) in edits {
            let at = index.index(text.len() + 1);
            let end = (at + gone).min(text.len());
            text.splice(at..end, come.chars());
        }
        survives(&text.into_iter().collect::<String>());
    }

    #[test]
    fn any_pieces_in_any_order_are_survived(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)) {
        survives(&pieces.concat());
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        survives(&text);
    }
}

#[test]
fn every_prefix_of_the_example_is_survived() {
    for end in (0..=EXAMPLE.len()).filter(|end| EXAMPLE.is_char_boundary(*end)) {
        survives(&EXAMPLE[..end]);
    }
}

#[test]
fn deep_nesting_and_great_numbers_are_survived() {
    survives(&format!("ip = {}", "[".repeat(20_000)));
    survives(&format!("ip = {}", "{a=".repeat(20_000)));
    survives(&"a.".repeat(20_000));
    survives(&"[[route]]\n".repeat(20_000));
    survives(&"x=1\n".repeat(20_000));
    survives(&format!("{}=1", "x".repeat(200_000)));
    survives(&format!("port = {}", "9".repeat(200_000)));
    survives(&"#".repeat(super::super::FILE_BYTES_MAX + 1));
}
