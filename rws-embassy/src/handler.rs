//! Handlers that await: a sensor, a flash write, another task.
//!
//! ```text
//!             extract (at once, from the head)        read().await, write().await
//!   pump ──▶ Face: Service ──▶ Desk ◀──▶ Exchange ◀── AsyncHandler::handle
//!    ▲                          │                      a future that owns what was extracted
//!    └── woken when there is an answer, more of it, or room for more of the request's body
//! ```
//!
//! Both run in the task of one socket, side by side and never nested: [`Desk::serve`] polls the connections first, then
//! the handler. An application whose handlers do not await is a [`Service`] by itself and pays for none of this.

use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::task::{Poll, Waker};

use embassy_futures::select::select;
use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{BodyFraming, FieldBlock, RequestHead};
use rws_core::middleware::Reply;
use rws_core::service::{Outcome, Service, Taken, WakeContext};
use rws_core::{ResponseHead, Status, field_lines};

/// An application whose handlers await.
pub trait AsyncHandler<C: WakeContext> {
    /// What a handler needs to know of a request. Owns no borrow.
    type Request;

    /// Takes that out of the head, or answers at once.
    ///
    /// # Errors
    /// The answer to a request that is not for the handler.
    fn extract(&self, cx: &mut C, head: &mut RequestHead<'_>) -> Result<Self::Request, Reply>;

    /// Reads the body if it wants it, and answers. A handler that returns without an answer gives 500. It is dropped
    /// where it awaits when its exchange is cut off; after a whole answer it may go on, and the next request waits.
    fn handle(&self, request: Self::Request, exchange: &mut Exchange<'_>) -> impl Future<Output = ()>;
}

/// Where a connection and its handler meet: `IN` bytes of request body on their way to the handler (at least
/// `Limits::body_window_bytes`), and `OUT` bytes of answer on their way to the connection. One for each socket.
#[derive(Debug)]
pub struct Desk<R, const IN: usize = 512, const OUT: usize = 256> {
    request: RefCell<Option<R>>,
    pipes: RefCell<Pipes>,
    input: RefCell<[u8; IN]>,
    output: RefCell<[u8; OUT]>,
}

/// How far the exchange at a desk has come.
#[derive(Debug)]
struct Pipes {
    /// The exchange; a handler of an earlier one is told that it is gone.
    serial: u32,
    /// It has not ended.
    is_open: bool,
    input: Way,
    output: Way,
    /// Input that the handler has taken: the peer may send as much again.
    credit: u32,
    head: Option<(Status, FieldBlock<'static>, BodyPlan)>,
    /// The exchange that was cut off last, of those that a handler has begun.
    cut_off: Option<u32>,
    pump: Option<Waker>,
}

/// Bytes in a buffer, and whether they are the last.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    from: usize,
    to: usize,
    ended: bool,
}

/// The exchange is over: nobody reads what is written, and nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl<R, const IN: usize, const OUT: usize> Desk<R, IN, OUT> {
    /// A desk with nobody at it.
    pub const fn new() -> Desk<R, IN, OUT> {
        Desk {
            request: RefCell::new(None),
            pipes: RefCell::new(Pipes::new(0)),
            input: RefCell::new([0; IN]),
            output: RefCell::new([0; OUT]),
        }
    }

    /// Runs `connections` (a [`Slot::run`](crate::net::Slot::run), or one [`serve`](crate::serve::serve)) with the
    /// handlers of what it receives beside it, until it ends. Its service is [`Desk::face`].
    pub async fn serve<H, C>(&self, handler: &H, connections: impl Future)
    where
        C: WakeContext,
        H: AsyncHandler<C, Request = R>,
    {
        select(connections, self.handle(handler)).await;
    }

    /// The service that hands requests to the handler at this desk.
    pub const fn face<'d, H>(&'d self, handler: &'d H) -> Face<'d, H, R, IN, OUT> {
        Face { desk: self, handler }
    }

    async fn handle<H, C>(&self, handler: &H)
    where
        C: WakeContext,
        H: AsyncHandler<C, Request = R>,
    {
        loop {
            // The connection is polled before this in the same poll, so it needs no waker.
            let request = poll_fn(|_| match self.take_request() {
                Some(request) => Poll::Ready(request),
                None => Poll::Pending,
            });
            let request = request.await;
            let serial = Pipes::of(&self.pipes, |pipes| pipes.serial).unwrap_or(0);
            let mut exchange =
                Exchange { serial, pipes: &self.pipes, input: &self.input, output: &self.output };
            let gone = exchange.gone();
            select(handler.handle(request, &mut exchange), gone).await;
            exchange.leave();
        }
    }

    fn take_request(&self) -> Option<R> {
        self.request.try_borrow_mut().ok()?.take()
    }
}

impl<R, const IN: usize, const OUT: usize> Default for Desk<R, IN, OUT> {
    fn default() -> Self {
        Self::new()
    }
}

impl Pipes {
    const fn new(serial: u32) -> Pipes {
        const EMPTY: Way = Way { from: 0, to: 0, ended: false };
        Pipes {
            serial,
            is_open: false,
            input: EMPTY,
            output: EMPTY,
            credit: 0,
            head: None,
            cut_off: None,
            pump: None,
        }
    }

    /// Never `None`: nobody holds the pipes across a call or an `await`.
    fn of<T>(cell: &RefCell<Pipes>, look: impl FnOnce(&mut Pipes) -> T) -> Option<T> {
        cell.try_borrow_mut().ok().map(|mut pipes| look(&mut pipes))
    }

    fn wake(&self) {
        if let Some(pump) = &self.pump {
            pump.wake_by_ref();
        }
    }
}

impl Way {
    /// Puts as many of `bytes` as fit behind what is there.
    fn put(&mut self, buffer: &RefCell<[u8]>, bytes: &[u8]) -> usize {
        let Ok(mut buffer) = buffer.try_borrow_mut() else { return 0 };
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
        }
        let mut n = 0;
        for (to, from) in buffer.iter_mut().skip(self.to).zip(bytes) {
            *to = *from;
            n += 1;
        }
        self.to = self.to.saturating_add(n);
        n
    }

    /// Takes as much as there is and fits into `out`.
    fn take(&mut self, buffer: &RefCell<[u8]>, out: &mut [u8]) -> usize {
        let Ok(buffer) = buffer.try_borrow() else { return 0 };
        let there = buffer.get(self.from..self.to).unwrap_or(&[]);
        let mut n = 0;
        for (to, from) in out.iter_mut().zip(there) {
            *to = *from;
            n += 1;
        }
        self.from = self.from.saturating_add(n);
        n
    }

    const fn is_empty(self) -> bool {
        self.from == self.to
    }
}

/// A handler's side of one exchange.
#[derive(Debug)]
pub struct Exchange<'d> {
    serial: u32,
    pipes: &'d RefCell<Pipes>,
    input: &'d RefCell<[u8]>,
    output: &'d RefCell<[u8]>,
}

impl<'d> Exchange<'d> {
    /// Reads a piece of the request's body into `out`; 0 bytes are its end.
    ///
    /// # Errors
    /// [`Gone`] if the exchange was cut off.
    pub async fn read(&mut self, out: &mut [u8]) -> Result<usize, Gone> {
        poll_fn(|_| {
            let read = self.current(|pipes| {
                let n = pipes.input.take(self.input, out);
                pipes.credit = pipes.credit.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
                if n > 0 {
                    pipes.wake();
                }
                (n > 0 || out.is_empty() || pipes.input.ended).then_some(n)
            });
            match read {
                Ok(Some(n)) => Poll::Ready(Ok(n)),
                Ok(None) => Poll::Pending,
                Err(gone) => Poll::Ready(Err(gone)),
            }
        })
        .await
    }

    /// Answers in one piece.
    ///
    /// # Errors
    /// [`Gone`] if the exchange was cut off.
    pub async fn answer(
        &mut self,
        status: Status,
        fields: FieldBlock<'static>,
        body: &[u8],
    ) -> Result<(), Gone> {
        self.start(
            status,
            fields,
            if body.is_empty() { BodyPlan::None } else { BodyPlan::Sized(body.len() as u64) },
        )?;
        self.write(body).await?;
        self.finish()
    }

    /// Begins an answer; its body follows with [`Exchange::write`], its end with [`Exchange::finish`]. Only the first
    /// head counts.
    ///
    /// # Errors
    /// [`Gone`] if the exchange was cut off.
    pub fn start(&mut self, status: Status, fields: FieldBlock<'static>, body: BodyPlan) -> Result<(), Gone> {
        self.current(|pipes| {
            pipes.head.get_or_insert((status, fields, body));
            pipes.wake();
        })
    }

    /// Writes a piece of the answer's body. Returns once it is on its way to the connection.
    ///
    /// # Errors
    /// [`Gone`] if the exchange was cut off.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let mut rest = bytes;
        poll_fn(|_| {
            let wrote = self.current(|pipes| {
                let n = pipes.output.put(self.output, rest);
                if n > 0 {
                    pipes.wake();
                }
                n
            });
            match wrote {
                Ok(n) => rest = rest.get(n..).unwrap_or(&[]),
                Err(gone) => return Poll::Ready(Err(gone)),
            }
            if rest.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// [`Gone`] if the exchange was cut off.
    pub fn finish(&mut self) -> Result<(), Gone> {
        self.current(|pipes| {
            pipes.output.ended = true;
            pipes.wake();
        })
    }

    fn current<T>(&self, look: impl FnOnce(&mut Pipes) -> T) -> Result<T, Gone> {
        let mut pipes = self.pipes.try_borrow_mut().map_err(|_| Gone)?;
        if pipes.serial == self.serial && pipes.cut_off != Some(self.serial) {
            Ok(look(&mut pipes))
        } else {
            Err(Gone)
        }
    }

    /// Until the exchange is cut off.
    fn gone(&self) -> impl Future<Output = ()> + use<'d> {
        let (pipes, serial) = (self.pipes, self.serial);
        poll_fn(move |_| match Pipes::of(pipes, |pipes| pipes.cut_off == Some(serial)) {
            Some(true) => Poll::Ready(()),
            Some(false) | None => Poll::Pending,
        })
    }

    /// The handler has returned: what it did not say is said for it.
    fn leave(&mut self) {
        let text = field_lines!["Content-Type: text/plain"];
        let _ = self.current(|pipes| {
            pipes.head.get_or_insert((Status::INTERNAL_SERVER_ERROR, text, BodyPlan::None));
            pipes.output.ended = true;
            pipes.wake();
        });
    }
}

/// The [`Service`] that a connection sees of a [`Desk`].
#[derive(Debug)]
pub struct Face<'d, H, R, const IN: usize, const OUT: usize> {
    desk: &'d Desk<R, IN, OUT>,
    handler: &'d H,
}

/// A desk has one exchange. Over HTTP/2 a client may begin several; `Limits::streams_max` of 1 tells it not to.
const BUSY: &str = "one at a time\n";

/// What a connection remembers of an exchange at a desk.
#[derive(Debug)]
pub enum Ticket {
    /// It was answered at once; this much of the text is out.
    Replied(Reply, usize),
    /// It is with the handler.
    Asked,
}

impl<C, H, const IN: usize, const OUT: usize> Service<C> for Face<'_, H, H::Request, IN, OUT>
where
    C: WakeContext,
    H: AsyncHandler<C>,
{
    type State = Ticket;

    fn begin(&self, cx: &mut C, head: &mut RequestHead<'_>) -> Ticket {
        if Pipes::of(&self.desk.pipes, |pipes| pipes.is_open) == Some(true) {
            return Ticket::Replied(Reply::new(Status::SERVICE_UNAVAILABLE, BUSY), 0);
        }
        let request = match self.handler.extract(cx, head) {
            Ok(request) => request,
            Err(reply) => return Ticket::Replied(reply, 0),
        };
        Pipes::of(&self.desk.pipes, |pipes| {
            // A handler that was not polled since is still to hear that its exchange was cut off.
            *pipes = Pipes { cut_off: pipes.cut_off, ..Pipes::new(pipes.serial.wrapping_add(1)) };
            pipes.is_open = true;
            pipes.input.ended = head.body() == BodyFraming::None;
            pipes.pump = Some(cx.waker());
        });
        if let Ok(mut place) = self.desk.request.try_borrow_mut() {
            *place = Some(request);
        }
        Ticket::Asked
    }

    fn body(&self, _: &mut C, ticket: &mut Ticket, chunk: &[u8], end: bool) -> Taken {
        if matches!(ticket, Ticket::Replied(..)) {
            return Taken::Stop;
        }
        let taken = Pipes::of(&self.desk.pipes, |pipes| {
            pipes.input.ended |= end;
            pipes.input.put(&self.desk.input, chunk) == chunk.len()
        });
        // More than the window was granted for: the desk is smaller than `Limits::body_window_bytes`.
        if taken == Some(true) { Taken::Later } else { Taken::Abort }
    }

    fn credit(&self, ticket: &mut Ticket) -> u32 {
        match ticket {
            Ticket::Replied(..) => 0,
            Ticket::Asked => Pipes::of(&self.desk.pipes, |pipes| {
                // Only what has room again behind what waits.
                if pipes.input.is_empty() { core::mem::take(&mut pipes.credit) } else { 0 }
            })
            .unwrap_or(0),
        }
    }

    fn head<'s>(&self, ticket: &'s mut Ticket) -> HeadAnswer<'s> {
        let text = field_lines!["Content-Type: text/plain"];
        match ticket {
            Ticket::Replied(reply, _) => {
                let head = ResponseHead { status: reply.status, fields: text };
                HeadAnswer::Final(head, BodyPlan::Sized(reply.text.len() as u64))
            }
            Ticket::Asked => match Pipes::of(&self.desk.pipes, |pipes| pipes.head).flatten() {
                Some((status, fields, body)) => HeadAnswer::Final(ResponseHead { status, fields }, body),
                None => HeadAnswer::NotYet,
            },
        }
    }

    fn fill(&self, ticket: &mut Ticket, out: &mut [u8]) -> Fill {
        match ticket {
            Ticket::Replied(reply, sent) => {
                let mut n = 0;
                for (to, from) in out.iter_mut().zip(reply.text.bytes().skip(*sent)) {
                    *to = from;
                    n += 1;
                }
                *sent = sent.saturating_add(n);
                if *sent >= reply.text.len() { Fill::End(n) } else { Fill::More(n) }
            }
            Ticket::Asked => {
                let fill = Pipes::of(&self.desk.pipes, |pipes| {
                    let n = pipes.output.take(&self.desk.output, out);
                    match (n, pipes.output.ended && pipes.output.is_empty()) {
                        (n, true) => Fill::End(n),
                        (0, false) => Fill::Blocked,
                        (n, false) => Fill::More(n),
                    }
                });
                fill.unwrap_or(Fill::Blocked)
            }
        }
    }

    fn end(&self, _: &mut C, ticket: Ticket, outcome: Outcome) {
        if matches!(ticket, Ticket::Asked) {
            Pipes::of(&self.desk.pipes, |pipes| pipes.is_open = false);
        }
        // After a whole answer a handler may go on: it may want to restart the board.
        if let (Ticket::Asked, Outcome::Aborted(_)) = (ticket, outcome) {
            let is_waiting = self.desk.take_request().is_some();
            // Where no handler has begun none is to hear of it, and one before it may still have to of its own.
            if !is_waiting {
                Pipes::of(&self.desk.pipes, |pipes| pipes.cut_off = Some(pipes.serial));
            }
        }
    }
}
