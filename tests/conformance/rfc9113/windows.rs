//! Windows, octet by octet (RFC 9113 §6.9.1, §6.9.2).

use rws_tests::h2::frame::{DATA, INITIAL_WINDOW_SIZE, settings, window_update};

use crate::check::{Check, Finding, Verdict, checks, holds};
use crate::site::{Session, Site};

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.9.1, §6.9.2":
    no_content_is_sent_without_a_window,
    one_octet_of_credit_is_one_octet_of_content,
    settings_change_the_windows_of_streams_in_progress,
    a_window_may_become_negative_and_is_remembered,
    the_window_of_the_connection_holds_for_all_streams,
    credit_before_its_settings_is_not_lost,
];

/// Octets of content on this stream so far, when the server has read all that was sent.
fn octets(s: &mut Session<'_>, stream: u32) -> Result<usize, Finding> {
    // Twice: what the first makes possible may be written behind its answer.
    s.tolerates()?;
    s.tolerates()?;
    Ok(came(s, stream))
}

fn came(s: &Session<'_>, stream: u32) -> usize {
    let frames = s.log.iter().filter(|frame| frame.kind == DATA && frame.stream == stream);
    frames.map(|frame| frame.data().len()).sum()
}

/// Waits until so many are there, and sees that no more come.
fn exactly(s: &mut Session<'_>, stream: u32, count: usize) -> Verdict {
    s.expect(|log| {
        let frames = log.iter().filter(|frame| frame.kind == DATA && frame.stream == stream);
        (frames.map(|frame| frame.data().len()).sum::<usize>() >= count).then_some(())
    })?;
    let came = octets(s, stream)?;
    holds(came == count, || format!("{came} octets came, {count} are allowed"))
}

fn head(s: &mut Session<'_>, stream: u32) -> Verdict {
    s.expect(|log| log.iter().find(|frame| frame.stream == stream && frame.fields.is_some()).map(|_| ()))
}

fn no_content_is_sent_without_a_window(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    s.request(1, &site.get());
    head(&mut s, 1)?;
    exactly(&mut s, 1, 0)?;
    s.send(window_update(1, 1_000_000));
    s.served(1).map(|_| ())
}

fn one_octet_of_credit_is_one_octet_of_content(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 1)])?;
    s.request(1, &site.get());
    exactly(&mut s, 1, 1)?;
    s.send(window_update(1, 1));
    exactly(&mut s, 1, 2)?;
    s.send([window_update(1, 1), window_update(1, 1)].concat());
    exactly(&mut s, 1, 4)?;
    s.send(window_update(1, 1_000_000));
    s.served(1).map(|_| ())
}

fn settings_change_the_windows_of_streams_in_progress(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    s.request(1, &site.get());
    s.request(3, &site.get());
    head(&mut s, 1)?;
    head(&mut s, 3)?;
    s.send(settings(&[(INITIAL_WINDOW_SIZE, 2)]));
    exactly(&mut s, 1, 2)?;
    exactly(&mut s, 3, 2)?;
    s.send(settings(&[(INITIAL_WINDOW_SIZE, 3)]));
    exactly(&mut s, 1, 3)?;
    s.send(settings(&[(INITIAL_WINDOW_SIZE, 65_535)]));
    s.served(1)?;
    s.served(3).map(|_| ())
}

fn a_window_may_become_negative_and_is_remembered(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 3)])?;
    s.request(1, &site.get());
    exactly(&mut s, 1, 3)?;
    s.send(settings(&[(INITIAL_WINDOW_SIZE, 1)]));
    s.acknowledged()?;
    // The window is −2 now: two octets of credit bring it to zero.
    s.send(window_update(1, 2));
    exactly(&mut s, 1, 3)?;
    s.send(window_update(1, 1));
    exactly(&mut s, 1, 4)?;
    s.send(window_update(1, 1_000_000));
    s.served(1).map(|_| ())
}

/// The connection begins with 65,535 octets; bodies take them all, and then no stream gets one more.
fn the_window_of_the_connection_holds_for_all_streams(site: &Site) -> Verdict {
    const REQUESTS_MAX: u32 = 20_000;
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, (1 << 31) - 1)])?;
    let mut stream = 1;
    s.sound(stream)?;
    let size = came(&s, stream);
    let whole = 65_535 / u32::try_from(size.max(1)).unwrap_or(u32::MAX);
    if whole > REQUESTS_MAX {
        return Err(Finding::Inapplicable("its answer is too short to use up a window"));
    }
    for _ in 1..whole {
        stream += 2;
        s.request(stream, &site.get());
        s.served(stream)?;
        s.log.clear();
    }
    let rest = 65_535 - whole as usize * size;
    s.request(stream + 2, &site.get());
    exactly(&mut s, stream + 2, rest)?;
    s.send(window_update(0, 1));
    exactly(&mut s, stream + 2, rest + 1)?;
    s.send(window_update(0, 1_000_000));
    s.served(stream + 2).map(|_| ())
}

fn credit_before_its_settings_is_not_lost(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    s.request(1, &site.get());
    s.send([window_update(1, 2), settings(&[(INITIAL_WINDOW_SIZE, 2)])].concat());
    exactly(&mut s, 1, 4)?;
    s.send(window_update(1, 1_000_000));
    s.served(1).map(|_| ())
}
