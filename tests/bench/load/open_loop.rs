//! Probes at a fixed rate. A probe's latency counts from the moment it was planned for, not from when it could
//! be sent: a server that stalls delays every probe that fell into the stall, and all of them show.

use core::time::Duration;
use std::thread;
use std::time::Instant;

use crate::client::Client;

pub(crate) struct Plan<'a> {
    pub(crate) port: u16,
    pub(crate) path: &'a str,
    pub(crate) rate_per_second: u64,
    pub(crate) seconds: u64,
    pub(crate) connections: u64,
}

#[derive(Default)]
pub(crate) struct Latencies {
    micros: Vec<u64>,
    failures: u64,
    first_failure: Option<String>,
}

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.micros.push(latency.as_micros().try_into().unwrap_or(u64::MAX));
    }

    pub(crate) fn fail(&mut self, error: &std::io::Error) {
        self.failures += 1;
        self.first_failure.get_or_insert_with(|| error.to_string());
    }

    fn merge(mut self, mut other: Self) -> Self {
        self.micros.append(&mut other.micros);
        self.failures += other.failures;
        self.first_failure = self.first_failure.or(other.first_failure);
        self
    }

    /// The latency that `per_mille` of the probes did not exceed.
    pub(crate) fn at(&mut self, per_mille: usize) -> Result<u64, String> {
        if self.failures > 0 || self.micros.is_empty() {
            let why = self.first_failure.as_deref().unwrap_or("none was sent");
            return Err(format!("{} of {} probes failed: {why}", self.failures, self.micros.len()));
        }
        self.micros.sort_unstable();
        let rank = (self.micros.len() * per_mille).div_ceil(1000).max(1) - 1;
        Ok(self.micros.get(rank).copied().unwrap_or(u64::MAX))
    }

    pub(crate) fn print(&mut self, prefix: &str) -> Result<(), String> {
        println!("{prefix}p50_us {}", self.at(500)?);
        println!("{prefix}p99_us {}", self.at(990)?);
        println!("{prefix}max_us {}", self.at(1000)?);
        println!("{prefix}count {}", self.micros.len());
        Ok(())
    }
}

/// Sends the planned probes, spread over the connections in turn; returns when the last is answered.
pub(crate) fn run(plan: &Plan<'_>) -> Result<Latencies, String> {
    let mut clients = Vec::new();
    for _ in 0..plan.connections {
        let mut client = Client::connect(plan.port, plan.path)
            .map_err(|error| format!("a probe can't connect: {error}"))?;
        client.exchange().map_err(|error| format!("a probe is not answered: {error}"))?;
        clients.push(client);
    }
    let interval = Duration::from_secs(1) / u32::try_from(plan.rate_per_second).unwrap_or(1000);
    let begin = Instant::now() + Duration::from_millis(20);
    let end = begin + Duration::from_secs(plan.seconds);
    let stride = interval * u32::try_from(plan.connections).unwrap_or(1);
    Ok(thread::scope(|scope| {
        let mut planned = begin;
        let mut probers = Vec::new();
        for client in clients {
            probers.push(scope.spawn(move || probe(client, planned, stride, end)));
            planned += interval;
        }
        let each = probers.into_iter().map(|prober| prober.join().expect("a prober does not panic"));
        each.fold(Latencies::default(), Latencies::merge)
    }))
}

fn probe(mut client: Client, mut planned: Instant, stride: Duration, end: Instant) -> Latencies {
    let mut latencies = Latencies::default();
    while planned < end {
        thread::sleep(planned.saturating_duration_since(Instant::now()));
        match client.exchange() {
            Ok(()) => latencies.add(planned.elapsed()),
            Err(error) => {
                latencies.fail(&error);
                return latencies;
            }
        }
        planned += stride;
    }
    latencies
}
