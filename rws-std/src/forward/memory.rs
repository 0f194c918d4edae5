//! Memory for heads that a thread keeps from one request to the next, so that forwarding allocates nothing per
//! request once it is under way.

use alloc::sync::Arc;
use core::cell::RefCell;
use core::net::SocketAddr;

use rws_core::message::{FieldBlock, OwnedFields};

use super::{Forward, Upstream};

/// A piece of memory that stays with a thread, or none: one word, since what holds it is moved often.
#[derive(Debug, Default)]
pub(super) struct Memory(Option<Box<Kept>>);

/// Fields and other words of a head. What is lent is empty.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) fields: OwnedFields,
    pub(super) text: Vec<u8>,
}

/// Pieces of either kind that a thread keeps.
const KEPT_MAX: usize = 128;
/// A piece that has grown beyond this goes back to the allocator: bytes.
const KEPT_BYTES_MAX: usize = 8 * 1024;

thread_local! {
    static SPARES: RefCell<Spares> = const { RefCell::new(Spares::new()) };
}

/// What a thread keeps.
#[derive(Debug)]
struct Spares {
    #[expect(clippy::vec_box, reason = "the boxes are what is lent")]
    memories: Vec<Box<Kept>>,
    /// Carried out, with nothing of theirs left but the box.
    #[expect(clippy::vec_box, reason = "the boxes are what is lent")]
    plans: Vec<Box<Forward>>,
    /// Stands in a kept plan for its upstream, which must not outlive its last request there.
    nobody: Option<Arc<dyn Upstream>>,
}

impl Spares {
    const fn new() -> Spares {
        Spares { memories: Vec::new(), plans: Vec::new(), nobody: None }
    }

    fn give(&mut self, mut memory: Box<Kept>) {
        if memory.fields.held_bytes() + memory.text.capacity() > KEPT_BYTES_MAX {
            return;
        }
        memory.fields.clear();
        memory.text.clear();
        if self.memories.len() < KEPT_MAX {
            self.memories.push(memory);
        }
    }
}

/// The upstream of a plan that is over.
#[derive(Debug)]
struct Nobody;

impl Upstream for Nobody {
    fn turn(&self) -> usize {
        0
    }

    fn backend(&self, _turn: usize, _attempt: u32) -> Option<SocketAddr> {
        None
    }
}

/// The plan in a box, which may have held another before.
pub(super) fn boxed(plan: Forward) -> Box<Forward> {
    match SPARES.try_with(|spares| spares.borrow_mut().plans.pop()).ok().flatten() {
        Some(mut kept) => {
            *kept = plan;
            kept
        }
        None => Box::new(plan),
    }
}

/// Keeps the box of a plan that is over, and its memory.
pub(super) fn retire(mut plan: Box<Forward>) {
    let memory = plan.memory.0.take();
    // What is left of the plan, its upstream with it, is dropped outside: that may run anybody's code.
    let mut over = None;
    // A thread that is ending keeps nothing.
    let _ = SPARES.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        if let Some(memory) = memory {
            spares.give(memory);
        }
        let nobody = Arc::clone(spares.nobody.get_or_insert_with(|| Arc::new(Nobody)));
        if spares.plans.len() < KEPT_MAX {
            over = Some(core::mem::replace(&mut plan.upstream, nobody));
            spares.plans.push(plan);
        }
    });
    drop(over);
}

impl Memory {
    /// An empty piece.
    pub(super) fn take() -> Memory {
        let kept = SPARES.try_with(|spares| spares.borrow_mut().memories.pop()).ok().flatten();
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
        let Some(memory) = self.0.take() else { return };
        // A thread that is ending keeps nothing.
        let _ = SPARES.try_with(|spares| spares.borrow_mut().give(memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rws_core::message::KnownName;

    #[test]
    fn memory_goes_back_to_its_thread_and_comes_again_empty() {
        SPARES.replace(Spares::new());
        let mut memory = Memory::default();
        memory.give();
        assert_eq!(
            SPARES.with_borrow(|spares| spares.memories.len()),
            0,
            "what was never taken has nothing to give back"
        );
        memory.kept().fields.push(KnownName::Accept, b"*/*").expect("a field");
        memory.kept().text.extend_from_slice(b"/secret");
        memory.give();
        assert_eq!(SPARES.with_borrow(|spares| spares.memories.len()), 1);
        let mut again = Memory::take();
        assert!(again.fields().is_empty() && again.text().is_empty() && again.kept().text.capacity() >= 7);
    }

    #[test]
    fn memory_that_has_grown_large_is_not_kept() {
        SPARES.replace(Spares::new());
        let mut memory = Memory::take();
        memory.kept().text = vec![0; KEPT_BYTES_MAX + 1];
        memory.give();
        assert_eq!(SPARES.with_borrow(|spares| spares.memories.len()), 0);
    }

    #[test]
    fn a_plan_that_is_over_leaves_its_box_and_nothing_in_it() {
        use crate::forward::{ForwardOptions, RoundRobin};
        use rws_core::service::ConnectionInfo;

        SPARES.replace(Spares::new());
        let upstream: Arc<dyn Upstream> = Arc::new(RoundRobin::new(Vec::new()));
        let request = rws_core::testing::Exchange::get("/secret");
        let connection = ConnectionInfo { peer: None, local: None, secure: false };
        let plan = request.with_head(|head| {
            Forward::of(head, &connection, Arc::clone(&upstream), &ForwardOptions::default())
        });
        let plan = boxed(plan);
        let at: *const Forward = &raw const *plan;
        retire(plan);
        assert_eq!(Arc::strong_count(&upstream), 1, "the upstream is not held by what is kept");
        let again = SPARES.with_borrow_mut(|spares| spares.plans.pop()).expect("the box");
        assert!(core::ptr::eq(at, &raw const *again) && again.memory.0.is_none());
        assert_eq!(SPARES.with_borrow(|spares| spares.memories.len()), 1);
    }
}
