//! Streams and their states (RFC 9113 §5.1), and what a frame costs that does not fit them.

use super::*;
use crate::h2::ErrorCode;

/// The GOAWAY that the input leads to, wherever it is split.
fn goaway(input: &Frames) -> String {
    let messages: Vec<Message> = (0..8).map(|_| Message::new(200)).collect();
    let end = |pieces: &[&[u8]]| {
        let run = run(&LIMITS, pieces, &messages, usize::MAX);
        assert_eq!(run.status, ConnectionStatus::CloseAfterFlush);
        run.frames.last().cloned().unwrap_or_default()
    };
    let whole = end(&[&input.0]);
    for at in 0..if cfg!(miri) { 0 } else { input.0.len() } {
        let (a, b) = input.0.split_at(at);
        assert_eq!(end(&[a, b]), whole, "split at {at}");
    }
    whole
}

/// What is sent on a stream that the input breaks, where the next one is served.
fn reset(input: Frames, stream: u32, next: u32) -> String {
    let messages: Vec<Message> = (0..8).map(|_| Message::new(200)).collect();
    let run = check(&LIMITS, &input.get(next), &messages);
    assert_eq!(run.status, ConnectionStatus::Open, "{:?} {:?}", run.log, run.frames);
    let next = &run.sent[&alloc::format!("{next}")];
    assert_eq!(next, "<HEADERS end 200 [content-length: 0]>");
    run.sent.get(&alloc::format!("{stream}")).cloned().unwrap_or_default()
}

#[test]
fn no_frame_but_headers_opens_a_stream() {
    for input in [
        Frames::client().data(1, true, b"x"),
        Frames::client().reset(1, ErrorCode::CANCEL),
        Frames::client().window(1, 1),
        Frames::client().get(1).data(3, true, b"x"),
        // Continued, though nothing has begun; and pushed, by a client.
        Frames::client().frame(9, 4, 1, b""),
        Frames::client().frame(5, 4, 1, &[0, 0, 0, 2]),
    ] {
        assert!(goaway(&input).ends_with("PROTOCOL_ERROR"));
    }
    assert_eq!(reset(Frames::client().frame(2, 0, 1, &[0, 0, 0, 7, 0]), 1, 3), "");
}

#[test]
fn a_client_opens_odd_streams_and_in_their_order() {
    assert_eq!(goaway(&Frames::client().get(2)), "GOAWAY 0 PROTOCOL_ERROR");
    assert_eq!(goaway(&Frames::client().get(5).get(3)), "GOAWAY 5 PROTOCOL_ERROR");
    assert_eq!(goaway(&Frames::client().get(0)), "GOAWAY 0 PROTOCOL_ERROR");
}

#[test]
fn nothing_may_follow_the_end_of_a_stream() {
    // Half-closed (remote): the stream's answer is still to come.
    let late = Message { waits: usize::MAX, ..Message::new(200) };
    for (input, what) in [
        (Frames::default().data(1, true, b"x"), "DATA"),
        (Frames::default().headers(1, true, &[("x", "y")]), "HEADERS"),
    ] {
        let mut drive = Drive::new(&LIMITS);
        drive.wakes = false;
        let mut server = Server::new(&drive.env(), Grown::new());
        let mut script = Script::new([late.clone(), Message::new(200)]);
        drive.feed(&mut server, &mut script, &Frames::client().get(1).0);
        drive.feed(&mut server, &mut script, &input.get(3).0);
        assert_eq!(drive.log[1], "1 refused 400 Http2StreamClosed", "{what}");
        let sent = by_stream(&drive.sent());
        assert_eq!(sent["1"], "<RST STREAM_CLOSED>", "{what}");
        assert_eq!(sent["3"], "<HEADERS end 200 [content-length: 0]>", "{what}");
    }
}

#[test]
fn nothing_may_follow_on_a_stream_whose_messages_are_both_complete() {
    for frame in [Frames::default().data(1, true, b"x"), Frames::default().get(1)] {
        let mut drive = Drive::new(&LIMITS);
        let mut server = Server::new(&drive.env(), Grown::new());
        let mut script = Script::new([Message::new(200)]);
        drive.feed(&mut server, &mut script, &Frames::client().get(1).0);
        assert_eq!(script.ended, [(1, true)]);
        drive.feed(&mut server, &mut script, &frame.0);
        assert_eq!(drive.sent().last().unwrap(), "GOAWAY 1 STREAM_CLOSED");
    }
}

#[test]
fn what_comes_late_for_a_closed_stream_is_ignored() {
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(200), Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).0);
    let late = Frames::default().window(1, 10).reset(1, ErrorCode::CANCEL).frame(2, 0, 1, &[0, 0, 0, 3, 0]);
    drive.feed(&mut server, &mut script, &late.get(3).0);
    assert_eq!(drive.log, ["1 GET / end [host: a]", "3 GET / end [host: a]"]);
    assert_eq!(server.status(), ConnectionStatus::Open);
}

#[test]
fn what_was_on_its_way_when_we_reset_a_stream_is_ignored() {
    // Answered before the body: RFC 9113 §8.1.
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message::new(403).at_once(), Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().post(1).0);
    assert_eq!(by_stream(&drive.sent())["1"], "<HEADERS end 403 [content-length: 0]><RST NO_ERROR>");
    assert_eq!(script.ended, [(1, true)]);
    let rest = Frames::default().data(1, false, &[b'x'; 100]).headers(1, true, &[("x", "y")]);
    drive.feed(&mut server, &mut script, &rest.get(3).0);
    assert_eq!(drive.log, ["1 POST /p [host: a]", "3 GET / end [host: a]"]);
    assert_eq!(by_stream(&drive.sent())["1"], "<HEADERS end 403 [content-length: 0]><RST NO_ERROR>");
}

#[test]
fn a_peer_that_has_reset_a_stream_may_not_go_on_with_it() {
    let late = Message { waits: usize::MAX, ..Message::new(200) };
    let mut drive = Drive::new(&LIMITS);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([late, Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().post(1).0);
    let input = Frames::default().reset(1, ErrorCode::CANCEL).data(1, true, b"x").get(3);
    drive.feed(&mut server, &mut script, &input.0);
    assert_eq!(drive.log, ["1 POST /p [host: a]", "1 reset ByPeer", "3 GET / end [host: a]"]);
    assert_eq!(by_stream(&drive.sent())["1"], "<RST STREAM_CLOSED>");
}

#[test]
fn streams_beyond_the_limit_are_refused_and_can_come_again() {
    let limits = Limits { streams_max: 2, ..LIMITS };
    let late = Message { waits: 1, ..Message::new(200) };
    let mut drive = Drive::new(&limits);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([late.clone(), late, Message::new(200)]);
    drive.feed(
        &mut server,
        &mut script,
        &Frames::client().get(1).get(3).get(5).post(7).data(7, true, b"x").0,
    );
    let sent = by_stream(&drive.sent());
    assert_eq!((sent["5"].as_str(), sent["7"].as_str()), ("<RST REFUSED_STREAM>", "<RST REFUSED_STREAM>"));
    assert_eq!(drive.log.len(), 2);
    drive.wakes = true;
    drive.feed(&mut server, &mut script, b"");
    drive.feed(&mut server, &mut script, &Frames::default().get(9).0);
    assert_eq!(server.live(), 0);
    assert_eq!(by_stream(&drive.sent())["9"], "<HEADERS end 200 [content-length: 0]>");
}

#[test]
fn memory_that_does_not_grow_is_a_limit_too() {
    let late = Message { waits: usize::MAX, ..Message::new(200) };
    let mut drive = Drive::new(&LIMITS);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown { most: 1, ..Grown::new() });
    let mut script = Script::new([late]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).get(3).0);
    assert_eq!(by_stream(&drive.sent())["3"], "<RST REFUSED_STREAM>");
    server.release();
    assert_eq!(server.live(), 1);
}

#[test]
fn slots_are_given_back_when_no_stream_is_left_and_come_again() {
    let mut drive = Drive::new(&LIMITS);
    let mut memory = Grown::new();
    let mut server = Server::new(&drive.env(), &mut memory);
    let mut script = Script::new([Message::new(200), Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).0);
    assert!(server.is_idle());
    server.release();
    drive.feed(&mut server, &mut script, &Frames::default().get(3).0);
    assert_eq!(by_stream(&drive.sent())["3"], "<HEADERS end 200 [content-length: 0]>");
    server.release();
    assert!(memory.slots.is_empty());
}

#[test]
fn a_length_that_the_content_does_not_have_is_malformed() {
    let with = |length: &'static str| {
        let mut fields = crate::h2::testing::POST.to_vec();
        fields.push(("content-length", length));
        Frames::client().headers(1, false, &fields)
    };
    for input in [
        with("5").data(1, true, b"four"),
        with("5").data(1, false, b"six bytes"),
        with("5").data(1, false, b"1234").headers(1, true, &[("x", "y")]),
        with("1").data(1, false, b"").data(1, true, b""),
    ] {
        assert_eq!(reset(input, 1, 3), "<RST PROTOCOL_ERROR>");
    }
    assert_eq!(
        reset(with("5").data(1, false, b"12345").data(1, true, b""), 1, 3),
        "<HEADERS end 200 [content-length: 0]>"
    );
    assert_eq!(
        reset(with("5").data(1, false, b"12345").headers(1, true, &[("x", "y")]), 1, 3),
        "<HEADERS end 200 [content-length: 0]>"
    );
}

#[test]
fn trailers_end_the_stream_and_have_no_pseudo_fields() {
    let body = Frames::client().post(1).data(1, false, b"x");
    assert_eq!(reset(body.clone().headers(1, false, &[("x", "y")]), 1, 3), "<RST PROTOCOL_ERROR>");
    assert_eq!(reset(body.clone().headers(1, true, &[(":path", "/")]), 1, 3), "<RST PROTOCOL_ERROR>");
    assert_eq!(reset(body.headers(1, true, &[("x", "y")]), 1, 3), "<HEADERS end 200 [content-length: 0]>");
}

#[test]
fn a_body_beyond_the_limit_is_refused_with_413() {
    let limits = Limits { body_bytes_max: 4, ..LIMITS };
    let run = check(
        &limits,
        &Frames::client().post(1).data(1, true, b"12345").get(3),
        &[Message::new(200), Message::new(200)],
    );
    assert!(run.sent["1"].starts_with("<HEADERS 413 "), "{:?}", run.sent);
    assert!(run.log.contains(&"1 refused 413 BodyTooLarge".into()));
    let mut fields = crate::h2::testing::POST.to_vec();
    fields.push(("content-length", "5"));
    let run = check(
        &limits,
        &Frames::client().headers(1, false, &fields).data(1, true, b"12345").get(3),
        &[Message::new(200)],
    );
    assert!(run.sent["1"].starts_with("<HEADERS 413 "), "{:?}", run.sent);
    assert_eq!(run.log, ["refused 413 BodyTooLarge", "3 GET / end [host: a]"]);
}

#[test]
fn a_priority_that_depends_on_itself_costs_its_stream() {
    let late = Message { waits: usize::MAX, ..Message::new(200) };
    let mut drive = Drive::new(&LIMITS);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([late, Message::new(200)]);
    drive.feed(&mut server, &mut script, &Frames::client().get(1).0);
    drive.feed(&mut server, &mut script, &Frames::default().frame(2, 0, 1, &[0, 0, 0, 1, 0]).get(3).0);
    assert_eq!(by_stream(&drive.sent())["1"], "<RST PROTOCOL_ERROR>");
    let mut block = alloc::vec![0, 0, 0, 1, 0];
    block.extend_from_slice(&crate::h2::testing::block(crate::h2::testing::GET));
    assert_eq!(reset(Frames::client().frame(1, 0x1 | 0x4 | 0x20, 1, &block), 1, 3), "<RST PROTOCOL_ERROR>");
    assert_eq!(reset(Frames::client().post(1).frame(2, 0, 1, &[0; 4]), 1, 3), "<RST FRAME_SIZE_ERROR>");
}
