//! Listening sockets: one per shard on the same address, the kernel spreads the connections.

use core::net::SocketAddr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// How to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenOptions {
    /// Connections that may wait to be accepted; the system cuts it to `net.core.somaxconn`.
    pub backlog: i32,
    /// Let several sockets listen on the same address (`SO_REUSEPORT`). Set it on all of them.
    pub share_port: bool,
}

impl Default for ListenOptions {
    fn default() -> ListenOptions {
        ListenOptions { backlog: 4096, share_port: true }
    }
}

/// A non-blocking TCP listener. What it accepts has `TCP_NODELAY` set, which Linux inherits from it.
///
/// # Errors
/// The system's: the address is in use, is not ours, or needs a privilege.
pub fn listen(address: SocketAddr, options: ListenOptions) -> io::Result<OwnedFd> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if options.share_port {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        // "::" means IPv6 alone, whatever the system's default: IPv4 has a listener of its own.
        socket.set_only_v6(true)?;
    }
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(options.backlog)?;
    Ok(socket.into())
}

/// Fails if anybody listens on `address` already, a server that would share the port with us included: two of
/// them would answer by turns, without anybody noticing. (A port of 0 is never taken.)
///
/// # Errors
/// The system's, as for [`listen`].
pub fn claim(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Past connections that still linger do not count, listeners do.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())
}

/// The address that a socket is bound to: tells the port when port 0 was asked for.
///
/// # Errors
/// The system's, when the descriptor is not an IP socket.
pub fn bound_address(socket: &impl AsFd) -> io::Result<SocketAddr> {
    let address = SockRef::from(socket).local_addr()?;
    address.as_socket().ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "not an IP socket"))
}

#[cfg(test)]
mod tests {
    use super::{ListenOptions, bound_address, claim, listen};

    #[test]
    fn two_listeners_share_a_port_only_when_both_want_to() {
        let any_port = "127.0.0.1:0".parse().unwrap();
        let first = listen(any_port, ListenOptions::default()).unwrap();
        let address = bound_address(&first).unwrap();
        assert_ne!(address.port(), 0);
        listen(address, ListenOptions::default()).unwrap();

        let alone = ListenOptions { share_port: false, ..ListenOptions::default() };
        let first = listen(any_port, alone).unwrap();
        let error = listen(bound_address(&first).unwrap(), alone).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    }

    #[test]
    fn an_address_is_claimed_only_while_nobody_listens_on_it() {
        let shared = listen("127.0.0.1:0".parse().unwrap(), ListenOptions::default()).unwrap();
        let address = bound_address(&shared).unwrap();
        assert_eq!(claim(address).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        drop(shared);
        claim(address).unwrap();
    }

    #[test]
    fn the_ipv6_wildcard_leaves_the_port_to_an_ipv4_listener() {
        let Ok(six) = listen("[::]:0".parse().unwrap(), ListenOptions::default()) else { return };
        let port = bound_address(&six).unwrap().port();
        let four = listen(([0, 0, 0, 0], port).into(), ListenOptions::default()).unwrap();
        assert_eq!(bound_address(&four).unwrap().port(), port);
    }
}
