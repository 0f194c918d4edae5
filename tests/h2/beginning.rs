//! The first bytes of a connection decide what it speaks, however they are cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use rws_tests::h2::PREFACE;

use crate::server::PATIENCE;
use crate::serving::{BEAT, Site};

/// Which protocol an answer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    /// HTTP/1, with this status.
    One(u16),
    /// HTTP/2, with this code in GOAWAY.
    Two(u32),
    /// HTTP/2, and the end without a GOAWAY.
    Settings,
    /// Not a byte.
    Nothing,
}

/// What each of `beginnings` is answered with, when it is sent in two pieces that are cut at each place; all cuts at
/// once. Each client ends there if it `ends`.
fn spoken(site: &Site, beginning: &[u8], ends: bool) -> Vec<Spoken> {
    let clients: Vec<(TcpStream, &[u8])> = (0..beginning.len())
        .map(|cut| {
            let mut client = site.connect().stream;
            let (first, second) = beginning.split_at(cut);
            client.write_all(first).expect("it reads");
            (client, second)
        })
        .collect();
    std::thread::park_timeout(BEAT);
    clients.into_iter().map(|(client, second)| answer(client, second, ends)).collect()
}

fn answer(mut client: TcpStream, second: &[u8], ends: bool) -> Spoken {
    // It may have answered already, and closed.
    let _ = client.write_all(second);
    if ends {
        let _ = client.shutdown(Shutdown::Write);
    }
    client.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut answer = Vec::new();
    // Whether the last of it was lost to a reset is no matter here.
    let _ = client.read_to_end(&mut answer);
    if let Some(rest) = answer.strip_prefix(b"HTTP/1.1 ") {
        let status = str::from_utf8(&rest[..3]).expect("digits");
        return Spoken::One(status.parse().expect("a status"));
    }
    let mut rest = &answer[..];
    while let Some((&[a, b, c, kind, _, _, _, _, _], after)) = rest.split_first_chunk::<9>() {
        let (payload, after) = after.split_at(u32::from_be_bytes([0, a, b, c]) as usize);
        if kind == rws_tests::h2::frame::GOAWAY {
            return Spoken::Two(u32::from_be_bytes(*payload[4..].first_chunk().expect("a code")));
        }
        rest = after;
    }
    let is_two = answer.starts_with(b"\0\0\x18\x04\0");
    assert!(answer.is_empty() || is_two, "neither: {}", answer.escape_ascii());
    if is_two { Spoken::Settings } else { Spoken::Nothing }
}

/// The request line says what is spoken: behind it, what is wrong is wrong with HTTP/2.
#[test]
fn a_preface_that_goes_wrong_is_answered_alike_wherever_it_is_cut() {
    let site = Site::hasty();
    for wrong in 0..PREFACE.len() {
        for ends in [false, true] {
            let beginning = [&PREFACE[..wrong], b"X: y\r\n\r\nX: y\r\n\r\n"].concat();
            let said = spoken(&site, &beginning, ends);
            assert!(said.windows(2).all(|two| two[0] == two[1]), "wrong at {wrong}, ends: {ends}: {said:?}");
            match (said[0], wrong) {
                (Spoken::Two(rws_tests::h2::codes::PROTOCOL_ERROR), 14..) | (Spoken::One(400..), ..14) => {}
                other => panic!("wrong at {wrong}: {other:?}"),
            }
        }
    }
}

/// Whether our SETTINGS are out before its end is seen is a matter of time, and no other protocol.
#[test]
fn a_preface_that_ends_early_is_never_answered_as_a_request() {
    let site = Site::hasty();
    for end in 1..=PREFACE.len() {
        let said = spoken(&site, &PREFACE[..end], true);
        let is_sound = |said: &Spoken| *said == Spoken::Nothing || (*said == Spoken::Settings && end >= 14);
        assert!(said.iter().all(is_sound), "ends at {end}: {said:?}");
    }
}
