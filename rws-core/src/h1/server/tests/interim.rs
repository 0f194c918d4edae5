//! Interim responses, `100-continue` and upgrades (RFC 9110 §7.8, §10.1.1, §15.2).

use super::*;

const PUT: &str = "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

fn hints(mut message: Message, count: usize) -> Message {
    let fields = OwnFields::new(&[("Link", "</a.css>; rel=preload"), ("Content-Length", "3")]);
    message.interim = core::iter::repeat_n((Status::EARLY_HINTS, fields), count).collect();
    message
}

#[test]
fn the_first_grant_sends_100_continue() {
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env());
    let mut script = Script::new([Message::sized(200, "hi")]);
    drive.feed(&mut server, &mut script, PUT.as_bytes());
    assert_eq!(drive.text(), "HTTP/1.1 100 Continue\r\n\r\n");
    drive.feed(&mut server, &mut script, b"hello");
    assert!(drive.text().ends_with(&ok("Content-Length: 2\r\n\r\nhi")), "{}", drive.text());
    assert_eq!(drive.log[1..], ["body hello", "end"]);
    assert_eq!(server.status(), ConnectionStatus::Open);
}

#[test]
fn a_final_answer_before_any_grant_sends_no_100_and_ends_the_connection() {
    let mut drive = Drive::new(&LIMITS);
    (drive.grants, drive.body_first) = (false, false);
    let mut server = Server::new(&drive.env());
    let mut script = Script::new([Message::sized(401, "no")]);
    drive.feed(&mut server, &mut script, PUT.as_bytes());
    assert!(drive.text().starts_with("HTTP/1.1 401 "));
    assert!(drive.text().contains("Connection: close\r\n"));
    assert_eq!(server.status(), ConnectionStatus::CloseAfterFlush);
}

#[test]
fn a_body_that_came_unasked_needs_no_100() {
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env());
    let mut script = Script::new([Message::sized(200, "hi")]);
    drive.feed(&mut server, &mut script, alloc::format!("{PUT}hello").as_bytes());
    assert_eq!(drive.text(), ok("Content-Length: 2\r\n\r\nhi"));
    assert_eq!(server.status(), ConnectionStatus::Open);
}

#[test]
fn an_http_1_0_client_gets_no_100() {
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env());
    let mut script = Script::new([Message::sized(200, "hi")]);
    let put = PUT.replace("HTTP/1.1", "HTTP/1.0");
    drive.feed(&mut server, &mut script, put.as_bytes());
    assert_eq!(drive.text(), "");
    drive.feed(&mut server, &mut script, b"hello");
    assert!(drive.text().starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_client_that_waits_for_its_100_is_not_late() {
    let mut drive = Drive::new(&LIMITS);
    (drive.grants, drive.wakes) = (false, false);
    let mut server = Server::new(&drive.env());
    let mut script = Script::new([Message::sized(200, "hi")]);
    drive.feed(&mut server, &mut script, PUT.as_bytes());
    assert_eq!(server.next_deadline(), Instant::NEVER);
    drive.now_us = 60_000_000;
    server.grant(server.exchange().unwrap(), 5).unwrap();
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(server.next_deadline(), Instant::from_micros(70_000_000));
}

#[test]
fn interim_answers_go_out_before_the_final_one() {
    let run = check(&LIMITS, GET, &[hints(Message::sized(200, "hi"), 3)]);
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
    assert_eq!(run.output, alloc::format!("{}{}", hint.repeat(3), ok("Content-Length: 2\r\n\r\nhi")));
}

#[test]
fn more_interim_answers_than_the_limit_become_a_500() {
    let max = usize::from(LIMITS.interim_max);
    let run = check(&LIMITS, GET, &[hints(Message::sized(200, "hi"), max)]);
    assert!(run.output.ends_with("hi"));
    let run = check(&LIMITS, GET, &[hints(Message::sized(200, "hi"), max + 1)]);
    assert_eq!(run.output.matches("HTTP/1.1 103").count(), max);
    assert!(run.output.contains("HTTP/1.1 500 "));
}

#[test]
fn an_upgrade_that_was_asked_for_hands_the_connection_over() {
    let switch = Message::new(101).with(&[("Upgrade", "websocket")]);
    let run = check(&LIMITS, UPGRADE, &[switch]);
    assert_eq!(
        run.output,
        alloc::format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n{DATE}Connection: upgrade\r\n\r\n"
        )
    );
    assert_eq!(run.status, ConnectionStatus::Upgraded);
}

#[test]
fn what_follows_an_upgrade_is_not_touched() {
    let drive = Drive::new(&LIMITS);
    let env = drive.env();
    let mut server = Server::new(&env);
    let mut script = Script::new([Message::new(101).with(&[("Upgrade", "websocket")])]);
    let mut rx = alloc::format!("{UPGRADE}\x01\x02").into_bytes();
    let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 16]);
    let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
    let step = server.receive(&env, &mut rx, &mut scratch);
    assert_eq!(step.consumed, UPGRADE.len());
    let mut tx = [0; 512];
    assert!(matches!(server.transmit(&env, &mut tx, &mut Scratch::default(), &mut script), Sent::Bytes(_)));
    assert_eq!(server.receive(&env, &mut rx[step.consumed..], &mut scratch), Step::NEED_MORE);
    assert_eq!((server.rx_want(), server.wants_transmit()), (0, false));
    assert_eq!(server.next_deadline(), Instant::NEVER);
}

#[test]
fn an_upgrade_that_nobody_asked_for_becomes_a_500() {
    let run = check(&LIMITS, GET, &[Message::new(101).with(&[("Upgrade", "websocket")])]);
    assert!(run.output.starts_with("HTTP/1.1 500 "));
    assert_eq!(run.status, ConnectionStatus::CloseAfterFlush);
}

#[test]
fn an_upgrade_may_be_declined() {
    let run = check(&LIMITS, UPGRADE, &[Message::sized(200, "hi")]);
    assert_eq!(run.output, ok("Content-Length: 2\r\n\r\nhi"));
    assert_eq!(run.status, ConnectionStatus::Open);
}

#[test]
fn an_advertised_upgrade_is_named_in_connection() {
    let run = check(&LIMITS, GET, &[Message::new(426).with(&[("Upgrade", "TLS/1.3")])]);
    assert!(run.output.contains("Upgrade: TLS/1.3\r\n") && run.output.contains("Connection: upgrade\r\n"));
}

#[test]
fn connect_is_refused_unless_it_is_on_and_then_it_tunnels() {
    let connect = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    let run = check(&LIMITS, connect, &[]);
    assert!(run.output.starts_with("HTTP/1.1 405 ") && run.output.contains("\r\nAllow:\r\n"));
    let limits = Limits { connect_method: true, ..LIMITS };
    let run = check(&limits, connect, &[Message::new(200)]);
    assert_eq!((run.output, run.status), (ok("\r\n"), ConnectionStatus::Upgraded));
}

#[test]
fn what_a_client_sent_for_a_refused_tunnel_is_no_request() {
    let limits = Limits { connect_method: true, ..LIMITS };
    let connect = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let run = check(&limits, connect, &[Message::new(403)]);
    assert!(run.output.contains("Connection: close\r\n"), "{}", run.output);
    assert_eq!(run.status, ConnectionStatus::CloseAfterFlush);
}
