//! One exchange of a connection: the jobs of its service, and how a machine pulls its answer.

use core::marker::PhantomData;

use rws_core::connection::{Fill, HeadAnswer, ResetCause, Source, StreamId};
use rws_core::message::{FieldBlock, RequestHead};
use rws_core::service::{Context, Outcome, Service, Taken};
use rws_core::{Instant, Status};

use crate::drive::Enter;

/// What is remembered of an exchange beside the service's own state.
#[derive(Debug)]
pub(crate) struct Exchange<X> {
    pub(crate) stream: StreamId,
    pub(crate) state: X,
    /// Of the final head, once that is out.
    pub(crate) status: Option<Status>,
    pub(crate) body_bytes: u64,
}

impl<X> Exchange<X> {
    /// A request has come.
    pub(crate) fn begin<C, S>(
        service: &S,
        cx: &mut C,
        (stream, now): (StreamId, Instant),
        head: &mut RequestHead<'_>,
    ) -> Exchange<X>
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        cx.enter(stream, now);
        let mut state = service.begin(cx, head);
        service.advance(cx, &mut state);
        Exchange { stream, state, status: None, body_bytes: 0 }
    }

    /// A piece of its body has come.
    pub(crate) fn take_body<C, S>(
        &mut self,
        service: &S,
        cx: &mut C,
        now: Instant,
        chunk: &[u8],
        end: bool,
    ) -> Taken
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        cx.enter(self.stream, now);
        let taken = service.body(cx, &mut self.state, chunk, end);
        if self.status.is_none() {
            service.advance(cx, &mut self.state);
        }
        taken
    }

    /// The trailer section behind its body has come.
    pub(crate) fn take_trailers<C, S>(
        &mut self,
        service: &S,
        cx: &mut C,
        now: Instant,
        trailers: FieldBlock<'_>,
    ) where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        cx.enter(self.stream, now);
        service.request_trailers(cx, &mut self.state, trailers);
    }

    /// It may have been woken: for how much more of its body there is room.
    pub(crate) fn look_again<C, S>(&mut self, service: &S, cx: &mut C, now: Instant) -> u32
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if self.status.is_none() {
            cx.enter(self.stream, now);
            service.advance(cx, &mut self.state);
        }
        service.credit(&mut self.state)
    }

    /// Its answer is whole, or is one of the engine's.
    pub(crate) fn complete<C, S>(self, service: &S, cx: &mut C, now: Instant, own: bool)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let status = self.status.filter(|_| !own).unwrap_or(Status::INTERNAL_SERVER_ERROR);
        let outcome = Outcome::Complete { status, body_bytes: self.body_bytes };
        self.end(service, cx, now, outcome);
    }

    /// It was cut short.
    pub(crate) fn abort<C, S>(self, service: &S, cx: &mut C, now: Instant, cause: ResetCause)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        self.end(service, cx, now, Outcome::Aborted(cause));
    }

    fn end<C, S>(self, service: &S, cx: &mut C, now: Instant, outcome: Outcome)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        cx.enter(self.stream, now);
        service.end(cx, self.state, outcome);
    }

    pub(crate) fn head<'e, C, S>(&'e mut self, service: &S) -> HeadAnswer<'e>
    where
        C: Context + ?Sized,
        S: Service<C, State = X>,
    {
        let answer = service.head(&mut self.state);
        if let HeadAnswer::Final(head, _) = &answer {
            self.status = Some(head.status);
        }
        answer
    }

    pub(crate) fn fill<C, S>(&mut self, service: &S, out: &mut [u8]) -> Fill
    where
        C: Context + ?Sized,
        S: Service<C, State = X>,
    {
        let fill = service.fill(&mut self.state, out);
        if let Fill::More(n) | Fill::End(n) = fill {
            // No buffer is so long that 64 bits would overflow.
            self.body_bytes = self.body_bytes.wrapping_add(n as u64);
        }
        fill
    }
}

/// The source of what a connection transmits: its exchange, or nothing if it has none.
pub(crate) struct Pull<'p, C: ?Sized, S: Service<C>>
where
    C: Context,
{
    service: &'p S,
    exchange: &'p mut Option<Exchange<S::State>>,
    context: PhantomData<fn(&C)>,
}

impl<'p, C: Context + ?Sized, S: Service<C>> Pull<'p, C, S> {
    pub(crate) const fn new(service: &'p S, exchange: &'p mut Option<Exchange<S::State>>) -> Pull<'p, C, S> {
        Pull { service, exchange, context: PhantomData }
    }
}

impl<C: Context + ?Sized, S: Service<C>> Source for Pull<'_, C, S> {
    fn head(&mut self, _stream: StreamId) -> HeadAnswer<'_> {
        let Some(exchange) = self.exchange else { return HeadAnswer::NotYet };
        exchange.head(self.service)
    }

    fn fill(&mut self, _stream: StreamId, out: &mut [u8]) -> Fill {
        let Some(exchange) = self.exchange else { return Fill::Abort };
        exchange.fill(self.service, out)
    }

    fn streams(&self) -> bool {
        self.service.streams()
    }

    fn trailers(&mut self, _stream: StreamId) -> FieldBlock<'_> {
        match self.exchange {
            Some(exchange) => self.service.trailers(&mut exchange.state),
            None => FieldBlock::EMPTY,
        }
    }
}
