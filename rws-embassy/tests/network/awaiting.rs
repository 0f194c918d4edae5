//! Handlers that await, beside their connection in one task.

use core::cell::Cell;
use std::rc::Rc;

use embassy_time::{Duration, Timer};
use rws_core::connection::BodyPlan;
use rws_core::message::RequestHead;
use rws_core::middleware::Reply;
use rws_core::{Limits, Status, field_lines};
use rws_embassy::handler::{Exchange, Ticket};
use rws_embassy::{AsyncHandler, BoardContext, Desk, Http2, Server};

use crate::http2::{RESET, Talk, frame};
use crate::serving::exchange;
use crate::world::{Board, Client, World};

/// `/sensor` takes a second to measure, `/flash` writes its body slowly, `/count` streams, `/quiet` says nothing, `/never` waits for what
/// does not come.
#[derive(Default)]
struct App {
    dropped: Rc<Cell<usize>>,
    after: Rc<Cell<usize>>,
}

enum Asked {
    Sensor,
    Flash,
    Count,
    Quiet,
    Never,
}

struct OnDrop(Rc<Cell<usize>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

impl AsyncHandler<BoardContext<Board>> for App {
    type Request = Asked;

    fn extract(&self, _: &mut BoardContext<Board>, head: &mut RequestHead<'_>) -> Result<Asked, Reply> {
        match head.path() {
            "/sensor" => Ok(Asked::Sensor),
            "/flash" => Ok(Asked::Flash),
            "/count" => Ok(Asked::Count),
            "/quiet" => Ok(Asked::Quiet),
            "/never" => Ok(Asked::Never),
            _ => Err(Reply::new(Status::NOT_FOUND, "nothing is here\n")),
        }
    }

    async fn handle(&self, request: Asked, exchange: &mut Exchange<'_>) {
        let _dropped = OnDrop(Rc::clone(&self.dropped));
        let text = field_lines!["Content-Type: text/plain"];
        match request {
            Asked::Sensor => {
                Timer::after_secs(1).await;
                let _ = exchange.answer(Status::OK, text, b"21.5\n").await;
                Timer::after_secs(1).await;
                self.after.set(self.after.get() + 1);
            }
            Asked::Flash => {
                let (mut page, mut sum, mut len) = ([0; 100], 0u32, 0);
                while let Ok(n @ 1..) = exchange.read(&mut page).await {
                    sum += page[..n].iter().map(|byte| u32::from(*byte)).sum::<u32>();
                    len += n;
                    Timer::after_millis(1).await;
                }
                let said = format!("{len} bytes, sum {sum}\n");
                let _ = exchange.answer(Status::CREATED, text, said.as_bytes()).await;
            }
            Asked::Count => {
                let _ = exchange.start(Status::OK, text, BodyPlan::Streamed);
                for at in 0..200 {
                    if exchange.write(format!("{at} ").as_bytes()).await.is_err() {
                        return;
                    }
                }
                let _ = exchange.finish();
            }
            Asked::Quiet => {}
            Asked::Never => core::future::pending().await,
        }
    }
}

fn world(app: App) -> World {
    World::with(move |slot, stack| {
        let app: &'static App =
            Box::leak(Box::new(App { dropped: Rc::clone(&app.dropped), after: Rc::clone(&app.after) }));
        let desk: &'static Desk<Asked> = Box::leak(Box::default());
        let face: &'static _ = Box::leak(Box::new(desk.face(app)));
        let server: &'static _ =
            Box::leak(Box::new(Server { service: face, platform: Board, limits: &Limits::DEVICE }));
        Box::pin(async move { desk.serve(app, slot.run(stack, crate::world::PORT, server)).await })
    })
}

/// The same, over HTTP/2 as well.
fn world_of_both(app: App) -> World {
    World::with(move |slot, stack| {
        let app: &'static App =
            Box::leak(Box::new(App { dropped: Rc::clone(&app.dropped), after: Rc::clone(&app.after) }));
        let desk: &'static Desk<Asked> = Box::leak(Box::default());
        let face: &'static _ = Box::leak(Box::new(desk.face(app)));
        let server: &'static _ =
            Box::leak(Box::new(Server { service: face, platform: Board, limits: &Limits::DEVICE }));
        let http2: &'static mut Http2<Ticket> = Box::leak(Box::default());
        let work = async move {
            desk.serve(app, slot.run_also(stack, crate::world::PORT, server, http2)).await;
        };
        Box::pin(work)
    })
}

#[test]
fn one_desk_has_one_stream_and_the_others_are_told_so() {
    let app = App::default();
    let dropped = Rc::clone(&app.dropped);
    let world = world_of_both(app);
    let stack = world.client;
    world.run(async move {
        let mut talk = Talk::open(stack).await.expect("a socket listens");
        talk.get(1, "/sensor").await;
        talk.get(3, "/sensor").await;
        assert_eq!(talk.answer(3).await.expect("an answer").body, b"one at a time\n");
        assert_eq!(talk.answer(1).await.expect("an answer").body, b"21.5\n");
        Timer::after_millis(1_500).await;
        talk.get(5, "/quiet").await;
        Timer::after_millis(100).await;
        // The one is given up and the next asked for in one breath: the handler of the first is dropped.
        talk.client.send(&frame(RESET, 0, 5, &8_u32.to_be_bytes())).await;
        talk.get(7, "/sensor").await;
        assert_eq!(talk.answer(7).await.expect("an answer").body, b"21.5\n");
    });
    assert_eq!(dropped.get(), 2, "the sensor's, and that of the silent one");
}

#[test]
fn a_handler_is_dropped_even_if_the_next_request_is_given_up_in_the_same_breath() {
    let app = App::default();
    let (dropped, after) = (Rc::clone(&app.dropped), Rc::clone(&app.after));
    let world = world_of_both(app);
    let stack = world.client;
    world.run(async move {
        let mut talk = Talk::open(stack).await.expect("a socket listens");
        talk.get(1, "/never").await;
        Timer::after_millis(100).await;
        // All of it is in one segment, so that the desk's handler is not asked in between.
        let given_up = |stream| frame(RESET, 0, stream, &8_u32.to_be_bytes());
        let asked = frame(1, 5, 3, &[0x82, 0x86, 0x04, 6, b'/', b'n', b'e', b'v', b'e', b'r', 0x01, 1, b'a']);
        talk.client.send(&[given_up(1), asked, given_up(3)].concat()).await;
        Timer::after_millis(100).await;
        talk.get(5, "/sensor").await;
        let answer = embassy_time::with_timeout(Duration::from_secs(5), talk.answer(5)).await;
        assert_eq!(answer.expect("it is not stuck").expect("an answer").body, b"21.5\n");
    });
    assert_eq!((dropped.get(), after.get()), (1, 0));
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n").into_bytes()
}

#[test]
fn a_handler_that_awaits_delays_its_own_client_only() {
    let app = App::default();
    let after = Rc::clone(&app.after);
    let world = world(app);
    let slow = world.spawn(exchange(world.client, get("/sensor")));
    world.wait(Duration::from_millis(100), Duration::from_millis(1));
    let (answer, _) = world.run(exchange(world.client, get("/count")));
    assert!(answer.contains("199 "), "{answer}");
    world.wait(Duration::from_millis(500), Duration::from_millis(1));
    assert!(slow.take().is_none(), "it still measures");
    world.wait(Duration::from_secs(3), Duration::from_millis(1));
    let (answer, in_order) = slow.take().expect("it has measured");
    assert!(in_order && answer.ends_with("21.5\n"), "{answer}");
    assert_eq!(after.get(), 1, "what it does after its answer is done");
}

#[test]
fn a_body_waits_for_the_handler_that_reads_it() {
    let world = world(App::default());
    let body: Vec<u8> = (0..20_000u32).map(|at| b'a' + (at % 26) as u8).collect();
    let sum: u32 = body.iter().map(|byte| u32::from(*byte)).sum();
    let head = format!(
        "POST /flash HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (answer, in_order) = world.run(exchange(world.client, [head.as_bytes(), &body].concat()));
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(in_order && answer.ends_with(&format!("20000 bytes, sum {sum}\n")), "{answer}");
}

#[test]
fn what_the_head_decides_is_answered_without_a_handler() {
    let world = world(App::default());
    let (answer, in_order) = world.run(exchange(world.client, get("/elsewhere")));
    assert!(
        in_order && answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("nothing is here\n"),
        "{answer}"
    );
}

#[test]
fn a_handler_without_an_answer_gives_500() {
    let world = world(App::default());
    let (answer, in_order) = world.run(exchange(world.client, get("/quiet")));
    assert!(in_order && answer.starts_with("HTTP/1.1 500 "), "{answer}");
}

#[test]
fn a_handler_is_dropped_when_its_client_leaves() {
    let app = App::default();
    let (dropped, after) = (Rc::clone(&app.dropped), Rc::clone(&app.after));
    let world = world(app);
    let stack = world.client;
    world.run(async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        client.send(&get("/sensor")).await;
        Timer::after_millis(300).await;
        client.reset().await;
    });
    world.wait(Duration::from_millis(300), Duration::from_millis(1));
    assert_eq!((dropped.get(), after.get()), (1, 0));
    let (answer, _) = world.run(exchange(world.client, get("/sensor")));
    assert!(answer.ends_with("21.5\n"), "{answer}");
}

#[test]
fn one_connection_asks_handlers_one_after_the_other() {
    let world = world(App::default());
    let requests = [
        b"GET /sensor HTTP/1.1\r\nHost: a\r\n\r\n".as_slice(),
        b"POST /flash HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        &get("/count"),
    ];
    let (answers, in_order) = world.run(exchange(world.client, requests.concat()));
    let (first, rest) = answers.split_once("21.5\n").expect("the first answer");
    assert!(first.starts_with("HTTP/1.1 200 ") && rest.starts_with("HTTP/1.1 201 "), "{answers}");
    assert!(in_order && rest.contains("3 bytes, sum 294\n") && rest.contains("199 "), "{answers}");
}
