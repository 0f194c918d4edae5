//! Flow control in principle (RFC 9113 §5.2): who gives credit, and for what.

use rws_tests::h2::codes::{FLOW_CONTROL_ERROR, name_of};
use rws_tests::h2::frame::{INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, WINDOW_UPDATE, window_update};
use rws_tests::h2::{Block, End, Response};

use crate::check::{Check, Finding, Verdict, broken, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §5.2":
    a_body_larger_than_any_window_goes_up_by_credit,
    bodies_that_nobody_reads_give_their_credit_back,
    bodies_of_streams_that_were_reset_give_their_credit_back,
    content_that_is_in_error_gives_its_credit_back,
    credit_is_taken_while_a_response_waits,
    data_beyond_the_window_is_an_error,
];

/// Sends so many octets on `stream` within the windows that the server grants; early answers are fine.
fn upload(
    s: &mut crate::site::Session<'_>,
    stream: u32,
    octets: usize,
    connection_sent: &mut i64,
) -> Verdict {
    let initial = i64::from(s.setting(INITIAL_WINDOW_SIZE, 65_535));
    let (mut sent, mut left) = (0_i64, octets);
    while left > 0 {
        let before = *connection_sent;
        let room = s.expect(|log| {
            let granted = |id: u32| -> i64 {
                let updates = log.iter().filter(|frame| frame.kind == WINDOW_UPDATE && frame.stream == id);
                updates.filter_map(|frame| frame.number(0)).map(i64::from).sum()
            };
            let room = (initial + granted(stream) - sent).min(65_535 + granted(0) - before);
            let is_over = Response::is_over(log, stream);
            (room > 0 || is_over).then_some(if is_over { 0 } else { room })
        })?;
        if room == 0 {
            return Ok(());
        }
        let size = left.min(16_384).min(usize::try_from(room).unwrap_or(usize::MAX));
        s.data(stream, &vec![b'x'; size], size == left);
        (sent, left) = (sent + size as i64, left - size);
        *connection_sent += size as i64;
    }
    Ok(())
}

fn a_body_larger_than_any_window_goes_up_by_credit(site: &Site) -> Verdict {
    let block = site.accepted_post()?;
    let mut s = site.open()?;
    s.gives_credit = true;
    let octets = s.setting(INITIAL_WINDOW_SIZE, 65_535).max(65_535) as usize + 200_000;
    if octets > 40_000_000 {
        return Err(Finding::Inapplicable("its windows are larger than what we send"));
    }
    s.begin(1, &block);
    upload(&mut s, 1, octets, &mut 0)?;
    // An echo gives it back; another server may say what it likes.
    let came = s.served(1)?.body.len();
    holds(came < 65_535 || came == octets, || format!("{came} of {octets} octets came back"))
}

fn bodies_that_nobody_reads_give_their_credit_back(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.gives_credit = true;
    let mut sent = 0;
    for stream in (1..24).step_by(2) {
        s.begin(stream, &Block::request("POST", "/nobody-has-this/", &site.authority));
        upload(&mut s, stream, 12_000, &mut sent)?;
        s.heard(stream)?;
    }
    s.sound(101)
}

fn bodies_of_streams_that_were_reset_give_their_credit_back(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.gives_credit = true;
    let mut sent = 0;
    for stream in (1..24).step_by(2) {
        s.begin(stream, &site.post());
        upload(&mut s, stream, 12_000, &mut sent)?;
        s.send(rws_tests::h2::frame::rst_stream(stream, 8));
    }
    s.begin(101, &site.post());
    upload(&mut s, 101, 30_000, &mut sent)?;
    s.heard(101)?;
    s.sound(103)
}

/// Even content that makes its request malformed counts for the connection's window (§6.9), and has to come back.
fn content_that_is_in_error_gives_its_credit_back(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.gives_credit = true;
    let mut sent = 0;
    for stream in (1..24).step_by(2) {
        s.begin(stream, &site.post().field("content-length", "1"));
        upload(&mut s, stream, 12_000, &mut sent)?;
        s.malformed(stream)?;
        if s.ping().is_err() {
            return Err(Finding::Inapplicable("it ends the connection"));
        }
    }
    s.begin(101, &site.post());
    upload(&mut s, 101, 30_000, &mut sent)?;
    s.heard(101)?;
    s.sound(103)
}

/// A server that stopped reading while it can't write would never see the credit.
fn credit_is_taken_while_a_response_waits(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    let streams = s.setting(MAX_CONCURRENT_STREAMS, 100).min(10);
    for at in 0..streams {
        s.request(2 * at + 1, &site.get());
    }
    s.tolerates()?;
    for at in (0..streams).rev() {
        s.send(window_update(2 * at + 1, 1_000_000));
        s.served(2 * at + 1)?;
    }
    Ok(())
}

/// An echo that can't write can't read for ever: what goes beyond its window then is an error, and never a crash.
fn data_beyond_the_window_is_an_error(site: &Site) -> Verdict {
    let block = site.accepted_post()?;
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    s.begin(1, &block);
    for _ in 0..2_000 {
        if !s.data(1, &[b'x'; 16_384], false) {
            break;
        }
        if Response::is_over(&s.log, 1) {
            break;
        }
    }
    if !site.is_strict {
        return site.open()?.sound(1);
    }
    match s.stream_or_connection_error(1, &[FLOW_CONTROL_ERROR]) {
        Ok(()) => site.open()?.sound(1),
        Err(finding) => match s.heard(1) {
            Ok(response) if response.end == End::Whole => {
                Err(Finding::Inapplicable("it takes whatever comes"))
            }
            Ok(response) => broken(format!("{:?} {}", response.end, name_of(FLOW_CONTROL_ERROR))),
            Err(_) => Err(finding),
        },
    }
}
