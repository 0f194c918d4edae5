//! Pseudo-header fields (RFC 9113 §8.3, §8.3.1).

use rws_tests::h2::Block;

use crate::check::{Check, Finding, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const GENERAL: &[Check] = checks!["RFC 9113 §8.3":
    an_unknown_pseudo_field_is_malformed,
    the_pseudo_field_of_responses_is_malformed_in_a_request,
    a_pseudo_field_behind_a_regular_one_is_malformed,
    a_repeated_pseudo_field_is_malformed,
    pseudo_fields_may_come_in_any_order,
];

fn malformed(site: &Site, block: &Block) -> Verdict {
    let mut s = site.open()?;
    s.request(1, block);
    s.malformed(1)
}

/// Clients must not send such a thing; servers should refuse it, and `--strict` wants them to.
fn recommended(site: &Site, block: &Block) -> Verdict {
    let mut s = site.open()?;
    s.request(1, block);
    match s.response(1) {
        // As good as a stream error: it is not served.
        Ok(response) if (400..500).contains(&response.status) => s.tolerates(),
        Ok(response) if response.status == 200 && !site.is_strict => {
            Err(Finding::Inapplicable("recommended, and not done"))
        }
        _ => malformed(site, block),
    }
}

/// The four fields of a request, but the one of this name as `replaced`.
fn but(site: &Site, name: &str, replaced: &[&str]) -> Block {
    let plain = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", site.path.as_str()),
        (":authority", &site.authority),
    ];
    plain.iter().fold(Block::new(), |block, (own, value)| {
        if *own == name {
            return replaced.iter().fold(block, |block, value| block.field(name, value));
        }
        block.field(own, value)
    })
}

fn named<'n>(name: &'n str) -> impl Fn(Finding) -> Finding + 'n {
    move |finding| match finding {
        Finding::Broken(why) => Finding::Broken(format!("{name:?}: {why}")),
        other => other,
    }
}

fn an_unknown_pseudo_field_is_malformed(site: &Site) -> Verdict {
    for name in [":test", ":", ":Method", ":host", ":protocol"] {
        // Extended CONNECT (RFC 8441) knows `:protocol`, but not with GET.
        malformed(site, &site.get().field(name, "ok")).map_err(named(name))?;
    }
    Ok(())
}

fn the_pseudo_field_of_responses_is_malformed_in_a_request(site: &Site) -> Verdict {
    malformed(site, &site.get().field(":status", "200"))
}

fn a_pseudo_field_behind_a_regular_one_is_malformed(site: &Site) -> Verdict {
    for last in [":method", ":scheme", ":path", ":authority"] {
        let value = match last {
            ":method" => "GET",
            ":scheme" => "http",
            ":path" => &site.path,
            _ => &site.authority,
        };
        malformed(site, &but(site, last, &[]).field("x-test", "ok").field(last, value))
            .map_err(named(last))?;
    }
    Ok(())
}

fn a_repeated_pseudo_field_is_malformed(site: &Site) -> Verdict {
    malformed(site, &but(site, ":method", &["GET", "GET"])).map_err(named(":method"))?;
    malformed(site, &but(site, ":scheme", &["http", "http"])).map_err(named(":scheme"))?;
    malformed(site, &but(site, ":path", &[&site.path, &site.path])).map_err(named(":path"))?;
    malformed(site, &but(site, ":authority", &[&site.authority, &site.authority]))
        .map_err(named(":authority"))
}

fn pseudo_fields_may_come_in_any_order(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let block = Block::new().field(":path", &site.path).field(":authority", &site.authority);
    s.request(1, &block.field(":method", "GET").field(":scheme", "http"));
    s.served(1).map(|_| ())
}

pub(crate) const REQUEST: &[Check] = checks!["RFC 9113 §8.3.1":
    a_request_without_a_method_is_malformed,
    a_request_without_a_scheme_is_malformed,
    a_request_without_a_path_is_malformed,
    an_empty_path_is_malformed,
    an_empty_method_is_malformed,
    an_authority_with_user_info_is_malformed,
    a_host_that_is_not_the_authority_is_malformed,
    a_host_that_is_the_authority_is_taken,
    a_host_may_stand_for_the_authority,
    a_query_is_part_of_the_path,
    an_asterisk_is_a_path_of_options_alone,
];

fn a_request_without_a_method_is_malformed(site: &Site) -> Verdict {
    malformed(site, &but(site, ":method", &[]))
}

fn a_request_without_a_scheme_is_malformed(site: &Site) -> Verdict {
    malformed(site, &but(site, ":scheme", &[]))
}

fn a_request_without_a_path_is_malformed(site: &Site) -> Verdict {
    malformed(site, &but(site, ":path", &[]))
}

fn an_empty_path_is_malformed(site: &Site) -> Verdict {
    malformed(site, &but(site, ":path", &[""]))
}

fn an_empty_method_is_malformed(site: &Site) -> Verdict {
    malformed(site, &but(site, ":method", &[""]))
}

fn an_authority_with_user_info_is_malformed(site: &Site) -> Verdict {
    recommended(site, &but(site, ":authority", &[&format!("user:secret@{}", site.authority)]))
}

/// The root of much confusion.
fn a_host_that_is_not_the_authority_is_malformed(site: &Site) -> Verdict {
    recommended(site, &site.get().field("host", "elsewhere.example"))
}

fn a_host_that_is_the_authority_is_taken(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &site.get().field("host", &site.authority));
    s.served(1).map(|_| ())
}

fn a_host_may_stand_for_the_authority(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &but(site, ":authority", &[]).field("host", &site.authority));
    s.served(1).map(|_| ())
}

fn a_query_is_part_of_the_path(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &but(site, ":path", &[&format!("{}?a=b&c=%20", site.path)]));
    s.served(1).map(|_| ())
}

fn an_asterisk_is_a_path_of_options_alone(site: &Site) -> Verdict {
    malformed(site, &but(site, ":path", &["*"])).map_err(named("GET *"))?;
    let mut s = site.open()?;
    s.request(1, &Block::request("OPTIONS", "*", &site.authority));
    let response = s.heard(1)?;
    holds(response.status != 0, || format!("OPTIONS *: {response:?}"))
}
