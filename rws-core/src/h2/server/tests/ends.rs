//! How connections end: GOAWAY, drains, end of input, and every timer.

use super::*;
use crate::h2::ErrorCode;
use crate::h2::control::PROBE;

fn begun<'l>(limits: &'l Limits, messages: &[Message], input: &Frames) -> (Drive<'l>, Server<Grown>, Script) {
    let mut drive = Drive::new(limits);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new(messages.iter().cloned());
    drive.feed(&mut server, &mut script, &input.0);
    (drive, server, script)
}

#[test]
fn a_drain_warns_first_and_still_takes_what_was_on_its_way() {
    let (mut drive, mut server, mut script) =
        begun(&LIMITS, &[Message::new(200), Message::new(201), Message::new(202)], &Frames::client().get(1));
    server.shutdown(&drive.env());
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.sent()[2..], ["GOAWAY 2147483647 NO_ERROR", "PING rws ping"]);
    assert_eq!(server.status(), ConnectionStatus::Draining);
    // It had been sent before the warning was read.
    drive.feed(&mut server, &mut script, &Frames::default().post(3).0);
    drive.feed(&mut server, &mut script, &Frames::default().ping(true, PROBE).0);
    assert_eq!(drive.sent()[4..], ["GOAWAY 3 NO_ERROR"]);
    // That one not.
    drive.feed(&mut server, &mut script, &Frames::default().get(5).data(3, true, b"x").0);
    assert_eq!(drive.sent()[5..], ["HEADERS 3 end 201 [content-length: 0]"]);
    assert_eq!(drive.log.last().unwrap(), "3 end");
    assert!(drive.told_to_close && server.status() == ConnectionStatus::CloseAfterFlush);
    drive.end(&mut server, &mut script);
    assert_eq!(server.status(), ConnectionStatus::Closed);
}

#[test]
fn a_drain_does_not_wait_for_ever() {
    let (mut drive, mut server, mut script) = begun(&LIMITS, &[], &Frames::client());
    server.shutdown(&drive.env());
    drive.feed(&mut server, &mut script, b"");
    drive.strike(&mut server, &mut script);
    assert_eq!(drive.sent().last().unwrap(), "GOAWAY 0 NO_ERROR");
    assert!(drive.told_to_close);
    drive.strike(&mut server, &mut script);
    assert_eq!(server.status(), ConnectionStatus::Closed);
    assert_eq!(server.next_deadline(), Instant::NEVER);
}

#[test]
fn a_fault_ends_with_goaway_and_what_comes_then_is_dropped() {
    let (mut drive, mut server, mut script) =
        begun(&LIMITS, &[Message::new(200)], &Frames::client().get(1).get(2));
    assert_eq!(drive.sent().last().unwrap(), "GOAWAY 1 PROTOCOL_ERROR");
    assert_eq!(drive.log.last().unwrap(), "refused 400 Http2Protocol");
    assert!(drive.told_to_close);
    drive.feed(&mut server, &mut script, &Frames::default().get(3).0);
    assert!(drive.rx.is_empty() && server.rx_want() > 0);
    assert_eq!(drive.log.len(), 2);
    drive.strike(&mut server, &mut script);
    assert_eq!((server.status(), drive.log.last().unwrap().as_str()), (ConnectionStatus::Closed, "closed"));
}

#[test]
fn a_client_that_says_nothing_is_closed() {
    for input in [&b""[..], b"PRI * HTTP", crate::h2::PREFACE] {
        let mut drive = Drive::new(&LIMITS);
        let mut server = Server::new(&drive.env(), Grown::new());
        let mut script = Script::default();
        drive.feed(&mut server, &mut script, input);
        drive.strike(&mut server, &mut script);
        assert_eq!(server.status(), ConnectionStatus::Closed);
        assert!(drive.now_us <= 1_000_000 + LIMITS.first_byte_timeout_us);
    }
}

#[test]
fn settings_that_are_not_acknowledged_end_the_connection() {
    let input = Frames(crate::h2::PREFACE.to_vec()).settings(&[]);
    let (mut drive, mut server, mut script) = begun(&LIMITS, &[], &input);
    drive.strike(&mut server, &mut script);
    assert_eq!(drive.sent().last().unwrap(), "GOAWAY 0 SETTINGS_TIMEOUT");
}

#[test]
fn a_connection_that_nobody_uses_ends_with_goaway() {
    let (mut drive, mut server, mut script) = begun(&LIMITS, &[Message::new(200)], &Frames::client().get(1));
    let start = drive.now_us;
    drive.strike(&mut server, &mut script);
    assert_eq!(drive.now_us - start, LIMITS.idle_timeout_us);
    assert_eq!(drive.sent().last().unwrap(), "GOAWAY 1 NO_ERROR");
    assert!(drive.told_to_close);
}

#[test]
fn a_block_that_is_begun_is_ended_in_time() {
    let block = crate::h2::testing::block(crate::h2::testing::GET);
    let (mut drive, mut server, mut script) = begun(&LIMITS, &[], &Frames::client().frame(1, 0x1, 1, &block));
    drive.strike(&mut server, &mut script);
    assert_eq!(drive.log, ["refused 408 HeadTimeout"]);
    assert_eq!(drive.sent().last().unwrap(), "GOAWAY 1 ENHANCE_YOUR_CALM");
}

#[test]
fn a_body_that_is_too_slow_is_refused_and_costs_nobody_else_anything() {
    let (mut drive, mut server, mut script) =
        begun(&LIMITS, &[Message::new(200), Message::new(200)], &Frames::client().post(1).post(3));
    for _ in 0..15 {
        drive.feed(
            &mut server,
            &mut script,
            &Frames::default().data(3, false, &[b'x'; 1000]).data(1, false, b"x").0,
        );
        drive.pass(&mut server, &mut script, 1_000_000);
    }
    assert!(drive.log.contains(&"1 refused 408 BodyTimeout".into()), "{:?}", drive.log);
    assert!(by_stream(&drive.sent())["1"].starts_with("<HEADERS 408 "));
    drive.feed(&mut server, &mut script, &Frames::default().data(3, true, b"").0);
    assert_eq!(by_stream(&drive.sent())["3"], "<HEADERS end 200 [content-length: 0]>");
    assert_eq!(server.status(), ConnectionStatus::Open);
}

#[test]
fn a_client_that_waits_for_us_is_not_late() {
    let limits = Limits { body_window_bytes: 100, ..LIMITS };
    let mut drive = Drive::new(&limits);
    drive.grants = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().post(1).data(1, false, &[b'x'; 100]).0);
    drive.pass(&mut server, &mut script, 100_000_000);
    assert_eq!(drive.log.len(), 2, "{:?}", drive.log);
    server.grant(StreamId::new(0, 1), 100).unwrap();
    drive.pass(&mut server, &mut script, 9_000_000);
    assert_eq!(drive.log.len(), 2, "{:?}", drive.log);
    drive.pass(&mut server, &mut script, 30_000_000);
    assert_eq!(drive.log.last().unwrap(), "1 refused 408 BodyTimeout");
}

#[test]
fn a_body_that_may_stand_still_is_never_late() {
    let requests = Frames::client().post(1).data(1, false, b"x").post(3).data(3, false, b"x");
    let (mut drive, mut server, mut script) =
        begun(&LIMITS, &[Message::new(200), Message::new(200)], &requests);
    server.be_patient(StreamId::new(0, 1));
    drive.pass(&mut server, &mut script, 1_000_000_000);
    assert_eq!(drive.log.last().unwrap(), "3 refused 408 BodyTimeout", "{:?}", drive.log);
    drive.feed(&mut server, &mut script, &Frames::default().data(1, true, b"x").0);
    assert!(by_stream(&drive.sent())["1"].starts_with("<HEADERS end 200 "), "{:?}", drive.sent());
}

#[test]
fn a_window_that_is_held_shut_ends_the_stream() {
    for dribble in [false, true] {
        let (mut drive, mut server, mut script) = begun(
            &LIMITS,
            &[Message::sized(200, &"x".repeat(10_000))],
            &Frames::client().settings(&[(4, 0)]).get(1),
        );
        for _ in 0..40 {
            if dribble {
                drive.feed(&mut server, &mut script, &Frames::default().window(1, 1).0);
            }
            drive.pass(&mut server, &mut script, 1_000_000);
        }
        assert_eq!(drive.log.last().unwrap(), "1 reset WriteTimeout", "{dribble}");
        assert!(by_stream(&drive.sent())["1"].ends_with("<RST CANCEL>"));
    }
    // One that opens it as fast as it must is served to the end.
    let (mut drive, mut server, mut script) = begun(
        &LIMITS,
        &[Message::sized(200, &"x".repeat(10_000))],
        &Frames::client().settings(&[(4, 0)]).get(1),
    );
    for _ in 0..40 {
        drive.feed(&mut server, &mut script, &Frames::default().window(1, 300).0);
        drive.pass(&mut server, &mut script, 1_000_000);
    }
    assert!(by_stream(&drive.sent())["1"].ends_with("<end>"), "{:?}", drive.log);
}

#[test]
fn a_connections_window_that_is_held_shut_ends_the_connection() {
    let (mut drive, mut server, mut script) = begun(
        &LIMITS,
        &[Message::sized(200, &"x".repeat(100_000))],
        &Frames::client().window(1, 0).settings(&[(4, 1 << 20)]),
    );
    let _ = (&mut drive, &mut server, &mut script);
    let (mut drive, mut server, mut script) = begun(
        &LIMITS,
        &[Message::sized(200, &"x".repeat(100_000))],
        &Frames::client().settings(&[(4, 1 << 20)]).get(1),
    );
    drive.pass(&mut server, &mut script, 30_000_000);
    assert_eq!(drive.sent().last().unwrap(), "GOAWAY 1 ENHANCE_YOUR_CALM");
}

#[test]
fn a_peer_that_takes_nothing_is_cut_off() {
    let mut drive = Drive::new(&LIMITS);
    drive.stop_flushing();
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).0);
    drive.strike(&mut server, &mut script);
    assert!(server.ends_abruptly());
    assert_eq!(server.status(), ConnectionStatus::Closed);
}

#[test]
fn a_client_that_has_closed_its_side_still_gets_whole_answers() {
    let late = Message { waits: 1, ..Message::sized(200, "late") };
    let mut drive = Drive::new(&LIMITS);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([late]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).0);
    drive.end(&mut server, &mut script);
    assert_eq!(server.status(), ConnectionStatus::Draining);
    drive.wakes = true;
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.sent().last().unwrap(), "DATA 1 end late");
    assert_eq!(server.status(), ConnectionStatus::Closed);
    // But not to half a request.
    let (mut drive, mut server, mut script) = begun(&LIMITS, &[Message::new(200)], &Frames::client().post(1));
    drive.end(&mut server, &mut script);
    assert_eq!((server.status(), drive.log.last().unwrap().as_str()), (ConnectionStatus::Closed, "closed"));
}

#[test]
fn what_the_driver_gives_up_is_cancelled() {
    let (mut drive, mut server, mut script) =
        begun(&LIMITS, &[Message::new(200), Message::new(200)], &Frames::client().post(1));
    let stream = StreamId::new(0, 1);
    server.reset(stream);
    server.reset(stream);
    drive.feed(&mut server, &mut script, &Frames::default().data(1, true, b"x").get(3).0);
    assert_eq!(by_stream(&drive.sent())["1"], "<RST CANCEL>");
    assert_eq!(by_stream(&drive.sent())["3"], "<HEADERS end 200 [content-length: 0]>");
    assert_eq!(drive.log, ["1 POST /p [host: a]", "3 GET / end [host: a]"]);
    let _ = ErrorCode::CANCEL;
}

#[test]
fn a_connection_that_has_had_its_share_of_requests_drains() {
    let limits = Limits { requests_per_connection_max: 2, ..LIMITS };
    let messages = [Message::new(200), Message::new(201)];
    let (drive, server, _) = begun(&limits, &messages, &Frames::client().get(1).get(3));
    assert_eq!(server.status(), ConnectionStatus::Draining);
    let sent = drive.sent();
    assert!(sent.contains(&"GOAWAY 2147483647 NO_ERROR".into()), "{sent:?}");
    assert_eq!(sent.last().unwrap(), "HEADERS 3 end 201 [content-length: 0]");
}

#[test]
fn a_last_byte_that_nobody_takes_is_waited_for_once() {
    let mut drive = Drive::new(&LIMITS);
    drive.stop_flushing();
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::default();
    drive.feed(&mut server, &mut script, &Frames::client().get(2).0);
    assert_eq!(server.status(), ConnectionStatus::CloseAfterFlush);
    drive.strike(&mut server, &mut script);
    assert!(server.next_deadline() > drive.env().now, "no timer strikes again and again");
    drive.strike(&mut server, &mut script);
    assert_eq!(server.status(), ConnectionStatus::Closed);
}

#[test]
fn a_stall_ends_with_its_stream_however_it_ends() {
    let limits = Limits { body_window_bytes: 10, ..LIMITS };
    let mut drive = Drive::new(&limits);
    drive.grants = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let body = Message { waits: 0, ..Message::sized(200, &"x".repeat(100)) }.at_once();
    let mut script = Script::new([body, Message::new(200)]);
    // The answer has begun behind a window that is shut; the request waits in `rx` for credit that nobody grants.
    let input =
        Frames(crate::h2::PREFACE.to_vec()).settings(&[(4, 0)]).post(1).data(1, true, &[b'x'; 25]).get(3);
    drive.feed(&mut server, &mut script, &input.0);
    assert_eq!(server.rx_want(), 0);
    drive.pass(&mut server, &mut script, 9_000_000);
    drive.feed(&mut server, &mut script, b"");
    drive.strike(&mut server, &mut script);
    let sent = drive.sent();
    assert!(server.rx_want() > 0 || server.status() != ConnectionStatus::Open, "{sent:?} {:?}", drive.log);
}

#[test]
fn an_end_before_our_last_word_is_written_strikes_no_timer_again_and_again() {
    let mut drive = Drive::new(&LIMITS);
    drive.stop_flushing();
    let mut server = Server::new(&drive.env(), Grown::new());
    drive.feed(&mut server, &mut Script::default(), &Frames::client().0);
    let mut bad = Frames::default().frame(6, 0, 1, &[0; 8]).0;
    let mut now = drive.env().now;
    let env = |now| Env { now, limits: &LIMITS, date: None };
    server.receive(&env(now), &mut bad, &mut Scratch::default());
    assert_eq!(server.receive_end(&env(now)), None);
    // Nothing is sent meanwhile: the transport takes nothing.
    for _ in 0..20 {
        let next = server.next_deadline();
        if next == Instant::NEVER {
            break;
        }
        assert!(next > now, "it struck at {now:?}, and would again");
        now = next;
        server.on_deadline(&env(now));
    }
    assert_eq!(server.status(), ConnectionStatus::Closed);
    assert!(server.ends_abruptly());
}
