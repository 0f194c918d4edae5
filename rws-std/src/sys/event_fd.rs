//! A counter in the kernel that epoll can watch: how another thread wakes a shard.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

/// An eventfd, non-blocking.
#[derive(Debug)]
pub struct EventFd {
    fd: OwnedFd,
}

impl EventFd {
    /// A counter at zero.
    ///
    /// # Errors
    /// The system's, when it has no descriptor left.
    pub fn new() -> io::Result<EventFd> {
        Ok(EventFd { fd: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    /// Makes the descriptor readable.
    pub fn raise(&self) {
        // The one error is a counter about to overflow, and then it is readable anyway.
        let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
    }

    /// Makes the descriptor unreadable again. How often it was raised since the last time.
    pub fn clear(&self) -> u64 {
        let mut count = [0; 8];
        match rustix::io::read(&self.fd, &mut count) {
            Ok(_) => u64::from_ne_bytes(count),
            Err(_nothing_to_read) => 0,
        }
    }

    /// Blocks until the descriptor is readable: for threads that have no epoll.
    pub fn wait(&self) {
        // An interrupted wait looks like a wake-up for nothing, which callers must expect anyway.
        let _ = poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], None);
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::EventFd;

    #[test]
    fn raises_are_counted_until_cleared() {
        let event = EventFd::new().unwrap();
        assert_eq!(event.clear(), 0);
        event.raise();
        event.raise();
        event.wait();
        assert_eq!(event.clear(), 2);
        assert_eq!(event.clear(), 0);
    }
}
