//! Whatever hook of a service panics, it costs its own exchange and nothing else.

use rws_std::Settings;

use crate::probe::{Client, eventually, probe};

#[test]
fn a_panic_in_any_hook_costs_its_own_exchange_only() {
    let (_probe, running) = probe(Settings::default());
    let mut neighbour = Client::new(running.address());
    // Before the head is out, 500; after that the answer is cut, and looks so.
    let hooks = [
        ("begin", true),
        ("advance", true),
        ("forward", true),
        ("whole", true),
        ("head", true),
        ("direct", false),
        ("fill", false),
        ("later-fill", false),
        ("trailers", false),
    ];
    for (n, (hook, is_answered)) in hooks.into_iter().enumerate() {
        let mut client = Client::new(running.address());
        client.get(&format!("/in-{hook}"));
        if is_answered {
            assert_eq!(client.answer(), (500, b"the handler failed\n".to_vec()), "{hook}");
        } else {
            let rest = client.rest();
            assert!(!rest.ends_with("ok") && !rest.ends_with("0\r\n\r\n"), "{hook}: {rest}");
        }
        neighbour.get("/");
        assert_eq!(neighbour.answer(), (200, b"ok".to_vec()), "after a panic in {hook}");
        assert_eq!(running.stats().panics_total, n as u64 + 1, "{hook} is counted");
    }
    eventually("the panicked connections are gone", || running.stats().connections_open == 1);
    assert_eq!(running.threads().panics_total, 0, "no thread was lost");
}

#[test]
fn a_panic_behind_an_answer_leaves_it_as_it_is() {
    let (_probe, running) = probe(Settings::default());
    let mut client = Client::new(running.address());
    for path in ["/in-end", "/whole", "/"] {
        client.get(path);
        assert_eq!(client.answer(), (200, b"ok".to_vec()), "{path}");
    }
    assert_eq!(running.stats().panics_total, 1);
    assert_eq!(running.threads().panics_total, 0);
}

#[test]
fn a_panic_over_a_refusal_leaves_the_refusal_as_it_is() {
    let (probe, running) = probe(Settings::default());
    let mut client = Client::new(running.address());
    client.get("/arm-refused");
    assert_eq!(client.answer().0, 200);
    client.send("NO SUCH THING\r\n\r\n");
    assert_eq!(client.answer().0, 400);
    assert_eq!(probe.count("refused "), 1);
    drop(client);
    eventually("the connection is gone", || running.stats().connections_open == 0);
    assert_eq!((running.stats().panics_total, running.threads().panics_total), (1, 0));
}

#[test]
fn an_exchange_that_its_service_gives_up_is_cut_and_told_as_cut() {
    let (probe, running) = probe(Settings::default());
    let mut client = Client::new(running.address());
    client.send("POST /abort-at-end HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nab");
    assert_eq!(client.rest(), "", "the whole body was not wanted");
    probe.awaits("end /abort-at-end 3 ByUs");
    let mut client = Client::new(running.address());
    client.get("/abort-fill");
    let rest = client.rest();
    assert!(rest.starts_with("HTTP/1.1 200 ") && rest.ends_with("\r\n\r\no"), "{rest:?}");
    probe.awaits("end /abort-fill 1 ByUs");
    assert_eq!(running.stats().aborted_total, 2);
}

#[test]
fn every_exchange_that_has_begun_ends_once_whatever_panics() {
    let (probe, running) = probe(Settings::default());
    for hook in ["advance", "body", "forward", "head", "fill", "trailers", "end"] {
        let mut client = Client::new(running.address());
        client.send(&format!("POST /in-{hook} HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nab"));
        client.rest_of_one();
    }
    eventually("all have ended", || probe.count("end ") == probe.count("begin "));
    assert_eq!(probe.count("begin "), 7);
}
