//! Links that fail: what is tried again, what the client is told, and when time is up.

use rws_core::Instant;
use rws_core::connection::{Connection, ResetCause};

use super::{Flow, Link, LinkFlags};
use crate::application::Application;
use crate::forward::{ForwardError, Forwarded};
use crate::shard::settle::{Answer, Exchange};
use crate::shard::{Address, Shard};

/// What becomes of a request whose link has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The next backend.
    Another,
    /// The same backend again, on a new connection.
    Again,
    /// Nothing: the client is told.
    Nothing,
}

impl Link {
    /// What may be done for a request after this link has failed before its response. Nothing is sent twice that
    /// an upstream may have acted on, unless its method is idempotent (RFC 9110 §9.2.2) and we still have all
    /// of it.
    fn next_for(&self, flow: &Flow, error: ForwardError) -> Next {
        if !self.flags.has(LinkFlags::CONNECTED) {
            return Next::Another;
        }
        let was_closed = error == ForwardError::Closed && !self.h1.response_started();
        let is_safe = flow.wire_bytes == 0 || flow.plan.is_idempotent && !flow.has_sent_body;
        // A pooled connection says nothing about its backend: that one gets its turn back. Only a new one does.
        if self.flags.has(LinkFlags::REUSED) && was_closed && is_safe { Next::Again } else { Next::Nothing }
    }

    /// Whether only the client can make this exchange go on.
    fn is_clients_turn(&self, flow: &Flow) -> bool {
        let takes_all = flow.waiting.is_none() && self.unsent.is_none();
        self.down.is_some()
            || flow.is_answered
            || flow.was_asked && !flow.is_whole && takes_all && !self.h1.request_is_done()
    }
}

impl<A: Application> Shard<A> {
    /// The link is of no use any more before its response was whole.
    pub(super) fn fail_link(&mut self, key: u32, error: ForwardError) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        let Some(mut flow) = link.flow.take_if(|flow| !flow.is_answered) else {
            // What was asked for has come: the link alone is at its end.
            link.flags.set(LinkFlags::EOF);
            if link.flow.is_none() {
                self.drop_link(key);
            }
            return;
        };
        let next = link.next_for(&flow, error);
        self.cut_link(key);
        self.set_link(flow.owner, None);
        if self.has_answer(flow.owner) {
            self.cut_off(flow.owner, ResetCause::ByUs);
            return self.end_flow(flow);
        }
        match next {
            Next::Another => self.try_backend(flow, true, error),
            Next::Again => {
                flow.attempts = flow.attempts.saturating_sub(1);
                self.try_backend(flow, false, error);
            }
            Next::Nothing => {
                self.give_up(flow.owner, error);
                self.end_flow(flow);
            }
        }
    }

    /// No upstream will answer the exchange of `owner`: it gets an answer that says so, or is cut off if the
    /// upstream's answer has begun.
    pub(super) fn give_up(&mut self, owner: Address, error: ForwardError) {
        if self.has_answer(owner) {
            return self.cut_off(owner, ResetCause::ByUs);
        }
        let Some(mut exchange) = self.take_exchange(owner) else { return };
        exchange.link = None;
        exchange.is_relayed = false;
        self.tell_forwarded(owner, &mut exchange, Forwarded::Failed(error));
        self.wake(owner);
        self.pump(owner.conn, exchange);
        self.list(owner.conn);
    }

    #[inline]
    pub(super) fn tell_forwarded(
        &mut self,
        owner: Address,
        exchange: &mut Exchange<A::State>,
        forwarded: Forwarded<'_>,
    ) {
        self.prepare_cx(owner);
        if let Answer::Service(state) = &mut exchange.answer
            && self.guarded(|app, cx| app.forwarded(cx, state, forwarded)).is_none()
        {
            self.break_off(owner, exchange);
        }
    }

    pub(super) fn has_answer(&self, owner: Address) -> bool {
        self.kept(owner).is_some_and(|kept| self.exchanges[kept].status.is_some())
    }

    /// The link has moved: says until when it must move again. No time runs against the upstream while the client
    /// is the slow one; its own deadlines watch that.
    pub(super) fn touch_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        let Some(flow) = link.flow.as_ref() else { return };
        if !link.flags.has(LinkFlags::CONNECTED) {
            return;
        }
        link.deadline = if link.is_clients_turn(flow) {
            Instant::NEVER
        } else {
            self.clock.now().after_us(flow.plan.read_timeout_us)
        };
        if link.h1.awaits_continue() {
            link.deadline = link.deadline.min(link.h1.next_deadline());
        }
        self.rearm_link(key);
    }

    /// Sees to it that the wheel looks at link `key` in time.
    pub(super) fn rearm_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        if link.deadline < link.armed {
            link.armed = link.deadline;
            self.link_timers.arm(key, link.deadline.as_micros());
        }
    }

    /// The wheel's entry of link `key` has run out.
    pub(in crate::shard) fn ring_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        link.armed = Instant::NEVER;
        if link.deadline > self.clock.now() {
            return self.rearm_link(key);
        }
        if link.flow.is_none() {
            return self.drop_link(key);
        }
        if !link.flags.has(LinkFlags::CONNECTED) {
            return self.fail_link(key, ForwardError::ConnectTimeout);
        }
        let env = crate::shard::env(&self.clock, &self.settings);
        if link.h1.awaits_continue() && link.h1.next_deadline() <= env.now {
            // Nobody has asked for the body in time: it goes all the same (RFC 9110 §10.1.1).
            if link.h1.on_deadline(&env).is_none() {
                return self.push_request(key, &[]);
            }
        }
        self.fail_link(key, ForwardError::ReadTimeout);
    }
}
