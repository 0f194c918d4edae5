//! The quick way for request targets that need no decoding, which are almost all.
//!
//! It has no rule of its own: what it takes, [`parse_target`] takes too, with the same result, and all else
//! is left to that. A test holds the two together.

use super::{Stop, span};
use crate::message::{Method, PathAt, Span, TargetForm, TargetSpans, parse_target};
use crate::scan::{self, Kernel};
use crate::{Limits, PeerFault};

/// A request target between its spaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    raw: Span,
    /// Where the path ends, and whether a query follows, if the path is canonical as it stands.
    plain: Option<(u16, bool)>,
}

/// Reads the target that starts at `at`, with the space behind it. Gives what follows.
#[inline(always)]
pub(super) fn read<K: Kernel>(
    kernel: K,
    bytes: &[u8],
    at: usize,
    limits: &Limits,
) -> Result<(Target, usize), Stop> {
    let path_end = kernel.segments_end(scan::PATH, bytes, at);
    let mut end = path_end;
    let has_query = bytes.get(end) == Some(&b'?');
    if has_query {
        end = kernel.run_end(scan::QUERY, bytes, end.wrapping_add(1));
    }
    let mut plain = Some((path_end as u16, has_query)).filter(|_| bytes.get(at) == Some(&b'/'));
    if bytes.get(end) != Some(&b' ') {
        end = kernel.run_end(scan::VISIBLE, bytes, end);
        plain = None;
    }
    if end.wrapping_sub(at) > usize::from(limits.target_bytes_max) {
        return Err(PeerFault::TargetTooLong.into());
    }
    match bytes.get(end) {
        Some(b' ') if end > at => Ok((Target { raw: span(at, end), plain }, end.wrapping_add(1))),
        None => Err(Stop::Incomplete),
        Some(b'\r' | b'\n' | b' ') => Err(PeerFault::RequestLineSyntax.into()),
        Some(_) => Err(PeerFault::TargetSyntax.into()),
    }
}

impl Target {
    /// The target's parts, with `host` for its authority if it has none itself.
    #[inline(always)]
    pub(super) fn resolve<K: Kernel>(
        self,
        kernel: K,
        method: Method,
        host: Span,
        bytes: &[u8],
        scratch: &mut [u8],
    ) -> Result<TargetSpans, PeerFault> {
        let Target { raw, plain } = self;
        match plain {
            Some((path_end, has_query)) if method != Method::Connect && is_plain(kernel, bytes, host) => {
                let path = Span { at: raw.at, len: path_end.wrapping_sub(raw.at) };
                let query_at = path_end.wrapping_add(1);
                let query = Span { at: query_at, len: (raw.end() as u16).wrapping_sub(query_at) };
                Ok(TargetSpans {
                    form: TargetForm::Origin,
                    raw,
                    path: PathAt::Arena(path),
                    query: if has_query { Some(query) } else { None },
                    authority: host,
                })
            }
            Some(_) | None => parse_target(method, raw, host, bytes, scratch),
        }
    }
}

/// Whether the host is an ordinary name or IPv4 address, with a port of up to four digits, if any.
#[inline(always)]
fn is_plain<K: Kernel>(kernel: K, bytes: &[u8], host: Span) -> bool {
    let (at, host_end) = (usize::from(host.at), host.end());
    let end = kernel.segments_end(scan::LABELS, bytes, at);
    let name_len = end.wrapping_sub(at);
    if name_len == 0 || name_len > crate::message::HOST_BYTES_MAX || bytes.get(at) == Some(&b'.') {
        return false;
    }
    if end == host_end {
        return true;
    }
    match bytes.get(end..host_end) {
        Some([b':', port @ ..]) => port.len() <= 4 && port.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}
