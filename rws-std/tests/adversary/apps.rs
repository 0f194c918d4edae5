//! The closure API: handlers and bodies that stream.

use std::io::{ErrorKind, Read, Write};
use std::sync::{Mutex, mpsc};

use rws_core::message::RequestHead;
use rws_core::middleware::{BodyVerdict, Hooks, Middleware};
use rws_std::files::Files;
use rws_std::{App, AppWithState, JobCx, Request, Running, Server, streaming};

use crate::probe::{Client, PATIENCE};

fn serve(app: App) -> Running<rws_std::app::Wrapped<()>> {
    serve_with(app)
}

fn serve_with<S: Send + Sync + 'static>(app: AppWithState<S>) -> Running<rws_std::app::Wrapped<S>> {
    Server::bind("127.0.0.1:0").unwrap().shards(1).start(app.finish().unwrap()).unwrap()
}

/// A layer that panics over the second piece of a body.
struct Fragile;

impl Middleware<JobCx> for Fragile {
    type State = usize;

    fn hooks(&self) -> Hooks {
        Hooks::REQUEST.and(Hooks::REQUEST_BODY)
    }
    fn request(
        &self,
        _: &mut JobCx,
        _: &mut usize,
        _: &mut RequestHead<'_>,
        _: Option<&[u8]>,
    ) -> rws_core::middleware::RequestVerdict {
        rws_core::middleware::RequestVerdict::Continue
    }
    fn request_body(
        &self,
        _: &mut JobCx,
        pieces: &mut usize,
        _: &[u8],
        _: bool,
        _: &mut [u8],
    ) -> BodyVerdict {
        *pieces += 1;
        assert!(*pieces < 2, "on purpose: the second piece");
        BodyVerdict::Pass
    }
}

#[test]
fn a_handler_learns_that_a_layer_has_lost_the_body_that_it_reads() {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let app = App::new()
        .post(
            "/",
            streaming(move |request: Request<'_>| {
                let mut bytes = Vec::new();
                let mut body = request.into_body();
                let mut first = [0; 2];
                body.read_exact(&mut first).unwrap();
                let tell = tell.lock().unwrap();
                tell.send(Ok(0)).unwrap();
                tell.send(body.read_to_end(&mut bytes).map_err(|error| error.kind())).unwrap();
                "read"
            }),
        )
        .wrap(Fragile);
    let running = serve(app);
    let mut client = Client::new(running.address());
    client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nab");
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Ok(0));
    client.send("cd");
    assert_eq!(client.answer().0, 500);
    assert_eq!(
        told.recv_timeout(PATIENCE).expect("the handler waits for ever"),
        Err(ErrorKind::UnexpectedEof)
    );
}

#[test]
fn a_panic_on_another_thread_is_counted_like_any_other() {
    let app = App::new().post(
        "/",
        streaming(|request: Request<'_>| -> &'static str {
            drop(request);
            panic!("on purpose: on its own thread")
        }),
    );
    let running = serve(app);
    let mut client = Client::new(running.address());
    client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nab");
    assert_eq!(client.answer(), (500, b"the handler failed\n".to_vec()));
    let stats = running.stats();
    assert_eq!((stats.panics_total, stats.errors_total), (1, 1));
}

#[test]
fn the_head_of_a_stream_does_not_wait_for_its_first_byte() {
    let (keep, kept) = mpsc::channel();
    let keep = Mutex::new(keep);
    let app = App::new().get("/events", move |request: Request<'_>| {
        let (response, writer) = request.stream();
        keep.lock().unwrap().send(writer).unwrap();
        response
    });
    let running = serve(app);
    let mut client = Client::new(running.address());
    client.get("/events");
    let mut writer = kept.recv_timeout(PATIENCE).unwrap();
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    writer.write_all(b"data: 1\n\n").unwrap();
    writer.finish();
    let mut chunk = [0; 14];
    client.0.read_exact(&mut chunk).unwrap();
    assert_eq!(&chunk, b"9\r\ndata: 1\n\n\r\n");
}

#[test]
fn a_handler_that_writes_more_than_fits_before_it_answers_is_told_so() {
    let app = App::new().get("/", |request: Request<'_>| {
        let (response, mut writer) = request.stream();
        match writer.write_all(&[b'x'; 1 << 20]) {
            Ok(()) => response,
            Err(error) => rws_std::Response::text(format!("{:?}", error.kind())),
        }
    });
    let running = serve(app);
    let mut client = Client::new(running.address());
    client.get("/");
    assert_eq!(client.answer().1, b"Deadlock");
}

#[test]
fn a_folder_asked_for_without_its_slash_is_found_with_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "index").unwrap();
    let running = serve(App::new().files("/static", Files::new(folder.path()).unwrap()));
    let mut client = Client::new(running.address());
    client.get("/static/");
    assert_eq!(client.answer(), (200, b"index".to_vec()));
    client.get("/static?a=b");
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 301 ") && head.contains("Location: ./static/?a=b\r\n"), "{head}");
}

#[test]
fn a_body_is_read_in_single_bytes_without_moving_the_rest_each_time() {
    let app = App::new().post("/", |request: Request<'_>| {
        let (mut body, mut byte, mut count) = (request.into_body(), [0], 0);
        while body.read(&mut byte).unwrap_or(0) > 0 {
            count += 1;
        }
        format!("{count}")
    });
    let running = serve(app);
    let mut client = Client::new(running.address());
    client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1048576\r\n\r\n");
    client.send(&"x".repeat(1 << 20));
    assert_eq!(client.answer(), (200, b"1048576".to_vec()));
}

#[test]
fn a_streamed_body_can_be_read_without_a_limit() {
    let app = App::new().post(
        "/",
        streaming(|request: Request<'_>| request.into_body().read_all(usize::MAX).unwrap_or_default()),
    );
    let running = serve(app);
    let mut client = Client::new(running.address());
    client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.answer(), (200, b"hello".to_vec()));
}
