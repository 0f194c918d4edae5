//! Frames out: one pull from all streams of a connection, and the end of its turn.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use rws_core::connection::{
    ByteConnection, Connection, ConnectionStatus, Fill, HeadAnswer, RequestOut, ResetCause, Sent, Source,
    StreamId,
};
use rws_core::message::{FieldBlock, Scratch};
use rws_core::service::Outcome;
use slab::Slab;

use super::H2;
use super::push::Promises;
use super::streams::Streams;
use crate::application::Application;
use crate::shard::conn::Flags;
use crate::shard::link::{self, Leg, Link};
use crate::shard::settle::Exchange;
use crate::shard::source::Relayed;
use crate::shard::transmit::{PULLED_BYTES_PER_TURN, Pulled};
use crate::shard::{Address, Shard};

/// What a stream let its driver know while it was pulled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::shard) enum Said {
    /// It has no answer yet.
    Parked,
    /// Its answer is whole.
    Ended,
    /// Its answer cannot be completed.
    Cut,
    /// The application has panicked.
    Panicked,
    /// All that this link had for it is taken.
    Drained(u32),
}

/// An exchange that is pulled from while it is not stored, and what its upstream has sent.
type Current<'p, 'b, S> = Option<(&'p mut Exchange<S>, &'p mut Relayed<'b>)>;

impl<A: Application> Shard<A> {
    /// Lets the machine of connection `key` pull from all its streams; says how that ended for `current`.
    pub(in crate::shard) fn pull_streams(
        &mut self,
        key: u32,
        at: u32,
        mut current: Current<'_, '_, A::State>,
    ) -> Pulled {
        let mut outcome = Pulled::Parked;
        loop {
            self.write_frames(key, at, &mut current);
            let said = core::mem::take(&mut self.said);
            let (mut pulled, mut again) = (Pulled::Parked, false);
            for &(stream, what) in &said {
                let address = self.address_of(key, stream);
                match &mut current {
                    Some((exchange, _)) if exchange.stream == stream => match what {
                        Said::Ended => pulled = Pulled::Over,
                        Said::Cut => pulled = Pulled::Cut(ResetCause::ByUs),
                        Said::Panicked => again |= self.replace_answer(address, at, exchange),
                        // It has a link, which goes on.
                        Said::Parked | Said::Drained(_) => {}
                    },
                    Some(_) | None => again |= self.hear_source(address, at, what),
                }
            }
            self.said = said;
            self.said.clear();
            if pulled != Pulled::Parked {
                current = None;
            }
            outcome = if pulled == Pulled::Parked { outcome } else { pulled };
            if !again {
                return outcome;
            }
        }
    }

    /// Writes what can be sent now behind what is gathered already.
    fn write_frames(&mut self, key: u32, at: u32, current: &mut Current<'_, '_, A::State>) {
        self.gather_for(key);
        let mut budget = PULLED_BYTES_PER_TURN;
        loop {
            let Some(conn) = self.conns.get_mut(key as usize).filter(|conn| conn.unsent.is_none()) else {
                return;
            };
            let Some(h2) = self.h2.get_mut(at as usize) else { return };
            debug_assert!(!conn.flags.has(Flags::LINGERING), "nothing follows our last byte");
            let H2 { machine, streams, promises, .. } = &mut **h2;
            let mut sources = Sources {
                app: &*self.app,
                exchanges: &mut self.exchanges,
                links: &mut self.links,
                legs: &mut self.trunks.legs,
                streams,
                promises,
                current: current.as_mut().map(|(exchange, relayed)| (&mut **exchange, &mut **relayed)),
                said: &mut self.said,
            };
            let env = crate::shard::env(&self.clock, &self.settings);
            let mut scratch = Scratch { bytes: &mut self.tx_scratch, fields: &mut [] };
            match machine.transmit(&env, &mut self.tx[self.tx_len..], &mut scratch, &mut sources) {
                Sent::Bytes(n) => {
                    self.tx_len += n;
                    budget = budget.saturating_sub(n);
                    if budget == 0 {
                        self.flush(key, false);
                        return self.list(key);
                    }
                }
                Sent::NeedRoom(_) if self.tx_len > 0 => {
                    if !self.flush(key, false) {
                        return;
                    }
                }
                Sent::NeedRoom(_) | Sent::Direct { .. } | Sent::Nothing | Sent::Close => return,
            }
        }
    }

    /// What a stored stream said. True if the machine has to pull again.
    fn hear_source(&mut self, address: Address, at: u32, said: Said) -> bool {
        match said {
            Said::Parked => {
                if self.kept(address).is_some_and(|kept| self.exchanges[kept].waits_for_body()) {
                    // The answer waits for the body: its sender may go on (RFC 9110 §10.1.1).
                    self.give_credit(address, 0);
                    return self.h2.get(at as usize).is_some_and(|h2| h2.machine.wants_transmit());
                }
            }
            Said::Ended => self.end_whole(address),
            Said::Cut => self.drop_stream(address, at, ResetCause::ByUs, None),
            Said::Panicked => {
                let Some(mut exchange) = self.take_exchange(address) else { return false };
                let again = self.replace_answer(address, at, &mut exchange);
                self.put_back(address.conn, exchange);
                return again;
            }
            Said::Drained(link) => self.give_back_down(link),
        }
        false
    }

    /// The application has panicked while it was pulled from: 500 goes in the place of its answer, if that has not
    /// begun; else the machine has cut it off. True if the machine has to pull again.
    #[cold]
    fn replace_answer(&mut self, address: Address, at: u32, exchange: &mut Exchange<A::State>) -> bool {
        self.stats.panics_total.up();
        self.break_off(address, exchange);
        if exchange.status.is_some() {
            return false;
        }
        if let Some(h2) = self.h2.get_mut(at as usize) {
            h2.machine.wake(address.stream);
        }
        true
    }

    /// As [`Shard::answer_whole`], for a stream: how its exchange has ended. `None`, and nothing done, if there is more
    /// to it, and for any other connection.
    pub(in crate::shard) fn answer_whole_stream(
        &mut self,
        address: Address,
        state: &A::State,
    ) -> Option<Outcome> {
        let key = address.conn;
        let at = self.h2_of(key)?;
        self.gather_for(key);
        let conn = self.conns.get(key as usize)?;
        let h2 = self.h2.get_mut(at as usize)?;
        if h2.beginning != Some(address.stream) || conn.unsent.is_some() {
            return None;
        }
        let app = &*self.app;
        // If it panics, the usual way does so again, and answers for it.
        let answer = guarded(move || app.whole(state))??;
        let env = crate::shard::env(&self.clock, &self.settings);
        let tx = &mut self.tx[self.tx_len..];
        self.tx_len += h2.machine.answer_whole(&env, address.stream, tx, &answer)?;
        h2.beginning = None;
        let (status, body_bytes) = (answer.head.status, answer.body.len() as u64);
        if status.code() >= 500 {
            self.stats.errors_total.up();
        }
        Some(Outcome::Complete { status, body_bytes })
    }

    /// The end of a connection's turn: what its streams have to say is sent, and it is looked how it stands.
    pub(in crate::shard) fn conclude_streams(&mut self, key: u32, at: u32) {
        let Some(h2) = self.h2.get_mut(at as usize) else { return };
        if self.conns.get(key as usize).is_some_and(|conn| conn.flags.has(Flags::LINGERING)) {
            return;
        }
        if self.draining_until.is_some() && !h2.is_draining {
            h2.is_draining = true;
            h2.machine.shutdown(&crate::shard::env(&self.clock, &self.settings));
        }
        if h2.machine.wants_transmit() {
            self.pull_streams(key, at, None);
        }
        let is_sound = self.flush(key, false);
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        if !is_sound || conn.flags.has(Flags::DEAD) {
            return self.abort(key, ResetCause::ByPeer);
        }
        let is_sent = conn.unsent.is_none();
        let Some(h2) = self.h2.get_mut(at as usize) else { return };
        if h2.machine.live() == 0 {
            h2.machine.release();
        }
        match h2.machine.status() {
            ConnectionStatus::Open | ConnectionStatus::Draining => {}
            ConnectionStatus::CloseAfterFlush => {
                self.drop_streams(key, at, ResetCause::ByPeer);
                if is_sent {
                    return self.linger(key);
                }
            }
            ConnectionStatus::Closed | ConnectionStatus::Upgraded => return self.close(key),
        }
        self.is_untidy = true;
        self.rearm_streams(key, at);
        self.list_if_more(key, at);
    }

    /// Lists connection `key` if there is something to do for it that no event will tell of.
    fn list_if_more(&mut self, key: u32, at: u32) {
        let Some(conn) = self.conns.get(key as usize) else { return };
        let Some(h2) = self.h2.get(at as usize) else { return };
        let has_bytes = h2.wants_bytes() && conn.flags.has(Flags::READABLE | Flags::UNOFFERED);
        if has_bytes || !h2.due.is_empty() {
            self.list(key);
        }
    }

    fn rearm_streams(&mut self, key: u32, at: u32) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        let Some(h2) = self.h2.get(at as usize) else { return };
        let deadline = h2.machine.next_deadline();
        if deadline < conn.armed {
            conn.armed = deadline;
            self.timers.arm(key, deadline.as_micros());
        }
    }

    /// The wheel's entry of a connection that speaks HTTP/2 has run out.
    pub(in crate::shard) fn ring_streams(&mut self, key: u32, at: u32) {
        let env = crate::shard::env(&self.clock, &self.settings);
        let (mut events, now) = (Vec::new(), env.now);
        if let Some(h2) = self.h2.get_mut(at as usize) {
            while h2.machine.next_deadline() <= now
                && let Some(event) = h2.machine.on_deadline(&env)
            {
                events.push(event);
            }
        }
        for event in events {
            if !self.stream_happened(key, at, event) {
                return;
            }
        }
        self.conclude(key);
    }
}

/// What the machine of a connection pulls from: all its streams.
struct Sources<'p, 'b, A: Application> {
    app: &'p A,
    exchanges: &'p mut Slab<Exchange<A::State>>,
    links: &'p mut Slab<Link>,
    legs: &'p mut Slab<Leg>,
    streams: &'p Streams,
    promises: &'p Promises,
    current: Current<'p, 'b, A::State>,
    said: &'p mut Vec<(StreamId, Said)>,
}

// An application that panics must not unwind through the machine: what other streams have written would be lost.
impl<A: Application> Source for Sources<'_, '_, A> {
    fn head(&mut self, stream: StreamId) -> HeadAnswer<'_> {
        let Sources { app, exchanges, streams, current, said, .. } = self;
        let app = *app;
        let (exchange, interim) = match current {
            Some((exchange, relayed)) if exchange.stream == stream => {
                (&mut **exchange, relayed.interim.take())
            }
            Some(_) | None => match streams.kept(stream).and_then(|kept| exchanges.get_mut(kept)) {
                Some(exchange) => (exchange, None),
                // Its job is out.
                None => return HeadAnswer::NotYet,
            },
        };
        match guarded(move || exchange.head(app, interim)) {
            Some(answer) => {
                if let HeadAnswer::NotYet = answer {
                    said.push((stream, Said::Parked));
                }
                answer
            }
            None => {
                said.push((stream, Said::Panicked));
                HeadAnswer::NotYet
            }
        }
    }

    fn request(&mut self, stream: StreamId) -> Option<RequestOut<'_>> {
        self.promises.request(stream)
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        let Sources { app, exchanges, streams, current, said, links, legs, .. } = self;
        let app = *app;
        let filled = guarded(|| match current {
            Some((exchange, relayed)) if exchange.stream == stream => exchange.fill(app, relayed, out),
            Some(_) | None => match streams.kept(stream).and_then(|kept| exchanges.get_mut(kept)) {
                Some(exchange) => match exchange.link.filter(|_| exchange.is_relayed) {
                    Some(link) => fill_from_link(app, exchange, link, (links, legs), said, out),
                    None => exchange.fill(app, &mut Relayed::nothing(), out),
                },
                None => Fill::Blocked,
            },
        });
        filled.unwrap_or_else(|| {
            said.push((stream, Said::Panicked));
            Fill::Abort
        })
    }

    fn ended(&mut self, stream: StreamId, is_whole: bool) {
        self.said.push((stream, if is_whole { Said::Ended } else { Said::Cut }));
    }

    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        let Sources { app, exchanges, streams, current, links, legs, .. } = self;
        let app = *app;
        let (exchange, relayed) = match current {
            Some((exchange, relayed)) if exchange.stream == stream => (&mut **exchange, relayed.trailers),
            Some(_) | None => match streams.kept(stream).and_then(|kept| exchanges.get_mut(kept)) {
                Some(exchange) => {
                    let waiting = exchange.link.and_then(|link| link::waiting_down(links, legs, link));
                    (exchange, waiting.map_or(FieldBlock::EMPTY, |waiting| waiting.trailers))
                }
                None => return FieldBlock::EMPTY,
            },
        };
        // The stream has ended all the same: what is lost are the trailers.
        let trailers = guarded(move || exchange.trailers(app, relayed));
        trailers.unwrap_or(FieldBlock::EMPTY)
    }
}

/// Runs a call of the application; `None` if it panics.
fn guarded<R>(call: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// Body bytes that wait at a link for their client.
fn fill_from_link<A: Application>(
    app: &A,
    exchange: &mut Exchange<A::State>,
    key: u32,
    (links, legs): (&mut Slab<Link>, &mut Slab<Leg>),
    said: &mut Vec<(StreamId, Said)>,
    out: &mut [u8],
) -> Fill {
    let Some(mut relayed) = link::waiting_down(links, legs, key) else { return Fill::Abort };
    let (fill, waiting) = (exchange.fill(app, &mut relayed, out), relayed.bytes.len());
    let taken = relayed.taken;
    link::took_down(links, legs, key, taken);
    if waiting > 0 && taken == waiting {
        said.push((exchange.stream, Said::Drained(key)));
    }
    fill
}
