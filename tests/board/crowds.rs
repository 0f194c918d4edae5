//! Many clients, slow ones, and some that leave in the middle.

use core::time::Duration;
use std::thread;
use std::time::Instant;

use rws_tests::device::exchanges::PASSWORD;
use rws_tests::peer::{PATIENCE, Peer};

use crate::machine::{Machine, Target};

/// Of the firmware.
const SOCKETS: usize = 8;
const LATE: Duration = Duration::from_millis(50);

/// A request whose body the board asks for: until that has come its connection is busy.
fn announced() -> String {
    format!(
        "POST /firmware HTTP/1.1\r\nHost: a\r\n{PASSWORD}X-CRC32: cbf43926\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    )
}

/// Connections in the midst of a request, as many as there are free sockets.
fn occupy(board: &Machine, count: usize) -> Vec<Peer> {
    let occupied = (0..count).map(|_| {
        let mut peer = board.connect();
        (peer.try_send(announced()) && peer.take_head().is_ok_and(|head| head.starts_with(b"HTTP/1.1 100 ")))
            .then_some(peer)
    });
    occupied.flatten().collect()
}

/// Asserts that every socket serves, all at once: none was lost to an earlier client.
#[track_caller]
fn all_sockets_serve(board: &Machine, after: &str) {
    let until = Instant::now() + PATIENCE;
    let mut peers = occupy(board, SOCKETS);
    while peers.len() < SOCKETS {
        assert!(Instant::now() < until, "after {after} only {} of {SOCKETS} sockets serve", peers.len());
        // Those of a moment ago may not be free yet.
        peers.into_iter().for_each(Peer::reset);
        thread::park_timeout(LATE);
        peers = occupy(board, SOCKETS);
    }
    for peer in &mut peers {
        peer.send("123456789");
        assert_eq!(peer.answer().status, 200, "after {after}");
    }
}

/// Asks until a socket is free; the connection, which is idle then.
fn is_served(board: &Machine) -> Peer {
    let began = Instant::now();
    loop {
        let mut peer = board.connect();
        if peer.try_send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            && peer.answer_to("GET").is_ok_and(|answer| answer.status == 200)
        {
            return peer;
        }
        assert!(began.elapsed() < 2 * PATIENCE, "nobody is served");
        thread::park_timeout(LATE);
    }
}

#[test]
fn the_longest_idle_client_makes_room() {
    let board = Machine::start("firmware", Target::CortexM4);
    let mut idle: Vec<Peer> = (0..SOCKETS + 3).map(|_| is_served(&board)).collect();
    let (closed, open) = idle.split_at_mut(4);
    for peer in closed {
        peer.is_closed();
    }
    for peer in open {
        assert_eq!(peer.get("/led/off").whole(), (200, "yes\n"));
    }
    all_sockets_serve(&board, "many clients");
}

#[test]
fn clients_beyond_the_sockets_wait_until_one_is_free() {
    let board = Machine::start("firmware", Target::CortexM4);
    let mut busy = occupy(&board, SOCKETS);
    assert_eq!(busy.len(), SOCKETS);
    let mut refused = board.connect();
    refused.try_send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(refused.answer_to("GET").is_err(), "no socket is free");
    let mut first = busy.remove(0);
    first.send("123456789");
    assert_eq!(first.answer().status, 200);
    let began = Instant::now();
    is_served(&board);
    assert!(began.elapsed() < Duration::from_secs(5), "it makes room as soon as it is idle");
    drop(busy);
    all_sockets_serve(&board, "a full house");
}

#[test]
fn pipelined_clients_get_their_answers_in_order() {
    const SERIES: [(&str, u16); 5] =
        [("/", 200), ("/nowhere", 404), ("/index.html", 200), ("/led/off", 200), ("/metrics", 200)];
    for target in Target::ALL {
        let board = Machine::start("firmware", target);
        let address = board.address;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || {
                    let mut peer = Peer::connect(address);
                    for round in 0..10 {
                        let requests = SERIES.map(|(target, _)| {
                            format!("GET {target} HTTP/1.1\r\nHost: a\r\nX-Round: {round}\r\n\r\n")
                        });
                        peer.send(requests.concat());
                        for (target, status) in SERIES {
                            let answer = peer.answer();
                            assert!(answer.is_whole && answer.status == status, "{target}: {answer:?}");
                        }
                    }
                });
            }
        });
        all_sockets_serve(&board, "pipelines");
    }
}

#[test]
fn requests_may_dribble_in() {
    let board = Machine::start("firmware", Target::CortexM0);
    let address = board.address;
    let request = announced().replace("Expect: 100-continue\r\n", "X-Filler: filler\r\n") + "123456789";
    thread::scope(|scope| {
        for at_a_time in [16, 16, 16, 1] {
            let request = request.as_bytes();
            scope.spawn(move || {
                let mut peer = Peer::connect(address);
                for _ in 0..5 {
                    request.chunks(at_a_time).for_each(|piece| peer.send(piece));
                    assert_eq!(peer.answer().status, 200, "{at_a_time} bytes at a time");
                }
            });
        }
    });
}

/// One that sends a byte now and then, and what it is told in the end.
fn dribble(mut peer: Peer, begin: &str) -> u16 {
    peer.send(begin);
    while !peer.hears_within(4 * LATE) {
        peer.try_send("x");
    }
    let answer = peer.answer();
    peer.is_closed();
    answer.status
}

/// Half of them never end their heads, the others their bodies: each is told so, and a client that comes while all the
/// sockets are theirs is served as soon as the deadlines have passed.
#[test]
fn a_slowloris_crowd_is_shown_the_door() {
    let board = Machine::start("firmware", Target::CortexM4);
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    let body = announced().replace("Expect: 100-continue\r\n", "").replace(": 9\r\n", ": 900\r\n");
    let limits = device::LIMITS;
    let bound = limits.head_timeout_us.max(limits.rate_grace_us) + 5_000_000;
    thread::scope(|scope| {
        let crowd: Vec<_> = (0..SOCKETS)
            .map(|at| (board.connect(), if at % 2 == 0 { head } else { &body[..] }))
            .map(|(peer, begin)| scope.spawn(move || dribble(peer, begin)))
            .collect();
        let began = Instant::now();
        is_served(&board);
        let waited = began.elapsed();
        assert!(waited < Duration::from_micros(bound), "served after {waited:?}");
        for client in crowd {
            assert_eq!(client.join().expect("it is told"), 408);
        }
    });
    all_sockets_serve(&board, "a slowloris crowd");
}

/// How a client leaves.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    Reset,
    HalfClose,
    Close,
}

#[test]
fn clients_that_vanish_take_no_socket_with_them() {
    let chunk = "POST /firmware HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-CRC32: 0\r\n";
    let chunk = format!("{chunk}{PASSWORD}\r\n5\r\nhel");
    let body = announced().replace("Expect: 100-continue\r\n", "") + "1234";
    let pipeline = "GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20);
    let midway = [
        ("saying nothing", ""),
        ("half a head", "GET / HTTP/1.1\r\nHo"),
        ("half a body", &body),
        ("half a chunk", &chunk),
        ("a request", "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a pipeline", &pipeline),
        ("a body that was asked for", &announced()),
        ("events", "GET /events HTTP/1.1\r\nHost: a\r\n\r\n"),
    ];
    let board = Machine::start("firmware", Target::CortexM0);
    for (what, sent) in midway {
        for leaves in [Leaves::Reset, Leaves::HalfClose, Leaves::Close] {
            for mut peer in (0..SOCKETS).map(|_| board.connect()).collect::<Vec<_>>() {
                peer.try_send(sent);
                match leaves {
                    Leaves::Reset => peer.reset(),
                    Leaves::HalfClose => peer.half_close_if_open(),
                    Leaves::Close => {}
                }
            }
            all_sockets_serve(&board, &format!("{what}, left {leaves:?}"));
        }
    }
}
