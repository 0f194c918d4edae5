//! The load that wrk and h2load can't make: open-loop probes beside sleepers, crowds of silent and dribbling
//! sockets, and hostile requests. Loopback only, bounded in time and count; prints one `name value` a line.
//!
//! ```text
//! bench-load probe   --port N [--path /] [--rate 1000] [--seconds 4] [--connections 32] [--sleeper /sleep/200]
//! bench-load burst   --port N [--path /] [--sleepers 200] [--sleeper /sleep/200]
//! bench-load crowd   --port N [--path /] [--idle 10000] [--dribbling 1000] [--rate 500] [--seconds 5]
//! bench-load hostile --port N [--count 10000] [--workers 16] [--seed 1]
//! ```

mod client;
mod crowd;
mod hostile;
mod open_loop;
mod options;
mod sleepers;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().unwrap_or_default();
    let outcome = Options::read(arguments).and_then(|options| match verb.as_str() {
        "probe" => sleepers::beside_one(&options),
        "burst" => sleepers::beside_many(&options),
        "crowd" => crowd::run(&options),
        "hostile" => hostile::run(&options),
        _ => Err(format!("no such verb: {verb:?}; there are probe, burst, crowd and hostile")),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-load: {problem}");
            ExitCode::FAILURE
        }
    }
}
