//! What we make of the cases, where it is not plainly what the corpus says.
//!
//! A case that stands in none of these tables must be accepted, and read as the corpus reads it.

use rws_core::PeerFault;
use rws_core::PeerFault::*;

/// How a case ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    Refused(PeerFault),
    /// Accepted, and read to its end.
    Accepted,
    /// The end of input cuts it short.
    Truncated,
    /// The connection is over before the bytes are.
    Closed,
}

/// Refused by the corpus and by us: with which fault.
pub(crate) const BOTH_REFUSE: &[(PeerFault, &[&str])] = &[
    (
        BareLineEnding,
        &[
            "request/connection.md: Not treating `\\r` as `-`",
            "request/content-length.md: Missing CRLF-CRLF before body",
            "request/invalid.md: Headers separated by CR",
            "request/invalid.md: Headers separated by LF",
            "request/invalid.md: Headers separated by dummy characters",
            "request/invalid.md: Empty headers separated by CR",
            "request/invalid.md: Empty headers separated by LF",
            "request/invalid.md: Missing CR between headers",
            "request/invalid.md: Only LFs present",
            "request/lenient-header-value-relaxed.md: LF in header value should be rejected even with relaxed flag",
            "request/lenient-header-value-relaxed.md: CR without LF in header value should be rejected even with relaxed flag",
            "request/sample.md: Line folding in header value with LF",
            "request/sample.md: No LF after CR",
            "response/invalid.md: Headers separated by CR",
            "response/invalid.md: Bare CR after response line",
            "response/invalid.md: Bare CR followed by CR after response line",
            "response/invalid.md: Only LFs present and no body",
            "response/invalid.md: Only LFs present",
            "response/sample.md: No carriage ret",
        ],
    ),
    (
        ChunkSyntax,
        &[
            "request/transfer-encoding.md: No semicolon before chunk extensions",
            "request/transfer-encoding.md: No extension after semicolon",
            "request/transfer-encoding.md: Unbalanced chunk extensions quoting",
            "request/transfer-encoding.md: Validate chunk parameters",
            "request/transfer-encoding.md: Chunk header not terminated by CRLF",
            "request/transfer-encoding.md: Chunk data not terminated by CRLF",
            "request/transfer-encoding.md: Space after chunk header",
            "response/transfer-encoding.md: Trailing space on chunked body",
            "response/transfer-encoding.md: No semicolon before chunk extensions",
            "response/transfer-encoding.md: No extension after semicolon",
            "response/transfer-encoding.md: Unbalanced chunk extensions quoting",
        ],
    ),
    (
        ContentLengthSyntax,
        &[
            "request/content-length.md: Spaces in `Content-Length` #2",
            "request/content-length.md: Spaces in `Content-Length` #3",
            "request/content-length.md: Empty `Content-Length`",
        ],
    ),
    (
        FieldNameSyntax,
        &[
            "request/connection.md: Invalid whitespace token with `Connection` header field",
            "request/content-length.md: Invalid whitespace token with `Content-Length` header field",
            "request/content-length.md: `Content-Length` with CR instead of dash",
            "request/invalid.md: Invalid header token #1",
            "request/invalid.md: Invalid header token #2",
            "request/invalid.md: Invalid header token #3",
            "request/invalid.md: Illegal header field name line folding",
            "request/invalid.md: Corrupted Connection header",
            "request/invalid.md: Corrupted header name",
            "response/sample.md: Spaces in header name",
        ],
    ),
    (
        FieldValueSyntax,
        &[
            "request/lenient-header-value-relaxed.md: Control char in header value (strict)",
            "request/lenient-headers.md: Header value",
        ],
    ),
    (HostSyntax, &["url.md: Double `@`"]),
    (
        LengthAndEncoding,
        &[
            "request/content-length.md: Error on simultaneous `Content-Length` and `Transfer-Encoding: identity`",
            "request/transfer-encoding.md: POST with empty `Transfer-Encoding` and `Content-Length` (lenient)",
        ],
    ),
    (
        ObsoleteFold,
        &[
            "request/invalid.md: Invalid space after start line",
            "request/invalid.md: Spaces before headers",
            "request/lenient-header-value-relaxed.md: Space after start line must still fail",
            "request/transfer-encoding.md: Invalid OBS fold after chunked value",
            "response/invalid.md: Invalid space after start line",
        ],
    ),
    (
        RequestLineSyntax,
        &[
            "request/invalid.md: ICE protocol and GET method",
            "request/invalid.md: ICE protocol, but not really",
            "request/invalid.md: RTSP protocol and PUT method",
            "request/uri.md: Space in URI",
        ],
    ),
    (
        StatusLineSyntax,
        &[
            "response/invalid.md: Incomplete HTTP protocol",
            "response/invalid.md: Extra digit in HTTP minor version",
            "response/invalid.md: Tab after HTTP version",
            "response/invalid.md: CR before response and tab after HTTP version",
            "response/invalid.md: Extra space between HTTP version and status code",
            "response/invalid.md: One-digit status code",
            "response/sample.md: Error on invalid response start",
        ],
    ),
    (
        TargetSyntax,
        &[
            "request/method.md: PRI request HTTP2",
            "request/uri.md: Disallow UTF-8 in URI path in strict mode",
            "url.md: Failing on broken schema",
            "url.md: Disallow tab in URL",
            "url.md: Disallow form-feed in URL",
        ],
    ),
    (
        TransferEncodingSyntax,
        &[
            "request/transfer-encoding.md: Ignoring `pigeons`",
            "request/transfer-encoding.md: POST with `Transfer-Encoding` and `Content-Length`",
            "request/transfer-encoding.md: POST with `chunked` before other transfer coding names",
            "request/transfer-encoding.md: POST with `chunked` and duplicate transfer-encoding",
            "request/transfer-encoding.md: POST with `chunkedchunked` as transfer-encoding",
        ],
    ),
    (
        VersionSyntax,
        &[
            "response/invalid.md: Extra digit in HTTP major version",
            "response/invalid.md: Extra digit in HTTP major version #2",
        ],
    ),
    (
        VersionUnsupported,
        &["request/invalid.md: Invalid HTTP version", "response/invalid.md: Invalid HTTP version"],
    ),
];

/// Where we judge otherwise than the corpus: how, why, and which cases.
pub(crate) const DEVIATIONS: &[(Ours, &str, &[&str])] = &[
    (
        Ours::Closed,
        "after an HTTP/1.0 request without keep-alive the connection is over (RFC 9112 §9.3)",
        &["request/connection.md: Resetting flags when keep-alive is off (1.0, lenient)"],
    ),
    (
        Ours::Accepted,
        "any token is a method; whether it is known is not the parser's affair (RFC 9110 §9.1)",
        &["request/invalid.md: Invalid method"],
    ),
    (
        Ours::Closed,
        "the same; and then an HTTP/1.0 connection is over",
        &["request/invalid.md: HTTP protocol and ANNOUNCE method"],
    ),
    (
        Ours::Truncated,
        "the field line that is wrong has not come to its end: it is judged when it has",
        &[
            "request/content-length.md: Error on `Content-Length` overflow",
            "request/content-length.md: Error on duplicate `Content-Length`",
        ],
    ),
    (
        Ours::Truncated,
        "a message that lacks its end is incomplete, not malformed (RFC 9112 §8)",
        &["request/transfer-encoding.md: Missing last-chunk"],
    ),
    (
        Ours::Truncated,
        "the body of a request cannot be left out (RFC 9112 §6.3)",
        &["request/content-length.md: Content-Length reset when no body is received"],
    ),
    (
        Ours::Refused(BareLineEnding),
        "lines end in CRLF, and CR stands nowhere else (RFC 9112 §2.2)",
        &[
            "request/content-length.md: Missing CRLF-CRLF before body (lenient)",
            "request/invalid.md: Headers separated by dummy characters (lenient)",
            "request/invalid.md: Only LFs present (lenient)",
            "request/lenient-headers.md: Empty headers separated by CR (lenient)",
            "request/sample.md: No LF after CR (lenient)",
            "response/invalid.md: Bare CR after response line (lenient)",
            "response/invalid.md: Only LFs present and no body (lenient)",
            "response/invalid.md: Only LFs present (lenient)",
            "response/sample.md: No carriage ret (lenient)",
        ],
    ),
    (
        Ours::Refused(ChunkSyntax),
        "a chunk is a size, CRLF, that many bytes, CRLF (RFC 9112 §7.1)",
        &[
            "request/transfer-encoding.md: Chunk header not terminated by CRLF (lenient)",
            "request/transfer-encoding.md: Chunk data not terminated by CRLF (lenient)",
            "request/transfer-encoding.md: Space after chunk header (lenient)",
        ],
    ),
    (
        Ours::Refused(FieldNameSyntax),
        "no white space between a field name and its colon (RFC 9112 §5.1)",
        &[
            "request/connection.md: Invalid whitespace token with `Connection` header field (lenient)",
            "request/content-length.md: Invalid whitespace token with `Content-Length` header field (lenient)",
        ],
    ),
    (
        Ours::Refused(FieldValueSyntax),
        "no control characters in a field value (RFC 9110 §5.5)",
        &[
            "request/lenient-header-value-relaxed.md: Control char in header value (relaxed)",
            "request/lenient-headers.md: Header value (lenient)",
        ],
    ),
    (
        Ours::Refused(RequestLineSyntax),
        "one empty line before a request is skipped, not two (RFC 9112 §2.2)",
        &["request/connection.md: CRLF between requests, implicit `keep-alive`"],
    ),
    (
        Ours::Refused(FieldValueSyntax),
        "no control characters in a field value (RFC 9110 §5.5)",
        &["request/lenient-headers.md: Second request header value (lenient)"],
    ),
    (
        Ours::Refused(ObsoleteFold),
        "a server may answer 400 to a folded line (RFC 9112 §5.2), and does",
        &[
            "request/connection.md: Multiple tokens with folding",
            "request/connection.md: Multiple tokens with folding, LWS, and CRLF",
            "request/invalid.md: Spaces before headers (lenient)",
            "request/sample.md: Line folding in header value with CRLF",
            "request/sample.md: X-SSL-Nonsense",
            "response/transfer-encoding.md: Invalid OBS fold after chunked value",
        ],
    ),
    (
        Ours::Refused(RequestLineSyntax),
        "HTTP-name is HTTP, and a request line has a version (RFC 9112 §2.3, §3)",
        &[
            "request/method.md: SOURCE request with ICE",
            "request/method.md: OPTIONS request with RTSP",
            "request/method.md: ANNOUNCE request with RTSP",
            "request/sample.md: No HTTP version",
        ],
    ),
    (
        Ours::Refused(StatusLineSyntax),
        "only servers skip an empty line, before a request (RFC 9112 §2.2)",
        &[
            "response/connection.md: HTTP 304 with Content-Length",
            "response/connection.md: HTTP 100 first, then 400",
            "response/pipelining.md: Should parse multiple events",
            "response/sample.md: Response starting with CRLF",
        ],
    ),
    (
        Ours::Refused(StatusLineSyntax),
        "HTTP-name is HTTP; a space stands behind the status code (RFC 9112 §4)",
        &[
            "response/sample.md: RTSP response",
            "response/sample.md: ICE response",
            "response/sample.md: No reason phrase",
        ],
    ),
    (
        Ours::Refused(TargetSyntax),
        "asterisk-form is for OPTIONS only (RFC 9112 §3.2.4)",
        &["request/method.md: M-SEARCH request"],
    ),
    (
        Ours::Refused(TargetSyntax),
        "quotes and fragments have no place in a request target (RFC 9112 §3.2)",
        &["request/uri.md: Quotes in URI", "request/uri.md: Fragment in URI"],
    ),
    (
        Ours::Refused(HostSyntax),
        "userinfo in an http URI is an error (RFC 9110 §4.2.4)",
        &["request/uri.md: `host:port` and basic auth"],
    ),
    (
        Ours::Refused(TrailerForbidden),
        "Vary and Content-Type say how to read the content (RFC 9110 §6.5.1)",
        &["request/transfer-encoding.md: Trailing headers"],
    ),
    (
        Ours::Refused(TransferEncodingSyntax),
        "a request's codings end in chunked, and stand alone (RFC 9112 §6.3)",
        &[
            "request/transfer-encoding.md: POST with `Transfer-Encoding` and `Content-Length` (lenient)",
            "request/transfer-encoding.md: POST with `chunked` before other transfer-coding (lenient)",
            "request/transfer-encoding.md: POST with `chunked` and duplicate transfer-encoding (lenient)",
        ],
    ),
    (
        Ours::Refused(LengthAndEncoding),
        "two lengths, one of which somebody else believes (RFC 9112 §6.3)",
        &[
            "request/content-length.md: No error on simultaneous `Content-Length` and `Transfer-Encoding: identity` (lenient)",
        ],
    ),
    (
        Ours::Refused(TransferEncodingSyntax),
        "codings in several lines hide from whoever looks at one",
        &["request/transfer-encoding.md: POST with `chunked` as last transfer-encoding (multiple headers)"],
    ),
    (
        Ours::Refused(TransferEncodingSyntax),
        "a response that we could not decode is of no use until its end either",
        &[
            "response/transfer-encoding.md: `chunked` before other transfer-encoding",
            "response/transfer-encoding.md: multiple transfer-encoding where chunked is not the last one",
            "response/transfer-encoding.md: `chunkedchunked` transfer-encoding does not enable chunked enconding",
        ],
    ),
    (
        Ours::Refused(TransferEncodingSyntax),
        "no transfer coding in a 1xx (RFC 9112 §6.1)",
        &["response/connection.md: HTTP 101 response with Upgrade and Transfer-Encoding header"],
    ),
    (
        Ours::Refused(TransferEncodingUnsupported),
        "501 to a coding we lack (RFC 9112 §6.1)",
        &["request/transfer-encoding.md: POST with `chunked` as last transfer-encoding"],
    ),
    (
        Ours::Refused(UpgradeWithBody),
        "where the body ends and the new protocol begins is a matter of taste",
        &[
            "request/connection.md: Emitting part of body and pausing",
            "request/connection.md: Upgrade POST request",
        ],
    ),
    (
        Ours::Refused(UpgradeWithBody),
        "CONNECT has no content (RFC 9110 §9.3.6)",
        &["request/method.md: CONNECT with body"],
    ),
    (
        Ours::Refused(VersionUnsupported),
        "the major version is 1 (RFC 9110 §2.5)",
        &[
            "request/lenient-version.md: Invalid HTTP version (lenient)",
            "response/lenient-version.md: Invalid HTTP version (lenient)",
            "response/sample.md: HTTP version 0.9",
        ],
    ),
];

/// The same for the other corpus, whose cases are all valid to it.
pub(crate) const GUNICORN: &[(Ours, &str, &[&str])] = &[
    (Ours::Accepted, "methods are case-sensitive (RFC 9110 §9.1)", &["031compat"]),
    (
        Ours::Accepted,
        "the raw bytes have an escape sequence spelled out, which is plain text",
        &["rfc9110_field_value_obs_text_01"],
    ),
    (Ours::Closed, "an underscore is a token character; only CGI confuses it (RFC 9110 §5.6.2)", &["040"]),
    (Ours::Truncated, "the raw bytes are fewer than their Content-Length", &["099"]),
    (
        Ours::Refused(TargetSyntax),
        "quotes, fragments and raw UTF-8 have no place in a target (RFC 9112 §3.2)",
        &["005", "014", "027"],
    ),
    (Ours::Refused(TargetAmbiguous), "recipients disagree about empty segments", &["100"]),
    (
        Ours::Refused(HostSyntax),
        "userinfo in an http URI is an error (RFC 9110 §4.2.4)",
        &["rfc9112_target_absolute_userinfo_01"],
    ),
    (
        Ours::Refused(TransferEncodingSyntax),
        "a request's codings end in chunked, and stand alone (RFC 9112 §6.3)",
        &["009", "025", "029", "030"],
    ),
    (
        Ours::Refused(TransferEncodingUnsupported),
        "501 to a coding we lack (RFC 9112 §6.1)",
        &["025_line", "rfc9112_smuggle_gzip_chunked_01", "rfc9112_smuggle_te_identity_chunked_01"],
    ),
    (
        Ours::Refused(TrailerForbidden),
        "Vary and Content-Type say how to read the content (RFC 9110 §6.5.1)",
        &["012"],
    ),
    (
        Ours::Refused(FieldNameSyntax),
        "no white space between a field name and its colon (RFC 9112 §5.1)",
        &["028"],
    ),
    (
        Ours::Refused(ObsoleteFold),
        "a server may answer 400 to a folded line (RFC 9112 §5.2), and does",
        &["compat_obs_fold", "compat_obs_fold_huge"],
    ),
    (Ours::Refused(RequestLineSyntax), "the PROXY protocol is not HTTP", &["pp_01", "pp_02"]),
    (Ours::Refused(MethodSyntax), "the PROXY protocol is not HTTP", &["pp_04", "pp_05"]),
];
