//! A client, a server, and everything between them that can go wrong.

use std::rc::Rc;

use rws_core::connection::{Connection as _, ConnectionStatus};
use rws_core::h1::{Client, Server};
use rws_core::{Env, Instant};

use crate::answerer::Answerer;
use crate::asker::{Asker, Got};
use crate::dice::Dice;
use crate::end::End;
use crate::link::Wire;
use crate::plan::{Exchange, Grants, Nature};
use crate::trace::Trace;

/// The rendered `Date` of every turn.
const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
/// Steps without progress, all kinds among them, before everything is tried once in a row.
const QUIET_STEPS: u64 = 40;
/// More than any world takes.
const STEPS_MAX: u64 = 20_000_000;

pub(crate) struct World {
    nature: Nature,
    dice: Dice,
    exchanges: Rc<Vec<Exchange>>,
    now_us: u64,
    wire: Wire,
    client: End<Client, Asker>,
    server: End<Server, Answerer>,
    /// The client has ended its side.
    half_closed: bool,
    quiet: u64,
    connections: u32,
    pub(crate) trace: Trace,
}

impl World {
    pub(crate) fn new(seed: u64, calm: bool) -> World {
        let mut dice = Dice::new(seed ^ if calm { 0xca1e } else { 0 });
        let nature = Nature::new(&mut dice, calm);
        let exchanges: Vec<Exchange> =
            (0..nature.exchanges).map(|index| Exchange::new(&mut dice, &nature, index)).collect();
        let exchanges = Rc::new(exchanges);
        let env = Env { now: Instant::from_micros(0), limits: &nature.limits, date: Some(DATE) };
        let asker = Asker::new(Rc::clone(&exchanges), Dice::new(dice.next()), calm);
        let answerer = Answerer::new(Rc::clone(&exchanges), Dice::new(dice.next()));
        World {
            client: End::new(Client::new(&env), asker),
            server: End::new(Server::new(&env), answerer),
            wire: Wire::new(nature.windows[0], nature.windows[1]),
            exchanges,
            now_us: 0,
            half_closed: false,
            quiet: 0,
            connections: 1,
            trace: Trace::new(),
            nature,
            dice,
        }
    }

    /// Runs to the end. The trace's sum and the outcomes are the same for the same seed.
    pub(crate) fn run(&mut self) -> ((u64, u64), Vec<Option<Got>>) {
        while !self.is_over() {
            self.trace.steps += 1;
            assert!(self.trace.steps < STEPS_MAX, "no end in sight");
            let action = self.dice.roll(12);
            let moved = self.act(action);
            self.quiet = if moved { 0 } else { self.quiet + 1 };
            if self.quiet > QUIET_STEPS && !self.sweep() {
                self.pass_time();
            }
            if self.client.closed && self.server.closed && !self.is_over() {
                self.reconnect();
            }
        }
        self.judge();
        (self.trace.sum(), self.client.play.got.clone())
    }

    fn is_over(&self) -> bool {
        self.client.closed
            && self.server.closed
            && self.client.play.next == self.exchanges.len()
            && !self.retries()
    }

    fn env(now_us: u64, nature: &Nature) -> Env<'_> {
        Env { now: Instant::from_micros(now_us), limits: &nature.limits, date: Some(DATE) }
    }

    /// One thing of many.
    fn act(&mut self, action: u64) -> bool {
        let env = World::env(self.now_us, &self.nature);
        let Nature { read_max, tx_bytes, lazy, .. } = self.nature;
        match action {
            0 | 1 => {
                self.dice.one_in(lazy[0])
                    && self.client.receive(&env, &mut self.wire, read_max, &mut self.trace)
            }
            2 | 3 => {
                self.dice.one_in(lazy[1])
                    && self.server.receive(&env, &mut self.wire, read_max, &mut self.trace)
            }
            4 | 5 => self.client.transmit(&env, &mut self.wire, tx_bytes, &mut self.dice, &mut self.trace),
            6 | 7 => self.server.transmit(&env, &mut self.wire, tx_bytes, &mut self.dice, &mut self.trace),
            8 => self.client.wake() | self.client.grant(true),
            9 => self.server.wake() | self.server.grant(true),
            10 => self.next_exchange(),
            _ => self.happen(),
        }
    }

    /// Everything once; whether anything moved.
    fn sweep(&mut self) -> bool {
        let lazy = core::mem::replace(&mut self.nature.lazy, [1, 1]);
        let mut moved = false;
        for action in 0..11 {
            moved |= self.act(action);
        }
        self.nature.lazy = lazy;
        self.quiet = 0;
        moved
    }

    /// The client opens the next exchange, or is done with the connection.
    fn next_exchange(&mut self) -> bool {
        let machine = &mut self.client.machine;
        if self.client.closed || machine.exchange().is_some() || machine.status() != ConnectionStatus::Open {
            return false;
        }
        if self.client.play.next < self.exchanges.len() && !self.half_closed {
            let stream = machine.open().expect("it is idle");
            self.client.play.opened(stream);
        } else {
            machine.shutdown(&World::env(self.now_us, &self.nature));
        }
        true
    }

    /// Time goes by, and faults happen.
    fn happen(&mut self) -> bool {
        self.now_us += self.dice.roll(20);
        if self.wire.reset {
            return self.lose();
        }
        if self.dice.one_in(60) {
            return self.end_early();
        }
        if self.nature.calm {
            return false;
        }
        if self.dice.one_in(self.nature.fault_in) {
            match self.dice.roll(5) {
                0 => self.wire.reset = true,
                1 => self.wire.up.blacken(),
                2 => self.wire.down.blacken(),
                3 => self.server.machine.shutdown(&World::env(self.now_us, &self.nature)),
                _ => self.now_us += self.dice.pick(&[1_000, 500_000, 3_000_000, 20_000_000, 200_000_000]),
            }
        }
        self.tick()
    }

    fn tick(&mut self) -> bool {
        let env = World::env(self.now_us, &self.nature);
        self.client.tick(&env, &mut self.trace) | self.server.tick(&env, &mut self.trace)
    }

    fn lose(&mut self) -> bool {
        let moved = !(self.client.closed && self.server.closed);
        self.client.lose();
        self.server.lose();
        moved
    }

    /// A client that has said all may end its side, and still gets its answer.
    fn end_early(&mut self) -> bool {
        let heard =
            self.client.play.index().is_some_and(|index| self.server.play.served[index].body_complete);
        if self.half_closed || !heard || self.client.has_more_to_say() || self.wire.up.is_ended() {
            return false;
        }
        self.half_closed = true;
        self.wire.up.end();
        true
    }

    /// Nothing moves any more: that is a matter of time, or a fault of ours.
    fn pass_time(&mut self) {
        if self.wire.reset {
            self.lose();
            return;
        }
        let next = self.client.next_deadline().min(self.server.next_deadline());
        let stuck = next == Instant::NEVER || (self.nature.calm && !self.waits_rightly());
        assert!(
            !stuck,
            "nothing moves, and nothing ever will:\n{:?}\n{:?}\n{:?}",
            self.client, self.server, self.wire
        );
        self.now_us = self.now_us.max(next.as_micros());
        self.tick();
    }

    /// On a calm wire only one thing may need time: a client that waits for a server which takes no more, and
    /// has said so by ending its side.
    fn waits_rightly(&self) -> bool {
        let exchange = self.client.play.index().map(|index| &self.exchanges[index]);
        let unheard = exchange.is_some_and(|exchange| exchange.server_grants == Grants::Never);
        unheard || self.server.machine.status() == ConnectionStatus::CloseAfterFlush
    }

    fn retries(&self) -> bool {
        let Some(last) = self.client.play.next.checked_sub(1) else { return false };
        let unseen = self.server.play.served[last].requests == 0;
        let lost = matches!(self.client.play.got[last], Some(Got::Reset(_)));
        self.nature.calm && unseen && lost
    }

    fn reconnect(&mut self) {
        if self.retries() {
            let last = self.client.play.next - 1;
            self.client.play.again(last);
        }
        self.connections += 1;
        assert!(self.connections < 100, "no connection comes to anything");
        let env = World::env(self.now_us, &self.nature);
        self.client.renew(Client::new(&env));
        self.server.renew(Server::new(&env));
        self.server.play.on_new_connection();
        self.wire = Wire::new(self.nature.windows[0], self.nature.windows[1]);
        self.half_closed = false;
    }

    /// What must hold in the end.
    fn judge(&self) {
        for (index, exchange) in self.exchanges.iter().enumerate() {
            let got = self.client.play.got[index].expect("every exchange ends");
            let served = &self.server.play.served[index];
            if got == Got::Answer {
                assert_eq!(served.requests, 1, "an answer to what nobody asked");
                assert!(!exchange.is_answer_cut());
            }
            if self.nature.calm {
                let cut = exchange.is_answer_cut() || exchange.request.is_cut();
                assert!(
                    cut || got == Got::Answer,
                    "exchange {index} on a calm wire: {got:?}\n{exchange:?}\n{served:?}"
                );
                // A client that has its answer may be gone before the server has noticed that it is done.
                assert!(cut || served.answered || !served.body_complete, "{served:?}");
            }
        }
    }
}
