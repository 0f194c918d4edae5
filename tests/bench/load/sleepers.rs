//! What a handler that blocks does to requests on other connections.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::thread;
use std::time::Instant;

use crate::client::Client;
use crate::open_loop::{self, Latencies, Plan};
use crate::options::Options;

/// How long the fast path is probed after a burst of sleepers has been sent.
const BURST_PROBES: u32 = 100;
const BURST_INTERVAL: Duration = Duration::from_millis(2);

/// One connection calls the sleeping route back to back while others probe the fast one.
pub(crate) fn beside_one(options: &Options) -> Result<(), String> {
    let plan = Plan {
        port: options.port,
        path: options.text("path", "/"),
        rate_per_second: options.number("rate", 1000)?,
        seconds: options.number("seconds", 4)?,
        connections: options.number("connections", 32)?,
    };
    let sleeper = options.text("sleeper", "");
    let stop = AtomicBool::new(false);
    let (latencies, slept) = thread::scope(|scope| {
        let sleeping =
            (!sleeper.is_empty()).then(|| scope.spawn(|| sleep_back_to_back(options.port, sleeper, &stop)));
        let latencies = open_loop::run(&plan);
        stop.store(true, Ordering::Relaxed);
        (latencies, sleeping.map(|handle| handle.join().expect("the sleeper does not panic")))
    });
    if let Some(slept) = slept {
        println!("sleeps {}", slept?);
    }
    latencies?.print("")
}

fn sleep_back_to_back(port: u16, path: &str, stop: &AtomicBool) -> Result<u64, String> {
    let mut client = Client::connect(port, path).map_err(|error| error.to_string())?;
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        client.exchange().map_err(|error| format!("the sleeper is not answered: {error}"))?;
        count += 1;
    }
    Ok(count)
}

/// Many connections call the sleeping route at once; the fast one is probed while they sleep.
pub(crate) fn beside_many(options: &Options) -> Result<(), String> {
    let path = options.text("sleeper", "/sleep/200");
    let problem = |error: std::io::Error| format!("a sleeper: {error}");
    let mut sleepers = Vec::new();
    for _ in 0..options.number("sleepers", 200)? {
        sleepers.push(Client::connect(options.port, path).map_err(problem)?);
    }
    let mut probe = Client::connect(options.port, options.text("path", "/")).map_err(problem)?;
    probe.exchange().map_err(problem)?;
    for sleeper in &mut sleepers {
        sleeper.send().map_err(problem)?;
    }
    let mut latencies = Latencies::default();
    let begin = Instant::now();
    for number in 0..BURST_PROBES {
        let planned = begin + BURST_INTERVAL * number;
        thread::sleep(planned.saturating_duration_since(Instant::now()));
        match probe.exchange() {
            Ok(()) => latencies.add(planned.elapsed()),
            Err(error) => latencies.fail(&error),
        }
    }
    for sleeper in &mut sleepers {
        sleeper.wait().map_err(problem)?;
    }
    println!("sleepers_done_ms {}", begin.elapsed().as_millis());
    latencies.print("")
}
