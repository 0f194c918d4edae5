//! Which connection, which backend, and when a request is sent again.

use std::net::TcpListener;

use crate::client::End;
use crate::site::Site;
use crate::upstream::{Upstream, meet, refusing};

#[test]
fn backends_take_turns() {
    let upstreams = [Upstream::new(), Upstream::new(), Upstream::new()];
    let site = Site::before(&upstreams.each_ref().map(Upstream::address));
    for (name, upstream) in ["a", "b", "c"].into_iter().zip(upstreams) {
        upstream.serve(move |_, link| link.answer(name));
    }
    let mut client = site.connect();
    let turns: String = (0..9).map(|_| client.get("/").text().to_owned()).collect();
    assert_eq!(turns, "abcabcabc");
}

#[test]
fn a_backend_that_refuses_is_passed_over_every_time() {
    let upstream = Upstream::new();
    for backends in [[refusing(), upstream.address()], [upstream.address(), refusing()]] {
        let site = Site::before(&backends);
        let mut client = site.connect();
        let mut link = None;
        for round in 0..10 {
            client.send(format!("POST /{round} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"));
            let link = link.get_or_insert_with(|| upstream.accept());
            let seen = link.request();
            assert_eq!((seen.target, seen.body.as_slice()), (format!("/{round}"), b"body".as_slice()));
            link.answer("taken");
            assert_eq!(client.answer().whole(), (200, "taken"));
        }
    }
}

#[test]
fn when_every_backend_refuses_the_answer_is_502_and_the_client_stays() {
    let site = Site::before(&[refusing(), refusing(), refusing()]);
    let mut client = site.connect();
    for _ in 0..5 {
        let answer = client.get("/");
        assert_eq!(answer.status, 502);
        assert!(answer.is_whole);
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        assert_eq!(client.answer().status, 502);
        assert_eq!(client.get("/local").whole(), (200, "local"));
    }
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.answer_to("HEAD").expect("an answer");
    assert_eq!((head.status, head.body.len()), (502, 0));
    assert_eq!(client.get("/local").whole(), (200, "local"));
}

/// A listener whose queue is full: it neither takes nor refuses.
fn full_backlog() -> (TcpListener, Vec<std::net::TcpStream>) {
    use rustix::net::{AddressFamily, SocketAddrV4, SocketType, bind, listen, socket};
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&listener, &SocketAddrV4::new(core::net::Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listen(&listener, 0).expect("a socket");
    let listener = TcpListener::from(listener);
    let address = listener.local_addr().expect("an address");
    let mut queued = Vec::new();
    let patience = core::time::Duration::from_millis(200);
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, patience) {
        queued.push(stream);
        assert!(queued.len() < 64, "the queue does not fill");
    }
    (listener, queued)
}

#[test]
fn a_backend_that_does_not_take_the_connection_in_time_is_answered_504() {
    let (listener, _queued) = full_backlog();
    let site = Site::with(&[listener.local_addr().expect("an address")], "connect_timeout_ms = 100", |_| {});
    let mut client = site.connect();
    for _ in 0..2 {
        let answer = client.get("/");
        assert_eq!((answer.status, answer.is_whole), (504, true));
    }
    assert_eq!(client.get("/local").whole(), (200, "local"));
}

#[test]
fn a_backend_that_does_not_take_the_connection_in_time_is_passed_over() {
    let (listener, _queued) = full_backlog();
    let upstream = Upstream::new();
    let backends = [listener.local_addr().expect("an address"), upstream.address()];
    let site = Site::with(&backends, "connect_timeout_ms = 100", |_| {});
    upstream.serve(|_, link| link.answer("other"));
    let mut client = site.connect();
    for _ in 0..3 {
        assert_eq!(client.get("/").whole(), (200, "other"));
    }
}

/// A kept connection that the upstream cuts as soon as the second request has come.
fn stale(site: &Site, upstream: &Upstream, request: &str) -> (crate::client::Client, String) {
    let mut client = site.connect();
    let mut link = upstream.asked(&mut client, "/first");
    link.answer("first");
    assert_eq!(client.answer().whole(), (200, "first"));
    client.send(request);
    let seen = link.request();
    link.reset();
    (client, seen.method)
}

#[test]
fn a_request_that_meets_a_stale_connection_is_sent_again_if_it_is_idempotent() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PUT"] {
        let request = format!("{method} /again HTTP/1.1\r\nHost: a\r\n\r\n");
        let (mut client, first) = stale(&site, &upstream, &request);
        assert_eq!(first, method);
        let mut link = upstream.accept();
        let seen = link.request();
        assert_eq!((seen.method.as_str(), seen.target.as_str()), (method, "/again"));
        link.answer(if method == "HEAD" { "" } else { "second" });
        assert_eq!(client.answer_to(method).expect("an answer").status, 200);
        drop(link);
    }
}

#[test]
fn a_request_is_never_sent_twice_if_that_could_do_something_twice() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let head = "HTTP/1.1\r\nHost: a\r\n";
    for request in [
        format!("POST / {head}Content-Length: 0\r\n\r\n"),
        format!("POST / {head}Content-Length: 4\r\n\r\nbody"),
        format!("PATCH / {head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
        format!("X-OWN / {head}\r\n"),
        format!("PUT / {head}Content-Length: 4\r\n\r\nbody"),
    ] {
        let (mut client, _) = stale(&site, &upstream, &request);
        assert_eq!(client.answer().status, 502, "{request:?}");
        assert!(upstream.accept_if_any().is_none(), "{request:?} was sent again");
    }
}

#[test]
fn a_request_is_sent_again_only_once() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let (mut client, _) = stale(&site, &upstream, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut link = upstream.accept();
    link.request();
    link.reset();
    assert_eq!(client.answer().status, 502);
    assert!(upstream.accept_if_any().is_none());
}

#[test]
fn a_fresh_connection_that_breaks_before_its_answer_is_502() {
    let (upstream, _site, mut client) = meet();
    for how in ["closed", "reset", "half a head", "rubbish"] {
        let mut link = upstream.asked(&mut client, "/");
        match how {
            "reset" => link.reset(),
            "half a head" => {
                link.send("HTTP/1.1 200 OK\r\nContent-Le");
                drop(link);
            }
            "rubbish" => link.send("SSH-2.0-OpenSSH_9.6\r\n"),
            _ => drop(link),
        }
        assert_eq!(client.answer().status, 502, "{how}");
        assert!(upstream.accept_if_any().is_none(), "{how}: sent again");
    }
    assert_eq!(client.get("/local").whole(), (200, "local"));
}

#[test]
fn an_idle_connection_that_the_upstream_closes_is_not_used_again() {
    let (upstream, _site, mut client) = meet();
    for round in 0..5 {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
        let mut link = upstream.accept();
        link.request();
        link.answer("x");
        assert_eq!(client.answer().whole(), (200, "x"), "round {round}");
        link.half_close();
        assert_ne!(link.rest().1, End::Silent, "the proxy lets go of what the upstream has closed");
    }
}

#[test]
fn an_upstream_that_says_close_is_not_used_again() {
    let (upstream, _site, mut client) = meet();
    for head in ["HTTP/1.1 200 OK\r\nConnection: close", "HTTP/1.0 200 OK"] {
        let mut link = upstream.asked(&mut client, "/");
        link.send(format!("{head}\r\nContent-Length: 2\r\n\r\nok"));
        let answer = client.answer();
        assert_eq!((answer.whole(), answer.field("Connection")), ((200, "ok"), None));
        link.is_given_up();
    }
}

#[test]
fn bytes_behind_an_answer_end_its_connection_and_reach_nobody() {
    let (upstream, _site, mut client) = meet();
    let second = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    for first in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
    ] {
        for extra in [second, "x", "\r\n"] {
            let mut link = upstream.asked(&mut client, "/");
            link.send([first, extra].concat());
            let answer = client.answer();
            assert!(answer.is_whole && answer.body != b"poison");
            client.ask("/next");
            let mut next = upstream.accept();
            assert_eq!(next.request().target, "/next", "{first:?} and {extra:?}");
            next.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnext");
            assert_eq!(client.answer().whole(), (200, "next"));
            link.is_given_up();
        }
    }
}

#[test]
fn bytes_on_an_idle_connection_end_it() {
    let (upstream, _site, mut client) = meet();
    let mut link = upstream.asked(&mut client, "/");
    link.answer("ok");
    assert_eq!(client.answer().status, 200);
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    link.is_given_up();
    client.ask("/next");
    let mut next = upstream.accept();
    next.request();
    next.answer("next");
    assert_eq!(client.answer().whole(), (200, "next"));
}

#[test]
fn head_answers_with_a_body_poison_nobody() {
    let (upstream, _site, mut client) = meet();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut link = upstream.accept();
    link.request();
    link.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    );
    assert_eq!(client.answer_to("HEAD").expect("an answer").status, 200);
    client.ask("/next");
    let mut next = upstream.accept();
    next.request();
    next.answer("next");
    assert_eq!(client.answer().whole(), (200, "next"));
}
