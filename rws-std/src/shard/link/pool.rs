//! Links that wait for their next exchange, and the end of those that do not.

use core::hash::{BuildHasherDefault, Hasher};
use core::net::SocketAddr;
use std::collections::HashMap;

use rws_core::connection::{Connection, ConnectionStatus};

use super::{Flow, Link, LinkFlags};
use crate::application::Application;
use crate::shard::Shard;
use crate::sys;

/// Idle links that a shard keeps for one backend.
const IDLE_PER_BACKEND_MAX: usize = 64;
/// How long an idle link is kept: µs.
const IDLE_US: u64 = 60_000_000;

/// The idle links of a shard, by backend.
#[derive(Debug, Default)]
pub(in crate::shard) struct IdleLinks {
    /// Backends come from the configuration: nobody can choose them so that they collide.
    places: HashMap<SocketAddr, u32, BuildHasherDefault<QuickHasher>>,
    lists: Vec<Vec<u32>>,
    /// The backend that was asked for last, and its place.
    latest: Option<(SocketAddr, u32)>,
}

impl IdleLinks {
    /// The place of the links to `backend`.
    pub(super) fn of(&mut self, backend: SocketAddr) -> u32 {
        if let Some((latest, place)) = self.latest
            && latest == backend
        {
            return place;
        }
        let place = *self.places.entry(backend).or_insert_with(|| {
            self.lists.push(Vec::new());
            (self.lists.len() - 1) as u32
        });
        self.latest = Some((backend, place));
        place
    }

    fn list(&mut self, place: u32) -> &mut Vec<u32> {
        // Places are made with their lists, and stay.
        &mut self.lists[place as usize]
    }
}

/// A hash of a few words for keys that no attacker chooses.
#[derive(Debug, Default)]
pub(in crate::shard) struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

impl Link {
    /// Whether another exchange may follow on this link: nothing of the last one is left on the way, and nothing
    /// has come that nobody asked for.
    fn is_clean(&self) -> bool {
        const SPOILT: u8 = LinkFlags::READABLE | LinkFlags::FIN | LinkFlags::EOF | LinkFlags::DEAF;
        self.h1.exchange().is_none()
            && self.h1.status() == ConnectionStatus::Open
            && self.unsent.is_none()
            && self.leftover.is_none()
            && self.down.is_none()
            && !self.flags.has(SPOILT)
    }
}

impl<A: Application> Shard<A> {
    /// The idle link of `pool` that was used last.
    pub(super) fn take_idle(&mut self, pool: u32) -> Option<u32> {
        let key = self.idle_links.list(pool).pop()?;
        self.links.get_mut(key as usize)?.flags.set(LinkFlags::REUSED);
        Some(key)
    }

    /// The exchange of a link is over on the client's side: the link goes to the pool if it can serve again.
    pub(in crate::shard) fn release_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return self.release_leg(key) };
        let is_whole = |flow: &Flow| !flow.is_overrun && flow.waiting.is_none();
        let is_fit = link.flow.as_ref().is_some_and(is_whole) && link.is_clean();
        let idle = self.idle_links.list(link.pool);
        if !is_fit || idle.len() >= IDLE_PER_BACKEND_MAX || self.draining_until.is_some() {
            return self.drop_link(key);
        }
        idle.push(key);
        if let Some(flow) = link.flow.take() {
            flow.plan.retire();
        }
        link.deadline = self.clock.now().after_us(IDLE_US);
        self.rearm_link(key);
    }

    /// Closes a link, and with it what it serves, if the caller has not seen to that.
    pub(in crate::shard) fn drop_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return self.cancel_leg(key) };
        match link.flow.take() {
            Some(flow) => {
                let is_answered = flow.is_answered;
                self.end_flow(flow);
                if is_answered {
                    self.remove_link(key);
                } else {
                    self.cut_link(key);
                }
            }
            None => {
                self.idle_links.list(link.pool).retain(|&other| other != key);
                self.remove_link(key);
            }
        }
    }

    /// Closes a link whose upstream may still be at work. It is told by a reset: the end of our side alone means
    /// only that the request is whole.
    pub(super) fn cut_link(&mut self, key: u32) {
        if let Some(link) = self.remove_link(key)
            && link.flags.has(LinkFlags::CONNECTED)
        {
            sys::close_with_reset(link.socket);
        }
    }

    fn remove_link(&mut self, key: u32) -> Option<Link> {
        let mut link = self.links.try_remove(key as usize)?;
        self.link_timers.disarm(key);
        for stored in [&mut link.unsent, &mut link.leftover, &mut link.down] {
            if let Some(stored) = stored.take() {
                self.pools.give(stored);
            }
        }
        Some(link)
    }

    /// Gives back what a flow holds.
    pub(super) fn end_flow(&mut self, flow: Flow) {
        if let Some(waiting) = flow.waiting {
            self.pools.give(waiting);
        }
    }
}
