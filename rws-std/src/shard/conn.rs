//! What a shard stores of one connection. An idle one holds no buffer.

use core::net::SocketAddr;
use std::io;
use std::os::fd::OwnedFd;

use rws_core::connection::Connection;
use rws_core::{Instant, h1};

use super::Reading;
use super::stored::{Pools, Stored};
use crate::sys::Transfer;

/// Where a connection's exchange is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// There is none, or the job that begins it is out.
    Nowhere,
    /// In the shard, under this key.
    Here(u32),
    /// The connection speaks HTTP/2: under this key is what it has beside the rest, the places of its exchanges
    /// among them.
    H2(u32),
}

/// What was read from a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) bytes: usize,
    /// Nothing more was there.
    pub(crate) drained: bool,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) h1: h1::Server,
    /// Always there; as an option it is copied into contexts as it lies.
    pub(crate) peer: Option<SocketAddr>,
    /// When the timer wheel looks at this connection next.
    pub(crate) armed: Instant,
    /// Received bytes that have not been worked off.
    pub(crate) leftover: Option<Box<Stored>>,
    /// Bytes that the socket did not take yet.
    pub(crate) unsent: Option<Box<Stored>>,
    pub(crate) socket: OwnedFd,
    pub(crate) generation: u32,
    pub(crate) exchange: At,
    pub(crate) flags: Flags,
}

impl Conn {
    /// Whether room in the socket is of use.
    #[inline]
    pub(crate) const fn has_waiting_output(&self) -> bool {
        self.unsent.is_some() || !matches!(self.exchange, At::Nowhere)
    }

    /// The deadline that the timer wheel has to be told of, since it would look too late.
    #[inline]
    pub(crate) fn moves_earlier(&self) -> Option<Instant> {
        let deadline = self.h1.next_deadline();
        (deadline < self.armed && !self.flags.has(Flags::LINGERING)).then_some(deadline)
    }

    /// Whether it does nothing but await its next request, and bytes of one are there.
    #[inline]
    pub(crate) const fn awaits_arrival(&self) -> bool {
        self.flags.0 == Flags::READABLE && self.h1.is_idle() && self.leftover.is_none()
    }

    /// `asked` bytes were asked for, and so many received. `None` if the connection is broken.
    #[inline]
    pub(crate) fn note_received(&mut self, received: io::Result<Transfer>, asked: usize) -> Option<Arrived> {
        match received {
            Ok(Transfer::Bytes(bytes)) => {
                let drained = bytes < asked;
                if drained && !self.flags.has(Flags::FIN) {
                    self.flags.clear(Flags::READABLE);
                }
                return Some(Arrived { bytes, drained });
            }
            Ok(Transfer::End) => {
                self.flags.set(Flags::EOF);
                self.flags.clear(Flags::READABLE);
            }
            Ok(Transfer::Blocked) => self.flags.clear(Flags::READABLE),
            Err(_) => return None,
        }
        Some(Arrived { bytes: 0, drained: true })
    }

    /// `bytes` were sent, as far as `sent` tells: keeps what the socket did not take. How many bytes it took, for the
    /// machine to hear of; `None` if the connection is broken.
    #[inline]
    pub(crate) fn note_sent(
        &mut self,
        sent: io::Result<Transfer>,
        bytes: &[u8],
        pools: &mut Pools,
    ) -> Option<usize> {
        let taken = match sent {
            Ok(Transfer::Bytes(n)) => n,
            Ok(Transfer::Blocked | Transfer::End) => 0,
            Err(_) => {
                self.flags.set(Flags::DEAD);
                return None;
            }
        };
        if taken < bytes.len() {
            self.unsent = Some(pools.store(&bytes[taken..]));
        }
        Some(taken)
    }

    /// The connection's turn ends before what was read is worked off; `rx` has it.
    pub(crate) fn interrupt(&mut self, reading: Reading, rx: &[u8], pools: &mut Pools) {
        if reading.from < reading.to {
            self.leftover = Some(pools.store(&rx[reading.place()]));
            self.flags.set(Flags::UNOFFERED);
        }
        if !reading.drained {
            self.flags.set(Flags::READABLE);
        }
        self.flags.set(Flags::UNFINISHED);
    }
}

/// Facts about a connection, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    /// The socket may have bytes for us.
    pub(crate) const READABLE: u16 = 1;
    /// The peer has sent its last byte, and we have seen it.
    pub(crate) const EOF: u16 = 2;
    /// The machine has been told so.
    pub(crate) const EOF_TOLD: u16 = 4;
    /// `leftover` has bytes that the machine has not seen yet.
    pub(crate) const UNOFFERED: u16 = 8;
    /// Our last byte is sent; what still arrives is dropped.
    pub(crate) const LINGERING: u16 = 16;
    /// The peer is gone; only a job that is away keeps the entry.
    pub(crate) const DEAD: u16 = 32;
    /// The connection stands in the list of those that go on without an event.
    pub(crate) const LISTED: u16 = 64;
    /// A job of this connection is out: nothing is done for it until the job is back.
    pub(crate) const JOB_OUT: u16 = 128;
    /// Somebody woke the exchange.
    pub(crate) const WOKEN: u16 = 256;
    /// The poller has said that the peer sends no more: the end lies behind the bytes in the socket, and no
    /// further event tells of it.
    pub(crate) const FIN: u16 = 512;
    /// A job took the rest of a turn with it: the machine may have more to say without another byte, such as
    /// the end of a body.
    pub(crate) const UNFINISHED: u16 = 1024;

    pub(crate) const fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    pub(crate) const fn set(&mut self, flag: u16) {
        self.0 |= flag;
    }

    pub(crate) const fn clear(&mut self, flag: u16) {
        self.0 &= !flag;
    }
}

const _: () = assert!(size_of::<Conn>() <= 208, "10,000 idle connections must fit 256 bytes each");
