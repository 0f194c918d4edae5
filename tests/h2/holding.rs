//! Clients that hold what they began: streams whose content they don't take (CVE-2019-9517), or never end to send.

use core::time::Duration;
use std::time::Instant;

use rws_tests::h2::frame::{INITIAL_WINDOW_SIZE, window_update};
use rws_tests::h2::{End, Got, Peer, Response, Stop};

use crate::server::{get, post};
use crate::serving::{BEAT, LATE, Site};

/// Sends `piece` at each beat until stream 1, or the connection, has come to an end; how long that took.
#[track_caller]
fn until_over(peer: &mut Peer, mut piece: impl FnMut(u32) -> Vec<u8>) -> Duration {
    let began = Instant::now();
    for beat in 0.. {
        assert!(began.elapsed() < LATE, "nobody ends it: it got {}", peer.story());
        match peer.pump(Instant::now() + BEAT) {
            Got::Stop(Stop::Silent) => {
                peer.send(piece(beat));
            }
            Got::Stop(Stop::Closed) => break,
            Got::Stop(stop) => panic!("{stop}"),
            Got::Frame => {}
        }
        if Response::of(&peer.log, 1)
            .is_some_and(|response| response.status == 408 || response.end != End::Whole)
        {
            break;
        }
    }
    began.elapsed()
}

#[test]
fn a_client_without_a_window_is_let_go() {
    let site = Site::hasty();
    let mut peer = site.open(&[(INITIAL_WINDOW_SIZE, 0)]);
    for stream in (1..41).step_by(2) {
        peer.request(stream, &get("/"));
    }
    until_over(&mut peer, |_| Vec::new());
}

#[test]
fn a_client_that_takes_content_by_the_octet_is_let_go() {
    let site = Site::hasty();
    let mut peer = site.open(&[(INITIAL_WINDOW_SIZE, 0)]);
    peer.begin(1, &post("/echo"));
    peer.data(1, &[b'x'; 10_000], true);
    until_over(&mut peer, |_| window_update(1, 1));
}

#[test]
fn a_client_that_keeps_its_stream_open_by_pings_is_let_go() {
    let site = Site::hasty();
    let mut peer = site.open(&[(INITIAL_WINDOW_SIZE, 0)]);
    peer.request(1, &get("/"));
    until_over(&mut peer, |beat| rws_tests::h2::frame::ping(u64::from(beat).to_be_bytes()));
}

#[test]
fn content_that_comes_by_the_octet_is_not_awaited_for_ever() {
    let site = Site::hasty();
    let mut peer = site.open(&[]);
    peer.begin(1, &post("/echo"));
    until_over(&mut peer, |_| rws_tests::h2::frame::frame(rws_tests::h2::frame::DATA, 0, 1, b"x"));
}

#[test]
fn content_that_never_comes_is_not_awaited_for_ever() {
    let site = Site::hasty();
    let mut peer = site.open(&[]);
    peer.begin(1, &post("/echo"));
    until_over(&mut peer, |_| Vec::new());
}

/// One slow stream is not its neighbours' fault: another on the same connection has long been answered.
#[test]
fn a_held_stream_does_not_hold_the_others() {
    let site = Site::hasty();
    let mut peer = site.open(&[(INITIAL_WINDOW_SIZE, 0)]);
    peer.request(1, &get("/"));
    peer.request(3, &get("/"));
    peer.send(window_update(3, 1_000));
    let response = peer.response(3).unwrap_or_else(|stop| panic!("{stop}; it got {}", peer.story()));
    assert_eq!((response.status, response.text()), (200, "Hello, World!"));
}
