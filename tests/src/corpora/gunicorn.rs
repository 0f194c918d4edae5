//! The gunicorn cases: raw requests, and Python source that tells what must be read in them.
//!
//! Of that source only what stands in plain literals is understood, which is all that the cases say.

use rws_core::testing::wire::Message;
use serde_json::Value;

/// One case.
#[derive(Debug)]
pub struct Case {
    /// Its own.
    pub name: String,
    /// The bytes.
    pub raw: Vec<u8>,
    /// What must be read in them.
    pub messages: Vec<Message>,
}

/// All of them.
#[must_use]
pub fn cases(text: &str) -> Vec<Case> {
    let cases: Vec<Value> = serde_json::from_str(text).expect("the corpus is JSON");
    let case = |value: &Value| Case {
        name: value["name"].as_str().unwrap_or_default().to_owned(),
        raw: latin1(value["raw"].as_str().unwrap_or_default()),
        messages: messages(value["expect"].as_str().unwrap_or_default()),
    };
    cases.iter().map(case).collect()
}

/// The corpus keeps each byte as the character of its number.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).expect("a byte")).collect()
}

/// Every `{…}` with a `"method"` is one message.
fn messages(source: &str) -> Vec<Message> {
    source.split("\"method\":").skip(1).map(message).collect()
}

fn message(source: &str) -> Message {
    let part = |from: &str, to: &str| {
        let start = source.split_once(from).map_or("", |(_, rest)| rest);
        literals(start.split_once(to).map_or(start, |(part, _)| part))
    };
    let fields = |from: &str| {
        let mut lines = Vec::new();
        let mut flat = part(from, "\n    ]").into_iter();
        while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
            lines.push((String::from_utf8_lossy(&name).to_ascii_lowercase(), value));
        }
        lines
    };
    let one_line = source.split_once("\"headers\": [").is_some_and(|(_, rest)| !rest.starts_with('\n'));
    Message {
        start: literals(source)
            .first()
            .map_or_else(String::new, |name| String::from_utf8_lossy(name).into_owned()),
        target: part("uri(", ")").concat(),
        fields: if one_line { in_one_line(source) } else { fields("\"headers\": [") },
        body: part("\"body\":", "\n}").first().cloned().unwrap_or_default(),
        trailers: if source.contains("\"trailers\"") { fields("\"trailers\": [") } else { Vec::new() },
        complete: true,
        ..Message::default()
    }
}

/// `"headers": [("NAME", "value")],` or `"headers": [],`.
fn in_one_line(source: &str) -> Vec<(String, Vec<u8>)> {
    let line = source.split_once("\"headers\": [").map_or("", |(_, rest)| rest);
    match &literals(line.lines().next().unwrap_or_default())[..] {
        [name, value] => vec![(String::from_utf8_lossy(name).to_ascii_lowercase(), value.clone())],
        _ => Vec::new(),
    }
}

/// The string literals of `source`, in order; comments are passed over.
fn literals(source: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = source.chars();
    while let Some(char) = rest.next() {
        match char {
            '#' => _ = rest.by_ref().find(|&char| char == '\n'),
            '"' | '\'' => found.push(literal(char, &mut rest)),
            _ => {}
        }
    }
    found
}

fn literal(quote: char, rest: &mut core::str::Chars<'_>) -> Vec<u8> {
    let mut text = String::new();
    while let Some(char) = rest.next() {
        match char {
            '\\' => match rest.next() {
                Some('r') => text.push('\r'),
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('x') => text.push(code(rest, 2)),
                Some('u') => text.push(code(rest, 4)),
                Some(other) => text.push(other),
                None => {}
            },
            _ if char == quote => break,
            _ => text.push(char),
        }
    }
    latin1(&text)
}

fn code(rest: &mut core::str::Chars<'_>, digits: usize) -> char {
    let hex: String = rest.by_ref().take(digits).collect();
    u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32).expect("an escape")
}
