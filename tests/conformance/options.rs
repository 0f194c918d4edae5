//! The command line.

use core::net::SocketAddr;
use core::time::Duration;
use std::net::ToSocketAddrs;

use crate::known::Known;
use crate::site::Site;

pub(crate) const USAGE: &str =
    "usage: conformance --target HOST:PORT [--authority TEXT] [--path PATH] [--post PATH]
       [--strict] [--patience-ms N] [--at-once N] [--known FILE] [--only TEXT]";

/// Checks mostly wait, so that several go side by side.
const AT_ONCE: usize = 4;

pub(crate) struct Options {
    pub(crate) site: Site,
    pub(crate) known: Known,
    /// Only the checks whose section or name has this text.
    pub(crate) only: Option<String>,
    /// How many checks go side by side; each has a few connections.
    pub(crate) at_once: usize,
}

impl Options {
    pub(crate) fn of(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let (mut target, mut authority, mut path, mut post) = (None, None, "/".to_owned(), None);
        let (mut is_strict, mut patience_ms, mut known, mut only) = (false, 4_000, Known::default(), None);
        let mut at_once = AT_ONCE;
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--target" => target = Some(value()?),
                "--authority" => authority = Some(value()?),
                "--path" => path = value()?,
                "--post" => post = Some(value()?),
                "--only" => only = Some(value()?),
                "--known" => known = Known::read(&value()?)?,
                "--patience-ms" => {
                    patience_ms = value()?.parse().map_err(|_| format!("{name} needs a number"))?
                }
                "--at-once" => at_once = value()?.parse().map_err(|_| format!("{name} needs a number"))?,
                "--strict" => is_strict = true,
                _ => return Err(format!("unknown option {name}")),
            }
        }
        let target = target.ok_or("--target is missing")?;
        let address = resolve(&target)?;
        let authority = authority.unwrap_or(target);
        let patience = Duration::from_millis(patience_ms);
        let site = Site { address, authority, path, post, patience, is_strict };
        Ok(Options { site, known, only, at_once })
    }
}

fn resolve(target: &str) -> Result<SocketAddr, String> {
    let mut addresses = target.to_socket_addrs().map_err(|error| format!("{target}: {error}"))?;
    addresses.next().ok_or(format!("{target} has no address"))
}
