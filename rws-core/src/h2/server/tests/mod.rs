//! What a server does, rule by rule; most inputs also at every split and byte by byte.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::h2::testing::{Drive, Frames, Give, Grown, Message, Script};
use crate::{Limits, Status};

mod blocks;
mod budgets;
mod ends;
mod flow;
mod push;
mod streams;

const LIMITS: Limits = Limits { response_head_bytes_max: 512, trailer_bytes_max: 512, ..Limits::SERVER };

struct Run {
    log: Vec<String>,
    /// What was sent on each stream, content put together.
    sent: BTreeMap<String, String>,
    frames: Vec<String>,
    status: ConnectionStatus,
    ended: Vec<(u32, bool)>,
}

fn run(limits: &Limits, pieces: &[&[u8]], messages: &[Message], rx_bytes: usize) -> Run {
    let mut drive = Drive::new(limits);
    drive.rx_bytes = rx_bytes;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new(messages.iter().cloned());
    for piece in pieces {
        drive.feed(&mut server, &mut script, piece);
    }
    let mut ended = script.ended.clone();
    ended.sort_unstable();
    Run {
        log: drive.log.clone(),
        sent: by_stream(&drive.sent()),
        frames: drive.sent(),
        status: server.status(),
        ended,
    }
}

/// Frames of each stream, where credit and the division of content count for nothing.
fn by_stream(frames: &[String]) -> BTreeMap<String, String> {
    let mut streams: BTreeMap<String, String> = BTreeMap::new();
    for frame in frames.iter().filter(|frame| !frame.starts_with("WINDOW")) {
        let mut words = frame.splitn(3, ' ');
        let (kind, stream, rest) =
            (words.next().unwrap(), words.next().unwrap_or(""), words.next().unwrap_or(""));
        let text = streams.entry(stream.into()).or_default();
        if kind == "DATA" && text.contains("<data>") {
            let (end, bytes) = rest.split_once(' ').filter(|(end, _)| *end == "end").unwrap_or(("", rest));
            text.push_str(bytes);
            text.push_str(if end.is_empty() { "" } else { "<end>" });
        } else if kind == "DATA" {
            let (end, bytes) = rest.split_once(' ').filter(|(end, _)| *end == "end").unwrap_or(("", rest));
            text.push_str("<data>");
            text.push_str(bytes);
            text.push_str(if end.is_empty() { "" } else { "<end>" });
        } else {
            text.push_str(&alloc::format!("<{kind} {rest}>"));
        }
    }
    streams
}

/// The same without the resets that follow an answer: whether there is one depends on what has come by then.
fn without_resets(sent: &BTreeMap<String, String>) -> Vec<String> {
    sent.iter()
        .map(|(stream, text)| alloc::format!("{stream}: {}", text.replace("<RST NO_ERROR>", "")))
        .collect()
}

/// Runs `input` whole, at every split and byte by byte; all must agree.
fn check(limits: &Limits, input: &Frames, messages: &[Message]) -> Run {
    let input = input.0.as_slice();
    let whole = run(limits, &[input], messages, usize::MAX);
    let compare = |other: Run, how: &str| {
        assert_eq!(sorted(&whole.log), sorted(&other.log), "{how}");
        assert_eq!(without_resets(&whole.sent), without_resets(&other.sent), "{how}");
        assert_eq!((whole.status, &whole.ended), (other.status, &other.ended), "{how}");
    };
    let step = if cfg!(miri) { 97 } else { 1 };
    for at in (0..=input.len()).step_by(step) {
        let (a, b) = input.split_at(at);
        compare(run(limits, &[a, b], messages, usize::MAX), &alloc::format!("split at {at}"));
    }
    if !cfg!(miri) {
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        compare(run(limits, &bytes, messages, usize::MAX), "byte by byte");
    }
    whole
}

/// Which of two streams comes first depends on when the answers are written.
fn sorted(log: &[String]) -> Vec<String> {
    let mut log = log.to_vec();
    log.sort_by_key(|line| line.split(' ').next().unwrap_or("").parse::<u32>().unwrap_or(u32::MAX));
    log
}

#[test]
fn a_get_is_one_event_and_one_write() {
    let drive = check(
        &LIMITS,
        &Frames::client().get(1),
        &[Message::sized(200, "hello").with("content-type", "text/plain")],
    );
    assert_eq!(drive.log, ["1 GET / end [host: a]"]);
    assert_eq!(
        drive.frames[1..],
        ["HEADERS 1 200 [content-type: text/plain] [content-length: 5]", "DATA 1 end hello",]
    );
    assert_eq!(drive.frames[0], "WINDOW 0 +983041");
    assert_eq!((drive.status, drive.ended), (ConnectionStatus::Open, [(1, true)].into()));
}

#[test]
fn many_requests_are_answered_into_one_buffer_in_their_order() {
    let mut input = Frames::client();
    for id in (1..33).step_by(2) {
        input = input.get(id);
    }
    let messages: Vec<Message> = (0..16).map(|n| Message::sized(200, &alloc::format!("{n}"))).collect();
    let drive = Drive::new(&LIMITS);
    let env = drive.env();
    let mut server = Server::new(&env, Grown::new());
    let mut script = Script::new(messages);
    let mut rx = input.0;
    let mut at = 0;
    let (mut bytes, mut fields) = ([0; 1024], [crate::Field::default(); 16]);
    loop {
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let step = server.receive(&env, &mut rx[at..], &mut scratch);
        at += step.consumed;
        match step.event {
            Some(Event::Request { stream, end: true, .. }) => script.complete.push(stream.generation()),
            Some(event) => panic!("{event:?}"),
            None if step.consumed == 0 => break,
            None => {}
        }
    }
    assert_eq!((at, server.live()), (rx.len(), 16));
    let mut tx = [0; 8192];
    let Sent::Bytes(n) = server.transmit(&env, &mut tx, &mut Scratch::default(), &mut script) else {
        panic!("bytes are written");
    };
    let sent = crate::h2::testing::read(&tx[..n]);
    let bodies: Vec<&String> = sent.iter().filter(|line| line.starts_with("DATA")).collect();
    let wanted: Vec<String> = (0..16).map(|n| alloc::format!("DATA {} end {n}", 2 * n + 1)).collect();
    assert_eq!(bodies, wanted.iter().collect::<Vec<_>>());
    assert!(!server.wants_transmit() && server.live() == 0);
}

#[test]
fn a_body_comes_with_its_end_and_its_trailers() {
    let input = Frames::client()
        .post(1)
        .data(1, false, b"hello, ")
        .data(1, true, b"world")
        .post(3)
        .data(3, false, b"x")
        .headers(3, true, &[("x-sum", "12")]);
    let run = check(&LIMITS, &input, &[Message::new(201), Message::new(202)]);
    assert_eq!(
        run.log,
        [
            "1 POST /p [host: a]",
            "1 body hello, world",
            "1 end",
            "3 POST /p [host: a]",
            "3 body x",
            "3 end [x-sum: 12]",
        ]
    );
    assert_eq!(
        (run.sent["1"].as_str(), run.sent["3"].as_str()),
        ("<HEADERS end 201 [content-length: 0]>", "<HEADERS end 202 [content-length: 0]>",)
    );
}

#[test]
fn padding_is_nobodys_and_is_counted() {
    let mut payload = alloc::vec![5];
    payload.extend_from_slice(b"hello");
    payload.extend_from_slice(&[0; 5]);
    let block = crate::h2::testing::block(crate::h2::testing::POST);
    let mut padded = alloc::vec![3];
    padded.extend_from_slice(&block);
    padded.extend_from_slice(&[0; 3]);
    let input = Frames::client().frame(1, 0x4 | 0x8, 1, &padded).frame(0, 0x1 | 0x8, 1, &payload).get(3);
    let run = check(&LIMITS, &input, &[Message::new(200), Message::new(200)]);
    assert_eq!(run.log, ["1 POST /p [host: a]", "1 body hello", "1 end", "3 GET / end [host: a]"]);
    // As long as the payload: RFC 9113 §6.1.
    let run =
        check(&LIMITS, &Frames::client().post(1).frame(0, 0x8, 1, &[5, 0, 0, 0, 0]), &[Message::new(200)]);
    assert_eq!(run.log[1..], ["refused 400 Http2Protocol"]);
    assert!(run.frames.iter().any(|frame| frame == "GOAWAY 1 PROTOCOL_ERROR"), "{:?}", run.frames);
}

#[test]
fn answers_have_interim_heads_bodies_without_a_length_and_trailers() {
    let mut hinted = Message::streamed(200, &["a", "bc"]);
    hinted.interim.push_back(Status::EARLY_HINTS);
    hinted.trailers.push("grpc-status", b"0").unwrap();
    let run = check(&LIMITS, &Frames::client().get(1), &[hinted]);
    assert_eq!(run.sent["1"], "<HEADERS 103><HEADERS 200><data>abc<HEADERS end [grpc-status: 0]>");
    let mut blocked = Message::streamed(200, &[]);
    blocked.body = [Give::Blocked, Give::Bytes(b"late".to_vec()), Give::Blocked].into();
    let run = check(&LIMITS, &Frames::client().get(1), &[blocked]);
    assert_eq!(run.sent["1"], "<HEADERS 200><data>late<end>");
}

#[test]
fn heads_without_a_body_end_their_stream() {
    let head = &[(":method", "HEAD"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
    let input = Frames::client().headers(1, true, head).get(3).get(5);
    let messages = [Message::sized(200, "not sent"), Message::new(304), Message::new(204)];
    let run = check(&LIMITS, &input, &messages);
    assert_eq!(run.sent["1"], "<HEADERS end 200 [content-length: 8]>");
    assert_eq!(run.sent["3"], "<HEADERS end 304>");
    assert_eq!(run.sent["5"], "<HEADERS end 204>");
    assert_eq!(run.ended, [(1, true), (3, true), (5, true)]);
}

#[test]
fn an_answer_that_is_not_ready_does_not_keep_the_others() {
    let late = Message { waits: 1, ..Message::sized(200, "late") };
    let mut drive = Drive::new(&LIMITS);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([late, Message::sized(200, "soon")]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).get(3).0);
    assert_eq!(drive.sent()[1..], ["HEADERS 3 200 [content-length: 4]", "DATA 3 end soon"]);
    assert!(!server.wants_transmit());
    let parked = script.parked[0];
    server.wake(parked);
    assert!(server.wants_transmit() && server.is_live(parked));
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.sent()[3..], ["HEADERS 1 200 [content-length: 4]", "DATA 1 end late"]);
    assert!(!server.is_live(parked));
    server.wake(parked);
    assert!(!server.wants_transmit());
    assert_eq!(server.grant(parked, 1), Err(crate::Misuse::StaleStream.into()));
}

#[test]
fn the_first_grant_asks_for_a_body_that_is_held_back() {
    let mut fields = crate::h2::testing::POST.to_vec();
    fields.push(("expect", "100-continue"));
    let input = Frames::client().headers(1, false, &fields).data(1, true, b"x");
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200)]);
    let (head, body) = input.0.split_at(input.0.len() - 10);
    drive.feed(&mut server, &mut script, head);
    assert_eq!(drive.sent()[1..], ["HEADERS 1 100"]);
    drive.feed(&mut server, &mut script, body);
    assert_eq!(drive.sent()[2..], ["HEADERS 1 end 200 [content-length: 0]"]);
    // Answered at once: nobody waits any more.
    let mut drive = Drive::new(&LIMITS);
    drive.grants = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(403).at_once()]);
    drive.feed(&mut server, &mut script, head);
    assert_eq!(drive.sent()[1..], ["HEADERS 1 end 403 [content-length: 0]", "RST 1 NO_ERROR"]);
}

#[test]
fn a_malformed_request_costs_its_stream_and_the_next_one_is_served() {
    let bad = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a"),
        ("connection", "close"),
    ];
    let run = check(&LIMITS, &Frames::client().headers(1, true, &bad).get(3), &[Message::new(200)]);
    assert_eq!(
        run.log,
        ["3 GET / end [host: a]", "refused 400 ConnectionField"]
            .map(String::from)
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    );
    assert_eq!(run.sent["1"], "<RST PROTOCOL_ERROR>");
    assert_eq!(run.sent["3"], "<HEADERS end 200 [content-length: 0]>");
}

#[test]
fn a_request_that_is_not_served_gets_its_status_and_costs_nobody_else_anything() {
    let long = "/".repeat(9000);
    let target = [(":method", "GET"), (":scheme", "http"), (":path", long.as_str()), (":authority", "a")];
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().headers(1, true, &target).get(3).0);
    assert_eq!(drive.log, ["refused 414 TargetTooLong", "3 GET / end [host: a]"]);
    let sent = by_stream(&drive.sent());
    let text = crate::PeerFault::TargetTooLong.text();
    assert_eq!(
        sent["1"],
        alloc::format!(
            "<HEADERS 414 [content-type: text/plain] [content-length: {}]><data>{text}<end>",
            text.len()
        )
    );
    assert_eq!(script.ended, [(3, true)]);
    // Its list is too large, and a part of it is still to be known by the table.
    let cookie = "c".repeat(20_000);
    let large =
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a"), ("x", &cookie)];
    let limits = Limits { head_bytes_max: 1024, ..LIMITS };
    let input = Frames::client().headers(1, false, &large).data(1, true, b"x").get(3);
    let run = run(&limits, &[&input.0], &[Message::new(200)], usize::MAX);
    assert!(run.sent["1"].starts_with("<HEADERS 431 "), "{:?}", run.sent);
    assert_eq!(run.sent["3"], "<HEADERS end 200 [content-length: 0]>");
}

#[test]
fn an_extended_connect_opens_a_tunnel_that_each_side_ends() {
    let limits = Limits { connect_method: true, body_bytes_max: 4, ..LIMITS };
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/chat"),
        (":authority", "a"),
    ];
    let mut drive = Drive::new(&limits);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut answer = Message::streamed(200, &[]).at_once();
    answer.body = [Give::Blocked, Give::Bytes(b"pong".to_vec())].into();
    let mut script = Script::new([answer]);
    drive.feed(&mut server, &mut script, &Frames::client().headers(1, false, &fields).0);
    drive.feed(
        &mut server,
        &mut script,
        &Frames::default().data(1, false, b"ping").data(1, false, b"more").0,
    );
    assert_eq!(drive.log, ["1 CONNECT /chat [host: a] [upgrade: websocket]", "1 body pingmore"]);
    let stream = StreamId::new(0, 1);
    server.wake(stream);
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(by_stream(&drive.sent())["1"], "<HEADERS 200><data>pong<end>");
    // Our side is done; the other may still speak, and takes the time that it likes.
    drive.pass(&mut server, &mut script, 60_000_000);
    assert!(server.is_live(stream));
    drive.feed(&mut server, &mut script, &Frames::default().data(1, true, b"bye").0);
    assert!(drive.log.ends_with(&["1 end".into()]) && drive.log[1].ends_with("bye"), "{:?}", drive.log);
    assert!(!server.is_live(stream) && server.status() == ConnectionStatus::Open);
}
