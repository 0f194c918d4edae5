//! The static table (RFC 7541 appendix A).

use crate::compression::{NameId, Pseudo};
use crate::{KnownName, SMALL};

/// How many entries there are. The first has index 1.
pub(super) const LEN: u32 = 61;

/// The last entry that has a value.
const LAST_WITH_VALUE: u32 = 16;

/// A value, padded so that it is copied as one piece of known length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padded {
    pub(super) value: [u8; 16],
    pub(super) len: u8,
}

/// The value of the entry with this index, if it has one; without copies of them on a machine with little memory.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn padded(index: u32) -> Option<&'static Padded> {
    if SMALL { None } else { PADDED.get(index as usize) }
}

/// The name of the entry with this index.
pub(super) fn name(index: u32) -> Option<NameId> {
    NAMES.get(index.wrapping_sub(1) as usize).copied()
}

/// The first entry with this name. Those with the same name follow.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn first_of(name: NameId) -> Option<u32> {
    if SMALL {
        return NAMES.iter().position(|&other| other == name).map(|at| at as u32 + 1);
    }
    FIRST_OF.get(usize::from(name.0)).copied().filter(|&index| index != 0).map(u32::from)
}

/// The entry with this name and value, `first` being the first with that name.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn find(first: u32, name: NameId, sought: &[u8]) -> Option<u32> {
    if first > LAST_WITH_VALUE {
        return None;
    }
    let mut index = first;
    while self::name(index) == Some(name) {
        if value(index) == sought && !sought.is_empty() {
            return Some(index);
        }
        index = index.wrapping_add(1);
    }
    None
}

/// The value of the entry with this index.
pub(super) const fn value(index: u32) -> &'static [u8] {
    match index {
        2 => b"GET",
        3 => b"POST",
        4 => b"/",
        5 => b"/index.html",
        6 => b"http",
        7 => b"https",
        8 => b"200",
        9 => b"204",
        10 => b"206",
        11 => b"304",
        12 => b"400",
        13 => b"404",
        14 => b"500",
        16 => b"gzip, deflate",
        _ => b"",
    }
}

#[rustfmt::skip]
static NAMES: [NameId; LEN as usize] = {
    use KnownName::{
        Accept, AcceptCharset, AcceptEncoding, AcceptLanguage, AcceptRanges, AccessControlAllowOrigin, Age,
        Allow, Authorization, CacheControl, ContentDisposition, ContentEncoding, ContentLanguage,
        ContentLength, ContentLocation, ContentRange, ContentType, Cookie, Date, Etag, Expect, Expires,
        From, Host, IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince, LastModified, Link,
        Location, MaxForwards, ProxyAuthenticate, ProxyAuthorization, Range, Referer, Refresh, RetryAfter,
        Server, SetCookie, StrictTransportSecurity, TransferEncoding, UserAgent, Vary, Via,
        WwwAuthenticate,
    };
    use Pseudo::{Authority, Method, Path, Scheme, Status};
    const fn known(name: KnownName) -> NameId { NameId::known(name) }
    const fn pseudo(name: Pseudo) -> NameId { NameId::pseudo(name) }
    [
        pseudo(Authority), pseudo(Method), pseudo(Method), pseudo(Path), pseudo(Path), pseudo(Scheme),
        pseudo(Scheme), pseudo(Status), pseudo(Status), pseudo(Status), pseudo(Status), pseudo(Status),
        pseudo(Status), pseudo(Status), known(AcceptCharset), known(AcceptEncoding), known(AcceptLanguage),
        known(AcceptRanges), known(Accept), known(AccessControlAllowOrigin), known(Age), known(Allow),
        known(Authorization), known(CacheControl), known(ContentDisposition), known(ContentEncoding),
        known(ContentLanguage), known(ContentLength), known(ContentLocation), known(ContentRange),
        known(ContentType), known(Cookie), known(Date), known(Etag), known(Expect), known(Expires),
        known(From), known(Host), known(IfMatch), known(IfModifiedSince), known(IfNoneMatch),
        known(IfRange), known(IfUnmodifiedSince), known(LastModified), known(Link), known(Location),
        known(MaxForwards), known(ProxyAuthenticate), known(ProxyAuthorization), known(Range),
        known(Referer), known(Refresh), known(RetryAfter), known(Server), known(SetCookie),
        known(StrictTransportSecurity), known(TransferEncoding), known(UserAgent), known(Vary), known(Via),
        known(WwwAuthenticate),
    ]
};

static PADDED: [Padded; LAST_WITH_VALUE as usize + 1] = all_padded();

/// By the number of a name, the first entry that has it, or 0.
static FIRST_OF: [u8; 256] = firsts();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn all_padded() -> [Padded; LAST_WITH_VALUE as usize + 1] {
    let mut all = [Padded { value: [0; 16], len: 0 }; LAST_WITH_VALUE as usize + 1];
    let mut index = 0;
    while index < all.len() {
        let value = value(index as u32);
        let mut at = 0;
        while at < value.len() {
            all[index].value[at] = value[at];
            at += 1;
        }
        all[index].len = at as u8;
        index += 1;
    }
    all
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn firsts() -> [u8; 256] {
    let mut firsts = [0; 256];
    let mut at = NAMES.len();
    while at > 0 {
        at -= 1;
        firsts[NAMES[at].0 as usize] = at as u8 + 1;
    }
    firsts
}
