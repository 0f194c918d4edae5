//! Sending frames as fast as they go, until the server has had enough.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::io::Write;
use std::time::Instant;

use rws_tests::h2::codes::{ENHANCE_YOUR_CALM, NO_ERROR};
use rws_tests::h2::frame::{ACK, GOAWAY, PING, ping};
use rws_tests::h2::{Code, Got, Peer, Stop, name_of};

use crate::neighbour::Neighbour;
use crate::server::{MIB, Server, scale};

/// What a server may have more of after an attack than before.
const GROWTH_BYTES_MAX: u64 = 16 * MIB;
/// The processor that it may take for one: far more than any of them needs.
const CPU_MAX: Duration = Duration::from_secs(10);
const AT_ONCE_BYTES: usize = 4096;
const LAST: [u8; 8] = *b"the last";

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// Pieces that were written: some of them only to be thrown away.
    pub(crate) sent: u32,
    /// The last stream that the server took.
    pub(crate) last_stream: u32,
    /// The code of its GOAWAY.
    pub(crate) code: Option<Code>,
    pub(crate) is_closed: bool,
}

impl Ended {
    /// Asserts that the server ended it, and said why.
    #[track_caller]
    pub(crate) fn was_stopped(self, what: &str) {
        let code = self.code.map(name_of);
        println!("{what}: {code:?} after at most {} pieces", self.sent);
        assert!(self.code == Some(ENHANCE_YOUR_CALM), "{what}: {code:?} after {} pieces", self.sent);
        assert!(self.is_closed, "{what}: the connection stays open behind GOAWAY");
    }
}

/// Sends pieces 0, 1, … up to a count, and reads whatever comes, until the server ends it or has read them all.
pub(crate) fn press(mut peer: Peer, count: u32, mut piece: impl FnMut(u32) -> Vec<u8> + Send) -> Ended {
    let mut writer = peer.stream.try_clone().expect("a descriptor");
    let written = AtomicU32::new(0);
    peer.audits = false;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut octets = Vec::new();
            for number in 0..count {
                octets.extend_from_slice(&piece(number));
                if octets.len() >= AT_ONCE_BYTES {
                    if writer.write_all(&octets).is_err() {
                        return;
                    }
                    written.store(number + 1, Ordering::SeqCst);
                    octets.clear();
                }
            }
            octets.extend_from_slice(&ping(LAST));
            if writer.write_all(&octets).is_ok() {
                written.store(count, Ordering::SeqCst);
            }
        });
        let mut ended = listen(&mut peer);
        // Wakes the writer, if it still waits for a reader.
        let _ = peer.stream.shutdown(std::net::Shutdown::Both);
        ended.sent = written.load(Ordering::SeqCst);
        ended
    })
}

/// Reads until the connection is over, or the last piece is read.
fn listen(peer: &mut Peer) -> Ended {
    let mut ended = Ended { sent: 0, last_stream: 0, code: None, is_closed: false };
    let mut deadline = Instant::now() + peer.patience;
    loop {
        match peer.pump(deadline) {
            Got::Stop(Stop::Closed) => return Ended { is_closed: true, ..ended },
            Got::Stop(stop) => {
                assert!(stop == Stop::Silent, "{stop}");
                return ended;
            }
            Got::Frame => {}
        }
        let Some(frame) = peer.log.pop() else { continue };
        if frame.kind == GOAWAY && frame.code() != Some(NO_ERROR) {
            (ended.code, ended.last_stream) = (frame.code(), frame.number(0).unwrap_or_default());
            deadline = Instant::now() + Duration::from_secs(5);
        }
        if frame.has(PING, ACK) && frame.payload == LAST {
            return ended;
        }
    }
}

/// Carries out an attack while a neighbour is served; the server keeps its memory and then rests.
#[track_caller]
pub(crate) fn endured(attack: impl FnOnce(&Server)) {
    let server = Server::start();
    let (peak, began) = (server.peak_bytes(), server.cpu_time());
    let neighbour = Neighbour::of(&server);
    attack(&server);
    neighbour.was_served();
    let (grown, used) = (server.peak_bytes() - peak, server.cpu_time() - began);
    println!("the server grew by {} KiB and took {used:?}", grown / 1024);
    assert!(grown < GROWTH_BYTES_MAX, "it grew by {grown} bytes");
    assert!(used < CPU_MAX * scale(), "it took {used:?}");
    server.rests();
    server.is_sound();
}
