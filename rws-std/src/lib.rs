//! rws on threads and epoll.

extern crate alloc;

pub mod buffer_pool;
pub mod files;
pub mod handover;
pub mod mailbox;
pub mod signals;
mod sync;
pub mod sys;
pub mod timer_wheel;
