//! The way there and back.

use crate::site::Site;
use crate::upstream::{Framing, Upstream, meet};

#[test]
fn a_request_goes_up_and_its_answer_comes_down() {
    let (upstream, _site, mut client) = meet();
    client.send("GET /a/b?c=d HTTP/1.1\r\nHost: a.example\r\nX-Own: 1\r\n\r\n");
    let mut link = upstream.accept();
    let seen = link.request();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/a/b?c=d"));
    assert_eq!((seen.field("Host"), seen.field("X-Own")), (Some("a.example"), Some("1")));
    assert_eq!(seen.framing, Framing::None);
    link.send("HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-Theirs: 2\r\n\r\nhello");
    let answer = client.answer();
    assert_eq!(answer.whole(), (200, "hello"));
    assert_eq!((answer.field("X-Theirs"), answer.field("Connection")), (Some("2"), None));
}

#[test]
fn both_connections_are_kept_for_the_next_request() {
    let (upstream, _site, mut client) = meet();
    client.ask("/0");
    let mut link = upstream.accept();
    for round in 0..50 {
        if round > 0 {
            client.ask(&format!("/{round}"));
        }
        assert_eq!(link.request().target, format!("/{round}"));
        link.answer(&round.to_string());
        assert_eq!(client.answer().whole(), (200, round.to_string().as_str()));
    }
    assert!(upstream.accept_if_any().is_none());
}

#[test]
fn one_connection_to_the_upstream_serves_many_clients_in_turn() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let mut link = None;
    for round in 0..10 {
        let mut client = site.connect();
        client.ask(&format!("/{round}"));
        let link = link.get_or_insert_with(|| upstream.accept());
        assert_eq!(link.request().target, format!("/{round}"));
        link.answer("x");
        assert_eq!(client.answer().status, 200);
    }
    assert!(upstream.accept_if_any().is_none());
}

#[test]
fn pipelined_requests_to_the_upstream_and_to_ourselves_are_answered_in_order() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    upstream.serve(|seen, link| link.answer(&seen.target));
    let mut client = site.connect();
    let targets = ["/1", "/local", "/2", "/3", "/local", "/local", "/4", "/local"];
    let row: String =
        targets.iter().map(|target| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    for _ in 0..20 {
        client.send(&row);
        for target in targets {
            let body = if target == "/local" { "local" } else { target };
            assert_eq!(client.answer().whole(), (200, body));
        }
    }
}

#[test]
fn a_request_that_comes_during_the_answer_to_another_is_answered_after_it() {
    let (upstream, _site, mut client) = meet();
    let mut link = upstream.asked(&mut client, "/1");
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfir");
    let mut body = Vec::new();
    assert!(client.take("HTTP/1.1 200 OK".len(), &mut body));
    client.ask("/2");
    client.ask("/local");
    link.send("st");
    let (head_and_body, mut buffer) = (b"\r\nfirst".as_slice(), Vec::new());
    while !buffer.ends_with(head_and_body) {
        assert!(client.take(1, &mut buffer));
    }
    assert_eq!(link.request().target, "/2");
    link.answer("second");
    assert_eq!(client.answer().whole(), (200, "second"));
    assert_eq!(client.answer().whole(), (200, "local"));
}

#[test]
fn answers_of_every_framing_reach_the_client_whole() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    upstream.serve(|seen, link| match seen.target.as_str() {
        "/sized" => link.answer("sized"),
        "/empty" => link.answer(""),
        "/chunked" => link.send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nchun\r\n3;x=y\r\nked\r\n0\r\n\r\n",
        ),
        "/no-content" => link.send("HTTP/1.1 204 No Content\r\n\r\n"),
        "/not-modified" => link.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
        "/http-1.0" => {
            link.send("HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nold");
        }
        other => panic!("{other}"),
    });
    let mut client = site.connect();
    assert_eq!(client.get("/sized").whole(), (200, "sized"));
    assert_eq!(client.get("/empty").whole(), (200, ""));
    assert_eq!(client.get("/chunked").whole(), (200, "chunked"));
    assert_eq!(client.get("/no-content").whole(), (204, ""));
    let unchanged = client.get("/not-modified");
    assert_eq!((unchanged.status, unchanged.field("Content-Length")), (304, Some("9")));
    assert_eq!(client.get("/http-1.0").whole(), (200, "old"));
    assert_eq!(client.get("/sized").whole(), (200, "sized"));
}

#[test]
fn an_answer_that_ends_with_its_connection_is_chunked_for_the_client() {
    let (upstream, _site, mut client) = meet();
    for (round, end_at_once) in [true, false, true].into_iter().enumerate() {
        let mut link = upstream.asked(&mut client, "/");
        link.send("HTTP/1.1 200 OK\r\n\r\nuntil");
        if !end_at_once {
            let mut some = Vec::new();
            assert!(client.take(4, &mut some), "round {round}");
            assert_eq!(some, b"HTTP");
            link.send(" the end");
            drop(link);
            let (mut rest, end) = (Vec::new(), b"0\r\n\r\n");
            while !rest.ends_with(end) {
                assert!(client.take(1, &mut rest));
            }
            continue;
        }
        drop(link);
        let answer = client.answer();
        assert_eq!(answer.whole(), (200, "until"));
        assert_eq!(answer.field("Transfer-Encoding"), Some("chunked"));
    }
    assert_eq!(client.get("/local").whole(), (200, "local"));
}

#[test]
fn an_http_1_0_client_gets_a_streamed_answer_until_the_end_of_its_connection() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    upstream.serve(|_, link| {
        link.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    });
    for request in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"] {
        let mut client = site.connect();
        client.send(request);
        let answer = client.answer();
        assert_eq!(answer.whole(), (200, "hello"));
        assert_eq!((answer.field("Transfer-Encoding"), answer.field("Connection")), (None, Some("close")));
    }
}

#[test]
fn the_answer_to_head_keeps_its_length_and_brings_no_body() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    upstream.serve(|seen, link| match (seen.method.as_str(), seen.target.as_str()) {
        ("HEAD", "/sized") => link.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        ("HEAD", "/chunked") => link.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", _) => link.answer("body"),
        other => panic!("{other:?}"),
    });
    let mut client = site.connect();
    for target in ["/sized", "/chunked", "/sized"] {
        client.send(format!("HEAD {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = client.answer_to("HEAD").expect("an answer");
        let length = (target == "/sized").then_some("1000");
        assert_eq!((answer.status, answer.field("Content-Length")), (200, length));
        assert_eq!(client.get("/").whole(), (200, "body"));
    }
}

#[test]
fn interim_answers_go_on_to_the_client() {
    let (upstream, _site, mut client) = meet();
    let mut link = upstream.asked(&mut client, "/");
    link.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x\r\nX: 1\r\n\r\n");
    assert_eq!(client.interim(), 103, "before the final answer has come");
    link.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n");
    link.answer("done");
    let answer = client.answer();
    assert_eq!(answer.whole(), (200, "done"));
    let statuses: Vec<u16> = answer.interim.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [102, 103]);
    assert_eq!(answer.interim[1].1, [("Link".to_owned(), b"</b>".to_vec())]);
    client.send("GET / HTTP/1.0\r\n\r\n");
    link.request();
    link.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    link.answer("none of it");
    assert!(client.answer().interim.is_empty(), "an HTTP/1.0 client knows no interim answers");
}

#[test]
fn unusual_methods_go_on_and_connect_does_not() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    upstream.serve(|seen, link| link.answer(&seen.method));
    let mut client = site.connect();
    for method in ["OPTIONS", "DELETE", "PATCH", "PROPFIND", "X-ANY"] {
        client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.answer().whole(), (200, method));
    }
    client.send("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
    assert_eq!(client.answer().status, 405);
}
