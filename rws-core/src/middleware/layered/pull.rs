//! Pulls an answer's body through its filters: from the service outwards, piece by piece.
//!
//! ```text
//!   service.fill ─▶ [stage n] ─▶ filter n ─▶ [stage m] ─▶ filter m ─▶ out
//!                                    ▲ a collected part stands between two levels and goes first
//! ```

use super::answer::{BodySource, Collected};
use crate::connection::Fill;
use crate::middleware::layers::Mark;
use crate::middleware::{Hooks, Layers, Piece};
use crate::scan::copy_into;
use crate::service::{Context, Service};

/// Everything that a body is pulled from.
pub(super) struct Pull<'p, C: Context + ?Sized, L: Layers<C>, S: Service<C>> {
    pub(super) layers: &'p L,
    pub(super) states: &'p mut L::State,
    pub(super) service: &'p S,
    pub(super) inner: Option<&'p mut S::State>,
    pub(super) source: &'p mut BodySource,
    pub(super) collected: &'p mut Collected,
    /// The room's body, as far as collected parts stand in it.
    pub(super) body: &'p [u8],
    /// How much of the stage each filter in use has.
    pub(super) share: usize,
}

impl<C: Context + ?Sized, L: Layers<C>, S: Service<C>> Pull<'_, C, L, S> {
    /// Body bytes as they look outside of the layer at `level`, into `out`. `stage` starts at the part of
    /// the first filter that is not before `level`.
    pub(super) fn from(&mut self, level: usize, stage: &mut [u8], out: &mut [u8]) -> Fill {
        if let Some(fill) = self.take_collected(level, out) {
            return fill;
        }
        if level >= self.layers.count() {
            return self.take_source(out);
        }
        if !self.layers.hooks_of(level).has(Hooks::RESPONSE_BODY) {
            return self.from(level.saturating_add(1), stage, out);
        }
        let (mine, rest) = stage.split_at_mut(self.share.min(stage.len()));
        if self.mark(level).is_none_or(|mark| !mark.active) {
            return self.from(level.saturating_add(1), rest, out);
        }
        self.take_filtered(level, mine, rest, out)
    }

    fn mark(&mut self, level: usize) -> Option<&mut Mark> {
        self.layers.mark(level, self.states)
    }

    fn take_collected(&mut self, level: usize, out: &mut [u8]) -> Option<Fill> {
        let part = self.collected.at_level(level)?;
        let n = copy(part.left(self.body), out);
        part.take(n);
        let is_empty = part.left(self.body).is_empty();
        match (n, is_empty && part.is_all) {
            (n, true) => Some(Fill::End(n)),
            (0, false) => None,
            (n, false) => Some(Fill::More(n)),
        }
    }

    fn take_source(&mut self, out: &mut [u8]) -> Fill {
        match (&mut *self.source, &mut self.inner) {
            (BodySource::Inner, Some(inner)) => match self.service.fill(inner, out) {
                Fill::More(n) => Fill::More(n.min(out.len())),
                Fill::End(n) => Fill::End(n.min(out.len())),
                stop @ (Fill::Blocked | Fill::Abort) => stop,
            },
            (BodySource::Inner, None) => Fill::Abort,
            (BodySource::Text(text), _) => {
                let n = copy(text, out);
                *text = text.get(n..).unwrap_or(&[]);
                if text.is_empty() { Fill::End(n) } else { Fill::More(n) }
            }
        }
    }

    fn take_filtered(&mut self, level: usize, mine: &mut [u8], rest: &mut [u8], out: &mut [u8]) -> Fill {
        loop {
            let Some(mut mark) = self.mark(level).copied() else { return Fill::Abort };
            let mut flush = false;
            if mark.from >= mark.to && !mark.ended {
                (mark.from, mark.to) = (0, 0);
                match self.from(level.saturating_add(1), rest, mine) {
                    Fill::Blocked | Fill::More(0) => flush = true,
                    Fill::More(n) => mark.to = to_mark(n),
                    Fill::End(n) => (mark.to, mark.ended) = (to_mark(n), true),
                    Fill::Abort => return Fill::Abort,
                }
            }
            let bytes = mine.get(usize::from(mark.from)..usize::from(mark.to)).unwrap_or(&[]);
            let piece = Piece { bytes, end: mark.ended, flush };
            let did = self.layers.response_body(level, self.states, piece, out);
            let (taken, made) = (did.taken.min(bytes.len()), did.made.min(out.len()));
            let is_stuck = taken == 0 && made == 0 && !bytes.is_empty();
            mark.from = mark.from.saturating_add(to_mark(taken));
            let has_input = mark.from < mark.to;
            let is_done = mark.ended && !has_input && made < out.len();
            if let Some(place) = self.mark(level) {
                *place = mark;
            }
            if is_done {
                return Fill::End(made);
            }
            if made > 0 {
                return Fill::More(made);
            }
            if flush {
                return Fill::Blocked;
            }
            if is_stuck {
                return Fill::Abort;
            }
        }
    }
}

fn copy(from: &[u8], out: &mut [u8]) -> usize {
    let n = from.len().min(out.len());
    if let (Some(to), Some(from)) = (out.get_mut(..n), from.get(..n)) {
        copy_into(to, from);
    }
    n
}

/// An offset into a filter's part of the stage, which [`Stage::of`] keeps below 64 KiB.
fn to_mark(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// How the stage is divided: one share for every layer that may filter an answer, outermost first, then
/// one for every layer that may rewrite a request body. The same during the whole exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    /// Layers that may filter an answer.
    pub(super) filters: usize,
    /// Layers that may rewrite a request body.
    pub(super) rewriters: usize,
}

impl Stage {
    pub(super) fn of<C: Context + ?Sized, L: Layers<C>>(layers: &L) -> Stage {
        let with = |hooks: Hooks| (0..layers.count()).filter(|&at| layers.hooks_of(at).has(hooks)).count();
        Stage { filters: with(Hooks::RESPONSE_BODY), rewriters: with(Hooks::REWRITE_REQUEST_BODY) }
    }

    pub(super) const fn pieces(self) -> usize {
        self.filters.saturating_add(self.rewriters)
    }

    /// What of the stage belongs to the layers that rewrite a request body, and how much each of them gets.
    pub(super) fn for_rewriters(self, stage: &mut [u8]) -> (usize, &mut [u8]) {
        let share = self.share(stage.len());
        (share, stage.get_mut(self.filters.saturating_mul(share)..).unwrap_or_default())
    }

    /// Bytes of each share.
    pub(super) fn share(self, stage_len: usize) -> usize {
        stage_len.checked_div(self.pieces()).unwrap_or(0).min(usize::from(u16::MAX))
    }
}

/// How many layers before `level` may filter an answer.
pub(super) fn filters_before<C: Context + ?Sized, L: Layers<C>>(layers: &L, level: usize) -> usize {
    (0..level).filter(|&at| layers.hooks_of(at).has(Hooks::RESPONSE_BODY)).count()
}
