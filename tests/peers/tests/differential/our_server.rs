//! hyper as a client of our server, over a socket.

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::client::conn::http1;
use hyper::{Request, Version};
use hyper_util::rt::TokioIo;
use rws_std::{App, Response, Server, streaming};

use crate::cases;
use crate::dice::Dice;

type Body = BoxBody<Bytes, core::convert::Infallible>;

/// Says back what it has read: the method, the target's parts, the fields named `x-…`, and the body.
fn app() -> App {
    let mirror = |request: rws_std::Request<'_>| {
        let mut response = Response::body(Vec::new());
        for (name, value) in request.fields().iter() {
            let name = String::from_utf8_lossy(name.as_bytes()).into_owned();
            if name.to_ascii_lowercase().starts_with("x-") {
                response.add_field(&name[..], value).expect("what was read can be written");
            }
        }
        let path = request.path().to_owned();
        let query = request.raw_query().unwrap_or(b"").to_vec();
        let body = request.into_body().read_all(1 << 20).expect("a whole body");
        let mut mirrored = Response::body(body).field("path", path).field("query", query);
        for (name, value) in response.fields().iter() {
            mirrored.add_field(name, value).expect("as before");
        }
        mirrored
    };
    let methods = rws_core::route::MethodSet::ANY;
    App::new()
        .route(methods, "/mirror/*rest", mirror)
        .post("/echo", streaming(|request: rws_std::Request<'_>| Response::body(request.into_body())))
}

fn some_body(dice: &mut Dice) -> (Body, Vec<u8>) {
    let most = dice.pick(&[0, 1, 100, 70_000]);
    let len = dice.roll(most + 1);
    let bytes: Vec<u8> = (0..len).map(|_| dice.next() as u8).collect();
    let body = if dice.one_in(2) {
        BodyExt::boxed(Full::new(Bytes::from(bytes.clone())))
    } else {
        let size = 1 + dice.roll(9000);
        let frames: Vec<_> =
            bytes.chunks(size).map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk)))).collect();
        BodyExt::boxed(StreamBody::new(Frames(frames.into_iter())))
    };
    (body, bytes)
}

/// Frames that are all there.
struct Frames(std::vec::IntoIter<Result<Frame<Bytes>, core::convert::Infallible>>);

impl futures_core::Stream for Frames {
    type Item = Result<Frame<Bytes>, core::convert::Infallible>;

    fn poll_next(
        mut self: core::pin::Pin<&mut Self>,
        _: &mut core::task::Context<'_>,
    ) -> core::task::Poll<Option<Self::Item>> {
        core::task::Poll::Ready(self.0.next())
    }
}

async fn exchange(sender: &mut http1::SendRequest<Body>, dice: &mut Dice) {
    let method = dice.pick(&["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]);
    let echo = method == "POST" && dice.one_in(2);
    let target =
        if echo { "/echo".to_owned() } else { format!("/mirror/{:x}?q={:x}", dice.next(), dice.next()) };
    let (body, bytes) = if matches!(method, "GET" | "HEAD") {
        (BodyExt::boxed(Full::new(Bytes::new())), Vec::new())
    } else {
        some_body(dice)
    };
    let mut request = Request::builder().method(method).uri(&target).header("Host", "peer.example");
    let fields: Vec<(String, Vec<u8>)> = (0..dice.roll(6))
        .map(|at| {
            let value = (0..dice.roll(30)).map(|_| dice.pick(b"abc \txyz\xe4\xff=,;\"")).collect::<Vec<u8>>();
            (format!("x-field-{at}"), value.trim_ascii().to_vec())
        })
        .collect();
    for (name, value) in &fields {
        request = request.header(&name[..], &value[..]);
    }
    if dice.one_in(8) && !bytes.is_empty() {
        request = request.header("Expect", "100-continue");
    }
    let request = request.body(body).expect("a sound request");
    let response = sender.send_request(request).await.expect("an answer");
    let (head, body) = response.into_parts();
    let got = body.collect().await.expect("a whole body").to_bytes();
    assert_eq!((head.status.as_u16(), head.version), (200, Version::HTTP_11), "{method} {target}");
    if method == "HEAD" {
        assert!(got.is_empty());
    } else {
        assert_eq!(got, bytes, "{method} {target}");
    }
    if !echo {
        let (path, query) = target.split_once('?').expect("a query");
        assert_eq!(
            (&head.headers["path"], &head.headers["query"]),
            (&path.parse().unwrap(), &query.parse().unwrap())
        );
        for (name, value) in &fields {
            assert_eq!(head.headers[&name[..]].as_bytes(), value, "{name}");
        }
    }
}

#[test]
fn hyper_gets_from_our_server_what_it_asked_for() {
    let running =
        Server::bind("127.0.0.1:0").expect("a port").shards(1).start(app().finish().expect("sound routes"));
    let running = running.expect("threads");
    let address = running.address();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for seed in 0..cases(20) {
            let mut dice = Dice::new(seed);
            let stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
            let (mut sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.expect("no handshake");
            let connection = tokio::spawn(connection);
            for _ in 0..30 {
                sender.ready().await.expect("the connection persists");
                exchange(&mut sender, &mut dice).await;
            }
            drop(sender);
            connection.await.expect("no panic").expect("a clean end");
        }
    });
    assert_eq!(running.drain(), 0);
}
