//! Requests on their way up: gathered while a turn lasts, then pulled from all legs of a trunk at once.

use rws_core::connection::{
    ByteConnection, Connection, Fill, HeadAnswer, RequestOut, Sent, Source, StreamId,
};
use rws_core::message::{FieldBlock, FieldName, OwnedFields, Scratch};
use rws_core::semantics::hop_by_hop::EndToEnd;
use slab::Slab;

use super::{Leg, LegFacts, REPLAY_BYTES, Said, Trunks, env, key_of};
use crate::application::Application;
use crate::forward::{Forward, ForwardError};
use crate::shard::Shard;
use crate::shard::link::LinkFlags;
use crate::shard::stored::LARGE_BYTES;
use crate::sys::{self, Transfer};

impl<A: Application> Shard<A> {
    /// As [`Shard::forward_body`], for the leg under `number`. The client's credit bounds what can wait to one buffer.
    #[cold]
    #[inline(never)]
    pub(in crate::shard::link) fn send_body_up(&mut self, number: u32, chunk: &[u8]) {
        let Some(key) = key_of(number) else { return };
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        let (owner, len) = (leg.flow.owner, chunk.len() as u32);
        if leg.flow.is_answered || leg.facts.has(LegFacts::SENT) {
            // Nobody needs it any more.
            return self.give_credit(owner, len);
        }
        leg.flow.owed = leg.flow.owed.saturating_add(len);
        leg.flow.body_bytes = leg.flow.body_bytes.saturating_add(u64::from(len));
        if leg.flow.body_bytes > leg.flow.plan.body_bytes_max {
            self.set_link(owner, None);
            self.drop_leg(key);
            return self.give_up(owner, ForwardError::BodyTooLarge);
        }
        if leg.flow.body_bytes > REPLAY_BYTES {
            self.commit(key);
        }
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        if self.pools.append(&mut leg.flow.waiting, chunk).is_err() {
            return self.fail_leg(key, ForwardError::Closed, false);
        }
        self.wake_leg(key);
    }

    /// As [`Shard::forward_end`], for the leg under `number`.
    #[cold]
    #[inline(never)]
    pub(in crate::shard::link) fn send_end_up(&mut self, number: u32, trailers: FieldBlock<'_>) {
        let Some(key) = key_of(number) else { return };
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        leg.flow.is_whole = true;
        if !trailers.is_empty() {
            let kept = EndToEnd::of(trailers);
            let may_go = |name: FieldName<'_>| kept.has(name) && Forward::may_trail(name);
            leg.flow.trailers_up = Some(Box::new(OwnedFields::copy_of_kept(trailers, may_go)));
        }
        self.wake_leg(key);
        self.touch_leg(key);
    }

    /// What the machine has of the body is let go: it cannot be sent again any more.
    pub(super) fn commit(&mut self, key: u32) {
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        let gone = core::mem::take(&mut leg.gone);
        leg.flow.has_sent_body |= gone > 0;
        if let Some(waiting) = &mut leg.flow.waiting {
            waiting.advance(gone);
        }
        if let Some(done) = leg.flow.waiting.take_if(|waiting| waiting.bytes().is_empty()) {
            self.pools.give(done);
        }
    }

    /// Sends what the legs of trunk `key` and its machine have to say, until the socket is full.
    pub(super) fn transmit_trunk(&mut self, key: u32) {
        loop {
            let Trunks { all, legs, limits, said, .. } = &mut self.trunks;
            let Some(trunk) = all.get_mut(key as usize) else { return };
            let is_ready = trunk.flags.has(LinkFlags::CONNECTED) && !trunk.flags.has(LinkFlags::DEAF);
            if !is_ready || trunk.unsent.is_some() || !trunk.h2.wants_transmit() {
                break;
            }
            let env = env(self.clock.now(), limits);
            let mut requests = Requests { trunk: key, by_slot: &trunk.legs, legs, said };
            let mut scratch = Scratch { bytes: &mut [], fields: &mut [] };
            let Sent::Bytes(n) = trunk.h2.transmit(&env, &mut self.link_tx, &mut scratch, &mut requests)
            else {
                break;
            };
            let taken = match sys::send(&trunk.socket, &self.link_tx[..n]) {
                Ok(Transfer::Bytes(taken)) => taken,
                Ok(Transfer::Blocked | Transfer::End) => 0,
                Err(_) => {
                    self.make_trunk_deaf(key);
                    break;
                }
            };
            trunk.h2.flushed(&env, taken);
            if taken < n {
                trunk.unsent = Some(self.pools.store(&self.link_tx[taken..n]));
            }
        }
        self.hear_legs();
    }

    /// Works off what legs said while they were pulled from.
    fn hear_legs(&mut self) {
        let mut said = core::mem::take(&mut self.trunks.said);
        for (key, what) in said.drain(..) {
            match what {
                Said::Asked => self.settle_leg(key),
                Said::Ended(true) => {
                    if let Some(leg) = self.trunks.legs.get_mut(key as usize) {
                        leg.facts.set(LegFacts::SENT);
                        if leg.flow.is_answered {
                            self.leave_trunk(key);
                        }
                    }
                    self.touch_leg(key);
                }
                // What the client asks for cannot be said in HTTP/2.
                Said::Ended(false) => self.fail_leg(key, ForwardError::Closed, false),
            }
        }
        self.trunks.said = said;
    }

    /// Lets the client send on as much as has gone up.
    fn settle_leg(&mut self, key: u32) {
        let Some(leg) = self.trunks.legs.get(key as usize) else { return };
        if leg.flow.body_bytes > REPLAY_BYTES || leg.facts.has(LegFacts::STARTED) {
            self.commit(key);
        }
        let window = self.settings.limits.body_window_bytes as usize;
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        // What may have to be sent again needs its place in the buffer beside all that the client may send.
        let kept = leg.gone.saturating_sub(LARGE_BYTES.saturating_sub(window));
        let left = (leg.left().len() + kept) as u32;
        let (owner, gone) = (leg.flow.owner, leg.flow.owed.saturating_sub(left));
        leg.flow.owed -= gone;
        let is_whole = leg.flow.is_whole;
        self.touch_leg(key);
        if !is_whole && self.kept(owner).is_some() {
            // Granting nothing is what sends `100 (Continue)`.
            self.give_credit(owner, gone);
            self.list(owner.conn);
        }
    }

    /// The upstream takes nothing more. What it has said before may still be there to read.
    fn make_trunk_deaf(&mut self, key: u32) {
        if let Some(trunk) = self.trunks.all.get_mut(key as usize) {
            trunk.flags.set(LinkFlags::DEAF | LinkFlags::READABLE);
            self.list_trunk(key);
        }
    }

    /// The socket of trunk `key` has room, or its connection was made, or was not. False if the trunk is gone.
    pub(super) fn trunk_writable(&mut self, key: u32) -> bool {
        let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return false };
        if !trunk.flags.has(LinkFlags::CONNECTED) {
            match sys::pending_error(&trunk.socket) {
                Ok(None) => trunk.flags.set(LinkFlags::CONNECTED),
                Ok(Some(_)) | Err(_) => {
                    self.end_trunk(key, ForwardError::Connect);
                    return false;
                }
            }
            let legs: Vec<u32> = trunk.legs.clone();
            legs.into_iter().for_each(|leg| self.touch_leg(leg));
            return true;
        }
        let Some(mut unsent) = trunk.unsent.take() else { return true };
        let taken = match sys::send(&trunk.socket, unsent.bytes()) {
            Ok(Transfer::Bytes(n)) => n,
            Ok(Transfer::Blocked | Transfer::End) => 0,
            Err(_) => {
                self.pools.give(unsent);
                self.make_trunk_deaf(key);
                return true;
            }
        };
        trunk.h2.flushed(&env(self.clock.now(), &self.trunks.limits), taken);
        unsent.advance(taken);
        if unsent.bytes().is_empty() {
            self.pools.give(unsent);
        } else {
            trunk.unsent = Some(unsent);
        }
        true
    }
}

const _: () = assert!(REPLAY_BYTES as usize <= crate::shard::stored::SMALL_BYTES);

/// What the machine of a trunk pulls from: all its legs.
struct Requests<'r> {
    trunk: u32,
    by_slot: &'r [u32],
    legs: &'r mut Slab<Leg>,
    said: &'r mut Vec<(u32, Said)>,
}

impl Requests<'_> {
    fn leg(&mut self, stream: StreamId) -> Option<(u32, &mut Leg)> {
        let &key = self.by_slot.get(stream.slot() as usize)?;
        let leg = self.legs.get_mut(key as usize)?;
        (leg.trunk == self.trunk && leg.stream == stream).then_some((key, leg))
    }
}

impl Source for Requests<'_> {
    fn head(&mut self, _stream: StreamId) -> HeadAnswer<'_> {
        HeadAnswer::NotYet
    }

    fn request(&mut self, stream: StreamId) -> Option<RequestOut<'_>> {
        self.leg(stream).map(|(_, leg)| leg.flow.plan.request())
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        let Some((key, leg)) = self.leg(stream) else { return Fill::Abort };
        leg.flow.was_asked = true;
        let rest = leg.left();
        let (n, whole) = (rest.len().min(out.len()), rest.len());
        out[..n].copy_from_slice(&rest[..n]);
        leg.gone += n;
        let fill = match (n, n == whole && leg.flow.is_whole) {
            (_, true) => Fill::End(n),
            (0, false) => Fill::Blocked,
            (_, false) => Fill::More(n),
        };
        self.said.push((key, Said::Asked));
        fill
    }

    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        let trailers = self.leg(stream).and_then(|(_, leg)| leg.flow.trailers_up.as_deref());
        trailers.map_or(FieldBlock::EMPTY, OwnedFields::block)
    }

    fn ended(&mut self, stream: StreamId, complete: bool) {
        if let Some((key, _)) = self.leg(stream) {
            self.said.push((key, Said::Ended(complete)));
        }
    }
}
