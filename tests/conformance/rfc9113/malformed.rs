//! The order of a message's parts (RFC 9113 §8.1).

use rws_tests::h2::Block;
use rws_tests::h2::codes::{PROTOCOL_ERROR, STREAM_CLOSED};

use crate::check::{Check, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §8.1":
    a_second_head_that_does_not_end_the_stream_is_malformed,
    pseudo_fields_in_trailers_are_malformed,
    an_upper_case_name_in_trailers_is_malformed,
    data_behind_trailers_is_an_error,
    headers_behind_trailers_are_an_error,
];

fn a_second_head_that_does_not_end_the_stream_is_malformed(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.begin(1, &Block::new().field("x-trailer", "value"));
    s.malformed(1)
}

fn pseudo_fields_in_trailers_are_malformed(site: &Site) -> Verdict {
    for name in [":method", ":path", ":status", ":x"] {
        let mut s = site.open()?;
        s.begin(1, &site.post());
        s.data(1, b"x", false);
        s.request(1, &Block::new().field("x-trailer", "value").field(name, "200"));
        s.malformed(1)?;
    }
    Ok(())
}

fn an_upper_case_name_in_trailers_is_malformed(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.data(1, b"x", false);
    s.request(1, &Block::new().field("X-Trailer", "value"));
    s.malformed(1)
}

fn data_behind_trailers_is_an_error(site: &Site) -> Verdict {
    let mut s = behind_trailers(site)?;
    s.data(1, b"x", true);
    s.stream_or_connection_error(1, &[STREAM_CLOSED, PROTOCOL_ERROR])
}

fn headers_behind_trailers_are_an_error(site: &Site) -> Verdict {
    let mut s = behind_trailers(site)?;
    s.request(1, &Block::new().field("x-more", "value"));
    s.stream_or_connection_error(1, &[STREAM_CLOSED, PROTOCOL_ERROR])
}

/// A request that is whole, and can't be answered for want of credit.
fn behind_trailers(site: &Site) -> Result<crate::site::Session<'_>, crate::check::Finding> {
    let mut s = site.open_with(&[(rws_tests::h2::frame::INITIAL_WINDOW_SIZE, 0)])?;
    s.begin(1, &site.accepted_post()?);
    s.data(1, b"x", false);
    s.request(1, &Block::new().field("x-trailer", "value"));
    Ok(s)
}
