//! What the connections of one listener know of each other.

use core::cell::Cell;
use core::fmt;
use core::task::Waker;

use rws_core::Instant;

use crate::serve::SharedScratch;

/// For so long a new connection need not make room for others: its first request is on its way.
const FRESH_US: u64 = 500_000;

/// How each socket of a pool stands. For the tasks of one executor: it is not shared between interrupts.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'r> {
    pub(super) seats: &'r [SeatState],
    pub(super) stopping: &'r Cell<bool>,
    pub(super) scratch: &'r SharedScratch,
}

/// How one socket stands.
pub(crate) struct SeatState {
    use_: Cell<Use>,
    /// Wakes the task of this socket.
    waker: Cell<Option<Waker>>,
}

impl fmt::Debug for SeatState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SeatState").field(&self.use_.get()).finish()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(target_os = "none", repr(u8))]
enum Use {
    /// Nobody has it.
    #[default]
    Free,
    /// It listens.
    Listening,
    /// Its connection is there since then, and has said nothing yet.
    Fresh(Instant),
    /// It has a connection that has something to do.
    Busy,
    /// Its connection waits for a request, since then.
    Idle(Instant),
    /// Its connection is to end.
    Leaving,
}

impl SeatState {
    pub(crate) const fn new() -> SeatState {
        SeatState { use_: Cell::new(Use::Free), waker: Cell::new(None) }
    }
}

impl<'r> Pool<'r> {
    /// Ends the pool: sockets stop listening, idle connections are closed, the others finish the exchange that they
    /// have. Each [`Slot::run`](super::Slot::run) then returns.
    pub fn shutdown(&self) {
        self.stopping.set(true);
        for seat in self.seats {
            seat.wake();
        }
    }

    /// Connections that are open now.
    pub fn connections(&self) -> usize {
        let is_open = |seat: &&SeatState| !matches!(seat.use_.get(), Use::Free | Use::Listening);
        self.seats.iter().filter(is_open).count()
    }

    pub(crate) const fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    pub(super) const fn seat(self, at: usize) -> Place<'r> {
        Place { pool: self, at }
    }

    /// Lets the connection that has been idle for longest leave, if no socket listens.
    fn make_room(&self) {
        let mut oldest: Option<(Instant, usize, &SeatState)> = None;
        for (at, seat) in self.seats.iter().enumerate() {
            match seat.use_.get() {
                // There is room, or there soon will be.
                Use::Listening | Use::Leaving => return,
                Use::Idle(since) if oldest.is_none_or(|(other, ..)| since < other) => {
                    oldest = Some((since, at, seat))
                }
                Use::Idle(_) | Use::Fresh(_) | Use::Busy | Use::Free => {}
            }
        }
        if let Some((_, at, seat)) = oldest {
            crate::log::made_room(at);
            seat.use_.set(Use::Leaving);
            seat.wake();
        }
    }
}

impl SeatState {
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// One socket's place in its pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'p> {
    pool: Pool<'p>,
    at: usize,
}

impl Place<'_> {
    fn set(&self, use_: Use) {
        if let Some(seat) = self.pool.seats.get(self.at) {
            seat.use_.set(use_);
        }
    }

    pub(crate) fn listens(&self) {
        self.set(Use::Listening);
    }

    /// It has a connection; another socket should listen now.
    pub(crate) fn is_taken(&self, now: Instant) {
        self.set(Use::Fresh(now));
        self.pool.make_room();
    }

    pub(crate) fn is_free(&self) {
        self.set(Use::Free);
    }

    /// Its task is to be woken when the pool ends, or when it is to leave.
    pub(crate) fn wakes(&self, waker: &Waker) {
        if let Some(seat) = self.pool.seats.get(self.at) {
            seat.waker.set(Some(waker.clone()));
        }
    }

    /// Its connection waits for the next request. When to say so again if nothing has come until then.
    pub(crate) fn idle(&self, now: Instant) -> Instant {
        let Some(seat) = self.pool.seats.get(self.at) else { return Instant::NEVER };
        match seat.use_.get() {
            Use::Leaving => return Instant::NEVER,
            Use::Fresh(since) if now < since.after_us(FRESH_US) => return since.after_us(FRESH_US),
            Use::Fresh(_) | Use::Idle(_) | Use::Busy | Use::Listening | Use::Free => {}
        }
        seat.use_.set(Use::Idle(now));
        self.pool.make_room();
        Instant::NEVER
    }

    /// It has something to do.
    pub(crate) fn busy(&self) {
        if !self.must_leave() {
            self.set(Use::Busy);
        }
    }

    /// It is to end now, if it is idle.
    pub(crate) fn must_leave(&self) -> bool {
        self.pool.seats.get(self.at).is_some_and(|seat| seat.use_.get() == Use::Leaving)
    }

    /// It is to end as soon as its exchange has.
    pub(crate) fn is_stopping(&self) -> bool {
        self.pool.is_stopping()
    }

    /// The memory for the head that is looked at.
    pub(crate) fn scratch(&self) -> &SharedScratch {
        self.pool.scratch
    }
}
