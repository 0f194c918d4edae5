//! Which fields end at the next hop (RFC 9110 §7.6.1).

use crate::message::{FieldBlock, FieldName, KnownName};
use crate::semantics::list::members;

/// The field lines of `fields` that may go on to the next hop, in order, as [`EndToEnd`] says.
pub fn end_to_end<'a>(fields: FieldBlock<'a>) -> impl Iterator<Item = (FieldName<'a>, &'a [u8])> + use<'a> {
    let kept = EndToEnd::of(fields);
    fields.iter().filter(move |(name, _)| kept.has(*name))
}

/// Which fields of a head go on to the next hop: not those that speak about this connection, and not those that
/// `Connection` lists.
///
/// A peer cannot have fields removed that protect somebody: `Host`, authentication, `Cookie`,
/// `Cache-Control` and what a proxy sets stay even where `Connection` lists them (CVE-2021-32813).
#[derive(Clone, Copy, Debug)]
pub struct EndToEnd<'a> {
    fields: FieldBlock<'a>,
    lists_any: bool,
}

impl<'a> EndToEnd<'a> {
    /// What the head with these fields says.
    #[inline]
    pub fn of(fields: FieldBlock<'a>) -> EndToEnd<'a> {
        let lists_any = fields.all(KnownName::Connection).any(|value| !is_plain_option(value));
        EndToEnd { fields, lists_any }
    }

    /// Whether a field line with this name goes on.
    #[inline]
    pub fn has(&self, name: FieldName<'_>) -> bool {
        !(is_hop_by_hop(name) || self.lists_any && self.goes_by_list(name))
    }

    /// Whether `Connection` has a field with this name removed. It seldom lists any.
    #[inline(never)]
    fn goes_by_list(&self, name: FieldName<'_>) -> bool {
        !is_protected(name) && is_listed(self.fields, name)
    }
}

/// Whether a field of this name never goes on.
#[inline]
pub fn is_hop_by_hop(name: FieldName<'_>) -> bool {
    let FieldName::Known(known) = name else { return false };
    matches!(
        known,
        KnownName::Connection
            | KnownName::KeepAlive
            | KnownName::ProxyConnection
            | KnownName::ProxyAuthenticate
            | KnownName::ProxyAuthorization
            | KnownName::Te
            | KnownName::Trailer
            | KnownName::TransferEncoding
            | KnownName::Upgrade
            | KnownName::ContentLength
    )
}

#[inline(never)]
fn is_plain_option(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"close") || value.eq_ignore_ascii_case(b"keep-alive")
}

fn is_protected(name: FieldName<'_>) -> bool {
    let FieldName::Known(known) = name else { return false };
    matches!(
        known,
        KnownName::Host
            | KnownName::Authorization
            | KnownName::Cookie
            | KnownName::SetCookie
            | KnownName::CacheControl
            | KnownName::ContentType
            | KnownName::Forwarded
            | KnownName::XForwardedFor
            | KnownName::XForwardedHost
            | KnownName::XForwardedProto
            | KnownName::XRequestId
            | KnownName::Traceparent
            | KnownName::Tracestate
            | KnownName::Via
    )
}

fn is_listed(fields: FieldBlock<'_>, name: FieldName<'_>) -> bool {
    fields
        .all(KnownName::Connection)
        .any(|value| members(value).any(|option| option.eq_ignore_ascii_case(name.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::end_to_end;
    use crate::message::{Field, FieldBlockMut, Scratch};
    use std::string::String;
    use std::vec::Vec;

    fn kept(lines: &[(&str, &str)]) -> Vec<String> {
        let (mut bytes, mut slots) = ([0; 1024], [Field::default(); 16]);
        let mut block = FieldBlockMut::new(Scratch { bytes: &mut bytes, fields: &mut slots });
        for (name, value) in lines {
            block.push(*name, value.as_bytes()).unwrap();
        }
        end_to_end(block.block())
            .map(|(name, _)| String::from_utf8_lossy(name.as_bytes()).into_owned())
            .collect()
    }

    #[test]
    fn what_speaks_about_this_connection_ends_here() {
        let lines = [
            ("Connection", "keep-alive"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("TE", "trailers"),
            ("Upgrade", "h2c"),
            ("Proxy-Authorization", "Basic eDp5"),
            ("Accept", "*/*"),
        ];
        assert_eq!(kept(&lines), ["Accept"]);
    }

    #[test]
    fn what_connection_lists_ends_here_in_any_spelling() {
        let lines = [
            ("Connection", "close, x-secret"),
            ("Connection", "X-Other"),
            ("X-Secret", "1"),
            ("x-other", "2"),
            ("X-Kept", "3"),
        ];
        assert_eq!(kept(&lines), ["X-Kept"]);
    }

    #[test]
    fn a_peer_cannot_have_protecting_fields_removed() {
        let lines = [
            ("Connection", "authorization, cookie, x-forwarded-for, traceparent, tracestate"),
            ("Authorization", "a"),
            ("Cookie", "b"),
            ("X-Forwarded-For", "c"),
            ("Traceparent", "d"),
            ("Tracestate", "e"),
        ];
        assert_eq!(kept(&lines), lines[1..].iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
