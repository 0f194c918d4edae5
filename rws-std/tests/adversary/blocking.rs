//! What happens to a connection while its job is away.

use core::time::Duration;

use rws_core::Limits;
use rws_std::{App, Server, Settings};
use std::sync::Arc;

use crate::probe::{Client, Gate, eventually, probe};
use rws_std::handover::ThreadLimits;

/// Answers go on while the next request of the connection blocks: neither their tail nor the room that the
/// socket gets meanwhile is forgotten.
#[test]
fn the_tail_of_an_answer_leaves_while_the_next_handler_blocks() {
    const PIECE: usize = 60_000;
    let gates: Arc<Vec<Gate>> = Arc::new((0..120).map(|_| Gate::default()).collect());
    let mut app = App::new().get("/piece", || vec![b'x'; PIECE]);
    // A route for each, since one that has blocked twice is run elsewhere.
    for n in 0..gates.len() {
        let held = Arc::clone(&gates);
        app = app.get(&format!("/wait/{n}"), move || {
            held[n].pass();
            "done"
        });
    }
    let running = Server::bind("127.0.0.1:0").unwrap().shards(1).start(app.finish().unwrap()).unwrap();
    // How much a socket takes is the kernel's secret: one number of pieces leaves some of the last one over.
    let mut too_many = 0;
    for (pieces, gate) in gates.iter().enumerate().skip(1) {
        let mut client = Client::narrow(running.address());
        let row = "GET /piece HTTP/1.1\r\nHost: test\r\n\r\n".repeat(pieces);
        client.send(&row);
        client.get(&format!("/wait/{pieces}"));
        if !gate.is_reached(1, Duration::from_millis(50)) {
            too_many += 1;
            gate.open();
        }
        for piece in 0..pieces {
            assert_eq!(client.answer().1.len(), PIECE, "piece {piece} of {pieces}");
        }
        gate.open();
        assert_eq!(client.answer(), (200, b"done".to_vec()), "behind {pieces} pieces");
        if too_many == 8 {
            return;
        }
    }
    panic!("the kernel buffers without end");
}

#[test]
fn a_client_is_not_late_while_nobody_reads_what_it_sent() {
    let limits = Limits { rate_grace_us: 50_000, ..Limits::SERVER };
    let (probe, running) = probe(Settings { limits, ..Settings::default() });
    let mut client = Client::new(running.address());
    client.send("POST /gate HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello");
    assert!(probe.gate.is_reached(1, Duration::from_secs(5)));
    // Longer than the grace, in which the handler keeps the server from reading.
    client.0.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let nothing = std::io::Read::read(&mut client.0, &mut [0; 64]);
    assert!(nothing.is_err(), "{nothing:?} bytes of a refusal");
    probe.gate.open();
    client.0.set_read_timeout(Some(crate::probe::PATIENCE)).unwrap();
    assert_eq!(client.answer(), (200, b"ok".to_vec()));
}

#[test]
fn an_exchange_that_no_thread_is_left_for_ends_once() {
    let threads = ThreadLimits { blocking_threads_max: 1, queue_max: 0, ..ThreadLimits::default() };
    let (probe, running) = probe(Settings { threads, ..Settings::default() });
    eventually("the spare is there", || running.threads().parked == 1);
    let mut begun = Client::new(running.address());
    begun.send("POST /refused HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n");
    probe.awaits("begin /refused");
    let mut blocker = Client::new(running.address());
    blocker.get("/gate");
    assert!(probe.gate.is_reached(1, Duration::from_secs(5)));
    eventually("the only spare drives the shard", || {
        let threads = running.threads();
        threads.stolen_total > 0 && threads.parked == 0
    });
    begun.send("hello");
    assert_eq!(begun.answer().0, 503);
    probe.gate.open();
    assert_eq!(blocker.answer().0, 200);
    drop((begun, blocker));
    eventually("every exchange has ended", || probe.count("end ") == 2);
    assert_eq!(probe.count("begin "), 2);
}

#[test]
fn a_late_wake_of_one_request_is_not_the_next_ones() {
    let (probe, running) = probe(Settings::default());
    let mut client = Client::new(running.address());
    client.get("/first");
    assert_eq!(client.answer().0, 200);
    client.get("/park/second");
    probe.awaits("begin /park/second");
    let waker = |path: &str| probe.wakers.lock().unwrap()[path].clone();
    for _ in 0..5 {
        waker("/first").wake();
    }
    client.0.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(std::io::Read::read(&mut client.0, &mut [0; 64]).is_err(), "it was not woken itself");
    client.0.set_read_timeout(Some(crate::probe::PATIENCE)).unwrap();
    waker("/park/second").wake();
    assert_eq!(client.answer().0, 200);
    probe.awaits("end /park/second 2 200");
}
