//! HTTP/2 from the client, HTTP/1.1 to an upstream.

use core::time::Duration;
use std::sync::atomic::Ordering;

use http::{HeaderMap, Method};
use rws_std::forward::{ForwardOptions, ReverseProxy, RoundRobin};
use rws_std::{Running, Server};

use crate::client::{Client, request};
use crate::site::{Site, pattern, settles};

fn proxy_before(site: &Site) -> Running<ReverseProxy> {
    let proxy = ReverseProxy::new(RoundRobin::new(vec![site.address()]), ForwardOptions::default());
    Server::bind("127.0.0.1:0").unwrap().shards(1).start(proxy).unwrap()
}

#[test]
fn requests_and_answers_of_all_kinds_pass_a_proxy() {
    let site = Site::new();
    let proxy = proxy_before(&site);
    let mut client = Client::connect(proxy.address());
    assert_eq!(client.get("/hello/a%20b").text(), "Hello, a b!");
    assert_eq!(client.get("/authority").text(), "test");
    assert_eq!(client.get("/version").text(), "HTTP/1.1");
    assert_eq!(client.get("/no/such").status.as_u16(), 404);
    assert_eq!(client.get("/nothing").status.as_u16(), 204);
    assert_eq!(client.post("/collect", b"hello").text(), "hello");
    assert!(client.get("/large/3000000").body == pattern(3_000_000));
    assert!(client.post("/echo", &pattern(3_000_000)).body == pattern(3_000_000));
    let head = client.ask(request(Method::HEAD, "/large/10").body(()).unwrap(), true);
    let head = client.finish(head).unwrap();
    assert_eq!((head.field("content-length"), head.body.len()), (Some("10"), 0));
    assert_eq!(client.get("/created").field("connection"), None, "it says nothing of connections");
    assert_eq!(proxy.stats().aborted_total, 0);
}

#[test]
fn trailers_pass_a_proxy() {
    let site = Site::new();
    let proxy = proxy_before(&site);
    let mut client = Client::connect(proxy.address());
    let asked =
        client.ask(request(Method::GET, "/stream/30000").header("te", "trailers").body(()).unwrap(), true);
    let answer = client.finish(asked).unwrap();
    assert_eq!(answer.body, pattern(30_000));
    assert_eq!(answer.trailers.unwrap().get("x-length").unwrap(), "30000");
    let asked = client.ask(request(Method::POST, "/echo").body(()).unwrap(), false);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    assert_eq!(client.send_all(asked, b"body".to_vec(), Some(trailers)).unwrap().text(), "body");
}

#[test]
fn a_hundred_streams_pass_a_proxy_at_once() {
    let site = Site::new();
    let proxy = proxy_before(&site);
    let mut client = Client::connect(proxy.address());
    for _ in 0..3 {
        let asked: Vec<_> = (0..100).map(|n| client.start(&format!("/hello/{n}"))).collect();
        for (n, asked) in asked.into_iter().enumerate() {
            assert_eq!(client.finish(asked).unwrap().text(), format!("Hello, {n}!"));
        }
    }
}

#[test]
fn a_slow_stream_does_not_stop_its_neighbours_at_a_proxy() {
    let site = Site::new();
    let proxy = proxy_before(&site);
    let mut client = Client::with(proxy.address(), |builder| {
        builder.initial_window_size(50_000).initial_connection_window_size(200_000);
    });
    // Their bodies are not read, and their windows fill up.
    let idle: Vec<_> = (0..3).map(|_| client.start("/large/3000000")).collect();
    assert_eq!(client.get("/hello/b").text(), "Hello, b!");
    assert!(client.get("/large/100000").body == pattern(100_000));
    for asked in idle {
        assert!(client.finish(asked).unwrap().body == pattern(3_000_000));
    }
}

#[test]
fn a_reset_goes_on_to_the_upstream_and_back() {
    let site = Site::new();
    let proxy = proxy_before(&site);
    let mut client = Client::connect(proxy.address());
    let mut asked = client.start("/endless");
    let response = client.run(&mut asked.answer).unwrap();
    let mut body = response.into_body();
    assert!(client.run(body.data()).unwrap().is_ok());
    asked.body.send_reset(h2::Reason::CANCEL);
    drop(body);
    settles("the upstream's handler knows", || {
        client.run(async { tokio::time::sleep(Duration::from_millis(1)).await });
        site.shared.abandoned.load(Ordering::SeqCst) == 1
    });
    let cut = client.start("/cut");
    assert!(client.finish(cut).unwrap_err().is_reset());
    assert_eq!(client.get("/").text(), "Hello, World!");
}

#[test]
fn an_upstream_that_is_not_there_is_a_502_of_the_stream() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = ReverseProxy::new(RoundRobin::new(vec![closed]), ForwardOptions::default());
    let proxy = Server::bind("127.0.0.1:0").unwrap().shards(1).start(proxy).unwrap();
    let mut client = Client::connect(proxy.address());
    for _ in 0..3 {
        assert_eq!(client.get("/").status.as_u16(), 502);
        assert_eq!(client.post("/", b"hello").status.as_u16(), 502);
    }
}
