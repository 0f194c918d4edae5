//! Field names with an id, so that finding `Host` compares a byte instead of a string.

use super::packed::{Packed, word_at};
use crate::SMALL;
use crate::scan::{Dictionary, Spelling};

macro_rules! known_names {
    ($($name:ident $spelling:literal;)+) => {
        /// A field name that the engine knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "the names are the documentation")]
        pub enum KnownName { $($name,)+ }

        impl KnownName {
            /// Every known name, in id order.
            pub const ALL: &'static [KnownName] = &[$(KnownName::$name,)+];

            /// The spelling used on HTTP/1.x: `Content-Type`.
            pub const fn as_str(self) -> &'static str {
                if SMALL {
                    return KnownName::PACKED.get(self as usize);
                }
                match self { $(KnownName::$name => $spelling,)+ }
            }

            /// The known name with this id.
            #[inline]
            pub fn from_id(id: u8) -> Option<KnownName> {
                match id {
                    $(id if id == KnownName::$name as u8 => Some(KnownName::$name),)+
                    _ => None,
                }
            }

            const PACKED: &'static Packed<{ KnownName::ALL.len() + 1 }> =
                &Packed::new(&[$($spelling,)+], concat!($($spelling,)+));
        }
    };
}

// The first six steer the engine. They come first, so that a parser asks for all of them with one comparison.
known_names! {
    Connection "Connection";
    ContentLength "Content-Length";
    Expect "Expect";
    Host "Host";
    TransferEncoding "Transfer-Encoding";
    Upgrade "Upgrade";
    Accept "Accept";
    AcceptCharset "Accept-Charset";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    AcceptRanges "Accept-Ranges";
    AccessControlAllowCredentials "Access-Control-Allow-Credentials";
    AccessControlAllowHeaders "Access-Control-Allow-Headers";
    AccessControlAllowMethods "Access-Control-Allow-Methods";
    AccessControlAllowOrigin "Access-Control-Allow-Origin";
    AccessControlExposeHeaders "Access-Control-Expose-Headers";
    AccessControlMaxAge "Access-Control-Max-Age";
    AccessControlRequestHeaders "Access-Control-Request-Headers";
    AccessControlRequestMethod "Access-Control-Request-Method";
    Age "Age";
    Allow "Allow";
    AltSvc "Alt-Svc";
    Authorization "Authorization";
    CacheControl "Cache-Control";
    ContentDigest "Content-Digest";
    ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding";
    ContentLanguage "Content-Language";
    ContentLocation "Content-Location";
    ContentRange "Content-Range";
    ContentSecurityPolicy "Content-Security-Policy";
    ContentType "Content-Type";
    Cookie "Cookie";
    Date "Date";
    EarlyData "Early-Data";
    Etag "ETag";
    Expires "Expires";
    Forwarded "Forwarded";
    From "From";
    IfMatch "If-Match";
    IfModifiedSince "If-Modified-Since";
    IfNoneMatch "If-None-Match";
    IfRange "If-Range";
    IfUnmodifiedSince "If-Unmodified-Since";
    KeepAlive "Keep-Alive";
    LastEventId "Last-Event-ID";
    LastModified "Last-Modified";
    Link "Link";
    Location "Location";
    MaxForwards "Max-Forwards";
    Origin "Origin";
    Pragma "Pragma";
    Priority "Priority";
    ProxyAuthenticate "Proxy-Authenticate";
    ProxyAuthorization "Proxy-Authorization";
    ProxyConnection "Proxy-Connection";
    Range "Range";
    Referer "Referer";
    Refresh "Refresh";
    ReprDigest "Repr-Digest";
    RetryAfter "Retry-After";
    SecFetchDest "Sec-Fetch-Dest";
    SecFetchMode "Sec-Fetch-Mode";
    SecFetchSite "Sec-Fetch-Site";
    SecFetchUser "Sec-Fetch-User";
    SecWebsocketAccept "Sec-WebSocket-Accept";
    SecWebsocketExtensions "Sec-WebSocket-Extensions";
    SecWebsocketKey "Sec-WebSocket-Key";
    SecWebsocketProtocol "Sec-WebSocket-Protocol";
    SecWebsocketVersion "Sec-WebSocket-Version";
    Server "Server";
    SetCookie "Set-Cookie";
    Signature "Signature";
    SignatureInput "Signature-Input";
    StrictTransportSecurity "Strict-Transport-Security";
    Te "TE";
    TimingAllowOrigin "Timing-Allow-Origin";
    Traceparent "Traceparent";
    Tracestate "Tracestate";
    Trailer "Trailer";
    UpgradeInsecureRequests "Upgrade-Insecure-Requests";
    UserAgent "User-Agent";
    Vary "Vary";
    Via "Via";
    WwwAuthenticate "WWW-Authenticate";
    XContentTypeOptions "X-Content-Type-Options";
    XForwardedFor "X-Forwarded-For";
    XForwardedHost "X-Forwarded-Host";
    XForwardedProto "X-Forwarded-Proto";
    XFrameOptions "X-Frame-Options";
    XRequestId "X-Request-ID";
    XRequestedWith "X-Requested-With";
}

impl KnownName {
    /// The known name with this spelling in any case.
    pub fn from_bytes(name: &[u8]) -> Option<KnownName> {
        let ([first, second], [third, fourth]) = (name.first_chunk()?, name.last_chunk()?);
        let candidate = KnownName::candidate([*first, *second, *third, *fourth], name.len())?;
        candidate.as_str().as_bytes().eq_ignore_ascii_case(name).then_some(candidate)
    }

    /// The one known name that a name of `len` bytes can be whose two first and two last bytes are `ends`. The
    /// caller compares all of it.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn candidate(ends: [u8; 4], len: usize) -> Option<KnownName> {
        SLOTS.get(slot_of(ends, len)).copied()
    }
}

impl KnownName {
    /// The name that steers the engine with this spelling in any case, without a look at any other name: where memory
    /// is short, the names of which nobody asks are not there.
    pub(crate) fn steering(name: &[u8]) -> Option<KnownName> {
        // Nearly every request has no other.
        if name == b"Host" {
            return Some(KnownName::Host);
        }
        match word_at(b"Connection Content-Length Expect Host Transfer-Encoding Upgrade", name)? {
            0 => Some(KnownName::Connection),
            1 => Some(KnownName::ContentLength),
            2 => Some(KnownName::Expect),
            3 => Some(KnownName::Host),
            4 => Some(KnownName::TransferEncoding),
            _ => Some(KnownName::Upgrade),
        }
    }

    /// Whether the field steers the engine: framing, the connection, the authority, an expectation.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) const fn steers(self) -> bool {
        self as u8 <= KnownName::Upgrade as u8
    }
}

impl Dictionary for KnownName {
    type Word = KnownName;

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn candidate(ends: [u8; 4], len: usize) -> Option<(KnownName, &'static Spelling)> {
        let known = KnownName::candidate(ends, len)?;
        Some((known, SPELLINGS.get(known as usize)?))
    }
}

/// How a field line with a known name begins on HTTP/1: the name, a colon and a space. Padded, so that it is
/// copied as one piece of known length; a machine of 32 bits saves the memory instead.
#[cfg(target_pointer_width = "64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineStart {
    pub(crate) bytes: [u8; LineStart::BYTES],
    pub(crate) len: u8,
}

#[cfg(target_pointer_width = "64")]
impl LineStart {
    pub(crate) const BYTES: usize = 39;
}

#[cfg(target_pointer_width = "64")]
impl KnownName {
    /// How a line with this name begins.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) fn line_start(self) -> Option<&'static LineStart> {
        LINE_STARTS.get(self as usize)
    }
}

#[cfg(target_pointer_width = "64")]
static LINE_STARTS: [LineStart; KnownName::ALL.len()] = line_starts();

#[cfg(target_pointer_width = "64")]
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn line_starts() -> [LineStart; KnownName::ALL.len()] {
    let mut all = [LineStart { bytes: [0; LineStart::BYTES], len: 0 }; KnownName::ALL.len()];
    let mut id = 0;
    while id < all.len() {
        let name = KnownName::ALL[id].as_str().as_bytes();
        let mut at = 0;
        while at < name.len() {
            all[id].bytes[at] = name[at];
            at += 1;
        }
        all[id].bytes[at] = b':';
        all[id].bytes[at + 1] = b' ';
        all[id].len = at as u8 + 2;
        id += 1;
    }
    all
}

/// How many slots the hash table has.
const SLOTS_LEN: usize = 256;

/// Gives every known name a slot of its own. After adding a name, the test
/// `every_known_name_has_a_slot_of_its_own` may ask for another, and says which.
const MULTIPLIER: u32 = 0x367d_416b;

/// A perfect hash of the known names. In a slot that is nobody's stands a name whose slot is another, and which no
/// name that is looked up here can be.
static SLOTS: [KnownName; SLOTS_LEN] = slots();

/// How the known names are spelled, by id.
static SPELLINGS: [Spelling; KnownName::ALL.len()] = spellings();

#[cfg_attr(not(target_os = "none"), inline(always))]
const fn slot_of(ends: [u8; 4], len: usize) -> usize {
    hash(ends, len, MULTIPLIER)
}

#[cfg_attr(not(target_os = "none"), inline(always))]
const fn hash(ends: [u8; 4], len: usize, multiplier: u32) -> usize {
    let letters = u32::from_le_bytes(ends) | 0x2020_2020;
    (letters.wrapping_add((len as u32) << 5).wrapping_mul(multiplier) >> 24) as usize
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn ends_of(name: KnownName) -> ([u8; 4], usize) {
    let name = name.as_str().as_bytes();
    let len = name.len();
    assert!(2 <= len);
    ([name[0], name[1], name[len - 2], name[len - 1]], len)
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn slots() -> [KnownName; SLOTS_LEN] {
    let mut slots = [KnownName::Accept; SLOTS_LEN];
    let mut is_taken = [false; SLOTS_LEN];
    let mut id = 0;
    while id < KnownName::ALL.len() {
        let (ends, len) = ends_of(KnownName::ALL[id]);
        let slot = slot_of(ends, len);
        assert!(
            !is_taken[slot] || cfg!(test),
            "two names share a slot: the test of this file says what to do"
        );
        is_taken[slot] = true;
        slots[slot] = KnownName::ALL[id];
        id += 1;
    }
    slots
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn spellings() -> [Spelling; KnownName::ALL.len()] {
    let mut all = [Spelling::of(""); KnownName::ALL.len()];
    let mut id = 0;
    while id < all.len() {
        all[id] = Spelling::of(KnownName::ALL[id].as_str());
        id += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::is_token;

    fn is_perfect(multiplier: u32) -> bool {
        let mut taken = [false; SLOTS_LEN];
        KnownName::ALL.iter().all(|&name| {
            let (ends, len) = ends_of(name);
            !core::mem::replace(&mut taken[hash(ends, len, multiplier)], true)
        })
    }

    #[test]
    fn every_known_name_has_a_slot_of_its_own() {
        let other =
            || (0_u32..).map(|step| step.wrapping_mul(0x9e37_79b1) | 1).find(|&tried| is_perfect(tried));
        assert!(is_perfect(MULTIPLIER), "set MULTIPLIER to {:#x}", other().unwrap_or(0));
    }

    #[test]
    fn every_known_name_is_found_in_any_case() {
        for &name in KnownName::ALL {
            let spelling = name.as_str();
            assert!(is_token(spelling.as_bytes()));
            for spelling in [spelling, &spelling.to_ascii_lowercase(), &spelling.to_ascii_uppercase()] {
                assert_eq!(KnownName::from_bytes(spelling.as_bytes()), Some(name));
            }
            assert_eq!(KnownName::from_id(name as u8), Some(name));
        }
    }

    #[test]
    fn the_names_that_steer_are_found_without_the_others() {
        for &name in KnownName::ALL {
            let spelling = name.as_str().to_ascii_lowercase();
            assert_eq!(KnownName::steering(spelling.as_bytes()), Some(name).filter(|name| name.steers()));
        }
        assert_eq!(KnownName::steering(b"Hosts"), None);
        assert_eq!(KnownName::steering(b"Hose"), None);
    }

    #[test]
    fn names_in_one_piece_are_those_apart() {
        for &name in KnownName::ALL {
            assert_eq!(KnownName::PACKED.get(name as usize), name.as_str());
        }
    }

    #[test]
    fn names_that_are_almost_known_are_not() {
        for &name in KnownName::ALL {
            let spelling = name.as_str().as_bytes();
            let longer = [spelling, b"s"].concat();
            let mut changed = spelling.to_vec();
            for at in 0..spelling.len() {
                changed[at] ^= 0x08;
                let is_other = KnownName::from_bytes(&changed).is_none_or(|other| other != name);
                assert!(is_other, "{}", changed.escape_ascii());
                changed[at] ^= 0x08;
            }
            assert_ne!(KnownName::from_bytes(&longer), Some(name));
            assert_ne!(KnownName::from_bytes(&spelling[1..]), Some(name));
        }
        assert_eq!(KnownName::from_bytes(b""), None);
        assert_eq!(KnownName::from_bytes(b"a"), None);
    }
}
