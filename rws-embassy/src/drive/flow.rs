//! The bytes of one connection, and how far each side has come to its end: what is alike whatever it speaks.
//!
//! ```text
//!   [ received, not consumed │ free │ to be sent │ free ]       rx below tx; each moves back to its start when empty
//! ```

use rws_core::connection::ConnectionStatus;

use super::Next;

/// What passes through a connection's buffer.
#[derive(Debug)]
pub struct Flow {
    pub(crate) rx: Window,
    pub(crate) tx: Window,
    /// What was received has been offered to the machine.
    pub(crate) offered: bool,
    pub(crate) eof: Eof,
    pub(crate) half_closed: bool,
    pub(crate) lost: bool,
}

/// A run of the buffer that is in use.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) from: u16,
    pub(crate) to: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eof {
    NotYet,
    Came,
    Told,
}

impl Flow {
    pub(crate) const NEW: Flow = Flow {
        rx: Window { from: 0, to: 0 },
        tx: Window { from: 0, to: 0 },
        offered: true,
        eof: Eof::NotYet,
        half_closed: false,
        lost: false,
    };

    /// Where the free space behind what was received ends, of which `reserved` bytes are for what is to be sent.
    pub(crate) fn space_end(&self, buf_len: usize, reserved: usize) -> usize {
        if self.tx.is_empty() { buf_len.saturating_sub(reserved) } else { self.tx.from.into() }
    }

    /// Free space for what is to be sent. Where nothing waits, it begins right behind what was received.
    pub(crate) fn room<'b>(&mut self, buf: &'b mut [u8]) -> &'b mut [u8] {
        if self.tx.is_empty() {
            self.rx.pull_forward(buf);
            self.tx = Window { from: self.rx.to, to: self.rx.to };
        }
        buf.get_mut(usize::from(self.tx.to)..).unwrap_or(&mut [])
    }

    /// So many bytes were written into the room.
    pub(crate) fn sends(&mut self, bytes: usize) {
        self.tx.to = self.tx.to.saturating_add(u16::try_from(bytes).unwrap_or(u16::MAX));
    }

    /// What a connection needs next that is not closed, and has no space left if `is_full`.
    pub(crate) fn next(&mut self, status: ConnectionStatus, is_full: bool) -> Next {
        if !self.tx.is_empty() {
            return Next::Send;
        }
        match status {
            // No driver here goes on with another protocol yet.
            ConnectionStatus::Closed | ConnectionStatus::Upgraded => Next::Closed { abrupt: false },
            ConnectionStatus::CloseAfterFlush if !self.half_closed => {
                self.half_closed = true;
                Next::HalfClose
            }
            ConnectionStatus::Open | ConnectionStatus::Draining | ConnectionStatus::CloseAfterFlush => {
                // Also where nothing is wanted, as long as there is space: so the end of a peer is noticed that waits
                // for its answer.
                Next::Wait { read: self.eof == Eof::NotYet && !is_full }
            }
        }
    }
}

impl Window {
    pub(crate) const fn is_empty(self) -> bool {
        self.from >= self.to
    }

    pub(crate) const fn len(self) -> usize {
        self.to.saturating_sub(self.from) as usize
    }

    pub(crate) fn range(self) -> core::ops::Range<usize> {
        self.from.into()..self.to.into()
    }

    /// The first `n` bytes are no more needed. Without any it begins at the start again: else a buffer that was read
    /// to its last byte would stay full of nothing.
    pub(crate) fn drop_front(&mut self, n: usize) {
        self.from = self.from.saturating_add(u16::try_from(n).unwrap_or(u16::MAX)).min(self.to);
        if self.is_empty() {
            *self = Window::default();
        }
    }

    /// Moves what is left to the start of the buffer.
    pub(crate) fn pull_forward(&mut self, buf: &mut [u8]) {
        if self.from == 0 {
            return;
        }
        let len = self.to.saturating_sub(self.from);
        // Seldom more than a few bytes. Not `copy_within`, whose check of the range a linker can see.
        for at in 0..len {
            let byte = buf.get(usize::from(self.from.saturating_add(at))).copied().unwrap_or(0);
            if let Some(place) = buf.get_mut(usize::from(at)) {
                *place = byte;
            }
        }
        *self = Window { from: 0, to: len };
    }
}
