//! What a job on the board may ask for.

use core::task::Waker;

use rws_core::connection::StreamId;
use rws_core::service::{ConnectionInfo, Context, WakeContext};
use rws_core::{Instant, UnixTime};

use crate::drive::Enter;

/// What only the board knows: give it once, as a zero-sized type or a reference.
///
/// There is no default for entropy: a source that is not one would be found out by an attacker only.
pub trait Platform {
    /// The wall-clock time; `None` on a board without a clock, which then sends no `Date` (RFC 9110 §6.6.1).
    fn unix_time(&self) -> Option<UnixTime> {
        None
    }

    /// Fills `out` from a cryptographically secure source.
    fn entropy(&self, out: &mut [u8]);
}

impl<P: Platform + ?Sized> Platform for &P {
    fn unix_time(&self) -> Option<UnixTime> {
        (**self).unix_time()
    }
    fn entropy(&self, out: &mut [u8]) {
        (**self).entropy(out);
    }
}

/// The [`Context`] of this adapter.
#[derive(Debug)]
pub struct BoardContext<P> {
    now: Instant,
    stream: StreamId,
    connection: ConnectionInfo,
    platform: P,
    waker: Waker,
}

impl<P: Platform> BoardContext<P> {
    /// For the exchanges of one connection.
    pub fn new(platform: P, connection: ConnectionInfo) -> BoardContext<P> {
        BoardContext {
            now: Instant::from_micros(0),
            stream: StreamId::new(0, 0),
            connection,
            platform,
            waker: Waker::noop().clone(),
        }
    }

    /// What the board knows.
    pub const fn platform(&self) -> &P {
        &self.platform
    }

    /// Who is to be woken for this connection.
    pub fn set_waker(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }
}

impl<P: Platform> WakeContext for BoardContext<P> {
    fn waker(&self) -> Waker {
        self.waker.clone()
    }
}

impl<P: Platform> Context for BoardContext<P> {
    fn now(&self) -> Instant {
        self.now
    }
    fn unix_time(&self) -> Option<UnixTime> {
        self.platform.unix_time()
    }
    fn entropy(&mut self, out: &mut [u8]) {
        self.platform.entropy(out);
    }
    fn connection(&self) -> &ConnectionInfo {
        &self.connection
    }
    fn stream(&self) -> StreamId {
        self.stream
    }
}

impl<P: Platform> Enter for BoardContext<P> {
    fn enter(&mut self, stream: StreamId, now: Instant) {
        self.stream = stream;
        self.now = now;
    }
}
