//! What a client does, rule by rule; every response at every split, byte by byte.

use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::Limits;
use crate::connection::BodyPlan;
use crate::h1::testing::{Drive, Give, Message, OwnFields, Script};

const LIMITS: Limits = Limits::SERVER;

struct Run {
    log: Vec<String>,
    request: String,
    status: ConnectionStatus,
    started: bool,
}

/// One exchange: the request goes out, `pieces` come in, and then the end if `end` says so.
fn run(request: &Message, pieces: &[&[u8]], end: bool) -> Run {
    let mut drive = Drive::new(&LIMITS);
    let mut client = Client::new(&drive.env());
    let mut script = Script::new([request.clone()]);
    client.open().unwrap();
    drive.feed(&mut client, &mut script, b"");
    for piece in pieces {
        drive.feed(&mut client, &mut script, piece);
    }
    if end {
        drive.end(&mut client, &mut script);
    }
    let request = drive.text();
    Run { log: drive.log, request, status: client.status(), started: client.response_started() }
}

fn check(request: &Message, response: &str, end: bool) -> Run {
    let response = response.as_bytes();
    let whole = run(request, &[response], end);
    let bytes: Vec<&[u8]> = response.chunks(1).collect();
    let splits = (0..=response.len()).map(|at| alloc::vec![&response[..at], &response[at..]]);
    for pieces in splits.chain([bytes]) {
        let other = run(request, &pieces, end);
        assert_eq!(whole.log, other.log);
        assert_eq!((&whole.request, whole.status), (&other.request, other.status));
    }
    whole
}

fn get() -> Message {
    Message::to("GET", "/a?b")
}

fn post(body: &str) -> Message {
    let (request, fields) = (Message::to("POST", "/a").request, OwnFields::default());
    Message { request, fields, ..Message::sized(200, body) }
}

#[test]
fn a_request_has_host_first_and_the_engine_frames_it() {
    let request =
        get().with(&[("Accept", "*/*"), ("Host", "evil"), ("Content-Length", "7"), ("Connection", "x")]);
    let run = check(&request, "HTTP/1.1 204 No Content\r\n\r\n", false);
    assert_eq!(run.request, "GET /a?b HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n");
    let run = check(&post("hello"), "HTTP/1.1 204 No Content\r\n\r\n", false);
    assert_eq!(run.request, "POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello");
    let streamed = Message { request: post("").request, ..Message::streamed(200, &["hello"]) };
    let run = check(&streamed, "HTTP/1.1 204 No Content\r\n\r\n", false);
    assert!(run.request.ends_with("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    let run = check(&Message::to("POST", "/a"), "HTTP/1.1 204 No Content\r\n\r\n", false);
    assert!(run.request.ends_with("Content-Length: 0\r\n\r\n"));
}

#[test]
fn options_of_the_connection_are_written_together() {
    let request = get().with(&[("TE", "trailers"), ("Upgrade", "websocket")]);
    let run = check(&Message { close: true, ..request }, "HTTP/1.1 204 No Content\r\n\r\n", false);
    assert!(run.request.ends_with("Connection: close, upgrade, TE\r\n\r\n"), "{}", run.request);
    assert_eq!(run.status, ConnectionStatus::Closed);
}

#[test]
fn a_request_that_would_split_the_head_is_never_written() {
    for (method, target, authority) in [
        ("GET /", "/", "a"),
        ("", "/", "a"),
        ("GET", "", "a"),
        ("GET", "/a b", "a"),
        ("GET", "/a\r\nX: y", "a"),
        ("GET", "/", "a\r\nX: y"),
        ("GET", "/\0", "a"),
    ] {
        let request = Message { request: (method.into(), target.into(), authority.into()), ..get() };
        let run = check(&request, "", false);
        assert_eq!((run.request.as_str(), run.status), ("", ConnectionStatus::Closed), "{target:?}");
    }
}

#[test]
fn a_sized_response_comes_whole_and_the_connection_is_free_again() {
    let run = check(&get(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false);
    assert_eq!(run.log, ["response 200 end=false [Content-Length: 5]", "body hello", "end"]);
    assert_eq!(run.status, ConnectionStatus::Open);
}

#[test]
fn a_chunked_response_comes_decoded_with_its_trailers() {
    let response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
    let run = check(&get(), response, false);
    assert_eq!(run.log[1..], ["body hello", "end [X-Sum: 1]"]);
    assert_eq!(run.status, ConnectionStatus::Open);
}

#[test]
fn a_response_without_a_length_ends_with_the_connection() {
    let run = check(&get(), "HTTP/1.1 200 OK\r\n\r\nhello", true);
    assert_eq!(run.log[1..], ["body hello", "end"]);
    assert_eq!(run.status, ConnectionStatus::Closed);
}

#[test]
fn responses_that_have_no_body_are_seen_to_have_none() {
    let head = Message::to("HEAD", "/");
    let run = check(&head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false);
    assert_eq!(run.log, ["response 200 end=true [Content-Length: 5]"]);
    for status in ["204 No Content", "304 Not Modified"] {
        let run = check(&get(), &alloc::format!("HTTP/1.1 {status}\r\n\r\n"), false);
        assert!(run.log[0].contains("end=true") && run.status == ConnectionStatus::Open);
    }
}

#[test]
fn a_truncated_response_is_never_taken_for_a_whole_one() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r",
        "H",
        "",
    ] {
        let run = check(&get(), response, true);
        assert_eq!(run.log.last().unwrap(), "reset Truncated", "{response:?}");
        assert_eq!((run.status, run.started), (ConnectionStatus::Closed, !response.is_empty()));
    }
}

#[test]
fn a_connection_that_the_server_ends_is_not_used_again() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
    ] {
        let run = check(&get(), response, false);
        assert_eq!((run.log.last().unwrap().as_str(), run.status), ("end", ConnectionStatus::Closed));
    }
    let kept = "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na";
    assert_eq!(check(&get(), kept, false).status, ConnectionStatus::Open);
}

#[test]
fn interim_responses_are_told_up_to_the_limit() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let max = usize::from(LIMITS.interim_max);
    let last = "HTTP/1.1 204 No Content\r\n\r\n";
    let run = check(&get(), &alloc::format!("{}{last}", hint.repeat(max)), false);
    assert_eq!((run.log.len(), run.log[0].as_str()), (max + 1, "interim 103 [Link: x]"));
    let run = check(&get(), &alloc::format!("{}{last}", hint.repeat(max + 1)), false);
    assert_eq!(run.log[max], "refused 502 TooManyInterim in exchange=true");
    assert_eq!(run.status, ConnectionStatus::Closed);
}

#[test]
fn bytes_that_answer_no_request_end_the_connection() {
    let run = check(&get(), "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", false);
    assert_eq!(run.log[1..], ["refused 502 UnexpectedResponse in exchange=false"]);
    assert_eq!(run.status, ConnectionStatus::Closed);
    // Also when a request is open of which nothing has gone out.
    let mut drive = Drive::new(&LIMITS);
    drive.wakes = false;
    let mut client = Client::new(&drive.env());
    let mut script = Script::new([Message { waits: 1, ..get() }]);
    client.open().unwrap();
    drive.feed(&mut client, &mut script, b"");
    drive.feed(&mut client, &mut script, b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(drive.log, ["refused 502 UnexpectedResponse in exchange=true"]);
    assert_eq!((client.request_bytes_sent(), client.response_started()), (0, false));
}

#[test]
fn a_malformed_response_is_a_bad_gateway() {
    for response in ["HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "junk\r\n\r\n"] {
        let run = check(&get(), response, false);
        assert!(run.log[0].starts_with("refused 502 "), "{:?}", run.log);
        assert_eq!(run.status, ConnectionStatus::Closed);
    }
    let run = check(&get(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX", false);
    assert_eq!(run.log.last().unwrap(), "refused 502 ChunkSyntax in exchange=true");
}

#[test]
fn an_upgrade_is_taken_only_if_it_was_asked_for() {
    let response = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let run = check(&get().with(&[("Upgrade", "websocket")]), response, false);
    assert!(run.log[0].starts_with("response 101 end=true"));
    assert_eq!(run.status, ConnectionStatus::Upgraded);
    let run = check(&get(), response, false);
    assert_eq!(run.log, ["refused 502 UnexpectedUpgrade in exchange=true"]);
}

/// A request with a body that waits for `100 (Continue)`, sent, with nothing received yet.
fn expecting(drive: &mut Drive<'_>) -> (Client, Script) {
    let mut client = Client::new(&drive.env());
    let mut script = Script::new([Message { expect: true, ..post("hello") }]);
    client.open().unwrap();
    drive.feed(&mut client, &mut script, b"");
    assert!(drive.text().ends_with("Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    assert!(!client.wants_transmit());
    (client, script)
}

#[test]
fn credit_granted_before_the_response_comes_counts() {
    let limits = Limits { body_window_bytes: 2, ..LIMITS };
    let mut drive = Drive::new(&limits);
    drive.grants = false;
    let mut client = Client::new(&drive.env());
    let mut script = Script::new([get()]);
    let stream = client.open().unwrap();
    client.grant(stream, 3).unwrap();
    drive.feed(&mut client, &mut script, b"");
    drive.feed(&mut client, &mut script, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789");
    assert_eq!(drive.log[1..], ["body 12345", "stalled"]);
}

#[test]
fn a_held_body_goes_with_the_100_or_when_the_wait_is_over() {
    let mut drive = Drive::new(&LIMITS);
    let (mut client, mut script) = expecting(&mut drive);
    drive.feed(&mut client, &mut script, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert!(drive.text().ends_with("\r\n\r\nhello"));

    let mut drive = Drive::new(&LIMITS);
    let (mut client, mut script) = expecting(&mut drive);
    assert_eq!(client.next_deadline(), Instant::from_micros(LIMITS.expect_timeout_us));
    drive.strike(&mut client, &mut script);
    assert!(drive.text().ends_with("\r\n\r\nhello"));
    drive.feed(&mut client, &mut script, b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(client.status(), ConnectionStatus::Open);
}

#[test]
fn a_deadline_strikes_once_though_a_body_is_held_and_a_head_has_begun() {
    let mut drive = Drive::new(&LIMITS);
    let (mut client, mut script) = expecting(&mut drive);
    drive.feed(&mut client, &mut script, b"HTTP/1.1 1");
    drive.strike(&mut client, &mut script);
    assert_eq!(drive.log.last().unwrap(), "refused 504 HeadTimeout in exchange=true");
    assert_eq!(client.next_deadline(), Instant::NEVER);
}

#[test]
fn a_final_response_that_wants_no_body_keeps_a_held_one_back_for_good() {
    for head in ["HTTP/1.1 401 No\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n"] {
        let mut drive = Drive::new(&LIMITS);
        let (mut client, mut script) = expecting(&mut drive);
        let response = alloc::format!("{head}Content-Length: 2\r\n\r\nno");
        drive.feed(&mut client, &mut script, response.as_bytes());
        assert_eq!(drive.log[1..], ["body no", "end"]);
        assert!(!drive.text().contains("hello"));
        assert_eq!(client.status(), ConnectionStatus::Closed);
    }
}

/// As a server does that answers with what it reads (RFC 9110 §10.1.1: it continues reading).
#[test]
fn a_success_without_a_100_lets_a_held_body_go() {
    let mut drive = Drive::new(&LIMITS);
    let (mut client, mut script) = expecting(&mut drive);
    drive.feed(&mut client, &mut script, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(drive.text().ends_with("hello"));
    drive.feed(&mut client, &mut script, b"5\r\nhello\r\n0\r\n\r\n");
    assert_eq!((drive.log.last().unwrap().as_str(), client.status()), ("end", ConnectionStatus::Open));
}

#[test]
fn an_early_error_stops_the_body_and_an_early_success_does_not() {
    let blocked = || {
        post("").plan(BodyPlan::Sized(10)).gives([
            Give::Bytes(b"hello".to_vec()),
            Give::Blocked,
            Give::Bytes(b"world".to_vec()),
        ])
    };
    for (status, stops) in [("413 Content Too Large", true), ("200 OK", false)] {
        let mut drive = Drive::new(&LIMITS);
        drive.wakes = false;
        let mut client = Client::new(&drive.env());
        let mut script = Script::new([blocked()]);
        let stream = client.open().unwrap();
        drive.feed(&mut client, &mut script, b"");
        let head = alloc::format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n");
        drive.feed(&mut client, &mut script, head.as_bytes());
        client.wake(stream);
        drive.feed(&mut client, &mut script, b"");
        assert_eq!(drive.text().ends_with("world"), !stops, "{status}");
        drive.feed(&mut client, &mut script, b"ok");
        assert_eq!(drive.log.last().unwrap(), "end");
        let status = if stops { ConnectionStatus::Closed } else { ConnectionStatus::Open };
        assert_eq!(client.status(), status);
    }
}

#[test]
fn a_request_body_that_is_not_completed_ends_the_connection() {
    for gives in
        [alloc::vec![Give::Bytes(b"hel".to_vec())], alloc::vec![Give::Bytes(b"hel".to_vec()), Give::Abort]]
    {
        let run = check(&post("").plan(BodyPlan::Sized(5)).gives(gives), "", false);
        assert!(run.request.ends_with("\r\n\r\nhel") && run.status == ConnectionStatus::Closed);
    }
}

#[test]
fn one_request_after_the_other_goes_over_one_connection() {
    let mut drive = Drive::new(&LIMITS);
    let mut client = Client::new(&drive.env());
    let mut script = Script::new([get(), post("x"), get()]);
    let mut last = None;
    for _ in 0..3 {
        let stream = client.open().unwrap();
        assert_eq!(client.open(), Err(Capacity::Streams.into()));
        assert_ne!(last.replace(stream), Some(stream));
        drive.feed(&mut client, &mut script, b"");
        assert!(client.request_bytes_sent() > 0 && !client.response_started());
        drive.feed(&mut client, &mut script, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_eq!((client.exchange(), client.status()), (None, ConnectionStatus::Open));
    }
    client.shutdown(&drive.env());
    assert_eq!((client.open(), client.status()), (Err(Misuse::WrongState.into()), ConnectionStatus::Closed));
}

#[test]
fn a_response_beyond_its_credit_stalls() {
    let limits = Limits { body_window_bytes: 3, ..LIMITS };
    let mut drive = Drive::new(&limits);
    drive.grants = false;
    let mut client = Client::new(&drive.env());
    let mut script = Script::new([get()]);
    let stream = client.open().unwrap();
    drive.feed(&mut client, &mut script, b"");
    drive.feed(&mut client, &mut script, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(drive.log[1..], ["body hel", "stalled"]);
    assert_eq!((client.rx_want(), client.next_deadline()), (0, Instant::NEVER));
    client.grant(stream, 2).unwrap();
    drive.feed(&mut client, &mut script, b"");
    assert_eq!(drive.log[3..], ["body lo", "end"]);
    assert_eq!(client.grant(stream, 2), Err(Misuse::StaleStream.into()));
}

#[test]
fn a_server_that_says_nothing_is_a_gateway_timeout() {
    let mut drive = Drive::new(&LIMITS);
    let mut client = Client::new(&drive.env());
    let mut script = Script::new([get()]);
    client.open().unwrap();
    drive.feed(&mut client, &mut script, b"");
    assert_eq!(client.next_deadline(), Instant::from_micros(LIMITS.first_byte_timeout_us));
    drive.strike(&mut client, &mut script);
    assert_eq!(drive.log, ["refused 504 HeadTimeout in exchange=true"]);
    assert!(!client.response_started());
}

#[test]
fn a_dribbled_head_and_a_slow_body_are_given_up() {
    let mut drive = Drive::new(&LIMITS);
    let mut client = Client::new(&drive.env());
    let mut script = Script::new([get()]);
    client.open().unwrap();
    drive.feed(&mut client, &mut script, b"");
    drive.now_us = 1_000_000;
    for byte in b"HTTP/1.1 2".chunks(1) {
        drive.feed(&mut client, &mut script, byte);
        drive.now_us += 1;
    }
    assert_eq!(client.next_deadline(), Instant::from_micros(1_000_000 + LIMITS.head_timeout_us));
    drive.feed(&mut client, &mut script, b"00 OK\r\nContent-Length: 5\r\n\r\nh");
    drive.strike(&mut client, &mut script);
    drive.strike(&mut client, &mut script);
    assert_eq!(drive.log[2..], ["reset BodyTimeout"]);
    assert_eq!(client.status(), ConnectionStatus::Closed);
}

#[test]
fn an_unused_connection_ends_after_a_while_or_when_the_server_ends_it() {
    let mut drive = Drive::new(&LIMITS);
    let mut client = Client::new(&drive.env());
    drive.strike(&mut client, &mut Script::default());
    assert_eq!((drive.now_us, client.status()), (LIMITS.idle_timeout_us, ConnectionStatus::Closed));
    let mut client = Client::new(&drive.env());
    drive.end(&mut client, &mut Script::default());
    assert_eq!(drive.log, ["closed"; 2]);
}

#[test]
fn a_tunnel_is_handed_over_after_a_2xx() {
    let connect = Message { request: ("CONNECT".into(), "a:443".into(), "a:443".into()), ..get() };
    let run = check(&connect, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false);
    assert!(run.log[0].contains("end=true") && run.status == ConnectionStatus::Upgraded);
}
