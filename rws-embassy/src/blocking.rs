//! The driver for streams that block: one connection at a time, no executor.

use embedded_io::{Read, Write};
use rws_core::message::Scratch;
use rws_core::semantics::date;
use rws_core::service::{ConnectionInfo, Context, Service};
use rws_core::{Env, Instant, Limits};

use crate::context::{BoardContext, Platform};
use crate::drive::{Drive, Lent, Next};
use crate::serve::Ended;

/// A blocking byte stream.
///
/// A `read` or `write` that waits longer than a moment should return an error of kind
/// [`TimedOut`](embedded_io::ErrorKind::TimedOut): the driver then looks at its deadlines and calls it again. A stream
/// that never does has no deadlines but its own.
pub trait Transport: Read + Write {
    /// Sends what was written, and then a FIN; reading goes on.
    fn half_close(&mut self);
}

/// The memory of one connection.
#[derive(Debug)]
pub struct Memory<'m> {
    /// Its bytes: at least [`Drive::buffer_bytes_min`].
    pub buf: &'m mut [u8],
    /// For the head that is being looked at.
    pub scratch: Scratch<'m>,
}

/// Serves one connection until it ends. A service that waits to be woken is asked again whenever the stream times out.
pub fn serve<T, S, P>(
    transport: &mut T,
    memory: &mut Memory<'_>,
    service: &S,
    (connection, platform): (ConnectionInfo, P),
    limits: &Limits,
    mut now: impl FnMut() -> Instant,
) -> Ended
where
    T: Transport,
    P: Platform,
    S: Service<BoardContext<P>>,
{
    let mut cx = BoardContext::new(platform, connection);
    let mut drive = Drive::new(&Env { now: now(), limits, date: None });
    loop {
        let mut text = [0; 29];
        let date = cx.unix_time().map(|time| {
            date::format(time, &mut text);
            &text
        });
        let env = Env { now: now(), limits, date };
        let mut lent = Lent { buf: memory.buf, scratch: memory.scratch.reborrow() };
        match drive.turn(&env, &mut lent, service, &mut cx) {
            Next::Send => match transport.write(drive.unsent(memory.buf)) {
                Ok(n) if n > 0 => drive.written(&Env { now: now(), ..env }, n),
                Err(error) if timed_out(&error) => {}
                Ok(_) | Err(_) => drive.lose(),
            },
            Next::Wait { read: true } => match transport.read(drive.space(memory.buf, limits)) {
                Ok(n) => drive.received(n),
                Err(error) if timed_out(&error) => {}
                Err(_) => drive.lose(),
            },
            // Only a deadline or the service can bring it forward: the next turn asks both.
            Next::Wait { read: false } => core::hint::spin_loop(),
            Next::HalfClose => transport.half_close(),
            Next::Closed { abrupt: true } => return Ended::CutOff,
            Next::Closed { abrupt: false } => return Ended::Whole,
        }
    }
}

fn timed_out(error: &impl embedded_io::Error) -> bool {
    error.kind() == embedded_io::ErrorKind::TimedOut
}
