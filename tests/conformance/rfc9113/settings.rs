//! SETTINGS (RFC 9113 §6.5, §6.5.3).

use rws_tests::h2::codes::{FRAME_SIZE_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{ACK, Frame, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, SETTINGS, settings};

use crate::check::{Check, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.5":
    an_acknowledgment_with_a_payload_is_a_connection_error,
    settings_on_a_stream_are_a_connection_error,
    settings_of_a_broken_length_are_a_connection_error,
    every_settings_frame_is_acknowledged_once,
    the_last_of_several_values_holds,
    settings_are_in_force_once_acknowledged,
];

fn an_acknowledgment_with_a_payload_is_a_connection_error(site: &Site) -> Verdict {
    for payload in [&[0][..], &[0, 4, 0, 0, 1, 0]] {
        let mut s = site.open()?;
        s.frame(SETTINGS, ACK, 0, payload);
        s.connection_error(&[FRAME_SIZE_ERROR])?;
    }
    Ok(())
}

fn settings_on_a_stream_are_a_connection_error(site: &Site) -> Verdict {
    for stream in [1, 3] {
        let mut s = site.open()?;
        s.begin(1, &site.post());
        s.frame(SETTINGS, 0, stream, [0, 3, 0, 0, 0, 100]);
        s.connection_error(&[PROTOCOL_ERROR])?;
    }
    Ok(())
}

fn settings_of_a_broken_length_are_a_connection_error(site: &Site) -> Verdict {
    for length in [1, 3, 5, 7, 11] {
        let mut s = site.open()?;
        s.frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100, 0, 3, 0, 0, 0][..length]);
        s.connection_error(&[FRAME_SIZE_ERROR])?;
    }
    Ok(())
}

fn every_settings_frame_is_acknowledged_once(site: &Site) -> Verdict {
    let mut s = site.open()?;
    for value in 0..5 {
        s.send(settings(&[(INITIAL_WINDOW_SIZE, 60_000 + value), (MAX_FRAME_SIZE, 16_384 + value)]));
    }
    s.acknowledged()?;
    s.tolerates()?;
    let count = s.log.iter().filter(|frame| frame.has(SETTINGS, ACK)).count();
    holds(count == 6, || format!("{count} acknowledgments of 6 frames"))
}

/// Values are processed in their order: at the end the window is of two octets.
fn the_last_of_several_values_holds(site: &Site) -> Verdict {
    let pairs = [(INITIAL_WINDOW_SIZE, 0), (INITIAL_WINDOW_SIZE, 100), (0x77, 9), (INITIAL_WINDOW_SIZE, 2)];
    let mut s = site.open_with(&pairs)?;
    s.request(1, &site.get());
    let octets = |log: &[Frame]| log.iter().map(|frame| frame.data().len()).sum::<usize>();
    s.expect(|log| (log.iter().any(|frame| frame.stream == 1 && !frame.data().is_empty())).then_some(()))?;
    s.tolerates()?;
    let came: usize = s
        .log
        .iter()
        .filter(|frame| frame.stream == 1 && frame.kind == 0)
        .map(|frame| frame.data().len())
        .sum();
    holds(came == 2, || format!("{came} octets of {} in all", octets(&s.log)))
}

fn settings_are_in_force_once_acknowledged(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send(settings(&[(INITIAL_WINDOW_SIZE, 0)]));
    s.acknowledged()?;
    s.request(1, &site.get());
    s.expect(|log| log.iter().find(|frame| frame.stream == 1).map(|_| ()))?;
    s.tolerates()?;
    let came = s
        .log
        .iter()
        .filter(|frame| frame.stream == 1 && frame.kind == 0 && !frame.payload.is_empty())
        .count();
    holds(came == 0, || s.story())?;
    s.send(settings(&[(INITIAL_WINDOW_SIZE, 65_535)]));
    s.served(1).map(|_| ())
}
