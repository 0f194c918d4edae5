//! Large bodies, in both directions.

use http::Method;

use crate::client::{Client, request};
use crate::site::{Site, pattern};

const LARGE: usize = 8 << 20;

#[test]
fn large_answers_from_memory_and_from_a_stream_come_whole() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    assert!(client.get(&format!("/large/{LARGE}")).body == pattern(LARGE));
    assert!(client.get(&format!("/stream/{LARGE}")).body == pattern(LARGE));
}

#[test]
fn large_answers_share_a_connection() {
    let site = Site::new();
    let mut client = Client::with(site.address(), |builder| {
        builder.initial_window_size(100_000).initial_connection_window_size(1_100_000);
    });
    let asked: Vec<_> = (0..10).map(|n| client.start(&format!("/large/{}", 500_000 + n))).collect();
    for (n, asked) in asked.into_iter().enumerate() {
        // Those that nobody reads yet have their windows full, and are in nobody's way.
        assert!(client.finish(asked).unwrap().body == pattern(500_000 + n), "{n}");
    }
}

#[test]
fn large_uploads_are_read_as_they_come() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    assert_eq!(client.post("/sum", &pattern(LARGE)).text(), LARGE.to_string());
    assert!(client.post("/echo", &pattern(LARGE)).body == pattern(LARGE));
    assert!(client.post("/collect", &pattern(1 << 20)).body == pattern(1 << 20));
}

#[test]
fn a_body_beyond_the_limit_is_refused_and_the_connection_goes_on() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    assert_eq!(client.post("/collect", &pattern(3 << 20)).status.as_u16(), 413);
    let declared = request(Method::POST, "/collect").header("content-length", "99999999");
    let asked = client.ask(declared.body(()).unwrap(), false);
    assert_eq!(client.finish(asked).unwrap().status.as_u16(), 413);
    assert_eq!(client.get("/").text(), "Hello, World!");
}

#[test]
fn a_body_that_nobody_wants_is_in_nobodys_way() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    for _ in 0..5 {
        assert_eq!(client.post("/refuse", &pattern(300_000)).status.as_u16(), 403);
    }
    assert_eq!(client.get("/").text(), "Hello, World!");
}
