//! Values of settings (RFC 9113 §6.5.2).

use rws_tests::h2::codes::{FLOW_CONTROL_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{
    ENABLE_PUSH, HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE, settings,
};

use crate::check::{Check, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.5.2":
    enable_push_is_zero_or_one,
    a_window_beyond_31_bits_is_a_flow_control_error,
    a_frame_size_below_16384_is_a_connection_error,
    a_frame_size_beyond_24_bits_is_a_connection_error,
    values_at_their_limits_are_fine,
    a_server_keeps_the_limits_itself,
    a_server_does_not_enable_push,
];

fn enable_push_is_zero_or_one(site: &Site) -> Verdict {
    for value in [2, u32::MAX] {
        let mut s = site.open()?;
        s.send(settings(&[(ENABLE_PUSH, value)]));
        s.connection_error(&[PROTOCOL_ERROR])?;
    }
    Ok(())
}

fn a_window_beyond_31_bits_is_a_flow_control_error(site: &Site) -> Verdict {
    for value in [1 << 31, u32::MAX] {
        let mut s = site.open()?;
        s.send(settings(&[(INITIAL_WINDOW_SIZE, value)]));
        s.connection_error(&[FLOW_CONTROL_ERROR])?;
    }
    Ok(())
}

fn a_frame_size_below_16384_is_a_connection_error(site: &Site) -> Verdict {
    for value in [16_383, 0] {
        let mut s = site.open()?;
        s.send(settings(&[(MAX_FRAME_SIZE, value)]));
        s.connection_error(&[PROTOCOL_ERROR])?;
    }
    Ok(())
}

fn a_frame_size_beyond_24_bits_is_a_connection_error(site: &Site) -> Verdict {
    for value in [1 << 24, u32::MAX] {
        let mut s = site.open()?;
        s.send(settings(&[(MAX_FRAME_SIZE, value)]));
        s.connection_error(&[PROTOCOL_ERROR])?;
    }
    Ok(())
}

fn values_at_their_limits_are_fine(site: &Site) -> Verdict {
    let least = [
        (HEADER_TABLE_SIZE, 0),
        (ENABLE_PUSH, 0),
        (MAX_CONCURRENT_STREAMS, 0),
        (INITIAL_WINDOW_SIZE, 0),
        (MAX_FRAME_SIZE, 16_384),
    ];
    let most = [
        (HEADER_TABLE_SIZE, u32::MAX),
        (MAX_CONCURRENT_STREAMS, u32::MAX),
        (INITIAL_WINDOW_SIZE, (1 << 31) - 1),
        (MAX_FRAME_SIZE, (1 << 24) - 1),
        (MAX_HEADER_LIST_SIZE, u32::MAX),
    ];
    let mut s = site.open_with(&least)?;
    s.send(settings(&most));
    s.acknowledged()?;
    s.sound(1)
}

fn a_server_keeps_the_limits_itself(site: &Site) -> Verdict {
    let s = site.open()?;
    let window = s.setting(INITIAL_WINDOW_SIZE, 65_535);
    holds(window < 1 << 31, || format!("a window of {window}"))?;
    let size = s.setting(MAX_FRAME_SIZE, 16_384);
    holds((16_384..1 << 24).contains(&size), || format!("frames of {size}"))
}

fn a_server_does_not_enable_push(site: &Site) -> Verdict {
    let s = site.open()?;
    let value = s.setting(ENABLE_PUSH, 0);
    holds(value == 0, || format!("it says {value}"))
}
