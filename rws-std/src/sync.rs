//! The synchronisation primitives of the runtime, in one place, so that a model checker can stand in for them.
//!
//! Built normally these are the standard library's. Under `RUSTFLAGS="--cfg loom"` the unit tests of this
//! crate get loom's instead, which explore every interleaving that the memory model allows. Only what is
//! modelled uses this module; plain locks elsewhere come from `std`, and so does `Arc`, whose counting is not what
//! is modelled.

#[cfg(all(loom, test))]
pub(crate) use loom::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

#[cfg(not(all(loom, test)))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
#[cfg(not(all(loom, test)))]
pub(crate) use std::{sync::Mutex, thread};

/// A cell that several threads may reach, with accesses that loom can check.
#[derive(Debug)]
pub(crate) struct SharedCell<T>(CellInner<T>);

#[cfg(all(loom, test))]
type CellInner<T> = loom::cell::UnsafeCell<T>;
#[cfg(not(all(loom, test)))]
type CellInner<T> = core::cell::UnsafeCell<T>;

impl<T> SharedCell<T> {
    pub(crate) fn new(value: T) -> SharedCell<T> {
        SharedCell(CellInner::new(value))
    }

    /// Lends the address of the value; whoever dereferences it answers for exclusive access.
    #[cfg(not(all(loom, test)))]
    #[inline]
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }

    /// Lends the address of the value, while loom watches for a second access.
    #[cfg(all(loom, test))]
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(access)
    }
}
