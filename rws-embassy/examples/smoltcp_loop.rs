//! The engine in a bare `smoltcp` poll loop: no executor, no async, one socket.
//!
//! ```text
//!   loop { interface.poll ─▶ Drive::turn ─▶ Send: socket.send · Wait: socket.recv · HalfClose: socket.close }
//! ```
//!
//! A client on the same looped-back interface asks it something:
//!
//! ```sh
//! cargo run -p rws-embassy --example smoltcp_loop
//! ```

use std::time::Instant as Moment;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{RequestHead, Scratch};
use rws_core::service::{ConnectionInfo, Context, Service, Taken};
use rws_core::{Env, Field, Instant, Limits, ResponseHead, Status, field_lines};
use rws_embassy::{BUFFER_BYTES, BoardContext, Drive, Lent, Next, Platform};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{Loopback, Medium};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant as NetInstant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

const PORT: u16 = 80;

fn main() {
    let start = Moment::now();
    let micros = || start.elapsed().as_micros() as u64;
    let mut device = Loopback::new(Medium::Ip);
    let config = Config::new(HardwareAddress::Ip);
    let mut interface = Interface::new(config, &mut device, NetInstant::from_micros(micros() as i64));
    interface.update_ip_addrs(|addresses| {
        let own = IpCidr::new(IpAddress::v4(10, 0, 0, 1), 24);
        addresses.push(own).expect("there is room for an address");
    });
    let mut storage: [_; 2] = Default::default();
    let mut sockets = SocketSet::new(&mut storage[..]);
    let buffer = || SocketBuffer::new(vec![0; 1024]);
    let server_socket = sockets.add(Socket::new(buffer(), buffer()));
    let client_socket = sockets.add(Socket::new(buffer(), buffer()));

    let mut server = Server::new();
    let mut client = Client::default();
    while !client.is_done {
        let now = micros();
        interface.poll(NetInstant::from_micros(now as i64), &mut device, &mut sockets);
        client.poll(&mut interface, sockets.get_mut(client_socket));
        server.poll(now, sockets.get_mut(server_socket));
    }
    print!("{}", client.answer);
}

/// One socket's server: everything it needs, in one place that could be a `static`.
struct Server {
    drive: Option<Drive<()>>,
    buf: [u8; BUFFER_BYTES],
    bytes: [u8; 256],
    fields: [Field; 24],
    cx: BoardContext<Demo>,
}

impl Server {
    fn new() -> Server {
        let connection = ConnectionInfo { peer: None, local: None, secure: false };
        Server {
            drive: None,
            buf: [0; BUFFER_BYTES],
            bytes: [0; 256],
            fields: [Field::ZERO; 24],
            cx: BoardContext::new(Demo, connection),
        }
    }

    /// Does what can be done now. Never waits.
    fn poll(&mut self, now: u64, socket: &mut Socket<'_>) {
        if !socket.is_open() {
            socket.listen(PORT).expect("the port is free");
        }
        if self.drive.is_none() && !socket.may_send() {
            // No connection yet, or one that only waits for its end.
            return;
        }
        let env = Env { now: Instant::from_micros(now), limits: &Limits::DEVICE, date: None };
        let drive = self.drive.get_or_insert_with(|| Drive::new(&env));
        let scratch = Scratch { bytes: &mut self.bytes, fields: &mut self.fields };
        let mut lent = Lent { buf: &mut self.buf, scratch };
        match drive.turn(&env, &mut lent, &Hello, &mut self.cx) {
            Next::Send if socket.can_send() => match socket.send_slice(drive.unsent(&self.buf)) {
                Ok(n) => drive.written(&env, n),
                Err(_) => drive.lose(),
            },
            Next::Wait { read: true } if socket.can_recv() => {
                match socket.recv_slice(drive.space(&mut self.buf, &Limits::DEVICE)) {
                    Ok(n) => drive.received(n),
                    Err(_) => drive.lose(),
                }
            }
            // The peer has ended its side.
            Next::Wait { read: true } if !socket.may_recv() => drive.received(0),
            // The next poll asks again: with bytes, with room, or with a deadline that has passed.
            Next::Send | Next::Wait { .. } => {}
            Next::HalfClose => socket.close(),
            Next::Closed { abrupt } => {
                if abrupt {
                    socket.abort()
                } else {
                    socket.close()
                }
                self.drive = None;
            }
        }
    }
}

struct Hello;

impl<C: Context> Service<C> for Hello {
    type State = ();

    fn begin(&self, _: &mut C, _: &mut RequestHead<'_>) {}
    fn body(&self, _: &mut C, (): &mut (), _: &[u8], _: bool) -> Taken {
        Taken::Stop
    }
    fn head<'s>(&self, (): &'s mut ()) -> HeadAnswer<'s> {
        let fields = field_lines!["Content-Type: text/plain"];
        HeadAnswer::Final(ResponseHead { status: Status::OK, fields }, BodyPlan::Sized(TEXT.len() as u64))
    }
    fn fill(&self, (): &mut (), out: &mut [u8]) -> Fill {
        out[..TEXT.len()].copy_from_slice(TEXT);
        Fill::End(TEXT.len())
    }
}

const TEXT: &[u8] = b"hello from a poll loop\n";

struct Demo;

impl Platform for Demo {
    fn entropy(&self, out: &mut [u8]) {
        // Nothing in this example asks for any; a board brings its own source.
        out.fill(0);
    }
}

#[derive(Default)]
struct Client {
    has_asked: bool,
    answer: String,
    is_done: bool,
}

impl Client {
    fn poll(&mut self, interface: &mut Interface, socket: &mut Socket<'_>) {
        if !socket.is_open() && !self.has_asked {
            let board = (IpAddress::v4(10, 0, 0, 1), PORT);
            socket.connect(interface.context(), board, 50_000).expect("a fresh socket can connect");
        }
        if socket.can_send() && !self.has_asked {
            let request = b"GET / HTTP/1.1\r\nHost: loop\r\nConnection: close\r\n\r\n";
            self.has_asked = socket.send_slice(request).is_ok();
        }
        if socket.can_recv() {
            let received = socket.recv(|bytes| (bytes.len(), String::from_utf8_lossy(bytes).into_owned()));
            self.answer += &received.unwrap_or_default();
        } else if self.has_asked && !socket.may_recv() {
            self.is_done = true;
        }
    }
}
