use super::*;
use crate::message::{Field, FieldBlockMut, Scratch};
use crate::semantics::etag::EntityTag;

const MODIFIED: UnixTime = UnixTime(784_111_777);
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
const CURRENT: Validators<'static> =
    Validators { exists: true, tag: Some(EntityTag { weak: false, opaque: b"a" }), modified: Some(MODIFIED) };

fn with_fields<R>(lines: &[(KnownName, &str)], run: impl FnOnce(FieldBlock<'_>) -> R) -> R {
    let (mut bytes, mut fields) = ([0; 512], [Field::default(); 8]);
    let mut block = FieldBlockMut::new(Scratch { bytes: &mut bytes, fields: &mut fields });
    for (name, value) in lines {
        block.push(*name, value.as_bytes()).expect("room");
    }
    run(block.block())
}

fn verdict(method: Method, lines: &[(KnownName, &str)], validators: &Validators<'_>) -> Verdict {
    with_fields(lines, |fields| evaluate(method, fields, validators, None))
}

use KnownName::{IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince};
use Method::{Get, Head, Options, Put};
use Verdict::{NotModified, PreconditionFailed, Proceed};

#[test]
fn preconditions_are_evaluated_in_the_order_of_the_rfc() {
    for (method, lines, want) in [
        (Get, &[][..], Proceed),
        // If-Match: strong comparison.
        (Put, &[(IfMatch, "\"a\"")], Proceed),
        (Put, &[(IfMatch, "\"b\", \"a\"")], Proceed),
        (Put, &[(IfMatch, "\"b\"")], PreconditionFailed),
        (Put, &[(IfMatch, "W/\"a\"")], PreconditionFailed),
        (Put, &[(IfMatch, "*")], Proceed),
        (Put, &[(IfMatch, "nonsense")], PreconditionFailed),
        (Put, &[(IfMatch, "\"b\""), (IfMatch, "\"a\"")], Proceed),
        (Put, &[(IfMatch, "*"), (IfMatch, "\"b\"")], PreconditionFailed),
        // If-Unmodified-Since only without If-Match.
        (Put, &[(IfMatch, "\"a\""), (IfUnmodifiedSince, EARLIER)], Proceed),
        (Put, &[(IfUnmodifiedSince, EARLIER)], PreconditionFailed),
        (Put, &[(IfUnmodifiedSince, DATE)], Proceed),
        (Put, &[(IfUnmodifiedSince, "soon")], Proceed),
        (Put, &[(IfUnmodifiedSince, EARLIER), (IfUnmodifiedSince, EARLIER)], Proceed),
        // If-None-Match: weak comparison; 304 for GET and HEAD, else 412.
        (Get, &[(IfNoneMatch, "\"a\"")], NotModified),
        (Head, &[(IfNoneMatch, "\"x\", W/\"a\"")], NotModified),
        (Get, &[(IfNoneMatch, "*")], NotModified),
        (Put, &[(IfNoneMatch, "*")], PreconditionFailed),
        (Put, &[(IfNoneMatch, "\"a\"")], PreconditionFailed),
        (Get, &[(IfNoneMatch, "\"b\"")], Proceed),
        (Get, &[(IfNoneMatch, "nonsense")], Proceed),
        // If-Modified-Since only without If-None-Match, for GET and HEAD.
        (Get, &[(IfNoneMatch, "\"b\""), (IfModifiedSince, LATER)], Proceed),
        (Get, &[(IfModifiedSince, DATE)], NotModified),
        (Head, &[(IfModifiedSince, LATER)], NotModified),
        (Get, &[(IfModifiedSince, EARLIER)], Proceed),
        (Put, &[(IfModifiedSince, DATE)], Proceed),
        (Get, &[(IfModifiedSince, "Sunday, 06-Nov-94 08:49:37 GMT")], NotModified),
        (Get, &[(IfModifiedSince, "0")], Proceed),
        // Both stages.
        (Get, &[(IfMatch, "\"a\""), (IfNoneMatch, "\"a\"")], NotModified),
        (Get, &[(IfMatch, "\"b\""), (IfNoneMatch, "\"a\"")], PreconditionFailed),
        (Get, &[(IfUnmodifiedSince, DATE), (IfModifiedSince, DATE)], NotModified),
        (Options, &[(IfMatch, "\"b\""), (IfNoneMatch, "*")], Proceed),
    ] {
        assert_eq!(verdict(method, lines, &CURRENT), want, "{method:?} {lines:?}");
    }
}

#[test]
fn what_does_not_exist_matches_nothing() {
    let none = Validators { exists: false, tag: None, modified: None };
    assert_eq!(verdict(Put, &[(IfNoneMatch, "*")], &none), Proceed);
    assert_eq!(verdict(Put, &[(IfMatch, "*")], &none), PreconditionFailed);
    assert_eq!(verdict(Put, &[(IfMatch, "\"a\"")], &none), PreconditionFailed);
    assert_eq!(verdict(Get, &[(IfModifiedSince, DATE)], &none), Proceed);
    assert_eq!(verdict(Put, &[(IfUnmodifiedSince, EARLIER)], &none), Proceed);
    let untagged = Validators { exists: true, ..none };
    assert_eq!(verdict(Get, &[(IfNoneMatch, "*")], &untagged), NotModified);
    assert_eq!(verdict(Get, &[(IfNoneMatch, "\"a\"")], &untagged), Proceed);
}

#[test]
fn a_range_applies_only_to_the_very_same_representation() {
    let later = Some(UnixTime(MODIFIED.0 + 1));
    let weak = Validators { tag: Some(EntityTag { weak: true, opaque: b"a" }), ..CURRENT };
    for (lines, validators, now, want) in [
        (&[][..], CURRENT, None, true),
        (&[(IfRange, "\"a\"")], CURRENT, None, true),
        (&[(IfRange, "\"b\"")], CURRENT, None, false),
        (&[(IfRange, "W/\"a\"")], CURRENT, None, false),
        (&[(IfRange, "W/\"a\"")], weak, None, false),
        (&[(IfRange, "\"a\"")], weak, None, false),
        (&[(IfRange, "\"a\", \"b\"")], CURRENT, None, false),
        (&[(IfRange, "*")], CURRENT, None, false),
        (&[(IfRange, DATE)], CURRENT, later, true),
        (&[(IfRange, DATE)], CURRENT, Some(MODIFIED), false),
        (&[(IfRange, DATE)], CURRENT, None, false),
        (&[(IfRange, LATER)], CURRENT, later, false),
        (&[(IfRange, EARLIER)], CURRENT, later, false),
        (&[(IfRange, "\"a\""), (IfRange, "\"a\"")], CURRENT, later, false),
    ] {
        assert_eq!(with_fields(lines, |fields| range_applies(fields, &validators, now)), want, "{lines:?}");
    }
}
