//! WINDOW_UPDATE (RFC 9113 §6.9).

use rws_tests::h2::codes::{FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{INITIAL_WINDOW_SIZE, WINDOW_UPDATE, settings, window_update};

use crate::check::{Check, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.9":
    no_credit_for_the_connection_is_a_connection_error,
    no_credit_for_a_stream_is_a_stream_error,
    credit_of_another_length_is_a_connection_error,
    a_connection_window_beyond_31_bits_is_a_connection_error,
    a_stream_window_beyond_31_bits_is_a_stream_error,
    a_window_may_be_as_large_as_31_bits_allow,
    settings_that_lift_a_window_beyond_31_bits_are_a_connection_error,
];

const WINDOW_MAX: u32 = (1 << 31) - 1;

fn no_credit_for_the_connection_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send(window_update(0, 0));
    s.connection_error(&[PROTOCOL_ERROR])
}

fn no_credit_for_a_stream_is_a_stream_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.send(window_update(1, 0));
    s.stream_error(1, &[PROTOCOL_ERROR])
}

fn credit_of_another_length_is_a_connection_error(site: &Site) -> Verdict {
    for stream in [0, 1] {
        for length in [0, 3, 5] {
            let mut s = site.open()?;
            s.begin(1, &site.post());
            s.frame(WINDOW_UPDATE, 0, stream, &[0, 0, 0, 1, 0][..length]);
            s.connection_error(&[FRAME_SIZE_ERROR])?;
        }
    }
    Ok(())
}

fn a_connection_window_beyond_31_bits_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send([window_update(0, WINDOW_MAX), window_update(0, WINDOW_MAX)].concat());
    s.connection_error(&[FLOW_CONTROL_ERROR])
}

fn a_stream_window_beyond_31_bits_is_a_stream_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.send([window_update(1, WINDOW_MAX), window_update(1, WINDOW_MAX)].concat());
    s.stream_error(1, &[FLOW_CONTROL_ERROR])
}

fn a_window_may_be_as_large_as_31_bits_allow(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.send([window_update(0, WINDOW_MAX - 65_535), window_update(1, WINDOW_MAX - 65_535)].concat());
    s.tolerates()?;
    s.data(1, b"", true);
    s.heard(1)?;
    s.sound(3)
}

fn settings_that_lift_a_window_beyond_31_bits_are_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    s.begin(1, &site.post());
    s.send(window_update(1, WINDOW_MAX));
    s.tolerates()?;
    s.send(settings(&[(INITIAL_WINDOW_SIZE, 1)]));
    s.connection_error(&[FLOW_CONTROL_ERROR])
}
