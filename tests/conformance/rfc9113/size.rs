//! The size of frames (RFC 9113 §4.2).

use rws_tests::h2::Block;
use rws_tests::h2::codes::FRAME_SIZE_ERROR;
use rws_tests::h2::frame::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE,
    PADDED, SETTINGS, WITH_PRIORITY,
};

use crate::check::{Check, Finding, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §4.2":
    data_of_16384_octets_is_taken,
    headers_of_16384_octets_are_taken,
    data_that_is_too_long_is_an_error,
    headers_that_are_too_long_are_a_connection_error,
    a_continuation_that_is_too_long_is_a_connection_error,
    settings_that_are_too_long_are_a_connection_error,
    an_unknown_frame_that_is_too_long_is_a_connection_error,
    headers_too_short_for_their_flags_are_a_connection_error,
    data_too_short_for_its_flags_is_an_error,
    no_frame_is_longer_than_the_client_allows,
];

fn data_of_16384_octets_is_taken(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let window = s.setting(INITIAL_WINDOW_SIZE, 65_535);
    s.begin(1, &site.post());
    s.frame(DATA, END_STREAM, 1, vec![b'x'; 16_384.min(window as usize)]);
    s.heard(1)?;
    s.sound(3)
}

/// Most of it is one field, which a server may well find too large: but not the frame.
fn headers_of_16384_octets_are_taken(site: &Site) -> Verdict {
    let mut s = site.open()?;
    if s.setting(MAX_HEADER_LIST_SIZE, u32::MAX) < 16_384 {
        return Err(Finding::Inapplicable("it has said that it takes no such head"));
    }
    let mut block = site.get();
    let rest = 16_384 - block.0.len();
    // A field of `a` and its value takes six octets more than the value.
    block = block.field("a", vec![b'x'; rest - 6]);
    holds(block.0.len() == 16_384, || format!("our own block has {} octets", block.0.len()))?;
    s.request(1, &block);
    s.heard(1)?;
    s.sound(3)
}

fn data_that_is_too_long_is_an_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let size = s.too_long()?;
    s.begin(1, &site.post());
    s.frame(DATA, 0, 1, vec![0; size]);
    s.stream_or_connection_error(1, &[FRAME_SIZE_ERROR])
}

fn headers_that_are_too_long_are_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let size = s.too_long()?;
    let block = site.get().raw(vec![0x82; size]);
    s.frame(HEADERS, END_STREAM | END_HEADERS, 1, &block.0[..size]);
    s.connection_error(&[FRAME_SIZE_ERROR])
}

fn a_continuation_that_is_too_long_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let size = s.too_long()?;
    s.frame(HEADERS, END_STREAM, 1, site.get().0);
    // Many small fields, and one that fills up.
    let mut block = (0..size / 100).fold(Block::new(), |block, _| block.field("a", "x".repeat(90)));
    block = block.field("b", "x".repeat(100));
    let rest = size.saturating_sub(block.0.len());
    block = block.field("c", vec![b'x'; rest.saturating_sub(6)]);
    s.frame(CONTINUATION, END_HEADERS, 1, &block.0[..size]);
    s.connection_error(&[FRAME_SIZE_ERROR])
}

fn settings_that_are_too_long_are_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let size = s.too_long()?.next_multiple_of(6);
    // Pairs that nobody knows.
    s.frame(SETTINGS, 0, 0, [0xff, 0xfe, 0, 0, 0, 0].repeat(size / 6));
    s.connection_error(&[FRAME_SIZE_ERROR])
}

fn an_unknown_frame_that_is_too_long_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let size = s.too_long()?;
    s.frame(0x16, 0, 0, vec![0; size]);
    s.connection_error(&[FRAME_SIZE_ERROR])
}

fn headers_too_short_for_their_flags_are_a_connection_error(site: &Site) -> Verdict {
    for (flags, payload) in
        [(PADDED, &[][..]), (WITH_PRIORITY, &[0, 0, 0, 0]), (PADDED | WITH_PRIORITY, &[0, 0, 0, 0, 0])]
    {
        let mut s = site.open()?;
        s.frame(HEADERS, flags | END_STREAM | END_HEADERS, 1, payload);
        s.connection_error(&[FRAME_SIZE_ERROR, rws_tests::h2::codes::PROTOCOL_ERROR])?;
    }
    Ok(())
}

fn data_too_short_for_its_flags_is_an_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.frame(DATA, PADDED | END_STREAM, 1, []);
    s.stream_or_connection_error(1, &[FRAME_SIZE_ERROR, rws_tests::h2::codes::PROTOCOL_ERROR])
}

/// [`rws_tests::h2::Peer`] refuses longer ones in every check; here there is something to send.
fn no_frame_is_longer_than_the_client_allows(site: &Site) -> Verdict {
    let block = site.accepted_post()?;
    let mut s = site.open_with(&[(INITIAL_WINDOW_SIZE, 1 << 20)])?;
    s.gives_credit = true;
    let window = s.setting(INITIAL_WINDOW_SIZE, 65_535).min(60_000) as usize;
    if window < 20_000 {
        return Err(Finding::Inapplicable("its windows are too small for a large body"));
    }
    s.begin(1, &block);
    for piece in vec![b'x'; window].chunks(16_384) {
        s.data(1, piece, false);
    }
    s.data(1, b"", true);
    s.heard(1)?;
    let longest = s.log.iter().map(|frame: &Frame| frame.payload.len()).max();
    holds(longest <= Some(16_384), || format!("{longest:?} octets"))
}
