//! A reverse proxy in a few lines: `reverse_proxy LISTEN BACKEND…`.

use core::net::SocketAddr;
use std::io;

use rws_std::Server;
use rws_std::forward::{ForwardOptions, ReverseProxy, RoundRobin};

fn main() -> io::Result<()> {
    let invalid = |text: &'static str| io::Error::new(io::ErrorKind::InvalidInput, text);
    let mut addresses = std::env::args().skip(1).map(|text| text.parse::<SocketAddr>());
    let listen = addresses.next().ok_or(invalid("usage: reverse_proxy LISTEN BACKEND..."))?;
    let listen = listen.map_err(|_| invalid("LISTEN must be IP:PORT"))?;
    let backends =
        addresses.collect::<Result<Vec<_>, _>>().map_err(|_| invalid("BACKEND must be IP:PORT"))?;
    let proxy = ReverseProxy::new(RoundRobin::new(backends), ForwardOptions::default());
    Server::bind(listen)?.shards(1).run(proxy)
}
