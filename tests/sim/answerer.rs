//! The server's application: answers by plan, and checks what it is asked.

use std::rc::Rc;

use rws_core::connection::{Event, Fill, HeadAnswer, Source, StreamId};
use rws_core::message::BodyFraming;
use rws_core::{FieldBlock, PeerFault, ResponseHead, Scratch, Status};

use crate::dice::Dice;
use crate::end::{Credit, Play};
use crate::plan::{Exchange, Grants, When, lines};
use crate::side::{Side, Under};

/// What became of an exchange on the server's side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) requests: u32,
    pub(crate) body_complete: bool,
    pub(crate) answered: bool,
    pub(crate) cut: bool,
}

/// What the server alone remembers of an exchange.
#[derive(Debug, Default)]
struct Own {
    head_given: bool,
}

#[derive(Debug)]
pub(crate) struct Answerer {
    side: Side<Own>,
    pub(crate) served: Vec<Served>,
    /// The connection was refused for this.
    pub(crate) refused: Option<PeerFault>,
}

impl Answerer {
    pub(crate) fn new(exchanges: Rc<Vec<Exchange>>, dice: Dice) -> Answerer {
        let served = vec![Served::default(); exchanges.len()];
        let side = Side::new(exchanges, dice, |exchange| &exchange.answer);
        Answerer { side, served, refused: None }
    }

    /// Another connection, the same exchanges.
    pub(crate) fn on_new_connection(&mut self) {
        self.over();
        self.refused = None;
    }

    fn over(&mut self) {
        if let Some(under) = self.side.end() {
            let cut = under.speaker.aborted || !under.own.head_given;
            self.served[under.index].cut |= cut;
            self.served[under.index].answered |= !cut;
        }
    }

    fn take_request(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        let Event::Request { stream, head, end } = event else { return };
        assert!(self.side.now.is_none(), "one exchange at a time");
        let view = head.view(rx, scratch);
        let digits = view.path().trim_start_matches('/');
        let index: usize = digits.parse().expect("the target names the exchange");
        let exchanges = Rc::clone(&self.side.exchanges);
        let exchange = &exchanges[index];
        assert_eq!(view.method_bytes(), exchange.method.as_bytes());
        assert_eq!(view.target(), exchange.target.as_bytes());
        assert_eq!(lines(view.fields()), lines(exchange.request.fields.block()));
        assert_eq!(head.expect_continue, exchange.expect);
        let has_body =
            exchange.request.len > 0 || exchange.request.plan == rws_core::connection::BodyPlan::Streamed;
        assert_eq!(end, !has_body, "{exchange:?}");
        assert_eq!(end, matches!(head.body, BodyFraming::None | BodyFraming::Sized(0)));
        self.served[index].requests += 1;
        assert_eq!(self.served[index].requests, 1, "a request is seen once");
        let under = self.side.begin(stream, index, Own::default());
        if end {
            under.hearer.end(&exchange.request);
            self.served[index].body_complete = true;
        } else {
            self.side.credit = Credit::new(stream, exchange.server_grants);
            if exchange.expect && exchange.server_grants != Grants::Never {
                self.side.credit.owe(1);
            }
        }
    }
}

impl Play for Answerer {
    fn event(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        if let Event::Request { .. } = event {
            return self.take_request(event, rx, scratch);
        }
        let exchanges = Rc::clone(&self.side.exchanges);
        match event {
            Event::Body { stream, chunk } => {
                let under = Under::of(&mut self.side.now, stream);
                under.hearer.hear(&exchanges[under.index].request, chunk.bytes(rx));
                self.side.credit.owe(chunk.len);
            }
            Event::End { stream, trailers } => {
                let under = Under::of(&mut self.side.now, stream);
                let request = &exchanges[under.index].request;
                under.hearer.end(request);
                let seen = trailers.map(|spans| lines(spans.view(rx, &scratch))).unwrap_or_default();
                assert_eq!(seen, lines(request.trailers.block()));
                self.served[under.index].body_complete = true;
                self.side.wake = Some(stream);
            }
            Event::Reset { stream, .. } | Event::Refused { stream: Some(stream), .. } => {
                let under =
                    self.side.now.take().filter(|under| under.stream == stream).expect("its exchange");
                self.served[under.index].cut = true;
                self.over();
            }
            Event::Refused { stream: None, .. } => assert!(self.side.now.is_none()),
            Event::Stalled { .. } | Event::Closed => {}
            Event::Request { .. } | Event::Interim { .. } | Event::Response { .. } => panic!("{event:?}"),
        }
        if let Event::Refused { fault, .. } = event {
            self.refused = Some(fault);
        }
    }

    fn exchange_is(&mut self, stream: Option<StreamId>) {
        if self.side.is_left(stream) {
            self.over();
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

impl Source for Answerer {
    fn head(&mut self, stream: StreamId) -> HeadAnswer<'_> {
        let under = Under::of(&mut self.side.now, stream);
        assert!(!under.own.head_given, "a final head is asked for once");
        let exchange = &self.side.exchanges[under.index];
        under.asked += 1;
        if let Some(fields) = exchange.interim.get(under.interim) {
            under.interim += 1;
            return HeadAnswer::Interim(ResponseHead { status: Status::EARLY_HINTS, fields: fields.block() });
        }
        let ready = match exchange.when {
            When::AtOnce => true,
            When::AfterBody => under.hearer.ended,
            When::Later(times) => under.hearer.ended && under.asked > times + under.interim as u32,
        };
        if !ready {
            // Woken by the body's end, or by and by.
            self.side.wake = (under.hearer.ended || self.side.dice.one_in(3)).then_some(stream);
            return HeadAnswer::NotYet;
        }
        under.own.head_given = true;
        let status = Status::new(exchange.status).expect("a status");
        HeadAnswer::Final(
            ResponseHead { status, fields: exchange.answer.fields.block() },
            exchange.answer.plan,
        )
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
