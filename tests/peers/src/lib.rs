//! What the peers have in common: each is `peer-NAME PORT`, one worker thread, the same small answer.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The body every peer answers with.
pub const HELLO: &str = "Hello, World!";

/// The address named by the first argument.
pub fn address() -> SocketAddr {
    let port = std::env::args().nth(1).and_then(|text| text.parse().ok());
    SocketAddr::from((Ipv4Addr::LOCALHOST, port.expect("usage: peer-NAME PORT")))
}

/// A listener on that address, with a backlog that 10,000 connections do not overrun.
pub fn listener() -> TcpListener {
    let listener = TcpListener::bind(address()).expect("the port is free");
    listener.set_nonblocking(true).expect("a fresh socket");
    listener
}
