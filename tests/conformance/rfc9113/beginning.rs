//! How a connection begins (RFC 9113 §3.4).

use rws_tests::h2::PREFACE;
use rws_tests::h2::codes::PROTOCOL_ERROR;
use rws_tests::h2::frame::{
    ACK, END_HEADERS, END_STREAM, Frame, HEADERS, PING, SETTINGS, frame, ping, settings,
};

use crate::check::{Check, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §3.4":
    the_first_frame_of_a_server_is_settings,
    the_settings_of_a_preface_are_acknowledged_behind_its_own,
    a_preface_may_come_octet_by_octet,
    requests_may_follow_the_preface_at_once,
    an_invalid_preface_ends_the_connection,
    a_preface_that_goes_wrong_half_way_ends_the_connection,
    a_preface_without_settings_is_a_connection_error,
    an_acknowledgment_is_no_preface,
    a_request_before_settings_is_a_connection_error,
];

fn the_first_frame_of_a_server_is_settings(site: &Site) -> Verdict {
    let mut s = site.connect()?;
    s.send(PREFACE);
    s.send(settings(&[]));
    let first = s.expect(|log| log.first().cloned())?;
    holds((first.kind, first.flags & ACK, first.stream) == (SETTINGS, 0, 0), || {
        format!("it sent {}", s.story())
    })
}

fn the_settings_of_a_preface_are_acknowledged_behind_its_own(site: &Site) -> Verdict {
    let mut s = site.connect()?;
    s.send(PREFACE);
    s.send(settings(&[]));
    let is_ack = |frame: &Frame| frame.has(SETTINGS, ACK);
    let at = s.expect(|log| log.iter().position(is_ack))?;
    holds(at > 0 && s.log.iter().filter(|frame| is_ack(frame)).count() == 1, || s.story())?;
    let ack = s.log.get(at).map(|frame| frame.payload.len());
    holds(ack == Some(0), || "its acknowledgment has a payload".to_owned())
}

fn a_preface_may_come_octet_by_octet(site: &Site) -> Verdict {
    let mut s = site.connect()?;
    for octet in PREFACE.iter().chain(&settings(&[])) {
        s.stream.set_nodelay(true).map_err(|error| crate::check::Finding::Broken(error.to_string()))?;
        s.send([*octet]);
    }
    s.sound(1)
}

fn requests_may_follow_the_preface_at_once(site: &Site) -> Verdict {
    let mut s = site.connect()?;
    let request = |stream| frame(HEADERS, END_STREAM | END_HEADERS, stream, &site.get().0);
    s.send([PREFACE, &settings(&[]), &request(1), &request(3)].concat());
    s.served(1)?;
    s.served(3).map(|_| ())
}

fn an_invalid_preface_ends_the_connection(site: &Site) -> Verdict {
    let mut s = site.connect()?;
    s.send("INVALID CONNECTION PREFACE\r\n\r\n");
    s.closes()
}

fn a_preface_that_goes_wrong_half_way_ends_the_connection(site: &Site) -> Verdict {
    let mut s = site.connect()?;
    s.send("PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n");
    s.send(settings(&[]));
    s.closes()
}

fn a_preface_without_settings_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.connect()?;
    s.send([PREFACE, &ping([1; 8])].concat());
    ends(s)
}

fn an_acknowledgment_is_no_preface(site: &Site) -> Verdict {
    let mut s = site.connect()?;
    s.send([PREFACE, &frame(SETTINGS, ACK, 0, &[]), &frame(PING, 0, 0, &[0; 8])].concat());
    ends(s)
}

fn a_request_before_settings_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.connect()?;
    s.send([PREFACE, &frame(HEADERS, END_STREAM | END_HEADERS, 1, &site.get().0)].concat());
    ends(s)
}

/// GOAWAY may be left out here.
fn ends(mut s: crate::site::Session<'_>) -> Verdict {
    match s.connection_error(&[PROTOCOL_ERROR]) {
        Err(crate::check::Finding::Broken(why)) if why == "closed without GOAWAY" => Ok(()),
        verdict => verdict,
    }
}
