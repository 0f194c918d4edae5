//! The request on its way up: pulled from the plan, its body from what the client sends.

use std::os::fd::OwnedFd;

use rws_core::connection::{
    ByteConnection, Connection, Fill, HeadAnswer, RequestOut, Sent, Source, StreamId,
};
use rws_core::h1;
use rws_core::message::Scratch;

use crate::application::Application;
use crate::forward::{Forward, ForwardError};
use crate::shard::Shard;
use crate::shard::stored::Stored;
use crate::sys::{self, Transfer};

impl<A: Application> Shard<A> {
    /// Gives `chunk` of the client's body to link `key`; `end` with the last one. The client gets its credit
    /// back when the bytes have gone up.
    pub(in crate::shard) fn forward_body(&mut self, key: u32, chunk: &[u8], end: bool) {
        let Some(flow) = self.links.get_mut(key as usize).and_then(|link| link.flow.as_mut()) else { return };
        flow.owed = flow.owed.saturating_add(chunk.len() as u32);
        flow.body_bytes = flow.body_bytes.saturating_add(chunk.len() as u64);
        flow.is_whole |= end;
        if flow.body_bytes > flow.plan.body_bytes_max {
            // Without its end, the upstream cannot take what has gone up for a whole request.
            let owner = flow.owner;
            self.drop_link(key);
            self.set_link(owner, None);
            return self.give_up(owner, ForwardError::BodyTooLarge);
        }
        self.push_request(key, chunk);
    }

    /// Sends what can be sent of the request, `chunk` being the newest bytes of its body.
    pub(super) fn push_request(&mut self, key: u32, chunk: &[u8]) {
        match self.push(key, chunk) {
            Ok(()) => self.settle_credit(key),
            Err(error) => self.fail_link(key, error),
        }
    }

    fn push(&mut self, key: u32, chunk: &[u8]) -> Result<(), ForwardError> {
        let Some(link) = self.links.get_mut(key as usize) else { return Ok(()) };
        let Some(flow) = link.flow.as_mut() else { return Ok(()) };
        let is_blocked = !link.is_connected || link.unsent.is_some();
        if is_blocked || flow.waiting.is_some() {
            // The client's credit bounds what can wait here to one buffer.
            self.pools.append(&mut flow.waiting, chunk).map_err(|()| ForwardError::Closed)?;
            if is_blocked {
                return Ok(());
            }
        }
        let waiting = flow.waiting.take();
        let bytes = waiting.as_deref().map_or(chunk, Stored::bytes);
        let mut outgoing =
            Outgoing { plan: &flow.plan, bytes, is_whole: flow.is_whole, taken: 0, was_asked: false };
        let env = crate::shard::env(&self.clock, &self.settings);
        let sent = transmit(&mut link.h1, &link.socket, &env, &mut self.link_tx, &mut outgoing);
        let (taken, was_asked) = (outgoing.taken, outgoing.was_asked);
        flow.has_sent_body |= taken > 0;
        flow.was_asked |= was_asked;
        let rest = bytes.get(taken..).unwrap_or(&[]);
        if !rest.is_empty() {
            flow.waiting = Some(self.pools.store(rest));
        }
        if let Some(done) = waiting {
            self.pools.give(done);
        }
        if let Some(unsent) = sent? {
            link.unsent = Some(self.pools.store(&self.link_tx[unsent]));
        }
        if taken > 0 {
            link.deadline = self.clock.now().after_us(flow.plan.read_timeout_us);
        }
        Ok(())
    }

    /// Lets the client send on, if all it sent has gone up.
    fn settle_credit(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        let Some(flow) = link.flow.as_mut() else { return };
        if flow.waiting.is_some() || link.unsent.is_some() || !flow.was_asked || flow.is_whole {
            return;
        }
        let (owner, owed) = (flow.owner, core::mem::take(&mut flow.owed));
        let is_current = self.owned(owner).is_some();
        if is_current && let Some(conn) = self.conns.get_mut(owner.conn as usize) {
            // Granting nothing is what sends `100 (Continue)`; a stale stream only means that it is over.
            let _ = conn.h1.grant(owner.stream, owed);
            self.list(owner.conn);
        }
    }

    /// The socket of link `key` has room.
    pub(super) fn link_writable(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        if !link.is_connected {
            match sys::pending_error(&link.socket) {
                Ok(None) => link.is_connected = true,
                Ok(Some(_)) | Err(_) => return self.fail_link(key, ForwardError::Connect),
            }
            if let Some(flow) = &link.flow {
                link.deadline = self.clock.now().after_us(flow.plan.read_timeout_us);
            }
        }
        if let Some(mut unsent) = link.unsent.take() {
            match sys::send(&link.socket, unsent.bytes()) {
                Ok(Transfer::Bytes(n)) => {
                    unsent.advance(n);
                    if let Some(flow) = &link.flow {
                        link.deadline = self.clock.now().after_us(flow.plan.read_timeout_us);
                    }
                }
                Ok(Transfer::Blocked | Transfer::End) => {}
                Err(_) => {
                    self.pools.give(unsent);
                    // What the upstream has said before it closed may still be there to read.
                    return self.link_broken(key);
                }
            }
            if unsent.bytes().is_empty() {
                self.pools.give(unsent);
            } else {
                link.unsent = Some(unsent);
                return;
            }
        }
        self.push_request(key, &[]);
    }

    /// Nothing more can be sent on link `key`. A response that has come is still read.
    fn link_broken(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        if link.is_readable || link.h1.response_started() {
            return;
        }
        self.fail_link(key, ForwardError::Closed);
    }
}

/// Transmits until the machine has nothing more or the socket is full; then the part of `tx` that was not
/// taken is returned.
fn transmit(
    h1: &mut h1::Client,
    socket: &OwnedFd,
    env: &rws_core::Env<'_>,
    tx: &mut [u8],
    outgoing: &mut Outgoing<'_>,
) -> Result<Option<core::ops::Range<usize>>, ForwardError> {
    if let Some(stream) = h1.exchange() {
        h1.wake(stream);
    }
    loop {
        let mut scratch = Scratch { bytes: &mut [], fields: &mut [] };
        match h1.transmit(env, tx, &mut scratch, outgoing) {
            Sent::Bytes(n) => {
                let taken = match sys::send(socket, &tx[..n]) {
                    Ok(Transfer::Bytes(taken)) => taken,
                    Ok(Transfer::Blocked | Transfer::End) => 0,
                    // The response may be on its way all the same; if not, reading finds the end.
                    Err(_) if h1.response_started() => return Ok(None),
                    Err(_) => return Err(ForwardError::Closed),
                };
                h1.flushed(env, taken);
                if taken < n {
                    return Ok(Some(taken..n));
                }
            }
            Sent::Nothing => return Ok(None),
            Sent::NeedRoom(_) | Sent::Direct { .. } | Sent::Close => return Err(ForwardError::Closed),
        }
    }
}

/// What the upstream's machine pulls from.
struct Outgoing<'o> {
    plan: &'o Forward,
    bytes: &'o [u8],
    is_whole: bool,
    taken: usize,
    was_asked: bool,
}

impl Source for Outgoing<'_> {
    fn head(&mut self, _stream: StreamId) -> HeadAnswer<'_> {
        HeadAnswer::NotYet
    }

    fn request(&mut self, _stream: StreamId) -> Option<RequestOut<'_>> {
        Some(self.plan.request())
    }

    fn fill(&mut self, _stream: StreamId, out: &mut [u8]) -> Fill {
        self.was_asked = true;
        let rest = self.bytes.get(self.taken..).unwrap_or(&[]);
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.taken += n;
        match (n, n == rest.len() && self.is_whole) {
            (_, true) => Fill::End(n),
            (0, false) => Fill::Blocked,
            (_, false) => Fill::More(n),
        }
    }
}
