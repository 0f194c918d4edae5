//! The request's way in, as far as its head: hooks, replies, and the service's beginning.

use core::ops::Range;

use super::answer::Answer;
use super::kept::KeptHead;
use super::{ANSWER_HOOKS, Collecting, Deciding, Phase, Run};
use crate::Status;
use crate::connection::ResetCause;
use crate::message::{BodyFraming, RequestHead};
use crate::middleware::layers::Mark;
use crate::middleware::{Hooks, Layers, Reply, RequestVerdict, Room};
use crate::service::{Context, Outcome, Service};

pub(super) const TOO_LARGE: Reply = Reply::new(Status::CONTENT_TOO_LARGE, "the body is too large\n");
pub(super) const BROKEN: Reply = Reply::new(Status::INTERNAL_SERVER_ERROR, "a layer cannot do its work\n");
const HEAD_TOO_LARGE: Reply =
    Reply::new(Status::REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too large to be kept\n");

/// How far a request head came.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reached {
    /// All layers let it pass.
    Service,
    /// A layer answers.
    Reply(usize, Reply),
    /// A layer asks for the body, of at most so many bytes.
    Body(usize, u64),
}

impl<C, L, S, R> Run<'_, C, L, S, R>
where
    C: Context + ?Sized,
    L: Layers<C>,
    S: Service<C>,
    R: Room,
{
    /// `begin`, where some layer has a request hook.
    pub(super) fn begin(&mut self, head: &mut RequestHead<'_>) {
        let mut from = 0;
        loop {
            let reached = run_heads(self.layers, self.cx, &mut self.state.layers, head, from);
            let (at, bytes_max) = match reached {
                Reached::Service => {
                    self.state.inner = Some(self.service.begin(self.cx, head));
                    return;
                }
                Reached::Reply(at, reply) => return self.reply(at, reply),
                Reached::Body(at, bytes_max) => (at, bytes_max),
            };
            if head.body().follows() {
                return self.start_collecting(at, bytes_max, head);
            }
            match self.layers.request(at, self.cx, &mut self.state.layers, head, Some(&[])) {
                RequestVerdict::Continue => from = at.saturating_add(1),
                RequestVerdict::Reply(reply) => return self.reply(at, reply),
                RequestVerdict::NeedBody(_) => return self.reply(at, BROKEN),
            }
        }
    }

    fn start_collecting(&mut self, at: usize, bytes_max: u64, head: &RequestHead<'_>) {
        if let BodyFraming::Sized(len) = head.body()
            && len > bytes_max
            && !self.any(0..at, Hooks::REWRITE_REQUEST_BODY)
        {
            return self.reply(at, TOO_LARGE);
        }
        self.state.reached = at.saturating_add(1);
        match KeptHead::keep(head, &mut self.state.room) {
            Some(head) => {
                self.state.phase = Phase::Collecting(Collecting { head, at, bytes_max, len: 0 });
            }
            None => self.reply(at, HEAD_TOO_LARGE),
        }
    }

    /// The layer at `at` answers in place of the service.
    pub(super) fn reply(&mut self, at: usize, reply: Reply) {
        let beyond = at.saturating_add(1);
        if self.state.inner.is_none() {
            self.state.reached = beyond;
        }
        self.drop_inner();
        let at = if reply.own_response_hook { beyond } else { at };
        let answer = Answer::of_reply(reply);
        self.state.phase = if self.any(0..at, ANSWER_HOOKS) {
            Phase::Deciding(Deciding { answer, at, asked: None })
        } else {
            Phase::Decided(answer)
        };
    }

    /// The service's answer, and with it what filters were to do to it, is not wanted any more.
    pub(super) fn drop_inner(&mut self) {
        if let Some(inner) = self.state.inner.take() {
            self.service.end(self.cx, inner, Outcome::Aborted(ResetCause::ByUs));
        }
        for at in 0..self.layers.count() {
            if let Some(mark) = self.layers.mark(at, &mut self.state.layers) {
                *mark = Mark::IDLE;
            }
        }
    }

    /// Whether a layer in `range` has any of `hooks`.
    pub(super) fn any(&self, range: Range<usize>, hooks: Hooks) -> bool {
        range.into_iter().any(|at| self.layers.hooks_of(at).has_any(hooks))
    }
}

/// Runs head hooks from a place on.
#[inline]
pub(super) fn run_heads<C: Context + ?Sized, L: Layers<C>>(
    layers: &L,
    cx: &mut C,
    states: &mut L::State,
    head: &mut RequestHead<'_>,
    from: usize,
) -> Reached {
    for at in from..layers.count() {
        if !layers.hooks_of(at).has(Hooks::REQUEST) {
            continue;
        }
        match layers.request(at, cx, states, head, None) {
            RequestVerdict::Continue => {}
            RequestVerdict::Reply(reply) => return Reached::Reply(at, reply),
            RequestVerdict::NeedBody(bytes_max) => return Reached::Body(at, bytes_max),
        }
    }
    Reached::Service
}
