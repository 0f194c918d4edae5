//! Hello on edge-http: `/` and `/hello/:name`, keep-alive with a deadline for idling.

#![no_std]
#![no_main]

use core::fmt::Display;

use board_support::connections;
use edge_http::Method;
use edge_http::io::Error;
use edge_http::io::server::{Connection, Handler, handle_connection};
use edge_nal::{TcpAccept, TcpBind, TcpSplit};
use edge_nal_embassy::{Tcp, TcpBuffers};
use embassy_executor::Spawner;
use embassy_net::Stack;
use embedded_io_async::{Read, Write};

const CONNECTIONS: usize = connections(option_env!("CONNECTIONS"), 4);
const PORT: u16 = 80;
const BUFFER_BYTES: usize = 1024;
const FIELDS_MAX: usize = 24;
const IDLE_MS_MAX: u32 = 5_000;

board_support::image!(sockets: CONNECTIONS, start: start);

fn start(spawner: Spawner, stack: Stack<'static>) {
    for number in 0..CONNECTIONS {
        if let Ok(task) = connection(stack, number) {
            spawner.spawn(task);
        }
    }
}

#[embassy_executor::task(pool_size = CONNECTIONS)]
async fn connection(stack: Stack<'static>, number: usize) {
    let sockets = TcpBuffers::<1, BUFFER_BYTES, BUFFER_BYTES>::new();
    let mut http = [0; BUFFER_BYTES];
    let address = core::net::SocketAddr::from(([0, 0, 0, 0], PORT));
    let tcp = Tcp::new(stack, &sockets);
    let Ok(listener) = tcp.bind(address).await else { return };
    loop {
        if let Ok((_, socket)) = listener.accept().await {
            handle_connection::<_, _, FIELDS_MAX>(socket, &mut http, Some(IDLE_MS_MAX), number, Hello).await;
        }
    }
}

struct Hello;

impl Handler for Hello {
    type Error<E: core::fmt::Debug> = Error<E>;

    async fn handle<T: Read + Write + TcpSplit, const N: usize>(
        &self,
        _task: impl Display + Copy,
        connection: &mut Connection<'_, T, N>,
    ) -> Result<(), Error<T::Error>> {
        let head = connection.headers()?;
        let is_get = head.method == Method::Get;
        // The path lies in the buffer that the answer is not made in, but the borrow ends with the request.
        let mut name = [0; 32];
        let named = head.path.strip_prefix("/hello/").and_then(|path| {
            let room = name.get_mut(..path.len())?;
            room.copy_from_slice(path.as_bytes());
            Some(path.len())
        });
        let body = match named {
            _ if !is_get => return connection.initiate_response(405, Some("Method Not Allowed"), &[]).await,
            Some(bytes) => name.get(..bytes).unwrap_or_default(),
            None if head.path == "/" => b"Hello, World!",
            None => return connection.initiate_response(404, Some("Not Found"), &[]).await,
        };
        let mut digits = itoa::Buffer::new();
        let fields = [("Content-Type", "text/plain"), ("Content-Length", digits.format(body.len()))];
        connection.initiate_response(200, Some("OK"), &fields).await?;
        connection.write_all(body).await
    }
}
