//! The same application gives the same answers over both versions.

use std::io::{Read, Write};
use std::net::TcpStream;

use http::Method;

use crate::client::{Client, request};
use crate::site::{Site, pattern};

/// Status, fields without those of the version's own, and body, as HTTP/1.1 says them.
fn over_http1(
    site: &Site,
    method: &str,
    path: &str,
    body: Option<&[u8]>,
) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let mut stream = TcpStream::connect(site.address()).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n").unwrap();
    match body {
        Some(body) => write!(stream, "Content-Length: {}\r\n\r\n", body.len()).unwrap(),
        None => stream.write_all(b"\r\n").unwrap(),
    }
    stream.write_all(body.unwrap_or_default()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let fields = lines.filter_map(|line| line.split_once(": "));
    let fields = fields.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    (
        status,
        fields.filter(|(name, _)| name != "connection" && name != "date").collect(),
        answer[end + 4..].to_vec(),
    )
}

#[test]
fn an_application_answers_the_same_over_both_versions() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let upload = pattern(3000);
    let requests: &[(&str, &str, Option<&[u8]>)] = &[
        ("GET", "/", None),
        ("GET", "/hello/W%C3%B6rld", None),
        ("GET", "/query?q=a+b%21&r=1", None),
        ("GET", "/created", None),
        ("GET", "/nothing", None),
        ("GET", "/two-cookies", None),
        ("GET", "/authority", None),
        ("GET", "/no/such/thing", None),
        ("GET", "/large/5000", None),
        ("GET", "/panic", None),
        ("HEAD", "/large/5000", None),
        ("DELETE", "/created", None),
        ("OPTIONS", "/created", None),
        ("BREW", "/created", None),
        ("POST", "/collect", Some(&upload)),
        ("POST", "/collect", Some(b"")),
        ("POST", "/sum", Some(&upload)),
        ("POST", "/refuse", Some(&upload)),
    ];
    for &(method, path, body) in requests {
        let expected = over_http1(&site, method, path, body);
        let head = request(Method::from_bytes(method.as_bytes()).unwrap(), path);
        let answer = match body {
            None => {
                let asked = client.ask(head.body(()).unwrap(), true);
                client.finish(asked).unwrap()
            }
            Some(body) => {
                let head = head.header("content-length", body.len());
                let asked = client.ask(head.body(()).unwrap(), body.is_empty());
                match body.is_empty() {
                    true => client.finish(asked).unwrap(),
                    false => client.send_all(asked, body.to_vec(), None).unwrap(),
                }
            }
        };
        let fields: Vec<(String, String)> = answer
            .fields
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
            .filter(|(name, _)| name != "date")
            .collect();
        let told = format!("{method} {path}");
        assert_eq!(answer.status.as_u16(), expected.0, "{told}");
        let sorted = |mut fields: Vec<(String, String)>| {
            fields.sort();
            fields
        };
        assert_eq!(sorted(fields), sorted(expected.1), "{told}");
        assert_eq!(answer.body, expected.2, "{told}");
    }
    assert_eq!(client.get("/version").text(), "HTTP/2.0");
}

#[test]
fn crumbs_of_cookies_are_one_cookie_to_the_application() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let crumbs = request(Method::GET, "/cookies").header("cookie", "a=1").header("cookie", "b=2");
    let asked = client.ask(crumbs.body(()).unwrap(), true);
    assert_eq!(client.finish(asked).unwrap().text(), "a=1; b=2");
}

#[test]
fn trailers_come_behind_the_body() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let answer = client.get("/stream/25000");
    assert_eq!(answer.body, pattern(25_000));
    assert_eq!(answer.trailers.unwrap().get("x-length").unwrap(), "25000");
}
