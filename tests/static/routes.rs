//! Routes of a configuration: which one takes a request, and what the fixed ones answer.

use crate::server::Server;

const CONFIG: &str = r#"
    [[route]]
    match = { path = "/text" }
    action = { type = "respond", body = "hello\n" }

    [[route]]
    match = { path = "/json/*", method = ["GET", "PURGE"] }
    action = { type = "respond", status = 201, body = "{}", content_type = "application/json" }

    [[route]]
    match = { path = "/gone" }
    action = { type = "respond", status = 204 }

    [[route]]
    match = { path = "/old/*" }
    action = { type = "redirect", location = "https://example.com/new?a=1" }

    [[route]]
    match = { path = "/moved" }
    action = { type = "redirect", location = "/text", status = 308 }

    [[route]]
    match = { path = "/files/special" }
    action = { type = "respond", body = "special" }

    [[route]]
    match = { path = "/files/*" }
    action = { type = "static", root = "ROOT" }
"#;

#[test]
fn fixed_answers_are_given_as_they_are_configured() {
    let server = Server::new(&[], CONFIG);
    let text = server.get("/text");
    assert_eq!((text.status, text.text()), (200, "hello\n"));
    assert_eq!(text.field("Content-Type"), Some("text/plain; charset=utf-8"));
    let json = server.get("/json/a/b");
    assert_eq!((json.status, json.text(), json.field("Content-Type")), (201, "{}", Some("application/json")));
    let gone = server.get("/gone");
    assert_eq!((gone.status, gone.field("Content-Length"), gone.field("Content-Type")), (204, None, None));
    let head = server.ask("HEAD", "/text", "");
    assert_eq!((head.status, head.field("Content-Length"), head.body.len()), (200, Some("6"), 0));
    server.stop();
}

#[test]
fn redirects_name_the_configured_place_whatever_the_host() {
    let server = Server::new(&[], CONFIG);
    let old = server.get("/old/page?x=1");
    assert_eq!((old.status, old.field("Location")), (302, Some("https://example.com/new?a=1")));
    let mut client = server.client();
    client.send("GET /moved HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    let moved = client.answer("GET");
    assert_eq!((moved.status, moved.field("Location")), (308, Some("/text")));
    server.stop();
}

#[test]
fn the_first_route_that_fits_takes_the_request() {
    let server = Server::new(&[("special", "a file"), ("other", "another")], CONFIG);
    assert_eq!(server.get("/files/special").text(), "special");
    assert_eq!(server.get("/files/other").text(), "another");
    assert_eq!(server.get("/file").status, 404);
    assert_eq!(server.get("/text/").status, 404, "an exact path is exact");
    server.stop();
}

#[test]
fn a_method_that_no_route_takes_is_405_with_what_is_allowed() {
    let server = Server::new(&[], CONFIG);
    let post = server.ask("POST", "/json/x", "");
    assert_eq!((post.status, post.field("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(server.ask("PURGE", "/json/x", "").status, 201, "a method that the engine has no name for");
    assert_eq!(server.ask("FROB", "/json/x", "").status, 501);
    let options = server.ask("OPTIONS", "/json/x", "");
    assert_eq!((options.status, options.field("Allow")), (204, Some("GET, HEAD, OPTIONS")));
    assert_eq!(server.ask("DELETE", "/text", "").status, 200, "a route without methods takes them all");
    server.stop();
}

#[test]
fn hosts_choose_routes_and_an_unknown_one_is_misdirected() {
    let server = Server::new(
        &[],
        r#"
        [[route]]
        match = { host = "a.example", path = "/*" }
        action = { type = "respond", body = "a" }
        [[route]]
        match = { host = "b.example", path = "/b" }
        action = { type = "respond", body = "b" }
        "#,
    );
    let ask = |host: &str, target: &str| {
        let mut client = server.client();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.answer("GET")
    };
    assert_eq!(ask("a.example", "/x").text(), "a");
    assert_eq!(ask("A.Example:8080", "/").text(), "a", "case and port do not count");
    assert_eq!(ask("b.example", "/b").text(), "b");
    assert_eq!(ask("b.example", "/x").status, 404);
    assert_eq!(ask("c.example", "/").status, 421);
    assert_eq!(ask("c.example", "http://a.example/").text(), "a", "the absolute form wins");
    assert_eq!(ask("c.example", "/healthz").status, 200, "a probe by address is answered");
    server.stop();
}

#[test]
fn a_configuration_without_a_default_host_but_with_a_root_knows_every_host() {
    let server = Server::new(
        &[("a.txt", "root")],
        r#"
        root = "ROOT"
        [[route]]
        match = { host = "a.example", path = "/*" }
        action = { type = "respond", body = "a" }
        "#,
    );
    assert_eq!(server.get("/a.txt").text(), "root");
    assert_eq!(server.get("/b.txt").status, 404);
    server.stop();
}
