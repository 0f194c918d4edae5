//! The response on its way down: the client's machine pulls it from where it was received, and what the client
//! does not take waits once, with the upstream's credit.

use core::ops::Range;

use rws_core::connection::{BodyPlan, Connection};
use rws_core::message::{BodyFraming, FieldBlock, KnownName, OwnedFields, ResponseHead};
use rws_core::semantics::hop_by_hop::EndToEnd;

use super::{Link, LinkFlags};
use crate::application::Application;
use crate::forward::{Forward, ForwardError, Forwarded};
use crate::shard::settle::Exchange;
use crate::shard::source::Relayed;
use crate::shard::stored::Stored;
use crate::shard::transmit::Pulled;
use crate::shard::{Address, Shard};

/// How going on with a link's bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// All that was there is worked off.
    Rest,
    /// The client takes no more for now.
    Full,
    /// The response is whole, or the client needs no more of it.
    Whole,
    /// The upstream's fault.
    Failed(ForwardError),
}

/// A client's exchange while a link's bytes are worked off.
#[derive(Debug)]
pub(super) struct Relay<'e, S> {
    key: u32,
    owner: Address,
    pub(super) exchange: &'e mut Exchange<S>,
    /// How the last pull ended.
    pub(super) pulled: Pulled,
    /// Where body bytes lie that the client's machine has not seen. They wait for the next step, which may say
    /// that they are the last: a short response then goes down in one piece.
    held: Range<usize>,
    /// So does a head.
    is_new: bool,
}

impl<'e, S> Relay<'e, S> {
    pub(super) const fn new(key: u32, owner: Address, exchange: &'e mut Exchange<S>) -> Relay<'e, S> {
        Relay { key, owner, exchange, pulled: Pulled::Parked, held: 0..0, is_new: false }
    }
}

impl Link {
    /// What waits for the client.
    pub(super) fn waiting_down(&self) -> Relayed<'_> {
        let flow = self.flow.as_ref();
        let trailers = flow.and_then(|flow| flow.trailers_down.as_deref());
        Relayed {
            bytes: self.down.as_deref().map_or(&[], Stored::bytes),
            end: flow.is_some_and(|flow| flow.is_answered),
            trailers: trailers.map_or(FieldBlock::EMPTY, OwnedFields::block),
            ..Relayed::nothing()
        }
    }
}

impl<A: Application> Shard<A> {
    /// The upstream's head has come: the application makes the client's answer of it.
    pub(super) fn take_head(
        &mut self,
        relay: &mut Relay<'_, A::State>,
        head: ResponseHead<'_>,
        body: BodyFraming,
    ) {
        relay.exchange.is_relayed = true;
        relay.is_new = true;
        let plan = plan_of(&head, body);
        self.tell_forwarded(relay.owner, relay.exchange, Forwarded::Head(head, plan));
    }

    /// An interim head goes on at once (RFC 9110 §15.2). One that a slow client has no room for is left out.
    pub(super) fn relay_interim(&mut self, relay: &mut Relay<'_, A::State>, head: ResponseHead<'_>) {
        let kept = EndToEnd::of(head.fields);
        let fields = OwnedFields::copy_of_kept(head.fields, |name| kept.has(name));
        let interim = Some(ResponseHead { status: head.status, fields: fields.block() });
        self.pull_relayed(relay, Relayed { interim, ..Relayed::nothing() });
    }

    /// Gives the client what was held for it, and holds `new`.
    pub(super) fn relay_held(
        &mut self,
        relay: &mut Relay<'_, A::State>,
        rx: &[u8],
        new: Range<usize>,
    ) -> Reached {
        let held = core::mem::replace(&mut relay.held, new.clone());
        if held.is_empty() && !(relay.is_new && new.is_empty()) {
            return Reached::Rest;
        }
        let (bytes, new) = (&rx[held], &rx[new]);
        let taken = self.pull_relayed(relay, Relayed { bytes, ..Relayed::nothing() });
        let is_over = matches!(relay.pulled, Pulled::Over | Pulled::Cut(_));
        let Some(link) = self.links.get_mut(relay.key as usize).filter(|_| !is_over) else {
            return Reached::Whole;
        };
        if taken == bytes.len() {
            if let Some(stream) = link.h1.exchange() {
                // A stale stream only means that the response is complete.
                let _ = link.h1.grant(stream, bytes.len() as u32);
            }
            return Reached::Rest;
        }
        relay.held = 0..0;
        link.withheld = (bytes.len() + new.len()) as u32;
        let mut down = Some(self.pools.store(&bytes[taken..]));
        let is_kept = self.pools.append(&mut down, new).is_ok();
        debug_assert!(is_kept, "both lay in one receive buffer");
        link.down = down;
        Reached::Full
    }

    /// The response is whole: gives the client the last of it. `is_overrun`: bytes follow that answer nothing.
    pub(super) fn relay_end(
        &mut self,
        relay: &mut Relay<'_, A::State>,
        rx: &[u8],
        trailers: FieldBlock<'_>,
        is_overrun: bool,
    ) {
        let Some(flow) = self.links.get_mut(relay.key as usize).and_then(|link| link.flow.as_mut()) else {
            return;
        };
        flow.is_answered = true;
        flow.is_overrun |= is_overrun;
        let trailers = if flow.plan.wants_trailers && !trailers.is_empty() {
            let kept = EndToEnd::of(trailers);
            OwnedFields::copy_of_kept(trailers, |name| kept.has(name) && Forward::may_trail(name))
        } else {
            OwnedFields::new()
        };
        let bytes = &rx[core::mem::replace(&mut relay.held, 0..0)];
        let relayed = Relayed { bytes, end: true, trailers: trailers.block(), ..Relayed::nothing() };
        let taken = self.pull_relayed(relay, relayed);
        let Some(link) = self.links.get_mut(relay.key as usize) else { return };
        if taken < bytes.len() {
            link.down = Some(self.pools.store(&bytes[taken..]));
        }
        if let Some(flow) = link.flow.as_mut().filter(|_| !trailers.block().is_empty()) {
            flow.trailers_down = Some(Box::new(trailers));
        }
    }

    /// Lets the client's machine pull; says how many bytes it took.
    fn pull_relayed(&mut self, relay: &mut Relay<'_, A::State>, mut relayed: Relayed<'_>) -> usize {
        self.wake(relay.owner);
        relay.is_new = false;
        relay.pulled = self.pull(relay.owner.conn, relay.exchange, &mut relayed);
        relayed.taken
    }

    /// The client has room again: what waits for it goes on, and then the link is read again.
    pub(in crate::shard) fn resume_relay(
        &mut self,
        owner: Address,
        key: u32,
        mut exchange: Exchange<A::State>,
    ) {
        let Some(link) = self.links.get_mut(key as usize) else {
            return self.resume_passing(owner, key, exchange);
        };
        let mut down = link.down.take();
        let flow = link.flow.as_mut();
        let (end, trailers) =
            flow.map_or((false, None), |flow| (flow.is_answered, flow.trailers_down.take()));
        let mut relay = Relay::new(key, owner, &mut exchange);
        let relayed = Relayed {
            bytes: down.as_deref().map_or(&[], |down| down.bytes()),
            end,
            trailers: trailers.as_deref().map_or(FieldBlock::EMPTY, OwnedFields::block),
            ..Relayed::nothing()
        };
        let taken = self.pull_relayed(&mut relay, relayed);
        let pulled = relay.pulled;
        if let Some(down) = &mut down {
            down.advance(taken);
        }
        let Some(link) = self.links.get_mut(key as usize) else { return };
        if let Some(flow) = link.flow.as_mut() {
            flow.trailers_down = trailers;
        }
        link.down = down;
        self.give_back_down(key);
        self.keep_or_end(owner.conn, exchange, pulled);
    }

    /// The client has taken of what waited for it: if that was all, the upstream may go on.
    pub(in crate::shard) fn give_back_down(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return self.pay_back_down(key) };
        if let Some(done) = link.down.take_if(|down| down.bytes().is_empty()) {
            self.pools.give(done);
            if let Some(stream) = link.h1.exchange() {
                // A stale stream only means that the response is complete.
                let _ = link.h1.grant(stream, core::mem::take(&mut link.withheld));
            }
            if link.flags.has(LinkFlags::READABLE | LinkFlags::UNOFFERED) {
                self.list_link(key);
            }
        }
        self.touch_link(key);
    }
}

/// How the client's answer is framed. An answer to HEAD and a 304 keep the length that they declare.
#[inline]
pub(super) fn plan_of(head: &ResponseHead<'_>, body: BodyFraming) -> BodyPlan {
    match body {
        BodyFraming::Sized(len) => BodyPlan::Sized(len),
        BodyFraming::Streamed | BodyFraming::UntilClose => BodyPlan::Streamed,
        BodyFraming::None if head.status.is_bodiless() => declared_length(head)
            .filter(|_| head.status == rws_core::Status::NOT_MODIFIED)
            .map_or(BodyPlan::None, BodyPlan::Sized),
        BodyFraming::None => declared_length(head).map_or(BodyPlan::Streamed, BodyPlan::Sized),
    }
}

fn declared_length(head: &ResponseHead<'_>) -> Option<u64> {
    let declared = head.fields.single(KnownName::ContentLength)?;
    core::str::from_utf8(declared).ok()?.parse().ok()
}
