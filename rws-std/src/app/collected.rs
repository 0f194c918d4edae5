//! Memory for request bodies that are collected, shared by all exchanges of an app.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// How many bytes may still be collected.
#[derive(Debug)]
pub(crate) struct Budget(AtomicUsize);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Arc<Budget> {
        Arc::new(Budget(AtomicUsize::new(bytes)))
    }
}

/// A share of the budget, which goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    bytes: usize,
    budget: Arc<Budget>,
}

impl Share {
    pub(crate) const fn new(budget: Arc<Budget>) -> Share {
        Share { bytes: 0, budget }
    }

    /// Takes `bytes` more, if they are there.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), UsedUp> {
        let take = |left: usize| left.checked_sub(bytes);
        let taken = self.budget.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map_err(|_| UsedUp)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// A body on its way into memory, and its share of the budget, which it gives back when it goes.
#[derive(Debug)]
pub(super) struct Collected {
    bytes: Vec<u8>,
    share: Share,
}

/// The budget is used up.
#[derive(Debug)]
pub(crate) struct UsedUp;

impl Collected {
    pub(super) const fn new(budget: Arc<Budget>) -> Collected {
        Collected { bytes: Vec::new(), share: Share::new(budget) }
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a piece, if there is room for it.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), UsedUp> {
        self.share.take(piece.len())?;
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// The body. Its share stays taken as long as `self` is there.
    pub(super) fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_what_may_be_collected_and_give_it_back_when_they_go() {
        let budget = Budget::new(10);
        let mut one = Collected::new(Arc::clone(&budget));
        let mut other = Collected::new(Arc::clone(&budget));
        assert!(one.push(b"1234567").is_ok() && other.push(b"1234").is_err() && other.push(b"123").is_ok());
        assert_eq!((one.take().as_slice(), one.len()), (&b"1234567"[..], 0));
        assert!(other.push(b"4").is_err(), "its handler still has it");
        drop(one);
        assert!(other.push(b"4567").is_ok());
        assert_eq!(other.take(), b"1234567");
        drop(other);
        assert_eq!(budget.0.load(Ordering::Relaxed), 10);
    }
}
