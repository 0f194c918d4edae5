//! Responses as they come, interleaved: read, understood, and handed on from where they lie.

use core::ops::Range;

use rws_core::Status;
use rws_core::connection::{ByteConnection, Connection, ConnectionStatus, Event, StreamId, TrailerSpans};
use rws_core::h2::ErrorCode;
use rws_core::message::{FieldBlock, Scratch};

use super::relay::Passing;
use super::{LEG, LegFacts, Trunks, env, key_of};
use crate::application::Application;
use crate::forward::ForwardError;
use crate::shard::link::{LinkFlags, link_key};
use crate::shard::{Shard, TurnBuf};
use crate::sys::{self, Transfer};

impl<A: Application> Shard<A> {
    /// Something happened on the socket of the trunk under `number`.
    #[inline(never)]
    pub(in crate::shard::link) fn trunk_event(&mut self, buf: &mut TurnBuf, number: u32, event: sys::Event) {
        let Some(key) = key_of(number) else { return };
        let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return };
        if event.key != link_key(key | LEG, trunk.generation) {
            return;
        }
        if event.is_readable() {
            trunk.flags.set(LinkFlags::READABLE);
        }
        if event.is_read_closed() {
            trunk.flags.set(LinkFlags::FIN);
            self.trunks.withdraw(key);
        }
        if event.is_writable() && !self.trunk_writable(key) {
            return;
        }
        self.take_trunks_turn(buf, key);
    }

    /// Goes on with the trunk under `number`, which is listed.
    #[inline(never)]
    pub(in crate::shard::link) fn go_on_with_trunk(&mut self, buf: &mut TurnBuf, number: u32) {
        let Some(key) = key_of(number) else { return };
        let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return };
        trunk.flags.clear(LinkFlags::LISTED);
        self.take_trunks_turn(buf, key);
    }

    fn take_trunks_turn(&mut self, buf: &mut TurnBuf, key: u32) {
        let more = self.read_trunk(buf, key);
        self.transmit_trunk(key);
        self.conclude_trunk(key, more);
    }

    /// Reads what is there, for a while. Whether there may be more.
    fn read_trunk(&mut self, buf: &mut TurnBuf, key: u32) -> bool {
        for _ in 0..super::super::receive::READS_PER_TURN {
            let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return false };
            let is_there = trunk.flags.has(LinkFlags::READABLE | LinkFlags::UNOFFERED);
            if !is_there || !trunk.flags.has(LinkFlags::CONNECTED) || trunk.h2.rx_want() == 0 {
                return false;
            }
            let Some(to) = self.load_trunk(buf, key) else { return false };
            self.work_off_trunk(buf, key, to);
        }
        true
    }

    /// Puts what trunk `key` has into the thread's buffer: how many bytes there are. `None` if there are none.
    fn load_trunk(&mut self, buf: &mut TurnBuf, key: u32) -> Option<usize> {
        let trunk = self.trunks.all.get_mut(key as usize)?;
        let mut to = 0;
        if let Some(left) = trunk.leftover.take() {
            to = left.bytes().len();
            buf.rx[..to].copy_from_slice(left.bytes());
            self.pools.give(left);
            trunk.flags.clear(LinkFlags::UNOFFERED);
        }
        let space = &mut buf.rx[to..];
        if !trunk.flags.has(LinkFlags::READABLE) || space.is_empty() {
            return Some(to);
        }
        let asked = space.len();
        match sys::recv(&trunk.socket, space) {
            Ok(Transfer::Bytes(n)) => {
                to += n;
                if n < asked && !trunk.flags.has(LinkFlags::FIN) {
                    trunk.flags.clear(LinkFlags::READABLE);
                }
            }
            Ok(Transfer::Blocked) => trunk.flags.clear(LinkFlags::READABLE),
            Ok(Transfer::End) | Err(_) => {
                trunk.flags.set(LinkFlags::EOF);
                trunk.flags.clear(LinkFlags::READABLE);
            }
        }
        (to > 0).then_some(to)
    }

    /// Takes the machine's steps on `rx[..to]`, and hands on what they find.
    fn work_off_trunk(&mut self, buf: &mut TurnBuf, key: u32, to: usize) {
        let mut passing: Option<Passing<A::State>> = None;
        let mut from = 0;
        loop {
            let Trunks { all, limits, .. } = &mut self.trunks;
            let Some(trunk) = all.get_mut(key as usize) else { break };
            let env = env(self.clock.now(), limits);
            let mut scratch = Scratch { bytes: &mut buf.decoded, fields: &mut buf.index };
            let step = trunk.h2.receive(&env, &mut buf.rx[from..to], &mut scratch);
            let at = from;
            from += step.consumed;
            match step.event {
                None if step.consumed == 0 => break,
                None => {}
                Some(event) => self.trunk_happened(buf, key, at..from, event, &mut passing),
            }
        }
        self.settle_passing(&buf.rx, passing);
        self.trunks.note_streams_max(key);
        let Some(trunk) = self.trunks.all.get_mut(key as usize).filter(|_| from < to) else { return };
        if trunk.h2.rx_want() == 0 {
            trunk.flags.set(LinkFlags::UNOFFERED);
        }
        trunk.leftover = Some(self.pools.store(&buf.rx[from..to]));
    }

    /// An event whose spans lie at `place`.
    fn trunk_happened(
        &mut self,
        buf: &mut TurnBuf,
        key: u32,
        place: Range<usize>,
        event: Event,
        passing: &mut Option<Passing<A::State>>,
    ) {
        let TurnBuf { rx, decoded, index, .. } = &mut *buf;
        let scratch = Scratch { bytes: decoded, fields: index };
        match event {
            // The machine lets the body go by itself.
            Event::Interim { head, .. } if head.status == Status::CONTINUE => {}
            Event::Interim { stream, head } => {
                if let Some(passing) = self.passing_of(rx, key, stream, passing) {
                    self.pass_interim(passing, head.view(&rx[place], scratch));
                }
            }
            Event::Response { stream, head, end } => {
                let Some(passing) = self.passing_of(rx, key, stream, passing) else { return };
                self.note_started(passing.leg);
                self.pass_head(passing, head.view(&rx[place], scratch), head.body, end);
                if end {
                    self.pass_end(passing, rx, FieldBlock::EMPTY);
                }
            }
            Event::Body { stream, chunk } => {
                let start = place.start + chunk.at as usize;
                if let Some(passing) = self.passing_of(rx, key, stream, passing) {
                    self.pass_held(passing, rx, start..start + chunk.len as usize);
                }
            }
            Event::End { stream, trailers } => {
                let Some(passing) = self.passing_of(rx, key, stream, passing) else { return };
                let view = |spans: TrailerSpans| spans.view(&rx[place], &scratch);
                self.pass_end(passing, rx, trailers.as_ref().map_or(FieldBlock::EMPTY, |spans| view(*spans)));
            }
            Event::Refused { .. } | Event::Reset { .. } => {
                self.settle_passing(rx, passing.take());
                self.leg_happened(key, event);
            }
            // The end of the turn sees to both; a window that is open never stalls.
            Event::Closed | Event::Stalled { .. } | Event::Request { .. } => {}
        }
    }

    /// Something that ends a leg, or all of them.
    pub(super) fn leg_happened(&mut self, key: u32, event: Event) {
        match event {
            Event::Refused { stream: Some(stream), status, fault } => {
                let Some(leg) = self.trunks.leg_of(key, stream) else { return };
                let error = match status {
                    Status::GATEWAY_TIMEOUT => ForwardError::ReadTimeout,
                    _ => ForwardError::Protocol(fault),
                };
                self.fail_leg(leg, error, false);
            }
            Event::Refused { stream: None, fault, .. } => self.fail_legs(key, ForwardError::Protocol(fault)),
            Event::Reset { stream, .. } => {
                let Some(leg) = self.trunks.leg_of(key, stream) else { return };
                let code = self
                    .trunks
                    .all
                    .get(key as usize)
                    .map_or(ErrorCode::NO_ERROR, |trunk| trunk.h2.reset_code());
                self.fail_leg(leg, ForwardError::Reset(code), code == ErrorCode::REFUSED_STREAM);
            }
            Event::Request { .. }
            | Event::Interim { .. }
            | Event::Response { .. }
            | Event::Body { .. }
            | Event::End { .. }
            | Event::Stalled { .. }
            | Event::Closed => {}
        }
    }

    /// The exchange that what comes on `stream` is for: one that it was for before is settled first.
    fn passing_of<'p>(
        &mut self,
        rx: &[u8],
        key: u32,
        stream: StreamId,
        passing: &'p mut Option<Passing<A::State>>,
    ) -> Option<&'p mut Passing<A::State>> {
        let leg = self.trunks.leg_of(key, stream);
        if passing.as_ref().map(|passing| passing.leg) != leg {
            self.settle_passing(rx, passing.take());
            // Settling one may end another.
            let leg = self.trunks.leg_of(key, stream)?;
            let owner = self.trunks.legs.get(leg as usize)?.flow.owner;
            match self.take_exchange(owner) {
                Some(exchange) => *passing = Some(Passing::new(leg, owner, exchange)),
                None => self.drop_leg(leg),
            }
        }
        passing.as_mut()
    }

    /// The response of a leg has begun: nothing of its request is needed any more.
    fn note_started(&mut self, key: u32) {
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        leg.facts.set(LegFacts::STARTED);
        let at = leg.trunk;
        if let Some(trunk) = self.trunks.all.get_mut(at as usize) {
            trunk.flags.set(LinkFlags::REUSED);
        }
        self.commit(key);
    }

    /// The end of a trunk's turn: looks how it stands.
    pub(super) fn conclude_trunk(&mut self, key: u32, more: bool) {
        let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return };
        let may_go_on = trunk.flags.has(LinkFlags::UNOFFERED) && !trunk.flags.has(LinkFlags::DEAF);
        if trunk.flags.has(LinkFlags::EOF) && !may_go_on {
            return self.end_trunk(key, ForwardError::Closed);
        }
        match trunk.h2.status() {
            ConnectionStatus::Open => {}
            ConnectionStatus::Draining => self.trunks.withdraw(key),
            ConnectionStatus::CloseAfterFlush if trunk.unsent.is_some() => self.trunks.withdraw(key),
            ConnectionStatus::CloseAfterFlush | ConnectionStatus::Closed | ConnectionStatus::Upgraded => {
                return self.end_trunk(key, ForwardError::Closed);
            }
        }
        let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return };
        if trunk.h2.live() == 0 {
            trunk.h2.release();
            if trunk.h2.streams_max() == Some(0) && trunk.h2.status() == ConnectionStatus::Open {
                // Nobody will ever use it, and every request makes another.
                trunk.h2.shutdown(&env(self.clock.now(), &self.trunks.limits));
                return self.list_trunk(key);
            }
        }
        let has_bytes = trunk.flags.has(LinkFlags::READABLE | LinkFlags::UNOFFERED);
        let can_go_on = has_bytes && trunk.h2.rx_want() > 0 && trunk.flags.has(LinkFlags::CONNECTED);
        if more || can_go_on {
            self.list_trunk(key);
        }
        self.rearm_trunk(key);
    }
}
