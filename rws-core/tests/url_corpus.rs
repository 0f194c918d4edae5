//! Our reading of targets beside the public URL corpora, judged by RFC 9110 and RFC 3986.
//!
//! The corpora follow another standard (WHATWG URL): they resolve, repair and re-encode. What is taken from them
//! is what a browser would send for each URL, and all their inputs as hostile targets. What must come out is
//! said by a second, slower reading in this file.

use std::io::Write as _;
use std::path::PathBuf;

use rws_core::message::{
    HOST_BYTES_MAX, PathAt, Span, TargetForm, encode_path, is_valid_host, parse_target, split_authority,
};
use rws_core::{Method, PeerFault};
use serde_json::Value;

/// The cases of a corpus; `None`, said in one visible line, where it is absent.
fn corpus(name: &str) -> Option<Vec<Value>> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = std::env::var_os("RWS_CORPORA").map_or_else(beside, PathBuf::from).join("url").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        // Not `eprintln`, which the test runner would swallow.
        let _ = writeln!(std::io::stderr(), "skipped: no corpus at {} (set RWS_CORPORA)", path.display());
        return None;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).expect("the corpus is JSON");
    Some(cases.into_iter().filter(Value::is_object).collect())
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case.get(key).and_then(Value::as_str).unwrap_or("")
}

#[derive(Debug, PartialEq)]
struct Read {
    form: TargetForm,
    path: String,
    query: Option<String>,
    authority: String,
}

fn read(target: &str, host: &str) -> Result<Read, PeerFault> {
    let arena = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
    let raw = Span::of(4, 4 + target.len()).ok_or(PeerFault::TargetTooLong)?;
    let host = Span::of(raw.end() + 17, raw.end() + 17 + host.len()).ok_or(PeerFault::HeadTooLarge)?;
    let mut scratch = vec![0; target.len()];
    let spans = parse_target(Method::Get, raw, host, &arena, &mut scratch)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("what is accepted is UTF-8");
    Ok(Read {
        form: spans.form,
        path: match spans.path {
            PathAt::Arena(span) => text(span.bytes(&arena)),
            PathAt::Scratch(span) => text(span.bytes(&scratch)),
            PathAt::Nowhere => String::new(),
        },
        query: spans.query.map(|span| text(span.bytes(&arena))),
        authority: text(spans.authority.bytes(&arena)),
    })
}

/// The second reading: each rule of the decision table by itself, on whole segments.
fn canonical(path: &str) -> Option<String> {
    let mut kept: Vec<String> = Vec::new();
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    for (at, raw) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        let decoded = decode(raw)?;
        match *raw {
            "." | ".." => {
                if *raw == ".." {
                    kept.pop()?;
                }
                if last {
                    kept.push(String::new());
                }
                continue;
            }
            "" if !last => return None,
            _ => {}
        }
        let name = decoded.split(';').next().unwrap_or("");
        let dotted = matches!(name, "." | "..") || decoded.starts_with(';');
        let separators = decoded.contains(['/', '\\']) || decoded.chars().any(|char| char.is_ascii_control());
        let twice = decode(&decoded).is_some_and(|again| again != decoded) || has_escape(&decoded);
        if dotted || separators || twice {
            return None;
        }
        kept.push(decoded);
    }
    Some(format!("/{}", kept.join("/")))
}

fn has_escape(text: &str) -> bool {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    (0..bytes.len()).any(|at| bytes[at] == b'%' && hex(bytes.get(at + 1)) && hex(bytes.get(at + 2)))
}

fn decode(segment: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = segment.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        out.push(match byte {
            b'%' => {
                let digits = core::str::from_utf8(rest.get(..2)?).ok()?;
                if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return None;
                }
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            b'"' | b'<' | b'>' | b'{' | b'}' | b'`' | b'#' | b'\\' | 0..=b' ' | 0x7f.. => return None,
            byte => *byte,
        });
    }
    String::from_utf8(out).ok()
}

fn is_query(query: &str) -> bool {
    query.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"#<>".contains(&byte))
}

fn assert_clean(path: &str) {
    assert!(path.is_empty() || path.starts_with('/'), "{path:?}");
    assert!(!path.contains("//") && !path.contains('\\') && !path.contains('\0'), "{path:?}");
    assert!(!path.split('/').any(|segment| matches!(segment, "." | "..")), "{path:?}");
    let mut wire = vec![0; path.len() * 3];
    let len = encode_path(path, &mut wire).expect("three bytes for one suffice");
    let wire = core::str::from_utf8(&wire[..len]).expect("ASCII");
    if !path.is_empty() {
        assert_eq!(read(wire, "h").map(|read| read.path).as_deref(), Ok(path), "{path:?}");
    }
}

#[test]
fn what_browsers_send_is_read_as_the_rfcs_say() {
    let Some(cases) = corpus("urltestdata.json") else { return };
    let (mut accepted, mut refused) = (0, 0);
    for case in cases.iter().filter(|case| matches!(text(case, "protocol"), "http:" | "https:")) {
        let (path, search) = (text(case, "pathname"), text(case, "search"));
        let want = canonical(path).filter(|_| is_query(search.strip_prefix('?').unwrap_or("")));
        let origin = read(&format!("{path}{search}"), "h");
        assert_eq!(origin.as_ref().map(|read| read.path.clone()).ok(), want, "{case}");
        match &origin {
            Ok(read) => {
                accepted += 1;
                assert_eq!(
                    read.query.as_deref().unwrap_or(""),
                    search.strip_prefix('?').unwrap_or(""),
                    "{case}"
                );
                assert_clean(&read.path);
            }
            Err(_) => refused += 1,
        }
        let host = text(case, "host");
        let absolute = read(&format!("{}//{host}{path}{search}", text(case, "protocol")), "other");
        if is_valid_host(host.as_bytes()) {
            assert_eq!(absolute.as_ref().map(|read| &read.path).ok(), want.as_ref(), "{case}");
            assert!(absolute.is_err() || absolute.is_ok_and(|read| read.authority == host), "{case}");
        } else {
            assert_eq!(absolute, Err(PeerFault::HostSyntax), "{case}");
        }
    }
    assert!(accepted > 200 && refused > 5, "{accepted} accepted, {refused} refused: is this the corpus?");
}

#[test]
fn no_input_of_the_corpus_reads_as_an_unclean_path() {
    let Some(cases) = corpus("urltestdata.json") else { return };
    for case in &cases {
        let (input, base) = (text(case, "input"), text(case, "base"));
        for target in
            [input.to_owned(), format!("/{input}"), format!("http://h/{input}"), format!("{base}{input}")]
        {
            if let Ok(read) = read(&target, "h") {
                assert_clean(&read.path);
                assert!(is_valid_host(read.authority.as_bytes()), "{target:?}");
                assert!(read.authority == "h" || read.form == TargetForm::Absolute, "{target:?}");
                assert!(target.is_ascii(), "{target:?}");
            }
        }
    }
}

#[test]
fn hosts_of_the_corpora_are_valid_or_refused_for_a_reason() {
    let (Some(urls), Some(domains)) = (corpus("urltestdata.json"), corpus("toascii.json")) else { return };
    let hosts =
        urls.iter().map(|case| text(case, "host")).chain(domains.iter().map(|case| text(case, "output")));
    let mut valid = 0;
    for host in hosts.filter(|host| !host.is_empty()) {
        if is_valid_host(host.as_bytes()) {
            valid += 1;
            continue;
        }
        let name = split_authority(host.as_bytes()).0;
        let name = name.strip_suffix(b".").unwrap_or(name);
        let reason = name.split(|&byte| byte == b'.').any(<[u8]>::is_empty)
            || name
                .iter()
                .any(|byte| b"%,;\"`{}|\\^ <>".contains(byte) || byte.is_ascii_control() || *byte >= 0x80)
            || name.len() > HOST_BYTES_MAX;
        assert!(reason, "{host:?}");
    }
    assert!(valid > 200, "{valid} valid: are these the corpora?");
}

#[test]
fn escapes_of_the_corpus_decode_to_what_they_were_made_of() {
    let Some(cases) = corpus("percent-encoding.json") else { return };
    let mut checked = 0;
    for case in &cases {
        let (input, wire) = (text(case, "input"), text(&case["output"], "utf-8"));
        let want = Some(format!("/{input}"))
            .filter(|_| !input.contains(|char: char| char == '\\' || char.is_ascii_control()));
        assert_eq!(read(&format!("/{wire}"), "h").ok().map(|read| read.path), want, "{case}");
        checked += 1;
    }
    assert!(checked > 4, "{checked} checked");
}
