//! PING (RFC 9113 §6.7).

use rws_tests::h2::codes::{FRAME_SIZE_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{ACK, Frame, PING, ping};

use crate::check::{Check, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.7":
    a_ping_comes_back_with_its_payload,
    an_acknowledged_ping_is_not_answered,
    a_ping_on_a_stream_is_a_connection_error,
    a_ping_of_another_length_is_a_connection_error,
    a_ping_is_answered_while_a_request_is_in_the_making,
];

fn payloads(log: &[Frame]) -> Vec<Vec<u8>> {
    log.iter().filter(|frame| frame.has(PING, ACK)).map(|frame| frame.payload.clone()).collect()
}

fn a_ping_comes_back_with_its_payload(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let sent = [*b"01234567", [0; 8], [255; 8]];
    s.send(sent.map(ping).concat());
    let came = s.expect(|log| Some(payloads(log)).filter(|came| came.len() == sent.len()))?;
    holds(came == sent, || format!("{came:?}"))
}

fn an_acknowledged_ping_is_not_answered(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(PING, ACK, 0, *b"unasked!");
    s.tolerates()?;
    let came = payloads(&s.log);
    holds(came.len() == 1, || format!("{came:?}"))
}

fn a_ping_on_a_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.frame(PING, 0, 1, [0; 8]);
    s.connection_error(&[PROTOCOL_ERROR])
}

fn a_ping_of_another_length_is_a_connection_error(site: &Site) -> Verdict {
    for flags in [0, ACK] {
        for length in [0, 6, 7, 9] {
            let mut s = site.open()?;
            s.frame(PING, flags, 0, vec![0; length]);
            s.connection_error(&[FRAME_SIZE_ERROR])?;
        }
    }
    Ok(())
}

fn a_ping_is_answered_while_a_request_is_in_the_making(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.data(1, b"part", false);
    s.tolerates()?;
    s.data(1, b"", true);
    s.heard(1).map(|_| ())
}
