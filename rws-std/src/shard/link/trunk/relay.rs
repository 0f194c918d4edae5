//! Responses on their way down: the client's machine pulls them from where they were received, and what one client
//! does not take waits once, with its stream's credit. Its neighbours go on.

use core::ops::Range;

use rws_core::connection::{BodyPlan, Connection};
use rws_core::message::{BodyFraming, FieldBlock, OwnedFields, ResponseHead};
use rws_core::semantics::hop_by_hop::EndToEnd;

use super::super::relay::plan_of;
use super::{Leg, key_of};
use crate::application::Application;
use crate::forward::{Forward, Forwarded};
use crate::shard::settle::Exchange;
use crate::shard::source::Relayed;
use crate::shard::transmit::Pulled;
use crate::shard::{Address, Shard};

/// The exchange that what comes on a trunk is for, as long as nothing comes for another.
#[derive(Debug)]
pub(super) struct Passing<S> {
    pub(super) leg: u32,
    owner: Address,
    exchange: Exchange<S>,
    /// How the last pull ended.
    pulled: Pulled,
    /// Where body bytes lie that the client's machine has not seen: they wait for the next step, which may say that they
    /// are the last.
    held: Range<usize>,
    /// So does a head.
    is_new: bool,
}

impl<S> Passing<S> {
    pub(super) const fn new(leg: u32, owner: Address, exchange: Exchange<S>) -> Passing<S> {
        Passing { leg, owner, exchange, pulled: Pulled::Parked, held: 0..0, is_new: false }
    }

    /// The client needs no more.
    const fn is_over(&self) -> bool {
        matches!(self.pulled, Pulled::Over | Pulled::Cut(_))
    }
}

impl<A: Application> Shard<A> {
    /// The upstream's head has come: the application makes the client's answer of it.
    pub(super) fn pass_head(
        &mut self,
        passing: &mut Passing<A::State>,
        head: ResponseHead<'_>,
        body: BodyFraming,
        is_end: bool,
    ) {
        let Some(leg) = self.trunks.legs.get(passing.leg as usize) else { return };
        let plan = match plan_of(&head, body) {
            // That nothing follows is known, and a client may have to see it in the head.
            BodyPlan::Streamed if is_end && leg.flow.plan.request().method != b"HEAD" => BodyPlan::None,
            plan => plan,
        };
        passing.exchange.is_relayed = true;
        passing.is_new = true;
        self.tell_forwarded(passing.owner, &mut passing.exchange, Forwarded::Head(head, plan));
    }

    /// As for links: an interim head goes on at once, or not at all.
    pub(super) fn pass_interim(&mut self, passing: &mut Passing<A::State>, head: ResponseHead<'_>) {
        let kept = EndToEnd::of(head.fields);
        let fields = OwnedFields::copy_of_kept(head.fields, |name| kept.has(name));
        let interim = Some(ResponseHead { status: head.status, fields: fields.block() });
        self.pull_passing(passing, Relayed { interim, ..Relayed::nothing() });
    }

    /// Gives the client what was held for it, and holds `new`.
    pub(super) fn pass_held(&mut self, passing: &mut Passing<A::State>, rx: &[u8], new: Range<usize>) {
        let held = core::mem::replace(&mut passing.held, new.clone());
        if passing.is_over() || held.is_empty() && !(passing.is_new && new.is_empty()) {
            return;
        }
        self.pass_bytes(passing, &rx[held], false, FieldBlock::EMPTY);
    }

    /// The response is whole: gives the client the last of it.
    pub(super) fn pass_end(&mut self, passing: &mut Passing<A::State>, rx: &[u8], trailers: FieldBlock<'_>) {
        let speaks_h2 = self.h2_of(passing.owner.conn).is_some();
        let Some(leg) = self.trunks.legs.get_mut(passing.leg as usize) else { return };
        leg.flow.is_answered = true;
        let trailers = if (leg.flow.plan.wants_trailers || speaks_h2) && !trailers.is_empty() {
            let kept = EndToEnd::of(trailers);
            OwnedFields::copy_of_kept(trailers, |name| kept.has(name) && Forward::may_trail(name))
        } else {
            OwnedFields::new()
        };
        self.leave_trunk(passing.leg);
        let held = core::mem::replace(&mut passing.held, 0..0);
        if passing.is_over() {
            return;
        }
        self.pass_bytes(passing, &rx[held], true, trailers.block());
        if let Some(leg) = self.trunks.legs.get_mut(passing.leg as usize)
            && !trailers.block().is_empty()
        {
            leg.flow.trailers_down = Some(Box::new(trailers));
        }
    }

    /// Gives the client `bytes`, behind what waits for it; what it does not take waits.
    fn pass_bytes(
        &mut self,
        passing: &mut Passing<A::State>,
        bytes: &[u8],
        end: bool,
        trailers: FieldBlock<'_>,
    ) {
        let waits = self.trunks.legs.get(passing.leg as usize).is_some_and(|leg| leg.down.is_some());
        let taken = if waits {
            0
        } else {
            self.pull_passing(passing, Relayed { bytes, end, trailers, ..Relayed::nothing() })
        };
        if passing.is_over() {
            return;
        }
        let Some(leg) = self.trunks.legs.get_mut(passing.leg as usize) else { return };
        let rest = &bytes[taken..];
        leg.withheld = leg.withheld.saturating_add(rest.len() as u32);
        // The stream's credit bounds what can wait to one buffer.
        let is_kept = self.pools.append(&mut leg.down, rest).is_ok();
        debug_assert!(is_kept, "more than the window has come");
        self.grant_up(passing.leg, taken as u32);
    }

    /// The upstream may send so much more to leg `key`.
    fn grant_up(&mut self, key: u32, bytes: u32) {
        let Some(leg) = self.trunks.legs.get(key as usize) else { return };
        let (at, stream) = (leg.trunk, leg.stream);
        if let Some(trunk) = self.trunks.all.get_mut(at as usize)
            && bytes > 0
        {
            // A stale stream only means that the response is complete.
            let _ = trunk.h2.grant(stream, bytes);
            self.list_trunk(at);
        }
    }

    /// Lets the client's machine pull; says how many bytes it took.
    fn pull_passing(&mut self, passing: &mut Passing<A::State>, mut relayed: Relayed<'_>) -> usize {
        self.wake(passing.owner);
        passing.is_new = false;
        passing.pulled = self.pull(passing.owner.conn, &mut passing.exchange, &mut relayed);
        relayed.taken
    }

    /// Nothing more comes for this exchange for now: the client gets what was held for it, and the exchange is kept or
    /// over.
    pub(super) fn settle_passing(&mut self, rx: &[u8], passing: Option<Passing<A::State>>) {
        let Some(mut passing) = passing else { return };
        self.pass_held(&mut passing, rx, 0..0);
        let Passing { leg, owner, exchange, pulled, .. } = passing;
        self.keep_or_end(owner.conn, exchange, pulled);
        self.touch_leg(leg);
        self.conclude_owner(owner);
    }

    /// As [`Shard::resume_relay`], for what is served by a leg.
    #[cold]
    #[inline(never)]
    pub(in crate::shard::link) fn resume_passing(
        &mut self,
        owner: Address,
        number: u32,
        mut exchange: Exchange<A::State>,
    ) {
        let key = key_of(number).filter(|&key| self.trunks.legs.contains(key as usize));
        let Some(leg) = key.and_then(|key| self.trunks.legs.get_mut(key as usize)) else {
            return self.pump(owner.conn, exchange);
        };
        let down = leg.down.take();
        let trailers = leg.flow.trailers_down.take();
        let mut relayed = Relayed {
            bytes: down.as_deref().map_or(&[], |down| down.bytes()),
            end: leg.flow.is_answered,
            trailers: trailers.as_deref().map_or(FieldBlock::EMPTY, OwnedFields::block),
            ..Relayed::nothing()
        };
        self.wake(owner);
        let pulled = self.pull(owner.conn, &mut exchange, &mut relayed);
        let taken = relayed.taken;
        if let Some(leg) = key.and_then(|key| self.trunks.legs.get_mut(key as usize)) {
            leg.take_back(down, trailers, taken);
        }
        self.pay_back_down(number);
        self.keep_or_end(owner.conn, exchange, pulled);
    }

    /// As [`Shard::give_back_down`], for a leg.
    #[cold]
    #[inline(never)]
    pub(in crate::shard::link) fn pay_back_down(&mut self, number: u32) {
        let Some(key) = key_of(number) else { return };
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        if let Some(done) = leg.down.take_if(|down| down.bytes().is_empty()) {
            self.pools.give(done);
            let withheld = core::mem::take(&mut leg.withheld);
            self.grant_up(key, withheld);
        }
        self.touch_leg(key);
    }
}

impl Leg {
    /// What was taken out to be pulled from comes back, less what was taken of it.
    fn take_back(
        &mut self,
        down: Option<Box<crate::shard::stored::Stored>>,
        trailers: Option<Box<OwnedFields>>,
        taken: usize,
    ) {
        self.down = down;
        self.flow.trailers_down = trailers;
        if let Some(down) = &mut self.down {
            down.advance(taken);
        }
    }
}
