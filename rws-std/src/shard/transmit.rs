//! Bytes out: what the machine pulls from the application is gathered, and sent once per connection and turn.

use core::panic::AssertUnwindSafe;
use std::os::fd::AsFd;
use std::panic::catch_unwind;

use rws_core::connection::{ByteConnection, Connection, ConnectionStatus, ResetCause, Sent};
use rws_core::message::Scratch;
use rws_core::{Status, h1};

use super::conn::{At, Flags};
use super::settle::{Answer, Exchange, is_blocked, is_over};
use super::source::{Nobody, Pull, Relayed};
use super::{Address, Shard};
use crate::application::Application;
use crate::sys::{self, Transfer};

/// How pulling from an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    /// Both directions are done.
    Over,
    /// The source has nothing now, or the request body is still coming.
    Parked,
    /// The socket is full.
    Full,
    /// It can't be completed.
    Cut(ResetCause),
}

/// Direct bytes sent in one go before other connections get their turn.
const DIRECT_BYTES_PER_TURN: u64 = 4 << 20;
/// Bytes pulled through memory in one go before other connections get their turn.
pub(super) const PULLED_BYTES_PER_TURN: usize = 1 << 20;

impl<A: Application> Shard<A> {
    /// Sends what the exchange of connection `key` has, and stores or ends it.
    pub(super) fn pump(&mut self, key: u32, mut exchange: Exchange<A::State>) {
        if self.h2_of(key).is_some() {
            // All streams of the connection are pulled from together, at the end of its turn.
            return self.put_back(key, exchange);
        }
        // One guard for both: it is passed for each request.
        let run = catch_unwind(AssertUnwindSafe(|| {
            let pulled = self.pull_unguarded(key, &mut exchange, &mut Relayed::nothing());
            if pulled == Pulled::Over {
                self.finish(key, &mut exchange);
            }
            pulled
        }));
        match run {
            Ok(Pulled::Over) => {}
            Ok(pulled) => self.keep(key, exchange, pulled),
            // It has been told the end: there was nothing after it.
            Err(_) if matches!(exchange.answer, Answer::Away) => self.stats.panics_total.up(),
            Err(_) => self.answer_after_panic(key, exchange),
        }
    }

    /// The application has panicked while it was asked for its answer: sends what can be sent in its place, and
    /// stores or ends the exchange.
    #[cold]
    pub(super) fn answer_after_panic(&mut self, key: u32, mut exchange: Exchange<A::State>) {
        let pulled = self.pull_after_panic(key, &mut exchange, &mut Relayed::nothing());
        self.keep_or_end(key, exchange, pulled);
    }

    /// Stores an exchange after a pull, or ends it.
    pub(super) fn keep_or_end(&mut self, key: u32, mut exchange: Exchange<A::State>, pulled: Pulled) {
        if pulled == Pulled::Over {
            self.end_pulled(key, &mut exchange);
        } else {
            self.keep(key, exchange, pulled);
        }
    }

    /// Ends an exchange that is over.
    pub(super) fn end_pulled(&mut self, key: u32, exchange: &mut Exchange<A::State>) {
        if catch_unwind(AssertUnwindSafe(|| self.finish(key, exchange))).is_err() {
            self.stats.panics_total.up();
        }
    }

    /// Stores an exchange that is not over, or cuts it off.
    pub(super) fn keep(&mut self, key: u32, exchange: Exchange<A::State>, pulled: Pulled) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        let is_h2 = matches!(conn.exchange, At::H2(_));
        match pulled {
            Pulled::Parked => {
                if exchange.status.is_none() && exchange.link.is_none() && !is_h2 {
                    // The answer waits for the body: its sender may go on (RFC 9110 §10.1.1).
                    let _ = conn.h1.grant(exchange.stream, 0);
                    self.put_back(key, exchange);
                    self.transmit_own(key);
                } else {
                    self.put_back(key, exchange);
                }
            }
            Pulled::Full | Pulled::Over => self.put_back(key, exchange),
            Pulled::Cut(cause) if is_h2 => {
                let address = Address { conn: key, generation: conn.generation, stream: exchange.stream };
                self.put_back(key, exchange);
                self.cut_off(address, cause);
            }
            Pulled::Cut(cause) => {
                self.put_back(key, exchange);
                // What was there of it, and whole answers before it, are the peer's.
                self.flush(key, false);
                self.abort(key, cause);
            }
        }
    }

    /// Lets the machine of connection `key` pull what it can send now.
    #[inline]
    pub(super) fn pull(
        &mut self,
        key: u32,
        exchange: &mut Exchange<A::State>,
        relayed: &mut Relayed<'_>,
    ) -> Pulled {
        if let Some(at) = self.h2_of(key) {
            return self.pull_streams(key, at, Some((exchange, relayed)));
        }
        let pulled = catch_unwind(AssertUnwindSafe(|| self.pull_unguarded(key, exchange, relayed)));
        pulled.unwrap_or_else(|_| self.pull_after_panic(key, exchange, relayed))
    }

    /// The application has panicked while it was pulled from. If its head is not out, 500 is.
    #[cold]
    fn pull_after_panic(
        &mut self,
        key: u32,
        exchange: &mut Exchange<A::State>,
        relayed: &mut Relayed<'_>,
    ) -> Pulled {
        self.stats.panics_total.up();
        let Some(conn) = self.conns.get_mut(key as usize) else { return Pulled::Cut(ResetCause::ByPeer) };
        conn.h1.wake(exchange.stream);
        let address = Address { conn: key, generation: conn.generation, stream: exchange.stream };
        self.break_off(address, exchange);
        if exchange.status.is_some() {
            return Pulled::Cut(ResetCause::ByUs);
        }
        self.pull_unguarded(key, exchange, relayed)
    }

    fn pull_unguarded(
        &mut self,
        key: u32,
        exchange: &mut Exchange<A::State>,
        relayed: &mut Relayed<'_>,
    ) -> Pulled {
        self.gather_for(key);
        let mut budget = PULLED_BYTES_PER_TURN;
        loop {
            if exchange.direct > 0 {
                match self.send_direct(key, exchange) {
                    Ok(true) => {}
                    Ok(false) => return Pulled::Full,
                    Err(cause) => return Pulled::Cut(cause),
                }
            }
            let Some(conn) = self.conns.get_mut(key as usize) else { return Pulled::Cut(ResetCause::ByPeer) };
            if conn.unsent.is_some() {
                return Pulled::Full;
            }
            let env = super::env(&self.clock, &self.settings);
            let mut scratch = Scratch { bytes: &mut self.tx_scratch, fields: &mut [] };
            let mut pull = Pull { app: &*self.app, exchange, relayed };
            let room = &mut self.tx[self.tx_len..];
            match conn.h1.transmit(&env, room, &mut scratch, &mut pull) {
                Sent::Bytes(n) => {
                    self.tx_len += n;
                    if is_over(&conn.h1, exchange.stream) {
                        return over(&conn.h1, exchange);
                    }
                    budget = budget.saturating_sub(n);
                    if budget == 0 {
                        self.flush(key, false);
                        self.list(key);
                        return Pulled::Full;
                    }
                }
                Sent::Direct { bytes, stream: _, len } => {
                    self.tx_len += bytes;
                    exchange.direct = len;
                    if !self.flush(key, true) {
                        return Pulled::Cut(ResetCause::ByPeer);
                    }
                }
                Sent::NeedRoom(n) => {
                    if self.tx_len == 0 && n > self.tx.len() {
                        return Pulled::Cut(ResetCause::ByUs);
                    }
                    if !self.flush(key, false) {
                        return Pulled::Cut(ResetCause::ByPeer);
                    }
                }
                Sent::Nothing => {
                    let is_over = is_over(&conn.h1, exchange.stream);
                    return if is_over { over(&conn.h1, exchange) } else { Pulled::Parked };
                }
                Sent::Close => return over(&conn.h1, exchange),
            }
        }
    }

    /// Goes on with a run that the application sends by itself. False when the socket is full.
    fn send_direct(&mut self, key: u32, exchange: &mut Exchange<A::State>) -> Result<bool, ResetCause> {
        let conn = self.conns.get_mut(key as usize).ok_or(ResetCause::ByPeer)?;
        if conn.unsent.is_some() {
            return Ok(false);
        }
        let Answer::Service(state) = &mut exchange.answer else { return Err(ResetCause::ByUs) };
        let mut budget = DIRECT_BYTES_PER_TURN;
        while exchange.direct > 0 {
            if budget == 0 {
                self.list(key);
                return Ok(false);
            }
            let want = exchange.direct.min(budget);
            match self.app.send(state, conn.socket.as_fd(), want) {
                Ok(0) => return Err(ResetCause::ByUs),
                Ok(n) => {
                    let n = n as u64;
                    exchange.direct = exchange.direct.saturating_sub(n);
                    exchange.body_bytes += n;
                    budget = budget.saturating_sub(n);
                    conn.h1.sent(exchange.stream, n).map_err(|_| ResetCause::ByUs)?;
                }
                Err(error) if is_blocked(&error) => return Ok(false),
                Err(error) if sys::was_reset(&error) => return Err(ResetCause::ByPeer),
                Err(_) => return Err(ResetCause::ByUs),
            }
        }
        Ok(true)
    }

    /// Sends what the machine has to say by itself: refusals, `100 (Continue)`.
    pub(super) fn transmit_own(&mut self, key: u32) {
        self.gather_for(key);
        loop {
            let Some(conn) = self.conns.get_mut(key as usize) else { return };
            if conn.unsent.is_some() || !conn.h1.wants_transmit() {
                return;
            }
            let env = super::env(&self.clock, &self.settings);
            let mut scratch = Scratch { bytes: &mut self.tx_scratch, fields: &mut [] };
            match conn.h1.transmit(&env, &mut self.tx[self.tx_len..], &mut scratch, &mut Nobody) {
                Sent::Bytes(n) => self.tx_len += n,
                // Answers of a pipelined row fill the buffer: they go first.
                Sent::NeedRoom(_) if self.tx_len > 0 => {
                    self.flush(key, false);
                }
                Sent::NeedRoom(_) | Sent::Direct { .. } | Sent::Nothing | Sent::Close => return,
            }
        }
    }

    /// Makes the gathering buffer connection `key`'s: what it holds for another one is sent first. Several
    /// late answers may come home in one turn, each for a connection of its own.
    pub(super) fn gather_for(&mut self, key: u32) {
        if self.tx_of != key {
            if self.tx_len > 0 {
                self.flush(self.tx_of, false);
            }
            self.tx_of = key;
        }
    }

    /// Drops what was gathered for connection `key`.
    pub(super) fn ungather(&mut self, key: u32) {
        if self.tx_of == key {
            self.tx_len = 0;
        }
    }

    /// Sends what was gathered for connection `key`; keeps what the socket does not take. False if the
    /// connection is broken.
    #[inline]
    pub(super) fn flush(&mut self, key: u32, more_follows: bool) -> bool {
        self.tx_len == 0 || self.tx_of != key || self.send_gathered(key, more_follows)
    }

    fn send_gathered(&mut self, key: u32, more_follows: bool) -> bool {
        let bytes = &self.tx[..core::mem::take(&mut self.tx_len)];
        let Some(conn) = self.conns.get_mut(key as usize) else { return false };
        debug_assert!(conn.unsent.is_none(), "nothing is gathered while older bytes wait");
        let sent =
            if more_follows { sys::send_more(&conn.socket, bytes) } else { sys::send(&conn.socket, bytes) };
        let Some(taken) = conn.note_sent(sent, bytes, &mut self.pools) else { return false };
        self.tell_flushed(key, taken);
        true
    }

    /// Tells the machine of connection `key` how many bytes the socket has taken.
    fn tell_flushed(&mut self, key: u32, bytes: usize) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        let env = super::env(&self.clock, &self.settings);
        match conn.exchange {
            At::Nowhere | At::Here(_) => conn.h1.flushed(&env, bytes),
            At::H2(at) => {
                if let Some(h2) = self.h2.get_mut(at as usize) {
                    h2.machine.flushed(&env, bytes);
                }
            }
        }
    }

    /// The socket has room again: first what waits, then what the exchange has.
    pub(super) fn go_on_sending(&mut self, key: u32) {
        if self.send_unsent(key) {
            self.resume(key);
        }
    }

    /// Sends what waits for room in the socket. True if nothing of it is left.
    pub(super) fn send_unsent(&mut self, key: u32) -> bool {
        let Some(conn) = self.conns.get_mut(key as usize) else { return false };
        let Some(mut unsent) = conn.unsent.take() else { return true };
        let bytes = unsent.bytes();
        let whole = bytes.len();
        let taken = match sys::send(&conn.socket, bytes) {
            Ok(Transfer::Bytes(n)) => n,
            Ok(Transfer::Blocked | Transfer::End) => 0,
            Err(_) => {
                self.pools.give(unsent);
                self.abort(key, ResetCause::ByPeer);
                return false;
            }
        };
        let is_whole = taken == whole;
        if is_whole {
            self.pools.give(unsent);
        } else {
            unsent.advance(taken);
            conn.unsent = Some(unsent);
        }
        self.tell_flushed(key, taken);
        is_whole
    }

    /// Pulls from the exchange of connection `key`, if it has one here.
    pub(super) fn resume(&mut self, key: u32) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        let kept = match conn.exchange {
            At::Here(kept) => kept,
            At::Nowhere => return self.transmit_own(key),
            // The end of its turn follows, which pulls from all.
            At::H2(_) => return,
        };
        if let Some(exchange) = self.exchanges.try_remove(kept as usize) {
            conn.exchange = At::Nowhere;
            let owner = Address { conn: key, generation: conn.generation, stream: exchange.stream };
            match exchange.link {
                Some(link) if exchange.is_relayed => self.resume_relay(owner, link, exchange),
                Some(_) | None => self.pump(key, exchange),
            }
        }
    }

    /// As [`Shard::conclude`], for a connection that awaits its next request and of which nothing more is there: the
    /// usual case after a job, seen at a glance. False, and nothing done, for any other.
    #[inline]
    pub(super) fn conclude_idle(&mut self, key: u32) -> bool {
        const BUSY: u16 = Flags::READABLE | Flags::EOF | Flags::UNOFFERED | Flags::DEAD | Flags::LINGERING;
        let Some(conn) = self.conns.get_mut(key as usize) else { return false };
        if !conn.h1.is_idle() || conn.flags.has(BUSY) || self.tx_of != key || self.draining_until.is_some() {
            return false;
        }
        let bytes = &self.tx[..core::mem::take(&mut self.tx_len)];
        if !bytes.is_empty() {
            let env = super::env(&self.clock, &self.settings);
            let sent = sys::send(&conn.socket, bytes);
            let Some(taken) = conn.note_sent(sent, bytes, &mut self.pools) else {
                self.abort(key, ResetCause::ByPeer);
                return true;
            };
            conn.h1.flushed(&env, taken);
        }
        if conn.moves_earlier().is_some() {
            self.rearm(key);
        }
        true
    }

    /// The end of a connection's turn: sends what was gathered, and looks how the connection stands.
    pub(super) fn conclude(&mut self, key: u32) {
        if let Some(at) = self.h2_of(key) {
            return self.conclude_streams(key, at);
        }
        let is_sound = self.flush(key, false);
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        if !is_sound || conn.flags.has(Flags::DEAD) {
            return self.abort(key, ResetCause::ByPeer);
        }
        if self.draining_until.is_some() {
            conn.h1.shutdown(&super::env(&self.clock, &self.settings));
        }
        match conn.h1.status() {
            ConnectionStatus::Open | ConnectionStatus::Draining => {
                if conn.moves_earlier().is_some() {
                    self.rearm(key);
                }
            }
            ConnectionStatus::CloseAfterFlush if conn.unsent.is_none() => self.linger(key),
            ConnectionStatus::CloseAfterFlush => self.rearm(key),
            // What was not taken yet is of an answer that was cut off; no deadline would bound the wait for it.
            // No service of this crate upgrades yet.
            ConnectionStatus::Closed | ConnectionStatus::Upgraded => self.close(key),
        }
    }
}

/// How an exchange stands that its machine knows no more of.
fn over<S>(h1: &h1::Server, exchange: &mut Exchange<S>) -> Pulled {
    if h1.status() == ConnectionStatus::Closed {
        // An answer that is whole never closes at once: the machine has cut it off.
        return Pulled::Cut(ResetCause::ByUs);
    }
    if h1.error().is_some() {
        // The head could not be written: the machine has answered in its place.
        exchange.status = Some(Status::INTERNAL_SERVER_ERROR);
        exchange.body_bytes = 0;
    }
    Pulled::Over
}
