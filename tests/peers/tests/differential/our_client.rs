//! hyper as the server of our client role, over a socket.

use core::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rws_core::connection::{
    BodyPlan, ByteConnection, Connection as _, Event, Fill, RequestOut, Sent, Source, StreamId,
};
use rws_core::h1::Client;
use rws_core::message::OwnedFields;
use rws_core::{Env, Field, Instant, Limits, Scratch};

use crate::cases;
use crate::dice::Dice;

/// Says back the method, the target, the fields named `x-…`, and the body as it comes.
async fn mirror(request: Request<Incoming>) -> Result<Response<Incoming>, Infallible> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(body);
    let fields = response.headers_mut();
    fields.insert("method", head.method.as_str().parse().expect("a token"));
    fields.insert("target", head.uri.to_string().parse().expect("visible"));
    for (name, value) in &head.headers {
        if name.as_str().starts_with("x-") {
            fields.append(name, value.clone());
        }
    }
    Ok(response)
}

/// A hyper server on a thread of its own, for as long as the process lives.
fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    listener.set_nonblocking(true).expect("a fresh socket");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                tokio::spawn(async move {
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service_fn(mirror))
                        .await
                });
            }
        });
    });
    address
}

struct Asked {
    method: &'static str,
    target: String,
    fields: OwnedFields,
    plan: BodyPlan,
    body: Vec<u8>,
    said: usize,
    piece: usize,
    trailers: OwnedFields,
    expect: bool,
}

impl Asked {
    fn new(dice: &mut Dice) -> Asked {
        let method = dice.pick(&["GET", "POST", "PUT", "DELETE", "PATCH", "BREW"]);
        let has_body = method != "GET";
        let most = dice.pick(&[1, 100, 100_000]);
        let len = if has_body { dice.roll(most) } else { 0 };
        let body: Vec<u8> = (0..len).map(|_| dice.next() as u8).collect();
        let plan = match (has_body, dice.roll(2)) {
            (false, _) => BodyPlan::None,
            (true, 0) => BodyPlan::Sized(len as u64),
            (true, _) => BodyPlan::Streamed,
        };
        let mut fields = OwnedFields::new();
        for at in 0..dice.roll(6) {
            let value: Vec<u8> = (0..dice.roll(30)).map(|_| dice.pick(b"abc \txyz\xe4\xff=,;\"")).collect();
            fields.push(&format!("x-field-{at}")[..], value.trim_ascii()).expect("made of what is allowed");
        }
        let mut trailers = OwnedFields::new();
        if plan == BodyPlan::Streamed && dice.one_in(2) {
            trailers.push("x-sum", b"1").expect("sound");
        }
        Asked {
            method,
            target: format!("/{:x}?{:x}", dice.next(), dice.next()),
            fields,
            plan,
            expect: has_body && len > 0 && dice.one_in(6),
            body,
            said: 0,
            piece: 1 + dice.roll(20_000),
            trailers,
        }
    }
}

impl Source for Asked {
    fn request(&mut self, _: StreamId) -> Option<RequestOut<'_>> {
        Some(RequestOut {
            method: self.method.as_bytes(),
            target: self.target.as_bytes(),
            authority: b"peer.example",
            fields: self.fields.block(),
            body: self.plan,
            expect_continue: self.expect,
            close: false,
        })
    }

    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
        let rest = &self.body[self.said..];
        let n = rest.len().min(out.len()).min(self.piece);
        out[..n].copy_from_slice(&rest[..n]);
        self.said += n;
        if n == rest.len() { Fill::End(n) } else { Fill::More(n) }
    }

    fn trailers(&mut self, _: StreamId) -> rws_core::FieldBlock<'_> {
        self.trailers.block()
    }
}

/// A blocking driver of one connection.
struct Link {
    client: Client,
    stream: TcpStream,
    rx: Vec<u8>,
    began: std::time::Instant,
}

const LIMITS: Limits = Limits { body_window_bytes: 10_000, ..Limits::SERVER };

impl Link {
    fn env(&self) -> Env<'static> {
        let now = Instant::from_micros(self.began.elapsed().as_micros() as u64);
        Env { now, limits: &LIMITS, date: None }
    }

    /// One exchange, checked.
    fn exchange(&mut self, asked: &mut Asked) {
        let stream = self.client.open().expect("the connection persists");
        let (mut body, mut status) = (Vec::new(), 0);
        while self.client.exchange() == Some(stream) {
            self.send(asked);
            let mut piece = [0; 16 * 1024];
            match self.stream.read(&mut piece) {
                Ok(0) => panic!("the server has gone"),
                Ok(n) => self.rx.extend_from_slice(&piece[..n]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            self.take(asked, &mut body, &mut status);
            let env = self.env();
            let late = self.client.on_deadline(&env);
            assert_eq!(
                late,
                None,
                "{} of {} bytes are back: {:?}",
                body.len(),
                asked.body.len(),
                self.client
            );
        }
        assert_eq!(status, 200);
        assert_eq!(body, asked.body, "{} {}", asked.method, asked.target);
        assert!(self.rx.is_empty(), "bytes behind the answer");
    }

    fn send(&mut self, asked: &mut Asked) {
        let env = self.env();
        let mut tx = vec![0; 30_000];
        while let Sent::Bytes(n) = self.client.transmit(&env, &mut tx, &mut Scratch::default(), asked) {
            self.stream.set_nonblocking(false).expect("a socket");
            self.stream.write_all(&tx[..n]).expect("the server reads");
            self.stream.set_nonblocking(true).expect("a socket");
            self.client.flushed(&env, n);
        }
    }

    fn take(&mut self, asked: &Asked, body: &mut Vec<u8>, status: &mut u16) {
        let env = self.env();
        loop {
            let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 64]);
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
            let step = self.client.receive(&env, &mut self.rx, &mut scratch);
            match step.event {
                Some(Event::Response { head, .. }) => {
                    let view = head.view(&self.rx, scratch);
                    *status = view.status.code();
                    let fields = view.fields;
                    assert_eq!(fields.single("method"), Some(asked.method.as_bytes()));
                    assert_eq!(fields.single("target"), Some(asked.target.as_bytes()));
                    for (name, value) in asked.fields.block().iter() {
                        assert_eq!(fields.single(name), Some(value), "{name:?}");
                    }
                }
                Some(Event::Body { stream, chunk }) => {
                    body.extend_from_slice(chunk.bytes(&self.rx));
                    self.client.grant(stream, chunk.len).expect("the exchange is under way");
                }
                Some(Event::Interim { head, .. }) => assert_eq!(head.status, rws_core::Status::CONTINUE),
                Some(Event::End { .. } | Event::Stalled { .. }) | None => {}
                Some(other) => panic!("{other:?}"),
            }
            self.rx.drain(..step.consumed);
            if step.consumed == 0 && step.event.is_none() {
                return;
            }
        }
    }
}

#[test]
fn our_client_gets_from_hyper_what_it_asked_for() {
    let address = start();
    for seed in 0..cases(20) {
        let mut dice = Dice::new(seed ^ 0xc11e);
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nonblocking(true).expect("a fresh socket");
        let began = std::time::Instant::now();
        let env = Env { now: Instant::from_micros(0), limits: &LIMITS, date: None };
        let mut link = Link { client: Client::new(&env), stream, rx: Vec::new(), began };
        for _ in 0..30 {
            link.exchange(&mut Asked::new(&mut dice));
        }
    }
}
