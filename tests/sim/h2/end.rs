//! One end of a connection: a machine of the engine, its driver's buffers, and the application behind it.

use std::collections::VecDeque;

use rws_core::connection::{ByteConnection, ConnectionStatus, Event, Sent, Source, Step, StreamId};
use rws_core::h2::{Client, Lent, Memory, Server, StreamSlot};
use rws_core::{Env, Error, Field, Instant, Misuse, Scratch};

use super::lane::Lane;
use crate::dice::Dice;
use crate::link::Wire;
use crate::trace::Trace;

/// Memory that grows as a server's pool lets it.
#[derive(Debug)]
pub(super) struct Pool {
    slots: Vec<StreamSlot>,
    decoder: Vec<u8>,
    encoder: Vec<u8>,
}

impl Pool {
    pub(super) fn new([decoder, encoder]: [usize; 2]) -> Pool {
        Pool { slots: Vec::new(), decoder: vec![0; decoder], encoder: vec![0; encoder] }
    }
}

impl Memory for Pool {
    fn lend(&mut self) -> Lent<'_> {
        Lent { slots: &mut self.slots, decoder: &mut self.decoder, encoder: &mut self.encoder }
    }

    fn grow(&mut self, slots: u16) {
        if usize::from(slots) > self.slots.len() {
            self.slots.resize(usize::from(slots), StreamSlot::FREE);
        }
    }

    fn release(&mut self) {
        self.slots = Vec::new();
    }
}

/// What both roles have beyond the verbs.
pub(super) trait Machine: ByteConnection {
    const IS_CLIENT: bool;
    fn is_live(&mut self, stream: StreamId) -> bool;
    fn live(&self) -> usize;
    fn ends_abruptly(&self) -> bool;
    fn error(&self) -> Option<Error>;
    /// Gives back the slots, if none is in use.
    fn release(&mut self);
}

macro_rules! machine {
    ($machine:ident, $is_client:literal) => {
        impl Machine for $machine<Pool> {
            const IS_CLIENT: bool = $is_client;
            fn is_live(&mut self, stream: StreamId) -> bool {
                $machine::is_live(self, stream)
            }
            fn live(&self) -> usize {
                usize::from($machine::live(self))
            }
            fn ends_abruptly(&self) -> bool {
                $machine::ends_abruptly(self)
            }
            fn error(&self) -> Option<Error> {
                $machine::error(self)
            }
            fn release(&mut self) {
                $machine::release(self);
            }
        }
    };
}

machine!(Client, true);
machine!(Server, false);

/// The application of an end.
pub(super) trait Play: Source {
    fn event(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>);
    /// The connection is over, with all that was under way.
    fn lost(&mut self);
    /// The driver has reset this stream.
    fn gave_up(&mut self, stream: StreamId);
    /// Every exchange under way.
    fn under_way(&self) -> Vec<StreamId>;
    /// An exchange that is to be given up.
    fn doomed(&self) -> Option<StreamId>;
    /// A parked stream that can go on.
    fn wake(&mut self) -> Option<StreamId>;
    /// Credit that is owed to streams.
    fn credit(&mut self, is_late: bool) -> Vec<(StreamId, u32)>;
}

#[derive(Debug)]
pub(super) struct End<M, P> {
    pub(super) machine: M,
    pub(super) play: P,
    rx: Vec<u8>,
    /// What `transmit` wrote and the transport has not taken.
    out: VecDeque<u8>,
    room: usize,
    end_told: bool,
    closing: bool,
    pub(super) closed: bool,
}

/// Room for what is received: more than any field block and a frame's header.
const RX_BYTES: usize = 40_000;

impl<M: Machine, P: Play> End<M, P> {
    pub(super) fn new(machine: M, play: P) -> End<M, P> {
        let (rx, out) = (Vec::new(), VecDeque::new());
        End { machine, play, rx, out, room: 1, end_told: false, closing: false, closed: false }
    }

    /// Reads some and lets the machine take one step. Whether anything moved.
    pub(super) fn receive(&mut self, env: &Env<'_>, wire: &mut Wire, most: usize, trace: &mut Trace) -> bool {
        if self.closed {
            return false;
        }
        let want = self.machine.rx_want().min(RX_BYTES - self.rx.len());
        let link = wire.of(M::IS_CLIENT).1;
        let read = link.read(want.min(most), &mut self.rx);
        let at_end = link.is_at_end();
        let (mut bytes, mut fields) = ([0; 8192], [Field::default(); 64]);
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let Step { consumed, event } = self.machine.receive(env, &mut self.rx, &mut scratch);
        assert!(consumed <= self.rx.len());
        if let Some(event) = event {
            self.happened(event, scratch, trace);
        }
        self.rx.drain(..consumed);
        trace.note(u64::from(M::IS_CLIENT), read as u64, consumed as u64);
        let moved = read > 0 || consumed > 0 || event.is_some();
        // What still waits for its turn comes before the end.
        let offered = self.rx.is_empty() || self.machine.rx_want() > 0;
        if !moved && at_end && !self.end_told && offered {
            self.end_told = true;
            if let Some(event) = self.machine.receive_end(env) {
                self.happened(event, Scratch::default(), trace);
            }
            self.look();
            return true;
        }
        self.look();
        moved
    }

    fn happened(&mut self, event: Event, scratch: Scratch<'_>, trace: &mut Trace) {
        trace.event(M::IS_CLIENT, &event);
        self.play.event(event, &self.rx, scratch);
        self.look();
        self.grant(false);
    }

    /// The application and the machine agree on which exchanges are under way.
    fn look(&mut self) {
        assert_eq!(self.machine.error(), None, "the application does as it should");
        if matches!(self.machine.status(), ConnectionStatus::CloseAfterFlush | ConnectionStatus::Closed) {
            self.play.lost();
        }
        let streams = self.play.under_way();
        for stream in &streams {
            assert!(self.machine.is_live(*stream), "{stream:?} went without a word");
        }
        if self.machine.status() != ConnectionStatus::Closed {
            assert!(self.machine.live() >= streams.len(), "{} for {}", self.machine.live(), streams.len());
        }
    }

    pub(super) fn grant(&mut self, is_late: bool) -> bool {
        let due = self.play.credit(is_late);
        for (stream, bytes) in &due {
            let granted = self.machine.grant(*stream, *bytes);
            let stale = !self.machine.is_live(*stream);
            assert_eq!(granted, if stale { Err(Misuse::StaleStream.into()) } else { Ok(()) });
        }
        !due.is_empty()
    }

    pub(super) fn wake(&mut self) -> bool {
        let Some(stream) = self.play.wake() else { return false };
        self.machine.wake(stream);
        true
    }

    /// Resets a stream that is to be given up. Whether there was one.
    pub(super) fn give_up(&mut self) -> bool {
        let Some(stream) = self.play.doomed() else { return false };
        self.machine.reset(stream);
        self.play.gave_up(stream);
        assert!(!self.machine.is_live(stream));
        self.machine.wake(stream);
        if self.play.under_way().is_empty() {
            self.machine.release();
        }
        true
    }

    /// Lets the machine write, and the transport take some of it. Whether anything moved.
    pub(super) fn transmit(
        &mut self,
        env: &Env<'_>,
        wire: &mut Wire,
        lanes: (&mut Lane, &mut Lane),
        least: usize,
        dice: &mut Dice,
        trace: &mut Trace,
    ) -> bool {
        if self.closed {
            return false;
        }
        if self.machine.status() == ConnectionStatus::Closed {
            // Nobody waits for what is left.
            self.out.clear();
            self.closing = true;
        }
        let wrote = self.out.len() < 2 * least && !self.closing && self.write(env, least, trace);
        let took = self.flush(env, wire, lanes, dice, trace);
        let closed = self.closing && self.out.is_empty() && self.close(wire, trace);
        wrote || took || closed
    }

    fn write(&mut self, env: &Env<'_>, least: usize, trace: &mut Trace) -> bool {
        let wants = self.machine.wants_transmit();
        let mut tx = vec![b'~'; self.room.max(least)];
        let sent = self.machine.transmit(env, &mut tx, &mut Scratch::default(), &mut self.play);
        assert!(wants || matches!(sent, Sent::Nothing | Sent::Close), "it wanted nothing, and did {sent:?}");
        self.room = 1;
        let moved = match sent {
            Sent::Bytes(n) => {
                assert!(n > 0);
                self.out.extend(&tx[..n]);
                true
            }
            Sent::NeedRoom(n) => {
                assert!(n > tx.len() && n <= 70_000, "{n} bytes of room, after {}", tx.len());
                self.room = n;
                true
            }
            Sent::Nothing => false,
            Sent::Close => {
                self.closing = true;
                true
            }
            Sent::Direct { .. } => panic!("content stands in frames"),
        };
        trace.note(2 + u64::from(M::IS_CLIENT), self.out.len() as u64, self.room as u64);
        self.look();
        moved
    }

    fn flush(
        &mut self,
        env: &Env<'_>,
        wire: &mut Wire,
        (lane, back): (&mut Lane, &mut Lane),
        dice: &mut Dice,
        trace: &mut Trace,
    ) -> bool {
        let link = wire.of(M::IS_CLIENT).0;
        if link.is_abandoned() && !self.out.is_empty() {
            wire.reset = true;
            return true;
        }
        let added = !link.is_ended() && lane.add(link);
        let ready = link.room().min(dice.size(100_000)).min(self.out.len());
        for byte in self.out.drain(..ready) {
            lane.pass(byte, back, link);
        }
        if ready > 0 {
            self.machine.flushed(env, ready);
        }
        trace.note(4 + u64::from(M::IS_CLIENT), ready as u64, u64::from(added));
        ready > 0 || added
    }

    /// The machine is done with the connection.
    fn close(&mut self, wire: &mut Wire, trace: &mut Trace) -> bool {
        let status = self.machine.status();
        let (link, reads) = wire.of(M::IS_CLIENT);
        let moved = !link.is_ended();
        match status {
            ConnectionStatus::CloseAfterFlush => link.end(),
            ConnectionStatus::Closed => {
                link.end();
                reads.abandon();
                wire.reset |= self.machine.ends_abruptly();
                self.closed = true;
            }
            ConnectionStatus::Open | ConnectionStatus::Draining | ConnectionStatus::Upgraded => {
                panic!("told to close while {status:?}")
            }
        }
        trace.note(6 + u64::from(M::IS_CLIENT), u64::from(self.closed), u64::from(wire.reset));
        moved || self.closed
    }

    /// The transport is gone, with all that was under way.
    pub(super) fn lose(&mut self) {
        self.closed = true;
        self.play.lost();
    }

    /// The time is `env.now`: whatever deadlines have come strike.
    pub(super) fn tick(&mut self, env: &Env<'_>, trace: &mut Trace) -> bool {
        let mut due = false;
        while !self.closed && self.machine.next_deadline() <= env.now {
            let Some(event) = self.machine.on_deadline(env) else {
                due |= self.machine.next_deadline() > env.now;
                break;
            };
            due = true;
            self.happened(event, Scratch::default(), trace);
        }
        self.look();
        due
    }

    /// When the next deadline strikes.
    pub(super) fn next_deadline(&self) -> Instant {
        if self.closed { Instant::NEVER } else { self.machine.next_deadline() }
    }

    /// A new connection, the same application.
    pub(super) fn renew(&mut self, machine: M) {
        assert!(self.play.under_way().is_empty(), "nothing is left behind");
        self.machine = machine;
        self.rx.clear();
        self.out.clear();
        (self.room, self.end_told, self.closing, self.closed) = (1, false, false, false);
    }
}
