//! The short way writes what the long one does, or declines and leaves everything to it.

use super::*;
use crate::message::ResponseHead;
use crate::service::WholeAnswer;

const TX_BYTES: usize = 1024;

/// A server that has read `request`, and the surroundings.
fn asked(request: &str) -> (Drive<'static>, Server) {
    let drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env());
    let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 16]);
    let mut rx = request.as_bytes().to_vec();
    let mut at = 0;
    loop {
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let step = server.receive(&drive.env(), &mut rx[at..], &mut scratch);
        if step == Step::NEED_MORE {
            break;
        }
        at += step.consumed;
    }
    assert_eq!(at, rx.len(), "{request:?}");
    (drive, server)
}

fn by_transmit(server: &mut Server, drive: &Drive, message: &Message, tx_bytes: usize) -> Vec<u8> {
    let mut tx = alloc::vec![0; tx_bytes];
    let mut script = Script::new([message.clone()]);
    match server.transmit(&drive.env(), &mut tx, &mut Scratch::default(), &mut script) {
        Sent::Bytes(n) => tx[..n].to_vec(),
        other => alloc::format!("{other:?}").into_bytes(),
    }
}

fn by_the_short_way(
    server: &mut Server,
    drive: &Drive,
    message: &Message,
    tx_bytes: usize,
) -> Option<Vec<u8>> {
    let body: Vec<u8> = message
        .body
        .iter()
        .flat_map(|give| match give {
            Give::Bytes(bytes) => bytes.clone(),
            other => panic!("bytes in memory, not {other:?}"),
        })
        .collect();
    let head = ResponseHead { status: message.status, fields: message.fields.block() };
    let mut tx = alloc::vec![0; tx_bytes];
    let n = server.answer_whole(&drive.env(), &mut tx, &WholeAnswer { head, body: &body })?;
    Some(tx[..n].to_vec())
}

fn standing(server: &Server) -> (Option<StreamId>, ConnectionStatus, Instant, usize, bool, u8) {
    let (stream, status) = (server.exchange(), server.status());
    let wants = (server.rx_want(), server.wants_transmit());
    (stream, status, server.next_deadline(), wants.0, wants.1, server.phase_number())
}

/// Whether the short way took it. Either way the outcome is that of the long one.
fn is_taken(request: &str, message: &Message, tx_bytes: usize) -> bool {
    let (drive, mut long) = asked(request);
    let (_, mut short) = asked(request);
    let wanted = by_transmit(&mut long, &drive, message, tx_bytes);
    let short_bytes = by_the_short_way(&mut short, &drive, message, tx_bytes);
    let is_taken = short_bytes.is_some();
    let written = short_bytes.unwrap_or_else(|| by_transmit(&mut short, &drive, message, tx_bytes));
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(&wanted), "{request:?}");
    assert_eq!(standing(&short), standing(&long), "{request:?} {message:?}");
    is_taken
}

const REQUESTS: [(&str, bool); 9] = [
    (GET, true),
    ("DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n", true),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", true),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", true),
    ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", false),
    ("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false),
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false),
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", false),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nh", false),
];

#[test]
fn a_whole_answer_is_written_as_transmit_writes_it() {
    let bodies = ["", "Hello, World!", &"x".repeat(99), &"x".repeat(300)];
    for (request, is_usual) in REQUESTS {
        for body in bodies {
            for status in [200, 201, 299, 404, 503] {
                let message = Message::sized(status, body);
                assert_eq!(is_taken(request, &message, TX_BYTES), is_usual, "{request:?} {status}");
            }
            for status in [204, 304] {
                assert!(!is_taken(request, &Message::sized(status, body), TX_BYTES), "{status}");
            }
        }
    }
}

#[test]
fn fields_that_are_the_engines_own_are_heard_on_the_short_way_too() {
    let fields: [(&[(&str, &str)], bool); 6] = [
        (&[("Content-Type", "text/plain"), ("X-A", "b")], true),
        (&[("Date", "now"), ("Content-Length", "77")], true),
        (&[("Transfer-Encoding", "chunked"), ("Keep-Alive", "1")], true),
        (&[("Connection", "x")], true),
        (&[("Connection", "close")], false),
        (&[("Upgrade", "x")], false),
    ];
    for (fields, is_usual) in fields {
        let message = Message::sized(200, "hello").with(fields);
        assert_eq!(is_taken(GET, &message, TX_BYTES), is_usual, "{fields:?}");
    }
    let value = Span { at: 0, len: 3 };
    let broken = OwnFields::raw(b"a\r\n", alloc::vec![Field::named(Span { at: 0, len: 1 }, value).unwrap()]);
    assert!(!is_taken(GET, &Message { fields: broken, ..Message::sized(200, "hello") }, TX_BYTES));
    let long = "v".repeat(200);
    assert!(!is_taken(GET, &Message::sized(200, "hello").with(&[("X-Long", &long)]), TX_BYTES));
}

#[test]
fn an_answer_that_does_not_fit_is_left_to_transmit() {
    let message = Message::sized(200, &"x".repeat(400));
    let enough = usize::from(LIMITS.response_head_bytes_max) + 400;
    for tx_bytes in 0..enough {
        let (drive, mut server) = asked(GET);
        let before = standing(&server);
        match by_the_short_way(&mut server, &drive, &message, tx_bytes) {
            Some(bytes) => assert!(bytes.ends_with(b"x") && bytes.len() <= tx_bytes),
            None => assert_eq!(standing(&server), before, "{tx_bytes}"),
        }
    }
    assert!(is_taken(GET, &message, enough));
}

#[test]
fn no_exchange_is_answered_twice() {
    let (drive, mut server) = asked(GET);
    let message = Message::sized(200, "once");
    assert!(by_the_short_way(&mut server, &drive, &message, TX_BYTES).is_some());
    assert!(by_the_short_way(&mut server, &drive, &message, TX_BYTES).is_none());
}
