//! HEADERS (RFC 9113 §6.2).

use rws_tests::h2::codes::PROTOCOL_ERROR;
use rws_tests::h2::frame::{
    DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, PRIORITY, WITH_PRIORITY, frame, ping, priority_fields,
    rst_stream, settings, window_update,
};

use crate::check::{Check, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.2":
    headers_on_stream_zero_are_a_connection_error,
    padded_headers_are_read_without_their_padding,
    headers_with_priority_are_read_behind_it,
    padding_longer_than_the_block_is_a_connection_error,
    padding_that_leaves_no_room_for_priority_is_a_connection_error,
    no_other_frame_may_come_within_a_field_block,
    no_frame_of_another_stream_may_come_within_a_field_block,
];

fn headers_on_stream_zero_are_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(0, &site.get());
    s.connection_error(&[PROTOCOL_ERROR])
}

fn padded_headers_are_read_without_their_padding(site: &Site) -> Verdict {
    let mut s = site.open()?;
    for (stream, padding) in [(1, 0), (3, 1), (5, 255)] {
        let payload = [&[padding][..], &site.get().0, &vec![0; usize::from(padding)]].concat();
        s.frame(HEADERS, PADDED | END_STREAM | END_HEADERS, stream, payload);
        s.served(stream)?;
    }
    Ok(())
}

fn headers_with_priority_are_read_behind_it(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let block = site.get().0;
    s.frame(HEADERS, WITH_PRIORITY | END_STREAM | END_HEADERS, 1, [&priority_fields(0)[..], &block].concat());
    s.served(1)?;
    let payload = [&[4][..], &priority_fields(1 | 1 << 31), &block, &[0; 4]].concat();
    s.frame(HEADERS, PADDED | WITH_PRIORITY | END_STREAM | END_HEADERS, 3, payload);
    s.served(3).map(|_| ())
}

fn padding_longer_than_the_block_is_a_connection_error(site: &Site) -> Verdict {
    let block = site.get().0;
    let length = u8::try_from(block.len()).unwrap_or(254);
    for padding in [length + 1, 255] {
        let mut s = site.open()?;
        // It would make the block longer.
        s.updates_table = false;
        s.frame(HEADERS, PADDED | END_STREAM | END_HEADERS, 1, [&[padding][..], &block].concat());
        s.connection_error(&[PROTOCOL_ERROR])?;
    }
    Ok(())
}

fn padding_that_leaves_no_room_for_priority_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let payload = [&[8][..], &priority_fields(0), &[0; 4]].concat();
    s.frame(HEADERS, PADDED | WITH_PRIORITY | END_STREAM | END_HEADERS, 1, payload);
    s.connection_error(&[PROTOCOL_ERROR])
}

fn no_other_frame_may_come_within_a_field_block(site: &Site) -> Verdict {
    let others = [
        frame(DATA, 0, 1, b"x"),
        frame(HEADERS, END_STREAM | END_HEADERS, 1, &site.get().0),
        frame(PRIORITY, 0, 1, &priority_fields(0)),
        rst_stream(1, 8),
        settings(&[]),
        ping([0; 8]),
        window_update(0, 1),
    ];
    for other in others {
        let mut s = site.open()?;
        s.frame(HEADERS, END_STREAM, 1, site.get().0);
        s.send(other);
        s.connection_error(&[PROTOCOL_ERROR])?;
    }
    Ok(())
}

fn no_frame_of_another_stream_may_come_within_a_field_block(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(HEADERS, END_STREAM, 1, site.get().0);
    s.request(3, &site.get());
    s.connection_error(&[PROTOCOL_ERROR])
}
