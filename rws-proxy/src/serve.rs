//! From a checked configuration to a running server.

use core::net::SocketAddr;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::io::{self, Write as _};

use rws_core::Limits;
use rws_core::middleware::CidrSet;
use rws_std::{Running, Server, Settings};

use crate::access_log::{LogIntake, LogWriter};
use crate::config::{Action, Config};
use crate::site::Site;

/// Whatever head we take from an upstream (`head_bytes_max`) can be sent on, with what we add to it.
const RESPONSE_HEAD_BYTES_MAX: u16 = Limits::SERVER.head_bytes_max + 1024;

/// Bytes of log lines that may wait for a slow sink, per shard.
const LOG_BYTES_MAX: usize = 1024 * 1024;

/// What a process may usually open.
const USUAL_DESCRIPTORS: u64 = 1024;

/// Descriptors of the process itself: standard streams, log, signals, roots.
const BASE_DESCRIPTORS: u64 = 32;

/// Descriptors of each shard itself: listener, poller, mailbox.
const SHARD_DESCRIPTORS: u64 = 8;

/// Connections that a shard holds however few descriptors there are.
const CONNECTIONS_MIN: usize = 16;

/// How long the shutdown waits for the log's last lines.
const LOG_PATIENCE: Duration = Duration::from_secs(2);

/// Serves `config` until SIGTERM or SIGINT, then drains. Says on standard output where and what it serves;
/// the access log follows there.
///
/// # Errors
/// The address is taken or not ours, a root is gone, or the system refuses threads or descriptors.
pub fn serve(config: &Config) -> io::Result<()> {
    let (writer, intake) = if config.access_log {
        let (writer, intake) = LogWriter::start(io::stdout(), LOG_BYTES_MAX)?;
        (Some(writer), Some(intake))
    } else {
        (None, None)
    };
    let (server, site) = prepare(config, intake.as_ref())?;
    let served = server.run_and_say(site, |running| {
        // Standard output may be closed: nobody wants to know then.
        let _ = write!(io::stdout(), "{}", banner(running.address(), config));
    });
    if let Some(writer) = writer {
        // Lines that a hanging sink does not take are lost; the shutdown goes on.
        let _ = writer.finish(LOG_PATIENCE);
    }
    served
}

/// Starts to serve `config` in the background; for tests, and for who embeds the server.
///
/// # Errors
/// As [`serve`].
pub fn start(config: &Config, log: Option<&LogIntake>) -> io::Result<Running<Site>> {
    let (server, site) = prepare(config, log)?;
    server.start(site)
}

fn prepare(config: &Config, log: Option<&LogIntake>) -> io::Result<(Server, Site)> {
    let available = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let shards = config.thread_count.map_or_else(available, NonZeroUsize::get);
    let site = Site::new(config, shards, log)?;
    let address = SocketAddr::new(config.ip, config.port);
    let server = Server::bind(address).map_err(|error| unbound(address, &error))?;
    // More descriptors are a convenience: without them there are fewer connections.
    let descriptors = rws_std::sys::raise_open_files_limit().unwrap_or(Some(USUAL_DESCRIPTORS));
    let connections_max = connections_max(descriptors, shards);
    Ok((server.shards(shards).settings(Settings { connections_max, ..settings(config) }), site))
}

/// Connections that each of `shards` may hold when the process may open so many descriptors. Each may need one more, for
/// the file or the upstream that its answer comes from: a crowd that only sits there must not take these as well.
fn connections_max(descriptors: Option<u64>, shards: usize) -> usize {
    let most = Settings::default().connections_max;
    let Some(descriptors) = descriptors else { return most };
    let shards = shards as u64;
    let for_connections = descriptors.saturating_sub(BASE_DESCRIPTORS + SHARD_DESCRIPTORS * shards) / 2;
    usize::try_from(for_connections / shards.max(1)).unwrap_or(most).clamp(CONNECTIONS_MIN, most)
}

fn settings(config: &Config) -> Settings {
    let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    // Where there are calls, the route says what a body beyond the limit comes to, and not the engine.
    let has_calls = config.routes.iter().any(|route| matches!(route.action, Action::Grpc(_)));
    let limits = Limits {
        body_bytes_max: if has_calls { u64::MAX } else { config.request_body_bytes_max },
        first_byte_timeout_us: us(config.head_timeout),
        head_timeout_us: us(config.head_timeout),
        idle_timeout_us: us(config.idle_timeout),
        response_head_bytes_max: RESPONSE_HEAD_BYTES_MAX,
        ..Limits::SERVER
    };
    let default = Settings::default();
    let proxies = config.trusted_proxies.iter().map(ToString::to_string);
    let near = (!config.connections_per_ip_loopback).then_some(["127.0.0.0/8", "::1"]).into_iter().flatten();
    let exempt: Vec<String> = proxies.chain(near.map(str::to_owned)).collect();
    // What a network is written as reads back as that network.
    let exempt = CidrSet::parse(exempt.iter().map(String::as_str)).unwrap_or_default();
    Settings {
        limits,
        http2: config.http2 && default.http2,
        connections_per_ip_max: config.connections_per_ip_max,
        connections_per_ip_exempt: exempt,
        drain_delay: config.drain_delay,
        drain_timeout: config.shutdown_timeout,
        ..default
    }
}

/// Why an address could not be bound, and what to do about it.
fn unbound(address: SocketAddr, error: &io::Error) -> io::Error {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "; another program listens there: end it, or choose another --port",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege: choose another --port",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address: choose another --ip",
        _ => "",
    };
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}{hint}"))
}

fn banner(address: SocketAddr, config: &Config) -> String {
    let mut text = format!("http://{address}\n");
    for route in &config.routes {
        let host = route.matching.host.as_deref().unwrap_or("");
        text += &format!("  {host}{}  {}\n", route.matching.path, describe(&route.action, config));
    }
    if let Some(root) = &config.root {
        text += &format!("  /*  files of {}\n", root.display());
    }
    text + "  /healthz, /readyz, /metrics\n"
}

fn describe(action: &Action, config: &Config) -> String {
    use Action::{Grpc, Proxy, Redirect, Respond, Static};
    match action {
        Static(files) => format!("files of {}", files.root.display()),
        Respond(respond) => format!("status {}", respond.status),
        Redirect(redirect) => format!("redirect to {}", redirect.location),
        Proxy(proxy) | Grpc(proxy) => {
            format!("upstream {}", config.upstreams.get(proxy.upstream).map_or("", |upstream| &upstream.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_descriptors_are_left_to_files_and_upstreams() {
        assert_eq!(connections_max(Some(1024), 2), (1024 - 32 - 16) / 2 / 2);
        assert_eq!(connections_max(Some(1_000_000), 2), Settings::default().connections_max);
        assert_eq!(connections_max(None, 2), Settings::default().connections_max);
        assert_eq!(connections_max(Some(40), 4), CONNECTIONS_MIN);
    }
}
