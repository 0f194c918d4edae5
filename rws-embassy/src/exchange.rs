//! One exchange of a connection, and how the machine pulls its answer from the service.

use core::marker::PhantomData;

use rws_core::Status;
use rws_core::connection::{Fill, HeadAnswer, Source, StreamId};
use rws_core::message::FieldBlock;
use rws_core::service::{Context, Service};

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
    pub(crate) const fn new(stream: StreamId, state: X) -> Exchange<X> {
        Exchange { stream, state, status: None, body_bytes: 0 }
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
        let answer = self.service.head(&mut exchange.state);
        if let HeadAnswer::Final(head, _) = &answer {
            exchange.status = Some(head.status);
        }
        answer
    }

    fn fill(&mut self, _stream: StreamId, out: &mut [u8]) -> Fill {
        let Some(exchange) = self.exchange else { return Fill::Abort };
        let fill = self.service.fill(&mut exchange.state, out);
        if let Fill::More(n) | Fill::End(n) = fill {
            // No buffer is so long that 64 bits would overflow.
            exchange.body_bytes = exchange.body_bytes.wrapping_add(n as u64);
        }
        fill
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
