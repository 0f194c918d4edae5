//! RFC 9218 (priorities): for servers that know it, and harmless to all others.

use rws_tests::h2::codes::{FRAME_SIZE_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{END_HEADERS, END_STREAM, HEADERS, frame, settings};

use crate::check::{Check, Finding, Verdict, checks};
use crate::site::{Session, Site};

pub(crate) const CHECKS: &[&[Check]] = &[checks!["RFC 9218":
    the_field_of_priority_may_say_anything,
    an_update_of_priority_may_come_before_its_stream,
    an_update_of_priority_may_come_behind_its_stream,
    an_update_of_priority_on_a_stream_is_a_connection_error,
    an_update_of_priority_for_nothing_is_a_connection_error,
    an_update_of_priority_that_is_too_short_is_a_connection_error,
    the_setting_that_forgoes_old_priorities_is_zero_or_one,
]];

const PRIORITY_UPDATE: u8 = 0x10;
const NO_RFC7540_PRIORITIES: u16 = 0x9;

fn update(stream: u32, prioritized: u32, value: &str) -> Vec<u8> {
    frame(PRIORITY_UPDATE, 0, stream, &[&prioritized.to_be_bytes()[..], value.as_bytes()].concat())
}

fn the_field_of_priority_may_say_anything(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let values = ["u=0", "u=7, i", "i", "u=9", "u=-1", "u=\"x\"", "(((", "", "u=1;x=y, z=?1"];
    for (stream, value) in (1..).step_by(2).zip(values) {
        s.frame(HEADERS, END_STREAM | END_HEADERS, stream, site.get().field("priority", value).0);
        s.served(stream)?;
    }
    Ok(())
}

fn an_update_of_priority_may_come_before_its_stream(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(NO_RFC7540_PRIORITIES, 1)])?;
    s.send([update(0, 1, "u=0"), update(0, 3, "u=7, i"), update(0, 1, "(((")].concat());
    s.tolerates()?;
    s.sound(1)?;
    s.sound(3)
}

fn an_update_of_priority_may_come_behind_its_stream(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(NO_RFC7540_PRIORITIES, 1)])?;
    s.begin(1, &site.post());
    s.send(update(0, 1, "u=1"));
    s.data(1, b"", true);
    s.heard(1)?;
    s.send(update(0, 1, "u=2"));
    s.tolerates()?;
    s.sound(3)
}

/// To a server that does not know the frame it is one of unknown type.
fn is_refused_if_known(mut s: Session<'_>, code: u32) -> Verdict {
    if !s.site.is_strict && s.ping().is_ok() {
        return Err(Finding::Inapplicable("it ignores the frame, as if it were of unknown type"));
    }
    s.connection_error(&[code])
}

fn an_update_of_priority_on_a_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.send(update(1, 1, "u=1"));
    is_refused_if_known(s, PROTOCOL_ERROR)
}

fn an_update_of_priority_for_nothing_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send(update(0, 0, "u=1"));
    is_refused_if_known(s, PROTOCOL_ERROR)
}

fn an_update_of_priority_that_is_too_short_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send(frame(PRIORITY_UPDATE, 0, 0, &[0, 0, 1]));
    is_refused_if_known(s, FRAME_SIZE_ERROR)
}

fn the_setting_that_forgoes_old_priorities_is_zero_or_one(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.send(settings(&[(NO_RFC7540_PRIORITIES, 2)]));
    is_refused_if_known(s, PROTOCOL_ERROR)
}
