//! Flow control (RFC 9113 §5.2, §6.9), both ways, and whose turn it is.

use super::*;
use crate::h2::testing::GET;

fn content(frames: &[String], stream: u32) -> usize {
    let start = alloc::format!("DATA {stream} ");
    let lines = frames.iter().filter_map(|line| line.strip_prefix(&start));
    lines.map(|rest| rest.strip_prefix("end ").unwrap_or(rest).len()).sum()
}

#[test]
fn content_stops_at_the_streams_window_and_goes_on_with_more() {
    let body = "x".repeat(100);
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::sized(200, &body), Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().settings(&[(4, 30)]).get(1).get(3).0);
    assert_eq!(content(&drive.sent(), 1), 30);
    assert!(by_stream(&drive.sent())["3"].contains("200"), "heads need no window");
    drive.feed(&mut server, &mut script, &Frames::default().window(1, 50).0);
    assert_eq!(content(&drive.sent(), 1), 80);
    // RFC 9113 §6.9.2: the windows of open streams move with the setting, below zero too.
    drive.feed(&mut server, &mut script, &Frames::default().settings(&[(4, 10)]).0);
    drive.feed(&mut server, &mut script, &Frames::default().window(1, 15).0);
    assert_eq!(content(&drive.sent(), 1), 80, "minus 20 and 15 is below 0");
    drive.feed(&mut server, &mut script, &Frames::default().settings(&[(4, 20)]).0);
    assert_eq!(content(&drive.sent(), 1), 85);
    drive.feed(&mut server, &mut script, &Frames::default().window(1, 1000).0);
    assert_eq!(content(&drive.sent(), 1), 100);
    assert_eq!(server.live(), 0);
}

#[test]
fn content_stops_at_the_connections_window_whichever_the_stream() {
    let body = "x".repeat(50_000);
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::sized(200, &body), Message::sized(200, &body), Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).get(3).0);
    let sent = content(&drive.sent(), 1) + content(&drive.sent(), 3);
    assert_eq!(sent, 65_535);
    drive.feed(&mut server, &mut script, &Frames::default().get(5).0);
    assert!(by_stream(&drive.sent())["5"].contains("200"), "heads need no window");
    drive.feed(&mut server, &mut script, &Frames::default().window(0, 100_000).0);
    assert_eq!(content(&drive.sent(), 1) + content(&drive.sent(), 3), 100_000);
}

#[test]
fn a_window_is_no_larger_than_31_bits() {
    let late = || Message { waits: usize::MAX, ..Message::new(200) };
    let run = |input: Frames| {
        let mut drive = Drive::new(&LIMITS);
        drive.wakes = false;
        let mut server = Server::new(&drive.env(), Grown::new());
        let mut script = Script::new([late(), late()]);
        drive.feed(&mut server, &mut script, &input.0);
        drive.sent().last().cloned().unwrap()
    };
    let most = (1 << 31) - 1;
    assert_eq!(run(Frames::client().window(0, most)), "GOAWAY 0 FLOW_CONTROL_ERROR");
    assert_eq!(run(Frames::client().get(1).window(1, most)), "RST 1 FLOW_CONTROL_ERROR");
    assert_eq!(
        run(Frames::client().get(1).window(1, most - 65_535).settings(&[(4, 65_536)])),
        "GOAWAY 1 FLOW_CONTROL_ERROR"
    );
    assert_eq!(run(Frames::client().window(0, most - 65_535).window(0, 1)), "GOAWAY 0 FLOW_CONTROL_ERROR");
    // An increment of nothing: RFC 9113 §6.9.
    assert_eq!(run(Frames::client().get(1).window(1, 0)), "RST 1 PROTOCOL_ERROR");
    assert_eq!(run(Frames::client().window(0, 0)), "GOAWAY 0 PROTOCOL_ERROR");
}

#[test]
fn a_stream_has_its_window_and_what_is_granted_and_no_more() {
    let limits = Limits { body_window_bytes: 100, ..LIMITS };
    let mut drive = Drive::new(&limits);
    drive.grants = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200), Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().post(1).data(1, false, &[b'x'; 100]).0);
    assert!(drive.sent().iter().all(|frame| !frame.starts_with("WINDOW 1")));
    let stream = StreamId::new(0, 1);
    server.grant(stream, 60).unwrap();
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.sent().last().unwrap(), "WINDOW 1 +60");
    drive.feed(&mut server, &mut script, &Frames::default().data(1, false, &[b'y'; 60]).0);
    // One byte more.
    drive.feed(&mut server, &mut script, &Frames::default().data(1, false, b"z").get(3).0);
    assert_eq!(by_stream(&drive.sent())["1"], "<RST FLOW_CONTROL_ERROR>");
    assert_eq!(by_stream(&drive.sent())["3"], "<HEADERS end 200 [content-length: 0]>");
}

#[test]
fn padding_gives_its_credit_back_at_once() {
    let limits = Limits { body_window_bytes: 100, ..LIMITS };
    let mut drive = Drive::new(&limits);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200)]);
    let mut payload = alloc::vec![90, b'x'];
    payload.extend_from_slice(&[0; 90]);
    let mut input = Frames::client().post(1);
    for _ in 0..10 {
        input = input.frame(0, 0x8, 1, &payload);
        drive.feed(&mut server, &mut script, &core::mem::take(&mut input).0);
    }
    drive.feed(&mut server, &mut script, &Frames::default().data(1, true, b"").0);
    assert_eq!(drive.log[1..], ["1 body xxxxxxxxxx", "1 end"]);
}

#[test]
fn one_reader_that_stops_does_not_starve_its_siblings() {
    let mut drive = Drive::new(&LIMITS);
    drive.grants = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200), Message::new(200)]);
    // The first is never granted anything; the second takes far more than one window of the connection.
    let mut input = Frames::client().post(1).data(1, false, &[b'x'; 16_384]).post(3);
    drive.feed(&mut server, &mut script, &input.0);
    for _ in 0..200 {
        input = Frames::default().data(3, false, &[b'y'; 16_000]);
        server.grant(StreamId::new(1, 3), 16_000).unwrap();
        drive.feed(&mut server, &mut script, &input.0);
    }
    assert_eq!(server.status(), ConnectionStatus::Open, "{:?}", drive.log.last());
    assert_eq!(drive.log.last().unwrap().len(), "3 body ".len() + 200 * 16_000);
}

#[test]
fn a_connection_has_its_window_and_no_more() {
    let limits = Limits { connection_window_bytes: 65_535, ..LIMITS };
    let mut drive = Drive::new(&limits);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200)]);
    // All in one piece: nothing of it can have been given back to the peer.
    let mut input = Frames::client().post(1).post(3).post(5);
    for id in [1, 3, 5] {
        input = input.data(id, false, &[b'x'; 16_384]).data(id, false, &[b'x'; 16_384]);
    }
    let env = drive.env();
    let mut rx = input.0;
    let (mut at, mut events) = (0, Vec::new());
    let (mut bytes, mut fields) = ([0; 1024], [crate::Field::default(); 16]);
    loop {
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let Step { consumed, event } = server.receive(&env, &mut rx[at..], &mut scratch);
        at += consumed;
        events.extend(event);
        if consumed == 0 && event.is_none() {
            break;
        }
    }
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.sent().last().unwrap(), "GOAWAY 5 FLOW_CONTROL_ERROR");
    assert!(matches!(events.last(), Some(Event::Refused { stream: None, .. })));
}

#[test]
fn before_our_settings_are_acknowledged_what_is_too_much_waits() {
    let limits = Limits { body_window_bytes: 10, ..LIMITS };
    let mut drive = Drive::new(&limits);
    drive.grants = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200)]);
    let input =
        Frames(crate::h2::PREFACE.to_vec()).settings(&[]).post(1).data(1, false, &[b'x'; 25]).settings_ack();
    drive.feed(&mut server, &mut script, &input.0);
    assert_eq!(drive.log[1..], ["1 body xxxxxxxxxx", "1 stalled"]);
    assert_eq!(server.rx_want(), 0);
    let stream = StreamId::new(0, 1);
    server.grant(stream, 15).unwrap();
    assert!(server.rx_want() > 0);
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.log[3], alloc::format!("1 body {}", "x".repeat(15)));
    assert!(drive.rx.is_empty());
    // Now that they are, it is a fault.
    drive.feed(&mut server, &mut script, &Frames::default().data(1, true, b"x").0);
    assert_eq!(drive.sent().last().unwrap(), "RST 1 FLOW_CONTROL_ERROR");
    // Nobody waits for a stream that was given up.
    let mut drive = Drive::new(&limits);
    drive.grants = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    drive.feed(&mut server, &mut script, &input.0);
    server.reset(stream);
    drive.feed(&mut server, &mut script, b"");
    assert!(drive.rx.is_empty() && server.rx_want() > 0);
}

#[test]
fn the_urgent_are_served_first_and_the_incremental_in_turns() {
    let with = |value: &'static str| {
        let mut fields = GET.to_vec();
        fields.push(("priority", value));
        fields
    };
    let body = "x".repeat(40_000);
    let limits = Limits { response_head_bytes_max: 512, ..LIMITS };
    let mut drive = Drive::new(&limits);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new((0..4).map(|_| Message { waits: 1, ..Message::sized(200, &body) }));
    let input = Frames::client()
        .window(0, 1 << 20)
        .headers(1, true, &with("u=5, i"))
        .headers(3, true, &with("u=5, i"))
        .headers(5, true, &with("u=1"))
        .headers(7, true, &with("u=7"))
        // RFC 9218 §7.1: on second thoughts.
        .frame(0x10, 0, 0, b"\0\0\0\x07u=0")
        .frame(0x10, 0, 0, b"\0\0\0\x09u=0");
    drive.feed(&mut server, &mut script, &input.0);
    for stream in core::mem::take(&mut script.parked) {
        server.wake(stream);
    }
    drive.feed(&mut server, &mut script, b"");
    let order: Vec<u32> = drive
        .sent()
        .iter()
        .filter_map(|line| line.strip_prefix("DATA ")?.split(' ').next()?.parse().ok())
        .collect();
    let turns = |id: u32| order.iter().filter(|&&at| at == id).count();
    assert_eq!([turns(1), turns(3), turns(5), turns(7)].map(|turns| turns >= 3), [true; 4], "{order:?}");
    let urgent = order.iter().rposition(|&id| id == 7).unwrap();
    assert!(order[..urgent].iter().all(|&id| id == 7), "{order:?}");
    let next = order.iter().rposition(|&id| id == 5).unwrap();
    assert!(order[urgent + 1..next].iter().all(|&id| id == 5), "{order:?}");
    assert!(
        order[next + 1..].windows(3).all(|three| three.iter().any(|&id| id != three[0]) || three.len() < 3),
        "{order:?}"
    );
}

#[test]
fn a_priority_that_comes_before_its_stream_is_kept_for_it() {
    let order = |early: Frames| {
        let mut drive = Drive::new(&LIMITS);
        drive.wakes = false;
        let mut server = Server::new(&drive.env(), Grown::new());
        let mut script = Script::new((0..2).map(|_| Message { waits: 1, ..Message::sized(200, "x") }));
        let fields: Vec<_> = GET.iter().copied().chain([("priority", "u=7")]).collect();
        drive.feed(&mut server, &mut script, &early.get(1).headers(3, true, &fields).0);
        for stream in core::mem::take(&mut script.parked) {
            server.wake(stream);
        }
        drive.feed(&mut server, &mut script, b"");
        script.ended.iter().map(|(id, _)| *id).collect::<Vec<_>>()
    };
    let update = |id: u8, value: &[u8]| Frames::client().frame(0x10, 0, 0, &[&[0, 0, 0, id], value].concat());
    assert_eq!(order(Frames::client()), [1, 3]);
    assert_eq!(order(update(3, b"u=0")), [3, 1]);
    assert_eq!(order(update(3, b"u=0").frame(0x10, 0, 0, b"\0\0\0\x03u=5")), [1, 3], "the latest counts");
    assert_eq!(order(update(5, b"u=0")), [1, 3]);
    assert_eq!(order(update(3, &[b' '; 50])), [1, 3], "too long to be kept");
    // Many of them push out the oldest, and no more than that.
    let many = |first: u8| {
        (0..20).fold(update(first, b"u=0"), |frames, n| {
            frames.frame(0x10, 0, 0, &[0, 0, 0, 101 + 2 * n, b'u', b'=', b'0'])
        })
    };
    assert_eq!(order(many(3)), [1, 3]);
    assert_eq!(order(many(3).frame(0x10, 0, 0, b"\0\0\0\x03u=0")), [3, 1]);
}

#[test]
fn a_priority_of_a_push_that_was_not_promised_ends_the_connection() {
    let run = run(&LIMITS, &[&Frames::client().frame(0x10, 0, 0, b"\0\0\0\x02u=0").0], &[], usize::MAX);
    assert_eq!(run.frames.last().unwrap(), "GOAWAY 0 PROTOCOL_ERROR");
}

#[test]
fn a_source_is_lent_no_more_than_may_go() {
    for window in [1, 7, 100] {
        let mut drive = Drive::new(&LIMITS);
        let mut server = Server::new(&drive.env(), Grown::new());
        let mut script = Script::new([Message::streamed(200, &["0123456789", "abc"])]);
        drive.feed(&mut server, &mut script, &Frames::client().settings(&[(4, window)]).get(1).0);
        assert!(script.most_lent <= window as usize);
        for _ in 0..20 {
            drive.feed(&mut server, &mut script, &Frames::default().window(1, 1).0);
        }
        assert_eq!(by_stream(&drive.sent())["1"], "<HEADERS 200><data>0123456789abc<end>");
    }
}

#[test]
fn a_source_that_breaks_its_word_costs_its_stream() {
    for (message, sent) in [
        (
            Message { plan: BodyPlan::Sized(9), ..Message::sized(200, "short") },
            "<HEADERS 200 [content-length: 9]>",
        ),
        (
            Message { plan: BodyPlan::Sized(2), body: [Give::Abort].into(), ..Message::new(200) },
            "<HEADERS 200 [content-length: 2]>",
        ),
    ] {
        let run =
            run(&LIMITS, &[&Frames::client().get(1).get(3).0], &[message, Message::new(200)], usize::MAX);
        assert_eq!(run.sent["1"], alloc::format!("{sent}<RST INTERNAL_ERROR>"));
        assert_eq!(run.ended, [(1, false), (3, true)]);
    }
    let message = Message { status: Status::SWITCHING_PROTOCOLS, ..Message::new(200) };
    let run = run(&LIMITS, &[&Frames::client().get(1).get(3).0], &[message, Message::new(200)], usize::MAX);
    assert!(run.sent["1"].starts_with("<HEADERS 500"), "{:?}", run.sent);
    assert_eq!(run.ended, [(1, false), (3, true)]);
}

use crate::connection::BodyPlan;
