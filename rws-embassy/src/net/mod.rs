//! A pool of listening sockets over `embassy-net`.
//!
//! ```text
//!   static Resources ── split ─┬─▶ [Slot; CONNS]   one task each: loop { listen ─▶ serve ─▶ close }
//!                              └─▶ Pool            who listens, who is idle since when, who is to leave
//! ```
//!
//! The stack has no backlog: a connection finds a socket that listens or is refused. So when none listens, the
//! connection that has waited longest for its next request is closed for the next client's sake; but not one whose
//! first request may be on its way.

mod pool;
mod resources;
mod slot;

pub use pool::Pool;
pub use resources::Resources;
pub use slot::Slot;
