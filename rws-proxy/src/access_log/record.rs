//! What one line of the access log is made of.

use core::net::{IpAddr, SocketAddr};
use std::io::Write as _;

/// The most bytes of one field of a stranger's that a line holds; the rest is cut, and `...` says so.
pub const FIELD_BYTES_MAX: usize = 2048;

/// How much of one field, which may come in pieces, is still to be written.
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
    cut: bool,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { left: FIELD_BYTES_MAX, cut: false }
    }

    /// What of the next piece is written, and whether the mark of a cut comes after it.
    pub(super) fn take<'a>(&mut self, piece: &'a [u8]) -> (&'a [u8], bool) {
        if self.cut {
            return (b"", false);
        }
        let kept = piece.get(..self.left).unwrap_or(piece);
        self.left -= kept.len();
        self.cut = kept.len() < piece.len();
        (kept, self.cut)
    }
}

/// Appends a number in decimal.
pub(super) fn decimal(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends an address; the dotted kind by hand, since it is in almost every line.
pub(super) fn address(ip: IpAddr, out: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => {
            for (place, octet) in ip.octets().into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                decimal(octet, out);
            }
        }
        // Writing to a vector cannot fail.
        IpAddr::V6(ip) => drop(write!(out, "{ip}")),
    }
}

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The line that most log readers know, one field after the other.
    #[default]
    Combined,
    /// One JSON object per line.
    Json,
}

impl Format {
    /// Appends the line of `record` to `out`, with its line end.
    pub fn write(self, record: &Record<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Combined => super::combined::write(record, out),
            Self::Json => super::json::write(record, out),
        }
    }
}

/// How much a line deserves attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Info,
    /// The client's fault.
    Warn,
    /// Ours, or an upstream's.
    Error,
}

impl Level {
    /// The level that goes with a status code: from 500 on an error, from 400 on a warning.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            500.. => Self::Error,
            400..=499 => Self::Warn,
            0..=399 => Self::Info,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One finished exchange. All text is borrowed and may hold any bytes; nothing has to be escaped before.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// When the exchange ended: microseconds since 1970 in UTC.
    pub unix_time_us: u64,
    /// See [`Level::of_status`].
    pub level: Level,
    /// The request's method.
    pub method: &'a [u8],
    /// The request target as it came, with its query.
    pub path: &'a [u8],
    /// `HTTP/1.1` and the like.
    pub protocol: &'a str,
    /// The status of the final response; 0 if none was sent.
    pub status: u16,
    /// From the first byte of the request to the last of the response, in microseconds.
    pub latency_us: u64,
    /// The id that the response carries too; empty if there is none.
    pub request_id: &'a [u8],
    /// The address that the connection came from.
    pub peer: IpAddr,
    /// The client's address, which is another one where a trusted proxy stands in front; `None` if nothing is known
    /// but the peer.
    pub client: Option<IpAddr>,
    /// Bytes of the response's body that were sent.
    pub bytes: u64,
    /// `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// `Referer`.
    pub referer: Option<&'a [u8]>,
    /// The pattern of the route that took the request; `None` if none did.
    pub route: Option<&'a str>,
    /// The name of the upstream, where the request was passed on.
    pub upstream: Option<&'a str>,
    /// The server of the upstream that it was passed on to last.
    pub backend: Option<SocketAddr>,
    /// Whether the exchange was cut short: then `status` and `bytes` tell what went of an answer that is not whole.
    pub is_aborted: bool,
    /// Why the exchange failed, in our own words.
    pub error: Option<&'a str>,
}
