//! One socket of a pool: listens, serves, closes, listens again.

use core::net::{IpAddr, SocketAddr};

use embassy_futures::select::{Either, select};
use embassy_net::tcp::{State, TcpSocket};
use embassy_net::{IpAddress, IpEndpoint, Stack};
use embassy_time::{Duration, Timer};
use embedded_io_async::{Read, Write};
use rws_core::service::{ConnectionInfo, Service};

use super::pool::Pool;
use crate::context::{BoardContext, Platform};
use crate::serve::{Ended, Server, Transport, now, serve_at};

/// How long a handshake, or a peer that acknowledges nothing, is waited for.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long the end of a connection may take before it is reset.
const CLOSE_MAX: Duration = Duration::from_millis(500);

/// The memory of one socket.
#[derive(Debug)]
pub struct Slot<'r> {
    pub(super) at: usize,
    pub(super) pool: Pool<'r>,
    pub(super) buf: &'r mut [u8],
    pub(super) rx: &'r mut [u8],
    pub(super) tx: &'r mut [u8],
}

impl Slot<'_> {
    /// Serves one connection after the other on `port`, until [`Pool::shutdown`].
    pub async fn run<S, P>(self, stack: Stack<'_>, port: u16, server: &Server<'_, S, P>)
    where
        P: Platform + Clone,
        S: Service<BoardContext<P>>,
    {
        let pool = self.pool;
        let seat = pool.seat(self.at);
        let mut socket = Socket(TcpSocket::new(stack, self.rx, self.tx));
        // An answer leaves as one segment, and the next one does not wait until it is acknowledged.
        socket.0.set_nagle_enabled(false);
        while !pool.is_stopping() {
            socket.0.set_timeout(Some(SILENCE_MAX));
            seat.listens();
            match select(socket.0.accept(port), seat.stopped()).await {
                Either::First(Ok(())) => {
                    seat.is_taken(now());
                    let connection = socket.info();
                    let ended =
                        serve_at(&mut socket, (self.buf, pool.scratch), connection, server, &seat).await;
                    socket.end(ended).await;
                }
                Either::First(Err(_)) | Either::Second(()) => socket.end(Ended::CutOff).await,
            }
        }
        seat.is_free();
    }
}

struct Socket<'s>(TcpSocket<'s>);

impl Socket<'_> {
    fn info(&self) -> ConnectionInfo {
        let peer = self.0.remote_endpoint().map(address);
        let local = self.0.local_endpoint().map(address);
        ConnectionInfo { peer, local, secure: false }
    }

    /// Ends the connection so that the socket can listen again.
    async fn end(&mut self, ended: Ended) {
        if ended == Ended::Whole {
            self.0.close();
            // Until the peer has all and has ended its side as well; not through the time that TCP then waits.
            select(self.is_over(), Timer::after(CLOSE_MAX)).await;
        }
        self.0.abort();
        select(self.0.flush(), Timer::after(CLOSE_MAX)).await;
    }

    async fn is_over(&mut self) {
        // With FIN sent, `flush` waits until it is acknowledged.
        let _ = self.0.flush().await;
        let mut dropped = [0; 16];
        while !matches!(self.0.state(), State::Closed | State::TimeWait) {
            if !matches!(self.0.read(&mut dropped).await, Ok(n) if n > 0) {
                return;
            }
        }
    }
}

fn address(endpoint: IpEndpoint) -> SocketAddr {
    let IpAddress::Ipv4(ip) = endpoint.addr;
    SocketAddr::new(IpAddr::V4(ip), endpoint.port)
}

impl embedded_io_async::ErrorType for Socket<'_> {
    type Error = embassy_net::tcp::Error;
}

impl Read for Socket<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        self.0.read(buf).await
    }
}

impl Write for Socket<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(buf).await
    }
    async fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush().await
    }
}

impl Transport for Socket<'_> {
    fn half_close(&mut self) {
        self.0.close();
    }
}
