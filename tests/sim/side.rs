//! What both applications have in common: the exchange under way, what is said and heard of it, and whom to wake.

use std::rc::Rc;

use rws_core::FieldBlock;
use rws_core::connection::{Fill, StreamId};

use crate::body::{Hearer, Speaker};
use crate::dice::Dice;
use crate::end::Credit;
use crate::plan::{Exchange, Message};

/// The exchange under way, and what one side alone has to remember of it.
#[derive(Debug)]
pub(crate) struct Under<X> {
    pub(crate) stream: StreamId,
    pub(crate) index: usize,
    pub(crate) speaker: Speaker,
    pub(crate) hearer: Hearer,
    pub(crate) asked: u32,
    pub(crate) interim: usize,
    pub(crate) own: X,
}

impl<X> Under<X> {
    /// The exchange `stream`, which must be the one under way.
    #[track_caller]
    pub(crate) fn of(now: &mut Option<Under<X>>, stream: StreamId) -> &mut Under<X> {
        now.as_mut().filter(|under| under.stream == stream).expect("its exchange")
    }
}

#[derive(Debug)]
pub(crate) struct Side<X> {
    pub(crate) exchanges: Rc<Vec<Exchange>>,
    pub(crate) dice: Dice,
    pub(crate) now: Option<Under<X>>,
    pub(crate) wake: Option<StreamId>,
    pub(crate) credit: Credit,
    /// What this side says in an exchange.
    says: fn(&Exchange) -> &Message,
}

impl<X> Side<X> {
    pub(crate) fn new(exchanges: Rc<Vec<Exchange>>, dice: Dice, says: fn(&Exchange) -> &Message) -> Side<X> {
        Side { exchanges, dice, now: None, wake: None, credit: Credit::default(), says }
    }

    pub(crate) fn begin(&mut self, stream: StreamId, index: usize, own: X) -> &mut Under<X> {
        assert!(self.now.is_none(), "one exchange at a time");
        let (speaker, hearer) = (Speaker::default(), Hearer::default());
        self.now.insert(Under { stream, index, speaker, hearer, asked: 0, interim: 0, own })
    }

    /// Nothing is under way any more.
    pub(crate) fn end(&mut self) -> Option<Under<X>> {
        self.wake = None;
        self.credit = Credit::default();
        self.now.take()
    }

    /// Whether an exchange is under way here, and the connection has another or none.
    pub(crate) fn is_left(&self, stream: Option<StreamId>) -> bool {
        self.now.as_ref().is_some_and(|under| Some(under.stream) != stream)
    }

    pub(crate) fn direct_byte(&mut self) -> u8 {
        let under = self.now.as_mut().expect("a run belongs to an exchange");
        under.speaker.direct_byte((self.says)(&self.exchanges[under.index]))
    }

    pub(crate) fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        let under = Under::of(&mut self.now, stream);
        let fill = under.speaker.fill((self.says)(&self.exchanges[under.index]), &mut self.dice, out);
        if matches!(fill, Fill::Blocked | Fill::More(0)) {
            self.wake = Some(stream);
        }
        fill
    }

    pub(crate) fn direct(&mut self, stream: StreamId) -> u64 {
        let under = Under::of(&mut self.now, stream);
        under.speaker.direct((self.says)(&self.exchanges[under.index]), &mut self.dice)
    }

    pub(crate) fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        let index = Under::of(&mut self.now, stream).index;
        (self.says)(&self.exchanges[index]).trailers.block()
    }
}
