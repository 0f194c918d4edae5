//! Promises (RFC 9113 §8.4).

use super::*;
use crate::h2::testing::GET;
use crate::{Capacity, Misuse};

fn parent<'l>(settings: &[(u16, u32)]) -> (Drive<'l>, Server<Grown>, Script) {
    let mut drive = Drive::new(&LIMITS);
    drive.wakes = false;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new([Message { waits: 1, ..Message::sized(200, "page") }]);
    script.pushes = true;
    drive.feed(&mut server, &mut script, &Frames::client().settings(settings).get(1).0);
    (drive, server, script)
}

#[test]
fn a_push_is_promised_before_the_answer_that_needs_it() {
    let (mut drive, mut server, mut script) = parent(&[]);
    let pushed = server.push(&drive.env(), StreamId::new(0, 1)).unwrap();
    script
        .current
        .insert(2, Message { target: "/style.css".into(), ..Message::sized(200, "style").at_once() });
    script.complete.push(2);
    assert_eq!(server.live(), 2);
    drive.wakes = true;
    drive.feed(&mut server, &mut script, b"");
    let sent = drive.sent();
    assert_eq!(sent[1], "PROMISE 1 2 [:method: GET] [:scheme: http] [:authority: a] [:path: /style.css]");
    let streams = by_stream(&sent);
    assert_eq!(streams["2"], "<HEADERS 200 [content-length: 5]><data>style<end>");
    assert!(streams["1"].ends_with("<data>page<end>"));
    assert_eq!(script.ended, [(2, true), (1, true)]);
    assert!(!server.is_live(pushed));
}

#[test]
fn a_client_may_refuse_pushes_and_reset_them() {
    let (drive, mut server, _) = parent(&[(2, 0)]);
    assert_eq!(server.push(&drive.env(), StreamId::new(0, 1)), Err(Misuse::WrongState.into()));
    let (mut drive, mut server, mut script) = parent(&[]);
    server.push(&drive.env(), StreamId::new(0, 1)).unwrap();
    script.current.insert(2, Message::sized(200, "style"));
    drive.feed(&mut server, &mut script, b"");
    drive.feed(&mut server, &mut script, &Frames::default().reset(2, crate::h2::ErrorCode::CANCEL).0);
    assert_eq!(drive.log.last().unwrap(), "2 reset ByPeer");
    // It sends nothing on them: they are half-closed from the start.
    let (mut drive, mut server, mut script) = parent(&[]);
    drive.feed(&mut server, &mut script, &Frames::default().data(2, true, b"x").0);
    assert_eq!(drive.sent().last().unwrap(), "GOAWAY 1 PROTOCOL_ERROR");
}

#[test]
fn pushes_are_few_and_do_not_push() {
    let (drive, mut server, _) = parent(&[]);
    let env = drive.env();
    let first = server.push(&env, StreamId::new(0, 1)).unwrap();
    assert_eq!(server.push(&env, first), Err(Misuse::WrongState.into()));
    for _ in 1..LIMITS.pushes_max {
        server.push(&env, StreamId::new(0, 1)).unwrap();
    }
    assert_eq!(server.push(&env, StreamId::new(0, 1)), Err(Capacity::Streams.into()));
    assert_eq!(server.push(&env, StreamId::new(0, 9)), Err(Misuse::StaleStream.into()));
}

#[test]
fn promises_are_written_in_the_order_of_their_numbers() {
    let (mut drive, mut server, mut script) = parent(&[]);
    // The second parent is the more urgent one, and has its own turn first.
    let urgent = [GET, &[("priority", "u=0")]].concat();
    script.messages.push_back(Message { waits: 1, ..Message::sized(200, "urgent") });
    drive.feed(&mut server, &mut script, &Frames::default().headers(3, true, &urgent).0);
    let env = drive.env();
    for parent in [1, 3, 1] {
        let slot = if parent == 1 { 0 } else { 1 };
        let id = server.push(&env, StreamId::new(slot, parent)).unwrap().generation();
        script.current.insert(id, Message::sized(200, "pushed").at_once());
    }
    script.pushes = true;
    drive.wakes = true;
    drive.feed(&mut server, &mut script, b"");
    let sent = drive.sent();
    let promises: Vec<&str> = sent.iter().filter_map(|line| line.strip_prefix("PROMISE ")).collect();
    let promises: Vec<&str> = promises.iter().map(|line| &line[..3]).collect();
    assert_eq!(promises, ["1 2", "3 4", "1 6"]);
    assert_eq!(script.ended.len(), 5);
}
