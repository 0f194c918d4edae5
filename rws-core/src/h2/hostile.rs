//! Frames that nobody would send, in any order: whatever comes, the machine stays sound and comes to rest.

use alloc::vec::Vec;

use super::stream::{Flags, NONE, State};
use super::testing::{Drive, Frames, Give, Grown, Message, POST, Script};
use super::{ErrorCode, Server};
use crate::Limits;
use crate::connection::{Connection as _, ConnectionStatus, StreamId};

/// A generator of numbers that look random, and are the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(end)) as u32
    }

    fn bytes(&mut self, most: u32) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.below(256) as u8).collect()
    }

    /// A stream that may be there, or one near those.
    fn stream(&mut self, next: u32) -> u32 {
        match self.below(8) {
            0 if self.below(30) == 0 => self.below(next + 8),
            _ => (next | 1).saturating_sub(2 * self.below(8)).max(1),
        }
    }

    /// A frame; mostly one that fits. `open` are the streams whose bodies are still to come.
    fn frame(&mut self, next: &mut u32, open: &mut Vec<u32>) -> Frames {
        let id = self.stream(*next);
        let at = self.below(open.len().max(1) as u32) as usize;
        let of_body = if self.below(60) == 0 { Some(id) } else { open.get(at).copied() };
        let frames = Frames::default();
        match (self.below(22), of_body) {
            (0 | 1, _) => {
                *next += 2;
                frames.get(*next)
            }
            (2..5, _) => {
                *next += 2;
                open.push(*next);
                frames.post(*next)
            }
            (5, Some(id)) => {
                open.retain(|&at| at != id);
                frames.headers(id, true, &[("x", "y")])
            }
            (6..10, Some(id)) => {
                let (bytes, end) = (self.bytes(300), self.below(4) == 0);
                open.retain(|&at| at != id || !end);
                frames.data(id, end, &bytes)
            }
            (kind, of_body) => self.other_frame(kind, id, of_body, next),
        }
    }

    fn other_frame(&mut self, kind: u32, id: u32, of_body: Option<u32>, next: &mut u32) -> Frames {
        let frames = Frames::default();
        match kind {
            10 if id <= *next => frames.reset(id.max(1), ErrorCode::CANCEL),
            11 | 12 => {
                frames.window(if self.below(2) == 0 { 0 } else { id.min(*next) }, 1 + self.below(5000))
            }
            13 => frames.settings(&[(4, self.below(2000)), (1, self.below(5000))]),
            14 => frames.settings_ack(),
            15 => frames.ping(self.below(2) == 0, [7; 8]),
            16 => frames.frame(0x10, 0, 0, &[&id.max(1).to_be_bytes()[..], b"u=1, i"].concat()),
            17 => {
                *next += 2;
                frames.continued(*next, self.below(2) == 0, POST, 1 + self.below(9) as usize)
            }
            18 if of_body.is_some() => {
                let id = of_body.unwrap_or(id);
                let (pad, bytes) = (self.below(20) as u8, self.bytes(20));
                let payload = [&[pad][..], &bytes, &alloc::vec![0; usize::from(pad)]].concat();
                frames.frame(0, 0x8, id, &payload)
            }
            // Seldom, since it mostly ends the connection.
            19 if self.below(40) == 0 => {
                let (kind, flags, bytes) = (self.below(12) as u8, self.below(256) as u8, self.bytes(40));
                frames.frame(kind, flags, id, &bytes)
            }
            20 if self.below(60) == 0 => {
                let bytes = self.bytes(60);
                frames.raw(&bytes)
            }
            _ => frames.frame(0xfa, 0, id, b"nobody's"),
        }
    }

    fn message(&mut self) -> Message {
        let len = self.below(3000) as usize;
        let body = alloc::vec![b'x'; len];
        let mut message = Message::new(200);
        message.waits = self.below(3) as usize;
        message.body_first = self.below(2) == 0;
        match self.below(4) {
            0 => {}
            1 => {
                message.plan = crate::connection::BodyPlan::Sized(len as u64);
                message.body = [Give::Blocked, Give::Bytes(body)].into();
            }
            2 => {
                message.plan = crate::connection::BodyPlan::Streamed;
                message.body = [Give::Bytes(body), Give::Abort].into();
            }
            _ => {
                message.plan = crate::connection::BodyPlan::Streamed;
                message.body = [Give::Bytes(body), Give::Blocked].into();
                message.trailers.push("sum", b"1").unwrap();
            }
        }
        message
    }
}

/// What must be so of the slots whatever has happened.
fn assert_sound(server: &Server<Grown>) {
    let (machine, slots) = (&server.machine, &server.memory.slots);
    let live = slots.iter().filter(|slot| slot.is_live()).count();
    assert_eq!(live, usize::from(machine.live));
    let taken = slots.iter().filter(|slot| slot.state != State::Free).count();
    assert_eq!(taken, usize::from(machine.streams.taken()));
    let mut at = machine.control;
    let mut listed = 0;
    while at != NONE {
        let slot = &slots[usize::from(at)];
        assert!(slot.flags.has(Flags::CONTROL) && slot.state != State::Free);
        listed += 1;
        at = slot.next_control;
    }
    assert_eq!(
        listed,
        slots.iter().filter(|slot| slot.flags.has(Flags::CONTROL) && slot.state != State::Free).count()
    );
    for (at, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.state != State::Free) {
        assert_eq!(machine.streams.find(slots, slot.id), Some(at as u16));
        assert!(slot.state != State::Closed || slot.flags.has(Flags::CONTROL), "closed streams go at once");
        assert!(!slot.flags.has(Flags::QUEUED) || slot.is_live());
    }
}

fn attack(seed: u64, steps: usize) -> usize {
    let mut random = Random(seed);
    let limits = Limits {
        response_head_bytes_max: 128,
        trailer_bytes_max: 128,
        body_window_bytes: [0, 50, 1000, 65_535][random.below(4) as usize],
        body_bytes_max: [500, u64::MAX][random.below(2) as usize],
        streams_max: 1 + random.below(6) as u16,
        resets_per_minute_max: 1000,
        control_frames_per_minute_max: 1000,
        header_table_bytes_max: 4096,
        continuation_frames_max: u8::MAX,
        ..Limits::DEVICE
    };
    let mut drive = Drive::new(&limits);
    drive.tx_bytes = 400;
    drive.grants = random.below(2) == 0;
    let mut server = Server::new(&drive.env(), Grown::new());
    let mut script = Script::new((0..steps + 50).map(|_| random.message()));
    let first = Frames(super::PREFACE.to_vec()).settings(&[]).get(1);
    let first = if random.below(8) == 0 { first } else { first.settings_ack() };
    drive.feed(&mut server, &mut script, &first.0);
    let (mut next, mut open) = (1, Vec::new());
    let mut done = 0;
    while done < steps {
        done += 1;
        let frame = random.frame(&mut next, &mut open).0;
        let cut = random.below(frame.len() as u32 + 1) as usize;
        drive.feed(&mut server, &mut script, &frame[..cut]);
        assert_sound(&server);
        drive.feed(&mut server, &mut script, &frame[cut..]);
        assert_sound(&server);
        let named = StreamId::new(random.below(6), random.stream(next));
        match random.below(12) {
            0 => server.reset(named),
            1 => drop(server.grant(named, random.below(1000))),
            2 => server.wake(named),
            3 => drive.pass(&mut server, &mut script, u64::from(random.below(3_000_000))),
            4 => server.excuse_peer(),
            5 => server.release(),
            6 => drop(server.push(&drive.env(), named)),
            _ => {}
        }
        drive.feed(&mut server, &mut script, b"");
        assert_sound(&server);
        drive.log.clear();
        if matches!(server.status(), ConnectionStatus::Closed | ConnectionStatus::CloseAfterFlush) {
            break;
        }
    }
    // What was written can be read, whatever was asked.
    super::testing::read(&drive.output);
    done
}

#[test]
fn whatever_comes_the_machine_stays_sound() {
    let (seeds, steps) = if cfg!(miri) { (2, 20) } else { (400, 150) };
    let total: usize = (0..seeds).map(|seed| attack(seed, steps)).sum();
    assert!(total > seeds as usize * steps / 4, "most of them go on for a while: {total}");
}
