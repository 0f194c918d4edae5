//! One socket of a pool: listens, serves, closes, listens again.
//!
//! ```text
//!   Listening ── a connection ──▶ Connected(next) ── over, in order ──▶ Closing ──┐
//!       ▲                              │ over, cut off                            │ the peer has ended too, or late
//!       │                              ▼                                          │
//!       └── the RST is out, or late ── Resetting ◀────────────────────────────────┘
//! ```
//!
//! All of it is one flat future, polled by hand: what is read or written is tried at each poll and held by none, so
//! that nothing is stored but the connection, the step and the buffers' places.

use core::future::{Future, poll_fn};
use core::net::{IpAddr, SocketAddr};
use core::pin::pin;
use core::task::{Context, Poll};

use embassy_net::tcp::{Error, State, TcpSocket};
use embassy_net::{IpAddress, IpEndpoint, Stack};
use embassy_time::Duration;
use rws_core::Instant;
use rws_core::service::{ConnectionInfo, Service};

use super::pool::{Place, Pool};
use crate::context::{BoardContext, Platform};
use crate::drive::{Also, Drive, Next};
use crate::serve::{Server, bare_env, now, timer, turn};

/// How long a handshake, or a peer that acknowledges nothing, is waited for.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long the end of a connection may take before it is reset, and the reset before it is given up.
const CLOSE_MAX_US: u64 = 500_000;
/// How much longer while the peer has not acknowledged all of its answer: the stack sends again after one second.
const RESEND_MAX_US: u64 = 1_000_000;

/// The memory of one socket.
#[derive(Debug)]
pub struct Slot<'r> {
    pub(super) at: usize,
    pub(super) pool: Pool<'r>,
    pub(super) buf: &'r mut [u8],
    pub(super) rx: &'r mut [u8],
    pub(super) tx: &'r mut [u8],
}

impl<'r> Slot<'r> {
    /// Serves one connection after the other on `port`, until [`Pool::shutdown`].
    pub fn run<S, P>(
        self,
        stack: Stack<'r>,
        port: u16,
        server: &'r Server<'r, S, P>,
    ) -> impl Future<Output = ()> + use<'r, S, P>
    where
        P: Platform + Clone,
        S: Service<BoardContext<P>>,
    {
        self.run_also(stack, port, server, ())
    }

    /// As [`Slot::run`], for connections that may turn out to speak something else than HTTP/1: `&mut Http2`, whose
    /// `buffer_bytes_min` bytes the buffers of the [`Resources`](super::Resources) must have.
    pub fn run_also<A, S, P>(
        self,
        stack: Stack<'r>,
        port: u16,
        server: &'r Server<'r, S, P>,
        also: A,
    ) -> impl Future<Output = ()> + use<'r, A, S, P>
    where
        A: Also<S::State>,
        P: Platform + Clone,
        S: Service<BoardContext<P>>,
    {
        const {
            let service = size_of::<S::State>() + size_of::<P>() + size_of::<A>();
            assert!(size_of::<Seated<'_, A, S, P>>() <= FUTURE_BYTES_MAX + service, "the future is flat");
        }
        let mut socket = TcpSocket::new(stack, self.rx, self.tx);
        // An answer leaves as one segment, and the next one does not wait until it is acknowledged.
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(SILENCE_MAX));
        let mut seated: Seated<'r, A, S, P> = Seated {
            socket,
            step: Step::Listening,
            port,
            seat: self.pool.seat(self.at),
            buf: self.buf,
            server,
            cx: BoardContext::new(server.platform.clone(), NOBODY),
            drive: Drive::open(&bare_env(server), also),
        };
        poll_fn(move |task| seated.poll(task))
    }
}

/// The future of a slot, beside a service's state, a platform and what is spoken beside HTTP/1: bytes. Two addresses take 64 of them.
const FUTURE_BYTES_MAX: usize = if usize::BITS > 32 { 380 } else { 320 };

const NOBODY: ConnectionInfo = ConnectionInfo { peer: None, local: None, secure: false };

/// A socket and all that it has to do.
struct Seated<'r, A, S: Service<BoardContext<P>>, P: Platform> {
    socket: TcpSocket<'r>,
    step: Step,
    port: u16,
    seat: Place<'r>,
    buf: &'r mut [u8],
    server: &'r Server<'r, S, P>,
    /// Of the connection that it has, or had last.
    cx: BoardContext<P>,
    drive: Drive<S::State, A>,
}

/// What a socket waits for.
#[derive(Clone, Copy)]
#[cfg_attr(target_os = "none", repr(u8))]
enum Step {
    /// A connection.
    Listening,
    /// What its connection needs.
    Connected(Next),
    /// That the peer ends its side as well, at most until then.
    Closing(Instant),
    /// That a reset is on its way, at most until then.
    Resetting(Instant),
}

/// What a connection said when it was asked.
enum Moved {
    /// There is something new for the machine.
    Yes,
    /// Not yet: the task is woken.
    No,
    /// It is over.
    Over(Step),
}

impl<A, S, P> Seated<'_, A, S, P>
where
    A: Also<S::State>,
    P: Platform + Clone,
    S: Service<BoardContext<P>>,
{
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<()> {
        self.seat.wakes(task.waker());
        let mut due = Instant::NEVER;
        // Whoever woke the task: the machine is asked once, and again whenever something has moved.
        let mut asked = false;
        loop {
            match self.step {
                Step::Listening if self.seat.is_stopping() => self.reset(),
                Step::Listening => {
                    if self.is_waiting_for_a_client(task) {
                        break;
                    }
                    self.begin();
                }
                Step::Connected(next) => match self.go_on(next, task) {
                    Moved::Over(step) => self.step = step,
                    Moved::No if asked => break,
                    Moved::Yes | Moved::No => {
                        asked = true;
                        due = self.turn(task);
                    }
                },
                Step::Closing(until) => {
                    let lacks = self.socket.send_queue() > 0;
                    let until = if lacks { until.after_us(RESEND_MAX_US) } else { until };
                    if self.is_open_still(task) && now() < until {
                        due = until;
                        break;
                    }
                    self.reset();
                }
                Step::Resetting(until) => {
                    if self.is_flushing(task) && now() < until {
                        due = until;
                        break;
                    }
                    self.step = Step::Listening;
                    if self.seat.is_stopping() {
                        self.seat.is_free();
                        return Poll::Ready(());
                    }
                }
            }
        }
        // Pending when it is polled first, so that the task is woken even if the time has come just now.
        pin!(timer(due)).poll(task).map(|()| ())
    }

    fn is_waiting_for_a_client(&mut self, task: &mut Context<'_>) -> bool {
        if self.socket.state() == State::Closed {
            self.seat.listens();
            // Its first poll makes the socket listen. Any state that follows tells of itself.
            let _ = pin!(self.socket.accept(self.port)).poll(task);
        }
        pin!(self.socket.wait_write_ready()).poll(task).is_pending()
    }

    /// A connection is there.
    fn begin(&mut self) {
        self.seat.is_taken(now());
        let peer = self.socket.remote_endpoint().map(address);
        let local = self.socket.local_endpoint().map(address);
        self.cx = BoardContext::new(self.server.platform.clone(), ConnectionInfo { peer, local, ..NOBODY });
        self.drive.reopen(&bare_env(self.server));
        self.step = Step::Connected(Next::Wait { read: true });
    }

    /// Does what the connection needs next, as far as it can be done now.
    fn go_on(&mut self, next: Next, task: &mut Context<'_>) -> Moved {
        let moved = match next {
            Next::Send => {
                let written = pin!(self.socket.write(self.drive.unsent(self.buf))).poll(task);
                written.map(|written| match written {
                    Ok(n) if n > 0 => self.drive.written(&bare_env(self.server), n),
                    Ok(_) | Err(_) => self.drive.lose(),
                })
            }
            Next::Wait { read: true } => {
                let space = self.drive.space(self.buf, self.server.limits);
                read(&mut self.socket, space, task).map(|received| match received {
                    Ok(n) => self.drive.received(n),
                    Err(_) => self.drive.lose(),
                })
            }
            Next::Wait { read: false } => Poll::Pending,
            Next::HalfClose => {
                self.socket.close();
                Poll::Ready(())
            }
            Next::Closed { abrupt: false } => {
                self.socket.close();
                return Moved::Over(Step::Closing(late()));
            }
            Next::Closed { abrupt: true } => {
                self.socket.abort();
                return Moved::Over(Step::Resetting(late()));
            }
        };
        if moved.is_ready() { Moved::Yes } else { Moved::No }
    }

    /// One turn of the machine. When it wants the next one, if nothing moves.
    fn turn(&mut self, task: &mut Context<'_>) -> Instant {
        self.cx.set_waker(task.waker());
        let leaves = self.seat.is_stopping() || (self.seat.must_leave() && self.drive.is_idle());
        let memory = (&mut *self.buf, self.seat.scratch());
        self.step = Step::Connected(turn(&mut self.drive, memory, &mut self.cx, self.server, leaves));
        let due = self.drive.deadline();
        if self.drive.is_idle() {
            return due.min(self.seat.idle(now()));
        }
        self.seat.busy();
        due
    }

    fn reset(&mut self) {
        self.socket.abort();
        self.step = Step::Resetting(late());
    }

    fn is_flushing(&mut self, task: &mut Context<'_>) -> bool {
        pin!(self.socket.flush()).poll(task).is_pending()
    }

    /// Until the peer has all and has ended its side as well; not through the time that TCP then waits.
    fn is_open_still(&mut self, task: &mut Context<'_>) -> bool {
        // Both ends at once, and the peer has all: its word that it has our end as well may come as a repeated end of
        // its own, which the stack takes for stale. Nobody has anything left to say.
        if self.socket.state() == State::Closing && self.socket.send_queue() == 0 {
            return false;
        }
        // With FIN sent, a flush waits until it is acknowledged.
        if self.is_flushing(task) {
            return true;
        }
        while !matches!(self.socket.state(), State::Closed | State::TimeWait) {
            match read(&mut self.socket, self.buf, task) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(_) | Err(_)) => return false,
                Poll::Pending => return true,
            }
        }
        false
    }
}

/// One try to read; nothing is lost with the future that waits.
#[inline(never)]
fn read(socket: &mut TcpSocket<'_>, into: &mut [u8], task: &mut Context<'_>) -> Poll<Result<usize, Error>> {
    pin!(socket.read(into)).poll(task)
}

fn late() -> Instant {
    now().after_us(CLOSE_MAX_US)
}

fn address(endpoint: IpEndpoint) -> SocketAddr {
    let IpAddress::Ipv4(ip) = endpoint.addr;
    SocketAddr::new(IpAddr::V4(ip), endpoint.port)
}
