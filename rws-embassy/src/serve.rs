//! The asynchronous driver: one connection over any `embedded-io-async` stream.
//!
//! One flat future: beside the connection's state it holds at most one read or one write of the stream, and a timer.

use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{self, Poll};

use embassy_futures::select::{Either, Either3, select, select3};
use embassy_time::Timer;
use embedded_io_async::{Read, Write};
use rws_core::message::Scratch;
use rws_core::semantics::date;
use rws_core::service::{ConnectionInfo, Context, Service};
use rws_core::{Env, Field, Instant, Limits};

use crate::context::{BoardContext, Platform};
use crate::drive::{Also, Drive, Lent, Next};

/// A byte stream that can be ended on one side.
///
/// Dropping a pending `read` must lose no bytes (it does not with `embassy-net`): the driver lets go of it when the
/// exchange is woken, and reads again later.
pub trait Transport: Read + Write {
    /// Sends what was written, and then a FIN; reading goes on. Must not wait.
    fn half_close(&mut self);
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// In order: close the stream.
    Whole,
    /// The peer must see that something is missing: reset the stream (a TCP RST).
    CutOff,
}

/// What all connections of a server share.
#[derive(Debug)]
pub struct Server<'s, S, P> {
    /// What answers.
    pub service: &'s S,
    /// What the board knows.
    pub platform: P,
    /// Every limit in force; [`Limits::DEVICE`] fits buffers of [`BUFFER_BYTES`](crate::BUFFER_BYTES).
    pub limits: &'s Limits,
}

/// Memory for one head at a time, shared by the connections of one executor: none of them holds it while it waits.
///
/// It has room for what [`Limits::DEVICE`] allows: a path that has to be decoded, the fields of a head, and once more
/// all of a head with two fields that layers add to it.
#[derive(Debug)]
pub struct SharedScratch(RefCell<HeadMemory>);

#[derive(Debug)]
struct HeadMemory {
    bytes: [u8; SCRATCH_BYTES],
    fields: [Field; SCRATCH_FIELDS],
}

const ADDED_BYTES: usize = 128;
const ADDED_FIELDS: usize = 2;
const SCRATCH_BYTES: usize =
    Limits::DEVICE.target_bytes_max as usize + Limits::DEVICE.head_bytes_max as usize + ADDED_BYTES;
const SCRATCH_FIELDS: usize = 2 * Limits::DEVICE.fields_max as usize + ADDED_FIELDS;

impl SharedScratch {
    /// Memory that is all zero, so that in a `static` it takes no flash.
    pub const fn new() -> SharedScratch {
        SharedScratch(RefCell::new(HeadMemory {
            bytes: [0; SCRATCH_BYTES],
            fields: [Field::ZERO; SCRATCH_FIELDS],
        }))
    }

    fn with<R>(&self, run: impl FnOnce(Scratch<'_>) -> R) -> R {
        match self.0.try_borrow_mut().as_deref_mut() {
            Ok(memory) => run(Scratch { bytes: &mut memory.bytes, fields: &mut memory.fields }),
            // Only if a service drove a connection inside of a call; its head is then refused with 431.
            Err(_) => run(Scratch { bytes: &mut [], fields: &mut [] }),
        }
    }
}

impl Default for SharedScratch {
    fn default() -> SharedScratch {
        SharedScratch::new()
    }
}

/// Serves one connection until it ends.
///
/// `buf` holds all of its bytes: at least [`Drive::buffer_bytes_min`]. The future holds what it is given once, and the
/// connection's state.
pub fn serve<'a, T, S, P>(
    transport: &'a mut T,
    buf: &'a mut [u8],
    scratch: &'a SharedScratch,
    connection: ConnectionInfo,
    server: &'a Server<'a, S, P>,
) -> impl Future<Output = Ended> + use<'a, T, S, P>
where
    T: Transport,
    P: Platform + Clone,
    S: Service<BoardContext<P>>,
{
    serve_also(transport, (buf, scratch), connection, server, ())
}

/// As [`serve`], for a connection that may turn out to speak something else than HTTP/1: `&mut Http2`, whose
/// `buffer_bytes_min` bytes the buffer must have.
pub fn serve_also<'a, A, T, S, P>(
    transport: &'a mut T,
    (buf, scratch): (&'a mut [u8], &'a SharedScratch),
    connection: ConnectionInfo,
    server: &'a Server<'a, S, P>,
    also: A,
) -> impl Future<Output = Ended> + use<'a, A, T, S, P>
where
    A: Also<S::State>,
    T: Transport,
    P: Platform + Clone,
    S: Service<BoardContext<P>>,
{
    let limits = server.limits;
    let mut cx = BoardContext::new(server.platform.clone(), connection);
    let mut drive: Drive<S::State, A> = Drive::open(&bare_env(server), also);
    async move {
        loop {
            let next = poll_fn(|task| {
                cx.set_waker(task.waker());
                Poll::Ready(turn(&mut drive, (buf, scratch), &mut cx, server, false))
            })
            .await;
            let due = timer(drive.deadline());
            match next {
                Next::Send => match select(transport.write(drive.unsent(buf)), due).await {
                    Either::First(Ok(n)) if n > 0 => drive.written(&bare_env(server), n),
                    Either::First(_) => drive.lose(),
                    Either::Second(()) => {}
                },
                Next::Wait { read: true } => {
                    let read = transport.read(drive.space(buf, limits));
                    match select3(read, due, Again::default()).await {
                        Either3::First(Ok(n)) => drive.received(n),
                        Either3::First(Err(_)) => drive.lose(),
                        Either3::Second(()) | Either3::Third(()) => {}
                    }
                }
                Next::Wait { read: false } => {
                    select(due, Again::default()).await;
                }
                Next::HalfClose => transport.half_close(),
                Next::Closed { abrupt: true } => return Ended::CutOff,
                Next::Closed { abrupt: false } => return Ended::Whole,
            }
        }
    }
}

/// One turn of a connection; with `leaves`, of one that is to end as soon as its exchange has.
pub(crate) fn turn<A, S, P>(
    drive: &mut Drive<S::State, A>,
    (buf, scratch): (&mut [u8], &SharedScratch),
    cx: &mut BoardContext<P>,
    server: &Server<'_, S, P>,
    leaves: bool,
) -> Next
where
    A: Also<S::State>,
    P: Platform,
    S: Service<BoardContext<P>>,
{
    let mut text = [0; 29];
    let date = cx.unix_time().map(|time| {
        date::format(time, &mut text);
        &text
    });
    let env = Env { now: now(), limits: server.limits, date };
    if leaves {
        drive.shutdown(&env);
    }
    scratch.with(|scratch| {
        let mut lent = Lent { buf, scratch };
        drive.turn(&env, &mut lent, server.service, cx)
    })
}

/// What the verbs need that write no head.
pub(crate) fn bare_env<'s, S, P>(server: &Server<'s, S, P>) -> Env<'s> {
    Env { now: now(), limits: server.limits, date: None }
}

pub(crate) fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}

pub(crate) fn timer(at: Instant) -> Timer {
    Timer::at(match at {
        Instant::NEVER => embassy_time::Instant::MAX,
        at => embassy_time::Instant::from_micros(at.as_micros()),
    })
}

/// Ready when it is polled again: whoever woke the task, it was not what stands before this in a `select`.
#[derive(Default)]
struct Again(bool);

impl Future for Again {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<()> {
        if core::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;
    use core::future::ready;

    use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
    use rws_core::message::RequestHead;
    use rws_core::service::Taken;
    use rws_core::{ResponseHead, Status};

    use super::*;
    use crate::BUFFER_BYTES;

    struct Nothing;

    impl embedded_io_async::ErrorType for Nothing {
        type Error = Infallible;
    }
    impl Read for Nothing {
        fn read(&mut self, _: &mut [u8]) -> impl Future<Output = Result<usize, Infallible>> {
            ready(Ok(0))
        }
    }
    impl Write for Nothing {
        fn write(&mut self, buf: &[u8]) -> impl Future<Output = Result<usize, Infallible>> {
            ready(Ok(buf.len()))
        }
        fn flush(&mut self) -> impl Future<Output = Result<(), Infallible>> {
            ready(Ok(()))
        }
    }
    impl Transport for Nothing {
        fn half_close(&mut self) {}
    }

    impl<C: Context> Service<C> for Nothing {
        type State = ();
        fn begin(&self, _: &mut C, _: &mut RequestHead<'_>) {}
        fn body(&self, _: &mut C, _: &mut (), _: &[u8], _: bool) -> Taken {
            Taken::Stop
        }
        fn head<'s>(&self, _: &'s mut ()) -> HeadAnswer<'s> {
            HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::None)
        }
        fn fill(&self, _: &mut (), _: &mut [u8]) -> Fill {
            Fill::End(0)
        }
    }

    impl Platform for &Nothing {
        fn entropy(&self, out: &mut [u8]) {
            out.fill(0);
        }
    }

    #[test]
    fn the_future_holds_a_connection_and_one_wait() {
        let server = Server { service: &Nothing, platform: &Nothing, limits: &Limits::DEVICE };
        let (scratch, mut transport, mut buf) = (SharedScratch::new(), Nothing, [0; BUFFER_BYTES]);
        let connection = ConnectionInfo { peer: None, local: None, secure: false };
        let future = serve(&mut transport, &mut buf, &scratch, connection, &server);
        let one_wait = size_of::<Timer>() + size_of::<&mut [u8]>() + 4 * size_of::<usize>();
        let held = size_of::<Drive<()>>() + size_of::<BoardContext<&Nothing>>() + 6 * size_of::<usize>();
        assert!(size_of_val(&future) <= held + one_wait, "{} > {held} + {one_wait}", size_of_val(&future));
    }
}
