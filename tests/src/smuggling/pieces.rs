//! Pieces of requests that two servers frame in two ways.

/// Values of `Content-Length` that somebody reads otherwise, or at all.
pub const LENGTHS: &[&str] = &[
    "+5",
    "-5",
    "5,5",
    "5, 5",
    "5;",
    "5 5",
    "0x5",
    "0b1",
    "5.0",
    "1e1",
    "5h",
    "",
    "\"5\"",
    "5\u{a0}",
    "\u{665}",
    "99999999999999999999999999",
    "18446744073709551616",
    "5,",
    ",5",
    "5_0",
    "five",
    "NaN",
];

/// Field lines with one or two lengths, about which readers differ.
pub const LENGTH_LINES: &[&str] = &[
    "Content-Length: 5\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length: 0\r\n",
    "Content-Length: 0\r\nX: y\r\ncontent-length: 45\r\n",
    "Content-Length : 5\r\n",
    "Content-Length\t: 5\r\n",
    " Content-Length: 5\r\n",
    "X: y\r\n Content-Length: 5\r\n",
    "Content-Length: 5\0\r\n",
    "Content-Length: 5\rX: y\r\n",
    "Content-Length: \n5\r\n",
    "Content-Length:\x0b5\r\n",
    "Content-Length: 5\x0c\r\n",
    "Content-\0Length: 5\r\n",
    "\u{feff}Content-Length: 5\r\n",
];

/// Values of `Transfer-Encoding` that are, and are not, the chunked coding.
pub const CODINGS: &[&str] = &[
    "chunked, identity",
    "identity",
    "chunked, chunked",
    "chunked;q=1",
    "\"chunked\"",
    "xchunked",
    "chunkedx",
    "",
    "chunked,",
    ",chunked,",
    "chunked, gzip",
    "gzip",
    "chun ked",
    "\x0bchunked",
    "chunked\x0c",
    "chunked\0",
    "c\u{212a}unked",
    "chunked\u{a0}",
    "chunked, x\r\nX: y",
    "chunked\r\n , x",
    "'chunked'",
];

/// Field lines of which one may be a coding.
pub const CODING_LINES: &[&str] = &[
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding\t: chunked\r\n",
    "Transfer-Encoding\r\n: chunked\r\n",
    "X: y\nTransfer-Encoding: chunked\r\n",
    "X: y\rTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding:\r\n chunked\r\n",
    "Transfer-Encoding: chunked\n\r\n",
    "\0Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding\0: chunked\r\n",
];

/// Codings before the final one that a server here cannot undo.
pub const CODINGS_THAT_WE_LACK: &[&str] = &["gzip, chunked", "identity,chunked", "x, y , chunked"];

/// What is no empty line, before a request.
pub const NOISE: &[&str] = &["\r\n\r\n", "\n", " ", "\t", "\0", "\r", "\r\r\n", " \r\n"];

/// Chunked bodies that are refused; each would read as whole to somebody.
pub const BENT: &[&str] = &[
    "5\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhelloX\r\n0\r\n\r\n",
    "5\r\nhello!!0\r\n\r\n",
    "5\r\nhello\r\n0\n\n",
    "5\r\nhello\r\n0\r\n\n",
    "5\r\nhello\r\n0\r\n\r\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "5\t\r\nhello\r\n0\r\n\r\n",
    "5,\r\nhello\r\n0\r\n\r\n",
    "5_\r\nhello\r\n0\r\n\r\n",
    "5\0\r\nhello\r\n0\r\n\r\n",
    "\r\n5\r\nhello\r\n0\r\n\r\n",
    "\r\n",
    ";\r\nhello\r\n0\r\n\r\n",
    ";a=b\r\nhello\r\n0\r\n\r\n",
    "5;\r\nhello\r\n0\r\n\r\n",
    "5;a\nhello\r\n0\r\n\r\n",
    "5;a=\"\r\nhello\r\n0\r\n\r\n",
    "5;a=b\0\r\nhello\r\n0\r\n\r\n",
    "5;a\rb\r\nhello\r\n0\r\n\r\n",
    "00000000000000005\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "100000000000000000\r\nhello\r\n0\r\n\r\n",
    "g\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n-0\r\n\r\n",
    "5\r\nhello\r\n0;\r\n\r\n",
    "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "5\r\nhello\r\n0\r\nHost: b\r\n\r\n",
    "5\r\nhello\r\n0\r\nX: a\0b\r\n\r\n",
    "5\r\nhello\r\n0\r\nX : a\r\n\r\n",
    "5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
    "5\r\nhello\r\n0\r\nX: a\nY: b\r\n\r\n",
    "5\r\nhello\r\n0\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n",
];
