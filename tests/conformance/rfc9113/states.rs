//! What may come in which state of a stream (RFC 9113 §5.1).

use rws_tests::h2::codes::{PROTOCOL_ERROR, STREAM_CLOSED};
use rws_tests::h2::frame::{
    CONTINUATION, DATA, END_HEADERS, INITIAL_WINDOW_SIZE, priority, rst_stream, window_update,
};

use crate::check::{Check, Finding, Verdict, checks};
use crate::site::{Session, Site};

pub(crate) const IDLE: &[Check] = checks!["RFC 9113 §5.1 idle":
    data_on_an_idle_stream_is_a_connection_error,
    rst_stream_on_an_idle_stream_is_a_connection_error,
    window_update_on_an_idle_stream_is_a_connection_error,
    continuation_on_an_idle_stream_is_a_connection_error,
    priority_on_an_idle_stream_is_fine,
];

fn data_on_an_idle_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.data(1, b"test", true);
    s.connection_error(&[PROTOCOL_ERROR])
}

fn rst_stream_on_an_idle_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send(rst_stream(1, 8));
    s.connection_error(&[PROTOCOL_ERROR])
}

fn window_update_on_an_idle_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send(window_update(1, 100));
    s.connection_error(&[PROTOCOL_ERROR])
}

fn continuation_on_an_idle_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(CONTINUATION, END_HEADERS, 1, site.get().0);
    s.connection_error(&[PROTOCOL_ERROR])
}

fn priority_on_an_idle_stream_is_fine(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send([priority(5, 0), priority(7, 5), priority(5, 9)].concat());
    s.tolerates()?;
    // It does not open the stream, nor close those before it.
    s.sound(1)
}

pub(crate) const HALF_CLOSED: &[Check] = checks!["RFC 9113 §5.1 half-closed":
    data_on_a_half_closed_stream_is_an_error,
    headers_on_a_half_closed_stream_are_an_error,
    continuation_on_a_half_closed_stream_is_a_connection_error,
    credit_priority_and_reset_on_a_half_closed_stream_are_fine,
];

/// The client has said all on stream 1, and the server can't finish for want of credit.
fn half_closed(site: &Site) -> Result<Session<'_>, Finding> {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    s.request(1, &site.get());
    s.expect(|log| log.iter().find(|frame| frame.stream == 1 && frame.fields.is_some()).map(|_| ()))?;
    Ok(s)
}

fn data_on_a_half_closed_stream_is_an_error(site: &Site) -> Verdict {
    let mut s = half_closed(site)?;
    s.data(1, b"test", true);
    s.stream_or_connection_error(1, &[STREAM_CLOSED])
}

fn headers_on_a_half_closed_stream_are_an_error(site: &Site) -> Verdict {
    let mut s = half_closed(site)?;
    s.request(1, &site.get());
    s.stream_or_connection_error(1, &[STREAM_CLOSED])
}

fn continuation_on_a_half_closed_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = half_closed(site)?;
    s.frame(CONTINUATION, END_HEADERS, 1, site.get().0);
    s.connection_error(&[PROTOCOL_ERROR, STREAM_CLOSED])
}

fn credit_priority_and_reset_on_a_half_closed_stream_are_fine(site: &Site) -> Verdict {
    let mut s = half_closed(site)?;
    s.send([priority(1, 0), window_update(1, 1_000_000)].concat());
    s.served(1)?;
    s.request(3, &site.get());
    s.send([priority(3, 0), rst_stream(3, 8)].concat());
    s.tolerates()?;
    s.request(5, &site.get());
    s.send(window_update(5, 1_000_000));
    s.served(5).map(|_| ())
}

pub(crate) const CLOSED: &[Check] = checks!["RFC 9113 §5.1 closed":
    data_on_a_closed_stream_is_refused_or_ignored,
    headers_on_a_closed_stream_are_an_error,
    continuation_on_a_closed_stream_is_a_connection_error,
    data_behind_a_reset_is_refused_or_ignored,
    headers_behind_a_reset_are_refused_or_ignored,
    credit_priority_and_reset_on_a_closed_stream_are_fine,
];

/// Stream 1 is over on both sides.
fn closed(site: &Site) -> Result<Session<'_>, Finding> {
    let mut s = site.open()?;
    s.sound(1)?;
    Ok(s)
}

/// Stream 1 was reset by the client.
fn was_reset(site: &Site) -> Result<Session<'_>, Finding> {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.send(rst_stream(1, 8));
    Ok(s)
}

/// The specification leaves a server free to discard what comes on a closed stream; `--strict` wants it told.
fn is_refused_or_ignored(mut s: Session<'_>) -> Verdict {
    if !s.site.is_strict && s.ping().is_ok() {
        return Ok(());
    }
    s.stream_or_connection_error(1, &[STREAM_CLOSED])
}

fn data_on_a_closed_stream_is_refused_or_ignored(site: &Site) -> Verdict {
    let mut s = closed(site)?;
    s.frame(DATA, 0, 1, b"test");
    is_refused_or_ignored(s)
}

/// A stream's identifier can't be used twice, whatever the state (§5.1.1).
fn headers_on_a_closed_stream_are_an_error(site: &Site) -> Verdict {
    let mut s = closed(site)?;
    s.request(1, &site.get());
    s.stream_or_connection_error(1, &[STREAM_CLOSED, PROTOCOL_ERROR])
}

fn continuation_on_a_closed_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = closed(site)?;
    s.frame(CONTINUATION, END_HEADERS, 1, site.get().0);
    s.connection_error(&[STREAM_CLOSED, PROTOCOL_ERROR])
}

fn data_behind_a_reset_is_refused_or_ignored(site: &Site) -> Verdict {
    let mut s = was_reset(site)?;
    s.data(1, b"test", true);
    is_refused_or_ignored(s)
}

fn headers_behind_a_reset_are_refused_or_ignored(site: &Site) -> Verdict {
    let mut s = was_reset(site)?;
    s.request(1, &site.get());
    is_refused_or_ignored(s)
}

fn credit_priority_and_reset_on_a_closed_stream_are_fine(site: &Site) -> Verdict {
    let mut s = closed(site)?;
    s.send([window_update(1, 1_000), priority(1, 0), rst_stream(1, 8)].concat());
    s.tolerates()?;
    s.sound(3)
}
