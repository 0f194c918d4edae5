//! Accepting connections, within their caps.

use core::net::SocketAddr;
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

/// A shard's listener.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: sys::Acceptor,
    /// The address that peers reach, where it is one.
    pub(super) local: Option<SocketAddr>,
    /// Whether the poller watches the listener now.
    watched: bool,
}

impl Acceptor {
    pub(crate) fn new(listener: OwnedFd) -> io::Result<Acceptor> {
        let local = Some(sys::bound_address(&listener)?).filter(|address| !is_wildcard(*address));
        Ok(Acceptor { listener: sys::Acceptor::new(listener), local, watched: false })
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
        if !self.shares.take(peer.ip()) {
            return self.stats.turned_away_total.up();
        }
        self.generation = self.generation.wrapping_add(1);
        let env = super::env(&self.clock, &self.settings);
        let entry = self.conns.vacant_entry();
        let key = entry.key() as u32;
        if self.poller.add(&socket, u64::from(key), Interest::ReadWrite).is_err() {
            self.shares.give_back(peer.ip());
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
