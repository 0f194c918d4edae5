//! The client's application: asks by plan, and checks the answers.

use std::rc::Rc;

use rws_core::connection::{Event, Fill, RequestOut, ResetCause, Source, StreamId};
use rws_core::{FieldBlock, PeerFault, Scratch, Status};

use crate::dice::Dice;
use crate::end::{Credit, Play};
use crate::plan::{Exchange, lines};
use crate::side::{Side, Under};

/// How an exchange ended for the client. There is no other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// The planned answer, whole.
    Answer,
    /// The server's own answer, since it had waited too long.
    TimedOut,
    Reset(ResetCause),
    Refused(PeerFault),
    /// The request's source broke off.
    GaveUp,
}

/// What the client alone remembers of an exchange.
#[derive(Debug, Default)]
struct Own {
    continues: u32,
    status: Option<Status>,
}

#[derive(Debug)]
pub(crate) struct Asker {
    side: Side<Own>,
    /// The one to open next.
    pub(crate) next: usize,
    /// What the finished ones came to.
    pub(crate) got: Vec<Option<Got>>,
    calm: bool,
}

impl Asker {
    pub(crate) fn new(exchanges: Rc<Vec<Exchange>>, dice: Dice, calm: bool) -> Asker {
        let got = vec![None; exchanges.len()];
        let side = Side::new(exchanges, dice, |exchange| &exchange.request);
        Asker { side, next: 0, got, calm }
    }

    pub(crate) fn opened(&mut self, stream: StreamId) {
        self.side.begin(stream, self.next, Own::default());
        self.side.credit = Credit::new(stream, self.side.exchanges[self.next].client_grants);
        self.next += 1;
    }

    /// The exchange under way.
    pub(crate) fn index(&self) -> Option<usize> {
        self.side.now.as_ref().map(|under| under.index)
    }

    /// It is to be asked again, since nobody has seen it.
    pub(crate) fn again(&mut self, index: usize) {
        assert_eq!(self.next, index + 1);
        self.next = index;
        self.got[index] = None;
    }

    fn over(&mut self, got: Got) {
        let under = self.side.end().expect("an exchange is under way");
        assert!(self.got[under.index].is_none(), "an exchange ends once");
        self.got[under.index] = Some(got);
    }

    fn take_head(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        let (Event::Interim { stream, head } | Event::Response { stream, head, .. }) = event else { return };
        let calm = self.calm;
        let under = Under::of(&mut self.side.now, stream);
        let exchange = &self.side.exchanges[under.index];
        let view = head.view(rx, scratch);
        assert_eq!(under.own.status, None, "one final head, and nothing before it but interim ones");
        if let Event::Response { end, .. } = event {
            under.own.status = Some(view.status);
            if !calm && view.status == Status::REQUEST_TIMEOUT {
                if end {
                    self.over(Got::TimedOut);
                }
                return;
            }
            assert_eq!(view.status.code(), exchange.status);
            assert_eq!(lines(view.fields), lines(exchange.answer.fields.block()));
            assert_eq!(under.interim, exchange.interim.len(), "interim answers are not lost");
            if end {
                let none = exchange.answer.len == 0 && !exchange.is_answer_cut();
                assert!(none || !exchange.has_answer_body(), "an answer without its body");
                self.over(Got::Answer);
            }
        } else if view.status == Status::CONTINUE {
            under.own.continues += 1;
            assert!(exchange.expect && under.own.continues == 1, "one 100, to whom asked for it");
        } else {
            assert_eq!(lines(view.fields), lines(exchange.interim[under.interim].block()));
            under.interim += 1;
        }
    }

    /// The final answer is not the planned one, but the server's own.
    fn is_foreign(&self) -> bool {
        let Some(under) = &self.side.now else { return false };
        !self.calm && under.own.status == Some(Status::REQUEST_TIMEOUT)
    }

    fn finish(&mut self, event: Event, rx: &[u8], scratch: &Scratch<'_>) {
        let Event::End { stream, trailers } = event else { return };
        if self.is_foreign() {
            return self.over(Got::TimedOut);
        }
        let under = Under::of(&mut self.side.now, stream);
        let exchange = &self.side.exchanges[under.index];
        assert!(under.own.status.is_some(), "a head comes first");
        under.hearer.end(&exchange.answer);
        let seen = trailers.map(|spans| lines(spans.view(rx, scratch))).unwrap_or_default();
        assert_eq!(seen, lines(exchange.answer.trailers.block()));
        self.over(Got::Answer);
    }
}

impl Play for Asker {
    fn event(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        match event {
            Event::Interim { .. } | Event::Response { .. } => self.take_head(event, rx, scratch),
            Event::Body { stream, chunk } => {
                if !self.is_foreign() {
                    let under = Under::of(&mut self.side.now, stream);
                    under.hearer.hear(&self.side.exchanges[under.index].answer, chunk.bytes(rx));
                }
                self.side.credit.owe(chunk.len);
            }
            Event::End { .. } => self.finish(event, rx, &scratch),
            Event::Reset { stream, cause } => {
                assert_eq!(self.side.now.as_ref().map(|under| under.stream), Some(stream));
                self.over(Got::Reset(cause));
            }
            Event::Refused { stream: Some(_), fault, .. } => self.over(Got::Refused(fault)),
            Event::Refused { stream: None, .. } => {
                assert!(!self.calm && self.side.now.is_none(), "{event:?}")
            }
            Event::Stalled { .. } | Event::Closed => {}
            Event::Request { .. } => panic!("{event:?}"),
        }
    }

    fn exchange_is(&mut self, stream: Option<StreamId>) {
        if self.side.is_left(stream) {
            self.over(Got::GaveUp);
        }
    }

    fn direct_byte(&mut self) -> u8 {
        self.side.direct_byte()
    }

    fn wake(&mut self) -> Option<StreamId> {
        self.side.wake.take()
    }

    fn credit(&mut self) -> &mut Credit {
        &mut self.side.credit
    }
}

impl Source for Asker {
    fn request(&mut self, stream: StreamId) -> Option<RequestOut<'_>> {
        let under = Under::of(&mut self.side.now, stream);
        let exchange = &self.side.exchanges[under.index];
        under.asked += 1;
        if under.asked <= exchange.parks {
            self.side.wake = Some(stream);
            return None;
        }
        Some(RequestOut {
            method: exchange.method.as_bytes(),
            target: exchange.target.as_bytes(),
            authority: b"sim.example",
            fields: exchange.request.fields.block(),
            body: exchange.request.plan,
            expect_continue: exchange.expect,
            close: exchange.close,
        })
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        self.side.fill(stream, out)
    }

    fn direct(&mut self, stream: StreamId) -> u64 {
        self.side.direct(stream)
    }

    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        self.side.trailers(stream)
    }
}
