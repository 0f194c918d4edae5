//! Field blocks as weapons: without an end (CVE-2024-27316), or small on the wire and large in memory (CVE-2016-6581,
//! CVE-2026-49975).

use rws_tests::h2::codes::{COMPRESSION_ERROR, ENHANCE_YOUR_CALM, PROTOCOL_ERROR, name_of};
use rws_tests::h2::frame::{CONTINUATION, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, frame};
use rws_tests::h2::{Block, End, Peer};

use crate::press::{endured, press};
use crate::server::{Server, get};

const PIECES_MAX: u32 = 100_000;

/// The server ends the connection and says ENHANCE_YOUR_CALM, or what else its size makes it.
fn endless(what: &str, piece: impl Fn(u32) -> Vec<u8> + Send) {
    endured(|server| {
        let mut peer = server.open(&[]);
        peer.send(frame(HEADERS, END_STREAM, 1, &get("/").0));
        press(peer, PIECES_MAX, piece).was_stopped(what);
    });
}

#[test]
fn a_block_without_an_end_is_stopped() {
    endless("CONTINUATION with fields", |number| {
        let block = Block::new().field(format!("x-{number}"), "x".repeat(1_000));
        frame(CONTINUATION, 0, 1, &block.0)
    });
    endless("CONTINUATION of one octet", |_| frame(CONTINUATION, 0, 1, &[0x82]));
    endless("CONTINUATION without anything", |_| frame(CONTINUATION, 0, 1, &[]));
    endless("CONTINUATION of full length", |_| {
        frame(CONTINUATION, 0, 1, &Block::new().field("x-long", "x".repeat(16_000)).0)
    });
}

#[test]
fn many_blocks_without_an_end_take_little_memory() {
    endured(|server| {
        let mut peers: Vec<Peer> = (0..100).map(|_| server.open(&[])).collect();
        for peer in &mut peers {
            peer.send(frame(HEADERS, END_STREAM, 1, &get("/").field("x-long", "x".repeat(15_000)).0));
        }
        server.is_sound();
    });
}

/// Sends a bomb on several streams of several connections; each is refused, and none takes memory.
fn defused(server: &Server, fuse: &Block, bomb: &Block, pairs: &[(u16, u32)]) {
    let mut peers: Vec<Peer> = (0..50).map(|_| server.open(pairs)).collect();
    for peer in &mut peers {
        peer.request(1, &get("/").and(fuse));
        for stream in [3, 5, 7] {
            peer.request(stream, &get("/").and(bomb));
        }
    }
    for peer in &mut peers {
        if peer.response(3).is_err() {
            let code = peer.log.iter().rev().find_map(|frame| frame.code());
            let lawful = [ENHANCE_YOUR_CALM, PROTOCOL_ERROR, COMPRESSION_ERROR];
            assert!(
                code.is_some_and(|code| lawful.contains(&code)),
                "{:?}; {}",
                code.map(name_of),
                peer.story()
            );
            continue;
        }
        let response = peer.response(3).unwrap_or_else(|stop| panic!("{stop}; it sent {}", peer.story()));
        let is_refused = response.status == 431 || matches!(response.end, End::Reset(_));
        assert!(is_refused, "it was answered with {}", response.status);
    }
}

/// One entry of nearly all the table, and a frame of nothing but references to it: 64 MB a request.
#[test]
fn references_to_a_large_entry_are_refused() {
    let fuse = Block::new().incremental("a", &"x".repeat(4_000));
    let bomb = Block::new().raw(vec![0x80 | 62; 16_000]);
    endured(|server| defused(server, &fuse, &bomb, &[]));
}

/// Fields of almost nothing, of which each takes its place in a list: and `cookie` is joined from all its crumbs.
#[test]
fn thousands_of_crumbs_are_refused() {
    for name in ["cookie", "a"] {
        let fuse = Block::new().incremental(name, "");
        let bomb = Block::new().raw(vec![0x80 | 62; 16_000]);
        endured(|server| defused(server, &fuse, &bomb, &[]));
    }
}

/// The same, by a client that does not take any answer.
#[test]
fn bombs_of_a_client_that_takes_no_content_are_refused() {
    let fuse = Block::new().incremental("cookie", "a=b");
    let bomb = Block::new().raw(vec![0x80 | 62; 16_000]);
    endured(|server| defused(server, &fuse, &bomb, &[(INITIAL_WINDOW_SIZE, 1)]));
}

/// Lists that are just small enough, on all streams of many connections at once.
#[test]
fn many_lists_of_lawful_size_take_little_memory() {
    let block = get("/").field("cookie", "x".repeat(6_000));
    endured(|server| {
        let mut peers: Vec<Peer> = (0..20).map(|_| server.open(&[(INITIAL_WINDOW_SIZE, 0)])).collect();
        for peer in &mut peers {
            for stream in (1..41).step_by(2) {
                peer.frame(HEADERS, END_STREAM | END_HEADERS, stream, &block.0);
            }
        }
        for peer in &mut peers {
            peer.ping().unwrap_or_else(|stop| panic!("{stop}; it sent {}", peer.story()));
        }
    });
}
