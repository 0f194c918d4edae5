//! What a server is told once, at its start.

use core::net::SocketAddr;
use core::time::Duration;

use rws_core::Limits;

use crate::handover::ThreadLimits;

/// The settings of a running server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Limits of each connection.
    pub limits: Limits,
    /// Limits of the threads that may block.
    pub threads: ThreadLimits,
    /// Connections that one shard holds at once; beyond, new ones wait in the kernel's queue.
    pub connections_max: usize,
    /// Connections from one address that is not loopback, per shard; 0 means no cap.
    pub connections_per_ip_max: usize,
    /// How long a drain waits for exchanges under way.
    pub drain_timeout: Duration,
    /// Connections that the kernel keeps for us before they are accepted.
    pub backlog: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            limits: Limits::SERVER,
            threads: ThreadLimits::default(),
            connections_max: 100_000,
            connections_per_ip_max: 0,
            drain_timeout: Duration::from_secs(30),
            backlog: 4096,
        }
    }
}

/// The address of a listener as it is bound.
pub(crate) fn is_wildcard(address: SocketAddr) -> bool {
    address.ip().is_unspecified()
}
