//! Request targets: the four forms, and which authority is in force (RFC 9112 §3.2).
//!
//! ```text
//!   /path?query                     Origin      authority = Host
//!   http://authority/path?query     Absolute    authority = the target's; Host is checked and ignored
//!   authority                       Authority   CONNECT only; port required
//!   *                               Asterisk    OPTIONS only; also OPTIONS http://authority (§3.2.4)
//! ```
//!
//! The path is canonicalised here, once, for everybody (see [`encode_path`] for the way back): route
//! matching, authorisation, the file server and the upstream read the same string. Where two careful
//! recipients could read a path differently, the request is refused with
//! [`PeerFault::TargetAmbiguous`] (400) instead of guessed:
//!
//! | in the path | decision | why |
//! |---|---|---|
//! | letters, digits, `-._~!$&'()*+,=:@` | as they are | RFC 3986 §3.3 |
//! | `[ ] \| ^` | as they are | no grammar for them, but browsers send them and nobody reads them otherwise |
//! | `" < > { }` and backtick, space, control, `#`, bytes ≥ 0x80 | TargetSyntax | not a URI (RFC 3986 §2) |
//! | `%` without two hex digits | TargetSyntax | RFC 3986 §2.1 |
//! | `%41` | decoded, exactly once | RFC 3986 §6.2.2 |
//! | `%2f`, `%5c`, `\` | ambiguous | a separator to some, a character to others |
//! | `%00`–`%1f`, `%7f` | ambiguous | ends a C string, splits a log line |
//! | decoded bytes that are not UTF-8 (overlong, surrogate, cut short) | ambiguous | lax decoders see `/` or `.` in them |
//! | text that a second decoding would change (`%252e`, `%2541`) | ambiguous | behind a recipient that decodes twice it is another path; `/100%25` is fine |
//! | plain `.` and `..` segments | removed | RFC 3986 §5.2.4 |
//! | `..` above the root | ambiguous | the RFC drops it, others climb |
//! | `.` or `..` written with an escape | ambiguous | no honest client sends it (RFC 3986 §6.2.2.2 has them normalised), and recipients disagree |
//! | `//` | ambiguous | merged by file systems and some proxies, kept by others; in a redirect it names a host |
//! | `;` after an empty, `.` or `..` name (`/..;/`) | ambiguous | recipients that cut parameters off see a dot segment |
//! | other `;` | a plain character, forwarded as `%3B` | so that no upstream cuts it off and sees a path that was not authorised |
//! | a trailing `/` | kept | `/a` and `/a/` are different resources |
//!
//! The query is checked for bytes that no URI has (`" < > #`, space, control, ≥ 0x80) and left as it is:
//! who decodes it judges its escapes.

use super::host::{is_valid_host, is_valid_host_at, split_authority};
use super::path::canonicalise;
use super::plain::{path_run_end, query_run_end};
use super::{Method, PathAt, Span, TargetForm, TargetSpans};
use crate::scan::{Kernel, QUERY, Scalar, find};
use crate::{PeerFault, SMALL};

/// Reads the request target `raw` of a request with this method, and checks `host`.
///
/// `raw` and `host` are spans of `arena`. `host` is the value of `Host` without white space around it;
/// [`Span::EMPTY`] if the request has none (HTTP/1.0), which leaves the authority empty in origin form.
/// An empty `Host` value is accepted only where the target names the authority itself: http and https
/// have no empty authorities (RFC 9110 §4.2, §7.2; RFC 9112 §3.3). A path that needs decoding is written
/// to the start of `scratch`, which must be as long as the path.
///
/// # Errors
/// [`PeerFault::TargetSyntax`], [`PeerFault::TargetAmbiguous`], [`PeerFault::HostSyntax`], as the table in
/// the module's head says; [`PeerFault::TargetTooLong`] if `scratch` is too short.
#[inline]
pub fn parse_target(
    method: Method,
    raw: Span,
    host: Span,
    arena: &[u8],
    scratch: &mut [u8],
) -> Result<TargetSpans, PeerFault> {
    let mut target =
        TargetSpans { form: TargetForm::Origin, raw, path: PathAt::Nowhere, query: None, authority: host };
    read_target(method, arena, scratch, &mut target)?;
    Ok(target)
}

/// As [`parse_target`], in place: `target.raw` and `target.authority`, which is the value of `Host`, are given.
#[inline]
pub(crate) fn read_target(
    method: Method,
    arena: &[u8],
    scratch: &mut [u8],
    target: &mut TargetSpans,
) -> Result<(), PeerFault> {
    let host = target.authority;
    if host.len > 0 && !is_valid_host_at(arena, usize::from(host.at), host.end()) {
        return Err(PeerFault::HostSyntax);
    }
    (target.form, target.path, target.query) = (TargetForm::Origin, PathAt::Nowhere, None);
    match target.raw.bytes(arena) {
        [b'/', ..] if !method.may_open_tunnel() => path_and_query(target.raw.at, arena, scratch, target)?,
        text => other_forms(method, text, arena, scratch, target)?,
    }
    // A target that relies on a `Host` that is there and empty.
    if target.authority.len == 0 && target.authority != Span::EMPTY {
        return Err(PeerFault::HostSyntax);
    }
    Ok(())
}

#[inline(never)]
fn other_forms(
    method: Method,
    text: &[u8],
    arena: &[u8],
    scratch: &mut [u8],
    target: &mut TargetSpans,
) -> Result<(), PeerFault> {
    match (method, text) {
        (Method::Connect, _) if method.may_open_tunnel() => authority_form(text, target),
        (Method::Options, b"*") => {
            target.form = TargetForm::Asterisk;
            Ok(())
        }
        _ => absolute_form(method, text, arena, scratch, target),
    }
}

/// `host:port`, both required; port 0 cannot be connected to (RFC 9110 §9.3.6).
fn authority_form(text: &[u8], target: &mut TargetSpans) -> Result<(), PeerFault> {
    if !is_valid_host(text) || !matches!(split_authority(text), (_, Some(1..))) {
        return Err(PeerFault::TargetSyntax);
    }
    (target.form, target.authority) = (TargetForm::Authority, target.raw);
    Ok(())
}

/// `scheme://authority path-abempty [?query]`, for http and https (RFC 9110 §4.2).
fn absolute_form(
    method: Method,
    text: &[u8],
    arena: &[u8],
    scratch: &mut [u8],
    target: &mut TargetSpans,
) -> Result<(), PeerFault> {
    let colon = if has_prefix(text, b"http://") {
        4
    } else if has_prefix(text, b"https://") {
        5
    } else {
        return Err(PeerFault::TargetSyntax);
    };
    let from: u16 = colon + 3;
    let rest = text.get(usize::from(from)..).unwrap_or(&[]);
    let len = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(len).unwrap_or((rest, &[]));
    if !is_valid_host(authority) {
        return Err(PeerFault::HostSyntax);
    }
    // `len` is below `raw.len`, so it fits.
    target.authority = Span { at: target.raw.at.wrapping_add(from), len: len as u16 };
    target.form = TargetForm::Absolute;
    let at = target.authority.at.wrapping_add(target.authority.len);
    match rest {
        [] if method == Method::Options => target.form = TargetForm::Asterisk,
        [b'/', ..] => path_and_query(at, arena, scratch, target)?,
        _ => {
            // An empty path is `/` (RFC 9110 §4.2.3): the first slash of `://` stands in for it.
            target.path =
                PathAt::Arena(Span { at: target.raw.at.wrapping_add(colon).wrapping_add(1), len: 1 });
            read_query(usize::from(at), arena, target)?;
        }
    }
    Ok(())
}

fn has_prefix(target: &[u8], prefix: &[u8]) -> bool {
    target.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Splits what begins with a slash at `at` and ends where the target does.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn path_and_query(
    at: u16,
    arena: &[u8],
    scratch: &mut [u8],
    target: &mut TargetSpans,
) -> Result<(), PeerFault> {
    if SMALL {
        return closer_look(at, arena, scratch, target);
    }
    let (from, end) = (usize::from(at), target.raw.end());
    let stop = path_run_end(arena, from.wrapping_add(1), end);
    if stop != end && arena.get(stop) != Some(&b'?') {
        return closer_look(at, arena, scratch, target);
    }
    // Both are places in an arena of at most 64 KiB.
    target.path = PathAt::Arena(Span { at, len: stop.wrapping_sub(from) as u16 });
    read_query(stop, arena, target)
}

/// As [`path_and_query`], for a path that has bytes which the quick look stopped at.
#[inline(never)]
fn closer_look(at: u16, arena: &[u8], scratch: &mut [u8], target: &mut TargetSpans) -> Result<(), PeerFault> {
    let (from, end) = (usize::from(at), target.raw.end());
    let rest = arena.get(from..end).unwrap_or(&[]);
    let len = find(b'?', rest).unwrap_or(rest.len());
    read_query(from.wrapping_add(len), arena, target)?;
    let path = rest.get(..len).unwrap_or(rest);
    target.path = match canonicalise(path, scratch)? {
        None => PathAt::Arena(Span { at, len: len as u16 }),
        Some(len) => PathAt::Scratch(Span { at: 0, len: len as u16 }),
    };
    Ok(())
}

/// The query that a `?` at `at` begins and that ends where the target does; none if that is where the target ends.
#[inline]
fn read_query(at: usize, arena: &[u8], target: &mut TargetSpans) -> Result<(), PeerFault> {
    let (from, end) = (at.wrapping_add(1), target.raw.end());
    if at == end {
        return Ok(());
    }
    if arena.get(at) != Some(&b'?') || query_end(arena, from, end) != end {
        return Err(PeerFault::TargetSyntax);
    }
    target.query = Span::of(from, end);
    Ok(())
}

/// Where the bytes end that may stand in a query: at most `end`.
#[inline]
fn query_end(arena: &[u8], from: usize, end: usize) -> usize {
    if SMALL { Scalar.run_end(QUERY, arena, from).at.min(end) } else { query_run_end(arena, from, end) }
}

#[cfg(test)]
mod tests;
