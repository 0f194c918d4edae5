//! Content and the length that its request tells (RFC 9113 §8.1.1).

use rws_tests::h2::Block;

use crate::check::{Check, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §8.1.1":
    content_of_the_told_length_is_taken,
    less_content_than_told_is_malformed,
    more_content_than_told_is_malformed,
    more_content_than_told_in_several_frames_is_malformed,
    a_told_length_without_content_is_malformed,
    a_told_length_with_nothing_but_trailers_is_malformed,
    content_where_none_was_told_is_malformed,
    a_length_that_is_no_number_is_malformed,
    lengths_that_differ_are_malformed,
];

/// A request that tells `length` and has `pieces` as content.
fn with(site: &Site, length: &str, pieces: &[&[u8]]) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post().field("content-length", length));
    for (at, piece) in pieces.iter().enumerate() {
        s.data(1, piece, at + 1 == pieces.len());
    }
    s.malformed(1)
}

fn content_of_the_told_length_is_taken(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.accepted_post()?.field("content-length", "8"));
    s.data(1, b"half", false);
    s.data(1, b"half", true);
    s.served(1)?;
    s.begin(3, &site.accepted_post()?.field("content-length", "0"));
    s.data(3, b"", true);
    s.served(3).map(|_| ())
}

fn less_content_than_told_is_malformed(site: &Site) -> Verdict {
    with(site, "9", &[b"test"])
}

fn more_content_than_told_is_malformed(site: &Site) -> Verdict {
    with(site, "1", &[b"test"])
}

fn more_content_than_told_in_several_frames_is_malformed(site: &Site) -> Verdict {
    with(site, "5", &[b"test", b"test"])
}

fn a_told_length_without_content_is_malformed(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &site.post().field("content-length", "1"));
    s.malformed(1)
}

fn a_told_length_with_nothing_but_trailers_is_malformed(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post().field("content-length", "1"));
    s.request(1, &Block::new().field("x-checksum", "1"));
    s.malformed(1)
}

fn content_where_none_was_told_is_malformed(site: &Site) -> Verdict {
    with(site, "0", &[b"x"])
}

fn a_length_that_is_no_number_is_malformed(site: &Site) -> Verdict {
    for length in ["", "+4", "-4", "0x4", "4 ", "4,4,", "18446744073709551620", "4;"] {
        with(site, length, &[b"test"]).map_err(|finding| named(finding, length))?;
    }
    Ok(())
}

fn lengths_that_differ_are_malformed(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post().field("content-length", "4").field("content-length", "5"));
    s.data(1, b"test", true);
    s.malformed(1)
}

fn named(finding: crate::check::Finding, length: &str) -> crate::check::Finding {
    match finding {
        crate::check::Finding::Broken(why) => crate::check::Finding::Broken(format!("{length:?}: {why}")),
        other => other,
    }
}
