//! The configuration file: any text is taken or refused with diagnostics that can be shown.

use rws_proxy::config::{Place, check_str, render_all};

/// The input is the text.
pub fn check(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    match check_str(text) {
        Ok(config) => assert!(config.root.is_some() || !config.routes.is_empty(), "it serves something"),
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty(), "a refusal has a reason");
            for colour in [false, true] {
                assert!(render_all(&diagnostics, colour).contains("error"));
            }
            let lines: Vec<usize> = diagnostics
                .iter()
                .filter_map(|diagnostic| match diagnostic.place() {
                    Place::File { line, column, .. } => {
                        assert!(*line >= 1 && *column >= 1 && *line <= text.split('\n').count());
                        Some(*line)
                    }
                    _ => None,
                })
                .collect();
            assert!(lines.is_sorted(), "in the order of the file: {lines:?}");
        }
    }
}
