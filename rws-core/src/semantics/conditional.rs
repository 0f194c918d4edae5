//! Preconditions, in the order of RFC 9110 §13.2.2.
//!
//! ```text
//!   If-Match ──── absent ──▶ If-Unmodified-Since
//!      │ false: 412             │ false: 412
//!      ▼                        ▼
//!   If-None-Match ── absent, GET or HEAD ──▶ If-Modified-Since
//!      │ false: 304 (GET, HEAD) or 412            │ false: 304
//!      ▼                                          ▼
//!   Range and If-Range (GET): see `range`      proceed
//! ```

use super::date;
use super::etag::{EntityTag, parse_list};
use crate::UnixTime;
use crate::message::{FieldBlock, KnownName, Method};

/// What is known of the selected representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validators<'v> {
    /// Whether there is one: `*` matches it.
    pub exists: bool,
    /// Its entity tag.
    pub tag: Option<EntityTag<'v>>,
    /// When it was last modified.
    pub modified: Option<UnixTime>,
}

/// What the preconditions of a request say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Perform the method.
    Proceed,
    /// 304 (Not Modified).
    NotModified,
    /// 412 (Precondition Failed).
    PreconditionFailed,
}

/// Evaluates the preconditions of a request. For a request that would be answered 2xx without them; where that
/// is not so, they are to be ignored (RFC 9110 §13.2.1).
///
/// `now` is for dates with two-digit years only. A date field that is repeated or malformed is ignored; a tag
/// list that is malformed matches as far as it can be read.
pub fn evaluate(
    method: Method,
    fields: FieldBlock<'_>,
    validators: &Validators<'_>,
    now: Option<UnixTime>,
) -> Verdict {
    if matches!(method, Method::Connect | Method::Options | Method::Trace) {
        return Verdict::Proceed;
    }
    let since = |name| date::parse(fields.single(name)?, now);
    if fields.has(KnownName::IfMatch) {
        if !any_tag(fields, KnownName::IfMatch, validators, |a, b| a.strong_eq(b)) {
            return Verdict::PreconditionFailed;
        }
    } else if let (Some(limit), Some(modified)) = (since(KnownName::IfUnmodifiedSince), validators.modified)
        && modified > limit
    {
        return Verdict::PreconditionFailed;
    }
    let reads = matches!(method, Method::Get | Method::Head);
    if fields.has(KnownName::IfNoneMatch) {
        return match any_tag(fields, KnownName::IfNoneMatch, validators, |a, b| a.weak_eq(b)) {
            false => Verdict::Proceed,
            true if reads => Verdict::NotModified,
            true => Verdict::PreconditionFailed,
        };
    }
    match (since(KnownName::IfModifiedSince), validators.modified) {
        (Some(limit), Some(modified)) if reads && modified <= limit => Verdict::NotModified,
        _ => Verdict::Proceed,
    }
}

/// Whether a `Range` field is to be honoured (RFC 9110 §13.1.5): there is no `If-Range`, or it names exactly
/// this representation. A date counts only if it is strong, that is at least a second old at `now`
/// (RFC 9110 §8.8.2.2); without a clock it does not count.
pub fn range_applies(fields: FieldBlock<'_>, validators: &Validators<'_>, now: Option<UnixTime>) -> bool {
    if !fields.has(KnownName::IfRange) {
        return true;
    }
    let Some(value) = fields.single(KnownName::IfRange) else { return false };
    if let Some(tag) = EntityTag::parse(value) {
        return validators.tag.is_some_and(|current| current.strong_eq(tag));
    }
    match (date::parse(value, now), validators.modified, now) {
        (Some(date), Some(modified), Some(now)) => date == modified && modified < now,
        _ => false,
    }
}

/// Whether `*` or a tag of the list in `name` matches the representation.
fn any_tag(
    fields: FieldBlock<'_>,
    name: KnownName,
    validators: &Validators<'_>,
    same: impl Fn(EntityTag<'_>, EntityTag<'_>) -> bool,
) -> bool {
    if let Some(value) = fields.single(name)
        && value == b"*"
    {
        return validators.exists;
    }
    let Some(current) = validators.tag else { return false };
    fields.all(name).flat_map(parse_list).any(|tag| same(tag, current))
}

#[cfg(test)]
mod tests;
