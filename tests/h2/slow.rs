//! Clients that begin slowly: with the preface, with SETTINGS, with field blocks.

use core::time::Duration;
use std::time::Instant;

use rws_tests::h2::frame::{CONTINUATION, END_STREAM, HEADERS, frame, settings};
use rws_tests::h2::{Got, PREFACE, Peer, Stop};

use crate::server::get;
use crate::serving::{BEAT, LATE, Site, TIMEOUT};

/// Sends one piece at each beat until the connection is closed.
#[track_caller]
fn is_closed(mut peer: Peer, pieces: impl IntoIterator<Item = Vec<u8>>) {
    let began = Instant::now();
    let mut pieces = pieces.into_iter();
    // An acknowledgment would be a frame, and no preface.
    peer.acknowledges = false;
    loop {
        match peer.pump(Instant::now() + BEAT) {
            Got::Stop(Stop::Silent) => {
                if let Some(piece) = pieces.next() {
                    peer.send(piece);
                }
            }
            // What an HTTP/1.1 server would say to half a preface is no frame: only the end counts.
            Got::Stop(Stop::Closed) => break,
            Got::Stop(Stop::Wrong(_)) | Got::Frame => {}
        }
        assert!(began.elapsed() < LATE, "nobody closes it: it got {}", peer.story());
    }
    assert!(
        began.elapsed() + Duration::from_millis(50) >= TIMEOUT,
        "it is closed after {:?}",
        began.elapsed()
    );
}

fn octets(text: &[u8]) -> Vec<Vec<u8>> {
    text.iter().map(|octet| vec![*octet]).collect()
}

#[test]
fn a_preface_that_dribbles_is_not_awaited_for_ever() {
    let site = Site::hasty();
    is_closed(site.connect(), octets(PREFACE));
    is_closed(site.connect(), octets(&PREFACE[..1]));
    is_closed(site.connect(), octets(&PREFACE[..18]));
}

#[test]
fn a_client_without_settings_is_let_go() {
    let site = Site::hasty();
    is_closed(site.connect(), [PREFACE.to_owned()]);
    let half = settings(&[(4, 1)]);
    is_closed(site.connect(), [[PREFACE, &half[..half.len() - 1]].concat()]);
}

#[test]
fn a_connection_without_a_request_is_let_go() {
    let site = Site::hasty();
    is_closed(site.open(&[]), []);
}

#[test]
fn a_field_block_that_dribbles_is_not_awaited_for_ever() {
    let site = Site::hasty();
    let head = frame(HEADERS, END_STREAM, 1, &get("/").0);
    is_closed(site.open(&[]), [head.clone()]);
    let more = core::iter::repeat_n(frame(CONTINUATION, 0, 1, b""), 10);
    is_closed(site.open(&[]), [head.clone()].into_iter().chain(more));
    is_closed(site.open(&[]), octets(&head));
}

#[test]
fn half_a_frame_is_not_awaited_for_ever() {
    let site = Site::hasty();
    let ping = rws_tests::h2::frame::ping([0; 8]);
    is_closed(site.open(&[]), [ping[..12].to_owned()]);
}
