//! Routes to an upstream, as far as the configuration decides: paths, limits, and what is told of failures.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::server::{Lines, Server};

/// An upstream that answers each request with the head that it got, as long as the process runs.
fn mirror() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            thread::spawn(move || reflect(socket));
        }
    });
    address
}

fn reflect(socket: TcpStream) -> Option<()> {
    let mut socket = BufReader::new(socket);
    loop {
        let (mut head, mut len) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let mut line = String::new();
            if socket.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                len = value.trim().parse().ok()?;
            }
            head += &line;
        }
        let mut body = vec![0; len];
        socket.read_exact(&mut body).ok()?;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\r\n{head}",
            head.len()
        );
        socket.get_mut().write_all(answer.as_bytes()).ok()?;
    }
}

fn config(upstream: SocketAddr, more: &str) -> String {
    format!(
        r#"
        request_body_bytes_max = 1000
        log_format = "json"
        [[upstream]]
        name = "mirror"
        backends = ["{upstream}"]
        [[route]]
        match = {{ path = "/*" }}
        action = {{ type = "proxy", upstream = "mirror", proxy = {{ connect_timeout_ms = 2000 {more} }} }}
        "#
    )
}

#[test]
fn a_prefix_is_taken_off_at_a_segment_and_another_put_before() {
    let server =
        Server::new(&[], &config(mirror(), ", strip_path_prefix = \"/api\", add_path_prefix = \"/v1\""));
    let mut client = server.client();
    for (asked, sent) in [
        ("/api/users?x=1", "/v1/users?x=1"),
        ("/api", "/v1/"),
        ("/apix", "/v1/apix"),
        ("/other/api", "/v1/other/api"),
        ("/api/caf%C3%A9", "/v1/caf%C3%A9"),
    ] {
        let answer = client.ask("GET", asked, "");
        let line = answer.text().lines().next().expect("a request line").to_owned();
        assert_eq!(line, format!("GET {sent} HTTP/1.1"), "for {asked}");
    }
    server.stop();
}

#[test]
fn who_asks_is_told_by_us_and_not_by_the_client() {
    let server = Server::new(&[], &config(mirror(), ""));
    let claims =
        "X-Forwarded-For: 192.0.2.9\r\nForwarded: for=192.0.2.9\r\nConnection: x-secret\r\nX-Secret: 1\r\n";
    let answer = server.ask("GET", "/", claims);
    let head = answer.text().to_ascii_lowercase();
    assert!(head.contains("\r\nx-forwarded-for: 127.0.0.1\r\n"), "{head}");
    assert!(!head.contains("192.0.2.9") && !head.contains("x-secret"), "{head}");
    assert_eq!(answer.field("Connection"), None, "the connection's fields end at each hop");
    server.stop();
}

#[test]
fn a_body_beyond_the_limit_is_413_announced_or_not() {
    let server = Server::new(&[], &config(mirror(), ""));
    let mut client = server.client();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.answer("POST").status, 413);
    let mut client = server.client();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..3 {
        client.send(format!("190\r\n{}\r\n", "x".repeat(400)));
    }
    assert_eq!(client.answer("POST").status, 413);
    assert!(client.is_closed());
    let mut client = server.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(1000)));
    assert_eq!(client.answer("POST").status, 200, "as much as is allowed");
    server.stop();
}

#[test]
fn an_upstream_that_is_gone_is_502_in_the_answer_the_log_and_the_metrics() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a listener").local_addr().expect("an address");
    let lines = Lines::default();
    let (writer, intake) = lines.writer();
    let server = Server::start(&[], &config(gone, "").replace("/*", "/up/*"), Some(&intake));
    let answer = server.get("/up/page");
    assert_eq!(answer.status, 502);
    assert!(answer.text().len() < 100 && !answer.text().is_empty(), "a short text: {}", answer.text());
    server.await_metric("rws_route_requests_total{route=\"/up/*\",status=\"5xx\"} 1");
    server.await_metric("rws_errors_total 1");
    server.stop();
    assert!(writer.finish(Duration::from_secs(10)));
    let text = lines.text();
    let line = text.lines().find(|line| line.contains("/up/page")).expect("a line");
    let line: serde_json::Value = serde_json::from_str(line).expect("a JSON object");
    assert_eq!((line["status"].as_u64(), line["upstream"].as_str()), (Some(502), Some("mirror")));
    assert_eq!((line["route"].as_str(), line["level"].as_str()), (Some("/up/*"), Some("error")));
}
