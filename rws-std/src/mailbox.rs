//! Mail to a shard from other threads: many senders, one receiver that sleeps in epoll.
//!
//! ```text
//!  sender                                   shard
//!  pushes, counts                           drains whatever is there, each turn
//!  must_signal()? writes the eventfd        prepare_to_sleep(): announces, looks again
//!                                             mail: goes on without waiting
//!                                             none: epoll waits, the eventfd wakes it; then `awake`
//! ```
//!
//! While the shard is awake, mail costs its sender no system call; see [`SleepFlag`] for why no wake-up is
//! lost. The queue is a mutex around a `VecDeque`, held for a push or for a swap of two queues; the receiver
//! only ever *tries* it, so that a sender which was preempted with the lock in hand can't stop the shard.

use alloc::collections::VecDeque;
use core::fmt;
use std::io;

use crate::handover::SleepFlag;
use crate::sync::{AtomicUsize, Mutex, Ordering};
use crate::sys::EventFd;

/// What wakes a receiver that sleeps.
pub trait Signal {
    /// Wakes the receiver; may be called more often than needed.
    fn signal(&self);
}

impl Signal for EventFd {
    fn signal(&self) {
        self.raise();
    }
}

/// A queue into a shard. Share it in an `Arc`; anybody may send, one thread at a time receives.
pub struct Mailbox<M, S = EventFd> {
    queue: Mutex<VecDeque<M>>,
    waiting: AtomicUsize,
    capacity: usize,
    flag: SleepFlag,
    signal: S,
}

impl<M> Mailbox<M> {
    /// A mailbox that takes up to `capacity` messages and signals by an eventfd.
    ///
    /// # Errors
    /// The system's, when it has no file descriptor.
    pub fn new(capacity: usize) -> io::Result<Mailbox<M>> {
        Ok(Mailbox::with_signal(capacity, EventFd::new()?))
    }

    /// What the shard registers with epoll, and reads by [`Mailbox::awake`].
    #[must_use]
    pub fn event_fd(&self) -> &EventFd {
        &self.signal
    }

    /// The shard is awake again; `signalled` says that epoll reported the eventfd.
    pub fn awake(&self, signalled: bool) {
        self.rouse();
        if signalled {
            self.signal.clear();
        }
    }
}

impl<M, S: Signal> Mailbox<M, S> {
    /// A mailbox with a signal of your own.
    pub fn with_signal(capacity: usize, signal: S) -> Mailbox<M, S> {
        Mailbox {
            queue: Mutex::new(VecDeque::new()),
            waiting: AtomicUsize::new(0),
            capacity,
            flag: SleepFlag::new(),
            signal,
        }
    }

    /// Sends a message, and wakes the receiver if it sleeps.
    ///
    /// # Errors
    /// Gives the message back when the mailbox is full.
    pub fn send(&self, message: M) -> Result<(), M> {
        let mut queue = lock(&self.queue);
        if queue.len() >= self.capacity {
            return Err(message);
        }
        self.push(&mut queue, message);
        drop(queue);
        self.notify();
        Ok(())
    }

    /// Sends a message even when the mailbox is full: for what must not be lost and is bounded elsewhere, such
    /// as the one answer of an exchange that is away.
    pub fn send_always(&self, message: M) {
        self.push(&mut lock(&self.queue), message);
        self.notify();
    }

    /// Moves all mail to the end of `into`, without ever waiting. False when a sender holds the lock: the mail
    /// is there, ask again after the next turn.
    pub fn drain(&self, into: &mut VecDeque<M>) -> bool {
        if self.waiting.load(Ordering::Acquire) == 0 {
            return true;
        }
        let Ok(mut queue) = self.queue.try_lock() else { return false };
        self.waiting.store(0, Ordering::Relaxed);
        if into.is_empty() {
            core::mem::swap(into, &mut *queue);
        } else {
            into.append(&mut queue);
        }
        true
    }

    /// The receiver is about to wait for events. False when there is mail: don't wait.
    #[must_use = "false forbids to wait"]
    pub fn prepare_to_sleep(&self) -> bool {
        self.flag.announce();
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return true;
        }
        self.flag.rouse();
        false
    }

    /// The receiver is awake again; clearing its signal is up to the caller.
    pub fn rouse(&self) {
        self.flag.rouse();
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The signal.
    #[must_use]
    pub fn signal(&self) -> &S {
        &self.signal
    }

    fn push(&self, queue: &mut VecDeque<M>, message: M) {
        queue.push_back(message);
        self.waiting.store(queue.len(), Ordering::Release);
    }

    fn notify(&self) {
        if self.flag.must_signal() {
            self.signal.signal();
        }
    }
}

fn lock<T>(queue: &Mutex<T>) -> impl core::ops::DerefMut<Target = T> + '_ {
    // Nothing under this lock can panic but an allocation that fails, after which the queue is whole.
    queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl<M, S> fmt::Debug for Mailbox<M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::Mailbox;
    use alloc::collections::VecDeque;
    use alloc::sync::Arc;

    #[test]
    fn an_awake_receiver_is_not_signalled_and_a_sleeping_one_is_once() {
        let mailbox = Mailbox::new(8).unwrap();
        mailbox.send(1).unwrap();
        assert_eq!(mailbox.event_fd().clear(), 0, "nobody slept");

        let mut mail = VecDeque::new();
        assert!(mailbox.drain(&mut mail));
        assert!(mailbox.prepare_to_sleep());
        mailbox.send(2).unwrap();
        mailbox.send(3).unwrap();
        assert_eq!(mailbox.event_fd().clear(), 1, "the first of the two signals");
        mailbox.awake(true);
        assert!(mailbox.drain(&mut mail));
        assert_eq!(mail, [1, 2, 3]);
    }

    #[test]
    fn mail_that_came_before_forbids_to_sleep() {
        let mailbox = Mailbox::new(8).unwrap();
        mailbox.send(()).unwrap();
        assert!(!mailbox.prepare_to_sleep());
    }

    #[test]
    fn a_full_mailbox_gives_the_message_back_and_takes_what_must_not_be_lost() {
        let mailbox = Mailbox::new(1).unwrap();
        mailbox.send('a').unwrap();
        assert_eq!(mailbox.send('b'), Err('b'));
        mailbox.send_always('c');
        let mut mail = VecDeque::new();
        assert!(mailbox.drain(&mut mail));
        assert_eq!(mail, ['a', 'c']);
        assert!(mailbox.is_empty());
    }

    #[test]
    fn mail_of_many_threads_arrives_once_each() {
        let mailbox = Arc::new(Mailbox::new(usize::MAX).unwrap());
        let senders: Vec<_> = (0..4_u32)
            .map(|sender| {
                let mailbox = Arc::clone(&mailbox);
                std::thread::spawn(move || {
                    for n in 0..1_000 {
                        mailbox.send(sender * 1_000 + n).unwrap();
                    }
                })
            })
            .collect();
        let mut mail = VecDeque::new();
        while mail.len() < 4_000 {
            if mailbox.prepare_to_sleep() {
                mailbox.event_fd().wait();
                mailbox.awake(true);
            }
            mailbox.drain(&mut mail);
        }
        for sender in senders {
            sender.join().unwrap();
        }
        let mut all: Vec<_> = mail.into();
        all.sort_unstable();
        assert_eq!(all, (0..4_000).collect::<Vec<_>>());
    }
}
