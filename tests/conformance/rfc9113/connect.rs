//! CONNECT (RFC 9113 §8.5).

use rws_tests::h2::Block;

use crate::check::{Check, Finding, Verdict, broken, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §8.5":
    connect_with_a_scheme_or_a_path_is_malformed,
    connect_without_an_authority_is_malformed,
    extended_connect_that_was_not_offered_is_malformed,
    connect_is_answered_or_refused_on_its_own_stream,
];

fn connect(site: &Site) -> Block {
    Block::new().field(":method", "CONNECT").field(":authority", &site.authority)
}

fn connect_with_a_scheme_or_a_path_is_malformed(site: &Site) -> Verdict {
    let blocks = [
        connect(site).field(":scheme", "http").field(":path", "/"),
        connect(site).field(":scheme", "http"),
        connect(site).field(":path", "/"),
    ];
    for block in blocks {
        let mut s = site.open()?;
        s.begin(1, &block);
        s.malformed(1)?;
    }
    Ok(())
}

fn connect_without_an_authority_is_malformed(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &Block::new().field(":method", "CONNECT"));
    s.malformed(1)
}

/// RFC 8441 §3: only to a server that has said so. One that has takes it for a request, and may refuse that.
fn extended_connect_that_was_not_offered_is_malformed(site: &Site) -> Verdict {
    let mut s = site.open()?;
    if s.setting(0x8, 0) == 1 {
        return Err(Finding::Inapplicable("it offers extended CONNECT"));
    }
    s.begin(1, &connect(site).field(":protocol", "websocket").field(":scheme", "http").field(":path", "/"));
    s.malformed(1)
}

/// Few servers are forward proxies: all others say no, and work on.
fn connect_is_answered_or_refused_on_its_own_stream(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &connect(site));
    if s.response(1).is_err() && s.ping().is_err() {
        return broken(format!("it sent {}", s.story()));
    }
    s.sound(3)
}
