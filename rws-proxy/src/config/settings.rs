//! The top-level settings. The sources are applied one after the other onto the same value, so the order of the
//! calls is the precedence: environment, then file, then command line.

use super::keys::{self, Key};
use super::model::{Config, LogFormat};
use super::problems::{Problem, Problems, Spot, quoted};
use super::reader::{Table, Value, not_available};
use super::suggest::nearest;
use super::{Overrides, Surroundings, rules};
use alloc::rc::Rc;
use core::net::IpAddr;
use core::num::NonZeroUsize;
use core::time::Duration;
use rws_core::middleware::{Cidr, HopField};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What was set so far; `None` is the default.
#[derive(Debug, Default)]
pub(super) struct Settings {
    ip: Option<IpAddr>,
    port: Option<u16>,
    thread_count: Option<NonZeroUsize>,
    log_format: Option<LogFormat>,
    access_log: Option<bool>,
    metrics: Option<bool>,
    http2: Option<bool>,
    pub(super) root: Option<PathBuf>,
    request_body_bytes_max: Option<u64>,
    head_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    shutdown_timeout: Option<Duration>,
    drain_delay: Option<Duration>,
    connections_per_ip_max: Option<usize>,
    connections_per_ip_loopback: Option<bool>,
    trusted_proxies: Option<Vec<Cidr>>,
    client_ip_field: Option<HopField>,
    request_id: Option<bool>,
}

impl Settings {
    /// Applies every `RWS_CONFIG_` variable.
    pub(super) fn apply_environment(
        &mut self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        around: &Surroundings<'_>,
        problems: &Problems<'_>,
    ) {
        let mut ours: Vec<(String, OsString)> = environment
            .into_iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .filter(|(name, _)| name.starts_with(keys::ENVIRONMENT_PREFIX))
            .collect();
        ours.sort();
        // The two names of the body limit sort apart; the alias comes first, so the newer name would win silently.
        refuse_two_body_limits(&ours, problems);
        for (variable, value) in &ours {
            let Some(key) = environment_key(variable, problems) else { continue };
            let Some(text) = environment_text(variable, value, problems) else { continue };
            self.set(&Value::from_environment(key, variable, text), Path::new(""), around, problems);
        }
    }

    /// Applies the top level of the file.
    pub(super) fn apply_file(&mut self, top: &Table<'_>, around: &Surroundings<'_>, problems: &Problems<'_>) {
        for name in top.names() {
            let is_setting = keys::TOP.key(name).is_some_and(keys::has_environment_twin);
            if let (true, Some(value)) = (is_setting, top.value(name)) {
                self.set(&value, around.file_directory, around, problems);
            }
        }
    }

    /// Applies the options of the command line.
    pub(super) fn apply_command_line(
        &mut self,
        options: &Overrides,
        around: &Surroundings<'_>,
        problems: &Problems<'_>,
    ) {
        let ip = options.ip.map(|ip| ip.to_string());
        let root = options.root.as_deref().map(|root| (root, root.to_str()));
        if let Some((path, None)) = root {
            let problem = Problem::new(format!("the root {} is not UTF-8", quoted(&path.to_string_lossy())));
            problems.add(Spot::CommandLine("--root"), problem);
        }
        let values = [
            ip.as_deref().map(|ip| Value::text_option("ip", "--ip", ip)),
            options.port.map(|port| Value::number_option("port", "--port", port.into())),
            options.thread_count.map(|n| Value::number_option("thread_count", "--thread-count", n.into())),
            root.and_then(|(_, text)| text).map(|text| Value::text_option("root", "--root", text)),
        ];
        for value in values.into_iter().flatten() {
            self.set(&value, Path::new(""), around, problems);
        }
    }

    /// Sets one key. A bad value is noted and leaves what was set before; nothing starts then anyway.
    fn set(&mut self, value: &Value<'_>, base: &Path, around: &Surroundings<'_>, problems: &Problems<'_>) {
        fn put<T>(slot: &mut Option<T>, value: Option<T>) {
            if value.is_some() {
                *slot = value;
            }
        }
        let p = problems;
        match value.key() {
            "ip" => put(&mut self.ip, value.text(p, rules::ip)),
            "port" => put(&mut self.port, value.integer(p, rules::port)),
            "thread_count" => put(&mut self.thread_count, value.integer(p, rules::thread_count)),
            "log_format" => put(&mut self.log_format, value.text(p, rules::log_format)),
            "access_log" => put(&mut self.access_log, value.boolean(p)),
            "metrics" => put(&mut self.metrics, value.boolean(p)),
            "http2" => put(&mut self.http2, value.boolean(p)),
            "root" => put(&mut self.root, value.text(p, |text| around.root(base, text))),
            "request_body_bytes_max" => {
                put(&mut self.request_body_bytes_max, value.integer(p, rules::bytes_max))
            }
            "head_timeout_ms" => put(&mut self.head_timeout, value.integer(p, rules::timeout_ms)),
            "idle_timeout_ms" => put(&mut self.idle_timeout, value.integer(p, rules::timeout_ms)),
            "shutdown_timeout_ms" => put(&mut self.shutdown_timeout, value.integer(p, rules::timeout_ms)),
            "drain_delay_ms" => put(&mut self.drain_delay, value.integer(p, rules::delay_ms)),
            "connections_per_ip_max" => {
                put(&mut self.connections_per_ip_max, value.integer(p, rules::connections_max))
            }
            "connections_per_ip_loopback" => put(&mut self.connections_per_ip_loopback, value.boolean(p)),
            "trusted_proxies" => put(&mut self.trusted_proxies, value.texts(p, rules::network)),
            "client_ip_field" => put(&mut self.client_ip_field, value.text(p, rules::client_ip_field)),
            "request_id" => put(&mut self.request_id, value.boolean(p)),
            other => debug_assert!(false, "{other} is declared in keys.rs but not read"),
        }
    }

    /// The configuration with every default filled in, and no upstreams and routes yet.
    pub(super) fn into_config(self) -> Config {
        let default = Config::default();
        let access_log = self.access_log.unwrap_or(default.access_log);
        Config {
            ip: self.ip.unwrap_or(default.ip),
            port: self.port.unwrap_or(default.port),
            thread_count: self.thread_count.or(default.thread_count),
            log_format: self.log_format.unwrap_or(default.log_format),
            access_log,
            // An id is for finding a request in the log.
            request_id: self.request_id.unwrap_or(access_log),
            trusted_proxies: self.trusted_proxies.unwrap_or(default.trusted_proxies),
            client_ip_field: self.client_ip_field.unwrap_or(default.client_ip_field),
            metrics: self.metrics.unwrap_or(default.metrics),
            http2: self.http2.unwrap_or(default.http2),
            root: self.root.or(default.root),
            request_body_bytes_max: self.request_body_bytes_max.unwrap_or(default.request_body_bytes_max),
            head_timeout: self.head_timeout.unwrap_or(default.head_timeout),
            idle_timeout: self.idle_timeout.unwrap_or(default.idle_timeout),
            shutdown_timeout: self.shutdown_timeout.unwrap_or(default.shutdown_timeout),
            drain_delay: self.drain_delay.unwrap_or(default.drain_delay),
            connections_per_ip_max: self.connections_per_ip_max.unwrap_or(default.connections_per_ip_max),
            connections_per_ip_loopback: self
                .connections_per_ip_loopback
                .unwrap_or(default.connections_per_ip_loopback),
            upstreams: default.upstreams,
            routes: default.routes,
        }
    }
}

fn spot(variable: &str) -> Spot {
    Spot::Environment(Rc::from(variable))
}

fn environment_key(variable: &str, problems: &Problems<'_>) -> Option<&'static Key> {
    if variable == keys::BODY_LIMIT_ALIAS {
        return keys::TOP.key("request_body_bytes_max");
    }
    let twins = || keys::TOP.keys.iter().filter(|key| keys::has_environment_twin(key));
    match twins().find(|key| keys::environment_name(key) == variable) {
        Some(key) if key.available => Some(key),
        Some(_) => {
            problems.add(spot(variable), not_available(&format!("`{variable}`")));
            None
        }
        None => {
            let names: Vec<String> = twins().map(keys::environment_name).collect();
            let all = names.iter().map(String::as_str).chain([keys::BODY_LIMIT_ALIAS]);
            let own = |name: &str| name.get(keys::ENVIRONMENT_PREFIX.len()..).unwrap_or_default().to_owned();
            let short: Vec<String> = all.map(own).collect();
            let near = nearest(&own(variable), short.iter().map(String::as_str));
            let hint = near.map(|name| format!("did you mean `{}{name}`?", keys::ENVIRONMENT_PREFIX));
            let problem = Problem::new(format!("unknown environment variable {}", quoted(variable)))
                .hint("unset it: every variable that begins with RWS_CONFIG_ must be a setting");
            problems.add(spot(variable), problem.maybe_hint(hint));
            None
        }
    }
}

fn environment_text<'v>(variable: &str, value: &'v OsStr, problems: &Problems<'_>) -> Option<&'v str> {
    match value.to_str() {
        Some("") => {
            let problem = Problem::new(format!("`{variable}` is empty"));
            problems.add(spot(variable), problem.hint("unset it to use the default"));
            None
        }
        None => {
            problems.add(spot(variable), Problem::new(format!("`{variable}` is not UTF-8")));
            None
        }
        text => text,
    }
}

fn refuse_two_body_limits(ours: &[(String, OsString)], problems: &Problems<'_>) {
    let name = format!("{}REQUEST_BODY_BYTES_MAX", keys::ENVIRONMENT_PREFIX);
    let of = |wanted: &str| ours.iter().find(|(variable, _)| variable == wanted).map(|(_, value)| value);
    if let (Some(alias), Some(value)) = (of(keys::BODY_LIMIT_ALIAS), of(&name))
        && alias != value
    {
        let message = format!("`{}` and `{name}` disagree", keys::BODY_LIMIT_ALIAS);
        let problem = Problem::new(message).hint("they are two names of one limit: unset one of them");
        problems.add(spot(keys::BODY_LIMIT_ALIAS), problem);
    }
}
