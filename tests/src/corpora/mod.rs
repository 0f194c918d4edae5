//! Public corpora, read where they lie.

pub mod gunicorn;
pub mod hpack;
pub mod llhttp;

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where the corpora are, or would be.
fn folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("RWS_CORPORA").map_or_else(beside, PathBuf::from)
}

fn say_absent(path: &Path) {
    // Not `eprintln`, which the test runner would swallow.
    let _ = writeln!(std::io::stderr(), "skipped: no corpus at {} (set RWS_CORPORA)", path.display());
}

/// The text of an HTTP/1 corpus; `None`, said in one visible line, where it is absent.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    let path = folder().join("h1").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        say_absent(&path);
    }
    text
}

const ADDED_HOST: &[u8] = b"added.example";

/// The name that [`with_host`] adds.
#[must_use]
pub fn is_added_host(value: &[u8]) -> bool {
    value == ADDED_HOST
}

/// The cases are older than the rule that an HTTP/1.1 request names its host: each request line gets a `Host`
/// line where its head has none, so that a case is judged by what it is about.
#[must_use]
pub fn with_host(raw: &[u8]) -> Vec<u8> {
    const VERSION: &[u8] = b" HTTP/1.1\r\n";
    let (mut out, mut rest) = (Vec::new(), raw);
    while let Some(at) = find(rest, VERSION) {
        let (line, after) = rest.split_at(at + VERSION.len());
        out.extend_from_slice(line);
        rest = after;
        let head = &rest[..find(rest, b"\r\n\r\n").unwrap_or(rest.len())];
        let head = [b"\n", head].concat().to_ascii_lowercase();
        if find(&head, b"\nhost:").is_none() {
            out.extend_from_slice(&[b"Host: ", ADDED_HOST, b"\r\n"].concat());
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Where `what` begins.
#[must_use]
pub fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

/// Bytes that somebody sends to a server, whatever they are.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where they are from.
    pub name: String,
    /// The bytes.
    pub raw: Vec<u8>,
}

/// Every request of the corpora, as it is, and once more with a host if it lacks one; nothing where they are absent.
#[must_use]
pub fn requests() -> Vec<Request> {
    let mut all = Vec::new();
    for case in text("llhttp.json").as_deref().map(llhttp::cases).unwrap_or_default() {
        let raw = match case.kind {
            llhttp::Kind::Request => case.raw,
            llhttp::Kind::Url => [b"GET ", &case.raw[..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat(),
            llhttp::Kind::Response => continue,
        };
        all.push(Request { name: case.name, raw });
    }
    for case in text("gunicorn-valid.json").as_deref().map(gunicorn::cases).unwrap_or_default() {
        all.push(Request { name: case.name, raw: case.raw });
    }
    let named: Vec<Request> = all
        .iter()
        .map(|case| Request { name: format!("{}, with a host", case.name), raw: with_host(&case.raw) })
        .zip(&all)
        .filter(|(named, case)| named.raw != case.raw)
        .map(|(named, _)| named)
        .collect();
    all.extend(named);
    all
}
