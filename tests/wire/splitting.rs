//! Bytes that end a line where none should end: in what a client sends, and in what a handler answers.

use crate::serving::Site;

fn percent(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
}

/// A handler that puts its input into a field: whatever the bytes, the answer has the fields it should have.
#[test]
fn no_byte_of_a_handlers_value_can_end_its_line() {
    let site = Site::new();
    let mut peer = site.connect();
    for byte in 0..=255_u8 {
        let value = [b"a".as_slice(), &[byte], b"b"].concat();
        let answer = peer.get(&format!("/reflect?{}", percent(&value)));
        let given = answer.fields.iter().find(|(name, _)| name == "X-Reflect").map(|(_, value)| value);
        match answer.status {
            200 => assert_eq!(given, Some(&value), "byte {byte:#04x}"),
            500 => assert!(given.is_none() && (byte < 0x20 || byte == 0x7f), "byte {byte:#04x}"),
            other => panic!("byte {byte:#04x}: {other}"),
        }
        let refused = matches!(byte, b'\r' | b'\n' | 0);
        assert!(!refused || answer.status == 500, "byte {byte:#04x} went out");
    }
}

#[test]
fn split_responses_do_not_come_out_of_a_field() {
    let site = Site::new();
    for value in [
        "a\r\nSet-Cookie: stolen=1",
        "a\nSet-Cookie: stolen=1",
        "a\rSet-Cookie: stolen=1",
        "a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "\r\n\r\n<script>",
        "a\r\n Set-Cookie: stolen=1",
        "\u{560a}\u{560d}Set-Cookie: stolen=1\n",
    ] {
        let mut peer = site.connect();
        let answer = peer.get(&format!("/reflect?{}", percent(value.as_bytes())));
        assert_eq!(answer.status, 500, "{value:?}");
        assert_eq!(answer.field("Set-Cookie"), None, "{value:?}");
        // Nothing is left over that would be read as the next answer.
        assert_eq!(peer.get("/hello/next").text(), "Hello, next!", "{value:?}");
    }
}

#[test]
fn control_bytes_in_a_head_are_refused_wherever_they_stand() {
    let site = Site::new();
    let places: &[&dyn Fn(&str) -> String] = &[
        &|byte| format!("G{byte}ET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        &|byte| format!("GET /a{byte}b HTTP/1.1\r\nHost: a\r\n\r\n"),
        &|byte| format!("GET /?a{byte}b HTTP/1.1\r\nHost: a\r\n\r\n"),
        &|byte| format!("GET / HTTP/1.1{byte}\r\nHost: a\r\n\r\n"),
        &|byte| format!("GET / HTTP/1.1\r\nHost: a{byte}b\r\n\r\n"),
        &|byte| format!("GET / HTTP/1.1\r\nHost: a\r\nX{byte}Y: z\r\n\r\n"),
        &|byte| format!("GET / HTTP/1.1\r\nHost: a\r\nX: y{byte}z\r\n\r\n"),
        &|byte| format!("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n{byte}Z: z\r\n\r\n"),
    ];
    for byte in ["\0", "\r", "\n", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\x7f"] {
        for (number, place) in places.iter().enumerate() {
            let request = place(byte);
            let mut peer = site.connect();
            peer.send(&request);
            let answer = peer.answer();
            assert_eq!(answer.status, 400, "place {number}: {request:?}");
            peer.is_closed();
        }
    }
}

#[test]
fn request_lines_with_room_for_doubt_are_refused() {
    let site = Site::new();
    for line in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        " GET / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /a b HTTP/1.1",
        "GET /",
        "GET / ",
        "GET",
        "/ HTTP/1.1",
        "GET / HTTP/1.1.",
        "GET / HTTP/1.1x",
        "GET / http/1.1",
        "GET / HTTP/1,1",
        "GET / HTTP/11",
        "GET / HTTP /1.1",
        "GET / HTTP/+1.1",
        "GET / HTTP/1.\u{661}",
        "G(T / HTTP/1.1",
        "G\u{e9}T / HTTP/1.1",
    ] {
        let mut peer = site.connect();
        peer.send(format!("{line}\r\nHost: a\r\n\r\n"));
        assert_eq!(peer.answer().status, 400, "{line:?}");
        peer.is_closed();
    }
}

#[test]
fn hosts_that_are_missing_doubled_or_malformed_are_refused() {
    let site = Site::new();
    for fields in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nhost: b\r\n",
        "Host: a, b\r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: user@a\r\n",
        "Host: http://a\r\n",
        "Host: a:b\r\n",
        "Host: a:99999999\r\n",
        "Host: [::1\r\n",
        "Host: a#b\r\n",
        "Host: a?b\r\n",
        "Host: a\\b\r\n",
        "Host : a\r\n",
        "Host:\r\n a\r\n",
    ] {
        let mut peer = site.connect();
        peer.send(format!("GET / HTTP/1.1\r\n{fields}\r\n"));
        assert_eq!(peer.answer().status, 400, "{fields:?}");
        peer.is_closed();
    }
    // Also beside an absolute target, which wins (RFC 9112 §3.2.2).
    let mut peer = site.connect();
    peer.send("GET http://a.example/ HTTP/1.1\r\n\r\n");
    assert_eq!(peer.answer().status, 400);
}

#[test]
fn paths_with_two_readings_are_refused() {
    let site = Site::new();
    for path in [
        "/hello/%2f",
        "/hello/%2F..",
        "/hello/%5c",
        "/hello/\\a",
        "/hello/%00",
        "/hello/%",
        "/hello/%0",
        "/hello/%zz",
        "/hello/%c0%af",
        "/hello/%ff",
        "/../hello/a",
        "/%2e%2e/a",
        "/hello/%0d%0aX:%20y",
        "/.%2e/a",
        "/hello/%c0%ae%c0%ae",
    ] {
        let mut peer = site.connect();
        peer.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = peer.answer();
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert_eq!(answer.field("X"), None);
    }
    assert_eq!(site.hidden(), 0);
}
