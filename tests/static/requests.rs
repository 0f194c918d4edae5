//! Bodies that nobody asked for, requests that are too large, and connections that go on.

use crate::server::Server;

fn small_limit() -> Server {
    Server::new(&[("a.txt", "hello")], "root = \"ROOT\"\nrequest_body_bytes_max = 100\n")
}

#[test]
fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    let server = small_limit();
    let mut client = server.client();
    client.send(
        "POST /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\nExpect: 100-continue\r\n\r\n",
    );
    let answer = client.answer("POST");
    assert_eq!(answer.status, 413, "and no 100 before it");
    assert!(client.is_closed());
    server.stop();
}

#[test]
fn a_body_that_a_file_has_no_use_for_is_dropped_and_the_connection_goes_on() {
    let server = small_limit();
    let mut client = server.client();
    client.send("GET /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.answer("GET").text(), "hello");
    client
        .send("GET /a.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    assert_eq!(client.answer("GET").text(), "hello");
    assert_eq!(client.ask("GET", "/a.txt", "").status, 200, "what follows is a request of its own");
    server.stop();
}

#[test]
fn an_endless_body_is_cut_off() {
    let server = small_limit();
    let mut client = server.client();
    client.send("POST /a.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.answer("POST").status, 405);
    assert!(client.is_closed());
    server.stop();
}

#[test]
fn what_the_engine_refuses_has_its_status_and_ends_the_connection() {
    let server = small_limit();
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(9000));
    let wide = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(40_000));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
        (long.as_str(), 414),
        (wide.as_str(), 431),
    ] {
        let mut client = server.client();
        client.send(request);
        assert_eq!(client.answer("GET").status, status);
        assert!(client.is_closed(), "after {status}");
    }
    server.stop();
}
