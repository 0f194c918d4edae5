//! An answer on its way out through the layers.

use super::kept::KeptFields;
use crate::connection::BodyPlan;
use crate::message::{FieldBlock, KnownName, Span};
use crate::middleware::Reply;
use crate::{Field, Status};

/// An answer: its head, and where its body comes from.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: Status,
    /// Where its fields are kept; `None` for a reply that no hook has to see.
    pub(super) kept: Option<KeptFields>,
    pub(super) plan: BodyPlan,
    pub(super) source: BodySource,
    pub(super) collected: Collected,
    /// The body goes through a filter, or a part of it has been collected.
    pub(super) touched: bool,
    close: bool,
}

/// Where the body of an answer comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum BodySource {
    /// The inner service.
    Inner,
    /// A layer's reply: what is left of its text.
    Text(&'static [u8]),
}

impl Answer {
    /// The inner service's answer.
    pub(super) const fn of_inner(status: Status, kept: KeptFields, plan: BodyPlan) -> Answer {
        let plan = if status.is_bodiless() { BodyPlan::None } else { plan };
        Answer {
            status,
            kept: Some(kept),
            plan,
            source: BodySource::Inner,
            collected: Collected::NOTHING,
            touched: false,
            close: false,
        }
    }

    /// The answer that a layer replies with.
    pub(super) const fn of_reply(reply: Reply) -> Answer {
        Answer {
            status: reply.status,
            kept: None,
            plan: if reply.text.is_empty() {
                BodyPlan::None
            } else {
                BodyPlan::Sized(reply.text.len() as u64)
            },
            source: BodySource::Text(reply.text.as_bytes()),
            collected: Collected::NOTHING,
            touched: false,
            close: reply.close,
        }
    }

    /// The fields of a reply before any hook has edited them.
    pub(super) const fn bare_fields(&self) -> FieldBlock<'static> {
        let has_type = !matches!(self.plan, BodyPlan::None);
        match (has_type, self.close) {
            (false, false) => FieldBlock::EMPTY,
            (true, false) => FieldBlock::new(REPLY_ARENA, &TYPED),
            (false, true) => FieldBlock::new(REPLY_ARENA, &CLOSING),
            (true, true) => FieldBlock::new(REPLY_ARENA, &TYPED_CLOSING),
        }
    }
}

const REPLY_ARENA: &[u8] = b"text/plain; charset=utf-8close";
const CONTENT_TYPE: Field = Field::known(KnownName::ContentType, Span { at: 0, len: 25 });
const CONNECTION: Field = Field::known(KnownName::Connection, Span { at: 25, len: 5 });
static TYPED: [Field; 1] = [CONTENT_TYPE];
static CLOSING: [Field; 1] = [CONNECTION];
static TYPED_CLOSING: [Field; 2] = [CONTENT_TYPE, CONNECTION];

/// How many collections of one answer can stand beside each other: a second is needed when a layer asks
/// for the body outside of a filter, inside of which another layer has asked too.
const COLLECTIONS_MAX: usize = 2;

/// The parts of an answer's body that have been collected, side by side in the room's body.
#[derive(Debug)]
pub(super) struct Collected {
    parts: [Part; COLLECTIONS_MAX],
    count: u8,
}

/// A part of a body as it looks between two layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// It has passed the filters of the layers from this place on, and of no layer before it.
    pub(super) level: u16,
    /// Nothing follows it.
    pub(super) is_all: bool,
    /// Where it starts in the room's body.
    start: u32,
    /// What of it is still to go out starts here …
    at: u32,
    /// … and ends here.
    end: u32,
}

impl Part {
    /// An empty part.
    pub(super) const fn new(level: u16, start: u32) -> Part {
        Part { level, is_all: false, start, at: start, end: start }
    }

    /// The same part, for a layer further out.
    pub(super) const fn at_level(self, level: u16) -> Part {
        Part { level, ..self }
    }

    /// An empty part behind this one.
    pub(super) const fn after(&self, level: u16) -> Part {
        Part::new(level, self.end)
    }

    pub(super) const fn len(&self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Where it ends in the room's body.
    pub(super) const fn end(&self) -> usize {
        self.end as usize
    }

    /// The whole part.
    pub(super) fn bytes<'m>(&self, body: &'m [u8]) -> &'m [u8] {
        body.get(self.start as usize..self.end as usize).unwrap_or(&[])
    }

    /// What of it is still to go out.
    pub(super) fn left<'m>(&self, body: &'m [u8]) -> &'m [u8] {
        body.get(self.at as usize..self.end as usize).unwrap_or(&[])
    }

    /// `n` more bytes stand behind it; `false` if that is beyond 4 GiB.
    pub(super) fn grow(&mut self, n: usize) -> bool {
        let end = u32::try_from(n).ok().and_then(|n| self.end.checked_add(n));
        self.end = end.unwrap_or(self.end);
        end.is_some()
    }

    /// `n` bytes went out.
    pub(super) fn take(&mut self, n: usize) {
        self.at = self.at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX)).min(self.end);
    }
}

impl Collected {
    const NOTHING: Collected = Collected { parts: [Part::new(0, 0); COLLECTIONS_MAX], count: 0 };

    /// Takes the last part out.
    pub(super) fn pop(&mut self) -> Option<Part> {
        self.count = self.count.checked_sub(1)?;
        self.parts.get(usize::from(self.count)).copied()
    }

    /// Puts a part behind the others; `false` if there are too many.
    pub(super) fn push(&mut self, part: Part) -> bool {
        let Some(slot) = self.parts.get_mut(usize::from(self.count)) else { return false };
        *slot = part;
        self.count = self.count.saturating_add(1);
        true
    }

    /// Whether no further part can stand beside the others.
    pub(super) const fn is_full(&self) -> bool {
        self.count as usize >= COLLECTIONS_MAX
    }

    /// The part that stands at this level.
    pub(super) fn at_level(&mut self, level: usize) -> Option<&mut Part> {
        self.parts.iter_mut().take(usize::from(self.count)).find(|part| usize::from(part.level) == level)
    }
}
