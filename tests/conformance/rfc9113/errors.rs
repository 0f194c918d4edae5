//! How errors are dealt with (RFC 9113 §5.4), and what is unknown (§5.5, §7).

use rws_tests::h2::codes::{NO_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{
    END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, RST_STREAM, frame, ping, rst_stream, settings,
    window_update,
};

use crate::check::{Check, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §5.4":
    the_tcp_connection_closes_behind_a_connection_error,
    a_goaway_names_a_stream_that_the_client_opened,
    a_stream_error_leaves_its_neighbours_alone,
    a_reset_is_not_answered_by_a_reset,
    a_connection_error_on_one_connection_is_no_matter_to_another,
];

fn the_tcp_connection_closes_behind_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.sound(1)?;
    s.frame(rws_tests::h2::frame::PING, 0, 1, [0; 8]);
    s.closes()
}

fn a_goaway_names_a_stream_that_the_client_opened(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.sound(1)?;
    s.sound(3)?;
    s.data(0, b"", false);
    s.connection_error(&[PROTOCOL_ERROR])?;
    let named = s.log.iter().find(|frame| frame.kind == GOAWAY).and_then(|frame| frame.number(0));
    // Without a GOAWAY there is nothing to see. Stream 3 was answered: it can't be called untouched.
    holds(named.is_none_or(|stream| stream == 3), || format!("{named:?}, the last was 3"))
}

/// Stream 1 waits for credit while stream 3 has an error of its own.
fn a_stream_error_leaves_its_neighbours_alone(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    s.request(1, &site.get());
    s.begin(3, &site.post());
    s.send(window_update(3, 0));
    s.stream_error(3, &[PROTOCOL_ERROR])?;
    if !site.is_strict && s.ping().is_err() {
        return Ok(());
    }
    s.send(window_update(1, 1_000_000));
    s.served(1)?;
    s.request(5, &site.get());
    s.send(window_update(5, 1_000_000));
    s.served(5).map(|_| ())
}

fn a_reset_is_not_answered_by_a_reset(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    s.request(1, &site.get());
    s.send([rst_stream(1, 8), rst_stream(1, 8), rst_stream(1, NO_ERROR)].concat());
    s.tolerates()?;
    holds(!s.log.iter().any(|frame| frame.kind == RST_STREAM), || s.story())
}

fn a_connection_error_on_one_connection_is_no_matter_to_another(site: &Site) -> Verdict {
    let (mut one, mut other) = (site.open()?, site.open()?);
    one.data(0, b"", false);
    one.connection_error(&[PROTOCOL_ERROR])?;
    other.sound(1)
}

pub(crate) const EXTENSIONS: &[Check] = checks!["RFC 9113 §5.5, §7":
    an_unknown_frame_within_a_field_block_is_a_connection_error,
    an_unknown_setting_is_ignored,
    an_unknown_error_code_is_nothing_special,
];

fn an_unknown_frame_within_a_field_block_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(HEADERS, END_STREAM, 1, site.get().0);
    s.send([frame(0x16, 0, 1, b"x"), ping([0; 8])].concat());
    s.connection_error(&[PROTOCOL_ERROR])
}

fn an_unknown_setting_is_ignored(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(0x0, 1), (0x99, u32::MAX), (0xfff0, 0)])?;
    s.send(settings(&[(0x4242, 7), (0x0a0a, u32::MAX)]));
    s.acknowledged()?;
    s.sound(1)
}

fn an_unknown_error_code_is_nothing_special(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.send(rst_stream(1, 0xdead_beef));
    s.tolerates()?;
    s.sound(3)
}
