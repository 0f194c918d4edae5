//! What both applications have in common: the exchanges under way, what is said and heard of them, and whom to wake.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use rws_core::FieldBlock;
use rws_core::connection::{Fill, StreamId};

use super::plans::{Plan, Plans};
use crate::body::{Hearer, Speaker};
use crate::dice::Dice;
use crate::plan::{Grants, Message};

/// An exchange under way, and what one side alone has to remember of it.
#[derive(Debug)]
pub(super) struct Under<X> {
    pub(super) stream: StreamId,
    pub(super) index: usize,
    pub(super) plan: Rc<Plan>,
    pub(super) speaker: Speaker,
    pub(super) hearer: Hearer,
    pub(super) asked: u32,
    pub(super) interim: usize,
    grants: Option<Grants>,
    owed: u32,
    /// It is to be given up.
    pub(super) doomed: bool,
    pub(super) own: X,
}

impl<X> Under<X> {
    pub(super) fn grants(&mut self, mode: Grants) {
        self.grants = Some(mode);
        self.owed = if mode == Grants::Ahead { 1 << 20 } else { 0 };
    }

    pub(super) fn owe(&mut self, bytes: u32) {
        if self.grants != Some(Grants::Ahead) {
            self.owed += bytes;
        }
    }

    fn due(&mut self, is_late: bool) -> u32 {
        match self.grants {
            Some(Grants::AtOnce | Grants::Ahead) => core::mem::take(&mut self.owed),
            Some(Grants::Late) if is_late => core::mem::take(&mut self.owed),
            Some(Grants::Late | Grants::Never) | None => 0,
        }
    }
}

#[derive(Debug)]
pub(super) struct Side<X> {
    pub(super) plans: Plans,
    pub(super) dice: Dice,
    live: BTreeMap<(u32, u32), Under<X>>,
    wake: VecDeque<StreamId>,
    is_client: bool,
}

const fn key(stream: StreamId) -> (u32, u32) {
    (stream.slot(), stream.generation())
}

impl<X> Side<X> {
    pub(super) fn new(plans: Plans, dice: Dice, is_client: bool) -> Side<X> {
        Side { plans, dice, live: BTreeMap::new(), wake: VecDeque::new(), is_client }
    }

    pub(super) fn begin(&mut self, stream: StreamId, index: usize, own: X) -> &mut Under<X> {
        let under = Under {
            stream,
            index,
            plan: self.plans.of(index),
            speaker: Speaker::default(),
            hearer: Hearer::default(),
            asked: 0,
            interim: 0,
            grants: None,
            owed: 0,
            doomed: false,
            own,
        };
        assert!(!self.live.contains_key(&key(stream)), "a stream begins once");
        self.live.entry(key(stream)).or_insert(under)
    }

    #[track_caller]
    pub(super) fn of(&mut self, stream: StreamId) -> &mut Under<X> {
        self.live.get_mut(&key(stream)).expect("an exchange that is under way")
    }

    #[track_caller]
    pub(super) fn end(&mut self, stream: StreamId) -> Under<X> {
        self.wake.retain(|other| *other != stream);
        self.live.remove(&key(stream)).expect("an exchange ends once")
    }

    pub(super) fn under_way(&self) -> Vec<StreamId> {
        self.live.values().map(|under| under.stream).collect()
    }

    pub(super) fn has(&self, stream: StreamId) -> bool {
        self.live.contains_key(&key(stream))
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    pub(super) fn wake_later(&mut self, stream: StreamId) {
        self.wake.push_back(stream);
    }

    pub(super) fn next_wake(&mut self) -> Option<StreamId> {
        self.wake.pop_front()
    }

    pub(super) fn credit(&mut self, is_late: bool) -> Vec<(StreamId, u32)> {
        let all = self.live.values_mut().map(|under| (under.stream, under.due(is_late)));
        all.filter(|(_, bytes)| *bytes > 0).collect()
    }

    /// Something happened in an exchange: it may be the last thing.
    pub(super) fn doom(&mut self, stream: StreamId) {
        let at = usize::from(!self.is_client);
        let Some(under) = self.live.get_mut(&key(stream)) else { return };
        under.doomed |= self.dice.one_in(under.plan.resets_in[at]);
    }

    pub(super) fn next_doomed(&self) -> Option<StreamId> {
        self.live.values().find(|under| under.doomed).map(|under| under.stream)
    }

    pub(super) fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        let is_client = self.is_client;
        let under = self.live.get_mut(&key(stream)).expect("content of an exchange that is under way");
        let fill = under.speaker.fill(said(&under.plan, is_client), &mut self.dice, out);
        if matches!(fill, Fill::Blocked | Fill::More(0)) {
            self.wake.push_back(stream);
        }
        fill
    }

    pub(super) fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        let is_client = self.is_client;
        said(&self.of(stream).plan, is_client).trailers.block()
    }
}

/// What a side says in an exchange.
fn said(plan: &Plan, is_client: bool) -> &Message {
    if is_client { &plan.exchange.request } else { &plan.exchange.answer }
}
