//! The llhttp cases: bytes, and the log of what that parser saw in them.

use rws_core::testing::wire::Message;
use serde_json::Value;

/// Which side sends the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A client.
    Request,
    /// A server.
    Response,
    /// A request target alone.
    Url,
}

/// What that parser made of the bytes as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong.
    Fine,
    /// There is an error in them.
    Refused,
    /// The connection was over and bytes followed.
    DataAfterClose,
    /// The bytes from here on belong to another protocol.
    Upgrade(usize),
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// `file: title`.
    pub name: String,
    /// Who sends the bytes.
    pub kind: Kind,
    /// The bytes.
    pub raw: Vec<u8>,
    /// The answer is to a HEAD request.
    pub skip_body: bool,
    /// How the log ends.
    pub verdict: Verdict,
    /// What the log tells of each message whose head is whole.
    pub messages: Vec<Message>,
}

/// All of them.
#[must_use]
pub fn cases(text: &str) -> Vec<Case> {
    let cases: Vec<Value> = serde_json::from_str(text).expect("the corpus is JSON");
    cases.iter().map(case).collect()
}

fn case(value: &Value) -> Case {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let kind = match text("kind") {
        "request" => Kind::Request,
        "response" => Kind::Response,
        "url" => Kind::Url,
        other => panic!("no such kind: {other}"),
    };
    let entries: Vec<Entry<'_>> = text("log").lines().filter_map(entry).collect();
    let raw = whole(text("raw").as_bytes(), &entries);
    Case {
        name: format!("{}: {}", text("file"), text("title")),
        kind,
        skip_body: value["meta"]["skipBody"].as_bool().unwrap_or(false),
        verdict: verdict(text("expect"), value["error"][1].as_str().unwrap_or_default(), &entries),
        messages: messages(&entries, &raw),
        raw,
    }
}

fn verdict(expect: &str, error: &str, entries: &[Entry<'_>]) -> Verdict {
    match (expect, error) {
        ("ok", _) => Verdict::Fine,
        (_, "Data after `Connection: close`") => Verdict::DataAfterClose,
        (_, "Pause on CONNECT/Upgrade") => Verdict::Upgrade(entries.last().map_or(0, |entry| entry.at)),
        _ => Verdict::Refused,
    }
}

/// One line of the log: `off=N [len=N] what`.
struct Entry<'a> {
    at: usize,
    len: usize,
    what: &'a str,
}

fn entry(line: &str) -> Option<Entry<'_>> {
    let (at, rest) = line.strip_prefix("off=")?.split_once(' ')?;
    let at = at.parse().ok()?;
    let (len, what) = match rest.strip_prefix("len=") {
        Some(rest) => {
            let (len, what) = rest.split_once(' ')?;
            (len.parse().ok()?, what)
        }
        None => (0, rest),
    };
    Some(Entry { at, len, what })
}

/// The conversion of the corpus lost the last empty line of some cases; their logs tell of it. Where a log ends
/// early, at an error, it does no harm.
fn whole(raw: &[u8], entries: &[Entry<'_>]) -> Vec<u8> {
    let seen = entries.iter().map(|entry| entry.at + entry.len).max().unwrap_or(0);
    let lost = seen > raw.len() || (seen < raw.len() && raw.ends_with(b"\r\n"));
    if lost { [raw, b"\r\n"].concat() } else { raw.to_vec() }
}

fn messages(entries: &[Entry<'_>], raw: &[u8]) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    let (mut open_name, mut open_value, mut head_done) = (false, false, true);
    for Entry { at, len, what } in entries {
        let bytes = raw.get(*at..at + len).unwrap_or(&[]);
        if *what == "message begin" {
            if !head_done {
                messages.pop();
            }
            messages.push(Message::default());
            (open_name, open_value, head_done) = (false, false, false);
        }
        let Some(message) = messages.last_mut() else { continue };
        let lines = if head_done { &mut message.trailers } else { &mut message.fields };
        match what.split_once("]=").map_or(*what, |(span, _)| span) {
            "span[method" => message.start.push_str(&String::from_utf8_lossy(bytes)),
            "span[url" => message.target.extend_from_slice(bytes),
            "span[header_field" => {
                if !open_name {
                    lines.push((String::new(), Vec::new()));
                }
                (open_name, open_value) = (true, false);
                if let Some((name, _)) = lines.last_mut() {
                    name.push_str(&String::from_utf8_lossy(bytes).to_ascii_lowercase());
                }
            }
            "span[header_value" => {
                (open_name, open_value) = (false, true);
                if let Some((_, value)) = lines.last_mut() {
                    value.extend_from_slice(bytes);
                }
            }
            "header_value complete" => {
                if let (true, Some((_, value))) = (open_value, lines.last_mut()) {
                    *value = value.trim_ascii().to_vec();
                }
                (open_name, open_value) = (false, false);
            }
            "span[body" => message.body.extend_from_slice(bytes),
            "message complete" => message.complete = true,
            other => {
                if let Some(rest) = other.strip_prefix("headers complete ") {
                    head_done = true;
                    if let Some(status) = rest.strip_prefix("status=") {
                        message.start = status.split(' ').next().unwrap_or_default().to_owned();
                    }
                }
            }
        }
    }
    if !head_done {
        messages.pop();
    }
    messages
}
