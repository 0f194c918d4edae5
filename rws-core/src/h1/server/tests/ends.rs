//! How exchanges and connections end: credit, the rest of a body, the end of input, drain, deadlines.

use super::*;

const POST: &str = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
const CHUNKED: &str = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A driver that answers at once, with a server and a script.
fn setup(limits: &Limits, messages: impl IntoIterator<Item = Message>) -> (Drive<'_>, Server, Script) {
    let mut drive = Drive::new(limits);
    drive.body_first = false;
    let server = Server::new(&drive.env());
    (drive, server, Script::new(messages))
}

fn waiting() -> Message {
    Message { waits: 1, ..Message::sized(200, "hi") }
}

#[test]
fn a_body_beyond_its_credit_stalls_once_and_goes_on_with_a_grant() {
    let limits = Limits { body_window_bytes: 3, ..LIMITS };
    let (mut drive, mut server, mut script) = setup(&limits, [waiting()]);
    (drive.grants, drive.wakes) = (false, false);
    drive.feed(&mut server, &mut script, alloc::format!("{POST}hello").as_bytes());
    assert_eq!(drive.log[1..], ["body hel", "stalled"]);
    assert_eq!((server.rx_want(), server.next_deadline()), (0, Instant::NEVER));
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.log.len(), 3, "said once");
    drive.now_us += 60_000_000;
    server.grant(server.exchange().unwrap(), 1).unwrap();
    assert!(server.on_deadline(&drive.env()).is_none(), "the pause was ours");
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.log[3..], ["body l", "stalled"]);
    server.grant(server.exchange().unwrap(), 10).unwrap();
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.log[5..], ["body o", "end"]);
}

#[test]
fn no_credit_is_needed_to_see_the_end_of_a_chunked_body() {
    let limits = Limits { body_window_bytes: 2, ..LIMITS };
    let (mut drive, mut server, mut script) = setup(&limits, [waiting()]);
    (drive.grants, drive.wakes) = (false, false);
    drive.feed(&mut server, &mut script, alloc::format!("{CHUNKED}2\r\nhi").as_bytes());
    assert!(server.rx_want() > 0);
    drive.feed(&mut server, &mut script, b"\r\n0\r\n\r\n");
    assert_eq!(drive.log[1..], ["body hi", "end"]);
}

#[test]
fn a_body_beyond_the_limit_is_refused_by_its_length_or_by_the_chunk_that_goes_beyond() {
    let limits = Limits { body_bytes_max: 5, ..LIMITS };
    let (mut drive, mut server, mut script) = setup(&limits, [Message::sized(200, "1")]);
    drive.feed(&mut server, &mut script, alloc::format!("{POST}hello").as_bytes());
    assert!(drive.text().contains("HTTP/1.1 200 "), "{}", drive.text());
    drive.feed(&mut server, &mut script, POST.replace('5', "6").as_bytes());
    assert!(drive.text().contains("HTTP/1.1 413 "), "{}", drive.text());
    assert_eq!(server.status(), ConnectionStatus::CloseAfterFlush);

    for (chunks, is_refused) in [("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", false), ("3\r\nabc\r\n3\r\n", true)] {
        let (mut drive, mut server, mut script) = setup(&limits, [waiting()]);
        (drive.wakes, drive.grants) = (false, true);
        drive.feed(&mut server, &mut script, alloc::format!("{CHUNKED}{chunks}").as_bytes());
        assert_eq!(drive.text().contains("HTTP/1.1 413 "), is_refused, "{:?}", drive.log);
        assert_eq!(server.status() == ConnectionStatus::CloseAfterFlush, is_refused);
    }
}

#[test]
fn the_small_rest_of_a_body_is_dropped_and_the_connection_goes_on() {
    for rest in ["hello", "hel"] {
        let (mut drive, mut server, mut script) =
            setup(&LIMITS, [Message::sized(200, "1"), Message::sized(200, "2")]);
        drive.grants = false;
        drive.feed(&mut server, &mut script, POST.as_bytes());
        assert!(drive.text().ends_with('1') && !drive.text().contains("close"));
        drive.feed(&mut server, &mut script, rest.as_bytes());
        drive.feed(&mut server, &mut script, &"hello".as_bytes()[rest.len()..]);
        assert!(server.rx_want() > 0, "a driver reads on");
        drive.feed(&mut server, &mut script, GET.as_bytes());
        assert_eq!(drive.log[1..], ["GET / end=true [Host: a]"]);
        assert!(drive.text().ends_with('2'));
    }
}

#[test]
fn the_rest_of_a_chunked_body_is_dropped_with_its_trailers() {
    let (mut drive, mut server, mut script) =
        setup(&LIMITS, [Message::sized(200, "1"), Message::sized(200, "2")]);
    drive.feed(&mut server, &mut script, CHUNKED.as_bytes());
    let rest = alloc::format!("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n{GET}");
    for byte in rest.as_bytes().chunks(1) {
        drive.feed(&mut server, &mut script, byte);
    }
    assert_eq!(drive.log[1..], ["GET / end=true [Host: a]"]);
}

#[test]
fn the_large_rest_of_a_body_ends_the_connection() {
    let post = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let (mut drive, mut server, mut script) = setup(&LIMITS, [Message::sized(413, "no")]);
    drive.feed(&mut server, &mut script, post.as_bytes());
    assert!(drive.text().contains("Connection: close\r\n"));
    assert_eq!(server.status(), ConnectionStatus::CloseAfterFlush);
    let limits = Limits { linger_bytes_max: 10, ..LIMITS };
    let (mut drive, mut server, mut script) = setup(&limits, [Message::sized(200, "1")]);
    drive.feed(&mut server, &mut script, CHUNKED.as_bytes());
    assert_eq!(server.status(), ConnectionStatus::Open);
    drive.feed(&mut server, &mut script, b"14\r\n01234567890123456789\r\n");
    assert_eq!(server.status(), ConnectionStatus::CloseAfterFlush);
    // At the limit it is over, and not only past it: a driver would not read on.
    let (mut drive, mut server, mut script) = setup(&limits, [Message::sized(200, "1")]);
    drive.feed(&mut server, &mut script, CHUNKED.as_bytes());
    drive.feed(&mut server, &mut script, b"b\r\n012345678");
    assert_eq!((server.status(), server.rx_want() > 0), (ConnectionStatus::Open, true));
    drive.feed(&mut server, &mut script, b"9");
    assert_eq!(server.status(), ConnectionStatus::CloseAfterFlush);
}

#[test]
fn after_a_refusal_only_so_much_is_read_and_only_for_so_long() {
    let limits = Limits { linger_bytes_max: 10, ..LIMITS };
    let (mut drive, mut server, mut script) = setup(&limits, []);
    drive.feed(&mut server, &mut script, b"BAD\r\n\r\n");
    assert_eq!((server.status(), server.rx_want()), (ConnectionStatus::CloseAfterFlush, 10));
    assert!(drive.told_to_close);
    drive.feed(&mut server, &mut script, b"12345");
    assert_eq!((server.status(), server.rx_want()), (ConnectionStatus::CloseAfterFlush, 5));
    drive.feed(&mut server, &mut script, b"67890");
    assert_eq!((server.status(), server.rx_want()), (ConnectionStatus::CloseAfterFlush, 0));
    drive.strike(&mut server, &mut script);
    assert_eq!(server.status(), ConnectionStatus::Closed);

    let (mut drive, mut server, mut script) = setup(&LIMITS, []);
    drive.feed(&mut server, &mut script, b"BAD\r\n\r\n");
    assert_eq!(server.next_deadline(), Instant::from_micros(LIMITS.linger_timeout_us));
    drive.strike(&mut server, &mut script);
    assert_eq!((drive.log.last().unwrap().as_str(), server.status()), ("closed", ConnectionStatus::Closed));
}

#[test]
fn an_answer_on_its_way_is_not_cut_by_a_peer_that_sends_too_much() {
    let limits = Limits { linger_bytes_max: 10, ..LIMITS };
    let (drive, mut server, mut script) = setup(&limits, []);
    let (mut bytes, mut fields, mut tx) = ([0; 1024], [Field::default(); 8], [0; 1024]);
    let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
    let env = drive.env();
    let refused = server.receive(&env, &mut b"BAD\r\n\r\n".to_vec(), &mut scratch);
    assert!(matches!(refused.event, Some(Event::Refused { .. })));
    let Sent::Bytes(len) = server.transmit(&env, &mut tx, &mut scratch, &mut script) else {
        panic!("no answer")
    };
    let step = server.receive(&env, &mut [b'x'; 100], &mut scratch);
    assert_eq!((step.event, server.rx_want()), (None, 0));
    assert_eq!(server.status(), ConnectionStatus::CloseAfterFlush);
    server.flushed(&env, len);
    // The client may not have read it yet.
    assert_eq!((server.status(), server.rx_want()), (ConnectionStatus::CloseAfterFlush, 0));
    assert_eq!(server.next_deadline(), env.now.after_us(limits.linger_timeout_us));
}

#[test]
fn the_end_of_input_is_fine_between_requests_and_truncation_inside_them() {
    let (mut drive, mut server, mut script) = setup(&LIMITS, [Message::sized(200, "1")]);
    drive.feed(&mut server, &mut script, GET.as_bytes());
    drive.end(&mut server, &mut script);
    assert_eq!((drive.log[1].as_str(), server.status()), ("closed", ConnectionStatus::Closed));

    for at in 1..GET.len() {
        let (mut drive, mut server, mut script) = setup(&LIMITS, []);
        drive.feed(&mut server, &mut script, &GET.as_bytes()[..at]);
        drive.end(&mut server, &mut script);
        assert_eq!(drive.log, ["refused 400 Truncated in exchange=false"]);
        assert_eq!((server.status(), drive.output.len()), (ConnectionStatus::Closed, 0));
    }

    for body in ["", "hel"] {
        let (mut drive, mut server, mut script) = setup(&LIMITS, [waiting()]);
        drive.wakes = false;
        drive.feed(&mut server, &mut script, alloc::format!("{POST}{body}").as_bytes());
        drive.end(&mut server, &mut script);
        assert_eq!(drive.log.last().unwrap(), "reset Truncated");
        assert_eq!((server.status(), drive.output.len()), (ConnectionStatus::Closed, 0));
    }
}

/// As it may come behind a body, from clients of old (RFC 9112 §2.2).
#[test]
fn an_empty_line_alone_begins_no_request_in_one_piece_or_two() {
    for pieces in [&["\r\n"][..], &["\r", "\n"], &["\r"]] {
        let (mut drive, mut server, mut script) = setup(&LIMITS, [Message::sized(200, "1")]);
        drive.feed(&mut server, &mut script, GET.as_bytes());
        let idle = server.next_deadline();
        for piece in pieces {
            drive.now_us += 1;
            drive.feed(&mut server, &mut script, piece.as_bytes());
            assert_eq!(server.next_deadline(), idle, "{pieces:?}");
        }
        drive.end(&mut server, &mut script);
        assert_eq!(drive.log[1..], ["closed"], "{pieces:?}");
    }
}

#[test]
fn a_client_that_closed_its_side_still_gets_its_answer() {
    let (mut drive, mut server, mut script) = setup(&LIMITS, [waiting()]);
    drive.wakes = false;
    drive.feed(&mut server, &mut script, GET.as_bytes());
    drive.end(&mut server, &mut script);
    assert_eq!(drive.log.len(), 1);
    server.wake(server.exchange().unwrap());
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.text(), ok("Content-Length: 2\r\nConnection: close\r\n\r\nhi"));
    assert_eq!(server.status(), ConnectionStatus::Closed);
}

#[test]
fn a_shutdown_closes_an_idle_connection_at_once_and_lets_a_busy_one_finish() {
    let (drive, mut server, _) = setup(&LIMITS, []);
    server.shutdown(&drive.env());
    assert_eq!(server.status(), ConnectionStatus::Closed);
    assert!(server.wants_transmit(), "to say that it can be closed");

    let (mut drive, mut server, mut script) = setup(&LIMITS, [waiting()]);
    drive.wakes = false;
    drive.feed(&mut server, &mut script, alloc::format!("{GET}{GET}").as_bytes());
    server.shutdown(&drive.env());
    assert_eq!(server.status(), ConnectionStatus::Draining);
    server.wake(server.exchange().unwrap());
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.text(), ok("Content-Length: 2\r\nConnection: close\r\n\r\nhi"));
    assert_eq!((drive.log.len(), server.status()), (1, ConnectionStatus::CloseAfterFlush));
}

#[test]
fn the_last_request_that_a_connection_may_bring_is_answered_with_close() {
    let limits = Limits { requests_per_connection_max: 2, ..LIMITS };
    let run = check(&limits, &GET.repeat(3), &[Message::sized(200, "1"), Message::sized(200, "2")]);
    assert_eq!((run.log.len(), run.output.matches("Connection: close").count()), (2, 1));
    assert!(run.output.ends_with("Connection: close\r\n\r\n2"));
}

#[test]
fn a_reset_closes_the_connection_and_lets_nothing_more_out() {
    let (mut drive, mut server, mut script) = setup(&LIMITS, [waiting()]);
    drive.wakes = false;
    drive.feed(&mut server, &mut script, GET.as_bytes());
    server.reset(server.exchange().unwrap());
    drive.feed(&mut server, &mut script, GET.as_bytes());
    assert_eq!((server.status(), drive.output.len()), (ConnectionStatus::Closed, 0));
    assert!(drive.told_to_close && server.ends_abruptly());
}

#[test]
fn a_silent_client_is_let_go_and_a_dribbling_one_gets_a_408() {
    let (mut drive, mut server, mut script) = setup(&LIMITS, [Message::sized(200, "1")]);
    assert_eq!(server.next_deadline(), Instant::from_micros(LIMITS.first_byte_timeout_us));
    drive.now_us = 5_000_000;
    for byte in GET.as_bytes()[..10].chunks(1) {
        drive.feed(&mut server, &mut script, byte);
        drive.now_us += 100_000;
    }
    assert_eq!(server.next_deadline(), Instant::from_micros(5_000_000 + LIMITS.head_timeout_us));
    drive.strike(&mut server, &mut script);
    assert_eq!(drive.log, ["refused 408 HeadTimeout in exchange=false"]);
    assert!(drive.text().starts_with("HTTP/1.1 408 "));

    let (mut drive, mut server, mut script) = setup(&LIMITS, [Message::sized(200, "1")]);
    drive.now_us = 1_000;
    drive.feed(&mut server, &mut script, GET.as_bytes());
    assert_eq!(server.next_deadline(), Instant::from_micros(1_000 + LIMITS.idle_timeout_us));
    drive.strike(&mut server, &mut script);
    assert_eq!((drive.log[1].as_str(), server.status()), ("closed", ConnectionStatus::Closed));
}

#[test]
fn a_slow_body_gets_a_408_or_is_cut_off_when_the_answer_has_begun() {
    let (mut drive, mut server, mut script) = setup(&LIMITS, [waiting()]);
    drive.wakes = false;
    drive.feed(&mut server, &mut script, POST.as_bytes());
    drive.strike(&mut server, &mut script);
    assert_eq!(drive.log[1..], ["refused 408 BodyTimeout in exchange=true"]);
    assert!(drive.text().starts_with("HTTP/1.1 408 "));

    let gives = [Give::Bytes(b"1".to_vec()), Give::Blocked, Give::Bytes(b"2".to_vec())];
    let (mut drive, mut server, mut script) =
        setup(&LIMITS, [Message::new(200).plan(BodyPlan::Sized(2)).gives(gives)]);
    drive.wakes = false;
    drive.feed(&mut server, &mut script, POST.as_bytes());
    drive.strike(&mut server, &mut script);
    assert_eq!(drive.log[1..], ["reset BodyTimeout"]);
    assert!(drive.text().ends_with("\r\n\r\n1") && server.status() == ConnectionStatus::Closed);
}

#[test]
fn a_grant_excuses_only_a_client_that_had_to_wait_for_it() {
    let at = |second: u64| Env { now: Instant::from_micros(second * 1_000_000), limits: &LIMITS, date: None };
    let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 16]);
    let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
    let mut post = POST.replace('5', "100000").into_bytes();
    let mut dribbled = Server::new(&at(0));
    dribbled.receive(&at(0), &mut post, &mut scratch);
    let stream = dribbled.exchange().unwrap();
    let late = (1..60).find(|&second| {
        dribbled.receive(&at(second), &mut [b'x'], &mut scratch);
        dribbled.grant(stream, 1).unwrap();
        dribbled.on_deadline(&at(second)).is_some()
    });
    assert!(late.is_some_and(|second| second <= 21), "late at {late:?}");

    let mut waited = Server::new(&at(0));
    waited.receive(&at(0), &mut post, &mut scratch);
    let stream = waited.exchange().unwrap();
    waited.receive(&at(0), &mut alloc::vec![b'x'; LIMITS.body_window_bytes as usize], &mut scratch);
    assert_eq!((waited.rx_want(), waited.next_deadline()), (0, Instant::NEVER));
    waited.grant(stream, 1).unwrap();
    assert_eq!(waited.on_deadline(&at(100)), None);
    assert_eq!(waited.on_deadline(&at(109)), None);
    assert!(waited.on_deadline(&at(110)).is_some());
}

#[test]
fn a_client_that_takes_nothing_is_reset() {
    let drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env());
    let mut script = Script::new([Message::sized(200, "hi")]);
    let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 16]);
    let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
    server.receive(&drive.env(), &mut GET.as_bytes().to_vec(), &mut scratch);
    let mut tx = [0; 512];
    let Sent::Bytes(n) = server.transmit(&drive.env(), &mut tx, &mut Scratch::default(), &mut script) else {
        panic!("an answer");
    };
    let at = |us| Env { now: Instant::from_micros(us), ..drive.env() };
    assert_eq!(server.next_deadline(), Instant::from_micros(LIMITS.rate_grace_us));
    server.flushed(&at(9_000_000), n - 1);
    assert_eq!(server.on_deadline(&at(10_000_000)), None, "something was taken");
    let late = server.next_deadline();
    assert!(late > Instant::from_micros(10_000_000) && late < Instant::from_micros(11_000_000));
    assert_eq!(server.on_deadline(&at(late.as_micros())), Some(Event::Closed));
    assert!(server.ends_abruptly() && server.status() == ConnectionStatus::Closed);
}

#[test]
fn a_client_that_stops_taking_a_run_of_the_drivers_own_is_reset() {
    let (drive, mut server, _) = setup(&LIMITS, []);
    let run = alloc::vec![b'x'; 100_000];
    let mut script =
        Script::new([Message::new(200).plan(BodyPlan::Sized(100_000)).gives([Give::Direct(run)])]);
    let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 16]);
    let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
    server.receive(&drive.env(), &mut GET.as_bytes().to_vec(), &mut scratch);
    let mut tx = [0; 512];
    let sent = server.transmit(&drive.env(), &mut tx, &mut Scratch::default(), &mut script);
    let Sent::Direct { bytes, stream, len: 100_000 } = sent else { panic!("{sent:?}") };
    server.flushed(&drive.env(), bytes);
    server.sent(stream, 60_000).unwrap();
    let at = |us| Env { now: Instant::from_micros(us), ..drive.env() };
    assert_eq!(server.on_deadline(&at(10_000_000)), None, "some of it was taken");
    let late = server.next_deadline();
    assert_eq!(late, Instant::from_micros(20_000_000));
    assert_eq!(
        server.on_deadline(&at(20_000_000)),
        Some(Event::Reset { stream, cause: ResetCause::WriteTimeout })
    );
    assert!(server.ends_abruptly() && server.sent(stream, 1).is_err());
}

#[test]
fn a_deadline_that_strikes_too_early_does_nothing() {
    let (drive, mut server, _) = setup(&LIMITS, []);
    assert_eq!(server.on_deadline(&drive.env()), None);
    assert_eq!(server.status(), ConnectionStatus::Open);
}

#[test]
fn chunk_framing_out_of_proportion_is_refused() {
    let limits = Limits { chunk_overhead_bytes_max: 100, ..LIMITS };
    let (mut drive, mut server, mut script) = setup(&limits, [waiting()]);
    drive.wakes = false;
    drive.feed(&mut server, &mut script, CHUNKED.as_bytes());
    drive.feed(&mut server, &mut script, "1\r\nx\r\n".repeat(30).as_bytes());
    assert_eq!(drive.log.last().unwrap(), "refused 400 ChunkOverhead in exchange=true");

    let (mut drive, mut server, mut script) = setup(&limits, [waiting()]);
    drive.wakes = false;
    drive.feed(&mut server, &mut script, CHUNKED.as_bytes());
    drive.feed(&mut server, &mut script, "8\r\n12345678\r\n".repeat(300).as_bytes());
    drive.feed(&mut server, &mut script, b"0\r\n\r\n");
    assert_eq!(drive.log.last().unwrap(), "end");
}

#[test]
fn what_a_driver_has_no_room_for_is_refused_dropped_or_kept_as_the_message_needs() {
    let is_431 = |shed: &Shed| {
        matches!(shed, Shed::Refused(Event::Refused { status: Status::REQUEST_HEADER_FIELDS_TOO_LARGE, .. }))
    };
    let shed = |fed: &str, limits: &Limits| {
        let (mut drive, mut server, mut script) = setup(limits, [waiting()]);
        (drive.grants, drive.wakes) = (false, false);
        drive.feed(&mut server, &mut script, fed.as_bytes());
        let shed = server.shed(&drive.env());
        (shed, server.status())
    };
    assert!(is_431(&shed("GET / HTTP/1.1\r\nHost: a", &LIMITS).0));
    assert!(is_431(&shed(&alloc::format!("{CHUNKED}0\r\nX: y"), &LIMITS).0));
    let narrow = Limits { body_window_bytes: 3, ..LIMITS };
    assert_eq!(shed(&alloc::format!("{POST}hello"), &narrow).0, Shed::Keep);
    assert_eq!(shed("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /", &LIMITS).0, Shed::Drop);

    let (mut drive, mut server, mut script) = setup(&LIMITS, [waiting()]);
    drive.wakes = false;
    drive.feed(&mut server, &mut script, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /");
    assert_eq!(server.shed(&drive.env()), Shed::Drop);
    server.wake(server.exchange().unwrap());
    drive.feed(&mut server, &mut script, b"");
    assert!(drive.text().contains("Connection: close\r\n"), "{}", drive.text());
    assert_eq!(server.status(), ConnectionStatus::CloseAfterFlush);
}

/// Says that it never streams, and may do so all the same.
struct Sized(BodyPlan);

impl Source for Sized {
    fn head(&mut self, _: StreamId) -> crate::HeadAnswer<'_> {
        crate::HeadAnswer::Final(crate::ResponseHead::bare(Status::OK), self.0)
    }
    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> crate::Fill {
        out[..2].copy_from_slice(b"ok");
        crate::Fill::End(2)
    }
    fn streams(&self) -> bool {
        false
    }
}

#[test]
fn a_source_that_never_streams_is_held_to_that() {
    for (plan, start) in [(BodyPlan::Sized(2), "HTTP/1.1 200 "), (BodyPlan::Streamed, "HTTP/1.1 500 ")] {
        let drive = Drive::new(&LIMITS);
        let mut server = Server::new(&drive.env());
        let mut rx = *b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let (mut bytes, mut fields, mut tx) = ([0; 64], [Field::default(); 16], [0; 600]);
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        server.receive(&drive.env(), &mut rx, &mut scratch);
        let sent = server.transmit(&drive.env(), &mut tx, &mut scratch, &mut Sized(plan));
        assert!(matches!(sent, Sent::Bytes(n) if tx[..n].starts_with(start.as_bytes())), "{plan:?}");
    }
}
