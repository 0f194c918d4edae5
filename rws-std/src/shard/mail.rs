//! What other threads tell a shard.

use std::collections::VecDeque;
use std::sync::Arc;

use rws_core::connection::Connection;

use super::conn::{At, Flags};
use super::settle::Result;
use super::{Address, Shard};
use crate::application::Application;
use crate::calls::{Called, Calls};
use crate::job::Post;
use crate::mailbox::Mailbox;

/// A letter.
#[derive(Debug)]
pub(crate) enum Mail<S> {
    /// A job whose shard went on without it is back.
    Late(Address, Result<S>),
    /// An exchange has been called: by its source, or with credit for its body.
    Called(Arc<Calls>),
    /// Finish what is under way and take no more.
    Drain,
}

/// None of a shard's letters may be dropped: an exchange would wait for ever. What bounds them: a job has one
/// answer, and an exchange one letter for all that it was called for since the shard looked ([`Calls`]).
const LETTERS_MAX: usize = usize::MAX;

/// A shard's mailbox.
pub(crate) struct ShardMail<S>(pub(crate) Mailbox<Mail<S>>);

impl<S> ShardMail<S> {
    pub(crate) fn new() -> std::io::Result<Arc<ShardMail<S>>> {
        Ok(Arc::new(ShardMail(Mailbox::new(LETTERS_MAX)?)))
    }
}

impl<S: Send> Post for ShardMail<S> {
    fn call(&self, calls: Arc<Calls>) {
        self.0.send_always(Mail::Called(calls));
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
                self.forget_offloaded(address);
                self.settle(address, result);
                self.list_if_current(address);
            }
            Mail::Called(calls) => self.hear(calls.address(), calls.take()),
            Mail::Drain => self.drain(),
        }
    }

    fn hear(&mut self, address: Address, called: Called) {
        let Some(conn) = self.addressed(address) else { return };
        if let At::H2(at) = conn.exchange {
            return self.hear_stream(address, at, called);
        }
        if called.bytes_granted > 0 {
            // A stale stream only means that the exchange ended meanwhile.
            let _ = conn.h1.grant(address.stream, called.bytes_granted);
        }
        if called.is_patient {
            conn.h1.be_patient(address.stream);
        }
        if called.is_woken && conn.h1.exchange() == Some(address.stream) {
            conn.h1.wake(address.stream);
            conn.flags.set(Flags::WOKEN);
            self.give_credit_due(address);
        }
        self.list(address.conn);
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
        if let At::H2(at) = conn.exchange {
            if let Some(h2) = self.h2.get_mut(at as usize) {
                h2.remember_beginning();
            }
            // Only the job's own stream waits for it.
            return self.list(key);
        }
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

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::{Letters, Mail, ShardMail};
    use crate::job::JobCx;

    #[test]
    fn a_million_calls_of_wakers_never_make_a_second_letter_and_the_last_is_heard() {
        const CALLS: u32 = if cfg!(miri) { 100 } else { 250_000 };
        let mail = ShardMail::<()>::new().unwrap();
        let cx = JobCx::new(0, mail.clone(), None);
        let callers: Vec<_> = (0..4)
            .map(|_| {
                // Not one waker: those of one exchange are one as well.
                let waker = cx.waker();
                thread::spawn(move || {
                    for _ in 0..CALLS {
                        waker.wake();
                        waker.grant(1);
                    }
                })
            })
            .collect();
        let mut letters = Letters::new();
        let (mut granted, mut heard) = (0, 0);
        let mut is_over = false;
        while !is_over {
            // Looked at first: what comes after this look is still fetched below.
            is_over = callers.iter().all(thread::JoinHandle::is_finished);
            assert!(mail.0.len() <= 1, "{} letters wait", mail.0.len());
            mail.0.drain(&mut letters);
            for letter in letters.drain(..) {
                let Mail::Called(calls) = letter else { unreachable!("no other letters are sent here") };
                let called = calls.take();
                heard += u32::from(called.is_woken);
                granted += called.bytes_granted;
            }
        }
        assert_eq!(granted, 4 * CALLS, "no credit is lost");
        assert!(heard >= 1 && mail.0.is_empty());
        for caller in callers {
            caller.join().unwrap();
        }
    }
}
