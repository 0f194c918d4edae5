//! Fields of HTTP/1.1 connections (RFC 9113 §8.2.2).

use crate::check::{Check, Finding, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §8.2.2":
    connection_is_malformed,
    proxy_connection_is_malformed,
    keep_alive_is_malformed,
    transfer_encoding_is_malformed,
    upgrade_is_malformed,
    te_with_anything_but_trailers_is_malformed,
    te_with_trailers_is_taken,
];

fn refused(site: &Site, name: &str, value: &str) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &site.get().field(name, value));
    s.malformed(1).map_err(|finding| match finding {
        Finding::Broken(why) => Finding::Broken(format!("`{name}: {value}`: {why}")),
        other => other,
    })
}

fn connection_is_malformed(site: &Site) -> Verdict {
    refused(site, "connection", "keep-alive")?;
    refused(site, "connection", "x-other")
}

fn proxy_connection_is_malformed(site: &Site) -> Verdict {
    refused(site, "proxy-connection", "keep-alive")
}

fn keep_alive_is_malformed(site: &Site) -> Verdict {
    refused(site, "keep-alive", "timeout=5")
}

fn transfer_encoding_is_malformed(site: &Site) -> Verdict {
    refused(site, "transfer-encoding", "chunked")?;
    refused(site, "transfer-encoding", "identity")
}

fn upgrade_is_malformed(site: &Site) -> Verdict {
    refused(site, "upgrade", "h2c")
}

fn te_with_anything_but_trailers_is_malformed(site: &Site) -> Verdict {
    for value in ["gzip", "trailers, deflate;q=0.5", "trailersx"] {
        refused(site, "te", value)?;
    }
    Ok(())
}

fn te_with_trailers_is_taken(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &site.get().field("te", "trailers"));
    s.served(1).map(|_| ())
}
