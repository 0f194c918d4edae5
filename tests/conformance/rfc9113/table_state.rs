//! Field blocks and the state that they share (RFC 9113 §4.3).

use rws_tests::h2::Block;
use rws_tests::h2::codes::COMPRESSION_ERROR;
use rws_tests::h2::frame::{END_HEADERS, HEADER_TABLE_SIZE, HEADERS, frame, rst_stream, settings};

use crate::check::{Check, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §4.3":
    a_block_that_cannot_be_decoded_is_a_connection_error,
    a_block_that_ends_within_a_field_is_a_connection_error,
    trailers_that_cannot_be_decoded_are_a_connection_error,
    the_block_of_a_malformed_request_still_counts_for_the_table,
    the_block_of_a_request_that_is_reset_at_once_counts_for_the_table,
    trailers_still_count_for_the_table,
    a_client_without_a_table_is_answered,
    a_table_that_shrinks_is_honoured,
];

fn a_block_that_cannot_be_decoded_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &site.get().indexed(0));
    s.connection_error(&[COMPRESSION_ERROR])
}

fn a_block_that_ends_within_a_field_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let block = site.get().field("name", "value");
    s.request(1, &Block(block.0[..block.0.len() - 1].to_owned()));
    s.connection_error(&[COMPRESSION_ERROR])
}

fn trailers_that_cannot_be_decoded_are_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.request(1, &Block::new().indexed(0));
    s.connection_error(&[COMPRESSION_ERROR])
}

/// The path goes into the table with a request that is malformed, and is used by a sound one.
fn the_block_of_a_malformed_request_still_counts_for_the_table(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &site.get().incremental_named(4, &site.path).field("UPPER", "case"));
    s.malformed(1)?;
    if !site.is_strict && s.ping().is_err() {
        return Ok(());
    }
    s.request(3, &by_table(site));
    s.served(3).map(|_| ())
}

fn the_block_of_a_request_that_is_reset_at_once_counts_for_the_table(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let method = Block::new().field(":method", "POST").field(":scheme", "http");
    let block = method.incremental_named(4, &site.path).field(":authority", &site.authority);
    s.send([frame(HEADERS, END_HEADERS, 1, &block.0), rst_stream(1, 8)].concat());
    s.request(3, &by_table(site));
    s.served(3).map(|_| ())
}

fn trailers_still_count_for_the_table(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.data(1, b"abc", false);
    s.request(1, &Block::new().incremental("x-trailer", "value"));
    s.heard(1)?;
    s.request(3, &site.get().incremental_named(62, "again"));
    s.served(3)?;
    s.sound(5)
}

fn by_table(site: &Site) -> Block {
    Block::new()
        .field(":method", "GET")
        .field(":scheme", "http")
        .indexed(62)
        .field(":authority", &site.authority)
}

fn a_client_without_a_table_is_answered(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(HEADER_TABLE_SIZE, 0)])?;
    for stream in [1, 3, 5] {
        s.sound(stream)?;
    }
    Ok(())
}

/// §4.3.1: what the server has put into its table has to go, and its next block has to say so. The decoder checks it.
fn a_table_that_shrinks_is_honoured(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.sound(1)?;
    s.send(settings(&[(HEADER_TABLE_SIZE, 0)]));
    s.acknowledged()?;
    s.sound(3)?;
    s.send(settings(&[(HEADER_TABLE_SIZE, 4096)]));
    s.acknowledged()?;
    s.sound(5)?;
    s.send(settings(&[(HEADER_TABLE_SIZE, 64), (HEADER_TABLE_SIZE, 1 << 20)]));
    s.acknowledged()?;
    s.sound(7)?;
    holds(s.table_updates() < 10, || format!("{} updates", s.table_updates()))
}
