//! Exchanges that follow the rules: persistence, pipelining, methods, target forms.

use crate::serving::Site;

#[test]
fn a_connection_persists_in_http_1_1_unless_one_side_says_otherwise() {
    let site = Site::new();
    let mut peer = site.connect();
    for number in 0..50 {
        let answer = peer.get(&format!("/hello/{number}"));
        assert_eq!(answer.text(), format!("Hello, {number}!"));
        assert_eq!(answer.field("Connection"), None);
    }
    peer.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(peer.answer().field("Connection"), Some("close"));
    peer.is_closed();
}

#[test]
fn a_connection_ends_in_http_1_0_unless_both_sides_agree() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("GET / HTTP/1.0\r\n\r\n");
    let answer = peer.answer();
    assert_eq!((answer.status, answer.text()), (200, "Hello, World!"));
    assert_eq!(answer.field("Connection"), Some("close"));
    peer.is_closed();

    let mut peer = site.connect();
    for _ in 0..3 {
        peer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(peer.answer().field("Connection"), Some("keep-alive"));
    }
    peer.send("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n");
    assert_eq!(peer.answer().field("Connection"), Some("close"));
    peer.is_closed();
}

#[test]
fn a_streamed_answer_to_http_1_0_ends_with_the_connection() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("GET /stream/50000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = peer.answer();
    assert_eq!(answer.field("Transfer-Encoding"), None);
    assert_eq!(answer.field("Connection"), Some("close"));
    assert_eq!((answer.body.len(), answer.is_whole), (50_000, true));
}

#[test]
fn a_later_minor_version_is_answered_as_1_1() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("GET / HTTP/1.2\r\nHost: a\r\n\r\n");
    assert_eq!(peer.answer().status, 200);
    assert_eq!(peer.get("/").status, 200);
}

#[test]
fn sixteen_requests_in_one_write_get_their_answers_in_order() {
    let site = Site::new();
    let mut peer = site.connect();
    for _ in 0..20 {
        let batch: String = (0..16).map(|n| format!("GET /hello/{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
        peer.send(batch);
        for n in 0..16 {
            assert_eq!(peer.answer().text(), format!("Hello, {n}!"));
        }
    }
}

#[test]
fn a_pipeline_of_every_kind_of_request_stays_in_step() {
    let site = Site::new();
    let mut peer = site.connect();
    let kinds = [
        ("GET /hello/a HTTP/1.1\r\nHost: a\r\n\r\n", "Hello, a!"),
        ("POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            "abcde",
        ),
        ("GET /sleep/5 HTTP/1.1\r\nHost: a\r\n\r\n", "slept 5 ms\n"),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour", "four"),
        ("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nunread", "not read\n"),
        ("GET /stream/12 HTTP/1.1\r\nHost: a\r\n\r\n", "ssssssssssss"),
        (
            "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\nX: y\r\n\r\n",
            "z",
        ),
        ("POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", ""),
    ];
    // Every kind follows every other.
    let order: Vec<usize> =
        (0..kinds.len()).flat_map(|a| (0..kinds.len()).flat_map(move |b| [a, b])).collect();
    let mut sender = peer.stream.try_clone().expect("a descriptor");
    let bytes: String = order.iter().map(|&kind| kinds[kind].0).collect();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::io::Write::write_all(&mut sender, bytes.as_bytes()).expect("the server reads")
        });
        for (number, &kind) in order.iter().enumerate() {
            let answer = peer.answer();
            assert_eq!((answer.status, answer.text()), (200, kinds[kind].1), "request {number}, kind {kind}");
        }
    });
}

#[test]
fn requests_are_read_the_same_however_they_are_split() {
    let site = Site::new();
    let request = "\r\nPOST /collect?x=1 HTTP/1.1\r\nHost: a\r\nX-Long:  v \r\nTransfer-Encoding: chunked\r\n\r\n4;e=f\r\nwire\r\n0\r\nT: u\r\n\r\n";
    let mut peer = site.connect();
    for byte in request.as_bytes() {
        peer.send([*byte]);
    }
    assert_eq!(peer.answer().text(), "wire");
    for at in 1..request.len() {
        peer.send(&request[..at]);
        peer.send(&request[at..]);
        assert_eq!(peer.answer().text(), "wire", "split at {at}");
    }
}

#[test]
fn head_has_the_fields_of_get_and_no_body() {
    let site = Site::new();
    let mut peer = site.connect();
    let whole = peer.get("/hello/a");
    peer.send("HEAD /hello/a HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = peer.answer_to_head();
    assert_eq!((head.status, head.field("Content-Length")), (200, Some("9")));
    assert_eq!(head.field("Content-Type"), whole.field("Content-Type"));
    peer.send("HEAD /missing HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream/99 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(peer.answer_to_head().status, 404);
    assert_eq!(peer.answer_to_head().status, 200);
    assert_eq!(peer.get("/hello/b").text(), "Hello, b!");
    // A refusal has none, either.
    peer.send("HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    assert_eq!(peer.answer_to("POST").expect("an answer").status, 400);
}

#[test]
fn options_names_what_is_allowed() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("OPTIONS /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = peer.answer();
    assert_eq!((answer.status, answer.field("Allow")), (204, Some("POST, OPTIONS")));
    peer.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = peer.answer();
    // Every method that some route takes; no route is asked by CONNECT.
    let all = "GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH";
    assert_eq!((answer.status, answer.field("Allow")), (204, Some(all)));
    peer.send("GET * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(peer.answer().status, 400);
}

#[test]
fn trace_is_a_method_like_any_other_and_reflects_nothing() {
    let site = Site::new();
    let mut peer = site.connect();
    for (target, status, allow) in [("/", 405, Some("GET, HEAD, OPTIONS")), ("/missing", 404, None)] {
        peer.send(format!("TRACE {target} HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n"));
        let answer = peer.answer();
        assert_eq!((answer.status, answer.field("Allow")), (status, allow));
        assert!(!answer.text().contains("secret"));
    }
    peer.send("TRACE * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(peer.answer().status, 400);
    peer.is_closed();
}

#[test]
fn an_absolute_target_names_path_and_host() {
    let site = Site::new();
    let mut peer = site.connect();
    for (target, host) in
        [("http://b.example/host", "b.example"), ("http://b.example:81/host?q", "b.example:81")]
    {
        peer.send(format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n"));
        let answer = peer.answer();
        assert_eq!((answer.status, answer.text()), (200, host));
    }
    peer.send("GET http://b.example HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_eq!(peer.answer().text(), "Hello, World!");
    peer.send("OPTIONS http://b.example HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert!(matches!(peer.answer().status, 200 | 204));
    for target in ["http:///host", "http://", "ftp://a/host", "http://u:p@b.example/host", "//b.example/host"]
    {
        let mut peer = site.connect();
        peer.send(format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n"));
        let answer = peer.answer();
        assert!(matches!(answer.status, 400 | 404), "{target}: {}", answer.status);
    }
}

#[test]
fn every_answer_is_dated_and_framed() {
    let site = Site::new();
    let mut peer = site.connect();
    for target in ["/", "/missing", "/stream/5", "/hello/a"] {
        let answer = peer.get(target);
        let date = answer.field("Date").expect("a date");
        assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
        assert!(
            answer.field("Content-Length").is_some() != answer.field("Transfer-Encoding").is_some(),
            "{target}"
        );
    }
}

#[test]
fn a_cap_on_requests_is_announced_with_the_last_answer() {
    let site = Site::with_limits(|limits| limits.requests_per_connection_max = 3);
    let mut peer = site.connect();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5));
    assert_eq!(peer.answer().field("Connection"), None);
    assert_eq!(peer.answer().field("Connection"), None);
    assert_eq!(peer.answer().field("Connection"), Some("close"));
    peer.is_closed();
}
