//! Places in lent buffers, stored instead of borrows.

/// A run of bytes inside an arena of at most 64 KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub at: u16,
    /// Length in bytes.
    pub len: u16,
}

impl Span {
    /// An empty span at the arena's start.
    pub const EMPTY: Span = Span { at: 0, len: 0 };

    /// The span `from..to`; `None` if it does not fit 16 bits or is reversed.
    pub fn of(from: usize, to: usize) -> Option<Span> {
        let len = to.checked_sub(from)?;
        Some(Span { at: u16::try_from(from).ok()?, len: u16::try_from(len).ok()? })
    }

    /// The bytes of this span in `arena`; empty when the span does not fit it.
    pub fn bytes(self, arena: &[u8]) -> &[u8] {
        let at = usize::from(self.at);
        arena.get(at..at.wrapping_add(usize::from(self.len))).unwrap_or(&[])
    }

    /// One past the last byte.
    pub fn end(self) -> usize {
        usize::from(self.at).wrapping_add(usize::from(self.len))
    }
}

/// A run of body bytes inside `rx`, which may be longer than 64 KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Offset of the first byte in the `rx` slice given to `receive`.
    pub at: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Chunk {
    /// The bytes of this chunk in `rx`; empty when it does not fit.
    pub fn bytes(self, rx: &[u8]) -> &[u8] {
        let at = self.at as usize;
        rx.get(at..at.wrapping_add(self.len as usize)).unwrap_or(&[])
    }
}

const _: () = assert!(size_of::<Span>() == 4 && size_of::<Chunk>() == 8);
