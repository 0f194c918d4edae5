//! Server-sent events from one thread to every client: `cargo run -p rws-std --example events`, then
//!
//! ```text
//! $ curl -sN http://127.0.0.1:8080/events | head -n 3
//! event: tick
//! data: the clock has begun
//! ```
//!
//! A browser reads the same by `new EventSource("/events")`. `/listeners` says how many listen.

use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rws_std::{App, BodyWriter, Request, Response, Server, ServerHandle};

/// How often something is said: as often, a client that has left is noticed.
const TICK: Duration = Duration::from_millis(250);

/// The clients that listen. No thread is theirs: a writer waits for nobody as long as it is only tried.
#[derive(Clone, Default)]
struct Listeners(Arc<Mutex<Vec<BodyWriter>>>);

fn main() -> io::Result<()> {
    let listeners = Listeners::default();
    let app = App::with_state(listeners.clone())
        .on_start(move |server| {
            let (listeners, server) = (listeners.clone(), server.clone());
            thread::spawn(move || tick(&listeners, &server));
        })
        .get("/events", listen)
        .get("/listeners", |_: Request, listeners: &Listeners| format!("{}\n", listeners.lock().len()));
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    let server = Server::bind(address)?;
    println!("http://{}/events", server.address());
    server.serve(app)
}

fn listen(request: Request, listeners: &Listeners) -> io::Result<Response> {
    let (response, writer) = request.stream();
    writer.try_write_all(b"event: tick\ndata: the clock has begun\n\n")?;
    listeners.lock().push(writer);
    Ok(response.content_type("text/event-stream").field("Cache-Control", "no-store"))
}

/// Tells all of them how many ticks there were, until the server ends: then nobody is kept.
fn tick(listeners: &Listeners, server: &ServerHandle) {
    for number in 1_u64.. {
        thread::sleep(TICK);
        if server.is_draining() {
            listeners.lock().drain(..).for_each(BodyWriter::finish);
            continue;
        }
        let event = format!("event: tick\nid: {number}\ndata: {number} ticks\n\n");
        // Who has left, or is so slow that nothing more fits, listens no longer.
        listeners.lock().retain(|writer| writer.try_write_all(event.as_bytes()).is_ok());
    }
}

impl Listeners {
    fn lock(&self) -> MutexGuard<'_, Vec<BodyWriter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
