//! `--name value` pairs, with a default for all but the port.

use std::collections::HashMap;

pub(crate) struct Options {
    given: HashMap<String, String>,
    pub(crate) port: u16,
}

impl Options {
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut given = HashMap::new();
        while let Some(name) = arguments.next() {
            let Some(name) = name.strip_prefix("--") else {
                return Err(format!("expected --NAME, got {name:?}"));
            };
            let value = arguments.next().ok_or_else(|| format!("--{name} needs a value"))?;
            given.insert(name.to_owned(), value);
        }
        let port = given.get("port").and_then(|text| text.parse().ok()).ok_or("--port N is needed")?;
        Ok(Self { given, port })
    }

    pub(crate) fn number(&self, name: &str, default: u64) -> Result<u64, String> {
        let Some(text) = self.given.get(name) else { return Ok(default) };
        text.parse().map_err(|_| format!("--{name}: {text:?} is no number"))
    }

    pub(crate) fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.given.get(name).map_or(default, String::as_str)
    }
}
