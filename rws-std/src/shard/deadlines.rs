//! Time: deadlines of connections, lingering closes, and the drain of a shard.

use rws_core::Instant;
use rws_core::connection::{ByteConnection, Connection, ResetCause};
use rws_core::message::Scratch;

use super::conn::{At, Flags};
use super::{Address, Shard};
use crate::application::Application;
use crate::sys::{self, Transfer};

impl<A: Application> Shard<A> {
    /// Sees to it that the wheel looks at connection `key` in time. A deadline that moves later costs
    /// nothing: the wheel looks at the old time and finds the new one.
    #[inline]
    pub(super) fn rearm(&mut self, key: u32) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        if let Some(deadline) = conn.moves_earlier() {
            conn.armed = deadline;
            self.timers.arm(key, deadline.as_micros());
        }
    }

    /// The wheel's entry of connection `key` has run out.
    pub(super) fn ring(&mut self, key: u32) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        if conn.flags.has(Flags::LINGERING) {
            if conn.armed <= self.clock.now() {
                return self.close(key);
            }
            let armed_us = conn.armed.as_micros();
            return self.timers.arm(key, armed_us);
        }
        conn.armed = Instant::NEVER;
        if let At::H2(at) = conn.exchange {
            return self.ring_streams(key, at);
        }
        if conn.flags.has(Flags::JOB_OUT) {
            // What the peer has sent meanwhile is not read: it cannot be late with it.
            conn.h1.excuse_peer();
        }
        if conn.h1.next_deadline() <= self.clock.now() {
            let env = super::env(&self.clock, &self.settings);
            if let Some(event) = conn.h1.on_deadline(&env) {
                if self.happened(key, event) {
                    self.conclude(key);
                }
                return;
            }
        }
        self.rearm(key);
    }

    /// Our last byte is out: says so, and drops what still comes for a while, so that no reset destroys the
    /// answer on its way (RFC 9112 §9.6).
    pub(super) fn linger(&mut self, key: u32) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        if conn.flags.has(Flags::EOF) || sys::half_close(&conn.socket).is_err() {
            return self.close(key);
        }
        conn.flags.set(Flags::LINGERING);
        if let Some(left) = conn.leftover.take() {
            self.pools.give(left);
        }
        conn.armed = self.clock.now().after_us(self.settings.limits.linger_timeout_us);
        self.timers.arm(key, conn.armed.as_micros());
        self.drop_arrivals(key);
    }

    /// Reads and drops what a lingering connection still brings.
    pub(super) fn drop_arrivals(&mut self, key: u32) {
        let mut sink = [0; 16 * 1024];
        loop {
            let Some(conn) = self.conns.get_mut(key as usize) else { return };
            let wants = match conn.exchange {
                At::Nowhere | At::Here(_) => conn.h1.rx_want(),
                At::H2(at) => self.h2.get(at as usize).map_or(0, |h2| h2.machine.rx_want()),
            };
            if wants == 0 && !conn.flags.has(Flags::FIN) {
                // Of all turns together no more is read: the socket fills up, and that stops the peer. The close
                // comes in its time, when the peer has had a chance to read the answer that a reset would
                // destroy. Once the peer has sent its last byte, the rest is what the socket holds, and to read
                // that makes the close an orderly one at once.
                return;
            }
            let n = match sys::recv(&conn.socket, &mut sink) {
                Ok(Transfer::Blocked) => return,
                Ok(Transfer::Bytes(n)) => n,
                Ok(Transfer::End) | Err(_) => return self.close(key),
            };
            let env = super::env(&self.clock, &self.settings);
            let mut scratch = Scratch { bytes: &mut [], fields: &mut [] };
            match conn.exchange {
                At::Nowhere | At::Here(_) => {
                    conn.h1.receive(&env, &mut sink[..n], &mut scratch);
                }
                At::H2(at) => {
                    if let Some(h2) = self.h2.get_mut(at as usize) {
                        h2.machine.receive(&env, &mut sink[..n], &mut scratch);
                    }
                }
            }
        }
    }

    /// Cuts connection `key` off: its exchange ends as aborted.
    pub(super) fn abort(&mut self, key: u32, cause: ResetCause) {
        self.ungather(key);
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        if let At::H2(at) = conn.exchange {
            return self.abort_streams(key, at, cause);
        }
        if conn.flags.has(Flags::JOB_OUT) && !self.call_off_job(key) {
            return;
        }
        let answered = self.exchanges_status(key);
        self.drop_exchange(key, cause, None);
        if let Some(conn) = self.conns.try_remove(key as usize) {
            self.forget(key, conn, answered);
        }
    }

    /// The job of connection `key` is wanted no more. False if it runs all the same: the entry stays until it is back
    /// then, so that its address stays true.
    fn call_off_job(&mut self, key: u32) -> bool {
        let stream = self.conns.get(key as usize).and_then(|conn| conn.h1.exchange());
        let is_off = stream.is_some_and(|stream| self.call_off(self.address_of(key, stream)));
        let Some(conn) = self.conns.get_mut(key as usize) else { return false };
        if !is_off {
            conn.flags.set(Flags::DEAD);
            return false;
        }
        conn.flags.clear(Flags::JOB_OUT);
        if conn.exchange == At::Nowhere {
            // The exchange would have begun with it.
            self.stats.aborted_total.up();
        }
        true
    }

    /// Closes connection `key`, which has nothing under way.
    pub(super) fn close(&mut self, key: u32) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        if conn.exchange != At::Nowhere || conn.flags.has(Flags::JOB_OUT) {
            return self.abort(key, ResetCause::ByPeer);
        }
        if let Some(conn) = self.conns.try_remove(key as usize) {
            self.forget(key, conn, false);
        }
    }

    /// Whether the exchange of connection `key` has begun its answer.
    fn exchanges_status(&self, key: u32) -> bool {
        let Some(At::Here(kept)) = self.conns.get(key as usize).map(|conn| conn.exchange) else {
            return false;
        };
        self.exchanges.get(kept as usize).is_some_and(|exchange| exchange.status.is_some())
    }

    pub(super) fn forget(&mut self, key: u32, conn: super::Conn, cut: bool) {
        self.ungather(key);
        self.timers.disarm(key);
        if let Some(left) = conn.leftover {
            self.pools.give(left);
        }
        if let Some(unsent) = conn.unsent {
            self.pools.give(unsent);
        }
        if cut || conn.h1.ends_abruptly() {
            // An answer that is not whole must not look as if it were, even where only the end of the
            // connection delimits it.
            sys::close_with_reset(conn.socket);
        }
        self.stats.connections_open.down();
        if let Some(peer) = conn.peer {
            self.shares.give_back(peer.ip());
        }
    }

    /// Takes no more, finishes what is under way.
    pub(super) fn drain(&mut self) {
        if self.draining_until.is_some() {
            return;
        }
        self.stop_accepting();
        let timeout_us = self.settings.drain_timeout.as_micros().try_into().unwrap_or(u64::MAX);
        self.draining_until = Some(self.clock.now().after_us(timeout_us));
        // A request may have arrived that nobody has read yet: each connection is looked at once more, and
        // only then told (`conclude`).
        let keys: Vec<u32> = self.conns.iter().map(|(key, _)| key as u32).collect();
        for key in keys {
            if let Some(conn) = self.conns.get_mut(key as usize) {
                if conn.h1.exchange().is_some() {
                    // Its answer says that the connection ends, even where a late job brings it.
                    conn.h1.shutdown(&super::env(&self.clock, &self.settings));
                }
                conn.flags.set(Flags::READABLE);
                self.list(key);
            }
        }
    }

    /// Whether a drain is done, or has run out of time.
    pub(super) fn is_drained(&mut self) -> bool {
        let Some(until) = self.draining_until else { return false };
        if self.conns.is_empty() {
            return true;
        }
        if self.clock.now() < until {
            return false;
        }
        let keys: Vec<u32> = self.conns.iter().map(|(key, _)| key as u32).collect();
        for key in keys {
            self.abort(key, ResetCause::ByUs);
        }
        true
    }

    /// Sets the context for a call of the application.
    pub(crate) fn prepare_cx(&mut self, address: Address) {
        if self.cx.address == address && self.cx.now == self.clock.now() {
            return;
        }
        // Somebody else may have the place of a connection that is gone.
        let is_current = |conn: &&super::Conn| conn.generation == address.generation;
        let conn = self.conns.get(address.conn as usize).filter(is_current);
        self.cx.prepare(&self.clock, address, conn.map_or(&None, |conn| &conn.peer));
    }
}
