//! How legs and trunks end: what is sent again, what the client is told, and when time is up.

use rws_core::Instant;
use rws_core::connection::{Connection, ResetCause};

use super::{AGAIN_MAX, Leg, LegFacts, NOWHERE, ORPHAN_US, env, key_of};
use crate::application::Application;
use crate::forward::ForwardError;
use crate::shard::Shard;
use crate::shard::link::{Flow, LinkFlags};

/// What becomes of a request whose leg has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The next backend.
    Another,
    /// The same backend again.
    Again,
    /// Nothing: the client is told.
    Nothing,
}

impl Leg {
    /// What may be done for a request whose leg has failed before its response. `is_untouched`: the upstream has done
    /// nothing for it (RFC 9113 §8.7). Otherwise nothing is sent twice that it may have acted on, unless its method is
    /// idempotent (RFC 9110 §9.2.2). We must still have all of it.
    fn next(&self, error: ForwardError, is_connected: bool, is_untouched: bool) -> Next {
        if self.flow.has_sent_body || self.facts.has(LegFacts::STARTED) {
            return Next::Nothing;
        }
        if !is_connected {
            return Next::Another;
        }
        if is_untouched {
            return if self.again < AGAIN_MAX { Next::Again } else { Next::Nothing };
        }
        // As for links: a connection that has served others says nothing about its backend.
        let was_closed = error == ForwardError::Closed && self.facts.has(LegFacts::REUSED);
        let is_safe = self.flow.plan.is_idempotent && self.flow.body_bytes == 0;
        if was_closed && is_safe && self.again == 0 { Next::Again } else { Next::Nothing }
    }

    /// Whether only the client can make this exchange go on.
    fn is_clients_turn(&self) -> bool {
        let flow = &self.flow;
        let waits = flow.was_asked && !flow.is_whole && self.left().is_empty();
        self.down.is_some() || flow.is_answered || waits && !self.facts.has(LegFacts::SENT)
    }
}

impl<A: Application> Shard<A> {
    /// The leg is of no use any more before its response was whole.
    pub(super) fn fail_leg(&mut self, key: u32, error: ForwardError, is_untouched: bool) {
        let Some(leg) = self.trunks.legs.get(key as usize) else { return };
        if leg.facts.has(LegFacts::ORPHAN) {
            return self.drop_leg(key);
        }
        if leg.flow.is_answered {
            // What was asked for has come, and waits for the client.
            return self.detach_leg(key);
        }
        let trunk = self.trunks.all.get(leg.trunk as usize);
        let is_connected = trunk.is_some_and(|trunk| trunk.flags.has(LinkFlags::CONNECTED));
        let next = leg.next(error, is_connected, is_untouched);
        let Some(Leg { mut flow, again, until, .. }) = self.remove_leg(key) else { return };
        self.set_link(flow.owner, None);
        if self.has_answer(flow.owner) {
            self.cut_off(flow.owner, ResetCause::ByUs);
            return self.end_flow(flow);
        }
        flow.was_asked = false;
        match next {
            Next::Another => self.try_trunk(flow, until, again, error),
            Next::Again => {
                flow.attempts = flow.attempts.saturating_sub(1);
                self.try_trunk(flow, until, again + 1, error);
            }
            Next::Nothing => {
                self.give_up(flow.owner, error);
                self.end_flow(flow);
            }
        }
    }

    /// Every leg of trunk `key` fails.
    pub(super) fn fail_legs(&mut self, key: u32, error: ForwardError) {
        self.trunks.withdraw(key);
        for (leg, is_untouched) in self.legs_of(key) {
            self.fail_leg(leg, error, is_untouched);
        }
    }

    /// The legs of trunk `key`, and whether the upstream has heard nothing of them.
    fn legs_of(&mut self, key: u32) -> Vec<(u32, bool)> {
        let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return Vec::new() };
        let legs = &self.trunks.legs;
        let ours = trunk.legs.iter().copied().filter_map(|at| Some((at, legs.get(at as usize)?)));
        let ours: Vec<_> =
            ours.filter(|(_, leg)| leg.trunk == key).map(|(at, leg)| (at, leg.stream)).collect();
        ours.into_iter().map(|(at, stream)| (at, !trunk.h2.request_begun(stream))).collect()
    }

    /// Trunk `key` is of no use any more.
    pub(super) fn end_trunk(&mut self, key: u32, error: ForwardError) {
        self.trunks.withdraw(key);
        self.fail_legs(key, error);
        let Some(trunk) = self.trunks.all.try_remove(key as usize) else { return };
        self.trunks.timers.disarm(key);
        for leg in trunk.legs {
            if let Some(leg) = self.trunks.legs.get_mut(leg as usize)
                && leg.trunk == key
            {
                leg.trunk = NOWHERE;
            }
        }
        for stored in [trunk.unsent, trunk.leftover].into_iter().flatten() {
            self.pools.give(stored);
        }
    }

    /// The exchange of the leg under `number` is over on the client's side.
    #[inline(never)]
    pub(in crate::shard::link) fn release_leg(&mut self, number: u32) {
        let Some(key) = key_of(number) else { return };
        if self.orphan_leg(key) {
            return;
        }
        if let Some(leg) = self.remove_leg(key) {
            let Leg { flow: Flow { plan, waiting, .. }, .. } = leg;
            if let Some(waiting) = waiting {
                self.pools.give(waiting);
            }
            plan.retire();
        }
    }

    /// As [`Shard::drop_link`], for the leg under `number`.
    #[inline(never)]
    pub(in crate::shard::link) fn cancel_leg(&mut self, number: u32) {
        if let Some(key) = key_of(number) {
            self.drop_leg(key);
        }
    }

    /// The client needs no more of the leg under `key`: what is left of it is cancelled.
    pub(super) fn drop_leg(&mut self, key: u32) {
        if let Some(leg) = self.remove_leg(key) {
            self.end_flow(leg.flow);
        }
    }

    /// The client has its answer, and nothing but the end of the stream is still to come: it is not worth a reset.
    fn orphan_leg(&mut self, key: u32) -> bool {
        const BARE: u8 = LegFacts::STARTED | LegFacts::SENT;
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return false };
        let trunk = self.trunks.all.get_mut(leg.trunk as usize);
        let is_live = trunk.is_some_and(|trunk| trunk.h2.is_live(leg.stream));
        if !is_live || leg.facts.0 & BARE != BARE || leg.down.is_some() {
            return false;
        }
        leg.facts.set(LegFacts::ORPHAN);
        leg.until = self.clock.now().after_us(ORPHAN_US);
        self.rearm_leg(key);
        true
    }

    /// Takes a leg out; its stream is reset if it is not over.
    fn remove_leg(&mut self, key: u32) -> Option<Leg> {
        self.detach_leg(key);
        let mut leg = self.trunks.legs.try_remove(key as usize)?;
        self.trunks.leg_timers.disarm(key);
        if let Some(down) = leg.down.take() {
            self.pools.give(down);
        }
        Some(leg)
    }

    /// Leg `key` is answered: once its stream is over, it names none any more. The same name is given again, by this trunk
    /// and by the next that is stored in its place.
    pub(super) fn leave_trunk(&mut self, key: u32) {
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        let trunk = self.trunks.all.get_mut(leg.trunk as usize);
        if !trunk.is_some_and(|trunk| trunk.h2.is_live(leg.stream)) {
            self.detach_leg(key);
        }
    }

    fn detach_leg(&mut self, key: u32) {
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        let (at, stream) = (core::mem::replace(&mut leg.trunk, NOWHERE), leg.stream);
        leg.gone = 0;
        let Some(trunk) = self.trunks.all.get_mut(at as usize) else { return };
        if let Some(slot) = trunk.legs.get_mut(stream.slot() as usize).filter(|slot| **slot == key) {
            *slot = NOWHERE;
        }
        if trunk.h2.is_live(stream) {
            trunk.h2.reset(stream);
        }
        self.list_trunk(at);
    }

    /// The leg has moved: says until when it must move again. No time runs against the upstream while the client is the
    /// slow one; its own deadlines watch that.
    pub(super) fn touch_leg(&mut self, key: u32) {
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        let trunk = self.trunks.all.get(leg.trunk as usize);
        let is_connected = trunk.is_some_and(|trunk| trunk.flags.has(LinkFlags::CONNECTED));
        leg.deadline = if !is_connected || leg.is_clients_turn() {
            Instant::NEVER
        } else {
            self.clock.now().after_us(leg.flow.plan.read_timeout_us)
        };
        self.rearm_leg(key);
    }

    fn rearm_leg(&mut self, key: u32) {
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        let next = leg.deadline.min(leg.until);
        if next < leg.armed {
            leg.armed = next;
            self.trunks.leg_timers.arm(key, next.as_micros());
        }
    }

    /// Sees to it that the wheel looks at trunk `key` in time.
    pub(super) fn rearm_trunk(&mut self, key: u32) {
        let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return };
        let is_connected = trunk.flags.has(LinkFlags::CONNECTED);
        let deadline = if is_connected { trunk.h2.next_deadline() } else { trunk.connect_by };
        if deadline < trunk.armed {
            trunk.armed = deadline;
            self.trunks.timers.arm(key, deadline.as_micros());
        }
    }

    /// Looks at the timers of trunks and legs that have run out, so many steps at most.
    #[inline(never)]
    pub(in crate::shard) fn ring_trunks(&mut self, now_us: u64, steps_max: usize) {
        let mut steps = steps_max;
        while let Some(key) = self.trunks.timers.pop_expired(now_us, &mut steps) {
            self.ring_trunk(key);
        }
        let mut steps = steps_max;
        while let Some(key) = self.trunks.leg_timers.pop_expired(now_us, &mut steps) {
            self.ring_leg(key);
        }
    }

    fn ring_trunk(&mut self, key: u32) {
        let now = self.clock.now();
        let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return };
        trunk.armed = Instant::NEVER;
        if !trunk.flags.has(LinkFlags::CONNECTED) {
            if trunk.connect_by <= now {
                return self.end_trunk(key, ForwardError::ConnectTimeout);
            }
            return self.rearm_trunk(key);
        }
        while let Some(trunk) = self.trunks.all.get_mut(key as usize)
            && trunk.h2.next_deadline() <= now
        {
            match trunk.h2.on_deadline(&env(now, &self.trunks.limits)) {
                Some(event) => self.leg_happened(key, event),
                None => break,
            }
        }
        self.transmit_trunk(key);
        self.conclude_trunk(key, false);
    }

    fn ring_leg(&mut self, key: u32) {
        let now = self.clock.now();
        let Some(leg) = self.trunks.legs.get_mut(key as usize) else { return };
        leg.armed = Instant::NEVER;
        if leg.deadline.min(leg.until) > now {
            return self.rearm_leg(key);
        }
        if leg.flow.is_answered {
            // Whatever is left to do is the client's.
            leg.until = Instant::NEVER;
            return self.rearm_leg(key);
        }
        let owner = leg.flow.owner;
        self.fail_leg(key, ForwardError::ReadTimeout, false);
        self.conclude_owner(owner);
    }
}
