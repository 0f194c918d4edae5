//! Many streams of one connection, none of which waits for another's handler.

use std::sync::atomic::Ordering;

use http::Method;
use rws_std::Settings;

use crate::client::{Client, request};
use crate::site::{Site, pattern, settles};

#[test]
fn a_handler_that_blocks_delays_no_other_stream_of_its_connection() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let slow = client.start("/wait");
    // It is answered while the first handler blocks, or never.
    assert_eq!(client.get("/hello/b").text(), "Hello, b!");
    assert_eq!(client.get("/open").text(), "open");
    assert_eq!(client.finish(slow).unwrap().text(), "waited");
    assert_eq!(site.running.stats().aborted_total, 0);
}

#[test]
fn many_handlers_of_one_connection_block_at_once() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let slow: Vec<_> = (0..20).map(|_| client.start("/wait")).collect();
    client.run(async { tokio::task::yield_now().await });
    settles("all handlers at once", || {
        client.run(async { tokio::time::sleep(core::time::Duration::from_millis(1)).await });
        site.shared.waiting.load(Ordering::SeqCst) == 20
    });
    assert_eq!(client.get("/").text(), "Hello, World!");
    site.shared.open();
    for asked in slow {
        assert_eq!(client.finish(asked).unwrap().text(), "waited");
    }
}

#[test]
fn a_hundred_streams_are_answered_each_with_its_own() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    for _ in 0..5 {
        let asked: Vec<_> = (0..100).map(|n| client.start(&format!("/hello/{n}"))).collect();
        for (n, asked) in asked.into_iter().enumerate() {
            assert_eq!(client.finish(asked).unwrap().text(), format!("Hello, {n}!"));
        }
    }
    let stats = site.running.stats();
    assert_eq!((stats.requests_total, stats.accepted_total, stats.aborted_total), (500, 1, 0));
}

#[test]
fn a_panic_is_a_500_of_its_stream_alone() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let slow = client.start("/wait");
    for round in 1..=3 {
        let answer = client.get("/panic");
        assert_eq!((answer.status.as_u16(), answer.text()), (500, "the handler failed\n"));
        assert_eq!(site.running.stats().panics_total, round);
    }
    site.shared.open();
    assert_eq!(client.finish(slow).unwrap().text(), "waited");
}

#[test]
fn without_a_free_thread_a_stream_is_answered_503_and_its_neighbours_are_not_harmed() {
    let site = Site::with(|settings: &mut Settings| {
        settings.threads.blocking_threads_max = 3;
        settings.threads.queue_max = 2;
    });
    let mut client = Client::connect(site.address());
    let asked: Vec<_> = (0..20).map(|_| client.start("/wait")).collect();
    let mut busy = 0;
    let mut answers = Vec::new();
    for asked in asked {
        answers.push(asked);
    }
    settles("the queue is full", || {
        client.run(async { tokio::time::sleep(core::time::Duration::from_millis(1)).await });
        site.running.stats().errors_total > 0
    });
    site.shared.open();
    for asked in answers {
        let answer = client.finish(asked).unwrap();
        match answer.status.as_u16() {
            200 => assert_eq!(answer.text(), "waited"),
            503 => busy += 1,
            other => panic!("{other}"),
        }
    }
    assert!(busy > 0);
    assert_eq!(client.get("/").text(), "Hello, World!");
}

#[test]
fn a_body_that_comes_while_its_handler_blocks_is_not_lost() {
    let site = Site::new();
    let mut client = Client::connect(site.address());
    let uploads: Vec<_> =
        (0..10).map(|_| client.ask(request(Method::POST, "/echo").body(()).unwrap(), false)).collect();
    let slow = client.start("/wait");
    for asked in uploads {
        let body = pattern(200_000);
        assert_eq!(client.send_all(asked, body.clone(), None).unwrap().body, body);
    }
    site.shared.open();
    assert_eq!(client.finish(slow).unwrap().text(), "waited");
    assert_eq!(client.get("/").text(), "Hello, World!");
}
