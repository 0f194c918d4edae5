//! HTTP/1.1 and HTTP/1.0 (RFC 9112).
//!
//! [`head`] reads start lines, fields and trailers, and decides the framing.

pub mod head;
