//! What is written into a request on its way up, and what is taken out of it and of its answer.

use crate::site::Site;
use crate::upstream::{Seen, Upstream, meet};

/// The request that an upstream sees of this head, without its first and last line end.
fn seen(upstream: &Upstream, site: &Site, head: &str) -> Seen {
    let mut client = site.connect();
    client.send(format!("{head}\r\n\r\n"));
    let mut link = upstream.accept();
    let seen = link.request();
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.answer().status, 200, "{head:?}");
    seen
}

#[test]
fn who_asks_is_written_by_us_and_never_taken_from_the_client() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let seen = seen(
        &upstream,
        &site,
        "GET / HTTP/1.1\r\nHost: shop.example:8080\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\nX-Real-IP: 6.6.6.6\r\n\
         X-Forwarded-Port: 1\r\nX-FORWARDED-PREFIX: /evil\r\nX_Forwarded_For: 6.6.6.6\r\nx-forwarded_host: evil\r\n\
         Content_Length: 5\r\nTransfer_Encoding: chunked\r\nX_Own: kept\r\nX-Forward: kept",
    );
    assert_eq!(seen.field("X-Forwarded-For"), Some("127.0.0.1"));
    assert_eq!(seen.field("X-Forwarded-Proto"), Some("http"));
    assert_eq!(seen.field("X-Forwarded-Host"), Some("shop.example:8080"));
    assert_eq!(seen.field("Forwarded"), Some("for=127.0.0.1;proto=http"));
    assert_eq!(seen.field("Via"), Some("1.1 rws"));
    assert_eq!((seen.field("X_Own"), seen.field("X-Forward")), (Some("kept"), Some("kept")));
    let count = seen.fields.len();
    assert_eq!(count, 8, "nothing of what the client claims is left: {:?}", seen.fields);
}

#[test]
fn earlier_hops_stay_named() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let head = "GET / HTTP/1.0\r\nHost: a\r\nVia: 1.0 fred, 1.1 p.example";
    let seen = seen(&upstream, &site, head);
    let via: Vec<&str> =
        seen.fields.iter().filter(|(name, _)| name == "Via").map(|(_, value)| value.as_str()).collect();
    assert_eq!(via, ["1.0 fred, 1.1 p.example", "1.0 rws"]);
}

#[test]
fn what_speaks_about_the_clients_connection_ends_with_us() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let seen = seen(
        &upstream,
        &site,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: timeout=9\r\n\
         Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nTE: gzip\r\nUpgrade: h2c\r\nTrailer: X\r\n\
         Accept: */*",
    );
    for name in [
        "Connection",
        "X-Mine",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authorization",
        "TE",
        "Upgrade",
        "Trailer",
    ] {
        assert_eq!(seen.field(name), None, "{name}");
    }
    assert_eq!(seen.field("Accept"), Some("*/*"));
}

#[test]
fn a_client_cannot_have_protecting_fields_taken_out() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let seen = seen(
        &upstream,
        &site,
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nCookie: a=b\r\nCache-Control: no-store\r\n\
         Content-Type: text/plain\r\nConnection: authorization, cookie, host, x-forwarded-for, x-forwarded-proto\r\n\
         Connection: x-forwarded-host, forwarded, via, content-length, cache-control, content-type",
    );
    for (name, value) in [
        ("Authorization", "Bearer x"),
        ("Cookie", "a=b"),
        ("Cache-Control", "no-store"),
        ("Content-Type", "text/plain"),
        ("Host", "a"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "a"),
        ("Forwarded", "for=127.0.0.1;proto=http"),
        ("Via", "1.1 rws"),
    ] {
        assert_eq!(seen.field(name), Some(value), "{name}");
    }
}

#[test]
fn connection_fields_of_the_upstream_end_with_us_and_its_own_do_not() {
    let (upstream, _site, mut client) = meet();
    let mut link = upstream.asked(&mut client, "/");
    link.send(
        "HTTP/1.1 200 OK\r\nConnection: X-Theirs, close\r\nX-Theirs: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n\
         Proxy-Authenticate: Basic\r\nTrailer: X\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nServer: theirs\r\n\
         Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok",
    );
    let answer = client.answer();
    assert_eq!(answer.whole(), (200, "ok"));
    let names: Vec<&str> = answer.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Set-Cookie", "Set-Cookie", "Server", "Date", "Content-Length"]);
    assert_eq!(client.get("/local").whole(), (200, "local"), "our connection is not theirs");
}

#[test]
fn the_host_that_was_asked_for_goes_on() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for (head, host) in [
        ("GET / HTTP/1.1\r\nHost: Shop.Example:80", "Shop.Example:80"),
        ("GET http://other.example/ HTTP/1.1\r\nHost: a.example", "other.example"),
        ("GET http://other.example:81/x HTTP/1.1\r\nHost: a.example", "other.example:81"),
        ("GET / HTTP/1.1\r\nHost: [::1]:80", "[::1]:80"),
        ("GET / HTTP/1.0", ""),
    ] {
        let seen = seen(&upstream, &site, head);
        assert_eq!(seen.field("Host"), Some(host), "{head:?}");
        assert!(seen.target.starts_with('/'), "{head:?}");
    }
}

#[test]
fn the_path_that_was_matched_is_the_path_that_is_asked_for() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for (asked, expected) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/%61/%62", "/a/b"),
        ("/a/./b/../c", "/a/c"),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%20b", "/a%20b"),
        ("/a%3bb", "/a%3Bb"),
        ("/a;b=c", "/a%3Bb=c"),
        ("/a%3fb", "/a%3Fb"),
        ("/a%23b", "/a%23b"),
        ("/a%25b", "/a%25b"),
        ("/a?b=%2e%2E&c=/../", "/a?b=%2e%2E&c=/../"),
        ("/a?", "/a?"),
        ("/a??b", "/a??b"),
    ] {
        let mut client = site.connect();
        client.send(format!("GET {asked} HTTP/1.1\r\nHost: a\r\n\r\n"));
        match upstream.accept_or(&mut client) {
            Ok(mut link) => {
                assert_eq!(link.request().target, expected, "{asked}");
                link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                assert_eq!(client.answer().status, 200);
            }
            Err(status) => panic!("{asked} is {status}"),
        }
    }
}

#[test]
fn ambiguous_paths_reach_no_upstream() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for asked in [
        "/a%2fb",
        "/a%5cb",
        "/a\\b",
        "/a//b",
        "//a",
        "/a/..%2f",
        "/..",
        "/a/../../b",
        "/%2e%2e/a",
        "/a/%2e/b",
        "/..;/a",
        "/a%00b",
        "/a%0d%0aX: y",
        "/%c0%af",
        "/%ff",
        "/a%252fb",
        "/a%zz",
        "/a%2",
        "a",
        "/a#b",
    ] {
        let mut client = site.connect();
        client.send(format!("GET {asked} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.answer().status, 400, "{asked}");
        assert!(upstream.accept_if_any().is_none(), "{asked}");
    }
}

#[test]
fn prefixes_are_taken_off_and_put_on_by_whole_segments() {
    let upstream = Upstream::new();
    for (lines, asked, expected) in [
        ("strip_path_prefix = \"/api\"", "/api/users", "/users"),
        ("strip_path_prefix = \"/api\"", "/api", "/"),
        ("strip_path_prefix = \"/api\"", "/api/", "/"),
        ("strip_path_prefix = \"/api\"", "/apis/users", "/apis/users"),
        ("strip_path_prefix = \"/api\"", "/%61pi/users?q", "/users?q"),
        ("add_path_prefix = \"/v1\"", "/users", "/v1/users"),
        ("add_path_prefix = \"/v1\"", "/", "/v1/"),
        ("add_path_prefix = \"/my files/é\"", "/users", "/my%20files/%C3%A9/users"),
        ("strip_path_prefix = \"/api\"\nadd_path_prefix = \"/v1\"", "/api/users", "/v1/users"),
        ("strip_path_prefix = \"/api\"\nadd_path_prefix = \"/v1\"", "/api", "/v1/"),
    ] {
        let site = Site::with(&[upstream.address()], lines, |_| {});
        let seen = seen(&upstream, &site, &format!("GET {asked} HTTP/1.1\r\nHost: a"));
        assert_eq!(seen.target, expected, "{lines} {asked}");
    }
}
