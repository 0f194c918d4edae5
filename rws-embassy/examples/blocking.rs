//! One connection after the other over a stream that blocks, without an executor.
//!
//! ```sh
//! cargo run -p rws-embassy --example blocking -- 8080
//! curl -i http://127.0.0.1:8080/
//! ```

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Instant as Moment;

use embedded_io::ErrorKind;
use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{RequestHead, Scratch};
use rws_core::service::{ConnectionInfo, Context, Service, Taken};
use rws_core::{Field, Instant, Limits, ResponseHead, Status, field_lines};
use rws_embassy::blocking::{Memory, Transport, serve};
use rws_embassy::{BUFFER_BYTES, Ended, Platform};

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("http://{}", listener.local_addr()?);
    let start = Moment::now();
    let (mut buf, mut bytes, mut fields) = ([0; BUFFER_BYTES], [0; 256], [Field::ZERO; 24]);
    for stream in listener.incoming() {
        let stream = stream?;
        // How often deadlines are looked at while the peer is silent.
        stream.set_read_timeout(Some(Duration::from_millis(100)))?;
        stream.set_write_timeout(Some(Duration::from_millis(100)))?;
        let connection =
            ConnectionInfo { peer: stream.peer_addr().ok(), local: stream.local_addr().ok(), secure: false };
        let mut wire = Wire(stream);
        let mut memory =
            Memory { buf: &mut buf, scratch: Scratch { bytes: &mut bytes, fields: &mut fields } };
        let now = || Instant::from_micros(start.elapsed().as_micros() as u64);
        let ended = serve(&mut wire, &mut memory, &Hello, (connection, Host), &Limits::DEVICE, now);
        if ended == Ended::CutOff {
            println!("cut off");
        }
    }
    Ok(())
}

struct Hello;

impl<C: Context> Service<C> for Hello {
    type State = bool;

    fn begin(&self, _: &mut C, head: &mut RequestHead<'_>) -> bool {
        head.path() == "/"
    }
    fn body(&self, _: &mut C, _: &mut bool, _: &[u8], _: bool) -> Taken {
        Taken::Stop
    }
    fn head<'s>(&self, is_there: &'s mut bool) -> HeadAnswer<'s> {
        if !*is_there {
            return HeadAnswer::Final(ResponseHead::bare(Status::NOT_FOUND), BodyPlan::None);
        }
        let fields = field_lines!["Content-Type: text/plain"];
        HeadAnswer::Final(ResponseHead { status: Status::OK, fields }, BodyPlan::Sized(TEXT.len() as u64))
    }
    fn fill(&self, _: &mut bool, out: &mut [u8]) -> Fill {
        // A device's own buffer has room for so little.
        out[..TEXT.len()].copy_from_slice(TEXT);
        Fill::End(TEXT.len())
    }
}

const TEXT: &[u8] = b"hello from a stream that blocks\n";

/// What this host knows. It is no board: it has a source of entropy.
struct Host;

impl Platform for Host {
    fn entropy(&self, out: &mut [u8]) {
        let source =
            std::fs::File::open("/dev/urandom").and_then(|mut file| io::Read::read_exact(&mut file, out));
        source.expect("the system has entropy");
    }
}

struct Wire(TcpStream);

impl embedded_io::ErrorType for Wire {
    type Error = ErrorKind;
}

impl embedded_io::Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        io::Read::read(&mut self.0, buf).map_err(|error| kind(&error))
    }
}

impl embedded_io::Write for Wire {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        io::Write::write(&mut self.0, buf).map_err(|error| kind(&error))
    }
    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Transport for Wire {
    fn half_close(&mut self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

fn kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {
            ErrorKind::TimedOut
        }
        io::ErrorKind::ConnectionReset => ErrorKind::ConnectionReset,
        _ => ErrorKind::Other,
    }
}
