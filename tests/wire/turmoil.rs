//! Everything at once: handlers that block now and then, so that shards change hands in the middle of
//! pipelines and bodies, and clients that vanish at any point of them.

use std::io::Write;

use crate::dice::Dice;
use crate::peer::{End, Peer};
use crate::serving::{SURPRISES, Site};

const CLIENTS: u64 = 8;
/// Requests of each client; twenty times as many in the long form.
const REQUESTS: usize = 150;

/// Requests whose handlers take from nothing to a few milliseconds, and what each must answer.
fn script(dice: &mut Dice, requests: usize) -> Vec<(Vec<u8>, String)> {
    let mut script = Vec::new();
    for number in 0..requests {
        let body = format!("{number}-{}", "b".repeat(dice.roll_any(&[3, 300, 9000, 70_000])));
        let ms = [0, 0, 0, 1, 4][dice.roll(5)];
        let route = dice.roll(SURPRISES);
        script.push(match dice.roll(5) {
            0 => (format!("GET /hello/{number} HTTP/1.1\r\nHost: a\r\n\r\n"), format!("Hello, {number}!")),
            1 => (format!("GET /doze/{route}/{ms} HTTP/1.1\r\nHost: a\r\n\r\n"), format!("slept {ms} ms\n")),
            2 => (post("/echo", &body), body),
            3 => (post(&format!("/brood/{route}?{ms}"), &body), body),
            _ => (chunked("/echo", &body), body),
        });
    }
    script.into_iter().map(|(request, answer)| (request.into_bytes(), answer)).collect()
}

fn post(target: &str, body: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn chunked(target: &str, body: &str) -> String {
    let (first, rest) = body.split_at(body.len() / 2);
    let chunk =
        |part: &str| if part.is_empty() { String::new() } else { format!("{:x}\r\n{part}\r\n", part.len()) };
    let head = format!("POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    head + &chunk(first) + &chunk(rest) + "0\r\n\r\n"
}

/// Sends a script in writes of any size while it checks the answers.
fn play(mut peer: Peer, seed: u64) {
    let mut dice = Dice(seed);
    let script = script(&mut dice, REQUESTS * long_form());
    let mut sender = peer.stream.try_clone().expect("a descriptor");
    let bytes: Vec<u8> = script.iter().flat_map(|(request, _)| request.clone()).collect();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let n = (1 + dice.roll_any(&[40, 4000, 200_000])).min(rest.len());
                sender.write_all(&rest[..n]).expect("the server reads");
                rest = &rest[n..];
            }
        });
        for (number, (request, text)) in script.iter().enumerate() {
            let answer = peer.answer();
            let head = String::from_utf8_lossy(&request[..request.len().min(60)]);
            assert_eq!(answer.status, 200, "seed {seed}, request {number}: {head:?}");
            assert!(answer.text() == text, "seed {seed}, request {number}: {head:?}");
        }
    });
}

fn play_on(site: &Site) {
    std::thread::scope(|scope| {
        for seed in 1..=CLIENTS {
            let peer = site.connect();
            scope.spawn(move || play(peer, seed * 0x9e37_79b9));
        }
    });
    site.settles("the connections", |site| site.running.stats().connections_open == 0);
    assert_eq!(site.running.stats().panics_total, 0);
    assert_eq!(site.running.stats().aborted_total, 0);
}

#[test]
fn pipelines_stay_in_step_while_shards_change_hands() {
    let site = Site::new();
    play_on(&site);
    assert!(site.running.threads().stolen_total > 20, "{:?}", site.running.threads());
}

/// With hardly a thread to spare, jobs wait in the queue, and each shard goes on without them.
#[test]
fn pipelines_stay_in_step_where_every_thread_is_wanted() {
    let site = Site::with(|settings| {
        settings.threads.blocking_threads_max = 2;
        settings.threads.queue_max = 1000;
    });
    play_on(&site);
    assert!(site.running.threads().queued_total > 100, "{:?}", site.running.threads());
}

#[test]
fn clients_that_vanish_at_any_point_leave_nothing_behind() {
    let site = Site::with_limits(|limits| {
        limits.head_timeout_us = 200_000;
        limits.rate_grace_us = 200_000;
    });
    std::thread::scope(|scope| {
        for seed in 1..=CLIENTS {
            let site = &site;
            let address = site.address();
            scope.spawn(move || {
                let mut dice = Dice(seed * 0x517c_c1b7);
                for round in 0..60 * long_form() {
                    let mut peer = Peer::connect(address);
                    let bytes: Vec<u8> =
                        script(&mut dice, 6).into_iter().flat_map(|(bytes, _)| bytes).collect();
                    let sent = dice.roll(bytes.len());
                    peer.try_send(&bytes[..sent]);
                    match dice.roll(4) {
                        0 => peer.reset(),
                        1 => drop(peer),
                        2 => {
                            let _ = peer.answer_to("POST");
                            peer.reset();
                        }
                        _ => {
                            peer.half_close();
                            let (answers, end) = peer.rest();
                            let answered =
                                String::from_utf8_lossy(&answers[answers.len().saturating_sub(300)..]);
                            let last = String::from_utf8_lossy(&bytes[sent.saturating_sub(200)..sent]);
                            assert_ne!(
                                end,
                                End::Silent,
                                "seed {seed}, round {round}: {answered:?} to {last:?}"
                            );
                        }
                    }
                }
            });
        }
    });
    site.settles("the connections", |site| site.running.stats().connections_open == 0);
    assert_eq!(site.running.stats().panics_total, 0);
    site.is_sound();
}

fn long_form() -> usize {
    if std::env::var("RWS_TESTS_FULL").is_ok_and(|full| full == "1") { 20 } else { 1 }
}
