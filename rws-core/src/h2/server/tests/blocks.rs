//! Field blocks and frames as such (RFC 9113 §4).

use super::*;
use crate::h2::testing::{GET, block};

fn goaway(limits: &Limits, input: &Frames) -> String {
    let messages: Vec<Message> = (0..8).map(|_| Message::new(200)).collect();
    let run = check(limits, input, &messages);
    assert_eq!(run.status, ConnectionStatus::CloseAfterFlush, "{:?}", run.log);
    run.frames.last().cloned().unwrap_or_default()
}

#[test]
fn a_block_is_put_together_from_frames_of_any_size() {
    let long = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a"),
        ("x-long", "0123456789abcdefghijklmnopqrstuvwxyz0123456789"),
    ];
    let limits = Limits { continuation_frames_max: u8::MAX, ..LIMITS };
    for most in 1..block(&long).len() {
        let input = Frames::client().continued(1, true, &long, most).get(3);
        let messages = [Message::new(200), Message::new(200)];
        let run = if most % 8 == 1 && !cfg!(miri) {
            check(&limits, &input, &messages)
        } else {
            run(&limits, &[&input.0], &messages, usize::MAX)
        };
        assert_eq!(
            run.log,
            [
                "1 GET / end [host: a] [x-long: 0123456789abcdefghijklmnopqrstuvwxyz0123456789]",
                "3 GET / end [host: a]",
            ],
            "frames of {most}"
        );
    }
}

#[test]
fn nothing_may_stand_between_the_frames_of_a_block() {
    let block = block(GET);
    let (one, two) = block.split_at(3);
    let begun = || Frames::client().frame(1, 0x1, 1, one);
    for input in [
        begun().data(1, true, b"x"),
        begun().ping(false, [0; 8]),
        begun().frame(9, 0x4, 3, two),
        begun().frame(1, 0x4, 1, two),
        begun().frame(0xfa, 0, 1, b""),
        begun().settings(&[]),
    ] {
        assert_eq!(goaway(&LIMITS, &input), "GOAWAY 1 PROTOCOL_ERROR");
    }
}

#[test]
fn a_block_is_bounded_in_bytes_and_in_frames() {
    let begun = || Frames::client().frame(1, 0x1, 1, &[0x82]);
    let mut many = begun();
    for _ in 0..20 {
        many = many.frame(9, 0, 1, b"");
    }
    assert_eq!(goaway(&LIMITS, &many), "GOAWAY 1 ENHANCE_YOUR_CALM");
    let limits = Limits { header_block_bytes_max: 100, ..LIMITS };
    assert_eq!(
        goaway(&limits, &Frames::client().frame(1, 0x5, 1, &[0x82; 101])),
        "GOAWAY 0 ENHANCE_YOUR_CALM"
    );
    assert_eq!(goaway(&limits, &begun().frame(9, 0x4, 1, &[0x82; 100])), "GOAWAY 1 ENHANCE_YOUR_CALM");
}

#[test]
fn a_block_that_cannot_be_decoded_costs_the_connection() {
    for block in [&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &[0x80], &[0xbe], &[0x40]] {
        let input = Frames::client().frame(1, 0x5, 1, block);
        assert_eq!(goaway(&LIMITS, &input), "GOAWAY 1 COMPRESSION_ERROR");
    }
}

#[test]
fn the_table_is_kept_in_step_by_blocks_of_streams_that_are_refused() {
    // `x: y` goes into the table with a request that is not served, and is named by its index in the next.
    let mut first = block(GET);
    first.extend_from_slice(&[0x40, 1, b'x', 1, b'y']);
    let mut second = block(GET);
    second.push(0x80 | 62);
    let limits = Limits { streams_max: 1, ..LIMITS };
    let mut drive = Drive::new(&limits);
    drive.wakes = false;
    let late = Message { waits: 1, ..Message::new(200) };
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([late, Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).frame(1, 0x5, 3, &first).0);
    assert_eq!(by_stream(&drive.sent())["3"], "<RST REFUSED_STREAM>");
    drive.wakes = true;
    drive.feed(&mut server, &mut script, &Frames::default().0);
    drive.feed(&mut server, &mut script, &Frames::default().frame(1, 0x5, 5, &second).0);
    assert_eq!(drive.log.last().unwrap(), "5 GET / end [host: a] [x: y]");
}

#[test]
fn a_frame_of_the_wrong_size_costs_the_connection() {
    let long = alloc::vec![0; 16_385];
    for (input, code) in [
        (Frames::client().frame(0, 0, 1, &long), "FRAME_SIZE_ERROR"),
        (Frames::client().frame(0xfa, 0, 0, &long), "FRAME_SIZE_ERROR"),
        (Frames::client().frame(4, 0, 0, &[0; 5]), "FRAME_SIZE_ERROR"),
        (Frames::client().frame(4, 1, 0, &[0; 6]), "FRAME_SIZE_ERROR"),
        (Frames::client().frame(4, 0, 1, &[]), "PROTOCOL_ERROR"),
        (Frames::client().frame(6, 0, 0, &[0; 7]), "FRAME_SIZE_ERROR"),
        (Frames::client().frame(6, 0, 1, &[0; 8]), "PROTOCOL_ERROR"),
        (Frames::client().get(1).frame(3, 0, 1, &[0; 3]), "FRAME_SIZE_ERROR"),
        (Frames::client().frame(3, 0, 0, &[0; 4]), "PROTOCOL_ERROR"),
        (Frames::client().get(1).frame(8, 0, 1, &[0; 5]), "FRAME_SIZE_ERROR"),
        (Frames::client().frame(7, 0, 0, &[0; 7]), "FRAME_SIZE_ERROR"),
        (Frames::client().frame(7, 0, 1, &[0; 8]), "PROTOCOL_ERROR"),
    ] {
        let messages = [Message::new(200)];
        let run = run(&LIMITS, &[&input.0], &messages, usize::MAX);
        assert!(run.frames.last().unwrap().ends_with(code), "{:?}", run.frames);
    }
}

#[test]
fn frames_that_nobody_knows_are_passed_over_whole() {
    let input = Frames::client().frame(0xfa, 0xff, 0, &[7; 300]).frame(0xfb, 0, 9, b"").get(1);
    let run = check(&LIMITS, &input, &[Message::new(200)]);
    assert_eq!(run.log, ["1 GET / end [host: a]"]);
}

/// To a driver a step without progress means that bytes are missing: the request behind must not wait for them.
#[test]
fn what_follows_a_frame_of_nothing_is_read_at_once() {
    let nothings: [fn(Frames) -> Frames; 4] = [
        |frames| frames.frame(0x10, 0, 0, b"\0\0\0\x01"),
        |frames| frames.frame(0x02, 0, 1, b""),
        |frames| frames.frame(0xfa, 0, 0, b""),
        // An answer that came before the content: what comes of that is nobody's.
        |frames| frames.data(1, true, b""),
    ];
    for nothing in nothings {
        let mut drive = Drive::new(&LIMITS);
        let mut server = Server::new(&drive.env(), Grown::new());
        let mut script = Script::new([Message::new(200).at_once(), Message::new(200)]);
        drive.feed(&mut server, &mut script, &Frames::client().post(1).0);
        drive.feed(&mut server, &mut script, &nothing(Frames::default()).get(3).0);
        assert_eq!(drive.log.last().map(String::as_str), Some("3 GET / end [host: a]"), "{:?}", drive.log);
    }
}

#[test]
fn a_connection_begins_with_the_preface() {
    let mut bad = Frames::client();
    bad.0[5] = b'x';
    assert_eq!(goaway(&LIMITS, &bad), "GOAWAY 0 PROTOCOL_ERROR");
    let preface = || Frames(crate::h2::PREFACE.to_vec());
    assert_eq!(goaway(&LIMITS, &preface().get(1)), "GOAWAY 0 PROTOCOL_ERROR");
    assert_eq!(goaway(&LIMITS, &preface().settings_ack()), "GOAWAY 0 PROTOCOL_ERROR");
    let run = run(&LIMITS, &[b"GET / HTTP/1.1\r\n"], &[], usize::MAX);
    assert_eq!(run.log, ["refused 400 Http2Protocol"]);
}

#[test]
fn our_settings_say_what_the_limits_say() {
    let limits = Limits { connect_method: true, ..Limits::DEVICE };
    let mut drive = Drive::new(&limits);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::default();
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(crate::h2::testing::read(&drive.output), ["SETTINGS 1=1024 3=4 4=512 6=1024 8=1 9=1"]);
    drive.feed(&mut server, &mut script, &Frames::client().settings(&[(2, 0), (99, 7)]).0);
    assert_eq!(crate::h2::testing::read(&drive.output)[1..], ["SETTINGS ack", "SETTINGS ack"]);
}

/// RFC 7541 §4.2: what the table was meanwhile made to forget, it has to be seen to forget.
#[test]
fn the_least_of_several_table_sizes_is_signalled_before_the_last() {
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200), Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).0);
    let before = drive.output.len();
    // Octet by octet: the frame is not taken over before it is whole.
    for octet in Frames::default().settings(&[(1, 0), (1, 4096)]).0 {
        drive.feed(&mut server, &mut script, &[octet]);
    }
    drive.feed(&mut server, &mut script, &Frames::default().get(3).0);
    let (acknowledgment, rest) = drive.output[before..].split_at(9);
    assert_eq!(acknowledgment, [0, 0, 0, 4, 1, 0, 0, 0, 0]);
    // HEADERS, whose block begins with an update to nothing.
    assert_eq!((rest[3], rest[9]), (1, 0x20), "{rest:?}");
}

#[test]
fn settings_with_values_that_cannot_be_cost_the_connection() {
    for (id, value, code) in [
        (2, 2, "PROTOCOL_ERROR"),
        (4, 1 << 31, "FLOW_CONTROL_ERROR"),
        (5, 16_383, "PROTOCOL_ERROR"),
        (5, 1 << 24, "PROTOCOL_ERROR"),
    ] {
        let line = goaway(&LIMITS, &Frames::client().settings(&[(1, 4096), (id, value)]));
        assert_eq!(line, alloc::format!("GOAWAY 0 {code}"));
    }
}

#[test]
fn a_ping_is_answered_with_what_it_said() {
    let run = check(
        &LIMITS,
        &Frames::client().ping(false, *b"abcdefgh").ping(true, *b"nobody's").ping(false, *b"12345678"),
        &[],
    );
    let pings: Vec<&String> = run.frames.iter().filter(|line| line.starts_with("PING")).collect();
    assert_eq!(pings, ["PING ack abcdefgh", "PING ack 12345678"]);
}

#[test]
fn every_frame_goes_through_a_receive_buffer_of_64_bytes() {
    let mut input = Frames::client().post(1);
    for piece in [&[b'a'; 1000][..], &[b'b'; 63], &[b'c'; 16_384]] {
        input = input.data(1, false, piece);
    }
    let entries: Vec<(u16, u32)> = (0..500).map(|n| (0x100 + n, 1)).collect();
    let input = input
        .settings(&entries)
        .frame(7, 0, 0, &[0; 200])
        .frame(0xfa, 0, 0, &[1; 9000])
        .data(1, true, b"end")
        .get(3);
    let messages = [Message::new(200), Message::new(200)];
    let (small, large) =
        (run(&LIMITS, &[&input.0], &messages, 64), run(&LIMITS, &[&input.0], &messages, usize::MAX));
    assert_eq!((&small.log, &small.sent), (&large.log, &large.sent));
    assert_eq!(small.log[1].len(), "1 body ".len() + 1000 + 63 + 16_384 + 3);
}

#[test]
fn a_head_larger_than_a_frame_goes_on_in_continuations() {
    let limits = Limits { response_head_bytes_max: 40_000, ..LIMITS };
    let message = Message::new(200).with("x", &"\u{7e}".repeat(30_000));
    let run = run(&limits, &[&Frames::client().get(1).get(3).0], &[message, Message::new(200)], usize::MAX);
    assert_eq!(run.frames[1], "HEADERS 1 more");
    assert!(run.frames[2].starts_with("HEADERS 1"), "{}", &run.frames[2][..20]);
    assert_eq!(run.frames.last().unwrap(), "HEADERS 3 end 200 [content-length: 0]");
}
