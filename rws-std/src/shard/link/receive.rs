//! The response as it comes: read, understood, and handed on from where it lies.

use rws_core::Status;
use rws_core::connection::{ByteConnection, Event};
use rws_core::message::{FieldBlock, Scratch};

use super::LinkFlags;
use super::relay::{Reached, Relay};
use crate::application::Application;
use crate::forward::ForwardError;
use crate::shard::conn::{At, Conn, Flags};
use crate::shard::transmit::Pulled;
use crate::shard::{Address, Exchange, Shard, TurnBuf};
use crate::sys::{self, Transfer};

impl<A: Application> Shard<A> {
    /// Something happened on the socket of link `key`.
    pub(in crate::shard) fn link_event(&mut self, buf: &mut TurnBuf, key: u32, event: sys::Event) {
        let Some(link) = self.links.get_mut(key as usize) else { return self.trunk_event(buf, key, event) };
        if event.key != super::link_key(key, link.generation) {
            return;
        }
        if event.is_readable() {
            link.flags.set(LinkFlags::READABLE);
        }
        if event.is_read_closed() {
            link.flags.set(LinkFlags::FIN);
        }
        let owner = self.owner_of(key);
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
        let Some(link) = self.links.get_mut(key as usize) else { return self.go_on_with_trunk(buf, key) };
        link.flags.clear(LinkFlags::LISTED);
        let owner = self.owner_of(key);
        self.read_link(buf, key);
        if let Some(owner) = owner {
            self.conclude_owner(owner);
        }
    }

    /// Reads from link `key` while there is something to read and the client takes it.
    fn read_link(&mut self, buf: &mut TurnBuf, key: u32) {
        for _ in 0..READS_PER_TURN {
            let Some(link) = self.links.get_mut(key as usize) else { return };
            if !link.flags.has(LinkFlags::READABLE | LinkFlags::UNOFFERED) {
                return;
            }
            let Some(flow) = link.flow.as_mut() else {
                // Nobody asked: whatever comes on an idle link ends it.
                return self.drop_link(key);
            };
            let is_connecting = !link.flags.has(LinkFlags::CONNECTED);
            if is_connecting || flow.is_answered || link.down.is_some() {
                return;
            }
            let Ok(to) = self.load_link(buf, key) else { return self.fail_link(key, ForwardError::Closed) };
            let is_ended = self.links.get(key as usize).is_some_and(|link| link.flags.has(LinkFlags::EOF));
            if to == 0 && !is_ended {
                return;
            }
            match self.work_off_link(buf, key, to) {
                Reached::Rest if is_ended => return self.end_link(key),
                Reached::Rest => self.touch_link(key),
                Reached::Full | Reached::Whole => return self.touch_link(key),
                Reached::Failed(error) => return self.fail_link(key, error),
            }
        }
        // There may be more: other connections first.
        self.list_link(key);
    }

    /// Puts what link `key` has into the thread's buffer: says how many bytes there are.
    fn load_link(&mut self, buf: &mut TurnBuf, key: u32) -> std::io::Result<usize> {
        let Some(link) = self.links.get_mut(key as usize) else { return Ok(0) };
        let mut to = 0;
        if let Some(left) = link.leftover.take() {
            let bytes = left.bytes();
            buf.rx[..bytes.len()].copy_from_slice(bytes);
            to = bytes.len();
            self.pools.give(left);
            link.flags.clear(LinkFlags::UNOFFERED);
        }
        let space = &mut buf.rx[to..];
        if !link.flags.has(LinkFlags::READABLE) || space.is_empty() {
            return Ok(to);
        }
        let asked = space.len();
        match sys::recv(&link.socket, space)? {
            Transfer::Bytes(n) => {
                to += n;
                if n < asked && !link.flags.has(LinkFlags::FIN) {
                    link.flags.clear(LinkFlags::READABLE);
                }
            }
            Transfer::Blocked => link.flags.clear(LinkFlags::READABLE),
            Transfer::End => {
                link.flags.set(LinkFlags::EOF);
                link.flags.clear(LinkFlags::READABLE);
            }
        }
        Ok(to)
    }

    /// Takes the machine's steps on `rx[..to]`, and hands on what they find.
    fn work_off_link(&mut self, buf: &mut TurnBuf, key: u32, to: usize) -> Reached {
        let Some(owner) = self.owner_of(key) else { return Reached::Whole };
        let Some(mut exchange) = self.take_exchange(owner) else {
            self.drop_link(key);
            return Reached::Whole;
        };
        let mut relay = Relay::new(key, owner, &mut exchange);
        let mut from = 0;
        let mut may_go_up = false;
        let reached = loop {
            let TurnBuf { rx, decoded, index, .. } = &mut *buf;
            let Some(link) = self.links.get_mut(key as usize) else { break Reached::Whole };
            let env = crate::shard::env(&self.clock, &self.settings);
            let mut scratch = Scratch { bytes: decoded, fields: index };
            let step = link.h1.receive(&env, &mut rx[from..to], &mut scratch);
            let at = from;
            from += step.consumed;
            match step.event {
                None if step.consumed == 0 || from == to => {
                    let reached = self.relay_held(&mut relay, rx, 0..0);
                    self.keep_rest(key, &rx[from..to], reached);
                    break reached;
                }
                None => {}
                Some(Event::Interim { head, .. }) if head.status == Status::CONTINUE => may_go_up = true,
                Some(Event::Interim { head, .. }) => {
                    self.relay_interim(&mut relay, head.view(&rx[at..from], scratch));
                }
                Some(Event::Response { head, end, .. }) => {
                    self.take_head(&mut relay, head.view(&rx[at..from], scratch), head.body);
                    if end {
                        self.relay_end(&mut relay, rx, FieldBlock::EMPTY, from < to);
                        break Reached::Whole;
                    }
                }
                Some(Event::Body { chunk, .. }) => {
                    let start = at + chunk.at as usize;
                    let new = start..start + chunk.len as usize;
                    let reached = self.relay_held(&mut relay, rx, new);
                    if reached != Reached::Rest {
                        self.keep_rest(key, &rx[from..to], reached);
                        break reached;
                    }
                }
                Some(Event::End { trailers, .. }) => {
                    let trailers = trailers.map(|spans| spans.view(&rx[at..from], &scratch));
                    self.relay_end(&mut relay, rx, trailers.unwrap_or(FieldBlock::EMPTY), from < to);
                    break Reached::Whole;
                }
                Some(Event::Stalled { .. }) => {
                    let reached = self.relay_held(&mut relay, rx, 0..0);
                    if reached != Reached::Rest {
                        self.keep_rest(key, &rx[from..to], reached);
                        break reached;
                    }
                }
                Some(Event::Refused { fault, .. }) => break Reached::Failed(ForwardError::Protocol(fault)),
                Some(Event::Reset { .. } | Event::Closed | Event::Request { .. }) => {
                    break Reached::Failed(ForwardError::Closed);
                }
            }
        };
        let pulled = relay.pulled;
        self.settle_relayed(owner.conn, exchange, pulled);
        if may_go_up && reached != Reached::Whole {
            self.push_request(key, &[]);
        }
        reached
    }

    /// Ends or keeps an exchange that was relayed to. Mostly it is over, and ends where it lies.
    #[inline]
    fn settle_relayed(&mut self, conn: u32, mut exchange: Exchange<A::State>, pulled: Pulled) {
        match pulled {
            Pulled::Over => self.end_pulled(conn, &mut exchange),
            pulled @ (Pulled::Parked | Pulled::Full | Pulled::Cut(_)) => self.keep(conn, exchange, pulled),
        }
    }

    /// Keeps bytes that were not worked off: behind those that a client does not take, the machine can go on.
    fn keep_rest(&mut self, key: u32, rest: &[u8], reached: Reached) {
        let Some(link) = self.links.get_mut(key as usize).filter(|_| !rest.is_empty()) else { return };
        if reached == Reached::Full {
            link.flags.set(LinkFlags::UNOFFERED);
        }
        link.leftover = Some(self.pools.store(rest));
    }

    /// The upstream has closed its side, and all it said is worked off.
    fn end_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        let env = crate::shard::env(&self.clock, &self.settings);
        let is_whole = matches!(link.h1.receive_end(&env), Some(Event::End { .. }));
        let Some(owner) = self.owner_of(key).filter(|_| is_whole) else {
            return self.fail_link(key, ForwardError::Closed);
        };
        let Some(mut exchange) = self.take_exchange(owner) else { return self.drop_link(key) };
        let mut relay = Relay::new(key, owner, &mut exchange);
        self.relay_end(&mut relay, &[], FieldBlock::EMPTY, false);
        let pulled = relay.pulled;
        self.keep_or_end(owner.conn, exchange, pulled);
        self.touch_link(key);
    }

    /// The end of a link's turn on the side of its client.
    #[inline]
    pub(super) fn conclude_owner(&mut self, owner: Address) {
        let is_current = |conn: &&Conn| conn.generation == owner.generation;
        if self.conns.get(owner.conn as usize).filter(is_current).is_none() {
            return;
        }
        self.conclude(owner.conn);
        let Some(conn) = self.conns.get(owner.conn as usize).filter(is_current) else { return };
        if conn.exchange == At::Nowhere && conn.flags.has(Flags::READABLE | Flags::UNOFFERED) {
            // The next request came while this one was under way, and no event will tell of it again.
            self.list(owner.conn);
        }
    }
}

/// Reads from one link before other connections get their turn.
pub(super) const READS_PER_TURN: usize = 16;
