//! What a client does, rule by rule.

use alloc::string::String;
use alloc::vec::Vec;

mod life;

use super::*;
use crate::connection::BodyPlan;
use crate::h2::testing::{Drive, Frames, Give, Grown, Message, Script};
use crate::{Capacity, Limits, Misuse};

const LIMITS: Limits = Limits { response_head_bytes_max: 512, trailer_bytes_max: 512, ..Limits::SERVER };

struct Run<'l> {
    drive: Drive<'l>,
    client: Client<Grown>,
    script: Script,
    streams: Vec<StreamId>,
}

/// A client with as many requests as there are messages, that has read the server's preface.
fn begun<'l>(limits: &'l Limits, messages: &[Message]) -> Run<'l> {
    let drive = Drive::new(limits);
    let client = Client::new(&drive.env(), Grown::new(), false);
    let script = Script::new(messages.iter().cloned());
    let mut run = Run { drive, client, script, streams: Vec::new() };
    for _ in messages {
        run.streams.push(run.client.open(&run.drive.env()).expect("a stream"));
    }
    run.feed(&Frames::server());
    run
}

impl Run<'_> {
    fn feed(&mut self, frames: &Frames) {
        self.drive.feed(&mut self.client, &mut self.script, &frames.0);
    }

    fn sent(&self) -> Vec<String> {
        self.drive.sent().into_iter().filter(|line| !line.starts_with("WINDOW")).collect()
    }
}

fn status(stream: u32, end: bool, code: &str) -> Frames {
    Frames::default().headers(stream, end, &[(":status", code)])
}

#[test]
fn a_connection_begins_with_the_preface_and_pushes_are_off() {
    let run = begun(&LIMITS, &[]);
    assert!(run.drive.output.starts_with(crate::h2::PREFACE));
    let settings = &crate::h2::testing::read(&run.drive.output)[0];
    assert!(settings.starts_with("SETTINGS 2=0 "), "{settings}");
}

#[test]
fn requests_are_answered_in_any_order() {
    let post = Message { method: "POST", target: "/p".into(), ..Message::sized(200, "hello") };
    let mut run = begun(&LIMITS, &[Message::new(200).with("x", "y"), post]);
    assert_eq!(
        run.sent(),
        [
            "HEADERS 1 end [:method: GET] [:scheme: http] [:authority: a] [:path: /] [x: y]",
            "HEADERS 3 [:method: POST] [:scheme: http] [:authority: a] [:path: /p] [content-length: 5]",
            "DATA 3 end hello",
        ]
    );
    assert_eq!(run.script.ended, [(1, true), (2, true)]);
    run.feed(
        &status(3, false, "103").headers(3, false, &[(":status", "200"), ("a", "b")]).data(3, false, b"abc"),
    );
    run.feed(&status(1, true, "204"));
    run.feed(&Frames::default().headers(3, true, &[("sum", "1")]));
    assert_eq!(
        run.drive.log,
        ["2 interim 103", "2 response 200 [a: b]", "2 body abc", "1 response 204 end", "2 end [sum: 1]",]
    );
    assert_eq!(run.client.live(), 0);
    assert!(!run.client.is_live(run.streams[0]));
}

#[test]
fn a_streamed_request_ends_with_its_trailers() {
    let mut message = Message { method: "POST", ..Message::streamed(200, &["a", "b"]).at_once() };
    message.trailers.push("sum", b"2").unwrap();
    message.body.push_front(Give::Blocked);
    let run = begun(&LIMITS, &[message]);
    assert_eq!(run.sent()[1..], ["DATA 1 a", "DATA 1 b", "HEADERS 1 end [sum: 2]"]);
}

#[test]
fn a_request_that_is_not_ready_takes_no_number_from_the_others() {
    let late = Message { waits: 1, target: "/late".into(), ..Message::new(200) };
    let mut run = begun(&LIMITS, &[]);
    run.drive.wakes = false;
    run.script.messages = [late, Message::new(200)].into();
    let first = run.client.open(&run.drive.env()).unwrap();
    let second = run.client.open(&run.drive.env()).unwrap();
    run.feed(&Frames::default());
    assert!(run.client.request_begun(second) && !run.client.request_begun(first));
    assert_eq!(run.sent(), ["HEADERS 1 end [:method: GET] [:scheme: http] [:authority: a] [:path: /]"]);
    run.client.wake(first);
    run.feed(&status(1, true, "200"));
    assert!(run.sent()[1].starts_with("HEADERS 3 end"));
    run.feed(&status(3, true, "201"));
    assert_eq!(run.drive.log, ["2 response 200 end", "1 response 201 end"]);
}

#[test]
fn no_more_streams_are_open_than_the_server_takes() {
    let mut run = begun(&LIMITS, &[Message::new(200)]);
    run.feed(&Frames::default().settings(&[(3, 1)]));
    let env = run.drive.env();
    assert_eq!(run.client.open(&env), Err(Capacity::Streams.into()));
    assert!(!run.client.can_open(&env));
    run.feed(&status(1, true, "200"));
    assert!(run.client.can_open(&env));
}

#[test]
fn what_a_server_may_not_send_costs_what_it_must() {
    let on_stream = |frames: Frames| {
        let mut run = begun(&LIMITS, &[Message::new(200), Message::new(200)]);
        run.feed(&frames.raw(&status(3, true, "200").0));
        assert_eq!(run.drive.log.last().unwrap(), "2 response 200 end", "{:?}", run.drive.log);
        run.sent().last().cloned().unwrap()
    };
    assert_eq!(on_stream(Frames::default().data(1, true, b"x")), "RST 1 PROTOCOL_ERROR");
    assert_eq!(on_stream(Frames::default().headers(1, true, &[("x", "y")])), "RST 1 PROTOCOL_ERROR");
    assert_eq!(on_stream(status(1, true, "101")), "RST 1 PROTOCOL_ERROR");
    assert_eq!(on_stream(status(1, true, "100")), "RST 1 PROTOCOL_ERROR");
    assert_eq!(on_stream(status(1, false, "200").headers(1, false, &[("x", "y")])), "RST 1 PROTOCOL_ERROR");
    let short = Frames::default().headers(1, false, &[(":status", "200"), ("content-length", "5")]);
    assert_eq!(on_stream(short.data(1, true, b"four")), "RST 1 PROTOCOL_ERROR");
    let on_connection = |frames: Frames| {
        let mut run = begun(&LIMITS, &[Message::new(200)]);
        run.feed(&frames);
        assert!(run.drive.log.last().unwrap().starts_with("refused 502"), "{:?}", run.drive.log);
        run.sent().last().cloned().unwrap()
    };
    for frames in [
        Frames::default().frame(5, 4, 1, &[0, 0, 0, 2]),
        Frames::default().get(2),
        Frames::default().get(3),
        Frames::default().data(3, true, b"x"),
        Frames::default().frame(0x10, 0, 0, b"\0\0\0\x01u=1"),
        Frames::default().settings(&[(2, 1)]),
    ] {
        assert_eq!(on_connection(frames), "GOAWAY 0 PROTOCOL_ERROR");
    }
}

#[test]
fn an_answer_before_the_end_of_the_request_ends_both() {
    let slow = Message {
        method: "POST",
        body: [Give::Blocked].into(),
        plan: BodyPlan::Streamed,
        ..Message::new(200)
    };
    let mut run = begun(&LIMITS, &[slow]);
    run.drive.wakes = false;
    run.script.current.get_mut(&1).unwrap().body = [Give::Blocked].into();
    run.feed(&status(1, false, "413").data(1, true, b"no").reset(1, ErrorCode::NO_ERROR));
    assert_eq!(run.drive.log, ["1 response 413", "1 body no", "1 end"]);
    assert_eq!((run.client.live(), run.client.status()), (0, ConnectionStatus::Open));
}

#[test]
fn a_goaway_gives_back_what_the_server_will_not_do() {
    let mut run = begun(&LIMITS, &[Message::new(200), Message::new(200), Message::new(200)]);
    let goaway = crate::h2::frame::Goaway { last_stream: 1, code: ErrorCode::NO_ERROR };
    run.feed(&Frames::default().raw(&goaway.bytes()));
    assert_eq!(run.drive.log, ["2 reset ByPeer", "3 reset ByPeer"]);
    assert_eq!(run.client.reset_code(), ErrorCode::REFUSED_STREAM);
    assert_eq!(run.client.status(), ConnectionStatus::Draining);
    assert_eq!(run.client.open(&run.drive.env()), Err(Misuse::WrongState.into()));
    run.feed(&status(1, true, "200"));
    assert_eq!(run.client.status(), ConnectionStatus::Closed);
    assert!(run.drive.told_to_close);
}

#[test]
fn a_reset_says_why() {
    let mut run = begun(&LIMITS, &[Message::new(200)]);
    run.feed(&Frames::default().reset(1, ErrorCode::ENHANCE_YOUR_CALM));
    assert_eq!(run.drive.log, ["1 reset ByPeer"]);
    assert_eq!(run.client.reset_code(), ErrorCode::ENHANCE_YOUR_CALM);
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let mut run = begun(&LIMITS, &[Message::new(200)]);
    run.drive.pass(&mut run.client, &mut run.script, LIMITS.first_byte_timeout_us + 10_000);
    assert_eq!(run.drive.log, ["1 refused 504 HeadTimeout"]);
    assert_eq!(run.sent().last().unwrap(), "RST 1 CANCEL");
    assert_eq!(run.client.status(), ConnectionStatus::Open);
}

#[test]
fn a_response_that_dribbles_is_given_up() {
    let mut run = begun(&LIMITS, &[Message::new(200)]);
    run.feed(&status(1, false, "200"));
    for _ in 0..30 {
        run.feed(&Frames::default().data(1, false, b"x"));
        run.drive.pass(&mut run.client, &mut run.script, 1_000_000);
        if run.client.live() == 0 {
            break;
        }
    }
    assert_eq!(run.drive.log.last().unwrap(), "1 reset BodyTimeout");
}

#[test]
fn a_drain_says_goaway_and_finishes() {
    let mut run = begun(&LIMITS, &[Message::new(200)]);
    run.client.shutdown(&run.drive.env());
    run.feed(&Frames::default());
    assert_eq!(run.sent().last().unwrap(), "GOAWAY 0 NO_ERROR");
    assert_eq!(run.client.status(), ConnectionStatus::Draining);
    run.feed(&status(1, true, "200"));
    assert_eq!(run.drive.log, ["1 response 200 end"]);
    assert_eq!(run.client.status(), ConnectionStatus::CloseAfterFlush);
}

#[test]
fn a_tunnel_needs_the_servers_word_and_has_no_length() {
    let connect = || Message {
        method: "CONNECT",
        target: "/chat".into(),
        plan: BodyPlan::Streamed,
        body: [Give::Blocked, Give::Bytes(b"ping".to_vec()), Give::Blocked].into(),
        ..Message::new(200).with("upgrade", "websocket")
    };
    let mut run = begun(&LIMITS, &[connect()]);
    assert_eq!(run.script.ended, [(1, false)]);
    assert!(run.sent().is_empty() && run.client.live() == 0);
    run.feed(&Frames::default().settings(&[(8, 1)]));
    assert!(run.client.takes_extended_connect());
    run.drive.wakes = false;
    run.script.messages.push_back(connect());
    let stream = run.client.open(&run.drive.env()).unwrap();
    run.feed(&Frames::default());
    assert!(run.sent()[0].contains("[:protocol: websocket]"), "{:?}", run.sent());
    run.feed(&status(1, false, "200").data(1, false, b"pong"));
    run.client.wake(stream);
    run.feed(&Frames::default().data(1, true, b""));
    assert_eq!(run.drive.log, ["2 response 200", "2 body pong", "2 end"]);
    assert_eq!(run.sent().last().unwrap(), "DATA 1 ping");
    // The other direction is still open.
    assert!(run.client.is_live(stream));
}

#[test]
fn who_opens_and_resets_takes_no_more_slots_than_the_limit() {
    let limits = Limits { streams_max: 3, ..LIMITS };
    let mut run = begun(&limits, &[Message::new(200), Message::new(200), Message::new(200)]);
    let env = run.drive.env();
    for stream in core::mem::take(&mut run.streams) {
        run.client.reset(stream);
    }
    // Their resets are not written yet.
    assert_eq!((run.client.live(), run.client.can_open(&env)), (0, false));
    assert_eq!(run.client.open(&env), Err(Capacity::Streams.into()));
    run.feed(&Frames::default());
    assert!(run.client.can_open(&env));
}

#[test]
fn a_server_may_reset_all_that_it_is_asked_for() {
    let limits = Limits { control_frames_per_minute_max: 8, ..LIMITS };
    let mut run = begun(&limits, &[]);
    for round in 0..50 {
        run.script.messages.push_back(Message::new(200));
        run.client.open(&run.drive.env()).expect("a stream");
        run.feed(&Frames::default());
        run.feed(&Frames::default().reset(2 * round + 1, ErrorCode::INTERNAL_ERROR));
        assert_eq!(run.client.status(), ConnectionStatus::Open, "{round}");
    }
    // What nobody has asked for is bounded as ever.
    for _ in 0..10 {
        run.feed(&Frames::default().reset(1, ErrorCode::INTERNAL_ERROR));
    }
    assert_eq!(run.client.status(), ConnectionStatus::CloseAfterFlush);
}

#[test]
fn an_interim_head_does_not_keep_a_body_that_waits_for_another() {
    let limits = Limits { first_byte_timeout_us: 1 << 40, ..LIMITS };
    let post = Message { method: "POST", expects: true, ..Message::sized(200, "body") };
    let mut run = begun(&limits, &[post]);
    run.feed(&status(1, false, "103"));
    assert!(!run.sent().iter().any(|line| line.starts_with("DATA")));
    run.drive.pass(&mut run.client, &mut run.script, limits.expect_timeout_us + 10_000);
    assert_eq!(run.sent().last().unwrap(), "DATA 1 end body");
}
