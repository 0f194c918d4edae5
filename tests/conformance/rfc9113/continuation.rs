//! CONTINUATION (RFC 9113 §6.10).

use rws_tests::h2::codes::PROTOCOL_ERROR;
use rws_tests::h2::frame::{CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS};

use crate::check::{Check, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.10":
    a_block_may_come_in_several_frames,
    a_block_may_be_cut_at_any_octet,
    a_frame_of_a_block_may_be_empty,
    trailers_may_come_in_several_frames,
    continuation_without_a_beginning_is_a_connection_error,
    continuation_behind_the_end_of_a_block_is_a_connection_error,
    continuation_behind_data_is_a_connection_error,
    continuation_on_stream_zero_is_a_connection_error,
    continuation_of_another_stream_is_a_connection_error,
    data_within_a_block_is_a_connection_error,
];

fn a_block_may_come_in_several_frames(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let block = site.get().field("x-one", "1").field("x-two", "2");
    let pieces: Vec<&[u8]> = block.0.chunks(block.0.len().div_ceil(4)).collect();
    let last = pieces.len() - 1;
    for (at, piece) in pieces.iter().enumerate() {
        match at {
            0 => s.frame(HEADERS, END_STREAM, 1, piece),
            _ => s.frame(CONTINUATION, if at == last { END_HEADERS } else { 0 }, 1, piece),
        };
    }
    s.served(1)?;
    s.sound(3)
}

fn a_block_may_be_cut_at_any_octet(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let block = site.get().huffman("x-name", "a value");
    for at in 0..=block.0.len() {
        let stream = 2 * u32::try_from(at).unwrap_or(0) + 1;
        s.frame(HEADERS, END_STREAM, stream, &block.0[..at]);
        s.frame(CONTINUATION, END_HEADERS, stream, &block.0[at..]);
        s.served(stream)?;
    }
    Ok(())
}

fn a_frame_of_a_block_may_be_empty(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(HEADERS, END_STREAM, 1, []);
    s.frame(CONTINUATION, 0, 1, []);
    s.frame(CONTINUATION, 0, 1, site.get().0);
    s.frame(CONTINUATION, END_HEADERS, 1, []);
    s.served(1).map(|_| ())
}

fn trailers_may_come_in_several_frames(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.data(1, b"content", false);
    let block = rws_tests::h2::Block::new().field("x-checksum", "1234");
    s.frame(HEADERS, END_STREAM, 1, &block.0[..5]);
    s.frame(CONTINUATION, END_HEADERS, 1, &block.0[5..]);
    s.heard(1)?;
    s.sound(3)
}

fn continuation_without_a_beginning_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.frame(CONTINUATION, END_HEADERS, 1, rws_tests::h2::Block::new().field("a", "b").0);
    s.connection_error(&[PROTOCOL_ERROR])
}

fn continuation_behind_the_end_of_a_block_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(HEADERS, END_STREAM, 1, site.get().0);
    s.frame(CONTINUATION, END_HEADERS, 1, []);
    s.frame(CONTINUATION, END_HEADERS, 1, rws_tests::h2::Block::new().field("a", "b").0);
    s.connection_error(&[PROTOCOL_ERROR, rws_tests::h2::codes::STREAM_CLOSED])
}

fn continuation_behind_data_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.data(1, b"x", false);
    s.frame(CONTINUATION, END_HEADERS, 1, rws_tests::h2::Block::new().field("a", "b").0);
    s.connection_error(&[PROTOCOL_ERROR])
}

fn continuation_on_stream_zero_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(HEADERS, END_STREAM, 1, site.get().0);
    s.frame(CONTINUATION, END_HEADERS, 0, []);
    s.connection_error(&[PROTOCOL_ERROR])
}

fn continuation_of_another_stream_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(HEADERS, END_STREAM, 1, site.get().0);
    s.frame(CONTINUATION, END_HEADERS, 3, []);
    s.connection_error(&[PROTOCOL_ERROR])
}

fn data_within_a_block_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(HEADERS, 0, 1, site.post().0);
    s.frame(CONTINUATION, 0, 1, []);
    s.frame(DATA, END_STREAM, 1, b"x");
    s.connection_error(&[PROTOCOL_ERROR])
}
