//! The server's application: answers many requests at once by plan, and checks what it is asked.

use std::collections::BTreeMap;
use std::rc::Rc;

use rws_core::connection::{BodyPlan, Event, Fill, HeadAnswer, Source, StreamId};
use rws_core::h2::Priority;
use rws_core::message::Version;
use rws_core::{FieldBlock, KnownName, ResponseHead, Scratch, Status};

use super::end::Play;
use super::plans::Plans;
use super::side::Side;
use crate::dice::Dice;
use crate::plan::{Grants, When, lines};

/// What became of an exchange on the server's side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) requests: u32,
    pub(super) answered: bool,
    /// It gave the stream up.
    pub(super) reset: bool,
    /// The last event was not one of its own doing.
    pub(super) cut: bool,
}

/// What the server alone remembers of an exchange.
#[derive(Debug, Default)]
pub(super) struct Own {
    head_given: bool,
}

#[derive(Debug)]
pub(super) struct Answerer {
    pub(super) side: Side<Own>,
    pub(super) served: BTreeMap<usize, Served>,
}

impl Answerer {
    pub(super) fn new(plans: Plans, dice: Dice) -> Answerer {
        Answerer { side: Side::new(plans, dice, false), served: BTreeMap::new() }
    }

    fn take_request(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        let Event::Request { stream, head, end } = event else { return };
        let view = head.view(rx, scratch);
        let index: usize =
            view.path().trim_start_matches('/').parse().expect("the target names the exchange");
        let plan = self.side.plans.of(index);
        let exchange = &plan.exchange;
        assert_eq!((view.version(), view.authority()), (Version::Http2, &b"sim.example"[..]));
        assert_eq!(view.fields().single(KnownName::Host), Some(&b"sim.example"[..]));
        assert_eq!(view.method_bytes(), exchange.method.as_bytes());
        assert_eq!(view.target(), exchange.target.as_bytes());
        assert_eq!(lines(view.fields()), lines(exchange.request.fields.block()));
        assert!(Priority::of(view.fields()).urgency <= 7);
        assert_eq!(head.expect_continue, exchange.expect);
        let has_body = exchange.request.len > 0 || exchange.request.plan == BodyPlan::Streamed;
        assert_eq!((end, head.body.follows()), (!has_body, has_body), "{exchange:?}");
        let served = self.served.entry(index).or_default();
        served.requests += 1;
        assert_eq!(served.requests, 1, "a request is seen once");
        let under = self.side.begin(stream, index, Own::default());
        if end {
            under.hearer.end(&exchange.request);
        } else {
            under.grants(exchange.server_grants);
            if exchange.expect && exchange.server_grants != Grants::Never {
                under.owe(1);
            }
        }
    }

    fn over(&mut self, stream: StreamId, note: impl FnOnce(&mut Served)) {
        let under = self.side.end(stream);
        note(self.served.get_mut(&under.index).expect("it was asked"));
    }
}

impl Play for Answerer {
    fn event(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        match event {
            Event::Request { stream, .. } => {
                self.take_request(event, rx, scratch);
                self.side.doom(stream);
            }
            Event::Body { stream, chunk } => {
                let under = self.side.of(stream);
                let plan = Rc::clone(&under.plan);
                under.hearer.hear(&plan.exchange.request, chunk.bytes(rx));
                under.owe(chunk.len);
                self.side.doom(stream);
            }
            Event::End { stream, trailers } => {
                let under = self.side.of(stream);
                let request = &under.plan.exchange.request;
                under.hearer.end(request);
                let seen = trailers.map(|spans| lines(spans.view(rx, &scratch))).unwrap_or_default();
                assert_eq!(seen, lines(request.trailers.block()));
                self.side.wake_later(stream);
                self.side.doom(stream);
            }
            Event::Reset { stream, .. } | Event::Refused { stream: Some(stream), .. } => {
                self.over(stream, |served| served.cut = true);
            }
            Event::Refused { stream: None, .. } | Event::Stalled { .. } | Event::Closed => {}
            Event::Interim { .. } | Event::Response { .. } => panic!("{event:?}"),
        }
    }

    fn lost(&mut self) {
        for stream in self.side.under_way() {
            self.over(stream, |served| served.cut = true);
        }
    }

    fn gave_up(&mut self, stream: StreamId) {
        self.over(stream, |served| served.reset = true);
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

impl Source for Answerer {
    fn head(&mut self, stream: StreamId) -> HeadAnswer<'_> {
        let often = self.side.dice.one_in(3);
        let under = self.side.of(stream);
        assert!(!under.own.head_given, "a final head is asked for once");
        under.asked += 1;
        let (asked, ended, given) = (under.asked, under.hearer.ended, under.interim);
        let plan = Rc::clone(&under.plan);
        if given < plan.exchange.interim.len() {
            under.interim += 1;
            let fields = self.side.of(stream).plan.exchange.interim[given].block();
            return HeadAnswer::Interim(ResponseHead { status: Status::EARLY_HINTS, fields });
        }
        let ready = match plan.exchange.when {
            When::AtOnce => true,
            When::AfterBody => ended,
            When::Later(times) => ended && asked > times + given as u32,
        };
        if !ready {
            // Woken by the body's end, or by and by.
            if ended || often {
                self.side.wake_later(stream);
            }
            return HeadAnswer::NotYet;
        }
        let under = self.side.of(stream);
        under.own.head_given = true;
        let exchange = &under.plan.exchange;
        let status = Status::new(exchange.status).expect("a status");
        HeadAnswer::Final(
            ResponseHead { status, fields: exchange.answer.fields.block() },
            exchange.answer.plan,
        )
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        self.side.fill(stream, out)
    }

    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        self.side.trailers(stream)
    }

    fn ended(&mut self, stream: StreamId, complete: bool) {
        let under = self.side.of(stream);
        assert_eq!(complete, !under.speaker.aborted && under.own.head_given, "{under:?}");
        self.over(stream, |served| (served.answered, served.cut) = (complete, !complete));
    }
}
