//! Streams and connections that end early.

use std::sync::atomic::Ordering;
use std::thread;

use http::Method;

use crate::client::{Client, request};
use crate::site::{Site, pattern, settles};

#[test]
fn a_stream_that_the_client_resets_ends_for_its_handler_and_for_nobody_else() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    for round in 1..=3 {
        let mut asked = client.start("/endless");
        let response = client.run(&mut asked.answer).unwrap();
        let mut body = response.into_body();
        assert!(client.run(body.data()).unwrap().is_ok());
        asked.body.send_reset(h2::Reason::CANCEL);
        drop(body);
        settles("the handler knows", || {
            client.run(async { tokio::time::sleep(core::time::Duration::from_millis(1)).await });
            site.shared.abandoned.load(Ordering::SeqCst) == round
        });
    }
    assert_eq!(client.get("/").text(), "Hello, World!");
    assert_eq!(site.running.stats().aborted_total, 3);
}

#[test]
fn an_upload_that_the_client_resets_is_incomplete_for_its_handler() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let mut asked = client.ask(request(Method::POST, "/sum").body(()).unwrap(), false);
    client.run(crate::client::send(&mut asked.body, pattern(20_000).into(), false)).unwrap();
    let breathe = |client: &mut Client| {
        client.run(async { tokio::time::sleep(core::time::Duration::from_millis(1)).await });
    };
    // One that has not begun when its stream is reset never does.
    settles("the handler reads", || {
        breathe(&mut client);
        site.shared.reading.load(Ordering::SeqCst) == 1
    });
    asked.body.send_reset(h2::Reason::CANCEL);
    settles("the handler knows", || {
        breathe(&mut client);
        site.shared.abandoned.load(Ordering::SeqCst) == 1
    });
    assert_eq!(client.get("/").text(), "Hello, World!");
}

#[test]
fn an_answer_whose_writer_is_lost_is_a_reset_of_its_stream() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let asked = client.start("/cut");
    assert!(client.finish(asked).unwrap_err().is_reset());
    assert_eq!(client.get("/").text(), "Hello, World!");
}

#[test]
fn a_client_that_vanishes_ends_all_its_streams() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let asked: Vec<_> = (0..5).map(|_| client.start("/endless")).collect();
    for mut asked in asked {
        assert_eq!(client.run(&mut asked.answer).unwrap().status().as_u16(), 200);
    }
    drop(client);
    settles("all handlers know", || site.shared.abandoned.load(Ordering::SeqCst) == 5);
    settles("the connection is gone", || site.running.stats().connections_open == 0);
    assert_eq!(site.running.stats().aborted_total, 5);
}

#[test]
fn a_drain_tells_the_client_and_finishes_what_is_under_way() {
    let site = Site::new();
    let shared = std::sync::Arc::clone(&site.shared);
    let mut client = Client::connect(site.address());
    let slow = client.start("/wait");
    client.run(async { tokio::task::yield_now().await });
    settles("the handler runs", || {
        client.run(async { tokio::time::sleep(core::time::Duration::from_millis(1)).await });
        shared.waiting.load(Ordering::SeqCst) == 1
    });
    let draining = thread::spawn(move || site.running.drain());
    // The server says GOAWAY; what it has is finished.
    client.run(async { tokio::time::sleep(core::time::Duration::from_millis(50)).await });
    shared.open();
    assert_eq!(client.finish(slow).unwrap().text(), "waited");
    assert!(client.end().is_ok(), "GOAWAY with NO_ERROR is no error");
    assert_eq!(draining.join().unwrap(), 0);
}
