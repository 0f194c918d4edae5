//! Pieces of requests that are wrong by a byte, beside some that are sound.

/// A length and a coding, in either order.
pub(super) const LENGTH_AND_CODING: &[&str] = &[
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "content-length: 40\r\nX: y\r\ntransfer-encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\n",
];

/// Other protocols, with content that is whose?
pub(super) const UPGRADES: &[&str] = &[
    "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n",
    "Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n",
    "Connection: upgrade\r\nUpgrade: h2c\r\n",
    "Connection: close, upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive, close\r\nContent-Length: 5\r\n",
];

/// Expectations, met and unknown.
pub(super) const EXPECTATIONS: &[&str] = &[
    "Content-Length: 5\r\nExpect: magic\r\n",
    "Content-Length: 5\r\nExpect: 100-continue, magic\r\n",
    "Content-Length: 5\r\nExpect: 100-continue\r\n",
    "Expect: 100-continue\r\n",
];

/// The lines before the end of a head that shall name one host.
pub(super) const HOSTS: &[&str] = &[
    "",
    "Host: a\r\nHost: a\r\n",
    "Host: a\r\nhost: b\r\n",
    "Host : a\r\n",
    "Host: a b\r\n",
    "Host: a,b\r\n",
    "Host: a@b\r\n",
    "Host: a/b\r\n",
    "Host: a:x\r\n",
    "Host: a:99999\r\n",
    "Host: [::1\r\n",
    "Host: [::1]:80\r\n",
    "Host: \r\n",
    "Host: a\0\r\n",
    "Host: a?b\r\n",
    "Host: a#b\r\n",
    "Host: %61\r\n",
    "Host: a:80\r\n",
];

/// Request lines that are none, or of another protocol.
pub(super) const REQUEST_LINES: &[&str] = &[
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    "GET / HTTP/1.1 ",
    "GET\t/ HTTP/1.1",
    "GET / HTTP/1.1\r",
    "GET /",
    "GET",
    "G\0T / HTTP/1.1",
    "G(T / HTTP/1.1",
    "GET / HTTP/1.2",
    "GET / HTTP/2.0",
    "GET / HTTP/0.9",
    "GET / HTTP/1.10",
    "GET / HTTP/11",
    "GET / http/1.1",
    "GET / XTTP/1.1",
    "PRI * HTTP/2.0",
    "\u{16}\u{3}\u{1}\u{2}",
];

/// Targets, in all their forms.
pub(super) const TARGETS: &[&str] = &[
    "GET nowhere HTTP/1.1",
    "GET http://a/ HTTP/1.1",
    "GET http://b/ HTTP/1.1",
    "GET http:// HTTP/1.1",
    "GET http://u@a/ HTTP/1.1",
    "GET ftp://a/ HTTP/1.1",
    "GET * HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "CONNECT a:80 HTTP/1.1",
    "CONNECT / HTTP/1.1",
    "GET /%zz HTTP/1.1",
    "GET /%00 HTTP/1.1",
    "GET /%2f HTTP/1.1",
    "GET /%5c HTTP/1.1",
    "GET /a/../b HTTP/1.1",
    "GET /a/%2e%2e/b HTTP/1.1",
    "GET //led/on HTTP/1.1",
    "GET /led//on HTTP/1.1",
    "GET /led/./on HTTP/1.1",
    "GET /\u{e9} HTTP/1.1",
    "GET /%c0%af HTTP/1.1",
    "GET /a;b HTTP/1.1",
    "GET /a#b HTTP/1.1",
    "GET /a\"b HTTP/1.1",
    "GET /?a\u{7f} HTTP/1.1",
    "TRACE / HTTP/1.1",
];

/// Lines between others that are wrong by a byte, or not at all.
pub(super) const FIELD_LINES: &[&str] = &[
    " X: y\r\n",
    "X: y\r\n z\r\n",
    "X: y\r\n\tz\r\n",
    "X : y\r\n",
    "X\t: y\r\n",
    "X\r\n",
    ": y\r\n",
    "X: a\0b\r\n",
    "X: a\rb\r\n",
    "X: a\nb\r\n",
    "X: a\u{1}b\r\n",
    "X: a\u{7f}b\r\n",
    "X: a\tb\r\n",
    "X(: a\r\n",
    "X\0: a\r\n",
    "\u{e9}: a\r\n",
    "X: \u{e9}\r\n",
    "X: a\n",
    "X: a\r\r\n",
    "\n",
    "X:\r\n",
];

/// Methods and routes that do not care for a body.
pub(super) const UNREAD: &[(&str, &str)] = &[
    ("GET", "/"),
    ("HEAD", "/"),
    ("DELETE", "/"),
    ("OPTIONS", "*"),
    ("POST", "/nowhere"),
    ("POST", "/firmware"),
    ("TRACE", "/"),
    ("BREW", "/"),
    ("GET", "/index.html"),
];
