//! Host patterns of routes.

use crate::message::{is_valid_host, split_authority};

/// Whether a request's authority is for the host `pattern`: the same name or address in any case, or below
/// `*.name` (one label or more). The port does not count, nor a dot at the end of the name.
pub fn host_matches(pattern: &str, authority: &[u8]) -> bool {
    let (host, _) = split_authority(authority);
    covers(pattern.as_bytes(), host)
}

/// Whether `pattern` is something that [`host_matches`] can match.
pub fn is_host_pattern(pattern: &str) -> bool {
    let name = pattern.strip_prefix("*.").unwrap_or(pattern).as_bytes();
    is_valid_host(name)
        && split_authority(name) == (name, None)
        && name.last() != Some(&b':')
        && !name.contains(&b'*')
}

/// Whether every host that `host` (a name, or a pattern) stands for is one of `pattern`'s.
pub(super) fn covers(pattern: &[u8], host: &[u8]) -> bool {
    let (pattern, host) = (without_dot(pattern), without_dot(host));
    match pattern {
        [b'*', suffix @ ..] => {
            let Some(start) = host.len().checked_sub(suffix.len()) else { return false };
            start > 0 && host.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        }
        _ => pattern.eq_ignore_ascii_case(host),
    }
}

fn without_dot(host: &[u8]) -> &[u8] {
    host.strip_suffix(b".").unwrap_or(host)
}
