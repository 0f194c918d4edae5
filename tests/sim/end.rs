//! One end of a connection: a machine of the engine, its driver's buffers, and the application behind it.

use std::collections::VecDeque;

use rws_core::connection::{ByteConnection, ConnectionStatus, Event, Sent, Source, Step, StreamId};
use rws_core::h1::{Client, Server};
use rws_core::{Env, Error, Field, Instant, Misuse, Scratch};

use crate::dice::Dice;
use crate::link::Wire;
use crate::plan::Grants;
use crate::trace::Trace;

/// What both roles have beyond the verbs.
pub(crate) trait Machine: ByteConnection {
    const IS_CLIENT: bool;
    fn exchange(&self) -> Option<StreamId>;
    fn ends_abruptly(&self) -> bool;
    fn error(&self) -> Option<Error>;
}

impl Machine for Client {
    const IS_CLIENT: bool = true;
    fn exchange(&self) -> Option<StreamId> {
        Client::exchange(self)
    }
    fn ends_abruptly(&self) -> bool {
        Client::ends_abruptly(self)
    }
    fn error(&self) -> Option<Error> {
        Client::error(self)
    }
}

impl Machine for Server {
    const IS_CLIENT: bool = false;
    fn exchange(&self) -> Option<StreamId> {
        Server::exchange(self)
    }
    fn ends_abruptly(&self) -> bool {
        Server::ends_abruptly(self)
    }
    fn error(&self) -> Option<Error> {
        Server::error(self)
    }
}

/// The application of an end.
pub(crate) trait Play: Source {
    fn event(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>);
    /// The machine's exchange is this now; one that was under way and is not is over.
    fn exchange_is(&mut self, stream: Option<StreamId>);
    fn direct_byte(&mut self) -> u8;
    /// A parked stream that can go on.
    fn wake(&mut self) -> Option<StreamId>;
    fn credit(&mut self) -> &mut Credit;
}

/// Credit that an application owes its peer.
#[derive(Debug, Default)]
pub(crate) struct Credit {
    stream: Option<StreamId>,
    mode: Option<Grants>,
    owed: u32,
}

impl Credit {
    pub(crate) fn new(stream: StreamId, mode: Grants) -> Credit {
        let owed = if mode == Grants::Ahead { 1 << 30 } else { 0 };
        Credit { stream: Some(stream), mode: Some(mode), owed }
    }

    pub(crate) fn owe(&mut self, bytes: u32) {
        if self.mode != Some(Grants::Ahead) {
            self.owed += bytes;
        }
    }

    fn due(&mut self, is_late: bool) -> Option<(StreamId, u32)> {
        let pays = match self.mode? {
            Grants::AtOnce | Grants::Ahead => true,
            Grants::Late => is_late,
            Grants::Never => false,
        };
        let owed = if pays { core::mem::take(&mut self.owed) } else { 0 };
        self.stream.filter(|_| owed > 0).map(|stream| (stream, owed))
    }
}

#[derive(Debug)]
pub(crate) struct End<M, P> {
    pub(crate) machine: M,
    pub(crate) play: P,
    rx: Vec<u8>,
    /// What `transmit` wrote and the transport has not taken.
    out: VecDeque<u8>,
    direct: Option<(StreamId, u64)>,
    room: usize,
    end_told: bool,
    closing: bool,
    pub(crate) closed: bool,
}

impl<M: Machine, P: Play> End<M, P> {
    pub(crate) fn new(machine: M, play: P) -> End<M, P> {
        End {
            machine,
            play,
            rx: Vec::new(),
            out: VecDeque::new(),
            direct: None,
            room: 1,
            end_told: false,
            closing: false,
            closed: false,
        }
    }

    /// Reads some and lets the machine take one step. Whether anything moved.
    pub(crate) fn receive(&mut self, env: &Env<'_>, wire: &mut Wire, most: usize, trace: &mut Trace) -> bool {
        if self.closed {
            return false;
        }
        let want = self.machine.rx_want();
        let link = wire.of(M::IS_CLIENT).1;
        let read = link.read(want.min(most), &mut self.rx);
        let at_end = link.is_at_end();
        let (mut bytes, mut fields) = ([0; 4096], [Field::default(); 32]);
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let Step { consumed, event } = self.machine.receive(env, &mut self.rx, &mut scratch);
        assert!(consumed <= self.rx.len());
        if let Some(event) = event {
            self.happened(event, scratch, trace);
        }
        self.rx.drain(..consumed);
        trace.note(u64::from(M::IS_CLIENT), read as u64, consumed as u64);
        let moved = read > 0 || consumed > 0 || event.is_some();
        // What still waits for credit, or for its turn, comes before the end.
        let offered = self.rx.is_empty() || self.machine.rx_want() > 0;
        if moved || !at_end || self.end_told || !offered {
            return moved;
        }
        self.end_told = true;
        if let Some(event) = self.machine.receive_end(env) {
            self.happened(event, Scratch::default(), trace);
        }
        self.look();
        true
    }

    fn happened(&mut self, event: Event, scratch: Scratch<'_>, trace: &mut Trace) {
        trace.event(M::IS_CLIENT, &event);
        self.play.event(event, &self.rx, scratch);
        self.look();
        self.grant(false);
    }

    /// Looks whether an exchange is over.
    fn look(&mut self) {
        self.play.exchange_is(self.machine.exchange());
        assert_eq!(self.machine.error(), None, "the application does as it should");
        if let Some((stream, _)) = self.direct
            && self.machine.exchange() != Some(stream)
        {
            self.direct = None;
        }
    }

    pub(crate) fn grant(&mut self, is_late: bool) -> bool {
        let Some((stream, bytes)) = self.play.credit().due(is_late) else { return false };
        let granted = self.machine.grant(stream, bytes);
        let stale = self.machine.exchange() != Some(stream);
        assert_eq!(granted, if stale { Err(Misuse::StaleStream.into()) } else { Ok(()) });
        true
    }

    pub(crate) fn wake(&mut self) -> bool {
        let Some(stream) = self.play.wake() else { return false };
        self.machine.wake(stream);
        true
    }

    /// Lets the machine write, and the transport take some of it. Whether anything moved.
    pub(crate) fn transmit(
        &mut self,
        env: &Env<'_>,
        wire: &mut Wire,
        least: usize,
        dice: &mut Dice,
        trace: &mut Trace,
    ) -> bool {
        if self.closed {
            return false;
        }
        if self.machine.status() == ConnectionStatus::Closed {
            // Nobody waits for what is left: a whole answer would have been flushed first.
            self.out.clear();
            self.direct = None;
            self.closing = true;
        }
        let wrote = self.out.len() < 2 * least
            && self.direct.is_none()
            && !self.closing
            && self.write(env, least, trace);
        let took = self.flush(env, wire, dice, trace);
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
            Sent::Direct { bytes, stream, len } => {
                self.out.extend(&tx[..bytes]);
                self.direct = Some((stream, len));
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
        };
        trace.note(2 + u64::from(M::IS_CLIENT), self.out.len() as u64, self.room as u64);
        self.look();
        moved
    }

    fn flush(&mut self, env: &Env<'_>, wire: &mut Wire, dice: &mut Dice, trace: &mut Trace) -> bool {
        let link = wire.of(M::IS_CLIENT).0;
        if link.is_abandoned() && !(self.out.is_empty() && self.direct.is_none()) {
            wire.reset = true;
            return true;
        }
        let room = link.room().min(dice.size(100_000));
        let ready = room.min(self.out.len());
        for byte in self.out.drain(..ready) {
            link.write(byte);
        }
        if ready > 0 {
            self.machine.flushed(env, ready);
        }
        let mut run = 0;
        if let (Some((stream, left)), true) = (self.direct, self.out.is_empty()) {
            run = left.min((room - ready) as u64);
            for _ in 0..run {
                link.write(self.play.direct_byte());
            }
            if run > 0 {
                self.machine.sent(stream, run).expect("a run is under way");
                self.direct = Some((stream, left - run)).filter(|(_, left)| *left > 0);
            }
        }
        trace.note(4 + u64::from(M::IS_CLIENT), ready as u64, run);
        ready > 0 || run > 0
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
    pub(crate) fn lose(&mut self) {
        if let Some(stream) = self.machine.exchange() {
            self.machine.reset(stream);
        }
        self.closed = true;
        self.play.exchange_is(None);
    }

    /// The time is `env.now`: whatever deadline has come strikes.
    pub(crate) fn tick(&mut self, env: &Env<'_>, trace: &mut Trace) -> bool {
        let due = !self.closed && self.machine.next_deadline() <= env.now;
        if let Some(event) = self.machine.on_deadline(env) {
            assert!(due, "a deadline that has not come");
            self.happened(event, Scratch::default(), trace);
        }
        self.look();
        due
    }

    /// When the next deadline strikes.
    pub(crate) fn next_deadline(&self) -> Instant {
        if self.closed { Instant::NEVER } else { self.machine.next_deadline() }
    }

    /// Whether it only waits for the peer to go.
    pub(crate) fn machine_lingers(&self) -> bool {
        self.machine.status() == ConnectionStatus::CloseAfterFlush
    }

    /// Whether the driver still has something in hand.
    pub(crate) fn has_more_to_say(&self) -> bool {
        !self.out.is_empty() || self.direct.is_some() || self.closing
    }

    /// A new connection, the same application.
    pub(crate) fn renew(&mut self, machine: M) {
        assert_eq!(self.machine.exchange(), None, "nothing is left behind");
        self.machine = machine;
        self.rx.clear();
        self.out.clear();
        self.direct = None;
        self.room = 1;
        self.end_told = false;
        self.closing = false;
        self.closed = false;
    }
}
