//! Links that wait for their next exchange, and the end of those that do not.

use core::net::SocketAddr;

use rws_core::connection::{Connection, ConnectionStatus};

use super::{Flow, Link, LinkFlags};
use crate::application::Application;
use crate::shard::Shard;
use crate::sys;

/// Idle links that a shard keeps for one backend.
const IDLE_PER_BACKEND_MAX: usize = 64;
/// How long an idle link is kept: µs.
const IDLE_US: u64 = 60_000_000;

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
    /// The idle link to `backend` that was used last.
    pub(super) fn take_idle(&mut self, backend: SocketAddr) -> Option<u32> {
        let key = self.idle_links.get_mut(&backend)?.pop()?;
        self.links.get_mut(key as usize)?.flags.set(LinkFlags::REUSED);
        Some(key)
    }

    /// The exchange of a link is over on the client's side: the link goes to the pool if it can serve again.
    pub(in crate::shard) fn release_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        let flow = link.flow.as_ref();
        let is_overrun = flow.is_none_or(|flow| flow.is_overrun || flow.waiting.is_some());
        if is_overrun || !link.is_clean() || self.draining_until.is_some() {
            return self.drop_link(key);
        }
        let idle = self.idle_links.entry(link.backend).or_default();
        if idle.len() >= IDLE_PER_BACKEND_MAX {
            return self.drop_link(key);
        }
        idle.push(key);
        link.flow = None;
        link.deadline = self.clock.now().after_us(IDLE_US);
        self.rearm_link(key);
    }

    /// Closes a link, and with it what it serves, if the caller has not seen to that.
    pub(in crate::shard) fn drop_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        match link.flow.take() {
            Some(flow) => {
                let is_answered = flow.is_answered;
                self.end_flow(*flow);
                if is_answered {
                    self.remove_link(key);
                } else {
                    self.cut_link(key);
                }
            }
            None => {
                if let Some(idle) = self.idle_links.get_mut(&link.backend) {
                    idle.retain(|&other| other != key);
                }
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
