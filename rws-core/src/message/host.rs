//! Authorities: host and port, as in `Host` and in request targets (RFC 9110 §7.2, RFC 3986 §3.2).

use super::plain::name_run_end;
use crate::SMALL;

/// The longest host that is accepted: bytes (RFC 3986 §3.2.2).
pub const HOST_BYTES_MAX: usize = 255;

/// Whether `value` is a host, not empty, with an optional port of 0 to 65535.
///
/// A host is a name, an IPv4 address or an IPv6 address in brackets. Names are stricter than the grammar of
/// RFC 3986 §3.2.2: its unreserved bytes and the marks `!$&'()*+=`, in labels divided by single dots (a last
/// dot may stand at the end). Escapes give one host two spellings, `,` and `;` look like a list of two hosts to
/// who reads `Forwarded` or a merged field, and empty labels (`..`) have walked out of folders named by host:
/// these, zones, IPvFuture and user information are refused.
pub fn is_valid_host(value: &[u8]) -> bool {
    is_valid_host_at(value, 0, value.len())
}

/// As [`is_valid_host`], of `arena[at..end]`: what follows lets the quick look read whole blocks.
#[inline]
pub(super) fn is_valid_host_at(arena: &[u8], at: usize, end: usize) -> bool {
    if SMALL {
        return arena.get(at..end).is_some_and(closer_look);
    }
    let first = arena.get(at).copied().unwrap_or(0);
    if first.is_ascii_alphanumeric() && end.saturating_sub(at) <= HOST_BYTES_MAX {
        let stop = name_run_end(arena, at.wrapping_add(1), end);
        if stop == end {
            return true;
        }
        if arena.get(stop) == Some(&b':') {
            return is_port(arena.get(stop.wrapping_add(1)..end).unwrap_or(&[]));
        }
    }
    arena.get(at..end).is_some_and(closer_look)
}

/// Judges a host byte by byte.
#[inline(never)]
fn closer_look(value: &[u8]) -> bool {
    if let [b'[', rest @ ..] = value {
        let Some(end) = rest.iter().position(|&byte| byte == b']') else { return false };
        let Some((address, rest)) = rest.split_at_checked(end) else { return false };
        return is_ipv6(address) && matches!(rest, [b']', port @ ..] if is_port_suffix(port));
    }
    let len = value.iter().position(|&byte| byte == b':').unwrap_or(value.len());
    let Some((name, port)) = value.split_at_checked(len) else { return false };
    is_name(name) && is_port_suffix(port)
}

/// Splits a valid authority into its host (brackets kept) and its port, if one is written.
pub fn split_authority(authority: &[u8]) -> (&[u8], Option<u16>) {
    let Some(colon) = authority.iter().rposition(|&byte| byte == b':' || byte == b']') else {
        return (authority, None);
    };
    match authority.split_at_checked(colon) {
        Some((host, [b':', digits @ ..])) => (host, port_number(digits)),
        _ => (authority, None),
    }
}

fn is_name(name: &[u8]) -> bool {
    if name.len() > HOST_BYTES_MAX {
        return false;
    }
    let mut label_is_empty = true;
    for &byte in name {
        if byte == b'.' {
            if label_is_empty {
                return false;
            }
            label_is_empty = true;
        } else if byte.is_ascii_alphanumeric() || is_name_mark(byte) {
            label_is_empty = false;
        } else {
            return false;
        }
    }
    !name.is_empty()
}

const fn is_name_mark(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b'=')
}

/// Eight groups of up to four hexadecimal digits (RFC 4291 §2.2): one run of groups that are zero may be left out as
/// `::`, and the last two may be written as an IPv4 address. By hand, since the parser of the standard library can
/// panic in the eyes of a linker.
fn is_ipv6(address: &[u8]) -> bool {
    let (mut groups, mut gap, mut rest) = (0u8, false, address);
    loop {
        rest = match rest {
            [b':', b':', after @ ..] if !gap => {
                gap = true;
                if after.is_empty() {
                    break;
                }
                after
            }
            [b':', after @ ..] if groups > 0 => after,
            _ => rest,
        };
        let len = rest.iter().position(|&byte| byte == b':').unwrap_or(rest.len());
        let Some((group, after)) = rest.split_at_checked(len) else { return false };
        if after.is_empty() && is_ipv4(group) {
            groups = groups.saturating_add(2);
            break;
        }
        if !matches!(len, 1..=4) || !group.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        groups = groups.saturating_add(1);
        if after.is_empty() {
            break;
        }
        rest = after;
    }
    if gap { groups < 8 } else { groups == 8 }
}

/// Four numbers up to 255, without leading zeros.
fn is_ipv4(address: &[u8]) -> bool {
    let mut parts = 0u8;
    for part in address.split(|&byte| byte == b'.') {
        let is_number = matches!(part.len(), 1..=3)
            && port_number(part).is_some_and(|number| number <= 255)
            && (part.len() == 1 || part.first() != Some(&b'0'));
        if !is_number {
            return false;
        }
        parts = parts.saturating_add(1);
    }
    parts == 4
}

fn is_port_suffix(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b':', digits @ ..] => is_port(digits),
        _ => false,
    }
}

/// A port; it may be missing after its colon (RFC 3986 §3.2.3).
#[inline]
fn is_port(digits: &[u8]) -> bool {
    digits.is_empty() || port_number(digits).is_some()
}

/// One to five digits, at most 65535.
fn port_number(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > 5 {
        return None;
    }
    let mut port = 0u32;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Five digits fit 32 bits.
        port = port.wrapping_mul(10).wrapping_add(u32::from(digit));
    }
    u16::try_from(port).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_ports_are_valid_hosts() {
        for host in [
            "example.com",
            "example.com.",
            "EXAMPLE.com:80",
            "a_b-c~d",
            "localhost:",
            "127.0.0.1:65535",
            "[::1]",
            "[::1]:0",
            "[2001:db8::ffff:192.0.2.1]:8443",
            "xn--nxasmq6b.example",
            "h:00080",
            "0.0.0.0=5000",
        ] {
            assert!(is_valid_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn what_could_be_read_as_another_host_is_refused() {
        for host in [
            "",
            ":80",
            ".",
            ".a",
            "a..b",
            "a..",
            "user@example.com",
            "a:b@c",
            "example.com:65536",
            "example.com:-1",
            "example.com:+80",
            "example.com:080000",
            "example.com:8 0",
            "a:80:80",
            "a b",
            "a,b",
            "a/b",
            "a\\b",
            "a%2e",
            "a?b",
            "a#b",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]80",
            "[::1%25eth0]",
            "[::1%eth0]",
            "[v1.a]",
            "[]",
            "[127.0.0.1]",
            "a;b",
            "a\"b",
            "a<b",
            "a\u{e9}b",
            "a\tb",
            "a\0b",
            "http://a",
        ] {
            assert!(!is_valid_host(host.as_bytes()), "{host}");
        }
        assert!(is_valid_host(&[b'a'; HOST_BYTES_MAX]));
        assert!(!is_valid_host(&[b'a'; HOST_BYTES_MAX + 1]));
    }

    proptest::proptest! {
        #[test]
        fn an_ipv6_address_is_what_the_standard_library_takes_for_one(text in "[0-9a-f:.]{0,20}|([0-9A-Fa-f]{0,5}:{0,2}){0,9}([0-9]{1,3}[.]){0,4}[0-9]{0,3}") {
            let is_one = text.parse::<core::net::Ipv6Addr>().is_ok();
            proptest::prop_assert_eq!(is_ipv6(text.as_bytes()), is_one, "{}", text);
        }
    }

    #[test]
    fn an_authority_splits_into_host_and_port() {
        assert_eq!(split_authority(b"example.com"), (&b"example.com"[..], None));
        assert_eq!(split_authority(b"example.com:8080"), (&b"example.com"[..], Some(8080)));
        assert_eq!(split_authority(b"example.com:"), (&b"example.com"[..], None));
        assert_eq!(split_authority(b"[::1]"), (&b"[::1]"[..], None));
        assert_eq!(split_authority(b"[::1]:443"), (&b"[::1]"[..], Some(443)));
        assert_eq!(split_authority(b""), (&b""[..], None));
    }
}
