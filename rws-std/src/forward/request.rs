//! The request that goes on: the client's, written anew from its parsed form.

use alloc::sync::Arc;
use core::net::IpAddr;
use core::ops::Range;
use core::time::Duration;
use std::io::Write;

use rws_core::connection::BodyPlan;
use rws_core::message::{
    BodyFraming, FieldBlock, FieldName, KnownName, OwnedFields, RequestHead, Span, TargetForm, Version,
    encode_path, is_encoded_path,
};
use rws_core::semantics::hop_by_hop::EndToEnd;
use rws_core::semantics::list::members;
use rws_core::service::ConnectionInfo;

use super::{Forward, ForwardError, Kept, Memory, Upstream};

/// How an upstream is spoken to, in the clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1: one request at a time on each connection.
    #[default]
    Http1,
    /// HTTP/2 by prior knowledge (RFC 9113 §3.3): many requests at once on each.
    Http2,
}

/// How a request is changed on its way.
#[derive(Clone, Debug)]
pub struct ForwardOptions {
    /// Cut off the front of the path, where it ends with a segment there.
    pub strip_path_prefix: String,
    /// Put in front of the path.
    pub add_path_prefix: String,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the next bytes of the upstream.
    pub read_timeout: Duration,
    /// How the upstream is spoken to.
    pub protocol: Protocol,
    /// The longest request body that is sent on: bytes. 413 beyond.
    pub body_bytes_max: u64,
}

impl Default for ForwardOptions {
    fn default() -> ForwardOptions {
        ForwardOptions {
            strip_path_prefix: String::new(),
            add_path_prefix: String::new(),
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(60),
            protocol: Protocol::Http1,
            body_bytes_max: u64::MAX,
        }
    }
}

impl Forward {
    /// The request of `head` for `upstream`. Hop-by-hop fields end here (RFC 9110 §7.6.1); `Forwarded` and
    /// `X-Forwarded-*` say who asks, and nothing that the client claimed of that goes on.
    #[inline]
    pub fn of(
        head: &RequestHead<'_>,
        connection: &ConnectionInfo,
        upstream: Arc<dyn Upstream>,
        options: &ForwardOptions,
    ) -> Forward {
        let mut memory = Memory::take();
        let written = write_head(memory.kept(), head, connection, options);
        let body = match head.body() {
            BodyFraming::None => BodyPlan::None,
            BodyFraming::Sized(len) => BodyPlan::Sized(len),
            BodyFraming::Streamed | BodyFraming::UntilClose => BodyPlan::Streamed,
        };
        let refused = match (body, &written) {
            (BodyPlan::Sized(len), _) if len > options.body_bytes_max => Some(ForwardError::BodyTooLarge),
            (_, Err(_)) => Some(ForwardError::HeadTooLarge),
            (BodyPlan::None | BodyPlan::Sized(_) | BodyPlan::Streamed, Ok(_)) => None,
        };
        let words = written.unwrap_or_default();
        Forward {
            upstream,
            connect_timeout_us: micros(options.connect_timeout),
            read_timeout_us: micros(options.read_timeout),
            body_bytes_max: options.body_bytes_max,
            total_timeout_us: u64::MAX,
            memory,
            method: words.method,
            target: words.target,
            authority: words.authority,
            protocol: options.protocol,
            body,
            expects_continue: head.expects_continue(),
            wants_trailers: words.wants_trailers,
            is_idempotent: head.method().is_idempotent(),
            is_patient: false,
            refused,
        }
    }

    /// Whether a field of a trailer section may go on: nobody may claim there who the client is.
    pub(crate) fn may_trail(name: FieldName<'_>) -> bool {
        !is_ours(name)
    }
}

fn micros(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(time.subsec_micros()))
}

/// Where the words of a request stand in the arena of its fields, and what they ask for.
#[derive(Clone, Copy, Debug, Default)]
struct Words {
    method: Span,
    /// `None`: it is in the memory's text.
    target: Option<Span>,
    authority: Span,
    wants_trailers: bool,
}

/// Copies the head once, as it lies, and says what of it goes on; what this hop has to say comes behind it.
fn write_head(
    memory: &mut Kept,
    head: &RequestHead<'_>,
    connection: &ConnectionInfo,
    options: &ForwardOptions,
) -> Result<Words, rws_core::Error> {
    let fields = &mut memory.fields;
    let kept = EndToEnd::of(head.fields());
    let mut has_te = false;
    fields.copy_kept(head.fields(), |name| {
        has_te |= matches!(name, FieldName::Known(KnownName::Te));
        !is_ours(name) && kept.has(name)
    });
    let wants_trailers = has_te && asks_for_trailers(head.fields());
    let (method, authority, target) = match head.words() {
        Some(words) => (words.method, words.authority, Some(words.target)),
        None => (fields.keep(head.method_bytes())?, fields.keep(head.authority())?, None),
    };
    let target = target.filter(|_| goes_as_it_came(head, options));
    if target.is_none() {
        write_target(&mut memory.text, head, options);
    }
    add_fields(fields, head, authority, connection)?;
    if wants_trailers {
        // We read trailers as well, so we may say so too (RFC 9110 §10.1.4).
        fields.push(KnownName::Te, b"trailers")?;
    }
    Ok(Words { method, target, authority, wants_trailers })
}

/// Whether the canonical target, written for the wire, is the one that came: mostly.
fn goes_as_it_came(head: &RequestHead<'_>, options: &ForwardOptions) -> bool {
    let (path, target) = (head.path(), head.target());
    let query_bytes = head.query().map_or(0, |query| query.len() + 1);
    head.form() == TargetForm::Origin
        && options.add_path_prefix.is_empty()
        && options.strip_path_prefix.is_empty()
        && target.len() == path.len() + query_bytes
        && target.starts_with(path.as_bytes())
        && is_encoded_path(path)
}

/// The canonical path, written for the wire, and the query as it came.
fn write_target(text: &mut Vec<u8>, head: &RequestHead<'_>, options: &ForwardOptions) {
    if head.form() == TargetForm::Asterisk {
        return text.push(b'*');
    }
    let path = head.path();
    let stripped = path.strip_prefix(options.strip_path_prefix.as_str());
    let path = stripped.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path);
    write_path(text, &options.add_path_prefix);
    if !path.starts_with('/') {
        text.push(b'/');
    }
    write_path(text, path);
    if let Some(query) = head.query() {
        text.push(b'?');
        text.extend_from_slice(query);
    }
}

fn write_path(text: &mut Vec<u8>, path: &str) {
    let at = text.len();
    text.resize(at + path.len(), 0);
    // Most paths have nothing to escape.
    let used = encode_path(path, &mut text[at..]).or_else(|_| {
        text.resize(at + path.len() * 3, 0);
        encode_path(path, &mut text[at..])
    });
    text.truncate(at + used.unwrap_or(0));
}

/// Adds what this hop has to say, its bytes in one piece.
fn add_fields(
    fields: &mut OwnedFields,
    head: &RequestHead<'_>,
    authority: Span,
    connection: &ConnectionInfo,
) -> Result<(), rws_core::Error> {
    let scheme: &[u8] = if connection.secure { b"https" } else { b"http" };
    // Behind the entries of earlier hops (RFC 9110 §7.6.3), in the version that we received.
    let via: &[u8] = match head.version() {
        Version::Http11 => b"1.1 rws",
        Version::Http10 => b"1.0 rws",
        Version::Http2 => b"2.0 rws",
        Version::Http3 => b"3.0 rws",
    };
    let mut line = Line::new();
    let address = connection.peer.map(|peer| line.forwarded(peer.ip().to_canonical()));
    let proto = line.put(scheme);
    let forwarded = 0..line.len;
    let via = line.put(via);
    let kept = fields.keep(line.padded())?;
    let place = |part: Range<usize>| Span { at: kept.at + part.start as u16, len: part.len() as u16 };
    if let Some(address) = address {
        fields.push_at(KnownName::XForwardedFor, place(address))?;
        fields.push_at(KnownName::Forwarded, place(forwarded))?;
    }
    fields.push_at(KnownName::XForwardedProto, place(proto))?;
    if authority.len > 0 {
        fields.push_at(KnownName::XForwardedHost, authority)?;
    }
    fields.push_at(KnownName::Via, place(via))
}

#[inline(never)]
fn asks_for_trailers(fields: FieldBlock<'_>) -> bool {
    fields
        .all(KnownName::Te)
        .any(|value| members(value).any(|member| member.eq_ignore_ascii_case(b"trailers")))
}

/// Fields that this hop writes itself, and other claims about who asks, which only this hop can know. An upstream
/// may read `_` in a name as `-` (as CGI does), so both spellings count.
#[inline(always)]
fn is_ours(name: FieldName<'_>) -> bool {
    match name {
        FieldName::Known(known) => matches!(
            known,
            KnownName::Host
                | KnownName::Expect
                | KnownName::Forwarded
                | KnownName::XForwardedFor
                | KnownName::XForwardedHost
                | KnownName::XForwardedProto
        ),
        FieldName::Other(name) => is_claim(name),
    }
}

#[inline(never)]
fn is_claim(name: &[u8]) -> bool {
    claims(name, b"x-forwarded-") || claims(name, b"x-real-ip") || name.contains(&b'_') && is_disguised(name)
}

/// Whether `name` begins with `claim`, in any case, with `_` for `-` or not.
fn claims(name: &[u8], claim: &[u8]) -> bool {
    let as_cgi = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.get(..claim.len())
        .is_some_and(|front| front.iter().zip(claim).all(|(&byte, &own)| as_cgi(byte) == own))
}

/// Whether `name`, read with `-` for `_`, is one that we know: nobody writes those so who means well. Whatever we
/// decide by the one spelling (framing, ids, who asks) could be taken back by the other.
fn is_disguised(name: &[u8]) -> bool {
    let plain: Vec<u8> = name.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
    KnownName::from_bytes(&plain).is_some()
}

/// The values of this hop's fields, one behind the other, written without a formatter: each request has them.
struct Line {
    bytes: [u8; LINE_BYTES + PADDING],
    len: usize,
}

/// The longest address, and what stands around it.
const LINE_BYTES: usize = 88;
const PADDING: usize = 32;

/// Each octet in decimal with a dot behind it, and how long both are.
static OCTETS: [([u8; 4], u8); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut number: u8 = 0;
    loop {
        let (hundreds, tens, ones) = (b'0' + number / 100, b'0' + number / 10 % 10, b'0' + number % 10);
        octets[number as usize] = match number {
            0..10 => ([ones, b'.', b'.', b'.'], 2),
            10..100 => ([tens, ones, b'.', b'.'], 3),
            100.. => ([hundreds, tens, ones, b'.'], 4),
        };
        if number == u8::MAX {
            break octets;
        }
        number += 1;
    }
};

impl Line {
    const fn new() -> Line {
        Line { bytes: [0; LINE_BYTES + PADDING], len: 0 }
    }

    /// `for=192.0.2.1;proto=`, `for="[2001:db8::1]";proto=` (RFC 7239 §4). Where the address stands.
    fn forwarded(&mut self, ip: IpAddr) -> Range<usize> {
        let address = match ip {
            IpAddr::V4(ip) => {
                let from = self.put(b"for=").end;
                for octet in ip.octets() {
                    self.decimal_and_dot(octet);
                }
                self.len -= 1;
                from..self.len
            }
            IpAddr::V6(ip) => {
                let from = self.put(b"for=\"[").end;
                // Seldom, and its shortest form has many rules. It is shorter than the line.
                let _ = write!(&mut self.bytes[from..], "{ip}");
                self.len += self.bytes[from..].iter().take_while(|&&byte| byte != 0).count();
                let to = self.len;
                self.put(b"]\"");
                from..to
            }
        };
        self.put(b";proto=");
        address
    }

    /// Where the bytes stand.
    fn put(&mut self, bytes: &[u8]) -> Range<usize> {
        let from = self.len;
        self.len = from + bytes.len();
        self.bytes[from..self.len].copy_from_slice(bytes);
        from..self.len
    }

    /// Always in one piece of four bytes: what is too much of it is written over.
    fn decimal_and_dot(&mut self, number: u8) {
        let (digits, len) = OCTETS[usize::from(number)];
        self.bytes[self.len..self.len + digits.len()].copy_from_slice(&digits);
        self.len += usize::from(len);
    }

    /// With a little room behind: what is written from here is copied in whole pieces.
    fn padded(&self) -> &[u8] {
        &self.bytes[..self.len + PADDING]
    }

    #[cfg(test)]
    fn whole(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::Line;
    use core::net::IpAddr;

    fn forwarded(ip: &str, proto: &str) -> (String, String) {
        let mut line = Line::new();
        let address = line.forwarded(ip.parse::<IpAddr>().expect("an address"));
        line.put(proto.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&line.whole()[address]), text(line.whole()))
    }

    #[test]
    fn addresses_are_written_as_the_standard_library_writes_them() {
        for octet in 0..=255_u8 {
            let ip = format!("{octet}.0.10.{octet}");
            assert_eq!(forwarded(&ip, "http"), (ip.clone(), format!("for={ip};proto=http")));
        }
        for ip in ["::1", "2001:db8::1", "1234:5678:9abc:def0:1234:5678:9abc:def0", "::ffff:1.2.3.4", "::"] {
            let written = format!("for=\"[{ip}]\";proto=https");
            assert_eq!(forwarded(ip, "https"), (ip.to_owned(), written));
        }
    }
}
