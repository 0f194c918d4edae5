//! A small image on rws.

use std::thread;

use crate::machine::{Machine, Target};

#[test]
fn both_routes_answer_on_one_connection_on_either_core() {
    for target in Target::ALL {
        let board = Machine::start("hello", target);
        let mut client = board.connect();
        for _ in 0..50 {
            assert_eq!(client.get("/").whole(), (200, "Hello, World!"), "{target:?}");
            assert_eq!(client.get("/hello/board").whole(), (200, "Hello, board"), "{target:?}");
            assert_eq!(client.get("/nothing").status, 404, "{target:?}");
        }
    }
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let board = Machine::start("hello", Target::CortexM4);
    let mut client = board.connect();
    let names: Vec<String> = (0..40).map(|number| format!("n{number}")).collect();
    for name in &names {
        client.ask(&format!("/hello/{name}"));
    }
    for name in &names {
        assert_eq!(client.answer().whole(), (200, format!("Hello, {name}").as_str()));
    }
}

#[test]
fn a_request_may_come_sixteen_bytes_at_a_time() {
    let board = Machine::start("hello", Target::CortexM0);
    let mut client = board.connect();
    let request = format!("GET /hello/slow HTTP/1.1\r\nHost: a\r\nX-Filler: {}\r\n\r\n", "f".repeat(600));
    for _ in 0..3 {
        for piece in request.as_bytes().chunks(16) {
            client.send(piece);
        }
        assert_eq!(client.answer().whole(), (200, "Hello, slow"));
    }
}

#[test]
fn more_clients_than_sockets_are_all_served_in_the_end() {
    let board = Machine::start("hello", Target::CortexM4);
    let address = board.address;
    let clients: Vec<_> = (0..12)
        .map(|number| {
            thread::spawn(move || {
                // One that finds no free socket is refused, and comes again.
                (0..100).any(|_| {
                    let mut client = rws_tests::peer::Peer::connect(address);
                    let name = format!("c{number}");
                    let request =
                        format!("GET /hello/{name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                    client.try_send(request)
                        && client
                            .answer_to("GET")
                            .is_ok_and(|answer| answer.text() == format!("Hello, {name}"))
                })
            })
        })
        .collect();
    for client in clients {
        assert!(client.join().expect("a client"), "each is answered once a socket is free");
    }
}

#[test]
fn what_is_wrong_is_refused_and_the_next_client_is_served() {
    let board = Machine::start("hello", Target::CortexM0);
    for wrong in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
    ] {
        let mut client = board.connect();
        client.send(wrong);
        assert_eq!(client.answer().status, 400, "{wrong:?}");
        client.is_closed();
        assert_eq!(board.connect().get("/").status, 200, "after {wrong:?}");
    }
}
