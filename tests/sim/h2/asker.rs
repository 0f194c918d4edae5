//! The client's application: asks many things at once by plan, and checks the answers.

use std::collections::VecDeque;
use std::rc::Rc;

use rws_core::connection::{Event, Fill, RequestOut, ResetCause, Source, StreamId};
use rws_core::message::Version;
use rws_core::{FieldBlock, PeerFault, Scratch, Status};

use super::end::Play;
use super::plans::Plans;
use super::side::Side;
use crate::dice::Dice;
use crate::plan::lines;

/// How an exchange ended for the client. There is no other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// The planned answer, whole.
    Answer,
    /// The server's own answer, since it had waited too long.
    TimedOut,
    Reset(ResetCause),
    Refused(PeerFault),
    /// The request's source broke off.
    Aborted,
    /// The client gave the stream up.
    GaveUp,
    /// The connection is gone.
    Lost,
}

/// What the client alone remembers of an exchange.
#[derive(Debug, Default)]
pub(super) struct Own {
    continues: u32,
    status: Option<Status>,
}

#[derive(Debug)]
pub(super) struct Asker {
    pub(super) side: Side<Own>,
    /// The number of the next exchange that nobody has begun.
    pub(super) next: usize,
    /// Those that are to be asked again.
    pub(super) again: VecDeque<usize>,
    /// What ended since the world looked.
    pub(super) ended: Vec<(usize, Got)>,
    calm: bool,
}

impl Asker {
    pub(super) fn new(plans: Plans, dice: Dice, calm: bool) -> Asker {
        let side = Side::new(plans, dice, true);
        Asker { side, next: 0, again: VecDeque::new(), ended: Vec::new(), calm }
    }

    pub(super) fn opened(&mut self, stream: StreamId) {
        let index = self.again.pop_front().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        let under = self.side.begin(stream, index, Own::default());
        let mode = under.plan.exchange.client_grants;
        under.grants(mode);
    }

    #[track_caller]
    fn over(&mut self, stream: StreamId, got: Got) {
        let under = self.side.end(stream);
        self.ended.push((under.index, got));
    }

    fn take_head(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        let (Event::Interim { stream, head } | Event::Response { stream, head, .. }) = event else { return };
        let calm = self.calm;
        let under = self.side.of(stream);
        let plan = Rc::clone(&under.plan);
        let exchange = &plan.exchange;
        let view = head.view(rx, scratch);
        assert_eq!((head.version, under.own.status), (Version::Http2, None), "one final head comes last");
        if let Event::Response { end, .. } = event {
            under.own.status = Some(view.status);
            if !calm && view.status == Status::REQUEST_TIMEOUT {
                if end {
                    self.over(stream, Got::TimedOut);
                }
                return;
            }
            assert_eq!(view.status.code(), exchange.status);
            assert_eq!(lines(view.fields), lines(exchange.answer.fields.block()));
            assert_eq!(under.interim, exchange.interim.len(), "interim answers are not lost");
            if end {
                let none = exchange.answer.len == 0 && !exchange.is_answer_cut();
                assert!(none || !exchange.has_answer_body(), "an answer without its body");
                self.over(stream, Got::Answer);
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
    fn is_foreign(&mut self, stream: StreamId) -> bool {
        !self.calm && self.side.of(stream).own.status == Some(Status::REQUEST_TIMEOUT)
    }

    fn finish(&mut self, event: Event, rx: &[u8], scratch: &Scratch<'_>) {
        let Event::End { stream, trailers } = event else { return };
        if self.is_foreign(stream) {
            return self.over(stream, Got::TimedOut);
        }
        let under = self.side.of(stream);
        let answer = &under.plan.exchange.answer;
        assert!(under.own.status.is_some(), "a head comes first");
        if under.plan.exchange.has_answer_body() {
            under.hearer.end(answer);
        }
        let seen = trailers.map(|spans| lines(spans.view(rx, scratch))).unwrap_or_default();
        assert_eq!(seen, lines(answer.trailers.block()));
        self.over(stream, Got::Answer);
    }
}

impl Play for Asker {
    fn event(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        match event {
            Event::Interim { stream, .. } | Event::Response { stream, .. } => {
                self.take_head(event, rx, scratch);
                self.side.doom(stream);
            }
            Event::Body { stream, chunk } => {
                let is_foreign = self.is_foreign(stream);
                let under = self.side.of(stream);
                if !is_foreign {
                    let plan = Rc::clone(&under.plan);
                    under.hearer.hear(&plan.exchange.answer, chunk.bytes(rx));
                }
                under.owe(chunk.len);
                self.side.doom(stream);
            }
            Event::End { .. } => self.finish(event, rx, &scratch),
            Event::Reset { stream, cause } => self.over(stream, Got::Reset(cause)),
            Event::Refused { stream: Some(stream), fault, .. } => self.over(stream, Got::Refused(fault)),
            Event::Refused { stream: None, .. } => assert!(!self.calm, "{event:?}"),
            Event::Stalled { .. } | Event::Closed => {}
            Event::Request { .. } => panic!("{event:?}"),
        }
    }

    fn lost(&mut self) {
        for stream in self.side.under_way() {
            self.over(stream, Got::Lost);
        }
    }

    fn gave_up(&mut self, stream: StreamId) {
        self.over(stream, Got::GaveUp);
    }

    fn under_way(&self) -> Vec<StreamId> {
        self.side.under_way()
    }

    fn doomed(&self) -> Option<StreamId> {
        self.side.next_doomed()
    }

    fn wake(&mut self) -> Option<StreamId> {
        self.side.next_wake()
    }

    fn credit(&mut self, is_late: bool) -> Vec<(StreamId, u32)> {
        self.side.credit(is_late)
    }
}

impl Source for Asker {
    fn request(&mut self, stream: StreamId) -> Option<RequestOut<'_>> {
        let under = self.side.of(stream);
        under.asked += 1;
        if under.asked <= under.plan.exchange.parks {
            self.side.wake_later(stream);
            return None;
        }
        let exchange = &self.side.of(stream).plan.exchange;
        Some(RequestOut {
            method: exchange.method.as_bytes(),
            target: exchange.target.as_bytes(),
            authority: b"sim.example",
            fields: exchange.request.fields.block(),
            body: exchange.request.plan,
            expect_continue: exchange.expect,
            close: false,
        })
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        self.side.fill(stream, out)
    }

    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        self.side.trailers(stream)
    }

    fn ended(&mut self, stream: StreamId, complete: bool) {
        if complete {
            let is_over = !self.side.has(stream) || !self.side.of(stream).speaker.aborted;
            assert!(is_over, "a request that breaks off is not complete");
        } else {
            assert!(self.side.of(stream).speaker.aborted);
            self.over(stream, Got::Aborted);
        }
    }
}
