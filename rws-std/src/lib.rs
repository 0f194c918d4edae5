//! rws on threads and epoll.

extern crate alloc;

pub mod files;
pub mod handover;
pub mod mailbox;
mod sync;
pub mod sys;
