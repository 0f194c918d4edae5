//! Handlers that panic, block, stream, or lose their client.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use crate::peer::Peer;
use crate::serving::Site;

#[test]
fn a_panic_is_answered_500_and_the_server_lives() {
    let site = Site::new();
    let mut peer = site.connect();
    for _ in 0..5 {
        let answer = peer.get("/panic");
        assert_eq!((answer.status, answer.text()), (500, "the handler failed\n"));
        // Nothing of the connection's state is in doubt: it goes on.
        assert_eq!(peer.get("/hello/b").text(), "Hello, b!");
    }
    assert_eq!(site.running.stats().panics_total, 5);
    site.is_sound();
}

#[test]
fn a_panic_behind_a_body_is_answered_500() {
    let site = Site::new();
    let mut peer = site.connect();
    for route in ["/panic-collected", "/panic-streaming"] {
        peer.send(format!("POST {route} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
        assert_eq!(peer.answer().status, 500, "{route}");
        assert_eq!(peer.get("/hello/b").text(), "Hello, b!");
    }
    assert_eq!((site.running.stats().panics_total, site.running.stats().errors_total), (2, 2));
}

/// At first the shard is taken away from the handler; later the handler is given to another thread to begin with.
#[test]
fn a_panic_away_from_the_shard_is_counted_and_answered_once() {
    let site = Site::new();
    let mut peer = site.connect();
    let mut time = 0;
    while site.running.threads().offloaded_total < 2 {
        time += 1;
        assert!(time < 100, "the route does not learn: {:?}", site.running.threads());
        let answer = peer.get("/panic-late/20");
        assert_eq!((answer.status, answer.text()), (500, "the handler failed\n"), "time {time}");
        // One answer: what comes next on the connection is that of the next request.
        assert_eq!(peer.get("/hello/b").text(), "Hello, b!", "time {time}");
        let stats = site.running.stats();
        assert_eq!((stats.panics_total, stats.errors_total), (time, time));
    }
    assert_eq!(site.running.threads().panics_total, 0, "no thread was lost");
    drop(peer);
    site.settles("the connection", |site| site.running.stats().connections_open == 0);
    assert_eq!(site.running.stats().aborted_total, 0);
}

#[test]
fn an_answer_whose_writer_is_lost_is_seen_to_be_incomplete() {
    let site = Site::new();
    for version in ["1.1", "1.0"] {
        let mut peer = site.connect();
        peer.send(format!("GET /panic-midway HTTP/{version}\r\nHost: a\r\n\r\n"));
        let answer = peer.answer();
        assert_eq!(answer.status, 200, "HTTP/{version}");
        assert!(!answer.is_whole, "HTTP/{version}: {answer:?}");
        site.is_sound();
    }
}

#[test]
fn a_client_that_vanishes_stops_the_handler_that_writes_to_it() {
    let site = Site::new();
    for in_order in [false, true] {
        let mut peer = site.connect();
        peer.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(site.hears(), "started");
        if in_order {
            drop(peer);
        } else {
            peer.reset();
        }
        assert_eq!(site.hears(), "BrokenPipe");
    }
    site.settles("the connections", |site| site.running.stats().connections_open == 0);
    assert_eq!(site.running.stats().aborted_total, 2);
}

#[test]
fn a_client_that_vanishes_ends_the_body_that_a_handler_reads() {
    let site = Site::new();
    for in_order in [false, true] {
        let mut peer = site.connect();
        peer.send("POST /drip-read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
        assert_eq!(site.hears(), "started");
        if in_order {
            drop(peer);
        } else {
            peer.reset();
        }
        assert_eq!(site.hears(), "UnexpectedEof");
    }
    site.settles("the connections", |site| site.running.stats().connections_open == 0);
}

#[test]
fn a_client_that_vanishes_while_a_handler_blocks_leaves_nothing_behind() {
    let site = Site::new();
    for _ in 0..20 {
        let mut peer = site.connect();
        peer.send("GET /sleep/100 HTTP/1.1\r\nHost: a\r\n\r\n");
        peer.reset();
    }
    site.settles("the connections", |site| site.running.stats().connections_open == 0);
    site.is_sound();
}

#[test]
fn handlers_that_block_do_not_stop_the_others() {
    let site = Site::new();
    let mut sleepers: Vec<_> = (0..50).map(|_| site.connect()).collect();
    let mut peer = site.connect();
    let began = Instant::now();
    for sleeper in &mut sleepers {
        sleeper.send("GET /sleep/1000 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for _ in 0..20 {
        assert_eq!(peer.get("/").status, 200);
    }
    assert!(began.elapsed() < Duration::from_millis(900), "twenty requests took {:?}", began.elapsed());
    for sleeper in &mut sleepers {
        assert_eq!(sleeper.answer().text(), "slept 1000 ms\n");
    }
}

/// A peer that never lets the socket run dry has its turns like everybody else.
#[test]
fn a_flood_of_input_leaves_the_others_their_turns() {
    let site = Site::new();
    let address = site.address();
    let stop = Arc::new(AtomicBool::new(false));
    let flooders: Vec<_> = (0..4)
        .map(|_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let chunk = format!("{:x}\r\n{}\r\n", 60_000, "f".repeat(60_000));
                let mut peer = Peer::connect(address);
                peer.send("POST /drain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
                while !stop.load(Ordering::Relaxed) && peer.try_send(&chunk) {}
            })
        })
        .collect();
    let mut peer = site.connect();
    let began = Instant::now();
    for number in 0..200 {
        assert_eq!(peer.get("/").status, 200, "request {number}");
    }
    let took = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    for flooder in flooders {
        flooder.join().expect("no panic");
    }
    assert!(took < Duration::from_secs(10), "two hundred requests took {took:?}");
}

/// More blocking handlers than threads: some wait, the rest learn at once that the server is busy.
#[test]
fn beyond_threads_and_queue_there_is_503() {
    let site = Site::with(|settings| {
        settings.threads.blocking_threads_max = 4;
        settings.threads.queue_max = 4;
    });
    let mut peers: Vec<_> = (0..40).map(|_| site.connect()).collect();
    for peer in &mut peers {
        peer.send("GET /sleep/300 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    let answers: Vec<_> = peers.iter_mut().map(crate::peer::Peer::answer).collect();
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 503)));
    assert!((4..40).contains(&busy.len()), "{} of 40 were turned away", busy.len());
    assert!(busy.iter().all(|answer| answer.field("Retry-After") == Some("1")));
    site.is_sound();
}
