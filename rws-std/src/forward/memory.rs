//! Memory for heads that a thread keeps from one request to the next, so that forwarding allocates nothing per
//! request once it is under way.

use core::cell::RefCell;

use rws_core::message::OwnedFields;

/// Fields and other words of a head that stay with a thread. What is lent is empty.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) fields: OwnedFields,
    pub(super) text: Vec<u8>,
}

/// Pieces that a thread keeps.
const KEPT_MAX: usize = 128;
/// A piece that has grown beyond this goes back to the allocator: bytes.
const KEPT_BYTES_MAX: usize = 8 * 1024;

thread_local! {
    static KEPT: RefCell<Vec<Memory>> = const { RefCell::new(Vec::new()) };
}

impl Memory {
    /// An empty piece.
    pub(super) fn take() -> Memory {
        KEPT.try_with(|kept| kept.borrow_mut().pop()).ok().flatten().unwrap_or_default()
    }

    /// Gives it back; nothing is left behind in its place.
    pub(super) fn give(&mut self) {
        let held = self.fields.held_bytes() + self.text.capacity();
        let mut memory = core::mem::take(self);
        if held == 0 || held > KEPT_BYTES_MAX {
            return;
        }
        memory.fields.clear();
        memory.text.clear();
        // A thread that is ending keeps nothing.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < KEPT_MAX {
                kept.push(memory);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rws_core::message::KnownName;

    #[test]
    fn memory_goes_back_to_its_thread_and_comes_again_empty() {
        KEPT.take();
        let mut memory = Memory::take();
        memory.give();
        assert_eq!(KEPT.with_borrow(Vec::len), 0, "what was not used has nothing to give back");
        memory.fields.push(KnownName::Accept, b"*/*").expect("a field");
        memory.text.extend_from_slice(b"/secret");
        memory.give();
        assert_eq!(KEPT.with_borrow(Vec::len), 1);
        let again = Memory::take();
        assert!(again.fields.block().is_empty() && again.text.is_empty() && again.text.capacity() >= 7);
    }

    #[test]
    fn memory_that_has_grown_large_is_not_kept() {
        KEPT.take();
        let mut memory = Memory { text: vec![0; KEPT_BYTES_MAX + 1], ..Memory::default() };
        memory.give();
        assert_eq!(KEPT.with_borrow(Vec::len), 0);
    }
}
