//! The system's side: thin safe wrappers over its calls, and the only place of this crate for unsafe code.
//!
//! | what | where |
//! |---|---|
//! | readiness, wake-ups | [`Epoll`], [`EventFd`] |
//! | listening, accepting, running out of descriptors | [`listen`], [`Acceptor`] |
//! | moving bytes | [`recv`], [`send`], [`send_vectored`], [`send_file`], [`half_close`] |
//! | the time | [`monotonic_us`], [`unix_time_us`] |
//! | the process and its threads | [`raise_open_files_limit`], [`set_thread_name`] |
//! | the hand-over cell | [`slot`] |
//!
//! Everything here is Linux. Only `slot` needs unsafe code; the calls go through `rustix`, without libc.

mod acceptor;
mod clock;
mod driver;
mod entropy;
mod epoll;
mod event_fd;
mod listener;
mod process;
pub mod slot;
mod socket;

pub use self::acceptor::{Accepted, Acceptor};
pub use self::clock::{monotonic_us, unix_time_us};
pub use self::driver::blames_job;
pub use self::entropy::entropy;
pub use self::epoll::{Epoll, Event, Events, Interest};
pub use self::event_fd::EventFd;
pub use self::listener::{ListenOptions, bound_address, claim, listen};
pub use self::process::{raise_open_files_limit, set_thread_name};
pub use self::socket::{
    Transfer, close_with_reset, connect, half_close, is_exhausted, pending_error, recv, send, send_file,
    send_more, send_vectored, was_reset,
};
