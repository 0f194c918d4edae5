//! Accepting, also when the process has run out of descriptors.
//!
//! A listener that can't accept stays readable, so a careless loop spins, and a loop that turns its back may
//! never come back. The acceptor keeps one descriptor in reserve:
//!
//! ```text
//!   ┌──────┐  EMFILE: gives up the reserve, accepts one, closes it,   ┌────────┐
//!   │ open │  takes the reserve back ───────────────────────────────▶ │ paused │
//!   └──────┘ ◀──────────────────────────────────────────────────────  └────────┘
//!                              PAUSE_US later
//! ```
//!
//! So the connection that waited longest learns at once that it is refused, the others wait in the backlog for
//! a descriptor to become free, and there is one attempt per pause. If even that fails (`ENFILE`, `ENOMEM`, or
//! another thread was faster), only the pause remains.

use core::net::SocketAddr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};

/// How long accepting rests after the descriptors ran out.
const PAUSE_US: u64 = 50_000;

/// What an attempt to accept brought.
#[derive(Debug)]
pub enum Accepted {
    /// A connection, non-blocking, and its peer.
    Connection(OwnedFd, SocketAddr),
    /// Nobody waits.
    Nobody,
    /// The connection was gone before it was accepted, or its peer has no IP address: try again.
    Again,
    /// Out of descriptors or memory. `refused` says that a connection was closed for it. Don't accept before
    /// `until_us`.
    Paused {
        /// When to go on, on the monotonic clock.
        until_us: u64,
        /// Whether one connection was accepted and closed at once.
        refused: bool,
    },
}

/// A listener that doesn't fail for want of descriptors.
#[derive(Debug)]
pub struct Acceptor {
    listener: OwnedFd,
    reserve: Option<OwnedFd>,
    paused_until_us: u64,
}

impl Acceptor {
    /// Accepts from `listener`, which must be non-blocking.
    #[must_use]
    pub fn new(listener: OwnedFd) -> Acceptor {
        Acceptor { listener, reserve: reserve(), paused_until_us: 0 }
    }

    /// Accepts one connection, or says why not.
    ///
    /// # Errors
    /// The system's, when the listener itself is unusable.
    pub fn accept(&mut self, now_us: u64) -> io::Result<Accepted> {
        if now_us < self.paused_until_us {
            return Ok(Accepted::Paused { until_us: self.paused_until_us, refused: false });
        }
        match accept(&self.listener) {
            Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Ok(self.refuse_one(now_us)),
            outcome => to_accepted(outcome),
        }
    }

    /// When accepting may go on, if it is paused at `now_us`: a time to wake up at.
    #[must_use]
    pub fn paused_until_us(&self, now_us: u64) -> Option<u64> {
        (now_us < self.paused_until_us).then_some(self.paused_until_us)
    }

    fn refuse_one(&mut self, now_us: u64) -> Accepted {
        drop(self.reserve.take());
        // Dropped at once: that closes it.
        let refused = accept(&self.listener).is_ok();
        self.reserve = reserve();
        self.paused_until_us = now_us.saturating_add(PAUSE_US);
        Accepted::Paused { until_us: self.paused_until_us, refused }
    }
}

impl AsFd for Acceptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

fn reserve() -> Option<OwnedFd> {
    eventfd(0, EventfdFlags::CLOEXEC).ok()
}

fn accept(listener: &OwnedFd) -> Result<(OwnedFd, Option<SocketAddr>), Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, peer) = acceptfrom_with(listener, flags)?;
    Ok((socket, peer.and_then(|peer| peer.try_into().ok())))
}

fn to_accepted(outcome: Result<(OwnedFd, Option<SocketAddr>), Errno>) -> io::Result<Accepted> {
    match outcome {
        Ok((socket, Some(peer))) => Ok(Accepted::Connection(socket, peer)),
        Ok((_, None)) => Ok(Accepted::Again),
        Err(Errno::AGAIN) => Ok(Accepted::Nobody),
        // Errors of the connection that was about to be accepted, not of the listener (accept(2)).
        Err(
            Errno::INTR
            | Errno::CONNABORTED
            | Errno::PERM
            | Errno::PROTO
            | Errno::NETDOWN
            | Errno::NOPROTOOPT
            | Errno::HOSTDOWN
            | Errno::NONET
            | Errno::HOSTUNREACH
            | Errno::OPNOTSUPP
            | Errno::NETUNREACH
            | Errno::TIMEDOUT,
        ) => Ok(Accepted::Again),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Accepted, Acceptor, PAUSE_US};
    use crate::sys::{ListenOptions, bound_address, listen};
    use std::net::TcpStream;

    #[test]
    fn connections_come_one_by_one_with_their_peer() {
        let mut acceptor =
            Acceptor::new(listen("127.0.0.1:0".parse().unwrap(), ListenOptions::default()).unwrap());
        assert!(matches!(acceptor.accept(0).unwrap(), Accepted::Nobody));
        let client = TcpStream::connect(bound_address(&acceptor).unwrap()).unwrap();
        let Accepted::Connection(socket, peer) = acceptor.accept(0).unwrap() else { panic!("no connection") };
        assert_eq!(peer, client.local_addr().unwrap());
        assert!(rustix::net::sockopt::tcp_nodelay(&socket).unwrap(), "inherited from the listener");
    }

    #[test]
    fn out_of_descriptors_one_connection_is_refused_and_accepting_pauses() {
        let mut acceptor =
            Acceptor::new(listen("127.0.0.1:0".parse().unwrap(), ListenOptions::default()).unwrap());
        let client = TcpStream::connect(bound_address(&acceptor).unwrap()).unwrap();
        let Accepted::Paused { until_us, refused } = acceptor.refuse_one(1_000) else { panic!("not paused") };
        assert!(refused);
        assert_eq!(until_us, 1_000 + PAUSE_US);
        assert!(acceptor.reserve.is_some(), "taken back");
        let mut one = [0];
        assert_eq!(std::io::Read::read(&mut &client, &mut one).unwrap_or(0), 0, "closed without a byte");

        assert_eq!(acceptor.paused_until_us(1_001), Some(until_us));
        assert!(matches!(acceptor.accept(1_001).unwrap(), Accepted::Paused { refused: false, .. }));
        assert_eq!(acceptor.paused_until_us(until_us), None);
        assert!(matches!(acceptor.accept(until_us).unwrap(), Accepted::Nobody));
    }
}
