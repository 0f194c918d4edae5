//! Floods (RFC 9113 §10.5): whatever makes work and brings nothing ends in ENHANCE_YOUR_CALM.

use super::*;
use crate::h2::ErrorCode;

/// Feeds `more` again and again, which must end the connection before `most` times.
fn flood(limits: &Limits, first: Frames, most: u32, mut more: impl FnMut(u32) -> Frames) -> String {
    let late = Message { waits: usize::MAX, ..Message::new(200) };
    let mut drive = Drive::new(limits);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new(core::iter::repeat_n(late, most as usize + 2));
    drive.feed(&mut server, &mut script, &first.0);
    for n in 0..most {
        drive.feed(&mut server, &mut script, &more(n).0);
        drive.log.clear();
        if server.status() != ConnectionStatus::Open {
            assert_eq!(server.goaway(), Some(ErrorCode::ENHANCE_YOUR_CALM));
            return drive.sent().last().cloned().unwrap();
        }
    }
    panic!("it goes on");
}

const TIGHT: Limits = Limits { resets_per_minute_max: 20, control_frames_per_minute_max: 50, ..LIMITS };

#[test]
fn streams_that_are_reset_at_once_are_few() {
    let rapid = flood(&TIGHT, Frames::client(), 30, |n| {
        Frames::default().get(2 * n + 1).reset(2 * n + 1, ErrorCode::CANCEL)
    });
    assert!(rapid.ends_with("ENHANCE_YOUR_CALM"));
    // Those that it makes us reset.
    for bad in [
        |n: u32| Frames::default().post(2 * n + 1).window(2 * n + 1, 0),
        |n: u32| Frames::default().get(2 * n + 1).data(2 * n + 1, true, b"x"),
        |n: u32| Frames::default().headers(2 * n + 1, true, &[(":path", "/")]),
        |n: u32| Frames::default().post(2 * n + 1).window(2 * n + 1, i32::MAX as u32),
    ] {
        flood(&TIGHT, Frames::client(), 30, bad);
    }
    // Those whose bodies are too large for what has begun to answer them.
    let small = Limits { body_bytes_max: 1, ..TIGHT };
    flood(&small, Frames::client(), 30, |n| Frames::default().post(2 * n + 1).data(2 * n + 1, true, b"xx"));
    // Those that were too many.
    let limits = Limits { streams_max: 1, ..TIGHT };
    flood(&limits, Frames::client().get(1), 30, |n| Frames::default().get(2 * n + 3));
}

#[test]
fn frames_that_bring_nothing_are_few() {
    let first = || Frames::client().post(1);
    for frame in [
        Frames::default().ping(false, [0; 8]),
        Frames::default().ping(true, [0; 8]),
        Frames::default().settings(&[]),
        Frames::default().settings_ack(),
        Frames::default().settings(&[(4, 1), (4, 2)]),
        Frames::default().data(1, false, b""),
        Frames::default().frame(2, 0, 1, &[0, 0, 0, 3, 1]),
        Frames::default().frame(2, 0, 99, &[0, 0, 0, 3, 1]),
        Frames::default().window(1, 1),
        Frames::default().window(0, 1),
        Frames::default().frame(0x10, 0, 0, b"\0\0\0\x01u=1"),
        Frames::default().frame(0x10, 0, 0, b"\0\0\x01\x01u=1"),
        Frames::default().frame(0xfa, 0, 0, b"grease"),
        Frames::default().frame(7, 0, 0, &[0; 8]),
    ] {
        assert!(flood(&TIGHT, first(), 60, |_| frame.clone()).ends_with("ENHANCE_YOUR_CALM"));
    }
}

#[test]
fn priorities_of_streams_that_never_come_are_few() {
    let update =
        |n: u32| Frames::default().frame(0x10, 0, 0, &[&(2 * n + 3).to_be_bytes()[..], b"u=1"].concat());
    assert!(flood(&TIGHT, Frames::client().post(1), 60, update).ends_with("ENHANCE_YOUR_CALM"));
}

#[test]
fn content_for_a_stream_that_is_gone_is_little() {
    let mut drive = Drive::new(&TIGHT);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(403).at_once()]);
    drive.feed(&mut server, &mut script, &Frames::client().post(1).0);
    for _ in 0..100 {
        drive.feed(&mut server, &mut script, &Frames::default().data(1, false, b"").0);
    }
    assert_eq!(server.goaway(), Some(ErrorCode::ENHANCE_YOUR_CALM));
}

#[test]
fn who_asks_and_takes_answers_may_go_on_for_ever() {
    let mut drive = Drive::new(&TIGHT);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::default();
    drive.feed(&mut server, &mut script, &Frames::client().0);
    for n in 0..if cfg!(miri) { 100 } else { 2000 } {
        script.messages.push_back(Message::sized(200, "x"));
        let id = 2 * n + 1;
        let frames = Frames::default().get(id).ping(false, [1; 8]).window(0, 1).window(id, 1);
        drive.feed(&mut server, &mut script, &frames.0);
        script.current.clear();
    }
    assert_eq!(server.status(), ConnectionStatus::Open);
}

#[test]
fn what_is_to_be_answered_waits_for_room_to_answer_it() {
    // Ten PINGs at once, and a driver that does not send: two are taken, the others stay.
    let drive = Drive::new(&LIMITS);
    let env = drive.env();
    let mut server = Server::new(&env, Grown::new());
    let mut input = Frames::client();
    let start = input.0.len();
    for n in 0..10 {
        input = input.ping(false, [n; 8]);
    }
    let (mut rx, mut at) = (input.0, 0);
    loop {
        let Step { consumed, event } = server.receive(&env, &mut rx[at..], &mut Scratch::default());
        at += consumed;
        if consumed == 0 && event.is_none() {
            break;
        }
    }
    assert_eq!((at, server.rx_want()), (start + 2 * 17, 0));
    let mut tx = [0; 256];
    let Sent::Bytes(n) = server.transmit(&env, &mut tx, &mut Scratch::default(), &mut Script::default())
    else {
        panic!("bytes are written");
    };
    assert!(crate::h2::testing::read(&tx[..n]).iter().any(|line| line.starts_with("PING ack")));
    assert!(server.rx_want() > 0);
    assert_eq!(server.receive(&env, &mut rx[at..], &mut Scratch::default()).consumed, 17);
}
