//! Frames that cost the server something and bring nobody anything (CVE-2019-9511 to 9518).

use rws_tests::h2::frame::{
    ACK, DATA, END_HEADERS, HEADERS, INITIAL_WINDOW_SIZE, PADDED, PING, SETTINGS, frame, ping, priority,
    rst_stream, settings, window_update,
};

use crate::press::{endured, press};
use crate::server::{MIB, get, post};

/// More than any client has a reason to send.
const PIECES_MAX: u32 = 200_000;

/// The client reads all answers, and is stopped by the count alone.
fn stopped(what: &str, begin: &[u8], piece: impl Fn(u32) -> Vec<u8> + Send) {
    endured(|server| {
        let mut peer = server.open(&[]);
        peer.send(begin);
        press(peer, PIECES_MAX, piece).was_stopped(what);
    });
}

fn upload() -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 1, &post("/echo").0)
}

#[test]
fn a_flood_of_pings_is_stopped() {
    stopped("PING", &[], |number| ping(u64::from(number).to_be_bytes()));
    stopped("PING ACK", &[], |_| frame(PING, ACK, 0, &[0; 8]));
}

#[test]
fn a_flood_of_settings_is_stopped() {
    stopped("SETTINGS", &[], |_| settings(&[]));
    stopped("SETTINGS of one value", &[], |number| settings(&[(INITIAL_WINDOW_SIZE, number % 60_000)]));
    stopped("SETTINGS of many values", &[], |_| settings(&[(INITIAL_WINDOW_SIZE, 0); 100]));
}

#[test]
fn a_flood_of_priorities_is_stopped() {
    stopped("PRIORITY", &[], |number| priority(2 * number + 1, 0));
    // RFC 9218 §7.1.
    stopped("PRIORITY_UPDATE", &[], |number| {
        frame(0x10, 0, 0, &[&(2 * number + 1).to_be_bytes()[..], b"u=1"].concat())
    });
}

#[test]
fn a_flood_of_empty_data_is_stopped() {
    stopped("DATA without content", &upload(), |_| frame(DATA, 0, 1, &[]));
    stopped("DATA with nothing but padding", &upload(), |_| frame(DATA, PADDED, 1, &[1, 0]));
}

#[test]
fn a_flood_of_credit_is_stopped() {
    stopped("WINDOW_UPDATE of the connection", &[], |_| window_update(0, 1));
    stopped("WINDOW_UPDATE of a stream", &upload(), |_| window_update(1, 1));
}

#[test]
fn a_flood_of_what_is_unknown_or_over_is_stopped() {
    stopped("frames of unknown type", &[], |_| frame(0x42, 0, 0, &[]));
    let over = [upload(), rst_stream(1, 8)].concat();
    stopped("resets of a stream that is over", &over, |_| rst_stream(1, 8));
    stopped("credit for a stream that is over", &over, |_| window_update(1, 1));
}

/// CVE-2019-9512, 9515, 9517: the client never reads, so that answers to it queue up.
fn queues_nothing(what: &str, pairs: &[(u16, u32)], begin: &[u8], piece: impl Fn(u32) -> Vec<u8>) {
    use std::io::Write;
    const OCTETS_MAX: usize = 24 * MIB as usize;
    endured(|server| {
        let mut peers: Vec<_> = (0..4).map(|_| server.open(pairs)).collect();
        for peer in &mut peers {
            peer.send(begin);
            let _ = peer.stream.set_write_timeout(Some(core::time::Duration::from_millis(200)));
            let (mut sent, mut number) = (0, 0);
            while sent < OCTETS_MAX {
                let octets: Vec<u8> = (0..200).flat_map(|at| piece(number + at)).collect();
                // The server either ends it, or does not take any more.
                if peer.stream.write_all(&octets).is_err() {
                    break;
                }
                (sent, number) = (sent + octets.len(), number + 200);
            }
            println!("{what}: {number} pieces");
            assert!(sent < OCTETS_MAX, "{what}: it takes them all");
        }
    });
}

#[test]
fn answers_that_nobody_reads_do_not_queue_up() {
    queues_nothing("PING", &[], &[], |number| ping(u64::from(number).to_be_bytes()));
    queues_nothing("SETTINGS", &[], &[], |_| frame(SETTINGS, 0, 0, &[]));
    queues_nothing("malformed requests", &[], &[], |number| {
        frame(HEADERS, END_HEADERS | 1, 2 * number + 1, &get("/").field("X-Upper", "case").0)
    });
}

#[test]
fn content_that_nobody_reads_does_not_queue_up() {
    let wide = [(INITIAL_WINDOW_SIZE, (1 << 31) - 1)];
    queues_nothing("requests", &wide, &window_update(0, (1 << 31) - 1 - 65_535), |number| {
        frame(HEADERS, END_HEADERS | 1, 2 * number + 1, &get("/hello/somebody-with-a-long-name-or-so").0)
    });
}
