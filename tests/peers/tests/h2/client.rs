//! A blocking face of the client that asks: requests are sent at once, and their answers awaited one by one.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Method, Request, StatusCode};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Longer than anything here takes; only a failure waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
pub(crate) struct Client {
    runtime: Runtime,
    sender: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        Some(self.fields.get(name)?.to_str().unwrap())
    }
}

/// A request on its way.
pub(crate) struct Asked {
    pub(crate) answer: ResponseFuture,
    pub(crate) body: SendStream<Bytes>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        Client::with(address, |_| {})
    }

    pub(crate) fn with(address: SocketAddr, change: impl FnOnce(&mut h2::client::Builder)) -> Client {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut builder = h2::client::Builder::new();
        change(&mut builder);
        let (sender, driver) = runtime.block_on(async {
            let socket = TcpStream::connect(address).await.unwrap();
            socket.set_nodelay(true).unwrap();
            let made: (SendRequest<Bytes>, Connection<TcpStream, Bytes>) =
                builder.handshake(socket).await.unwrap();
            (made.0, tokio::spawn(made.1))
        });
        Client { runtime, sender, driver }
    }

    /// Runs something on the connection's thread, and the connection meanwhile.
    pub(crate) fn run<R>(&self, future: impl Future<Output = R>) -> R {
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("an end in time") })
    }

    /// Sends a request; its body is empty if `end` says so, else to be sent.
    pub(crate) fn ask(&mut self, request: Request<()>, end: bool) -> Asked {
        let mut sender = self.sender.clone();
        self.run(async {
            core::future::poll_fn(|cx| sender.poll_ready(cx)).await.unwrap();
            let (answer, body) = sender.send_request(request, end).unwrap();
            Asked { answer, body }
        })
    }

    pub(crate) fn start(&mut self, path: &str) -> Asked {
        self.ask(get(path), true)
    }

    /// Awaits an answer and reads all of it.
    pub(crate) fn finish(&self, asked: Asked) -> Result<Answer, h2::Error> {
        self.run(async {
            let response = asked.answer.await?;
            let (head, body) = response.into_parts();
            let (body, trailers) = read_all(body).await?;
            Ok(Answer { status: head.status, fields: head.headers, body, trailers })
        })
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        let asked = self.start(path);
        self.finish(asked).unwrap()
    }

    /// Sends a body in one piece as the windows allow, and awaits the answer.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Answer {
        let asked = self.ask(request(Method::POST, path).body(()).unwrap(), false);
        self.send_all(asked, body.to_vec(), None).unwrap()
    }

    /// Sends a body, its trailers if there are any, and reads the answer meanwhile.
    pub(crate) fn send_all(
        &self,
        asked: Asked,
        bytes: Vec<u8>,
        trailers: Option<HeaderMap>,
    ) -> Result<Answer, h2::Error> {
        let Asked { answer, mut body } = asked;
        self.run(async {
            let send = async {
                send(&mut body, Bytes::from(bytes), trailers.is_none()).await?;
                trailers.map_or(Ok(()), |trailers| body.send_trailers(trailers))
            };
            let read = async {
                let (head, body) = answer.await?.into_parts();
                let (body, trailers) = read_all(body).await?;
                Ok(Answer { status: head.status, fields: head.headers, body, trailers })
            };
            let (sent, read) = join(send, read).await;
            // An answer may come before the body's end, and then nobody takes the rest.
            read.or_else(|error: h2::Error| sent.and(Err(error)))
        })
    }

    /// Awaits the end of the connection; an error is one that its peer told of.
    pub(crate) fn end(self) -> Result<(), h2::Error> {
        let Client { runtime, sender, driver } = self;
        drop(sender);
        runtime.block_on(async {
            tokio::time::timeout(PATIENCE, driver).await.expect("an end in time").unwrap()
        })
    }
}

pub(crate) fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("http://test{path}"))
}

pub(crate) fn get(path: &str) -> Request<()> {
    request(Method::GET, path).body(()).unwrap()
}

/// Sends `bytes` as the windows allow.
pub(crate) async fn send(to: &mut SendStream<Bytes>, mut bytes: Bytes, end: bool) -> Result<(), h2::Error> {
    while !bytes.is_empty() {
        to.reserve_capacity(bytes.len());
        let room = match core::future::poll_fn(|cx| to.poll_capacity(cx)).await {
            Some(room) => room?,
            None => return Ok(()),
        };
        let piece = bytes.split_to(room.min(bytes.len()));
        let is_last = end && bytes.is_empty();
        to.send_data(piece, is_last)?;
        if is_last {
            return Ok(());
        }
    }
    if end { to.send_data(Bytes::new(), true) } else { Ok(()) }
}

pub(crate) async fn read_all(mut body: RecvStream) -> Result<(Vec<u8>, Option<HeaderMap>), h2::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        bytes.extend_from_slice(&chunk);
        body.flow_control().release_capacity(chunk.len())?;
    }
    Ok((bytes, body.trailers().await?))
}

/// Both futures to their ends.
async fn join<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    let (mut first, mut second) = (None, None);
    core::future::poll_fn(|cx| {
        use core::task::Poll;
        if first.is_none()
            && let Poll::Ready(made) = one.as_mut().poll(cx)
        {
            first = Some(made);
        }
        if second.is_none()
            && let Poll::Ready(made) = other.as_mut().poll(cx)
        {
            second = Some(made);
        }
        if first.is_some() && second.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (first.unwrap(), second.unwrap())
}
