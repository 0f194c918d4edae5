//! Clients that send more than they read, or stop in the midst of it.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use rws_core::Limits;
use rws_std::{App, Request, Server, Settings, streaming};

use crate::probe::{Client, eventually, probe};

#[test]
fn an_answer_before_a_truncated_request_arrives_all_the_same() {
    let (_probe, running) = probe(Settings::default());
    let mut client = Client::new(running.address());
    client.send(
        "GET /one HTTP/1.1\r\nHost: test\r\n\r\nPOST /two HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nabc",
    );
    client.0.shutdown(Shutdown::Write).unwrap();
    let rest = client.rest();
    assert!(rest.starts_with("HTTP/1.1 200 ") && rest.ends_with("\r\n\r\nok"), "{rest:?}");
}

/// The machine has closed, the socket is full, and the peer reads nothing: nobody waits for it for ever.
#[test]
fn a_peer_that_breaks_its_body_and_reads_nothing_is_let_go() {
    let endless = streaming(|request: Request<'_>| {
        let (response, mut writer) = request.stream();
        std::thread::spawn(move || while writer.write_all(&[b'x'; 4096]).is_ok() {});
        response
    });
    let app = App::new().post("/endless", endless);
    let running = Server::bind("127.0.0.1:0").unwrap().shards(1).start(app.finish().unwrap()).unwrap();
    let mut client = Client::narrow(running.address());
    client.send("POST /endless HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    // The server writes until its socket is full; then comes what is no chunk.
    client.0.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    std::thread::park_timeout(Duration::from_millis(300));
    client.send("no chunk\r\n");
    eventually("the connection is closed", || running.stats().connections_open == 0);
}

#[test]
fn an_answer_that_the_engine_refuses_is_told_as_the_500_that_it_became() {
    let (probe, running) = probe(Settings::default());
    let mut client = Client::new(running.address());
    client.get("/huge-head");
    assert_eq!(client.answer().0, 500);
    probe.awaits("end /huge-head 1 500");
    assert_eq!(running.stats().errors_total, 1);
}

/// What one connection sends in one go does not keep the others waiting until all of it is answered.
#[test]
fn a_long_row_of_requests_lets_other_connections_have_their_turn() {
    let busy = Arc::new(AtomicU64::new(0));
    let (counted, told) = (Arc::clone(&busy), Arc::clone(&busy));
    let app = App::new().get("/", move || told.load(Ordering::SeqCst).to_string()).get("/busy", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut sum = 0_u64;
        for n in 0..2_000_u64 {
            sum = core::hint::black_box(sum.wrapping_add(n));
        }
        format!("{sum}")
    });
    let running = Server::bind("127.0.0.1:0").unwrap().shards(1).start(app.finish().unwrap()).unwrap();
    const ROW: usize = 1700;
    let mut greedy = Client::new(running.address());
    greedy.send(&"GET /busy HTTP/1.1\r\nHost: test\r\n\r\n".repeat(ROW));
    let mut other = Client::new(running.address());
    other.get("/");
    let before = busy.load(Ordering::SeqCst);
    // Counted where it is answered: this thread may look much later.
    let at_answer: u64 = String::from_utf8(other.answer().1).unwrap().parse().unwrap();
    let meanwhile = at_answer.saturating_sub(before);
    assert!(meanwhile < 200, "{meanwhile} others came first");
    for _ in 0..ROW {
        assert_eq!(greedy.answer().0, 200);
    }
}

#[test]
fn what_a_refused_peer_goes_on_sending_is_dropped_up_to_the_limit() {
    let limits = Limits { linger_bytes_max: 100_000, linger_timeout_us: 60_000_000, ..Limits::SERVER };
    let (_probe, running) = probe(Settings { limits, ..Settings::default() });
    let mut client = Client::new(running.address());
    client.send("NO SUCH THING\r\n\r\n");
    assert_eq!(client.answer().0, 400);
    // In pieces, each of which is dropped by a turn of its own; what is beyond the limit stays in the kernel.
    client.0.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut sent = 0;
    while client.0.write_all(&[b'x'; 10_000]).is_ok() {
        sent += 10_000;
        std::thread::yield_now();
        assert!(sent < 100_000_000, "the server reads without end");
    }
    assert_eq!(running.stats().connections_open, 1, "no reset destroys the answer on its way");
}

#[test]
fn a_refused_peer_that_sends_beyond_the_limit_and_ends_is_let_go_at_once_and_in_order() {
    let limits = Limits { linger_bytes_max: 10_000, linger_timeout_us: 60_000_000, ..Limits::SERVER };
    let (_probe, running) = probe(Settings { limits, ..Settings::default() });
    let mut client = Client::new(running.address());
    client.send("NO SUCH THING\r\n\r\n");
    // More than is read, and less than the kernel takes.
    client.0.write_all(&[b'x'; 60_000]).unwrap();
    client.0.shutdown(Shutdown::Write).unwrap();
    eventually("the connection is closed", || running.stats().connections_open == 0);
    assert_eq!(client.answer().0, 400);
    assert_eq!(client.0.read_to_end(&mut Vec::new()).unwrap(), 0, "an end in order, no reset");
}
