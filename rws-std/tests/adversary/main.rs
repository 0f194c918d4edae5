//! Attacks on the shard from both sides: clients that stop reading, send too much or vanish, and services
//! that block, panic or break their contract.

#![expect(
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    reason = "a test; it has no use for alloc alone"
)]

mod apps;
mod blocking;
mod panics;
mod probe;
mod sockets;
