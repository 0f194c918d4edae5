//! Readiness of many descriptors.

use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::Timespec;

/// What to be told about a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Readable, again at each wait while it is: listeners, eventfds.
    Level,
    /// Readable or half-closed by the peer, told once per change.
    Read,
    /// Like `Read`, and writable.
    ReadWrite,
}

impl Interest {
    fn flags(self) -> EventFlags {
        let read = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        match self {
            Interest::Level => EventFlags::IN,
            Interest::Read => read,
            Interest::ReadWrite => read | EventFlags::OUT,
        }
    }
}

/// What happened to the descriptor that was registered with `key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The key of the registration.
    pub key: u64,
    flags: EventFlags,
}

impl Event {
    /// Bytes, a connection, or an end wait to be read.
    #[must_use]
    #[inline]
    pub fn is_readable(self) -> bool {
        self.flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR)
    }

    /// There is room to write, or writing would tell the error.
    #[must_use]
    #[inline]
    pub fn is_writable(self) -> bool {
        self.flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR)
    }

    /// The peer sends no more (FIN). It may still read: a half-close is legal.
    #[must_use]
    #[inline]
    pub fn is_read_closed(self) -> bool {
        self.flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR)
    }

    /// Both directions are over: after a reset, or after both sides have closed. Ask
    /// [`was_reset`](super::was_reset) which.
    #[must_use]
    #[inline]
    pub fn is_broken(self) -> bool {
        self.flags.intersects(EventFlags::HUP | EventFlags::ERR)
    }
}

/// The list that [`Epoll::wait`] fills. Its capacity bounds the work of one turn.
pub struct Events {
    list: Vec<epoll::Event>,
}

// SAFETY: an event is two integers. The system's structure has room for a pointer as well, which is why it is
// not `Send` by itself; this list only ever holds the `u64` keys of `Epoll::add`.
#[expect(unsafe_code, reason = "the shard that owns the list goes from thread to thread")]
unsafe impl Send for Events {}

impl Events {
    /// A list for up to `capacity` events (at least 1) at a time.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Events {
        Events { list: Vec::with_capacity(capacity.max(1)) }
    }

    /// How many events the last wait brought.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether the last wait ended without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the list was filled to the brim, so that more events may wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.list.len() == self.list.capacity()
    }

    /// The event at `index`: for loops that change what else the shard holds meanwhile.
    #[must_use]
    #[inline]
    pub fn at(&self, index: usize) -> Option<Event> {
        self.list.get(index).map(|event| Event { key: event.data.u64(), flags: event.flags })
    }

    /// All events of the last wait.
    pub fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.list.iter().map(|event| Event { key: event.data.u64(), flags: event.flags })
    }

    /// Forgets the events.
    pub fn clear(&mut self) {
        self.list.clear();
    }
}

impl core::fmt::Debug for Events {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// An epoll instance.
#[derive(Debug)]
pub struct Epoll {
    fd: OwnedFd,
}

impl Epoll {
    /// An instance that watches nothing yet.
    ///
    /// # Errors
    /// The system's, when it has no descriptor left.
    pub fn new() -> io::Result<Epoll> {
        Ok(Epoll { fd: epoll::create(CreateFlags::CLOEXEC)? })
    }

    /// Starts to watch a descriptor. Closing the descriptor ends it.
    ///
    /// # Errors
    /// The system's: the descriptor is watched already, is not watchable, or the user's limit is reached.
    pub fn add(&self, source: impl AsFd, key: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.fd, source, EventData::new_u64(key), interest.flags())?)
    }

    /// Changes what to be told about a descriptor; what it is ready for already is told again.
    ///
    /// # Errors
    /// The system's: the descriptor is not watched.
    pub fn modify(&self, source: impl AsFd, key: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.fd, source, EventData::new_u64(key), interest.flags())?)
    }

    /// Stops to watch a descriptor that stays open.
    ///
    /// # Errors
    /// The system's: the descriptor is not watched.
    pub fn remove(&self, source: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.fd, source)?)
    }

    /// Waits until something happens, at most for `timeout` (rounded up to milliseconds; `None`: for ever).
    /// An interrupted wait ends without events.
    ///
    /// # Errors
    /// The system's; none is to be expected.
    #[inline]
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.list.clear();
        let timeout = timeout.map(to_timespec);
        match epoll::wait(&self.fd, spare_capacity(&mut events.list), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A day is more than any timer, and less than what the system's milliseconds hold.
const WAIT_MAX: Duration = Duration::from_secs(86_400);

fn to_timespec(timeout: Duration) -> Timespec {
    let timeout = timeout.min(WAIT_MAX);
    Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Epoll, Events, Interest};
    use crate::sys::EventFd;
    use core::time::Duration;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    const NOW: Option<Duration> = Some(Duration::ZERO);

    #[test]
    fn a_raised_eventfd_is_told_with_its_key_until_cleared() {
        let (epoll, event, mut events) =
            (Epoll::new().unwrap(), EventFd::new().unwrap(), Events::with_capacity(4));
        epoll.add(&event, 42, Interest::Level).unwrap();
        epoll.wait(&mut events, NOW).unwrap();
        assert!(events.is_empty());
        event.raise();
        for _ in 0..2 {
            epoll.wait(&mut events, None).unwrap();
            assert_eq!(events.at(0).unwrap().key, 42);
            assert!(events.at(0).unwrap().is_readable());
            assert!(!events.at(0).unwrap().is_writable());
        }
        event.clear();
        epoll.wait(&mut events, NOW).unwrap();
        assert!(events.is_empty());
    }

    #[test]
    fn an_edge_is_told_once_and_a_half_close_as_such() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (epoll, mut events) = (Epoll::new().unwrap(), Events::with_capacity(4));
        epoll.add(&ours, 7, Interest::Read).unwrap();
        theirs.write_all(b"x").unwrap();
        epoll.wait(&mut events, NOW).unwrap();
        assert_eq!(events.iter().map(|event| event.is_read_closed()).collect::<Vec<_>>(), [false]);
        epoll.wait(&mut events, NOW).unwrap();
        assert!(events.is_empty());

        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        epoll.wait(&mut events, NOW).unwrap();
        let event = events.at(0).unwrap();
        assert!(event.is_read_closed() && event.is_readable() && !event.is_broken());
    }

    #[test]
    fn interest_in_writing_can_be_added_and_removed() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (epoll, mut events) = (Epoll::new().unwrap(), Events::with_capacity(1));
        epoll.add(&ours, 1, Interest::Read).unwrap();
        epoll.modify(&ours, 2, Interest::ReadWrite).unwrap();
        epoll.wait(&mut events, NOW).unwrap();
        assert!(events.is_full());
        assert_eq!(
            events.iter().map(|event| (event.key, event.is_writable())).collect::<Vec<_>>(),
            [(2, true)]
        );
        epoll.remove(&ours).unwrap();
        assert!(epoll.modify(&ours, 2, Interest::Read).is_err());
    }
}
