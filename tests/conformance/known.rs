//! What a server is known to get wrong.

use std::collections::BTreeMap;

use crate::check::Check;

/// Names of checks, and why each fails.
#[derive(Default)]
pub(crate) struct Known(BTreeMap<String, String>);

impl Known {
    /// A line for each check: the function's name, a colon, and what the server does; lines with `#` are remarks.
    pub(crate) fn read(path: &str) -> Result<Known, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pair = |line: &str| {
            let (name, why) =
                line.split_once(": ").ok_or_else(|| format!("{path}: no `name: why` in {line:?}"))?;
            Ok((name.to_owned(), why.to_owned()))
        };
        Ok(Known(lines.map(pair).collect::<Result<_, String>>()?))
    }

    pub(crate) fn why(&self, check: &Check) -> Option<&str> {
        self.0.get(check.name).map(String::as_str)
    }
}
