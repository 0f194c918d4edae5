//! Accepting connections, within their caps.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;

use rws_core::{Instant, h1};

use super::conn::{At, Conn, Flags};
use super::{LISTENER_KEY, Shard};
use crate::application::Application;
use crate::settings::is_wildcard;
use crate::sys::{self, Accepted, Interest};

/// Connections accepted before others get their turn.
const ACCEPTS_PER_TURN: usize = 64;

/// A shard's listener and what it knows about its peers.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: sys::Acceptor,
    /// The address that peers reach, where it is one.
    pub(super) local: Option<SocketAddr>,
    per_ip: HashMap<IpAddr, usize>,
    /// Whether the poller watches the listener now.
    watched: bool,
}

impl Acceptor {
    pub(crate) fn new(listener: OwnedFd) -> io::Result<Acceptor> {
        let local = Some(sys::bound_address(&listener)?).filter(|address| !is_wildcard(*address));
        Ok(Acceptor { listener: sys::Acceptor::new(listener), local, per_ip: HashMap::new(), watched: false })
    }
}

impl<A: Application> Shard<A> {
    /// Accepts what waits, up to a turn's share.
    pub(super) fn accept(&mut self) {
        for _ in 0..ACCEPTS_PER_TURN {
            if self.conns.len() >= self.settings.connections_max {
                return self.watch_listener(false);
            }
            let Some(acceptor) = self.acceptor.as_mut() else { return };
            match acceptor.listener.accept(self.clock.now().as_micros()) {
                Ok(Accepted::Connection(socket, peer)) => self.admit(socket, peer),
                Ok(Accepted::Again) => {}
                Ok(Accepted::Nobody) => return,
                Ok(Accepted::Paused { refused, .. }) => {
                    if refused {
                        self.stats.turned_away_total.up();
                    }
                    return self.watch_listener(false);
                }
                Err(_) => return,
            }
        }
    }

    /// Watches the listener again once there is room for connections, or the pause is over.
    pub(super) fn reconsider_listener(&mut self) {
        let Some(acceptor) = self.acceptor.as_ref() else { return };
        let is_paused = acceptor.listener.paused_until_us(self.clock.now().as_micros()).is_some();
        if !acceptor.watched && !is_paused && self.conns.len() < self.settings.connections_max {
            self.watch_listener(true);
        }
    }

    /// When a pause of the listener ends.
    pub(super) fn listener_wakes(&self) -> Instant {
        let paused = self.acceptor.as_ref().filter(|acceptor| !acceptor.watched);
        paused
            .and_then(|acceptor| acceptor.listener.paused_until_us(self.clock.now().as_micros()))
            .map_or(Instant::NEVER, Instant::from_micros)
    }

    pub(super) fn watch_listener(&mut self, watch: bool) {
        let Some(acceptor) = self.acceptor.as_mut() else { return };
        if acceptor.watched == watch {
            return;
        }
        let done = if watch {
            self.poller.add(&acceptor.listener, LISTENER_KEY, Interest::Level)
        } else {
            self.poller.remove(&acceptor.listener)
        };
        // If it failed, the next turn tries again.
        if done.is_ok() {
            acceptor.watched = watch;
        }
    }

    fn admit(&mut self, socket: OwnedFd, peer: SocketAddr) {
        if !self.count(peer) {
            return self.stats.turned_away_total.up();
        }
        self.generation = self.generation.wrapping_add(1);
        let env = super::env(&self.clock, &self.settings);
        let entry = self.conns.vacant_entry();
        let key = entry.key() as u32;
        if self.poller.add(&socket, u64::from(key), Interest::ReadWrite).is_err() {
            self.uncount(Some(peer));
            return self.stats.turned_away_total.up();
        }
        let mut flags = Flags::default();
        // Bytes may have come with the handshake; the poller says so as well.
        flags.clear(Flags::READABLE);
        entry.insert(Conn {
            h1: h1::Server::new(&env),
            peer: Some(peer),
            armed: Instant::NEVER,
            leftover: None,
            unsent: None,
            socket,
            generation: self.generation,
            exchange: At::Nowhere,
            flags,
        });
        self.stats.accepted_total.up();
        self.stats.connections_open.up();
        self.rearm(key);
    }

    /// Counts a connection of `peer`; false if its share is used up.
    fn count(&mut self, peer: SocketAddr) -> bool {
        let cap = self.settings.connections_per_ip_max;
        let (Some(acceptor), Some(holder)) = (self.acceptor.as_mut(), holder(peer.ip())) else { return true };
        if cap == 0 {
            return true;
        }
        let held = acceptor.per_ip.entry(holder).or_insert(0);
        let is_within = *held < cap;
        *held += usize::from(is_within);
        is_within
    }

    /// Forgets a connection of `peer` in its share.
    pub(super) fn uncount(&mut self, peer: Option<SocketAddr>) {
        let (Some(acceptor), Some(holder)) =
            (self.acceptor.as_mut(), peer.and_then(|peer| holder(peer.ip())))
        else {
            return;
        };
        if let Some(held) = acceptor.per_ip.get_mut(&holder) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                acceptor.per_ip.remove(&holder);
            }
        }
    }

    /// Stops to accept: what waits in the kernel's queue is still taken, then the listener is closed.
    pub(super) fn stop_accepting(&mut self) {
        for _ in 0..self.settings.backlog {
            let before = self.conns.len();
            self.accept();
            if self.conns.len() == before {
                break;
            }
        }
        self.watch_listener(false);
        self.acceptor = None;
    }
}

/// Whose share a connection from `peer` is counted in: none for loopback. An IPv6 subscriber has a whole /64
/// to connect from.
fn holder(peer: IpAddr) -> Option<IpAddr> {
    match peer.to_canonical() {
        peer if peer.is_loopback() => None,
        IpAddr::V4(peer) => Some(peer.into()),
        IpAddr::V6(peer) => Some(Ipv6Addr::from_bits(peer.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::holder;

    #[test]
    fn a_share_belongs_to_an_ipv4_address_or_an_ipv6_network() {
        let of = |text: &str| holder(text.parse().unwrap()).map(|holder| holder.to_string());
        assert_eq!(of("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::"));
        assert_eq!(of("2001:db8:1:2::9"), of("2001:db8:1:2:ffff::"));
        for loopback in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(of(loopback), None, "{loopback}");
        }
    }
}
