//! Memory for heads that a thread keeps from one request to the next, so that forwarding allocates nothing per
//! request once it is under way.

use core::cell::RefCell;

use rws_core::message::{FieldBlock, OwnedFields};

/// A piece of memory that stays with a thread, or none: one word, since what holds it is moved often.
#[derive(Debug, Default)]
pub(super) struct Memory(Option<Box<Kept>>);

/// Fields and other words of a head. What is lent is empty.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) fields: OwnedFields,
    pub(super) text: Vec<u8>,
}

/// Pieces that a thread keeps.
const KEPT_MAX: usize = 128;
/// A piece that has grown beyond this goes back to the allocator: bytes.
const KEPT_BYTES_MAX: usize = 8 * 1024;

thread_local! {
    #[expect(clippy::vec_box, reason = "the boxes are what is lent")]
    static KEPT: RefCell<Vec<Box<Kept>>> = const { RefCell::new(Vec::new()) };
}

impl Memory {
    /// An empty piece.
    pub(super) fn take() -> Memory {
        let kept = KEPT.try_with(|kept| kept.borrow_mut().pop()).ok().flatten();
        Memory(Some(kept.unwrap_or_default()))
    }

    /// The fields in it.
    pub(super) fn fields(&self) -> FieldBlock<'_> {
        self.0.as_ref().map_or(FieldBlock::EMPTY, |kept| kept.fields.block())
    }

    /// The text in it.
    pub(super) fn text(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |kept| &kept.text)
    }

    /// To be written to; a new piece if there is none.
    pub(super) fn kept(&mut self) -> &mut Kept {
        self.0.get_or_insert_default()
    }

    /// Gives it back; nothing is left behind in its place.
    pub(super) fn give(&mut self) {
        let Some(mut memory) = self.0.take() else { return };
        if memory.fields.held_bytes() + memory.text.capacity() > KEPT_BYTES_MAX {
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
        let mut memory = Memory::default();
        memory.give();
        assert_eq!(KEPT.with_borrow(Vec::len), 0, "what was never taken has nothing to give back");
        memory.kept().fields.push(KnownName::Accept, b"*/*").expect("a field");
        memory.kept().text.extend_from_slice(b"/secret");
        memory.give();
        assert_eq!(KEPT.with_borrow(Vec::len), 1);
        let mut again = Memory::take();
        assert!(again.fields().is_empty() && again.text().is_empty() && again.kept().text.capacity() >= 7);
    }

    #[test]
    fn memory_that_has_grown_large_is_not_kept() {
        KEPT.take();
        let mut memory = Memory::take();
        memory.kept().text = vec![0; KEPT_BYTES_MAX + 1];
        memory.give();
        assert_eq!(KEPT.with_borrow(Vec::len), 0);
    }
}
