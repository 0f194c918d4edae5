//! A bare TCP echo on port 80: the floor that HTTP servers stand on.

#![no_std]
#![no_main]

use board_support::connections;
use embassy_executor::Spawner;
use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embedded_io_async::Write;

const CONNECTIONS: usize = connections(option_env!("CONNECTIONS"), 4);
const PORT: u16 = 80;
const BUFFER_BYTES: usize = 1024;

board_support::image!(sockets: CONNECTIONS, start: start);

fn start(spawner: Spawner, stack: Stack<'static>) {
    for _ in 0..CONNECTIONS {
        if let Ok(task) = connection(stack) {
            spawner.spawn(task);
        }
    }
}

#[embassy_executor::task(pool_size = CONNECTIONS)]
async fn connection(stack: Stack<'static>) -> ! {
    let mut receive = [0; BUFFER_BYTES];
    let mut transmit = [0; BUFFER_BYTES];
    loop {
        let mut socket = TcpSocket::new(stack, &mut receive, &mut transmit);
        if socket.accept(PORT).await.is_ok() {
            echo(&mut socket).await;
        }
    }
}

/// Sends back what comes, until either side is done.
async fn echo(socket: &mut TcpSocket<'_>) {
    let mut bytes = [0; BUFFER_BYTES];
    while let Ok(received @ 1..) = socket.read(&mut bytes).await {
        let Some(heard) = bytes.get(..received) else { return };
        if socket.write_all(heard).await.is_err() {
            return;
        }
    }
}
