//! Connections that speak HTTP/2: many exchanges at once, none of which waits for another's handler.
//!
//! ```text
//!   first bytes are the preface ─▶ Conn + H2 ──┬─ stream ─ exchange ─ job (may be away)
//!                                              ├─ stream ─ exchange ─ link to an upstream
//!                                              └─ stream ─ …
//!   a turn:   frames ─▶ events ─▶ jobs, one stream after the other
//!             then one pull from all streams that have something to say ─▶ one send
//! ```
//!
//! A [`Conn`](super::Conn) keeps what any connection has (socket, peer, bytes that wait). Beside it stand the machine
//! and one record per open stream: where its exchange is stored, whether its job is out, and what came of its body
//! meanwhile. A job that was handed over stops its own stream only. A connection without streams keeps no record.
//!
//! | what | where |
//! |---|---|
//! | knowing the preface, changing over | `switch.rs` |
//! | a stream's record | `streams.rs` |
//! | frames in: events, which job comes next | `receive.rs` |
//! | what is pushed beside an answer | `push.rs` |
//! | jobs that come home, streams that end | `settle.rs` |
//! | pulling from all streams; the end of a turn | `transmit.rs` |

mod machine;
mod push;
mod receive;
mod settle;
mod streams;
mod switch;
mod transmit;

use std::collections::VecDeque;

use rws_core::Error;
use rws_core::connection::{Connection, StreamId};

pub(super) use self::machine::Heap;
use self::machine::Machine;
use self::push::Promises;
use self::streams::Streams;
pub(super) use self::transmit::Said;
use super::conn::At;
use super::{Address, Shard};
use crate::application::Application;

/// What a shard stores of a connection that speaks HTTP/2, beside its [`Conn`](super::Conn).
#[derive(Debug)]
pub(super) struct H2 {
    pub(super) machine: Machine,
    pub(super) streams: Streams,
    promises: Promises,
    /// The stream whose exchange is being begun by this thread. Mostly it is over before there is anything to remember
    /// of it.
    beginning: Option<StreamId>,
    /// Streams that have a job to be done without another byte from the socket.
    due: VecDeque<StreamId>,
    /// Content without credit is in the way of what lies behind it.
    is_stalled: bool,
    is_draining: bool,
}

impl H2 {
    /// Whether another byte would be of use.
    pub(super) fn wants_bytes(&self) -> bool {
        !self.is_stalled && self.machine.rx_want() > 0
    }

    pub(super) fn grant(&mut self, stream: StreamId, bytes: u32) -> Result<(), Error> {
        self.is_stalled = false;
        self.machine.grant(stream, bytes)
    }

    /// The stream has a job to be done.
    fn list(&mut self, stream: StreamId) {
        if self.streams.list(stream) {
            self.due.push_back(stream);
        }
    }

    /// Another thread drives the shard now, and the job that begins an exchange is away with the one that did.
    pub(super) fn remember_beginning(&mut self) {
        if let Some(stream) = self.beginning.take() {
            self.streams.begin(stream, true);
        }
    }

    /// Gives the compression memory that it lacks, and gives back what a connection without streams need not keep.
    pub(super) fn trim(&mut self) {
        self.machine.widen();
        if !self.streams.is_empty() || self.beginning.is_some() {
            return;
        }
        self.streams.trim();
        self.due = VecDeque::new();
    }
}

impl<A: Application> Shard<A> {
    /// The key of what connection `key` has beside the rest, if it speaks HTTP/2.
    #[inline]
    pub(super) fn h2_of(&self, key: u32) -> Option<u32> {
        match self.conns.get(key as usize)?.exchange {
            At::H2(at) => Some(at),
            At::Nowhere | At::Here(_) => None,
        }
    }

    /// The stream at `address` has a job to be done, if any is: the connection goes on with it.
    pub(super) fn list_if_due(&mut self, address: Address) {
        let Some(h2) = self.h2_of(address.conn).and_then(|at| self.h2.get_mut(at as usize)) else { return };
        if h2.streams.is_due(address.stream) {
            h2.list(address.stream);
        }
    }
}
