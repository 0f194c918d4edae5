//! The quick way for request targets that need no decoding, which are almost all.
//!
//! It has no rule of its own: what it takes, [`parse_target`](crate::message::parse_target) takes too, with
//! the same result, and all else is left to that. A test holds the two together.

use super::{Stop, span};
use crate::message::{Method, PathAt, Span, TargetForm, TargetSpans};
use crate::scan::{self, Kernel, Scalar};
use crate::{Limits, PeerFault};

/// Where a request target stands, between its spaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    at: usize,
    /// Where the path ends, if it starts with a slash and is canonical as it stands; else 0.
    path_end: usize,
    /// Whether a query follows the path.
    has_query: bool,
    /// Where the space behind the target stands.
    pub(super) end: usize,
}

/// Reads the target that starts at `at`, up to the space behind it.
#[inline(always)]
pub(super) fn read<K: Kernel>(kernel: K, bytes: &[u8], at: usize, limits: &Limits) -> Result<Target, Stop> {
    let path = kernel.segments_end(scan::PATH, bytes, at);
    let has_query = path.byte == Some(b'?');
    let end = if has_query { kernel.run_end(scan::QUERY, bytes, path.at.wrapping_add(1)) } else { path };
    let mut target = Target { at, path_end: path.at, has_query, end: end.at };
    if end.byte != Some(b' ') || bytes.get(at) != Some(&b'/') {
        target.end = odd_end(bytes, at, end.at, limits)?;
        target.path_end = 0;
    }
    if target.end.wrapping_sub(at) > usize::from(limits.target_bytes_max) {
        return Err(PeerFault::TargetTooLong.into());
    }
    Ok(target)
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

impl Target {
    /// The target `/` at `at`.
    #[inline(always)]
    pub(super) const fn root(at: usize) -> Target {
        let end = at.wrapping_add(1);
        Target { at, path_end: end, has_query: false, end }
    }

    /// The target's parts in origin form, if it [is plain](Target::is_plain).
    #[inline(always)]
    pub(super) fn spans(self, host: Span) -> TargetSpans {
        let Target { at, path_end, has_query, end } = self;
        let path = Span { at: at as u16, len: path_end.wrapping_sub(at) as u16 };
        let query_at = path_end.wrapping_add(1);
        let query = Span { at: query_at as u16, len: end.wrapping_sub(query_at) as u16 };
        TargetSpans {
            form: TargetForm::Origin,
            raw: span(at, end),
            path: PathAt::Arena(path),
            query: if has_query { Some(query) } else { None },
            authority: host,
        }
    }

    /// Whether target and host need no closer look.
    #[inline(always)]
    pub(super) fn is_plain<K: Kernel>(self, kernel: K, method: Method, host: Span, bytes: &[u8]) -> bool {
        self.path_end != 0
            && method != Method::Connect
            && kernel.is_plain_host(bytes, usize::from(host.at), host.end())
    }
}
