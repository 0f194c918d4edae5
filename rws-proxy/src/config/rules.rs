//! What a single value must be. Each rule is one pure function, used alike for the file, the environment and the
//! command line.

use super::model::{Backend, BackendHost, LogFormat};
use super::path_pattern::check_path;
use super::problems::{Problem, quoted};
use super::reader::not_available;
use super::suggest::nearest;
use core::fmt::Display;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::num::NonZeroUsize;
use core::time::Duration;
use rws_core::middleware::{Cidr, CidrFault, HopField};

const NAME_BYTES_MAX: usize = 128;
const HOST_BYTES_MAX: usize = 253;
const THREADS_MAX: i128 = 1024;
const CONNECTIONS_MAX: i128 = 1_000_000;
const TIMEOUT_MS_MAX: i128 = 24 * 60 * 60 * 1000;

/// A number within a range, both ends included.
pub(super) fn within<T: TryFrom<i128>>(
    key: &str,
    number: i128,
    least: impl Into<i128> + Display + Copy,
    most: impl Into<i128> + Display + Copy,
) -> Result<T, Problem> {
    let problem = || {
        Problem::new(format!("`{key}` is out of range: {number}"))
            .hint(format!("give a number from {least} to {most}"))
    };
    if number < least.into() || number > most.into() {
        return Err(problem());
    }
    T::try_from(number).map_err(|_| problem())
}

pub(super) fn port(key: &str, number: i128) -> Result<u16, Problem> {
    within(key, number, 0, u16::MAX)
}

pub(super) fn thread_count(key: &str, number: i128) -> Result<NonZeroUsize, Problem> {
    let count: usize = within(key, number, 1, THREADS_MAX).map_err(|problem| {
        problem
            .hint(format!("give a number from 1 to {THREADS_MAX}, or leave it out for one thread per core"))
    })?;
    NonZeroUsize::new(count).ok_or_else(|| Problem::new(format!("`{key}` is zero")))
}

/// A timeout. Zero is refused: it would mean "at once" to one reader and "never" to another.
pub(super) fn timeout_ms(key: &str, number: i128) -> Result<Duration, Problem> {
    within(key, number, 1, TIMEOUT_MS_MAX).map(Duration::from_millis)
}

/// A delay; none is fine.
pub(super) fn delay_ms(key: &str, number: i128) -> Result<Duration, Problem> {
    within(key, number, 0, TIMEOUT_MS_MAX).map(Duration::from_millis)
}

/// A cap; zero is none.
pub(super) fn connections_max(key: &str, number: i128) -> Result<usize, Problem> {
    within(key, number, 0, CONNECTIONS_MAX).map_err(|problem| {
        problem.hint(format!("give a number from 1 to {CONNECTIONS_MAX}, or 0 for no cap"))
    })
}

pub(super) fn bytes_max(key: &str, number: i128) -> Result<u64, Problem> {
    within(key, number, 0, i64::MAX)
}

pub(super) fn ip(text: &str) -> Result<IpAddr, Problem> {
    text.parse().map_err(|_| {
        let problem = Problem::new(format!("`ip` is not an IP address: {}", quoted(text)));
        problem.hint(
            "give the address to listen on, such as \"127.0.0.1\" (this machine only) or \"0.0.0.0\" (all)",
        )
    })
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, Problem> {
    match text {
        "combined" => Ok(LogFormat::Combined),
        "json" => Ok(LogFormat::Json),
        other => Err(unknown_choice("log_format", other, &["combined", "json"])),
    }
}

/// An address, or a network as its first address and the length of its prefix.
pub(super) fn network(text: &str) -> Result<Cidr, Problem> {
    Cidr::parse(text).map_err(|fault| {
        let problem = Problem::new(format!("{} is not a network: {fault}", quoted(text)));
        match (fault, first_address(text)) {
            (CidrFault::HostBits, Some(first)) => problem.hint(format!("write \"{first}\"")),
            _ => problem.hint("give an address such as \"192.0.2.1\", or a network such as \"10.0.0.0/8\""),
        }
    })
}

/// The network around an address that was written with a prefix too short for it.
fn first_address(text: &str) -> Option<String> {
    let (address, prefix) = text.split_once('/')?;
    let prefix: u32 = prefix.parse().ok()?;
    let first = match address.parse().ok()? {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(prefix)?).unwrap_or(0);
            IpAddr::from(Ipv4Addr::from_bits(ip.to_bits() & mask))
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(prefix)?).unwrap_or(0);
            IpAddr::from(Ipv6Addr::from_bits(ip.to_bits() & mask))
        }
    };
    Some(format!("{first}/{prefix}"))
}

pub(super) fn client_ip_field(text: &str) -> Result<HopField, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "x-forwarded-for" => Ok(HopField::XForwardedFor),
        "forwarded" => Ok(HopField::Forwarded),
        _ => Err(unknown_choice("client_ip_field", text, &["x-forwarded-for", "forwarded"])),
    }
}

/// A value that is none of the few that a key takes.
pub(super) fn unknown_choice(key: &str, written: &str, choices: &[&str]) -> Problem {
    let problem = Problem::new(format!("`{key}` cannot be {}", quoted(written)));
    match nearest(written, choices.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
        None => problem.hint(format!("give one of \"{}\"", choices.join("\", \""))),
    }
}

/// A name that the operator gives to a route or an upstream.
pub(super) fn name(text: &str) -> Result<String, Problem> {
    if text.is_empty() || text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
        let problem = Problem::new(format!("{} cannot be a name", quoted(text)));
        return Err(problem.hint(format!("give 1 to {NAME_BYTES_MAX} bytes without control characters")));
    }
    Ok(text.to_owned())
}

/// A host name or address without a port, in lower case; an IPv6 address keeps its brackets.
pub(super) fn host(text: &str) -> Result<String, Problem> {
    if text.contains('*') {
        return Err(not_available(&format!("a host with a wildcard, {},", quoted(text))));
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        && let Ok(address) = inner.parse::<Ipv6Addr>()
    {
        return Ok(format!("[{address}]"));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(Problem::new(format!("the host {} has no brackets", quoted(text)))
            .hint(format!("write [{text}]")));
    }
    if text.contains(':') {
        let problem = Problem::new(format!("the host {} has a port or scheme", quoted(text)));
        return Err(problem.hint("write the name alone: a route takes its host on every port"));
    }
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(inner)
    };
    // A name whose last label is a number is an IPv4 address or nothing (RFC 3986 §3.2.2).
    let is_numeric =
        text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let bad_address = is_numeric && text.parse::<Ipv4Addr>().is_err();
    if text.len() > HOST_BYTES_MAX || bad_address || !text.split('.').all(is_label) {
        let problem = Problem::new(format!("{} is not a host name", quoted(text)));
        return Err(
            problem.hint("use letters, digits, `-` and dots; write an international name in its xn-- form")
        );
    }
    Ok(text.to_ascii_lowercase())
}

/// A method's name, which is a token and told apart by case (RFC 9110 §9.1).
pub(super) fn method(text: &str) -> Result<String, Problem> {
    const COMMON: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || text.len() > 32 || !text.bytes().all(is_token) {
        return Err(Problem::new(format!("{} is not a method", quoted(text)))
            .hint("leave it out to take every method"));
    }
    let upper = text.to_ascii_uppercase();
    if upper != text && COMMON.contains(&upper.as_str()) {
        let problem = Problem::new(format!("the method {} is in lower case", quoted(text)));
        return Err(problem.hint(format!("methods are told apart by case: write \"{upper}\"")));
    }
    if upper == "CONNECT" {
        return Err(not_available("the method `CONNECT`"));
    }
    if upper == "TRACE" {
        return Err(Problem::new("the method `TRACE` is never served")
            .hint("remove it: its answer would show what a client sent, credentials included"));
    }
    Ok(text.to_owned())
}

/// `host:port`, or `http://host` with or without a port.
pub(super) fn backend(text: &str) -> Result<Backend, Problem> {
    let wrong =
        |why: &str, hint: &str| Err(Problem::new(format!("the backend {} {why}", quoted(text))).hint(hint));
    let (authority, default_port) = match text.split_once("://") {
        None => (text, None),
        Some(("http", rest)) => (rest.strip_suffix('/').unwrap_or(rest), Some(80)),
        Some(("https" | "h2c" | "grpc" | "unix", _)) => {
            return Err(not_available(&format!("the scheme of the backend {}", quoted(text))));
        }
        Some(_) => return wrong("has an unknown scheme", "give \"host:port\" or \"http://host:port\""),
    };
    if authority.contains('/') {
        return wrong("has a path", "use `add_path_prefix` in [route.action.proxy] for that");
    }
    if authority.contains('@') {
        return wrong("holds a user or password", "remove what stands before the `@`");
    }
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (authority, None),
    };
    let number = match (port, default_port) {
        (Some(digits), _) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().unwrap_or(0),
        (Some(_), _) => 0,
        (None, Some(default)) => default,
        (None, None) => return wrong("has no port", "give it as \"host:port\", such as \"127.0.0.1:9001\""),
    };
    if number == 0 {
        return wrong("has a bad port", "a port is a number from 1 to 65535");
    }
    let Ok(host) = host(name) else {
        return wrong("has a bad host", "give an IPv4 address, an IPv6 address in brackets or a host name");
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let host = match bare.parse() {
        Ok(address) => BackendHost::Ip(address),
        Err(_) => BackendHost::Name(host),
    };
    Ok(Backend { host, port: number })
}

/// A prefix that a proxied path loses or gains: a path without a slash at its end.
pub(super) fn path_prefix(text: &str) -> Result<String, Problem> {
    check_path(text)?;
    match text.strip_suffix('/') {
        Some("") => Err(Problem::new("the prefix `/` changes nothing").hint("leave it out")),
        Some(without) => Ok(without.to_owned()),
        None => Ok(text.to_owned()),
    }
}

/// Where a redirect leads: a path on this host, or a whole `http` or `https` URL; visible ASCII only, so that it
/// is safe as a field value (RFC 9110 §10.2.2).
pub(super) fn location(text: &str) -> Result<String, Problem> {
    let hint =
        "give a path such as \"/new\" or a URL such as \"https://example.com/\"; percent-encode the rest";
    let begins_well = ["/", "http://", "https://"].iter().any(|start| text.starts_with(start));
    if !begins_well || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::new(format!("{} is not a location", quoted(text))).hint(hint));
    }
    // A browser takes what follows for a host, and `\\` for `/` (the URL Standard).
    if text.starts_with("//") || text.contains('\\') {
        let problem = Problem::new(format!("{} is not a location", quoted(text)));
        return Err(problem
            .hint("it would lead to another host: write that one as a URL, or the path with one slash"));
    }
    Ok(text.to_owned())
}

/// `type/subtype`, perhaps with parameters (RFC 9110 §8.3).
pub(super) fn content_type(text: &str) -> Result<String, Problem> {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let is_token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let well_formed = essence.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    if !well_formed
        || !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        || text.ends_with(' ')
    {
        let problem = Problem::new(format!("{} is not a content type", quoted(text)));
        return Err(problem.hint("give one such as \"text/html; charset=utf-8\""));
    }
    Ok(text.to_owned())
}

/// The file that stands for a directory: a plain name.
pub(super) fn index(text: &str) -> Result<String, Problem> {
    let odd = text.is_empty() || text.len() > 255 || text.starts_with('.') || text.contains(['/', '\\']);
    if odd || text.chars().any(char::is_control) {
        let problem = Problem::new(format!("`index` is not a plain file name: {}", quoted(text)));
        return Err(problem.hint("give a name without slashes that does not begin with a dot"));
    }
    Ok(text.to_owned())
}
