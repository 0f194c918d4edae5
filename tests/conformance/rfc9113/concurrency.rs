//! Identifiers of streams, and how many there may be at once (RFC 9113 §5.1.1, §5.1.2).

use rws_tests::h2::codes::{ENHANCE_YOUR_CALM, PROTOCOL_ERROR, REFUSED_STREAM, STREAM_CLOSED};
use rws_tests::h2::frame::{Frame, HEADERS, MAX_CONCURRENT_STREAMS, RST_STREAM, priority, rst_stream};

use crate::check::{Check, Finding, Verdict, broken, checks};
use crate::site::{Site, goaway, reset};

pub(crate) const IDENTIFIERS: &[Check] = checks!["RFC 9113 §5.1.1":
    an_even_identifier_is_a_connection_error,
    an_identifier_below_the_last_is_a_connection_error,
    identifiers_may_be_skipped_up_to_the_last,
    data_on_a_skipped_stream_is_refused_or_ignored,
    a_server_opens_no_stream_by_itself,
];

fn an_even_identifier_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(2, &site.get());
    s.connection_error(&[PROTOCOL_ERROR])
}

/// §5.1.1; the state of such a stream is closed, which has a code of its own.
fn an_identifier_below_the_last_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.sound(5)?;
    s.request(3, &site.get());
    s.connection_error(&[PROTOCOL_ERROR, STREAM_CLOSED])
}

fn identifiers_may_be_skipped_up_to_the_last(site: &Site) -> Verdict {
    let mut s = site.open()?;
    for stream in [7, 1_001, 0x7fff_fffd, 0x7fff_ffff] {
        s.sound(stream)?;
    }
    Ok(())
}

/// Such a stream is closed: to discard what comes on it is as lawful as to refuse it (§5.1).
fn data_on_a_skipped_stream_is_refused_or_ignored(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.sound(5)?;
    s.data(3, b"test", true);
    if !site.is_strict && s.ping().is_ok() {
        return Ok(());
    }
    s.stream_or_connection_error(3, &[STREAM_CLOSED, PROTOCOL_ERROR])
}

fn a_server_opens_no_stream_by_itself(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.sound(1)?;
    let strange = s.log.iter().find(|frame| frame.stream > 1 && frame.kind == HEADERS);
    strange.map_or(Ok(()), |frame| broken(format!("HEADERS on stream {}", frame.stream)))
}

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §5.1.2":
    streams_beyond_the_limit_are_refused_and_no_others,
    streams_that_are_over_do_not_count,
    streams_that_are_idle_do_not_count,
];

/// As many as we are ready to open.
const STREAMS_MAX: u32 = 2_000;

fn limit(s: &rws_tests::h2::Peer) -> Result<u32, Finding> {
    match s.setting(MAX_CONCURRENT_STREAMS, u32::MAX) {
        limit @ ..STREAMS_MAX => Ok(limit),
        _ => Err(Finding::Inapplicable("it allows any number of streams")),
    }
}

fn streams_beyond_the_limit_are_refused_and_no_others(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let limit = limit(&s)?;
    let stream = |at: u32| 2 * at + 1;
    for at in 0..=limit {
        s.begin(stream(at), &site.post());
    }
    let last = stream(limit);
    s.stream_error(last, &[REFUSED_STREAM, PROTOCOL_ERROR])?;
    if !site.is_strict && s.ping().is_err() {
        return Ok(());
    }
    s.tolerates()?;
    let others: Vec<u32> = (0..limit).map(stream).filter(|stream| reset(&s.log, *stream).is_some()).collect();
    if let Some(other) = others.first() {
        return broken(format!("stream {other} was reset, of {limit} that are allowed"));
    }
    for at in 0..limit {
        s.data(stream(at), b"", true);
    }
    for at in 0..limit {
        s.heard(stream(at))?;
    }
    s.sound(last + 2)
}

fn streams_that_are_over_do_not_count(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let limit = limit(&s)?;
    for at in 0..=limit.min(200) {
        let stream = 2 * at + 1;
        if at % 2 == 0 {
            s.sound(stream)?;
        } else {
            s.begin(stream, &site.post());
            s.data(stream, b"", true);
            s.heard(stream)?;
        }
    }
    s.begin(5_001, &site.post());
    s.send(rst_stream(5_001, 8));
    s.sound(5_003)
}

fn streams_that_are_idle_do_not_count(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let limit = limit(&s)?;
    let idle: Vec<u8> = (0..limit.min(100) + 1).flat_map(|at| priority(2 * at + 101, 0)).collect();
    s.send(idle);
    if s.ping().is_err() && goaway(&s.log) == Some(ENHANCE_YOUR_CALM) {
        return Err(Finding::Inapplicable("it takes so many PRIORITY frames for an attack"));
    }
    s.sound(1)?;
    let is_reset = |frame: &Frame| frame.kind == RST_STREAM;
    s.log.iter().find(|frame| is_reset(frame)).map_or(Ok(()), |_| broken(s.story()))
}
