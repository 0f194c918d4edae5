//! GOAWAY (RFC 9113 §6.8).

use rws_tests::h2::codes::{FRAME_SIZE_ERROR, NO_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{GOAWAY, INITIAL_WINDOW_SIZE, window_update};

use crate::check::{Check, Verdict, broken, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.8":
    a_goaway_on_a_stream_is_a_connection_error,
    a_goaway_that_is_too_short_is_a_connection_error,
    streams_in_progress_go_on_behind_a_goaway,
    an_unknown_code_in_a_goaway_is_nothing_special,
];

fn payload(last: u32, code: u32, debug: &[u8]) -> Vec<u8> {
    [&last.to_be_bytes()[..], &code.to_be_bytes(), debug].concat()
}

fn a_goaway_on_a_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(GOAWAY, 0, 1, payload(0, NO_ERROR, b""));
    s.connection_error(&[PROTOCOL_ERROR])
}

fn a_goaway_that_is_too_short_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(GOAWAY, 0, 0, [0; 7]);
    s.connection_error(&[FRAME_SIZE_ERROR])
}

/// The client goes: it opens no more streams, and still waits for the answer to the one it has.
fn streams_in_progress_go_on_behind_a_goaway(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    s.request(1, &site.get());
    s.frame(GOAWAY, 0, 0, payload(0, NO_ERROR, b"that was all"));
    s.send(window_update(1, 1_000_000));
    s.served(1).map(|_| ())
}

fn an_unknown_code_in_a_goaway_is_nothing_special(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(GOAWAY, 0, 0, payload(0, 0xdead_beef, &[0; 100]));
    // It may close now, or go on as long as the client does.
    match s.ping() {
        Ok(()) | Err(rws_tests::h2::Stop::Closed) => site.open()?.sound(1),
        Err(stop) => broken(format!("{stop}; it sent {}", s.story())),
    }
}
