//! PRIORITY (RFC 9113 §6.3), and dependencies of RFC 7540 §5.3, which nobody has to heed any more.

use rws_tests::h2::codes::{FRAME_SIZE_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{
    END_HEADERS, END_STREAM, HEADERS, PRIORITY, WITH_PRIORITY, priority, priority_fields,
};

use crate::check::{Check, Verdict, checks};
use crate::site::{Session, Site};

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.3":
    priority_on_stream_zero_is_a_connection_error,
    priority_of_another_length_is_a_stream_error,
    priority_in_any_order_changes_nothing,
    headers_that_depend_on_themselves_are_refused_or_served,
    a_stream_that_depends_on_itself_is_refused_or_not,
];

fn priority_on_stream_zero_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send(priority(0, 1));
    s.connection_error(&[PROTOCOL_ERROR])
}

fn priority_of_another_length_is_a_stream_error(site: &Site) -> Verdict {
    for payload in [&[0, 0, 0, 0][..], &[0; 6], &[]] {
        let mut s = site.open()?;
        s.begin(1, &site.post());
        s.frame(PRIORITY, 0, 1, payload);
        s.stream_error(1, &[FRAME_SIZE_ERROR])?;
    }
    Ok(())
}

fn priority_in_any_order_changes_nothing(site: &Site) -> Verdict {
    let mut s = site.open()?;
    // A ring, a parent that nobody knows, the exclusive flag.
    s.send(
        [priority(1, 3), priority(3, 5), priority(5, 1), priority(7, 999), priority(9, 1 | 1 << 31)].concat(),
    );
    s.begin(1, &site.post());
    s.send(priority(1, 9));
    s.data(1, b"", true);
    s.heard(1)?;
    s.send(priority(1, 3));
    s.sound(3)
}

/// RFC 7540 made it a stream error, RFC 9113 says nothing: `--strict` wants what older suites expect.
fn refused_or_ignored(mut s: Session<'_>, stream: u32) -> Verdict {
    if !s.site.is_strict && s.ping().is_ok() {
        return Ok(());
    }
    s.stream_error(stream, &[PROTOCOL_ERROR])
}

fn headers_that_depend_on_themselves_are_refused_or_served(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let payload = [&priority_fields(1)[..], &site.get().0].concat();
    s.frame(HEADERS, WITH_PRIORITY | END_STREAM | END_HEADERS, 1, payload);
    refused_or_ignored(s, 1)
}

fn a_stream_that_depends_on_itself_is_refused_or_not(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.send(priority(1, 1));
    refused_or_ignored(s, 1)
}
