//! A client and a server, joined by memory: whatever the pieces, the windows, the order and the resets, everything
//! comes to an end.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::testing::{Drive, Give, Grown, Message, Script};
use super::{Client, Server};
use crate::Limits;
use crate::connection::{BodyPlan, Connection as _, ConnectionStatus, StreamId};

/// A generator of numbers that look random, and are the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn body(&mut self) -> Message {
        let len = [0, 1, 50, 700, 5000][self.below(5) as usize];
        let bytes: Vec<u8> = (0..len).map(|n| b'a' + (n % 26) as u8).collect();
        match self.below(3) {
            0 if len == 0 => Message::new(200),
            0 => {
                Message { plan: BodyPlan::Sized(len), body: [Give::Bytes(bytes)].into(), ..Message::new(200) }
            }
            _ => {
                let mut body = Vec::new();
                for piece in bytes.chunks(1 + self.below(2000) as usize) {
                    if self.below(3) == 0 {
                        body.push(Give::Blocked);
                    }
                    body.push(Give::Bytes(piece.to_vec()));
                }
                let mut message =
                    Message { plan: BodyPlan::Streamed, body: body.into(), ..Message::new(200) };
                if self.below(2) == 0 {
                    message.trailers.push("sum", b"1").unwrap();
                }
                message
            }
        }
    }
}

/// One conversation; what was opened, and how many of it were answered in full.
fn converse(seed: u64, rounds: usize) -> (usize, usize) {
    let mut random = Random(seed);
    let limits = |random: &mut Random| Limits {
        response_head_bytes_max: 256,
        trailer_bytes_max: 128,
        body_window_bytes: [20, 100, 1000, 65_535, 100_000][random.below(5) as usize],
        streams_max: 1 + random.below(8) as u16,
        resets_per_minute_max: u16::MAX,
        control_frames_per_minute_max: u16::MAX,
        ..Limits::SERVER
    };
    let (ours, theirs) = (limits(&mut random), limits(&mut random));
    let (mut near, mut far) = (Drive::new(&ours), Drive::new(&theirs));
    (near.tx_bytes, far.tx_bytes) = (600, 600);
    let mut client = Client::new(&near.env(), Grown::new(), false);
    let mut server = Server::new(&far.env(), Grown::new());
    let (mut requests, mut answers) = (Script::default(), Script::default());
    let mut open: BTreeMap<u32, StreamId> = BTreeMap::new();
    let mut opened = 0;
    for round in 0..rounds + 4000 {
        let draining = round >= rounds;
        if !draining && random.below(4) == 0 {
            requests.messages.push_back(Message { method: "POST", ..random.body().at_once() });
            match client.open(&near.env()) {
                Ok(stream) => {
                    open.insert(stream.generation(), stream);
                    opened += 1;
                    let answer = random.body();
                    let at_once = random.below(4) == 0;
                    answers.messages.push_back(if at_once { answer.at_once() } else { answer });
                }
                Err(_) => drop(requests.messages.pop_back()),
            }
        }
        if !draining
            && random.below(40) == 0
            && let Some((_, &stream)) = open.iter().nth(random.below(8) as usize)
        {
            client.reset(stream);
        }
        let step = 1 + random.below(if draining { 5000 } else { 300 }) as usize;
        near.feed(&mut client, &mut requests, b"");
        let there: Vec<u8> = near.output.drain(..step.min(near.output.len())).collect();
        far.feed(&mut server, &mut answers, &there);
        let back: Vec<u8> = far.output.drain(..step.min(far.output.len())).collect();
        near.feed(&mut client, &mut requests, &back);
        open.retain(|_, stream| client.is_live(*stream));
        if draining && open.is_empty() && near.output.is_empty() && far.output.is_empty() {
            break;
        }
    }
    let stand = (client.status(), server.status());
    assert_eq!(
        stand,
        (ConnectionStatus::Open, ConnectionStatus::Open),
        "seed {seed}: {:?} {:?}",
        near.log,
        far.log
    );
    let sent = (requests.ended.last(), answers.ended.last());
    assert!(open.is_empty(), "seed {seed}: {open:?} {sent:?} {:#?} {:#?}", near.log, far.log);
    assert_eq!((client.live(), server.live()), (0, 0), "seed {seed}");
    let answered = near.log.iter().filter(|line| line.contains(" response ")).count();
    (opened, answered)
}

#[test]
fn conversations_of_every_kind_come_to_their_end() {
    let (seeds, rounds) = if cfg!(miri) { (1, 30) } else { (60, 400) };
    let mut total = (0, 0);
    for seed in 0..seeds {
        let (opened, answered) = converse(seed, rounds);
        total = (total.0 + opened, total.1 + answered);
    }
    assert!(total.1 > 0 && total.0 >= total.1, "{total:?}");
}
