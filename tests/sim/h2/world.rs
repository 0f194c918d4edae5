//! A client, a server, and everything between them that can go wrong.

use rws_core::connection::{Connection as _, ConnectionStatus};
use rws_core::h2::{Client, Server};
use rws_core::{Env, Instant};

use super::answerer::Answerer;
use super::asker::{Asker, Got};
use super::end::{End, Pool};
use super::lane::Lane;
use super::plans::{self, Plans};
use crate::dice::Dice;
use crate::link::Wire;
use crate::trace::Trace;

/// The rendered `Date` of every turn.
const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
/// Steps without progress, all kinds among them, before everything is tried once in a row.
const QUIET_STEPS: u64 = 40;

pub(crate) struct World {
    nature: plans::World,
    plans: Plans,
    calm: bool,
    dice: Dice,
    now_us: u64,
    wire: Wire,
    /// Up and down.
    lanes: [Lane; 2],
    client: End<Client<Pool>, Asker>,
    server: End<Server<Pool>, Answerer>,
    /// The server goes, and asks whether that was heard.
    drains: bool,
    quiet: u64,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
}

/// What became of a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) sum: (u64, u64),
    pub(crate) answers: u64,
    pub(crate) others: u64,
    pub(crate) connections: u64,
    pub(crate) added: u64,
}

impl World {
    pub(crate) fn new(seed: u64, calm: bool, steps: u64) -> World {
        let mut dice = Dice::new(seed ^ if calm { 0xca1e } else { 0x2 });
        let nature = plans::World::new(&mut dice, calm, steps);
        let plans = Plans::new(dice.next(), &nature.base);
        let asker = Asker::new(plans.clone(), Dice::new(dice.next()), calm);
        let answerer = Answerer::new(plans.clone(), Dice::new(dice.next()));
        let (client, server) = World::machines(&nature, 0);
        World {
            client: End::new(client, asker),
            server: End::new(server, answerer),
            wire: Wire::new(nature.base.windows[0], nature.base.windows[1]),
            lanes: [Lane::new(true), Lane::new(false)],
            plans,
            calm,
            now_us: 0,
            drains: false,
            quiet: 0,
            tally: Tally { connections: 1, ..Tally::default() },
            trace: Trace::new(),
            nature,
            dice,
        }
    }

    /// Runs to the end. What comes of it is the same for the same seed.
    pub(crate) fn run(&mut self) -> Tally {
        while !self.is_over() {
            self.trace.steps += 1;
            let most = self.nature.steps.saturating_mul(3).saturating_add(20_000_000);
            assert!(self.trace.steps < most, "no end in sight");
            let action = self.dice.roll(14);
            let moved = self.act(action);
            self.quiet = if moved { 0 } else { self.quiet + 1 };
            if self.quiet > QUIET_STEPS && !self.sweep() {
                self.pass_time();
            }
            self.judge();
            if self.client.closed && self.server.closed && !self.is_over() {
                self.reconnect();
            }
        }
        self.tally.sum = self.trace.sum();
        self.tally.clone()
    }

    fn is_over(&self) -> bool {
        self.client.closed && self.server.closed && !self.has_more()
    }

    /// Whether the client wants more of the server.
    fn has_more(&self) -> bool {
        self.trace.steps < self.nature.steps || !self.client.play.again.is_empty()
    }

    fn envs(nature: &plans::World, now_us: u64) -> [Env<'_>; 2] {
        let env = |at: usize| Env {
            now: Instant::from_micros(now_us),
            limits: &nature.limits[at],
            date: Some(DATE),
        };
        [env(0), env(1)]
    }

    fn machines(nature: &plans::World, now_us: u64) -> (Client<Pool>, Server<Pool>) {
        let [client, server] = World::envs(nature, now_us);
        (
            Client::new(&client, Pool::new(nature.tables[0]), true),
            Server::new(&server, Pool::new(nature.tables[1])),
        )
    }

    /// One thing of many.
    fn act(&mut self, action: u64) -> bool {
        let [client, server] = World::envs(&self.nature, self.now_us);
        let base = &self.nature.base;
        let [up, down] = &mut self.lanes;
        let (wire, dice, trace) = (&mut self.wire, &mut self.dice, &mut self.trace);
        match action {
            0 | 1 => dice.one_in(base.lazy[0]) && self.client.receive(&client, wire, base.read_max, trace),
            2 | 3 => dice.one_in(base.lazy[1]) && self.server.receive(&server, wire, base.read_max, trace),
            4 | 5 => self.client.transmit(&client, wire, (up, down), base.tx_bytes, dice, trace),
            6 | 7 => self.server.transmit(&server, wire, (down, up), base.tx_bytes, dice, trace),
            8 => self.client.wake() | self.client.grant(true),
            9 => self.server.wake() | self.server.grant(true),
            10 => self.client.give_up(),
            11 => self.server.give_up(),
            12 => self.next_exchange(),
            _ => self.happen(),
        }
    }

    /// Everything once; whether anything moved.
    fn sweep(&mut self) -> bool {
        let lazy = core::mem::replace(&mut self.nature.base.lazy, [1, 1]);
        let mut moved = false;
        for at in 0..2 {
            moved |= !self.awaits() && self.lanes[at].restore();
        }
        for action in 0..13 {
            moved |= self.act(action);
        }
        self.nature.base.lazy = lazy;
        self.quiet = 0;
        moved
    }

    /// The client opens the next exchange, or is done with the connection.
    fn next_exchange(&mut self) -> bool {
        let live = self.client.play.side.len();
        let machine = &mut self.client.machine;
        if self.client.closed || machine.status() != ConnectionStatus::Open {
            return false;
        }
        if self.has_more() {
            if live >= self.nature.streams {
                return false;
            }
            let [env, _] = World::envs(&self.nature, self.now_us);
            let Ok(stream) = self.client.machine.open(&env) else { return false };
            self.client.play.opened(stream);
            return true;
        }
        if live > 0 {
            return false;
        }
        let [env, _] = World::envs(&self.nature, self.now_us);
        self.client.machine.shutdown(&env);
        true
    }

    /// Time goes by, somebody meddles, and faults happen.
    fn happen(&mut self) -> bool {
        self.now_us += self.dice.roll(20);
        if self.wire.reset {
            return self.lose();
        }
        if self.dice.one_in(self.nature.meddles_in) {
            let up = self.dice.one_in(2);
            let may_ask = !self.drains && !self.awaits();
            self.lanes[usize::from(!up)].meddle(&mut self.dice, up, may_ask);
        }
        if self.dice.one_in(self.nature.drains_in) {
            self.drain();
        }
        if self.calm {
            return false;
        }
        if self.dice.one_in(self.nature.base.fault_in * 5) {
            match self.dice.roll(5) {
                0 => self.wire.reset = true,
                1 => self.wire.up.blacken(),
                2 => self.wire.down.blacken(),
                3 => self.drain(),
                _ => self.now_us += self.dice.pick(&[1_000, 500_000, 3_000_000, 20_000_000, 200_000_000]),
            }
        }
        self.tick()
    }

    fn awaits(&self) -> bool {
        self.lanes.iter().any(Lane::awaits)
    }

    fn drain(&mut self) {
        if self.awaits() {
            return;
        }
        self.drains = true;
        let [_, env] = World::envs(&self.nature, self.now_us);
        self.server.machine.shutdown(&env);
    }

    fn tick(&mut self) -> bool {
        let [client, server] = World::envs(&self.nature, self.now_us);
        self.client.tick(&client, &mut self.trace) | self.server.tick(&server, &mut self.trace)
    }

    fn lose(&mut self) -> bool {
        let moved = !(self.client.closed && self.server.closed);
        self.client.lose();
        self.server.lose();
        moved
    }

    /// Nothing moves any more: that is a matter of time, or a fault of ours.
    fn pass_time(&mut self) {
        if self.wire.reset {
            self.lose();
            return;
        }
        let next = self.client.next_deadline().min(self.server.next_deadline());
        let stuck = next == Instant::NEVER || (self.calm && !self.waits_rightly());
        assert!(
            !stuck,
            "nothing moves, and nothing ever will:\n{:?}\n{:?}\n{:?}\n{:?}",
            self.client, self.server, self.wire, self.lanes
        );
        self.now_us = self.now_us.max(next.as_micros());
        self.tick();
    }

    /// On a calm wire only a connection that ends may need time.
    fn waits_rightly(&self) -> bool {
        let leaves = |status| status != ConnectionStatus::Open;
        leaves(self.client.machine.status()) || leaves(self.server.machine.status())
    }

    fn reconnect(&mut self) {
        self.tally.connections += 1;
        let (client, server) = World::machines(&self.nature, self.now_us);
        self.client.renew(client);
        self.server.renew(server);
        self.tally.added += self.lanes.iter().map(|lane| lane.added).sum::<u64>();
        self.drains = false;
        self.lanes = [Lane::new(true), Lane::new(false)];
        self.wire = Wire::new(self.nature.base.windows[0], self.nature.base.windows[1]);
    }

    /// What must hold of the exchanges that have ended for the client.
    fn judge(&mut self) {
        for (index, got) in core::mem::take(&mut self.client.play.ended) {
            let plan = self.plans.of(index);
            let served = self.server.play.served.get(&index).cloned().unwrap_or_default();
            if got == Got::Answer {
                self.tally.answers += 1;
                assert_eq!(served.requests, 1, "an answer to what nobody asked");
                assert!(served.answered && !plan.exchange.is_answer_cut(), "{got:?} {served:?}");
                continue;
            }
            let is_planned = match got {
                Got::GaveUp => plan.resets_in[0] > 0,
                Got::Aborted => plan.exchange.request.is_cut(),
                _ => served.reset || plan.exchange.is_answer_cut(),
            };
            if !is_planned && self.calm {
                // A server that goes, or has no room, says so before anybody has seen the request.
                assert_eq!(
                    served.requests, 0,
                    "exchange {index} on a calm wire: {got:?}\n{plan:?}\n{served:?}"
                );
                self.client.play.again.push_back(index);
                continue;
            }
            self.tally.others += 1;
        }
    }
}
