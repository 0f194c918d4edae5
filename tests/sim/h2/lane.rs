//! One direction of frames, with somebody in between who adds frames of a peer that changes its mind.
//!
//! ```text
//!   writer ─▶ Lane ─┬─ every frame as it is, byte by byte                          ─▶ link
//!                   ├─ between frames: settings lowered and restored, pings, priorities, unknown kinds
//!                   └─ what answers those goes no further: the other machine never sent them
//! ```
//!
//! Only what the other side could have said without harm is added: windows, tables and numbers of streams that are
//! smaller than its own, for a while. Of what wants an answer, one at a time: two machines that both want to answer before
//! they read on, over a wire that is full of less than one frame, would wait for each other.

use std::collections::VecDeque;

use rws_core::h2::PREFACE;
use rws_core::h2::frame::{FrameHeader, FrameKind, PriorityData, PriorityUpdate, Settings, flags};
use rws_core::h2::settings::{self, Setting};

use crate::dice::Dice;
use crate::link::Link;

const OUR_PING: [u8; 8] = *b"meddler!";

/// What has been said of settings, by the writer or for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// By the writer: its acknowledgement goes back to it.
    Writer,
    /// By us.
    Us,
}

#[derive(Debug)]
pub(super) struct Lane {
    preface_left: usize,
    /// The header of the frame that comes, and all of a frame that is looked into.
    held: Vec<u8>,
    payload_left: usize,
    /// A field block has begun: nothing may stand between its frames.
    in_block: bool,
    /// The first frame of all has passed.
    begun: bool,
    /// What was said in this direction and is not acknowledged.
    said: VecDeque<Said>,
    /// What the writer has said of itself: window, table, streams.
    own: settings::Settings,
    /// Whether it counts for less at present.
    lowered: bool,
    /// Frames to add, and whether they will be acknowledged.
    due: VecDeque<(Vec<u8>, bool)>,
    /// One of our pings is not answered.
    pinged: bool,
    /// Bytes of the writer's, and frames and bytes of ours.
    passed: u64,
    pub(super) added: u64,
    added_bytes: u64,
}

impl Lane {
    pub(super) fn new(is_client: bool) -> Lane {
        Lane {
            preface_left: if is_client { PREFACE.len() } else { 0 },
            held: Vec::new(),
            payload_left: 0,
            in_block: false,
            begun: false,
            said: VecDeque::new(),
            own: settings::Settings::INITIAL,
            lowered: false,
            due: VecDeque::new(),
            pinged: false,
            passed: 0,
            added: 0,
            added_bytes: 0,
        }
    }

    /// Passes a byte on. `back` is the other direction, whose settings this one acknowledges.
    pub(super) fn pass(&mut self, byte: u8, back: &mut Lane, link: &mut Link) {
        self.passed += 1;
        if self.preface_left > 0 {
            self.preface_left -= 1;
            link.write(byte);
            return;
        }
        if self.payload_left > 0 {
            self.payload_left -= 1;
            link.write(byte);
        } else {
            self.held.push(byte);
            self.look_into(back, link);
        }
        self.add(link);
    }

    /// Whether nothing is held back, and no frame has begun.
    fn is_between_frames(&self) -> bool {
        self.begun && self.held.is_empty() && self.payload_left == 0 && !self.in_block
    }

    fn look_into(&mut self, back: &mut Lane, link: &mut Link) {
        let Some(header) = FrameHeader::read(&self.held) else { return };
        let length = header.length as usize;
        let is_looked_into = matches!(header.kind, FrameKind::Settings | FrameKind::Ping);
        if is_looked_into && self.held.len() < FrameHeader::BYTES + length {
            return;
        }
        self.begun = true;
        let payload = &self.held[FrameHeader::BYTES..];
        let goes_on = match header.kind {
            FrameKind::Settings if Settings::read(header).ack => {
                back.said.pop_front().expect("an acknowledgement of what was said") == Said::Writer
            }
            FrameKind::Settings => {
                for entry in Settings::entries(payload) {
                    let role = rws_core::h2::Role::Client;
                    self.own.apply(entry, role).expect("settings that are allowed");
                }
                self.said.push_back(Said::Writer);
                self.lowered = false;
                true
            }
            FrameKind::Ping if header.has(flags::ACK) && payload == OUR_PING => {
                back.pinged = false;
                false
            }
            FrameKind::Headers | FrameKind::PushPromise | FrameKind::Continuation => {
                self.in_block = !header.has(flags::END_HEADERS);
                true
            }
            _ => true,
        };
        if goes_on {
            self.held.iter().for_each(|byte| link.write(*byte));
        }
        if !is_looked_into {
            self.payload_left = length;
        }
        self.held.clear();
    }

    /// Adds what is due, if a frame may stand here.
    pub(super) fn add(&mut self, link: &mut Link) -> bool {
        let mut moved = false;
        while self.is_between_frames()
            && let Some((frame, is_settings)) = self.due.pop_front()
        {
            if is_settings {
                self.said.push_back(Said::Us);
            }
            frame.iter().for_each(|byte| link.write(*byte));
            moved = true;
            self.added += 1;
            self.added_bytes += frame.len() as u64;
        }
        moved
    }

    /// Whether something of ours is not answered.
    pub(super) fn awaits(&self) -> bool {
        self.pinged || self.said.contains(&Said::Us) || self.due.iter().any(|due| due.1)
    }

    /// Settings that were lowered are what they were. Whether any were.
    pub(super) fn restore(&mut self) -> bool {
        let lowered = core::mem::take(&mut self.lowered);
        if lowered {
            self.say(&[
                (settings::INITIAL_WINDOW_SIZE, self.own.window_bytes),
                (settings::HEADER_TABLE_SIZE, self.own.header_table_bytes),
                (settings::MAX_CONCURRENT_STREAMS, self.own.streams_max),
            ]);
        }
        lowered
    }

    /// Says something that the writer could have said.
    pub(super) fn meddle(&mut self, dice: &mut Dice, is_client: bool, may_ask: bool) {
        // A narrow wire has room for the machines too.
        if !self.begun || self.due.len() > 3 || self.added_bytes * 3 > self.passed {
            return;
        }
        let stream = 1 + 2 * dice.roll(200) as u32;
        match dice.roll(8) {
            0..=3 if !may_ask => {}
            0 | 1 => self.lower(dice),
            2 => _ = self.restore(),
            3 => {
                self.pinged = true;
                self.frame(FrameKind::Ping, 0, 0, &OUR_PING);
            }
            4 => {
                let kind = FrameKind::Unknown(dice.pick(&[0x0a, 0x0c, 0x42, 0xff]));
                let payload = vec![0x5a; dice.size(300)];
                self.frame(kind, dice.next() as u8, dice.pick(&[0, stream]), &payload);
            }
            5 => {
                let data =
                    PriorityData { depends_on: 0, exclusive: dice.one_in(2), weight: dice.next() as u8 };
                self.frame(FrameKind::Priority, 0, stream, &data.bytes());
            }
            _ if is_client => {
                let value = dice.pick(&[&b"u=0"[..], b"u=7, i", b"i", b"", b"u=9", b"?!", b"u=3, x=(1 2);y"]);
                let start = PriorityUpdate { stream, content: value.len() as u32 }.start();
                self.due.push_back(([&start[..], value].concat(), false));
            }
            _ => {}
        }
    }

    fn lower(&mut self, dice: &mut Dice) {
        let less = |dice: &mut Dice, most: u32| dice.roll(u64::from(most) + 1) as u32;
        let all = [
            (settings::INITIAL_WINDOW_SIZE, less(dice, self.own.window_bytes)),
            (settings::HEADER_TABLE_SIZE, less(dice, self.own.header_table_bytes)),
            (settings::MAX_CONCURRENT_STREAMS, less(dice, self.own.streams_max.min(20))),
        ];
        let some = &all[..1 + dice.roll(3) as usize];
        self.say(some);
        self.lowered = true;
    }

    fn say(&mut self, entries: &[(u16, u32)]) {
        let payload: Vec<u8> =
            entries.iter().flat_map(|&(id, value)| Setting { id, value }.bytes()).collect();
        self.frame(FrameKind::Settings, 0, 0, &payload);
    }

    fn frame(&mut self, kind: FrameKind, flags: u8, stream: u32, payload: &[u8]) {
        let header = FrameHeader { length: payload.len() as u32, kind, flags, stream };
        self.due.push_back(([&header.bytes()[..], payload].concat(), kind == FrameKind::Settings));
    }
}
