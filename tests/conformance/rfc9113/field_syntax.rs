//! What names and values may be made of (RFC 9113 §8.2.1).

use crate::check::{Check, Finding, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §8.2.1":
    an_upper_case_name_is_malformed,
    control_octets_and_space_in_a_name_are_malformed,
    octets_beyond_ascii_in_a_name_are_malformed,
    a_colon_within_a_name_is_malformed,
    an_empty_name_is_malformed,
    nul_cr_and_lf_in_a_value_are_malformed,
    white_space_around_a_value_is_malformed,
    nul_cr_and_lf_in_pseudo_fields_are_malformed,
    odd_but_lawful_fields_are_taken,
];

/// A request with this field, on a connection of its own.
fn refused(site: &Site, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Verdict {
    let (name, value) = (name.as_ref(), value.as_ref());
    let mut s = site.open()?;
    s.request(1, &site.get().field(name, value));
    s.malformed(1).map_err(|finding| match finding {
        Finding::Broken(why) => {
            Finding::Broken(format!("`{}: {}`: {why}", name.escape_ascii(), value.escape_ascii()))
        }
        other => other,
    })
}

fn an_upper_case_name_is_malformed(site: &Site) -> Verdict {
    for name in ["X-Test", "x-tesT", "A", "Z"] {
        refused(site, name, "ok")?;
    }
    Ok(())
}

fn control_octets_and_space_in_a_name_are_malformed(site: &Site) -> Verdict {
    for octet in (0..=0x20).chain([0x7f]) {
        refused(site, [b'x', octet, b'y'], "ok")?;
    }
    for name in [" x", "x ", "\tx", "x\r\ny: z"] {
        refused(site, name, "ok")?;
    }
    Ok(())
}

fn octets_beyond_ascii_in_a_name_are_malformed(site: &Site) -> Verdict {
    for octet in [0x80, 0xa0, 0xc3, 0xff] {
        refused(site, [b'x', octet], "ok")?;
    }
    Ok(())
}

fn a_colon_within_a_name_is_malformed(site: &Site) -> Verdict {
    for name in ["x:y", "x:", "host:", "x:y:z"] {
        refused(site, name, "ok")?;
    }
    Ok(())
}

/// No name at all (RFC 9110 §5.1), though not in the list of what has to be refused.
fn an_empty_name_is_malformed(site: &Site) -> Verdict {
    let verdict = refused(site, "", "ok");
    if verdict.is_err() && !site.is_strict {
        return Err(Finding::Inapplicable("recommended, and not done"));
    }
    verdict
}

fn nul_cr_and_lf_in_a_value_are_malformed(site: &Site) -> Verdict {
    for value in ["a\0b", "a\rb", "a\nb", "a\r\nx: y", "\0", "a\n", "\r\n"] {
        refused(site, "x-test", value)?;
    }
    Ok(())
}

fn white_space_around_a_value_is_malformed(site: &Site) -> Verdict {
    for value in [" a", "a ", "\ta", "a\t", " "] {
        refused(site, "x-test", value)?;
    }
    Ok(())
}

fn nul_cr_and_lf_in_pseudo_fields_are_malformed(site: &Site) -> Verdict {
    let plain = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", site.path.as_str()),
        (":authority", &site.authority),
    ];
    for bad in ["\0", "\r", "\n", "\r\nx: y", " HTTP/1.1\r\nHost: b\r\n\r\n"] {
        for at in 0..plain.len() {
            let mut s = site.open()?;
            let block =
                plain.iter().enumerate().fold(rws_tests::h2::Block::new(), |block, (own, (name, value))| {
                    block.field(name, format!("{value}{}", if own == at { bad } else { "" }))
                });
            s.request(1, &block);
            s.malformed(1).map_err(|finding| match finding {
                Finding::Broken(why) => Finding::Broken(format!("{bad:?} in {}: {why}", plain[at].0)),
                other => other,
            })?;
        }
    }
    Ok(())
}

fn odd_but_lawful_fields_are_taken(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let block =
        site.get().field("x-empty", "").field("x.!#$%&'*+^_`|~1", "a \t b").field("x-high", [0xfc, 0x80]);
    s.request(
        1,
        &block.field("x-same", "1").field("x-same", "2").field("cookie", "a=b").field("cookie", "c=d"),
    );
    s.served(1).map(|_| ())
}
