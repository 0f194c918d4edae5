//! The server that tests, benches and outsiders measure with.
//!
//! | route | answer |
//! |---|---|
//! | `/` | `Hello, World!` as `text/plain` |
//! | `/hello/:name` | a greeting |
//! | `/sleep/:ms` | after a blocking sleep |
//! | `POST /echo` | the body, as it comes |
//! | `/shard` | which shard answered |

use core::time::Duration;
use std::process::ExitCode;

use rws_std::{App, Failure, Request, Server, Status, streaming};

/// The longest sleep that a client may ask for: ms.
const SLEEP_MS_MAX: u64 = 60_000;

fn main() -> ExitCode {
    let options = match Options::of(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("hello: {text}\nusage: hello [--ip IP] [--port N] [--shards N]");
            return ExitCode::from(2);
        }
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hello: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> std::io::Result<()> {
    let mut server = Server::bind((options.ip.as_str(), options.port))?;
    if let Some(shards) = options.shards {
        server = server.shards(shards);
    }
    println!("http://{}", server.address());
    server.serve(app())
}

fn app() -> App {
    App::new()
        .get("/", || "Hello, World!")
        .get("/hello/:name", |request: Request| format!("Hello, {}!", request.param("name")))
        .get("/sleep/:ms", sleep)
        .get("/shard", |request: Request| format!("{}\n", request.shard()))
        .post("/echo", streaming(|request: Request| request.into_body()))
}

fn sleep(request: Request) -> Result<String, Failure> {
    let ms: Option<u64> = request.param_as("ms").ok().filter(|ms| *ms <= SLEEP_MS_MAX);
    let too_long = || Failure::new(Status::BAD_REQUEST, "a number of milliseconds up to 60000");
    let ms = ms.ok_or_else(too_long)?;
    std::thread::sleep(Duration::from_millis(ms));
    Ok(format!("slept {ms} ms\n"))
}

struct Options {
    ip: String,
    port: u16,
    shards: Option<usize>,
}

impl Options {
    fn of(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { ip: "127.0.0.1".to_owned(), port: 8080, shards: None };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--ip" => options.ip = value()?,
                "--port" => options.port = number(&name, &value()?)?,
                "--shards" => options.shards = Some(number(&name, &value()?)?),
                _ => return Err(format!("unknown option {name}")),
            }
        }
        Ok(options)
    }
}

fn number<T: core::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} needs a number, not `{value}`"))
}
