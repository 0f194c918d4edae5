//! One direction of a connection in memory, with the ways in which TCP lets one down.

use std::collections::VecDeque;

#[derive(Debug)]
pub(crate) struct Link {
    queue: VecDeque<u8>,
    /// Bytes that may be under way.
    window: usize,
    ended: bool,
    /// Nobody reads any more: who writes gets a reset.
    abandoned: bool,
    /// What is written vanishes, and nobody is told.
    black: bool,
}

impl Link {
    pub(crate) fn new(window: usize) -> Link {
        Link { queue: VecDeque::new(), window, ended: false, abandoned: false, black: false }
    }

    pub(crate) fn room(&self) -> usize {
        self.window.saturating_sub(self.queue.len())
    }

    pub(crate) fn write(&mut self, byte: u8) {
        assert!(!self.ended, "a byte after the end");
        if !self.black {
            self.queue.push_back(byte);
        }
    }

    pub(crate) fn read(&mut self, most: usize, into: &mut Vec<u8>) -> usize {
        let n = most.min(self.queue.len());
        into.extend(self.queue.drain(..n));
        n
    }

    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Every byte was read, and no more will come.
    pub(crate) fn is_at_end(&self) -> bool {
        self.ended && self.queue.is_empty() && !self.black
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn abandon(&mut self) {
        self.abandoned = true;
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// The cable is cut, and neither side is told.
    pub(crate) fn blacken(&mut self) {
        self.black = true;
        self.queue.clear();
    }
}

/// Both directions.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) up: Link,
    pub(crate) down: Link,
    /// The connection was reset: what was under way is lost.
    pub(crate) reset: bool,
}

impl Wire {
    pub(crate) fn new(up: usize, down: usize) -> Wire {
        Wire { up: Link::new(up), down: Link::new(down), reset: false }
    }

    /// What an end writes to, and what it reads from.
    pub(crate) fn of(&mut self, client: bool) -> (&mut Link, &mut Link) {
        if client { (&mut self.up, &mut self.down) } else { (&mut self.down, &mut self.up) }
    }
}
