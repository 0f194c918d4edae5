//! Those who listen, and those for whom there is no seat.

use core::time::Duration;
use std::time::Instant;

use device::SUBSCRIBERS_MAX;
use rws_tests::device::Target;
use rws_tests::peer::Peer;

const REQUEST: &str = "GET /events HTTP/1.1\r\nHost: device\r\n\r\n";

/// A client whose stream has begun.
fn listen(target: &Target) -> Peer {
    let mut peer = Peer::connect(target.address());
    peer.send(REQUEST);
    hear(&mut peer, "retry: 2000\n\n");
    peer
}

/// Reads until `mark` has come.
fn hear(peer: &mut Peer, mark: &str) {
    use std::io::Read;
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(mark) {
        let mut chunk = [0; 512];
        let n = peer.stream.read(&mut chunk).expect("the stream goes on");
        assert!(n > 0, "the stream ends before {mark:?}");
        heard.extend_from_slice(&chunk[..n]);
    }
}

#[test]
fn every_listener_hears_a_reading_at_once_and_the_others_are_told_to_come_back() {
    let target = Target::new();
    let mut listeners: Vec<Peer> = (0..SUBSCRIBERS_MAX).map(|_| listen(&target)).collect();
    let mut late = Peer::connect(target.address());
    let answer = late.get("/events");
    assert_eq!((answer.status, answer.field("Retry-After")), (503, Some("5")));
    assert_eq!(late.get("/").status, 200, "and may ask for something else");
    let began = Instant::now();
    for _ in 0..2 {
        for listener in &mut listeners {
            hear(listener, "event: reading\n");
        }
    }
    // Two readings at one a second; a stream that gathered events would take longer.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(listeners);
    all_seats_are_free(&target);
}

#[test]
fn a_listener_that_leaves_gives_its_seat_back() {
    let target = Target::new();
    for _ in 0..3 {
        let listeners: Vec<Peer> = (0..SUBSCRIBERS_MAX).map(|_| listen(&target)).collect();
        listeners.into_iter().for_each(Peer::reset);
        all_seats_are_free(&target);
    }
}

/// Waits until the device has seen that its listeners are gone: over a slow link that is with the next event.
fn all_seats_are_free(target: &Target) {
    let until = Instant::now() + Duration::from_secs(20);
    let is_free = |page: &str| page.contains("\ndevice_event_subscribers 0\n");
    while !is_free(Peer::connect(target.address()).get("/metrics").text()) {
        assert!(Instant::now() < until, "a seat is lost");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
