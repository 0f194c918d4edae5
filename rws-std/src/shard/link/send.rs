//! The request on its way up: pulled from the plan, its body from what the client sends.

use core::ops::Range;
use std::os::fd::OwnedFd;

use rws_core::connection::{
    ByteConnection, Connection, Fill, HeadAnswer, RequestOut, Sent, Source, StreamId,
};
use rws_core::h1;
use rws_core::message::{FieldBlock, FieldName, OwnedFields, Scratch};
use rws_core::semantics::hop_by_hop::EndToEnd;

use super::LinkFlags;
use crate::application::Application;
use crate::forward::{Forward, ForwardError};
use crate::shard::Shard;
use crate::shard::stored::Stored;
use crate::sys::{self, Transfer};

impl<A: Application> Shard<A> {
    /// Gives `chunk` of the client's body to link `key`. The client gets its credit back when the bytes have
    /// gone up.
    pub(in crate::shard) fn forward_body(&mut self, key: u32, chunk: &[u8]) {
        let Some(flow) = self.links.get_mut(key as usize).and_then(|link| link.flow.as_mut()) else {
            return self.send_body_up(key, chunk);
        };
        flow.owed = flow.owed.saturating_add(chunk.len() as u32);
        flow.body_bytes = flow.body_bytes.saturating_add(chunk.len() as u64);
        if flow.body_bytes > flow.plan.body_bytes_max {
            // Without its end, the upstream cannot take what has gone up for a whole request.
            let owner = flow.owner;
            self.drop_link(key);
            self.set_link(owner, None);
            return self.give_up(owner, ForwardError::BodyTooLarge);
        }
        self.push_request(key, chunk);
    }

    /// The client's body has ended.
    pub(in crate::shard) fn forward_end(&mut self, key: u32, trailers: FieldBlock<'_>) {
        let Some(flow) = self.links.get_mut(key as usize).and_then(|link| link.flow.as_mut()) else {
            return self.send_end_up(key, trailers);
        };
        flow.is_whole = true;
        if !trailers.is_empty() {
            let kept = EndToEnd::of(trailers);
            let may_go = |name: FieldName<'_>| kept.has(name) && Forward::may_trail(name);
            let fields = OwnedFields::copy_of_kept(trailers, may_go);
            flow.trailers_up = Some(Box::new(fields));
        }
        self.push_request(key, &[]);
    }

    /// Sends what can be sent of the request, `chunk` being the newest bytes of its body.
    pub(super) fn push_request(&mut self, key: u32, chunk: &[u8]) {
        match self.push(key, chunk) {
            Ok(()) => {
                self.settle_credit(key);
                self.touch_link(key);
            }
            Err(error) => self.fail_link(key, error),
        }
    }

    fn push(&mut self, key: u32, chunk: &[u8]) -> Result<(), ForwardError> {
        let Some(link) = self.links.get_mut(key as usize) else { return Ok(()) };
        let Some(flow) = link.flow.as_mut() else { return Ok(()) };
        let takes_none =
            !link.flags.has(LinkFlags::CONNECTED) || link.flags.has(LinkFlags::DEAF) || link.unsent.is_some();
        if takes_none || flow.waiting.is_some() {
            // The client's credit bounds what can wait here to one buffer.
            self.pools.append(&mut flow.waiting, chunk).map_err(|()| ForwardError::Closed)?;
            if takes_none {
                return Ok(());
            }
        }
        let waiting = flow.waiting.take();
        let bytes = waiting.as_deref().map_or(chunk, Stored::bytes);
        let trailers = flow.trailers_up.as_deref();
        let mut outgoing = Outgoing {
            plan: &flow.plan,
            bytes,
            trailers,
            is_whole: flow.is_whole,
            taken: 0,
            was_asked: false,
        };
        let env = crate::shard::env(&self.clock, &self.settings);
        let sent = transmit(&mut link.h1, &link.socket, &env, &mut self.link_tx, &mut outgoing);
        let (mut taken, was_asked) = (outgoing.taken, outgoing.was_asked);
        flow.was_asked |= was_asked;
        flow.wire_bytes += sent.wire_bytes;
        if sent.is_broken && flow.wire_bytes == 0 {
            // Not a byte has left: the machine's part of the body is as good as ours.
            taken = 0;
        }
        flow.has_sent_body |= taken > 0;
        let rest = bytes.get(taken..).unwrap_or(&[]);
        if !rest.is_empty() {
            flow.waiting = Some(self.pools.store(rest));
        }
        if let Some(done) = waiting {
            self.pools.give(done);
        }
        if let Some(unsent) = sent.unsent {
            link.unsent = Some(self.pools.store(&self.link_tx[unsent]));
        }
        if sent.is_misuse {
            return Err(ForwardError::Closed);
        }
        if sent.is_broken {
            self.go_deaf(key);
        }
        Ok(())
    }

    /// The upstream takes nothing more of the request. What it has said before may still be there to read, and an
    /// answer among it (RFC 9112 §9.5); if not, reading finds the end.
    fn go_deaf(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        link.flags.set(LinkFlags::DEAF | LinkFlags::READABLE);
        self.list_link(key);
    }

    /// Lets the client send on, if all it sent has gone up.
    fn settle_credit(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        let Some(flow) = link.flow.as_mut() else { return };
        if flow.waiting.is_some() || link.unsent.is_some() || !flow.was_asked || flow.is_whole {
            return;
        }
        let (owner, owed) = (flow.owner, core::mem::take(&mut flow.owed));
        if self.kept(owner).is_some() {
            // Granting nothing is what sends `100 (Continue)`.
            self.give_credit(owner, owed);
            self.list(owner.conn);
        }
    }

    /// The socket of link `key` has room, or its connection was made, or was not.
    pub(super) fn link_writable(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        if !link.flags.has(LinkFlags::CONNECTED) {
            match sys::pending_error(&link.socket) {
                Ok(None) => link.flags.set(LinkFlags::CONNECTED),
                Ok(Some(_)) | Err(_) => return self.fail_link(key, ForwardError::Connect),
            }
            return self.push_request(key, &[]);
        }
        let Some(mut unsent) = link.unsent.take() else { return };
        match sys::send(&link.socket, unsent.bytes()) {
            Ok(Transfer::Bytes(n)) => {
                unsent.advance(n);
                if let Some(flow) = link.flow.as_mut() {
                    flow.wire_bytes += n as u64;
                }
            }
            Ok(Transfer::Blocked | Transfer::End) => {}
            Err(_) => {
                self.pools.give(unsent);
                return self.go_deaf(key);
            }
        }
        if !unsent.bytes().is_empty() {
            link.unsent = Some(unsent);
            return self.touch_link(key);
        }
        self.pools.give(unsent);
        self.push_request(key, &[]);
    }
}

/// What became of a transmission.
#[derive(Debug, Default)]
struct Transmitted {
    /// Bytes that the socket took.
    wire_bytes: u64,
    /// The part of `tx` that it did not take.
    unsent: Option<Range<usize>>,
    /// It takes nothing any more.
    is_broken: bool,
    /// The request cannot be written.
    is_misuse: bool,
}

/// Transmits until the machine has nothing more or the socket is full.
fn transmit(
    h1: &mut h1::Client,
    socket: &OwnedFd,
    env: &rws_core::Env<'_>,
    tx: &mut [u8],
    outgoing: &mut Outgoing<'_>,
) -> Transmitted {
    let mut done = Transmitted::default();
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
                    Err(_) => return Transmitted { is_broken: true, ..done },
                };
                h1.flushed(env, taken);
                done.wire_bytes += taken as u64;
                if taken < n {
                    return Transmitted { unsent: Some(taken..n), ..done };
                }
                if !h1.wants_transmit() {
                    return done;
                }
            }
            Sent::Nothing => return done,
            Sent::NeedRoom(_) | Sent::Direct { .. } | Sent::Close => {
                return Transmitted { is_misuse: true, ..done };
            }
        }
    }
}

/// What the upstream's machine pulls from.
struct Outgoing<'o> {
    plan: &'o Forward,
    bytes: &'o [u8],
    trailers: Option<&'o OwnedFields>,
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

    fn trailers(&mut self, _stream: StreamId) -> FieldBlock<'_> {
        self.trailers.map_or(FieldBlock::EMPTY, OwnedFields::block)
    }
}
