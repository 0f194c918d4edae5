//! The quick way for request targets that need no decoding, which are almost all.
//!
//! It has no rule of its own: what it takes, [`parse_target`](crate::message::parse_target) takes too, with
//! the same result, and all else is left to that. A test holds the two together.

use super::{Stop, span};
use crate::message::{Method, PathAt, RequestSpans, TargetSpans};
use crate::scan::{self, Kernel, Scalar};
use crate::{Limits, PeerFault, SMALL};

/// Reads the target that starts at `at`, up to the space behind it, which it gives. Of a target that needs a
/// closer look only `raw` is right, and it has no path.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn read<K: Kernel>(
    kernel: K,
    bytes: &[u8],
    at: usize,
    limits: &Limits,
    target: &mut TargetSpans,
) -> Result<usize, Stop> {
    if SMALL {
        let end = odd_end(bytes, at, at, limits)?;
        target.raw = span(at, end);
        return Ok(end);
    }
    let path = kernel.segments_end(scan::PATH, bytes, at);
    let mut end = path;
    if path.byte == Some(b'?') {
        let query_at = path.at.wrapping_add(1);
        end = kernel.run_end(scan::QUERY, bytes, query_at);
        target.query = Some(span(query_at, end.at));
    }
    target.path = PathAt::Arena(span(at, path.at));
    if end.byte != Some(b' ') || bytes.get(at) != Some(&b'/') {
        end.at = odd_end(bytes, at, end.at, limits)?;
        target.path = PathAt::Nowhere;
    }
    target.raw = span(at, end.at);
    if end.at.wrapping_sub(at) > usize::from(limits.target_bytes_max) {
        return Err(PeerFault::TargetTooLong.into());
    }
    Ok(end.at)
}

/// The end of any other target, whose bytes up to `seen` are visible.
#[cold]
fn odd_end(bytes: &[u8], at: usize, seen: usize, limits: &Limits) -> Result<usize, Stop> {
    let end = Scalar.run_end(scan::VISIBLE, bytes, seen);
    if end.at.wrapping_sub(at) > usize::from(limits.target_bytes_max) {
        return Err(PeerFault::TargetTooLong.into());
    }
    match end.byte {
        Some(b' ') if end.at > at => Ok(end.at),
        None => Err(Stop::Incomplete),
        Some(b'\r' | b'\n' | b' ') => Err(PeerFault::RequestLineSyntax.into()),
        Some(_) => Err(PeerFault::TargetSyntax.into()),
    }
}

/// Whether the target, as [`read`] left it, and the host need no closer look.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn is_plain<K: Kernel>(kernel: K, head: &RequestSpans, bytes: &[u8]) -> bool {
    let TargetSpans { path, authority: host, .. } = head.target;
    path != PathAt::Nowhere
        && head.method != Method::Connect
        && kernel.is_plain_host(bytes, usize::from(host.at), host.end())
}
