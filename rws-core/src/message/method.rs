//! Request methods (RFC 9110 §9).

use super::packed::word_at;
use crate::SMALL;

/// A request method. One that this crate has no name for is [`Method::Other`]; its spelling is in
/// [`RequestHead::method_bytes`](crate::RequestHead::method_bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the documentation")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Other,
}

impl Method {
    /// Every method that has a name.
    pub const NAMED: [Method; 9] = [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Delete,
        Method::Connect,
        Method::Options,
        Method::Trace,
        Method::Patch,
    ];

    /// The method with this exact spelling (methods are case-sensitive).
    pub fn from_bytes(name: &[u8]) -> Method {
        if SMALL {
            let at = word_at(b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH", name);
            let named = at.filter(|_| name.iter().all(u8::is_ascii_uppercase));
            return named.and_then(|at| Method::NAMED.get(usize::from(at)).copied()).unwrap_or(Method::Other);
        }
        match name {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"DELETE" => Method::Delete,
            b"CONNECT" => Method::Connect,
            b"OPTIONS" => Method::Options,
            b"TRACE" => Method::Trace,
            b"PATCH" => Method::Patch,
            _ => Method::Other,
        }
    }

    /// The spelling; `OTHER` for a method without a name here.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Connect => "CONNECT",
            Method::Options => "OPTIONS",
            Method::Trace => "TRACE",
            Method::Patch => "PATCH",
            Method::Other => "OTHER",
        }
    }

    /// Whether a tunnel may follow: never on targets without an operating system, whose drivers have none.
    pub(crate) const fn may_open_tunnel(self) -> bool {
        !SMALL && matches!(self, Method::Connect)
    }

    /// Whether the method is safe (RFC 9110 §9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Method::Get | Method::Head | Method::Options | Method::Trace)
    }

    /// Whether the method is idempotent (RFC 9110 §9.2.2).
    pub const fn is_idempotent(self) -> bool {
        self.is_safe() || matches!(self, Method::Put | Method::Delete)
    }
}
