//! RST_STREAM (RFC 9113 §6.4).

use rws_tests::h2::codes::{FRAME_SIZE_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{INITIAL_WINDOW_SIZE, RST_STREAM, rst_stream, window_update};

use crate::check::{Check, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.4":
    a_reset_of_stream_zero_is_a_connection_error,
    a_reset_of_another_length_is_a_connection_error,
    nothing_comes_on_a_stream_that_was_reset,
    a_stream_may_be_reset_and_the_next_one_used,
];

fn a_reset_of_stream_zero_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send(rst_stream(0, 8));
    s.connection_error(&[PROTOCOL_ERROR])
}

fn a_reset_of_another_length_is_a_connection_error(site: &Site) -> Verdict {
    for payload in [&[0, 0, 8][..], &[0, 0, 0, 8, 0], &[]] {
        let mut s = site.open()?;
        s.begin(1, &site.post());
        s.frame(RST_STREAM, 0, 1, payload);
        s.connection_error(&[FRAME_SIZE_ERROR])?;
    }
    Ok(())
}

fn nothing_comes_on_a_stream_that_was_reset(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 1)])?;
    s.request(1, &site.get());
    s.expect(|log| log.iter().find(|frame| !frame.data().is_empty()).map(|_| ()))?;
    s.send(rst_stream(1, 8));
    s.tolerates()?;
    let before = s.log.len();
    s.send([window_update(0, 1_000), window_update(1, 1_000)].concat());
    s.tolerates()?;
    s.tolerates()?;
    holds(s.log.iter().skip(before).all(|frame| frame.stream != 1), || s.story())
}

fn a_stream_may_be_reset_and_the_next_one_used(site: &Site) -> Verdict {
    let mut s = site.open()?;
    for stream in (1..21).step_by(4) {
        s.begin(stream, &site.post());
        s.send(rst_stream(stream, 8));
        s.sound(stream + 2)?;
    }
    Ok(())
}
