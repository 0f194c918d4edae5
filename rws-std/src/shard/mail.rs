//! What other threads tell a shard.

use std::collections::VecDeque;
use std::sync::Arc;

use rws_core::connection::Connection;

use super::conn::{At, Flags};
use super::settle::Result;
use super::{Address, Shard};
use crate::application::Application;
use crate::job::Post;
use crate::mailbox::Mailbox;

/// A letter.
#[derive(Debug)]
pub(crate) enum Mail<S> {
    /// A job whose shard went on without it is back.
    Late(Address, Result<S>),
    /// The exchange's source has something.
    Wake(Address),
    /// More of the exchange's body may come.
    Grant(Address, u32),
    /// Finish what is under way and take no more.
    Drain,
}

/// None of a shard's letters may be dropped: an exchange would wait for ever. What bounds them: a job has one
/// answer, a stream calls once for all that is written before the shard comes, and grants follow bytes that
/// were received. Only a handler that calls its [`Waker`](crate::Waker) in a loop can pile them up.
const LETTERS_MAX: usize = usize::MAX;

/// A shard's mailbox.
pub(crate) struct ShardMail<S>(pub(crate) Mailbox<Mail<S>>);

impl<S> ShardMail<S> {
    pub(crate) fn new() -> std::io::Result<Arc<ShardMail<S>>> {
        Ok(Arc::new(ShardMail(Mailbox::new(LETTERS_MAX)?)))
    }
}

impl<S: Send> Post for ShardMail<S> {
    fn wake(&self, address: Address) {
        self.0.send_always(Mail::Wake(address));
    }
    fn grant(&self, address: Address, bytes: u32) {
        self.0.send_always(Mail::Grant(address, bytes));
    }
}

impl<A: Application> Shard<A> {
    /// Takes letters out of the box, without waiting.
    pub(super) fn fetch_mail(&mut self) {
        self.mail.0.drain(&mut self.letters);
    }

    /// Works off one letter. A connection that may go on now is listed.
    pub(super) fn read_letter(&mut self, letter: Mail<A::State>) {
        match letter {
            Mail::Late(address, result) => {
                self.settle(address, result);
                self.list_if_current(address);
            }
            Mail::Wake(address) => {
                if let Some(conn) = self.addressed(address)
                    && conn.h1.exchange() == Some(address.stream)
                {
                    conn.h1.wake(address.stream);
                    conn.flags.set(Flags::WOKEN);
                    self.list(address.conn);
                }
            }
            Mail::Grant(address, bytes) => {
                if let Some(conn) = self.addressed(address) {
                    // A stale stream only means that the exchange ended meanwhile.
                    let _ = conn.h1.grant(address.stream, bytes);
                    self.list(address.conn);
                }
            }
            Mail::Drain => self.drain(),
        }
    }

    fn list_if_current(&mut self, address: Address) {
        if self.conns.get(address.conn as usize).is_some_and(|conn| conn.generation == address.generation) {
            self.list(address.conn);
        }
    }

    fn addressed(&mut self, address: Address) -> Option<&mut super::Conn> {
        let conn = self.conns.get_mut(address.conn as usize)?;
        let has_exchange = conn.exchange != At::Nowhere || conn.flags.has(Flags::JOB_OUT);
        (conn.generation == address.generation && has_exchange).then_some(conn)
    }

    /// Another thread has this shard now: what its last thread left unfinished is put in order. The bytes
    /// that its job still reads are left alone.
    pub(crate) fn adopt(&mut self) {
        let Some(reading) = self.reading.take() else { return };
        let key = reading.conn;
        self.flush(key, false);
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        conn.interrupt(reading, &self.tail, &mut self.pools);
        self.rearm(key);
    }
}

impl<A: Application> Shard<A> {
    /// The job does not read from the lent bytes any more.
    pub(crate) fn release_lease(&mut self) {
        self.adopt();
    }

    /// The connection of `address` goes on in this turn.
    pub(crate) fn go_on_later(&mut self, address: Address) {
        self.list_if_current(address);
    }
}

/// Letters that have been fetched and not yet read.
pub(crate) type Letters<S> = VecDeque<Mail<S>>;
