//! The server's application: answers by plan, and checks what it is asked.

use std::rc::Rc;

use rws_core::connection::{Event, Fill, HeadAnswer, Source, StreamId};
use rws_core::message::BodyFraming;
use rws_core::{FieldBlock, PeerFault, ResponseHead, Scratch, Status};

use crate::body::{Hearer, Speaker};
use crate::dice::Dice;
use crate::end::{Credit, Play};
use crate::plan::{Exchange, Grants, When, lines};

/// What became of an exchange on the server's side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) requests: u32,
    pub(crate) body_complete: bool,
    pub(crate) answered: bool,
    pub(crate) cut: bool,
}

#[derive(Debug)]
struct Under {
    stream: StreamId,
    index: usize,
    speaker: Speaker,
    hearer: Hearer,
    asked: u32,
    interim: usize,
    head_given: bool,
}

#[derive(Debug)]
pub(crate) struct Answerer {
    exchanges: Rc<Vec<Exchange>>,
    dice: Dice,
    now: Option<Under>,
    pub(crate) served: Vec<Served>,
    /// The connection was refused for this.
    pub(crate) refused: Option<PeerFault>,
    wake: Option<StreamId>,
    credit: Credit,
}

impl Answerer {
    pub(crate) fn new(exchanges: Rc<Vec<Exchange>>, dice: Dice) -> Answerer {
        let served = vec![Served::default(); exchanges.len()];
        Answerer { exchanges, dice, now: None, served, refused: None, wake: None, credit: Credit::default() }
    }

    /// Another connection, the same exchanges.
    pub(crate) fn on_new_connection(&mut self) {
        self.over();
        self.refused = None;
    }

    fn over(&mut self) {
        if let Some(under) = self.now.take() {
            let cut = under.speaker.aborted || !under.head_given;
            self.served[under.index].cut |= cut;
            self.served[under.index].answered |= !cut;
        }
        self.wake = None;
        self.credit = Credit::default();
    }

    fn take_request(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        let Event::Request { stream, head, end } = event else { return };
        assert!(self.now.is_none(), "one exchange at a time");
        let view = head.view(rx, scratch);
        let digits = view.path().trim_start_matches('/');
        let index: usize = digits.parse().expect("the target names the exchange");
        let exchange = &self.exchanges[index];
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
        let mut under = Under {
            stream,
            index,
            speaker: Speaker::default(),
            hearer: Hearer::default(),
            asked: 0,
            interim: 0,
            head_given: false,
        };
        if end {
            under.hearer.end(&exchange.request);
            self.served[index].body_complete = true;
        } else {
            self.credit = Credit::new(stream, exchange.server_grants);
            if exchange.expect && exchange.server_grants != Grants::Never {
                self.credit.owe(1);
            }
        }
        self.now = Some(under);
    }
}

impl Play for Answerer {
    fn event(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        if let Event::Request { .. } = event {
            return self.take_request(event, rx, scratch);
        }
        let exchanges = Rc::clone(&self.exchanges);
        match event {
            Event::Body { stream, chunk } => {
                let under = self.now.as_mut().filter(|under| under.stream == stream).expect("its exchange");
                under.hearer.hear(&exchanges[under.index].request, chunk.bytes(rx));
                self.credit.owe(chunk.len);
            }
            Event::End { stream, trailers } => {
                let under = self.now.as_mut().filter(|under| under.stream == stream).expect("its exchange");
                let request = &exchanges[under.index].request;
                under.hearer.end(request);
                let seen = trailers.map(|spans| lines(spans.view(rx, &scratch))).unwrap_or_default();
                assert_eq!(seen, lines(request.trailers.block()));
                self.served[under.index].body_complete = true;
                self.wake = Some(stream);
            }
            Event::Reset { stream, .. } | Event::Refused { stream: Some(stream), .. } => {
                let under = self.now.take().filter(|under| under.stream == stream).expect("its exchange");
                self.served[under.index].cut = true;
                self.over();
            }
            Event::Refused { stream: None, .. } => assert!(self.now.is_none()),
            Event::Stalled { .. } | Event::Closed => {}
            Event::Request { .. } | Event::Interim { .. } | Event::Response { .. } => panic!("{event:?}"),
        }
        if let Event::Refused { fault, .. } = event {
            self.refused = Some(fault);
        }
    }

    fn exchange_is(&mut self, stream: Option<StreamId>) {
        if self.now.as_ref().is_some_and(|under| Some(under.stream) != stream) {
            self.over();
        }
    }

    fn direct_byte(&mut self) -> u8 {
        let under = self.now.as_mut().expect("a run belongs to an exchange");
        under.speaker.direct_byte(&self.exchanges[under.index].answer)
    }

    fn wake(&mut self) -> Option<StreamId> {
        self.wake.take()
    }

    fn credit(&mut self) -> &mut Credit {
        &mut self.credit
    }
}

impl Source for Answerer {
    fn head(&mut self, stream: StreamId) -> HeadAnswer<'_> {
        let under = self.now.as_mut().filter(|under| under.stream == stream).expect("its exchange");
        assert!(!under.head_given, "a final head is asked for once");
        let exchange = &self.exchanges[under.index];
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
            self.wake = (under.hearer.ended || self.dice.one_in(3)).then_some(stream);
            return HeadAnswer::NotYet;
        }
        under.head_given = true;
        let status = Status::new(exchange.status).expect("a status");
        HeadAnswer::Final(
            ResponseHead { status, fields: exchange.answer.fields.block() },
            exchange.answer.plan,
        )
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        let under = self.now.as_mut().filter(|under| under.stream == stream).expect("its exchange");
        let fill = under.speaker.fill(&self.exchanges[under.index].answer, &mut self.dice, out);
        if matches!(fill, Fill::Blocked | Fill::More(0)) {
            self.wake = Some(stream);
        }
        fill
    }

    fn direct(&mut self, stream: StreamId) -> u64 {
        let under = self.now.as_mut().filter(|under| under.stream == stream).expect("its exchange");
        under.speaker.direct(&self.exchanges[under.index].answer, &mut self.dice)
    }

    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        let under = self.now.as_ref().filter(|under| under.stream == stream).expect("its exchange");
        self.exchanges[under.index].answer.trailers.block()
    }
}
