//! The answer's way out: response hooks from the inside outwards, bodies collected for a layer, filters.

use super::answer::{Answer, BodySource, Part};
use super::kept::KeptFields;
use super::pull::{Pull, Stage, filters_before};
use super::request::BROKEN;
use super::{Deciding, Layered, LayeredState, Phase, Run};
use crate::KnownName;
use crate::connection::{BodyPlan, Fill, HeadAnswer};
use crate::middleware::layers::Mark;
use crate::middleware::{BodyView, Hooks, Layers, Reply, ResponseParts, ResponseVerdict, Room};
use crate::service::{Context, Service};

/// Interim responses that do not fit the room and are left out, before the service is taken for broken.
const INTERIM_LEFT_OUT_MAX: usize = 16;
/// A body is collected in steps of at most so many bytes, so that memory grows with what comes.
const COLLECT_STEP_BYTES: usize = 16 * 1024;

/// What a response hook is to see of the body.
enum Seen {
    Plan,
    Whole(Part),
    Unseen,
    Blocked,
    Broken,
}

impl<C, L, S, R> Run<'_, C, L, S, R>
where
    C: Context + ?Sized,
    L: Layers<C>,
    S: Service<C>,
    R: Room,
{
    /// Asks the service for its answer, and runs the response hooks on it.
    pub(super) fn take_answer(&mut self) {
        for _ in 0..INTERIM_LEFT_OUT_MAX {
            let LayeredState { inner: Some(inner), room, phase, .. } = &mut *self.state else { return };
            match self.service.head(inner) {
                HeadAnswer::NotYet => return,
                HeadAnswer::Interim(head) => {
                    if let Some(kept) = KeptFields::keep(head.fields, room) {
                        *phase = Phase::Interim(head.status, kept);
                        return;
                    }
                }
                HeadAnswer::Final(head, plan) => {
                    let at = self.layers.count();
                    match KeptFields::keep(head.fields, room) {
                        Some(kept) => {
                            let answer = Answer::of_inner(head.status, kept, plan);
                            *phase = Phase::Deciding(Deciding { answer, at, asked: None });
                        }
                        None => self.reply(at, BROKEN),
                    }
                    return self.decide();
                }
            }
        }
        self.reply(self.layers.count(), BROKEN);
    }

    /// Runs the response hooks that are left, until one has to wait for the body.
    pub(super) fn decide(&mut self) {
        let Phase::Deciding(mut deciding) = core::mem::replace(&mut self.state.phase, Phase::Aborted) else {
            return;
        };
        while let Some(at) = deciding.at.checked_sub(1) {
            let hooks = self.layers.hooks_of(at);
            if !hooks.has_any(super::ANSWER_HOOKS) {
                deciding.at = at;
                continue;
            }
            if !self.keep_fields(&mut deciding) {
                break;
            }
            if hooks.has(Hooks::RESPONSE) {
                let seen = match deciding.asked {
                    None => Seen::Plan,
                    Some(bytes_max) => self.collect(&mut deciding.answer, at, bytes_max),
                };
                if let Seen::Blocked = seen {
                    self.state.phase = Phase::Deciding(deciding);
                    return;
                }
                match self.run_hook(&mut deciding.answer, at, seen) {
                    ResponseVerdict::Continue => {}
                    ResponseVerdict::NeedBody(bytes_max) if deciding.asked.is_none() => {
                        deciding.asked = Some(bytes_max);
                        continue;
                    }
                    ResponseVerdict::NeedBody(_) => {
                        self.replace(&mut deciding, at, BROKEN);
                        continue;
                    }
                    ResponseVerdict::Reply(reply) => {
                        self.replace(&mut deciding, at, reply);
                        continue;
                    }
                }
            }
            deciding.asked = None;
            if hooks.has(Hooks::RESPONSE_BODY) && !self.use_filter(&mut deciding.answer, at) {
                self.replace(&mut deciding, at, BROKEN);
                continue;
            }
            deciding.at = at;
        }
        self.state.phase = Phase::Decided(deciding.answer);
    }

    /// Puts `reply` in the place of the answer; the hooks of the layers before `at` see it.
    fn replace(&mut self, deciding: &mut Deciding, at: usize, reply: Reply) {
        self.drop_inner();
        *deciding = Deciding { answer: Answer::of_reply(reply), at, asked: None };
    }

    /// Makes sure that the answer's fields are where hooks can edit them. `false`: there is no memory for
    /// that; the answer has become a plain 500 that goes out as it is.
    fn keep_fields(&mut self, deciding: &mut Deciding) -> bool {
        let room = &mut self.state.room;
        match deciding.answer.kept {
            Some(kept) => kept.reserve(room),
            None => deciding.answer.kept = KeptFields::keep(deciding.answer.bare_fields(), room),
        }
        let is_kept = deciding.answer.kept.is_some();
        if !is_kept {
            self.replace(deciding, 0, BROKEN);
        }
        is_kept
    }

    fn run_hook(&mut self, answer: &mut Answer, at: usize, seen: Seen) -> ResponseVerdict {
        let LayeredState { layers, room, .. } = &mut *self.state;
        let memory = room.memory();
        let view = match seen {
            Seen::Plan => match answer.plan {
                BodyPlan::None => BodyView::None,
                BodyPlan::Sized(len) => BodyView::Sized(len),
                BodyPlan::Streamed => BodyView::Streamed,
            },
            Seen::Whole(part) => BodyView::Whole(part.bytes(memory.body)),
            Seen::Unseen => BodyView::Unseen,
            Seen::Blocked | Seen::Broken => return ResponseVerdict::Reply(BROKEN),
        };
        let kept = answer.kept.unwrap_or_default();
        let mut fields = kept.edit(memory.text, memory.fields);
        let mut parts = ResponseParts { status: &mut answer.status, fields: &mut fields };
        let verdict = self.layers.response(at, self.cx, layers, &mut parts, view);
        answer.kept = KeptFields::of(fields.block());
        verdict
    }

    /// Puts the body filter of the layer at `at` to use, if it wants to. `false`: there is no memory for it.
    fn use_filter(&mut self, answer: &mut Answer, at: usize) -> bool {
        let LayeredState { layers, room, is_head_request, .. } = &mut *self.state;
        let has_body = !matches!(answer.plan, BodyPlan::None);
        if !(has_body || *is_head_request) || !self.layers.filters(at, layers) {
            return true;
        }
        let stage = Stage::of(self.layers);
        room.reserve_stage(stage.pieces());
        let memory = room.memory();
        if stage.share(memory.stage.len()) == 0 {
            return false;
        }
        let kept = answer.kept.unwrap_or_default();
        let mut fields = kept.edit(memory.text, memory.fields);
        // In an answer to HEAD it would tell the length before the filter.
        fields.remove(KnownName::ContentLength);
        answer.kept = KeptFields::of(fields.block());
        if has_body {
            answer.plan = BodyPlan::Streamed;
            answer.touched = true;
            match self.layers.mark(at, layers) {
                Some(mark) => *mark = Mark { active: true, ..Mark::IDLE },
                None => return false,
            }
        }
        true
    }

    /// Collects the body as it looks to the layer at `at`.
    fn collect(&mut self, answer: &mut Answer, at: usize, bytes_max: u64) -> Seen {
        let Ok(level) = u16::try_from(at.saturating_add(1)) else { return Seen::Unseen };
        let declared = match answer.plan {
            BodyPlan::None => return Seen::Whole(Part::new(level, 0)),
            BodyPlan::Sized(len) if len > bytes_max => return Seen::Unseen,
            BodyPlan::Sized(len) => Some(len),
            BodyPlan::Streamed => None,
        };
        if self.state.is_head_request {
            return Seen::Unseen;
        }
        let Some(mut part) = self.part_for(answer, level) else { return Seen::Unseen };
        answer.touched = true;
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let mut stop = None;
        while !part.is_all && part.len() <= bytes_max && stop.is_none() {
            if declared == Some(part.len() as u64) {
                part.is_all = true;
                break;
            }
            // One byte more than wanted tells a body that is too long.
            let step = bytes_max.saturating_add(1).saturating_sub(part.len()).min(COLLECT_STEP_BYTES);
            match self.pull_into_room(answer, &part, step) {
                None => stop = Some(Seen::Unseen),
                Some(Fill::Blocked | Fill::More(0)) => stop = Some(Seen::Blocked),
                Some(Fill::Abort) => stop = Some(Seen::Broken),
                Some(Fill::More(n) | Fill::End(n)) if !part.grow(n) => stop = Some(Seen::Broken),
                Some(Fill::More(_)) => {}
                Some(Fill::End(_)) => part.is_all = true,
            }
        }
        if declared.is_some_and(|len| part.is_all && len != part.len() as u64) {
            stop = Some(Seen::Broken);
        }
        answer.collected.push(part);
        match stop {
            Some(stop) => stop,
            None if part.is_all && part.len() <= bytes_max => Seen::Whole(part),
            None => Seen::Unseen,
        }
    }

    /// The part to collect at `level`: the last one goes on, if no filter stands between.
    fn part_for(&mut self, answer: &mut Answer, level: u16) -> Option<Part> {
        let Some(last) = answer.collected.pop() else { return Some(Part::new(level, 0)) };
        let (layers, states) = (self.layers, &mut self.state.layers);
        let is_filtered = (level..last.level)
            .any(|at| layers.mark(usize::from(at), states).is_some_and(|mark| mark.active));
        if !is_filtered {
            return Some(last.at_level(level));
        }
        answer.collected.push(last);
        if answer.collected.is_full() { None } else { Some(last.after(level)) }
    }

    /// Pulls up to `step` bytes behind `part`; `None` if there is no memory.
    fn pull_into_room(&mut self, answer: &mut Answer, part: &Part, step: usize) -> Option<Fill> {
        let stage = Stage::of(self.layers);
        let LayeredState { layers, inner, room, .. } = &mut *self.state;
        room.reserve_body(part.end().saturating_add(step));
        let memory = room.memory();
        let (body, fresh) = memory.body.split_at_mut_checked(part.end())?;
        let step = step.min(fresh.len());
        let out = fresh.get_mut(..step).filter(|out| !out.is_empty())?;
        let share = stage.share(memory.stage.len());
        let level = usize::from(part.level);
        let before = filters_before(self.layers, level).saturating_mul(share);
        let mut pull = Pull {
            layers: self.layers,
            states: layers,
            service: self.service,
            inner: inner.as_mut(),
            source: &mut answer.source,
            collected: &mut answer.collected,
            body,
            share,
        };
        Some(pull.from(level, memory.stage.get_mut(before..).unwrap_or_default(), out))
    }
}

impl<L, S, R: Room> Layered<L, S, R> {
    /// `fill`, of an answer that layers have seen.
    pub(super) fn fill_answer<C>(
        &self,
        state: &mut LayeredState<L::State, S::State, R>,
        out: &mut [u8],
    ) -> Fill
    where
        C: Context + ?Sized,
        L: Layers<C>,
        S: Service<C>,
    {
        let LayeredState { layers, inner, room, phase: Phase::Sending(answer), .. } = state else {
            return Fill::Abort;
        };
        if let (false, BodySource::Inner, Some(inner)) = (answer.touched, answer.source, &mut *inner) {
            return self.service.fill(inner, out);
        }
        let memory = room.memory();
        let mut pull = Pull {
            layers: &self.layers,
            states: layers,
            service: &self.service,
            inner: inner.as_mut(),
            source: &mut answer.source,
            collected: &mut answer.collected,
            body: memory.body,
            share: Stage::of(&self.layers).share(memory.stage.len()),
        };
        pull.from(0, memory.stage, out)
    }
}
