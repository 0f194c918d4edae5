//! Field names with an id, so that finding `Host` compares a byte instead of a string.

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
                match self { $(KnownName::$name => $spelling,)+ }
            }
        }
    };
}

known_names! {
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
    Connection "Connection";
    ContentDigest "Content-Digest";
    ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding";
    ContentLanguage "Content-Language";
    ContentLength "Content-Length";
    ContentLocation "Content-Location";
    ContentRange "Content-Range";
    ContentSecurityPolicy "Content-Security-Policy";
    ContentType "Content-Type";
    Cookie "Cookie";
    Date "Date";
    EarlyData "Early-Data";
    Etag "ETag";
    Expect "Expect";
    Expires "Expires";
    Forwarded "Forwarded";
    From "From";
    Host "Host";
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
    TransferEncoding "Transfer-Encoding";
    Upgrade "Upgrade";
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
        // First shape: a linear look. The parser's author replaces it by a perfect hash.
        KnownName::ALL.iter().copied().find(|known| known.as_str().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The known name with this id.
    pub fn from_id(id: u8) -> Option<KnownName> {
        KnownName::ALL.get(usize::from(id)).copied()
    }
}
