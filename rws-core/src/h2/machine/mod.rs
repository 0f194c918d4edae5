//! What both roles do alike: frames in and out, streams, windows, budgets and time. The roles add what their heads say.

mod block;
mod body;
mod clock;
mod deadlines;
mod end;
mod fields;
mod frames;
mod grants;
mod peer;
mod send;

pub(super) use self::block::{Fields, Target};
pub(super) use self::fields::Stuck;
pub(super) use self::frames::Found;
pub(super) use self::grants::packed;
pub(super) use self::send::{HeadWriter, Turn};

use self::clock::Clock;
use super::budget::Budget;
use super::closed::Closed;
use super::control::{Credit, Outbox};
use super::early::Early;
use super::memory::Lent;
use super::news::News;
use super::schedule::Schedule;
use super::settings::Settings;
use super::stream::{NONE, StreamSlot};
use super::streams::Streams;
use super::{ErrorCode, Role};
use crate::connection::{ConnectionStatus, Sent, StreamId};
use crate::hpack::{Decoder, Encoder};
use crate::{Env, Error, Limits, SMALL};

/// The state of a connection, without its memory.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) role: Role,
    pub(super) phase: Phase,
    pub(super) clock: Clock,
    pub(super) streams: Streams,
    pub(super) schedule: Schedule,
    pub(super) budget: Budget,
    pub(super) closed: Closed,
    pub(super) early: Early,
    pub(super) outbox: Outbox,
    /// What the peer has said of itself.
    pub(super) peer: Settings,
    /// The same, while a SETTINGS frame is read.
    incoming: Settings,
    /// What we say of ourselves, in force once `acked`.
    pub(super) ours: Settings,
    pub(super) reading: Reading,
    pub(super) credit: Credit,
    /// What the peer lets us send on all streams together.
    pub(super) window: i32,
    /// The last stream that the peer has opened.
    pub(super) last_peer: u32,
    /// The last of them that was given to the driver.
    pub(super) last_taken: u32,
    /// The next one that we open.
    pub(super) next_id: u32,
    /// The last of our streams that the peer will do something for.
    pub(super) peer_last: u32,
    /// The first slot of the list of streams that have something to say besides their messages.
    pub(super) control: u16,
    /// Streams that the driver knows.
    pub(super) live: u16,
    /// Pushed answers under way.
    pub(super) pushes: u8,
    /// Writes promises. Known once there is one, so that an image which makes none is without it.
    pub(super) promise: Option<HeadWriter>,
    /// The transport is a secure one: the scheme of what we ask for is https.
    pub(super) secure: bool,
    /// Why the peer has reset a stream, the last time that it did.
    pub(super) peer_code: ErrorCode,
    pub(super) error: Option<Error>,
    pub(super) decoder: Decoder,
    pub(super) encoder: Encoder,
    /// The peer has acknowledged our settings.
    pub(super) acked: bool,
    /// Content waits in `rx` for credit.
    pub(super) stalled: bool,
    /// The peer will do nothing for some of our streams, of which the driver is to be told.
    pub(super) reaps: bool,
    /// No streams are taken or opened any more, or soon.
    pub(super) draining: bool,
    pub(super) peer_leaves: bool,
    pub(super) eof: bool,
    pub(super) abrupt: bool,
    pub(super) close_told: bool,
}

/// How the connection stands.
///
/// ```text
///   Preface ── its 24 bytes (server) ──▶ Settings ── the peer's first SETTINGS ──▶ Open
///      └ a client begins with Settings                                               │ drained: Ending
///   at a fault, from each of them: Ending ── GOAWAY is written ──▶ Linger ── end of input, time ──▶ Closed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Preface,
    Settings,
    Open,
    /// Nothing more is read or written but the last GOAWAY.
    Ending,
    /// What comes is dropped.
    Linger,
    Closed,
}

/// What comes next in `rx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A frame header.
    Frame,
    /// Content of a DATA frame, and its padding.
    Data { at: u16, id: u32, left: u32, padding: u8, end: bool },
    /// A field block.
    Block(block::Block),
    /// Entries of a SETTINGS frame, and the smallest size that one of them has given the table.
    Settings { left: u32, table_least: u32 },
    /// What is passed over.
    Skip { left: u32 },
}

impl Machine {
    pub(super) fn new(role: Role, env: &Env<'_>, ours: Settings) -> Machine {
        Machine {
            role,
            phase: if role == Role::Server { Phase::Preface } else { Phase::Settings },
            clock: Clock::new(env),
            streams: Streams::NONE,
            schedule: Schedule::EMPTY,
            budget: Budget::new(env.now),
            closed: Closed::NONE,
            early: Early::NONE,
            outbox: Outbox::NEW,
            peer: Settings::INITIAL,
            incoming: Settings::INITIAL,
            ours,
            reading: Reading::Frame,
            credit: Credit::new(env.limits.connection_window_bytes),
            window: Settings::INITIAL.window_bytes as i32,
            last_peer: 0,
            last_taken: 0,
            next_id: if role == Role::Server { 2 } else { 1 },
            peer_last: u32::MAX,
            control: NONE,
            live: 0,
            pushes: 0,
            promise: None,
            secure: false,
            peer_code: ErrorCode::NO_ERROR,
            error: None,
            decoder: Decoder::new(),
            encoder: Encoder::new(),
            acked: false,
            stalled: false,
            reaps: false,
            draining: false,
            peer_leaves: false,
            eof: false,
            abrupt: false,
            close_told: false,
        }
    }

    /// The window of a new stream for what it receives.
    pub(super) fn initial_credit(&self) -> i32 {
        i32::try_from(self.ours.window_bytes).unwrap_or(i32::MAX)
    }

    /// The window of a new stream for what it sends.
    pub(super) fn initial_window(&self) -> i32 {
        i32::try_from(self.peer.window_bytes).unwrap_or(i32::MAX)
    }

    /// Which slot `stream` names, if it is live.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn slot_of(&self, slots: &[StreamSlot], stream: StreamId) -> Option<u16> {
        let at = u16::try_from(stream.slot()).ok()?;
        let slot = slots.get(usize::from(at))?;
        (slot.is_live() && self.generation(slot) == stream.generation()).then_some(at)
    }

    /// The name of the stream in slot `at`.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn name(&self, at: u16, slot: &StreamSlot) -> StreamId {
        StreamId::new(u32::from(at), self.generation(slot))
    }

    /// A server's streams are told apart by their numbers; a client does not know them from the start.
    const fn generation(&self, slot: &StreamSlot) -> u32 {
        match self.role {
            Role::Server => slot.id,
            Role::Client => slot.serial as u32,
        }
    }

    /// Whether no frame may have named `id` yet.
    pub(super) const fn is_idle(&self, id: u32) -> bool {
        if self.role.opens(id) { id >= self.next_id } else { id > self.last_peer }
    }

    /// Whether no stream can be opened any more, by the peer's word.
    pub(super) fn is_left(&self) -> bool {
        self.peer_leaves && self.role == Role::Client
    }

    pub(super) fn status(&self) -> ConnectionStatus {
        match self.phase {
            Phase::Preface | Phase::Settings | Phase::Open if self.draining || self.is_left() => {
                ConnectionStatus::Draining
            }
            Phase::Preface | Phase::Settings | Phase::Open => ConnectionStatus::Open,
            Phase::Ending | Phase::Linger => ConnectionStatus::CloseAfterFlush,
            Phase::Closed => ConnectionStatus::Closed,
        }
    }

    pub(super) fn rx_want(&self) -> usize {
        const WHATEVER: usize = u16::MAX as usize;
        match self.phase {
            Phase::Preface | Phase::Settings | Phase::Open if self.is_held() => 0,
            Phase::Preface | Phase::Settings | Phase::Open => WHATEVER,
            Phase::Linger => self.clock.linger_bytes(),
            Phase::Ending | Phase::Closed => 0,
        }
    }

    /// Whether the next frame waits until something has been sent.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) const fn is_held(&self) -> bool {
        match self.reading {
            Reading::Frame => !self.outbox.has_room(),
            Reading::Data { .. } => self.stalled,
            Reading::Block(_) | Reading::Settings { .. } | Reading::Skip { .. } => false,
        }
    }

    pub(super) fn wants_transmit(&self) -> bool {
        match self.phase {
            Phase::Preface | Phase::Settings | Phase::Open => {
                self.outbox.preface
                    || !self.outbox.is_empty()
                    || self.control != NONE
                    || self.credit.is_due()
                    || self.schedule.has_work(self.window > 0)
                    || self.is_drained()
            }
            Phase::Ending => true,
            Phase::Linger | Phase::Closed => !self.close_told,
        }
    }

    /// Whether nothing is left to do for a connection that takes no more.
    pub(super) fn is_drained(&self) -> bool {
        use super::control::Leaving;
        let is_client_done = self.role == Role::Client && (self.draining || self.peer_leaves);
        let told = self.outbox.leaving == Leaving::Told || self.eof || is_client_done;
        told && self.live == 0 && self.control == NONE && self.outbox.is_empty()
    }

    /// Slots have been lent, and there may be more of them than before.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn adopt(&mut self, lent: &mut Lent<'_>) {
        self.streams.adopt(lent.slots);
    }

    pub(super) fn shutdown(&mut self, env: &Env<'_>) {
        use super::control::Leaving;
        self.draining = true;
        if self.outbox.leaving != Leaving::No {
            return;
        }
        match self.phase {
            Phase::Preface | Phase::Settings | Phase::Open if self.role == Role::Server => {
                self.outbox.leaving = Leaving::WarnDue;
                self.outbox.probe = true;
                self.clock.drain = env.now.after_us(env.limits.drain_timeout_us);
            }
            // A client's peer opens nothing: there is nothing to wait for.
            Phase::Preface | Phase::Settings | Phase::Open => self.outbox.leaving = Leaving::LastDue,
            Phase::Ending | Phase::Linger | Phase::Closed => {}
        }
    }

    /// What one call of `transmit` did, that wrote `bytes` and stopped for want of `room`.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn transmitted(&mut self, env: &Env<'_>, bytes: usize, room: Option<usize>) -> Sent {
        self.settle(env);
        if bytes > 0 {
            self.clock.wrote(env, bytes);
            return Sent::Bytes(bytes);
        }
        match room {
            Some(room) => Sent::NeedRoom(room),
            None if matches!(self.phase, Phase::Linger | Phase::Closed) => {
                self.close_told = true;
                Sent::Close
            }
            None => Sent::Nothing,
        }
    }

    pub(super) fn flushed(&mut self, env: &Env<'_>, bytes: usize) {
        self.clock.flushed(bytes);
        if self.phase == Phase::Linger && !self.clock.is_flushing() {
            if self.eof {
                self.close(false);
            } else {
                self.clock.arm_linger(env);
            }
        }
    }

    /// The peer has sent all that it will. Whole requests still get their answers.
    pub(super) fn receive_end(&mut self, env: &Env<'_>, slots: &[StreamSlot]) -> Option<News> {
        self.eof = true;
        self.draining = true;
        match self.phase {
            Phase::Closed => None,
            Phase::Open | Phase::Ending
                if slots.iter().any(StreamSlot::is_live) && !slots.iter().any(StreamSlot::receives) =>
            {
                self.clock.settings = crate::Instant::NEVER;
                None
            }
            // Our last word is yet to be written: the time behind it begins then.
            Phase::Ending if self.clock.is_flushing() => None,
            Phase::Linger if self.clock.is_flushing() => {
                self.clock.arm_linger(env);
                None
            }
            Phase::Preface | Phase::Settings | Phase::Open | Phase::Ending | Phase::Linger => {
                Some(self.close(false))
            }
        }
    }

    pub(super) const fn is_idle_between_frames(&self) -> bool {
        self.live == 0 && matches!(self.phase, Phase::Open) && matches!(self.reading, Reading::Frame)
    }

    /// The driver does not read for now: nobody's body is late.
    pub(super) fn excuse_peer(&mut self, slots: &mut [StreamSlot]) {
        for slot in slots.iter_mut().filter(|slot| slot.receives()) {
            slot.flags.set(super::stream::Flags::EXCUSED);
        }
    }
}

/// What a role says of itself.
pub(super) fn settings(role: Role, limits: &Limits) -> Settings {
    let initial = Settings::INITIAL;
    Settings {
        header_table_bytes: u32::from(limits.header_table_bytes_max),
        streams_max: match role {
            Role::Server => u32::from(limits.streams_max),
            Role::Client => initial.streams_max,
        },
        window_bytes: limits.body_window_bytes,
        frame_bytes_max: initial.frame_bytes_max,
        field_section_bytes_max: u32::from(limits.head_bytes_max),
        // RFC 9113 §6.5.2: a server says nothing of it.
        push: role == Role::Server,
        connect_protocol: role == Role::Server && limits.connect_method && !SMALL,
        no_rfc7540_priorities: true,
    }
}
