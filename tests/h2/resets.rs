//! Rapid Reset (CVE-2023-44487) and MadeYouReset (CVE-2025-8671): work begun and thrown away, again and again.

use rws_tests::h2::codes::ENHANCE_YOUR_CALM;
use rws_tests::h2::frame::{
    DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, PRIORITY, WITH_PRIORITY, frame,
    priority_fields, rst_stream, window_update,
};

use crate::press::{Ended, endured, press};
use crate::server::{get, post, scale};

/// One connection may do this at most so often.
const PIECES_MAX: u32 = 20_000;

const fn stream(number: u32) -> u32 {
    2 * number + 1
}

/// Each handler waits for content, and learns that none comes.
#[test]
fn a_client_that_resets_what_it_begins_is_let_go_and_costs_no_memory() {
    endured(|server| {
        let wanted = 100_000 * scale();
        let (mut taken, mut connections) = (0, 0);
        while taken < wanted {
            let ended = press(server.open(&[]), 2_000, |number| {
                let head = frame(HEADERS, END_HEADERS, stream(number), &post("/echo").0);
                [head, rst_stream(stream(number), 8)].concat()
            });
            assert!(ended.code == Some(ENHANCE_YOUR_CALM) && ended.is_closed, "{ended:?}");
            taken += ended.last_stream.div_ceil(2).max(1);
            connections += 1;
        }
        println!("{taken} resets on {connections} connections");
        assert!(connections > wanted / 2_000, "each may have so many");
    });
}

/// A handler that sleeps can't be woken: it costs a thread until it is done. One that waits for a thread never runs.
#[test]
fn requests_that_are_reset_while_their_handlers_sleep_count_as_well() {
    endured(|server| {
        for _ in 0..3 {
            let ended = press(server.open(&[]), 2_000, |number| {
                let head = frame(HEADERS, END_STREAM | END_HEADERS, stream(number), &get("/sleep/20").0);
                [head, rst_stream(stream(number), 8)].concat()
            });
            ended.was_stopped("reset while its handler sleeps");
        }
    });
}

/// Streams that the server itself has to reset, by what the client does on them.
fn made_to_reset(what: &str, misdeed: impl Fn(u32) -> Vec<u8> + Sync) {
    endured(|server| {
        let ended: Ended = press(server.open(&[(INITIAL_WINDOW_SIZE, 0)]), PIECES_MAX, |number| {
            let head = frame(HEADERS, END_HEADERS, stream(number), &post("/echo").0);
            [head, misdeed(stream(number))].concat()
        });
        ended.was_stopped(what);
    });
}

#[test]
fn credit_of_nothing_counts_as_a_reset() {
    made_to_reset("no credit", |stream| window_update(stream, 0));
}

#[test]
fn too_much_credit_counts_as_a_reset() {
    made_to_reset("too much credit", |stream| window_update(stream, (1 << 31) - 1).repeat(2));
}

#[test]
fn content_behind_the_end_counts_as_a_reset() {
    made_to_reset("content behind the end", |stream| {
        [frame(DATA, END_STREAM, stream, b"x"), frame(DATA, END_STREAM, stream, b"x")].concat()
    });
}

#[test]
fn a_head_behind_the_end_counts_as_a_reset() {
    made_to_reset("a head behind the end", |stream| {
        let trailers = frame(HEADERS, END_STREAM | END_HEADERS, stream, b"");
        [frame(DATA, END_STREAM, stream, b"x"), trailers].concat()
    });
}

#[test]
fn priority_of_a_wrong_length_counts_as_a_reset() {
    made_to_reset("priority of four octets", |stream| frame(PRIORITY, 0, stream, &[0; 4]));
}

/// A message that turns out to be malformed.
fn malformed(what: &str, piece: impl Fn(u32) -> Vec<u8> + Sync) {
    endured(|server| press(server.open(&[]), PIECES_MAX, |number| piece(stream(number))).was_stopped(what));
}

#[test]
fn malformed_heads_count_as_resets() {
    malformed("an upper-case name", |stream| {
        frame(HEADERS, END_STREAM | END_HEADERS, stream, &get("/").field("X-Upper", "case").0)
    });
    malformed("no path", |stream| {
        let block = rws_tests::h2::Block::new().field(":method", "GET").field(":scheme", "http");
        frame(HEADERS, END_STREAM | END_HEADERS, stream, &block.0)
    });
}

#[test]
fn content_of_another_length_than_told_counts_as_a_reset() {
    malformed("content too long", |stream| {
        let head = frame(HEADERS, END_HEADERS, stream, &post("/echo").field("content-length", "1").0);
        [head, frame(DATA, END_STREAM, stream, b"xx")].concat()
    });
}

#[test]
fn streams_that_depend_on_themselves_count_as_resets() {
    malformed("a stream that depends on itself", |stream| {
        let payload = [&priority_fields(stream)[..], &get("/").0].concat();
        frame(HEADERS, WITH_PRIORITY | END_STREAM | END_HEADERS, stream, &payload)
    });
}

#[test]
fn refused_streams_count_as_resets() {
    malformed("more streams than allowed", |stream| frame(HEADERS, END_HEADERS, stream, &post("/echo").0));
}
