//! Who is who: request ids and traces, what trusted proxies in front say of the client, and what the log tells of
//! an exchange that was forwarded.

use rws_core::middleware::{Cidr, HopField};
use rws_proxy::config::Config;
use rws_tests::peer::Answer;

use crate::site::Site;
use crate::upstream::{Seen, Upstream, refusing};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What the upstream sees of a GET with these field lines, and the client's answer.
fn exchange(upstream: &Upstream, site: &Site, lines: &str) -> (Seen, Answer) {
    let mut client = site.connect();
    client.send(format!("GET /x HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    let mut link = upstream.accept();
    let seen = link.request();
    link.send("HTTP/1.1 200 OK\r\nConnection: close\r\nX-Request-ID: its own\r\nContent-Length: 2\r\n\r\nok");
    let answer = client.answer();
    assert_eq!(answer.whole(), (200, "ok"));
    (seen, answer)
}

fn trusting(networks: &[&str]) -> impl FnOnce(&mut Config) {
    let networks: Vec<Cidr> = networks.iter().map(|text| Cidr::parse(text).expect("a network")).collect();
    move |config| config.trusted_proxies = networks
}

fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn one_id_is_in_the_upstreams_request_the_answer_and_the_log() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], |_| {});
    let (seen, answer) = exchange(&upstream, &site, "X-Request-ID: forged\r\nX-Request-ID: twice\r\n");
    let id = answer.field("X-Request-ID").expect("an id").to_owned();
    assert!(is_id(&id), "a stranger's id is not taken: {id}");
    assert_eq!(seen.field("X-Request-ID"), Some(id.as_str()));
    let (other, _) = exchange(&upstream, &site, "");
    assert_ne!(other.field("X-Request-ID"), Some(id.as_str()), "each has its own");
    let lines = site.end();
    assert_eq!(lines[0]["request_id"].as_str(), Some(id.as_str()));
    assert_eq!(lines[0]["backend"].as_str(), Some(upstream.address().to_string().as_str()));
    assert_eq!((lines[0]["upstream"].as_str(), lines[0]["bytes"].as_u64()), (Some("app"), Some(2)));
    assert_eq!(
        (&lines[0]["aborted"], &lines[0]["error"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
}

#[test]
fn the_id_of_a_trusted_proxy_is_kept_if_it_is_well_formed() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], trusting(&["127.0.0.0/8"]));
    for (lines, kept) in [
        ("X-Request-ID: edge-7f3a/2\r\n", Some("edge-7f3a/2")),
        ("X-Request-ID: two words\r\n", None),
        ("X-Request-ID: a\r\nX-Request-ID: b\r\n", None),
        ("X-Request-ID:\r\n", None),
    ] {
        let (seen, answer) = exchange(&upstream, &site, lines);
        let id = answer.field("X-Request-ID").expect("an id");
        assert!(kept.map_or_else(|| is_id(id), |kept| id == kept), "{lines:?} gives {id}");
        assert_eq!(seen.field("X-Request-ID"), Some(id));
    }
}

#[test]
fn a_trace_goes_on_with_a_span_of_ours_and_a_malformed_one_begins_anew() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], |_| {});
    let lines = format!("traceparent: {PARENT}\r\ntracestate: vendor=1\r\n");
    let (seen, _) = exchange(&upstream, &site, &lines);
    let parent = seen.field("Traceparent").expect("a trace");
    assert!(parent.starts_with(&PARENT[..36]) && parent.ends_with("-01"), "{parent}");
    assert_ne!(parent, PARENT, "the span is ours");
    assert_eq!(seen.field("Tracestate"), Some("vendor=1"));
    let (seen, _) = exchange(&upstream, &site, "traceparent: 00-nonsense\r\ntracestate: vendor=1\r\n");
    let parent = seen.field("Traceparent").expect("a trace");
    assert!(parent.starts_with("00-") && parent.len() == PARENT.len(), "{parent}");
    assert_eq!(seen.field("Tracestate"), None);
}

#[test]
fn a_client_neither_has_the_ids_removed_nor_writes_others_in_disguise() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], |_| {});
    let lines = "Connection: traceparent, x-request-id\r\nX_Request_ID: forged\r\nx-request_id: forged\r\n";
    let (seen, answer) = exchange(&upstream, &site, lines);
    assert_eq!(seen.field("X-Request-ID"), answer.field("X-Request-ID"));
    assert!(seen.field("Traceparent").is_some_and(|parent| parent.len() == PARENT.len()));
    assert!(!seen.fields.iter().any(|(_, value)| value == "forged"), "{:?}", seen.fields);
}

#[test]
fn error_pages_end_with_the_id() {
    let backend = refusing();
    let site = Site::logged(&[backend], |_| {});
    let answer = site.connect().get("/");
    let id = answer.field("X-Request-ID").expect("an id").to_owned();
    let page = format!("the upstream takes no connections\nrequest id: {id}\n");
    assert_eq!(answer.whole(), (502, page.as_str()));
    let lines = site.end();
    assert_eq!(lines[0]["request_id"].as_str(), Some(id.as_str()));
    assert_eq!(lines[0]["error"].as_str(), Some("the upstream takes no connections"));
    assert_eq!(lines[0]["backend"].as_str(), Some(backend.to_string().as_str()));
    assert_eq!((lines[0]["level"].as_str(), lines[0]["status"].as_u64()), (Some("error"), Some(502)));
}

#[test]
fn without_ids_nothing_is_said_of_them() {
    let upstream = Upstream::new();
    let site = Site::with(&[upstream.address()], "", |config| config.request_id = false);
    let (seen, answer) = exchange(&upstream, &site, "X-Request-ID: mine\r\n");
    assert_eq!(seen.field("X-Request-ID"), Some("mine"), "it is like any other field then");
    assert_eq!(seen.field("Traceparent"), None);
    assert_eq!(answer.field("X-Request-ID"), Some("its own"));
}

#[test]
fn the_client_is_the_right_most_hop_that_is_not_trusted() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], trusting(&["127.0.0.0/8", "10.0.0.0/8"]));
    let lines = "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-For: 10.1.1.1\r\n\
                 Forwarded: for=6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n\
                 X-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\n";
    let (seen, _) = exchange(&upstream, &site, lines);
    assert_eq!(seen.field("X-Forwarded-For"), Some("6.6.6.6, 192.0.2.7, 10.1.1.1, 127.0.0.1"));
    assert_eq!(seen.field("Forwarded"), Some("for=192.0.2.7;proto=https"));
    assert_eq!(seen.field("X-Forwarded-Proto"), Some("https"));
    assert_eq!(seen.field("X-Forwarded-Host"), Some("shop.example"));
    assert_eq!((seen.field("X-Forwarded-Port"), seen.field("X-Real-IP")), (None, None));
    let (seen, _) = exchange(&upstream, &site, "X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a b\r\n");
    assert_eq!(seen.field("X-Forwarded-For"), Some("127.0.0.1"));
    assert_eq!((seen.field("X-Forwarded-Proto"), seen.field("X-Forwarded-Host")), (Some("http"), Some("a")));
    let lines = site.end();
    assert_eq!(
        (lines[0]["peer"].as_str(), lines[0]["client"].as_str()),
        (Some("127.0.0.1"), Some("192.0.2.7"))
    );
    assert_eq!((lines[1]["peer"].as_str(), lines[1]["client"].as_str()), (Some("127.0.0.1"), None));
}

#[test]
fn the_field_of_the_trusted_proxies_is_the_chosen_one_and_the_other_is_not_believed() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], |config| {
        config.trusted_proxies = vec![Cidr::parse("127.0.0.1").expect("an address")];
        config.client_ip_field = HopField::Forwarded;
    });
    let lines = "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=\"[2001:db8::7]\";proto=https\r\n";
    let (seen, _) = exchange(&upstream, &site, lines);
    assert_eq!(seen.field("X-Forwarded-For"), Some("2001:db8::7"));
    let forwarded = "for=\"[2001:db8::7]\";proto=https, for=127.0.0.1;proto=http";
    assert_eq!(seen.field("Forwarded"), Some(forwarded));
    assert_eq!(site.end()[0]["client"].as_str(), Some("2001:db8::7"));
}

#[test]
fn a_peer_that_is_not_trusted_is_the_client_whatever_it_says() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], trusting(&["10.0.0.0/8"]));
    let (seen, _) = exchange(&upstream, &site, "X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\n");
    assert_eq!(seen.field("X-Forwarded-For"), Some("127.0.0.1"));
    assert_eq!(seen.field("Forwarded"), Some("for=127.0.0.1;proto=http"));
    assert_eq!(site.end()[0]["client"].as_str(), None);
}

#[test]
fn an_answer_that_its_upstream_cuts_is_an_aborted_one_with_the_bytes_that_went() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], |_| {});
    let mut client = site.connect();
    client.ask("/cut");
    let mut link = upstream.accept();
    link.request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf a body");
    let head = client.take_head().expect("a head");
    assert!(head.starts_with(b"HTTP/1.1 200 "));
    assert!(client.take(11, &mut Vec::new()));
    drop(link);
    client.rest();
    let lines = site.end();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((lines[0]["status"].as_u64(), lines[0]["bytes"].as_u64()), (Some(200), Some(11)));
    assert_eq!((lines[0]["aborted"].as_bool(), lines[0]["level"].as_str()), (Some(true), Some("error")));
    assert_eq!(lines[0]["error"].as_str(), Some("the answer could not be completed"));
}

#[test]
fn a_client_that_leaves_is_an_aborted_exchange_and_no_error_of_the_upstream() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], |_| {});
    let mut early = site.connect();
    early.ask("/early");
    let mut link = upstream.accept();
    link.request();
    early.reset();
    link.is_given_up();
    let mut late = site.connect();
    late.ask("/late");
    let mut link = upstream.accept();
    link.request();
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf a body");
    late.take_head().expect("a head");
    assert!(late.take(11, &mut Vec::new()));
    late.reset();
    link.is_given_up();
    let lines = site.end();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line["path"].as_str(), line["status"].as_u64(), line["bytes"].as_u64()))
        .collect();
    assert_eq!(told, [(Some("/early"), Some(0), Some(0)), (Some("/late"), Some(200), Some(11))]);
    for line in &lines {
        assert_eq!((line["aborted"].as_bool(), line["level"].as_str()), (Some(true), Some("warn")));
        assert_eq!(line["error"].as_str(), Some("the client has gone"));
    }
}

#[test]
fn max_forwards_is_counted_down_and_ends_here_at_zero() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let mut client = site.connect();
    let ask = |hops: &str| format!("OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: {hops}\r\n\r\n");
    client.send(ask("0"));
    let answer = client.answer();
    assert_eq!((answer.status, answer.field("Via")), (204, None));
    assert_eq!(answer.field("Allow"), Some("GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"));
    for (hops, left) in [("1", "0"), ("0010", "9"), ("99999999999999999999", "4294967294")] {
        let mut client = site.connect();
        client.send(ask(hops));
        let mut link = upstream.accept();
        assert_eq!(link.request().field("Max-Forwards"), Some(left));
        link.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        assert_eq!(client.answer().status, 204);
    }
    for hops in ["-1", "x", "1, 2", "1\r\nMax-Forwards: 2"] {
        let mut client = site.connect();
        client.send(ask(hops));
        assert_eq!(client.answer().status, 400, "{hops:?}");
    }
    // It says nothing about other methods.
    let mut client = site.connect();
    client.send("GET /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");
    let mut link = upstream.accept();
    assert_eq!(link.request().field("Max-Forwards"), Some("0"));
}

#[test]
fn trace_and_connect_end_here_and_show_nothing_of_the_request() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for (target, lines) in
        [("/x", ""), ("/x", "Max-Forwards: 0\r\n"), ("/x", "Max-Forwards: 5\r\n"), ("/local", "")]
    {
        let mut client = site.connect();
        client.send(format!("TRACE {target} HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n{lines}\r\n"));
        let answer = client.answer();
        assert_eq!(answer.status, 405, "{target} {lines:?}");
        assert_eq!(answer.field("Allow"), Some("GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"));
        assert!(!answer.text().contains("secret"), "{answer:?}");
    }
    let mut client = site.connect();
    client.send("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.field("Allow")), (405, Some("")));
    assert!(upstream.accept_if_any().is_none());
}
