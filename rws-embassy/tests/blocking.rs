//! The blocking driver over a real socket.

use core::cell::Cell;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use embedded_io::ErrorKind;
use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{RequestHead, Scratch};
use rws_core::service::{ConnectionInfo, Context, Outcome, Service, Taken};
use rws_core::{Field, Instant, Limits, ResponseHead, Status};
use rws_embassy::blocking::{Memory, Transport, serve};
use rws_embassy::{BUFFER_BYTES, Ended, Platform};

/// Answers with the length of the body.
#[derive(Default)]
struct Lengths {
    ended: Cell<usize>,
}

impl<C: Context> Service<C> for Lengths {
    type State = (usize, bool);

    fn begin(&self, _: &mut C, head: &mut RequestHead<'_>) -> (usize, bool) {
        (0, head.body() == rws_core::message::BodyFraming::None)
    }
    fn body(&self, _: &mut C, state: &mut (usize, bool), chunk: &[u8], end: bool) -> Taken {
        state.0 += chunk.len();
        state.1 |= end;
        Taken::All
    }
    fn head<'s>(&self, state: &'s mut (usize, bool)) -> HeadAnswer<'s> {
        match state.1 {
            true => HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Sized(8)),
            false => HeadAnswer::NotYet,
        }
    }
    fn fill(&self, state: &mut (usize, bool), out: &mut [u8]) -> Fill {
        out[..8].copy_from_slice(format!("{:08}", state.0).as_bytes());
        Fill::End(8)
    }
    fn end(&self, _: &mut C, _: (usize, bool), _: Outcome) {
        self.ended.set(self.ended.get() + 1);
    }
}

struct Host;

impl Platform for Host {
    fn entropy(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

struct Wire(TcpStream);

impl embedded_io::ErrorType for Wire {
    type Error = ErrorKind;
}

impl embedded_io::Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        self.0.read(buf).map_err(|_| ErrorKind::TimedOut)
    }
}

impl embedded_io::Write for Wire {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.0.write(buf).map_err(|_| ErrorKind::TimedOut)
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

/// Serves one connection whose clock moves by `step_us` each time that it is looked at.
fn one_connection(step_us: u64, client: impl FnOnce(TcpStream) + Send + 'static) -> (Ended, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    let client = thread::spawn(move || {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        client(stream);
    });
    let (stream, _) = listener.accept().expect("a client");
    stream.set_read_timeout(Some(Duration::from_millis(5))).expect("a time-out");
    let (mut buf, mut bytes, mut fields) = ([0; BUFFER_BYTES], [0; 256], [Field::ZERO; 24]);
    let mut memory = Memory { buf: &mut buf, scratch: Scratch { bytes: &mut bytes, fields: &mut fields } };
    let (service, mut now) = (Lengths::default(), 0);
    let connection = ConnectionInfo { peer: None, local: None, secure: false };
    let ended = serve(&mut Wire(stream), &mut memory, &service, (connection, Host), &Limits::DEVICE, || {
        now += step_us;
        Instant::from_micros(now)
    });
    client.join().expect("the client is content");
    (ended, service.ended.get())
}

#[test]
fn requests_are_answered_in_order_and_bodies_stream() {
    let ended = one_connection(1, |mut stream| {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").expect("sent");
        let body = vec![b'x'; 50_000];
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .expect("sent");
        stream.write_all(&body).expect("sent");
        let mut answers = String::new();
        stream.read_to_string(&mut answers).expect("answers");
        let bodies: Vec<&str> = answers.split("\r\n\r\n").skip(1).map(|rest| &rest[..8]).collect();
        assert_eq!(bodies, ["00000000", "00000003", "00050000"]);
    });
    assert_eq!(ended, (Ended::Whole, 3));
}

#[test]
fn a_client_that_is_silent_in_a_head_is_told_so() {
    let ended = one_connection(500_000, |mut stream| {
        stream.write_all(b"GET / HTTP/1.1\r\nHo").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    });
    assert_eq!(ended, (Ended::Whole, 0));
}

#[test]
fn a_client_that_leaves_in_its_body_ends_the_exchange() {
    let ended = one_connection(1, |mut stream| {
        stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc").expect("sent");
        stream.shutdown(Shutdown::Write).expect("half closed");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert_eq!(answer, "");
    });
    assert_eq!(ended.1, 1);
}
