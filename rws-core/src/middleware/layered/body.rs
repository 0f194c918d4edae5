//! The request body's way in: through body hooks, into the room where a layer wants to see it whole, and
//! on to the service.

use core::ops::Range;

use super::pull::Stage;
use super::request::{BROKEN, Reached, TOO_LARGE, run_heads};
use super::{Collecting, LayeredState, Phase, Run};
use crate::message::BodyFraming;
use crate::middleware::{BodyVerdict, Hooks, Layers, Memory, Piece, Reply, RequestVerdict, Room};
use crate::scan::{copy_into, move_within};
use crate::service::{Context, Service, Taken};

/// Bytes on their way through body hooks.
#[derive(Clone, Copy, Debug)]
enum Input<'b> {
    /// A chunk that has come, perhaps the last.
    Chunk(&'b [u8], bool),
    /// The whole body, which stands at the start of the room's body.
    Kept,
}

/// What came of putting bytes into the room.
enum Gathered {
    /// There are so many now.
    Len(usize),
    TooLarge,
    Reply(usize, Reply),
    Abort,
}

impl<C, L, S, R> Run<'_, C, L, S, R>
where
    C: Context + ?Sized,
    L: Layers<C>,
    S: Service<C>,
    R: Room,
{
    /// A piece of a body that is being collected.
    pub(super) fn collect_piece(&mut self, chunk: &[u8], end: bool) -> Taken {
        let Phase::Collecting(mut collecting) = core::mem::replace(&mut self.state.phase, Phase::Aborted)
        else {
            return Taken::Abort;
        };
        let Collecting { at, bytes_max, len, .. } = collecting;
        match self.gather(0..at, bytes_max, len, Input::Chunk(chunk, end)) {
            Gathered::Len(len) => collecting.len = len,
            Gathered::TooLarge => {
                self.reply(at, TOO_LARGE);
                return Taken::Stop;
            }
            Gathered::Reply(at, reply) => {
                self.reply(at, reply);
                return Taken::Stop;
            }
            Gathered::Abort => return Taken::Abort,
        }
        if end {
            return self.resume(collecting);
        }
        self.state.phase = Phase::Collecting(collecting);
        Taken::All
    }

    /// The body is complete: shows it to the layer that asked, and goes on from there.
    fn resume(&mut self, mut collecting: Collecting) -> Taken {
        let mut from = 0;
        loop {
            let (at, len) = (collecting.at, collecting.len);
            let is_rewritten = self.any(from..at, Hooks::REWRITE_REQUEST_BODY);
            let LayeredState { layers, room, .. } = &mut *self.state;
            let Memory { text, fields, body, .. } = room.memory();
            let mut head = collecting.head.view(text, fields);
            if is_rewritten {
                head.set_body(BodyFraming::Sized(len as u64));
            }
            let body = body.get(..len).unwrap_or(&[]);
            let reached = match self.layers.request(at, self.cx, layers, &mut head, Some(body)) {
                RequestVerdict::Continue => {
                    run_heads(self.layers, self.cx, layers, &mut head, at.saturating_add(1))
                }
                RequestVerdict::Reply(reply) => Reached::Reply(at, reply),
                RequestVerdict::NeedBody(_) => Reached::Reply(at, BROKEN),
            };
            match reached {
                Reached::Service => {
                    self.state.inner = Some(self.service.begin(self.cx, &mut head));
                    self.state.reached = self.layers.count();
                    self.state.phase = Phase::Waiting;
                    return self.deliver(at, len, Input::Kept);
                }
                Reached::Reply(at, reply) => {
                    self.reply(at, reply);
                    return Taken::Stop;
                }
                Reached::Body(next, bytes_max) => {
                    collecting.head.remember(&head);
                    if let Err(taken) = self.collect_again(&mut collecting, next, bytes_max) {
                        return taken;
                    }
                    from = at;
                }
            }
        }
    }

    /// A layer further in asks for the body that has been collected already: it passes the body hooks of
    /// the layers between first.
    fn collect_again(
        &mut self,
        collecting: &mut Collecting,
        next: usize,
        bytes_max: u64,
    ) -> Result<(), Taken> {
        let (between, len) = (collecting.at..next, collecting.len);
        self.state.reached = next.saturating_add(1);
        (collecting.at, collecting.bytes_max) = (next, bytes_max);
        let gathered = if self.any(between.clone(), Hooks::REQUEST_BODY) {
            self.gather(between, bytes_max, len, Input::Kept)
        } else if len as u64 > bytes_max {
            Gathered::TooLarge
        } else {
            Gathered::Len(len)
        };
        match gathered {
            Gathered::Len(len) => {
                collecting.len = len;
                return Ok(());
            }
            Gathered::TooLarge => self.reply(next, TOO_LARGE),
            Gathered::Reply(at, reply) => self.reply(at, reply),
            Gathered::Abort => {
                self.state.phase = Phase::Aborted;
                return Err(Taken::Abort);
            }
        }
        Err(Taken::Stop)
    }

    /// Puts bytes into the room, behind the `kept` ones, after the body hooks of the layers in `range`. Of
    /// [`Input::Kept`] the result takes the place of what there was.
    fn gather(&mut self, range: Range<usize>, bytes_max: u64, kept: usize, input: Input<'_>) -> Gathered {
        let rewrites = self.any(range.clone(), Hooks::REWRITE_REQUEST_BODY);
        let (counted, incoming) = match input {
            Input::Chunk(chunk, _) => (kept, chunk.len()),
            Input::Kept => (0, kept),
        };
        let left = usize::try_from(bytes_max).unwrap_or(usize::MAX).saturating_sub(counted);
        // What a rewriting hook makes of a chunk can be of any length, and memory cannot grow meanwhile.
        self.state.room.reserve_body(kept.saturating_add(if rewrites { left } else { left.min(incoming) }));
        let stage = self.stage_for_rewriting(rewrites);
        let LayeredState { layers, room, .. } = &mut *self.state;
        let memory = room.memory();
        let Some((old, fresh)) = memory.body.split_at_mut_checked(kept) else { return Gathered::TooLarge };
        let fresh_len = fresh.len().min(left);
        let fresh = fresh.get_mut(..fresh_len).unwrap_or_default();
        let (bytes, end) = match input {
            Input::Chunk(chunk, end) => (chunk, end),
            Input::Kept => (&*old, true),
        };
        let (mut made, mut is_over) = (0_usize, false);
        let mut sink = |_: &mut C, piece: &[u8], _: bool| {
            let after = made.saturating_add(piece.len());
            let Some(place) = fresh.get_mut(made..after) else {
                is_over = true;
                return Taken::Stop;
            };
            copy_into(place, piece);
            made = after;
            Taken::All
        };
        let (share, spare) = stage.for_rewriters(memory.stage);
        let to = range.end;
        let mut pump = Pump { layers: self.layers, states: layers, cx: self.cx, to, share, sink: &mut sink };
        match pump.push(range.start, bytes, end, spare) {
            Pushed::Reply(at, reply) => Gathered::Reply(at, reply),
            Pushed::On(Taken::Abort) | Pushed::Abort => Gathered::Abort,
            Pushed::On(_) if is_over => Gathered::TooLarge,
            Pushed::On(_) => match input {
                Input::Chunk(..) => Gathered::Len(kept.saturating_add(made)),
                Input::Kept => {
                    move_within(memory.body, kept..kept.saturating_add(made), 0);
                    Gathered::Len(made)
                }
            },
        }
    }

    /// A piece of a body on its way to the service.
    pub(super) fn deliver_piece(&mut self, chunk: &[u8], end: bool) -> Taken {
        self.deliver(0, 0, Input::Chunk(chunk, end))
    }

    /// Hands bytes to the service, through the body hooks from the layer at `from` on.
    fn deliver(&mut self, from: usize, kept: usize, input: Input<'_>) -> Taken {
        let stage = self.stage_for_rewriting(self.layers.hooks().has(Hooks::REWRITE_REQUEST_BODY));
        let LayeredState { layers, inner: Some(inner), room, .. } = &mut *self.state else {
            return Taken::Stop;
        };
        let memory = room.memory();
        let (bytes, end) = match input {
            Input::Chunk(chunk, end) => (chunk, end),
            Input::Kept => (memory.body.get(..kept).unwrap_or(&[]), true),
        };
        let service = self.service;
        let mut sink = |cx: &mut C, piece: &[u8], end: bool| service.body(cx, inner, piece, end);
        let (share, spare) = stage.for_rewriters(memory.stage);
        let to = self.layers.count();
        let mut pump = Pump { layers: self.layers, states: layers, cx: self.cx, to, share, sink: &mut sink };
        match pump.push(from, bytes, end, spare) {
            Pushed::On(taken) => taken,
            Pushed::Reply(at, reply) if !self.state.head_out => {
                self.reply(at, reply);
                Taken::Stop
            }
            Pushed::Reply(..) | Pushed::Abort => {
                self.state.phase = Phase::Aborted;
                Taken::Abort
            }
        }
    }

    fn stage_for_rewriting(&mut self, rewrites: bool) -> Stage {
        let stage = Stage::of(self.layers);
        if rewrites {
            self.state.room.reserve_stage(stage.pieces());
        }
        stage
    }
}

/// Pushes bytes through body hooks into a sink.
struct Pump<'p, C: Context + ?Sized, L: Layers<C>> {
    layers: &'p L,
    states: &'p mut L::State,
    cx: &'p mut C,
    /// The hooks of the layers before this place run.
    to: usize,
    /// What each layer that rewrites gets of the stage: bytes.
    share: usize,
    sink: Sink<'p, C>,
}

type Sink<'p, C> = &'p mut dyn FnMut(&mut C, &[u8], bool) -> Taken;

/// What came of a push.
enum Pushed {
    On(Taken),
    Reply(usize, Reply),
    Abort,
}

impl<C: Context + ?Sized, L: Layers<C>> Pump<'_, C, L> {
    fn push(&mut self, from: usize, bytes: &[u8], end: bool, stage: &mut [u8]) -> Pushed {
        let Some(at) = (from..self.to).find(|&at| self.layers.hooks_of(at).has(Hooks::REQUEST_BODY)) else {
            return Pushed::On((self.sink)(self.cx, bytes, end));
        };
        let share = if self.layers.hooks_of(at).has(Hooks::REWRITE_REQUEST_BODY) { self.share } else { 0 };
        let (out, stage) = stage.split_at_mut(share.min(stage.len()));
        let (mut left, mut result) = (bytes, Taken::All);
        loop {
            let piece = Piece { bytes: left, end, flush: false };
            let (taken, made) = match self.layers.request_body(at, self.cx, self.states, piece, out) {
                BodyVerdict::Pass => {
                    let pushed = self.push(at.saturating_add(1), left, end, stage);
                    return and_then(result, pushed);
                }
                BodyVerdict::Wrote { taken, made } => (taken.min(left.len()), made.min(out.len())),
                BodyVerdict::Reply(reply) => return Pushed::Reply(at, reply),
                BodyVerdict::Abort => return Pushed::Abort,
            };
            left = left.get(taken..).unwrap_or(&[]);
            if taken == 0 && made == 0 && !left.is_empty() {
                return Pushed::Reply(at, BROKEN);
            }
            let is_done = left.is_empty() && (made == 0 || made < out.len());
            if made > 0 || (is_done && end) {
                let made = out.get(..made).unwrap_or(&[]);
                match and_then(result, self.push(at.saturating_add(1), made, end && is_done, stage)) {
                    Pushed::On(taken @ (Taken::All | Taken::Later)) => result = taken,
                    stop @ (Pushed::On(Taken::Stop | Taken::Abort) | Pushed::Reply(..) | Pushed::Abort) => {
                        return stop;
                    }
                }
            }
            if is_done {
                return Pushed::On(result);
            }
        }
    }
}

/// Credit goes back at once only if every piece was taken.
fn and_then(before: Taken, pushed: Pushed) -> Pushed {
    match (before, pushed) {
        (Taken::Later, Pushed::On(Taken::All)) => Pushed::On(Taken::Later),
        (_, pushed) => pushed,
    }
}
