//! A gRPC service with methods of all four kinds, made of `proto/greeter.proto`.
//!
//! ```sh
//! cargo run -p greeter -- --port 50051
//! ```

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use rws_std::grpc::{Grpc, Health, Incoming, Request, Response, ServingStatus, Status, Streamed};
use rws_std::{App, Server};

#[expect(unreachable_pub, reason = "made of greeter.proto for whoever takes it in")]
mod hello {
    include!(concat!(env!("OUT_DIR"), "/hello.rs"));
}

use hello::{BadName, Count, HelloReply, HelloRequest, Nothing, OftenRequest, SlowRequest};

/// The longest answer may take, ms, and the most greetings in one.
const TAKES_MS_MAX: u32 = 60_000;
const TIMES_MAX: u32 = 1_000_000;

fn main() -> ExitCode {
    let port = match port(std::env::args().skip(1)) {
        Ok(port) => port,
        Err(text) => {
            eprintln!("greeter: {text}\nusage: greeter [--port N]");
            return ExitCode::from(2);
        }
    };
    match serve(port) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("greeter: {error}");
            ExitCode::FAILURE
        }
    }
}

fn port(mut words: impl Iterator<Item = String>) -> Result<u16, String> {
    match (words.next().as_deref(), words.next()) {
        (None, _) => Ok(50051),
        (Some("--port"), Some(number)) => number.parse().map_err(|_| format!("`{number}` is no port")),
        (Some(word), _) => Err(format!("`{word}` is unknown, or lacks its value")),
    }
}

fn serve(port: u16) -> std::io::Result<()> {
    let health = Health::new();
    health.set("hello.Greeter", ServingStatus::Serving);
    let greeter = hello::greeter(Greeter::default());
    let grpc = Grpc::new().serve(greeter).serve(health.service()).compress(true);
    let server = Server::bind(("127.0.0.1", port))?;
    println!("http://{}", server.address());
    server.serve(App::new().get("/", || "This server answers gRPC calls.\n").grpc(grpc))
}

#[derive(Debug, Default)]
struct Greeter {
    given_up: Arc<AtomicU64>,
}

impl hello::Greeter for Greeter {
    fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let caller = request.metadata().text("x-caller").map(str::to_owned);
        let token: Vec<u8> = request.metadata().bytes("x-token-bin").flatten().collect();
        let reply = greet(&request.into_message().name)?;
        let mut response = Response::new(reply).with_trailer("x-behind", "said behind")?;
        if let Some(caller) = caller {
            response = response.with_metadata("x-caller", caller)?;
        }
        if !token.is_empty() {
            response = response.with_metadata("x-token-bin", token)?;
        }
        Ok(response)
    }

    fn say_often(&self, request: Request<OftenRequest>) -> Result<Response<Streamed<HelloReply>>, Status> {
        // Written from a thread of its own, as by whoever has something to tell now and then.
        let (response, mut out) = request.answer();
        let OftenRequest { name, times, interval_ms } = request.into_message();
        let (times, interval_ms) = (times.min(TIMES_MAX), interval_ms.min(TAKES_MS_MAX));
        let reply = greet(&name)?;
        thread::spawn(move || {
            for _ in 0..times {
                if out.send(&reply).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(interval_ms.into()));
            }
            out.finish();
        });
        Ok(response)
    }

    fn say_to_all(&self, request: Request<Incoming<HelloRequest>>) -> Result<Response<HelloReply>, Status> {
        let mut names = Vec::new();
        for message in request.into_message() {
            names.push(message?.name);
        }
        Ok(Response::new(greet(&names.join(", "))?))
    }

    fn chat(
        &self,
        request: Request<Incoming<HelloRequest>>,
    ) -> Result<Response<Streamed<HelloReply>>, Status> {
        // An answer is made when the one before it has been taken.
        let answers = request.into_message().map(|message| greet(&message?.name));
        Ok(Response::new(Streamed::each(answers)))
    }

    fn say_slowly(&self, request: Request<SlowRequest>) -> Result<Response<HelloReply>, Status> {
        let cancellation = request.cancellation();
        let SlowRequest { name, takes_ms } = request.into_message();
        if cancellation.wait(Duration::from_millis(takes_ms.min(TAKES_MS_MAX).into())) {
            self.given_up.fetch_add(1, Ordering::Relaxed);
            return Err(Status::cancelled("nobody waits for it"));
        }
        Ok(Response::new(greet(&name)?))
    }

    fn count_given_up(&self, _request: Request<Nothing>) -> Result<Response<Count>, Status> {
        Ok(Response::new(Count { count: self.given_up.load(Ordering::Relaxed) }))
    }
}

fn greet(name: &str) -> Result<HelloReply, Status> {
    if name.is_empty() {
        let detail = BadName { name: name.to_owned(), why: "it is empty".to_owned() };
        let status = Status::invalid_argument("who is it? 100% of names have a letter — or more");
        return Err(status.with_detail("type.googleapis.com/hello.BadName", &detail));
    }
    if name == "nobody" {
        return Err(Status::not_found("nobody is here").with_metadata("x-reason", "empty house"));
    }
    Ok(HelloReply { message: format!("Hello, {name}!") })
}
