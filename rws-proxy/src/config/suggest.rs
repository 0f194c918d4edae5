//! "Did you mean …?": the nearest known name to a misspelt one.

/// Names longer than this are not compared: no key of ours is near them, and the cost is their square.
const NAME_CHARS_MAX: usize = 64;

/// The candidate that is nearest to `written`, if it is near enough to be what was meant: at most one slip for
/// every three letters. Letter case and the choice between `-` and `_` count for nothing.
pub(super) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = plain(written);
    if written.is_empty() || written.len() > NAME_CHARS_MAX {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| (distance(&written, &plain(candidate)), candidate))
        .filter(|(slips, candidate)| *slips <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// The key that goes by another name elsewhere.
pub(super) fn other_word(written: &str) -> Option<&'static str> {
    Some(match String::from_iter(plain(written)).as_str() {
        "workers" | "worker_processes" | "threads" => "thread_count",
        "listen" | "bind" | "address" => "ip",
        "document_root" | "directory" | "folder" => "root",
        "client_max_body_size" | "max_body_size" | "body_limit" => "request_body_bytes_max",
        "set_real_ip_from" | "trust_proxy" => "trusted_proxies",
        "real_ip_header" => "client_ip_field",
        "servers" | "targets" => "backends",
        "balance" | "algorithm" | "lb_policy" => "strategy",
        "to" | "target" | "url" => "location",
        "code" => "status",
        "autoindex" | "browse" => "directory_listing",
        "pass" | "proxy_pass" => "upstream",
        "timeout" => "read_timeout_ms",
        _ => return None,
    })
}

fn plain(name: &str) -> Vec<char> {
    name.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b` (optimal string
/// alignment), by three rows of the usual table.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, to) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(from != to);
            row[j + 1] = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && a[i - 1] == *to && *from == b[j - 1];
            if swapped {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = core::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{nearest, other_word};

    #[test]
    fn one_slip_finds_the_name() {
        for written in ["prot", "por", "portt", "Port", "pprt"] {
            assert_eq!(nearest(written, ["ip", "port", "root"]), Some("port"), "{written}");
        }
        assert_eq!(nearest("thread-cont", ["ip", "thread_count"]), Some("thread_count"));
    }

    #[test]
    fn every_other_word_means_a_key() {
        let keys = || crate::config::keys::SECTIONS.iter().flat_map(|section| section.keys);
        for written in ["Workers", "bind", "folder", "body-limit", "trust_proxy", "servers", "to", "timeout"]
        {
            let meant = other_word(written).expect("a key");
            assert!(keys().any(|key| key.name == meant && key.available), "{written}: {meant}");
        }
        assert_eq!(other_word("retries"), None);
    }

    #[test]
    fn what_is_far_from_everything_gets_no_suggestion() {
        assert_eq!(nearest("certificate", ["ip", "port", "root"]), None);
        assert_eq!(nearest("", ["ip"]), None);
        assert_eq!(nearest(&"p".repeat(10_000), ["port"]), None);
    }
}
