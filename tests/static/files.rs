//! Files: whole, in part, on condition, listed.

use crate::server::Server;

const README: &str = "# A page\n\nwith a few lines\n";

#[test]
fn a_file_comes_with_its_type_its_length_and_a_tag() {
    let server = Server::of_files(&[("README.md", README)]);
    let answer = server.get("/README.md");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), README);
    let tag = answer.field("ETag").expect("a tag");
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
    assert!(answer.field("Last-Modified").is_some() && answer.field("Date").is_some());
    assert_eq!(answer.field("Accept-Ranges"), Some("bytes"));
    assert_eq!(server.get("/missing.md").status, 404);
    server.stop();
}

#[test]
fn a_range_is_answered_206_with_its_place() {
    let server = Server::of_files(&[("README.md", README)]);
    let part = server.ask("GET", "/README.md", "Range: bytes=2-7\r\n");
    assert_eq!((part.status, part.text()), (206, &README[2..8]));
    let place = format!("bytes 2-7/{}", README.len());
    assert_eq!(part.field("Content-Range"), Some(place.as_str()));
    let last = server.ask("GET", "/README.md", "Range: bytes=-6\r\n");
    assert_eq!((last.status, last.text()), (206, &README[README.len() - 6..]));
    let beyond = server.ask("GET", "/README.md", "Range: bytes=1000-\r\n");
    assert_eq!(beyond.status, 416);
    let whole = format!("bytes */{}", README.len());
    assert_eq!(beyond.field("Content-Range"), Some(whole.as_str()));
    let several = server.ask("GET", "/README.md", "Range: bytes=0-0,2-2\r\n");
    assert_eq!(several.status, 206);
    assert!(several.field("Content-Type").is_some_and(|kind| kind.starts_with("multipart/byteranges; ")));
    server.stop();
}

#[test]
fn a_known_tag_or_date_is_answered_304_without_the_file() {
    let server = Server::of_files(&[("README.md", README)]);
    let first = server.get("/README.md");
    let (tag, date) = (first.field("ETag").expect("a tag"), first.field("Last-Modified").expect("a date"));
    for fields in [
        format!("If-None-Match: {tag}\r\n"),
        format!("If-None-Match: \"other\", {tag}\r\n"),
        format!("If-Modified-Since: {date}\r\n"),
    ] {
        let answer = server.ask("GET", "/README.md", &fields);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{fields}");
        assert_eq!(answer.field("ETag"), Some(tag));
    }
    let changed = server.ask("GET", "/README.md", "If-None-Match: \"other\"\r\n");
    assert_eq!((changed.status, changed.text()), (200, README));
    assert_eq!(server.ask("GET", "/README.md", "If-Match: \"other\"\r\n").status, 412);
    let old = server.ask("GET", "/README.md", "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n");
    assert_eq!((old.status, old.text()), (200, README), "a part of another state is no use");
    server.stop();
}

#[test]
fn head_tells_all_but_the_body_and_the_connection_goes_on() {
    let server = Server::of_files(&[("README.md", README)]);
    let mut client = server.client();
    let head = client.ask("HEAD", "/README.md", "");
    let get = client.ask("GET", "/README.md", "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.field("Content-Length"), get.field("Content-Length"));
    assert_eq!(head.field("ETag"), get.field("ETag"));
    assert_eq!(get.text(), README);
    assert_eq!(client.ask("HEAD", "/missing", "").status, 404);
    server.stop();
}

#[test]
fn every_length_around_the_ways_to_send_arrives_whole() {
    let server = Server::of_files(&[]);
    let mut client = server.client();
    for len in [0, 1, 1024, 32 * 1024, 32 * 1024 + 1, 64 * 1024, 1 << 20, 10 << 20] {
        let content: Vec<u8> = (0..len).map(|at: usize| (at % 251) as u8).collect();
        server.write(&format!("{len}.bin"), &content);
        let answer = client.ask("GET", &format!("/{len}.bin"), "");
        assert!(answer.status == 200 && answer.body == content, "{len}");
    }
    let mut text = String::new();
    for len in [1024, 64 * 1024, 0, 1 << 20] {
        text += &format!("GET /{len}.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    client.send(text);
    for len in [1024, 64 * 1024, 0, 1 << 20] {
        assert_eq!(client.answer("GET").body.len(), len, "pipelined");
    }
    server.stop();
}

#[test]
fn other_methods_are_refused_with_what_is_allowed() {
    let server = Server::of_files(&[("README.md", README)]);
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
        let answer = server.ask(method, "/README.md", "");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.field("Allow"), Some("GET, HEAD, OPTIONS"));
    }
    assert_eq!(server.ask("FROB", "/README.md", "").status, 501);
    let options = server.ask("OPTIONS", "/README.md", "");
    assert_eq!((options.status, options.field("Allow")), (204, Some("GET, HEAD, OPTIONS")));
    let all = server.ask("OPTIONS", "*", "");
    assert!(all.status == 204 && all.field("Allow").is_some_and(|allow| allow.contains("GET")));
    server.stop();
}

#[test]
fn a_directory_shows_its_index_its_list_or_nothing() {
    let files = [("index.html", "front"), ("sub/a&b.txt", "a"), ("sub/.hidden", "no"), ("sub/x.pem", "no")];
    let server = Server::new(
        &files,
        r#"
        [[route]]
        match.path = "/listed/*"
        action = { type = "static", root = "ROOT", directory_listing = true }
        [[route]]
        match.path = "/plain/*"
        action = { type = "static", root = "ROOT" }
        "#,
    );
    assert_eq!(server.get("/plain/").text(), "front");
    assert_eq!(server.get("/plain/sub/").status, 404);
    let list = server.get("/listed/sub/");
    assert_eq!(list.status, 200);
    assert!(list.text().contains("a&amp;b.txt") && !list.text().contains("hidden"), "{}", list.text());
    assert!(!list.text().contains("x.pem"));
    for (path, to) in [("/listed/sub", "sub/"), ("/plain", "plain/")] {
        let moved = server.ask("GET", &format!("{path}?q=1"), "");
        assert_eq!(moved.status, 301, "{path}");
        let location = moved.field("Location").expect("a place");
        assert!(location.trim_start_matches("./") == format!("{to}?q=1"), "{location}");
    }
    server.stop();
}

#[test]
fn hidden_files_and_keys_are_not_there() {
    let files = [
        (".env", "SECRET=1"),
        (".git/config", "x"),
        ("id_rsa", "x"),
        ("tls.key", "x"),
        ("rws.config.toml", "x"),
    ];
    let server = Server::of_files(&files);
    for (name, _) in files {
        assert_eq!(server.get(&format!("/{name}")).status, 404, "{name}");
    }
    server.stop();
}
