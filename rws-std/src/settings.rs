//! What a server is told once, at its start.

use core::net::SocketAddr;
use core::time::Duration;

use rws_core::Limits;
use rws_core::middleware::{CidrSet, CidrSlot};

use crate::handover::ThreadLimits;

/// The settings of a running server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Limits of each connection.
    pub limits: Limits,
    /// Limits of the threads that may block.
    pub threads: ThreadLimits,
    /// Whether clients that begin with the preface of HTTP/2 (prior knowledge, RFC 9113 §3.3) are answered in it, on
    /// the same listeners; with the feature `http2`. Else they are refused as any other malformed HTTP/1.
    pub http2: bool,
    /// Connections that one shard holds at once; beyond, new ones wait in the kernel's queue.
    pub connections_max: usize,
    /// Connections from one address, over all shards; 0 means no cap. An IPv6 network of 64 bits counts as one.
    pub connections_per_ip_max: usize,
    /// Addresses that may have more than that: loopback, if nothing else is said. Proxies in front belong here
    /// too, since each of them speaks for many clients.
    pub connections_per_ip_exempt: CidrSet<Vec<CidrSlot>>,
    /// How long [`Server::run`](crate::Server::run) goes on as before after the first signal, and says of itself
    /// only that it [is draining](crate::ServerHandle::is_draining): time for whoever sends requests here to hear
    /// of it and to send them elsewhere.
    pub drain_delay: Duration,
    /// Buffers that one shard lends its connections for what does not fit 4 KiB, of 64 KiB each: bytes. Beyond
    /// it a head that does not arrive whole and is longer than 4 KiB is refused (431), and requests that wait
    /// behind another are given up with the close of their connection. What must be kept is kept all the same:
    /// content ahead of its reader, and answers ahead of theirs, for which limits of rate and time hold.
    pub waiting_bytes_max: usize,
    /// How long a drain waits for exchanges under way.
    pub drain_timeout: Duration,
    /// Connections that the kernel keeps for us before they are accepted.
    pub backlog: u32,
}

/// The networks of this machine itself.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1"];

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            limits: Limits::SERVER,
            threads: ThreadLimits::default(),
            http2: cfg!(feature = "http2"),
            connections_max: 100_000,
            connections_per_ip_max: 0,
            // Both are well-formed.
            connections_per_ip_exempt: CidrSet::parse(LOOPBACK).unwrap_or_default(),
            drain_delay: Duration::ZERO,
            waiting_bytes_max: 64 * 1024 * 1024,
            drain_timeout: Duration::from_secs(30),
            backlog: 4096,
        }
    }
}

/// The address of a listener as it is bound.
pub(crate) fn is_wildcard(address: SocketAddr) -> bool {
    address.ip().is_unspecified()
}
