//! The response on its way down: read, understood, and pulled by the client's machine from where it lies.

use rws_core::Status;
use rws_core::connection::{BodyPlan, ByteConnection, Connection, Event};
use rws_core::message::{BodyFraming, KnownName, ResponseHead, Scratch};

use crate::application::Application;
use crate::forward::{ForwardError, Forwarded};
use crate::shard::settle::{Answer, Exchange};
use crate::shard::{Address, Shard, TurnBuf};
use crate::sys::{self, Transfer};

/// How going on with a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// All that was there is worked off.
    Rest,
    /// The client takes no more for now.
    Full,
    /// The link is not ours any more.
    Gone,
}

impl<A: Application> Shard<A> {
    /// Something happened on the socket of link `key`.
    pub(in crate::shard) fn link_event(&mut self, buf: &mut TurnBuf, key: u32, event: sys::Event) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        if event.key != super::link_key(key, link.generation) {
            return;
        }
        let owner = link.flow.as_ref().map(|flow| flow.owner);
        if event.is_readable() {
            link.is_readable = true;
        }
        if event.is_writable() {
            self.link_writable(key);
        }
        self.read_link(buf, key);
        if let Some(owner) = owner {
            self.conclude_owner(owner);
        }
    }

    /// Goes on with a link that is listed.
    pub(in crate::shard) fn go_on_with_link(&mut self, buf: &mut TurnBuf, key: u32) {
        let owner = self.links.get(key as usize).and_then(|link| link.flow.as_ref()).map(|flow| flow.owner);
        self.read_link(buf, key);
        if let Some(owner) = owner {
            self.conclude_owner(owner);
        }
    }

    fn conclude_owner(&mut self, owner: Address) {
        if self.conns.get(owner.conn as usize).is_some_and(|conn| conn.generation == owner.generation) {
            self.conclude(owner.conn);
        }
    }

    /// Reads from link `key` while there is something to read and the client takes it.
    pub(in crate::shard) fn read_link(&mut self, buf: &mut TurnBuf, key: u32) {
        for _ in 0..READS_PER_TURN {
            let Some(link) = self.links.get_mut(key as usize) else { return };
            if link.down.is_some() || !(link.is_readable || link.leftover.is_some()) {
                return;
            }
            if link.flow.is_none() {
                // Nobody asked: whatever comes on an idle link ends it.
                return self.drop_link(key);
            }
            let rx = &mut buf.rx;
            let mut to = 0;
            if let Some(left) = link.leftover.take() {
                let bytes = left.bytes();
                rx[..bytes.len()].copy_from_slice(bytes);
                to = bytes.len();
                self.pools.give(left);
            }
            let before = to;
            if link.is_readable && !link.is_ended {
                let space = &mut rx[to..];
                let asked = space.len();
                match sys::recv(&link.socket, space) {
                    Ok(Transfer::Bytes(n)) => {
                        to += n;
                        link.is_readable = n == asked;
                        if let Some(flow) = &link.flow {
                            link.deadline = self.clock.now().after_us(flow.plan.read_timeout_us);
                        }
                    }
                    Ok(Transfer::Blocked) => link.is_readable = false,
                    Ok(Transfer::End) => {
                        link.is_ended = true;
                        link.is_readable = false;
                    }
                    Err(_) => return self.fail_link(key, ForwardError::Closed),
                }
            }
            let is_ended = link.is_ended;
            if to == before && !is_ended && before == 0 {
                return;
            }
            match self.work_off_link(buf, key, to) {
                Reached::Rest if is_ended => return self.end_link(key),
                Reached::Rest if to == before => return,
                Reached::Rest => {}
                Reached::Full | Reached::Gone => return,
            }
        }
        // There may be more: other connections first.
        self.links_again.push_back(key);
    }

    /// Takes the machine's steps on `rx[..to]`.
    fn work_off_link(&mut self, buf: &mut TurnBuf, key: u32, to: usize) -> Reached {
        let mut from = 0;
        loop {
            let TurnBuf { rx, decoded, index, .. } = &mut *buf;
            let Some(link) = self.links.get_mut(key as usize) else { return Reached::Gone };
            let Some(owner) = link.flow.as_ref().map(|flow| flow.owner) else { return Reached::Gone };
            let env = crate::shard::env(&self.clock, &self.settings);
            let mut scratch = Scratch { bytes: decoded, fields: index };
            let step = link.h1.receive(&env, &mut rx[from..to], &mut scratch);
            let at = from;
            from += step.consumed;
            match step.event {
                None if step.consumed == 0 || from == to => {
                    if from < to {
                        link.leftover = Some(self.pools.store(&rx[from..to]));
                    }
                    return Reached::Rest;
                }
                None | Some(Event::Interim { .. }) => {}
                Some(Event::Response { head, end, .. }) => {
                    if end && let Some(flow) = link.flow.as_mut() {
                        flow.is_answered = true;
                    }
                    let view = head.view(&rx[at..from], scratch);
                    let plan = plan_of(&view, head.body);
                    if !self.answer(owner, view, plan, end) {
                        return Reached::Gone;
                    }
                }
                Some(Event::Body { stream, chunk }) => {
                    let bytes = chunk.bytes(&rx[at..from]);
                    let taken = self.relay(owner, bytes, false);
                    let Some(link) = self.links.get_mut(key as usize) else { return Reached::Gone };
                    if taken < bytes.len() {
                        link.down = Some(self.pools.store(&bytes[taken..]));
                        link.withheld = chunk.len;
                        if from < to {
                            link.leftover = Some(self.pools.store(&rx[from..to]));
                        }
                        link.deadline = rws_core::Instant::NEVER;
                        return Reached::Full;
                    }
                    // A stale stream only means that the response is complete.
                    let _ = link.h1.grant(stream, chunk.len);
                }
                Some(Event::End { .. }) => {
                    if let Some(flow) = link.flow.as_mut() {
                        flow.is_answered = true;
                    }
                    self.relay(owner, &[], true);
                }
                Some(Event::Stalled { .. }) => {
                    link.leftover = Some(self.pools.store(&rx[from..to]));
                    return Reached::Full;
                }
                Some(Event::Refused { fault, .. }) => {
                    self.fail_link(key, ForwardError::Protocol(fault));
                    return Reached::Gone;
                }
                Some(Event::Reset { .. } | Event::Closed | Event::Request { .. }) => {
                    self.fail_link(key, ForwardError::Closed);
                    return Reached::Gone;
                }
            }
        }
    }

    /// The upstream has closed its side, and all it said is worked off.
    fn end_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        let env = crate::shard::env(&self.clock, &self.settings);
        let event = link.h1.receive_end(&env);
        let Some(flow) = link.flow.as_mut() else { return self.drop_link(key) };
        match event {
            Some(Event::End { .. }) => {
                flow.is_answered = true;
                let owner = flow.owner;
                self.relay(owner, &[], true);
            }
            _ if flow.is_answered => {}
            _ => self.fail_link(key, ForwardError::Closed),
        }
    }

    /// The upstream's head has come: the application makes the client's answer of it.
    fn answer(&mut self, owner: Address, head: ResponseHead<'_>, plan: BodyPlan, end: bool) -> bool {
        let Some(mut exchange) = self.take_exchange(owner) else { return false };
        exchange.is_relayed = true;
        self.tell_forwarded(owner, &mut exchange, Forwarded::Head(head, plan));
        if let Some(conn) = self.conns.get_mut(owner.conn as usize) {
            conn.h1.wake(owner.stream);
        }
        self.pump_with(owner.conn, exchange, &[], end);
        true
    }

    /// Gives body bytes to the client; says how many it took.
    fn relay(&mut self, owner: Address, bytes: &[u8], end: bool) -> usize {
        let Some(exchange) = self.take_exchange(owner) else { return bytes.len() };
        if let Some(conn) = self.conns.get_mut(owner.conn as usize) {
            conn.h1.wake(owner.stream);
        }
        self.pump_with(owner.conn, exchange, bytes, end)
    }

    pub(super) fn tell_forwarded(
        &mut self,
        owner: Address,
        exchange: &mut Exchange<A::State>,
        forwarded: Forwarded<'_>,
    ) {
        self.prepare_cx(owner);
        if let Answer::Service(state) = &mut exchange.answer {
            self.app.forwarded(&mut self.cx, state, forwarded);
        }
    }

    /// The client has room again: what waits for it goes on, and then the link is read again.
    pub(in crate::shard) fn resume_relay(&mut self, key: u32, link_key: u32, exchange: Exchange<A::State>) {
        let Some(link) = self.links.get_mut(link_key as usize) else {
            self.pump(key, exchange);
            return;
        };
        let is_answered = link.flow.as_ref().is_some_and(|flow| flow.is_answered);
        let Some(mut down) = link.down.take() else {
            self.pump_with(key, exchange, &[], is_answered);
            self.links_again.push_back(link_key);
            return;
        };
        let taken = self.pump_with(key, exchange, down.bytes(), is_answered);
        down.advance(taken);
        let stream = self.link_stream(link_key);
        let Some(link) = self.links.get_mut(link_key as usize) else { return self.pools.give(down) };
        if !down.bytes().is_empty() {
            link.down = Some(down);
            return;
        }
        self.pools.give(down);
        if let Some(flow) = &link.flow {
            link.deadline = self.clock.now().after_us(flow.plan.read_timeout_us);
        }
        if let Some(stream) = stream {
            // A stale stream only means that the response is complete.
            let _ = link.h1.grant(stream, core::mem::take(&mut link.withheld));
        }
        self.rearm_link(link_key);
        self.links_again.push_back(link_key);
    }
}

/// Reads from one link before other connections get their turn.
const READS_PER_TURN: usize = 16;

/// How the client's answer is framed. An answer to HEAD and a 304 keep the length that they declare.
fn plan_of(head: &ResponseHead<'_>, body: BodyFraming) -> BodyPlan {
    match body {
        BodyFraming::Sized(len) => BodyPlan::Sized(len),
        BodyFraming::Streamed | BodyFraming::UntilClose => BodyPlan::Streamed,
        BodyFraming::None if head.status.is_bodiless() => declared_length(head)
            .filter(|_| head.status == Status::NOT_MODIFIED)
            .map_or(BodyPlan::None, BodyPlan::Sized),
        BodyFraming::None => declared_length(head).map_or(BodyPlan::Streamed, BodyPlan::Sized),
    }
}

fn declared_length(head: &ResponseHead<'_>) -> Option<u64> {
    let declared = head.fields.single(KnownName::ContentLength)?;
    core::str::from_utf8(declared).ok()?.parse().ok()
}
