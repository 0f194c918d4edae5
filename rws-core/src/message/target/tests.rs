use alloc::string::{String, ToString};
use alloc::{format, vec};

use proptest::prelude::*;

use super::super::{encode_path, parse_target};
use crate::PeerFault;
use crate::message::{Method, PathAt, Span, TargetForm};

#[derive(Debug, PartialEq)]
struct Read {
    form: TargetForm,
    path: String,
    query: Option<String>,
    authority: String,
}

/// Parses `target` as it would stand in a head, with this Host (none: HTTP/1.0).
fn read_with(method: Method, target: &[u8], host: Option<&str>) -> Result<Read, PeerFault> {
    let mut arena = b"GET ".to_vec();
    let raw = Span::of(arena.len(), arena.len() + target.len()).expect("short");
    arena.extend_from_slice(target);
    arena.extend_from_slice(b" HTTP/1.1\r\nHost: ");
    let host_at = arena.len();
    arena.extend_from_slice(host.unwrap_or("").as_bytes());
    let host = host.map_or(Span::EMPTY, |_| Span::of(host_at, arena.len()).expect("short"));
    let mut scratch = vec![0xaa; target.len()];
    let spans = parse_target(method, raw, host, &arena, &mut scratch)?;
    assert_eq!(spans.raw, raw);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
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

fn path(target: &str) -> Result<String, PeerFault> {
    read_with(Method::Get, target.as_bytes(), Some("h")).map(|read| read.path)
}

const AMBIGUOUS: Result<String, PeerFault> = Err(PeerFault::TargetAmbiguous);
const SYNTAX: Result<String, PeerFault> = Err(PeerFault::TargetSyntax);

#[test]
fn a_plain_path_is_canonical_where_it_stands() {
    for plain in [
        "/",
        "/a",
        "/a/b.c/",
        "/a-b_c~d!e$f&g'h(i)j*k+l,m=n:o@p",
        "/a[0]|b^c",
        "/.well-known/x",
        "/...",
        "/a..b/c.",
        "/..a",
    ] {
        assert_eq!(path(plain).as_deref(), Ok(plain));
    }
}

#[test]
fn escapes_are_decoded_once() {
    for (raw, canonical) in [
        ("/%41", "/A"),
        ("/%7Euser", "/~user"),
        ("/a%20b", "/a b"),
        ("/caf%C3%A9", "/caf\u{e9}"),
        ("/%F0%9F%A6%80", "/\u{1f980}"),
        ("/%3Fq%23f", "/?q#f"),
        ("/100%25", "/100%"),
        ("/%25zz", "/%zz"),
        ("/%2Ehidden", "/.hidden"),
        ("/a%2Eb/", "/a.b/"),
        ("/%2E%2E%2E", "/..."),
        ("/a%3Bb", "/a;b"),
        ("/a;b=1/c", "/a;b=1/c"),
    ] {
        assert_eq!(path(raw).as_deref(), Ok(canonical), "{raw}");
    }
}

#[test]
fn plain_dot_segments_are_removed() {
    for (raw, canonical) in [
        ("/.", "/"),
        ("/./", "/"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/a/../", "/"),
        ("/a/b/../c", "/a/c"),
        ("/a/b/../../c", "/c"),
        ("/a/./b/./", "/a/b/"),
        ("/a%20b/../c", "/c"),
        // RFC 3986 §5.2.4
        ("/a/b/c/./../../g", "/a/g"),
    ] {
        assert_eq!(path(raw).as_deref(), Ok(canonical), "{raw}");
    }
}

#[test]
fn a_path_with_two_readings_is_refused() {
    for raw in [
        "/..",
        "/../",
        "/../etc/passwd",
        "/a/../..",
        "/a/b/../../../c",
        "/./..",
        "/%2e%2e",
        "/%2e%2e/",
        "/.%2e",
        "/%2e.",
        "/%2E%2e/x",
        "/%2e",
        "/a/%2e/b",
        "/a%2fb",
        "/a%2Fb",
        "/..%2f",
        "/a%5cb",
        "/a%5Cb",
        "/a\\b",
        "/..\\..",
        "//",
        "//evil.example",
        "/a//b",
        "/a//",
        "///",
        "/.//",
        "/a/..//",
        "/a%00",
        "/%0d%0aX: y",
        "/%1f",
        "/%7f",
        "/%09",
        "/%c0%ae%c0%ae/",
        "/%c0%af",
        "/%e0%80%af",
        "/%ed%a0%80",
        "/%f8%80%80%80%af",
        "/%ff",
        "/%c3",
        "/%c3/%a9",
        "/%252e%252e/",
        "/%252f",
        "/%2541",
        "/%25%32%65",
        "/%2525",
        "/%25%3241",
        "/..;/",
        "/..;x/y",
        "/.;/",
        "/;/",
        "/;x",
        "/a/;b",
        "/%2e%2e;/",
        "/..%3b/",
        "/%3b",
        "/.;a=b",
    ] {
        assert_eq!(path(raw), AMBIGUOUS, "{raw}");
    }
}

#[test]
fn what_is_no_uri_is_a_syntax_error() {
    for raw in [
        "",
        "a",
        "/%",
        "/%4",
        "/%4g",
        "/%%41",
        "/% 41",
        "/a b",
        "/a\"b",
        "/<a>",
        "/{a}",
        "/a`b",
        "/a#b",
        "/#",
        "/\u{e9}",
        "/a\tb",
        "/a\rb",
        "/a\0",
        "/a\u{7f}",
        "/?a b",
        "/?a\"",
        "/?<",
        "/?a#b",
        "/?\u{e9}",
        "/?\0",
        "*",
        "*x",
        "?a",
        "example.com:80",
        "ftp://h/",
        "http:/h/",
        "http:h",
        "http//h/",
        "mailto:a@b",
        "http://h/#f",
        "http://h#f",
        "HTTP",
        "/%u0041",
    ] {
        assert_eq!(path(raw), SYNTAX, "{raw:?}");
    }
}

#[test]
fn a_query_is_checked_and_left_alone() {
    let read = |target: &str| {
        read_with(Method::Get, target.as_bytes(), Some("h")).map(|read| (read.path, read.query))
    };
    for (raw, path, query) in [
        ("/?", "/", Some("")),
        ("/a?b=c&d[0]=e|f^{g}`h", "/a", Some("b=c&d[0]=e|f^{g}`h")),
        ("/%41?%2f%00%%zz../..//\\", "/A", Some("%2f%00%%zz../..//\\")),
        ("/a?b?c", "/a", Some("b?c")),
        ("/a", "/a", None),
    ] {
        assert_eq!(read(raw), Ok((path.to_string(), query.map(ToString::to_string))), "{raw}");
    }
}

#[test]
fn absolute_form_names_the_authority_and_wins_over_host() {
    let read = |target: &str| read_with(Method::Get, target.as_bytes(), Some("other"));
    for (raw, path, query, authority) in [
        ("http://example.com/a?b", "/a", Some("b"), "example.com"),
        ("HTTPS://example.com:8443/%41/", "/A/", None, "example.com:8443"),
        ("http://example.com", "/", None, "example.com"),
        ("http://[::1]:80?q", "/", Some("q"), "[::1]:80"),
        ("https://h", "/", None, "h"),
    ] {
        let (query, authority) = (query.map(ToString::to_string), authority.to_string());
        let want = Read { form: TargetForm::Absolute, path: path.to_string(), query, authority };
        assert_eq!(read(raw), Ok(want), "{raw}");
    }
    for raw in [
        "http:///a",
        "http://:80/",
        "http://user@h/",
        "http://u:p@h/",
        "http://h:99999/",
        "http://a%2eb/",
        "http://",
        "http://h\\x/",
    ] {
        assert_eq!(read(raw), Err(PeerFault::HostSyntax), "{raw}");
    }
    assert_eq!(read("http://h/../x"), Err(PeerFault::TargetAmbiguous));
    assert_eq!(read_with(Method::Get, b"http://h/", Some("a b")), Err(PeerFault::HostSyntax));
}

#[test]
fn asterisk_form_belongs_to_options() {
    let want = |authority: &str| {
        Ok(Read {
            form: TargetForm::Asterisk,
            path: String::new(),
            query: None,
            authority: authority.to_string(),
        })
    };
    assert_eq!(read_with(Method::Options, b"*", Some("h")), want("h"));
    // RFC 9112 §3.2.4
    assert_eq!(
        read_with(Method::Options, b"http://www.example.org:8001", Some("h")),
        want("www.example.org:8001")
    );
    assert_eq!(read_with(Method::Options, b"*a", Some("h")), Err(PeerFault::TargetSyntax));
    assert_eq!(read_with(Method::Get, b"*", Some("h")), Err(PeerFault::TargetSyntax));
    let with_path = read_with(Method::Options, b"http://h/", Some("h")).expect("valid");
    assert_eq!((with_path.form, with_path.path.as_str()), (TargetForm::Absolute, "/"));
}

#[test]
fn authority_form_belongs_to_connect_and_needs_a_port() {
    let read = |target: &str| read_with(Method::Connect, target.as_bytes(), Some("h"));
    let read_ok = read("example.com:443").expect("valid");
    assert_eq!((read_ok.form, read_ok.authority.as_str()), (TargetForm::Authority, "example.com:443"));
    assert!(read("[::1]:443").is_ok());
    for raw in [
        "example.com",
        "example.com:",
        "example.com:0",
        ":443",
        "/",
        "*",
        "http://h:80",
        "u@h:80",
        "h:80/",
        "",
    ] {
        assert_eq!(read(raw), Err(PeerFault::TargetSyntax), "{raw}");
    }
}

#[test]
fn an_empty_or_wrong_host_is_refused_where_it_decides() {
    let origin = |host| read_with(Method::Get, b"/", host);
    assert_eq!(origin(None).map(|read| read.authority), Ok(String::new()));
    assert_eq!(origin(Some("")), Err(PeerFault::HostSyntax));
    assert_eq!(origin(Some("a,b")), Err(PeerFault::HostSyntax));
    assert_eq!(origin(Some("h:80")).map(|read| read.authority), Ok("h:80".to_string()));
    assert_eq!(
        read_with(Method::Get, b"http://h/", Some("")).map(|read| read.authority),
        Ok("h".to_string())
    );
    assert_eq!(read_with(Method::Options, b"*", Some("")), Err(PeerFault::HostSyntax));
    assert_eq!(read_with(Method::Connect, b"h:1", Some("u@h")), Err(PeerFault::HostSyntax));
}

#[test]
fn a_path_is_decoded_into_any_scratch_that_holds_it() {
    let arena = b"/a/%41/../b";
    let raw = Span::of(0, arena.len()).expect("short");
    for len in 0..arena.len() {
        let spans = parse_target(Method::Get, raw, Span::EMPTY, arena, &mut vec![0; len]);
        // `/a/A/` is the longest that stands in scratch at any time.
        assert_eq!(spans.is_ok(), len >= 5, "{len}: {spans:?}");
    }
}

#[test]
fn every_single_byte_has_a_decision_in_path_and_query() {
    for byte in 0..=255u8 {
        let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@[]|^/".contains(&byte);
        let target = [b"/a".as_slice(), &[byte], b"a"].concat();
        let read = read_with(Method::Get, &target, Some("h"));
        match byte {
            b'?' | b';' => assert!(read.is_ok()),
            b'\\' => assert_eq!(read, Err(PeerFault::TargetAmbiguous)),
            _ if plain => assert_eq!(read.map(|read| read.path.into_bytes()), Ok(target)),
            _ => assert_eq!(read, Err(PeerFault::TargetSyntax), "{byte:#x}"),
        }
        let escaped = format!("/a%{byte:02x}a");
        match byte {
            0..0x20 | 0x7f | b'/' | b'\\' | 0x80.. => assert_eq!(path(&escaped), AMBIGUOUS, "{escaped}"),
            _ => assert_eq!(path(&escaped), Ok(format!("/a{}a", char::from(byte))), "{escaped}"),
        }
    }
}

/// Targets that are likely to matter: separators, dots and escapes in every mixture.
fn hostile_path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/", "/", "/", ".", "..", "a", "b", ";", "%", "%2e", "%2E", "%2f", "%5c", "\\", "%00", "%25", "2e",
        "%41", "%c3%a9", "%c0%ae", "%20", "?", "%3f", "%3b", "+", "[",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn assert_canonical(path: &str) {
    assert!(path.starts_with('/'));
    assert!(!path.contains("//") && !path.contains('\\') && !path.chars().any(|c| c.is_ascii_control()));
    for segment in path.split('/') {
        let name = segment.split(';').next().unwrap_or("");
        assert!(!matches!(name, "." | "..") && !segment.starts_with(';'), "{path:?}");
    }
}

fn encoded(path: &str) -> String {
    let mut out = vec![0; path.len() * 3];
    let len = encode_path(path, &mut out).expect("three bytes for one suffice");
    out.truncate(len);
    String::from_utf8(out).expect("ASCII")
}

#[test]
fn encoding_keeps_what_is_plain_and_escapes_the_rest() {
    assert_eq!(encoded("/a b/caf\u{e9};x?#100%"), "/a%20b/caf%C3%A9%3Bx%3F%23100%25");
    assert_eq!(encoded("/-._~!$&'()*+,=:@"), "/-._~!$&'()*+,=:@");
    for len in 0..6 {
        assert_eq!(encode_path("/a b", &mut vec![0; len]).is_ok(), len == 6);
    }
    assert_eq!(encode_path("/a b", &mut [0; 6]), Ok(6));
}

proptest! {
    #[test]
    fn a_canonical_path_is_clean_and_survives_the_way_to_an_upstream(raw in hostile_path()) {
        if let Ok(canonical) = path(&raw) {
            assert_canonical(&canonical);
            prop_assert_eq!(path(&encoded(&canonical)), Ok(canonical));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(raw in prop::collection::vec(any::<u8>(), 0..40), method in 0..9usize) {
        let method = Method::NAMED[method];
        if let Ok(read) = read_with(method, &raw, Some("h")) && !read.path.is_empty() {
            assert_canonical(&read.path);
        }
    }

    #[test]
    fn every_clean_text_can_be_named_by_an_upstream_path(
        segments in prop::collection::vec("[^/\\\\\\x00-\\x1f\\x7f;%.][^/\\\\\\x00-\\x1f\\x7f%]{0,8}", 0..5)
    ) {
        let canonical = format!("/{}", segments.join("/"));
        prop_assert_eq!(path(&encoded(&canonical)), Ok(canonical));
    }
}
