//! The request that goes on: the client's, written anew from its parsed form.

use alloc::sync::Arc;
use core::net::IpAddr;
use core::time::Duration;
use std::io::Write;

use rws_core::connection::BodyPlan;
use rws_core::message::{
    BodyFraming, FieldBlock, FieldName, KnownName, OwnedFields, RequestHead, Span, TargetForm, Version,
    encode_path,
};
use rws_core::semantics::hop_by_hop::{EndToEnd, is_hop_by_hop};
use rws_core::semantics::list::members;
use rws_core::service::ConnectionInfo;

use super::{Forward, ForwardError, Upstream};

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
            body_bytes_max: u64::MAX,
        }
    }
}

impl Forward {
    /// The request of `head` for `upstream`. Hop-by-hop fields end here (RFC 9110 §7.6.1); `Forwarded` and
    /// `X-Forwarded-*` say who asks, and nothing that the client claimed of that goes on.
    pub fn of(
        head: &RequestHead<'_>,
        connection: &ConnectionInfo,
        upstream: Arc<dyn Upstream>,
        options: &ForwardOptions,
    ) -> Forward {
        let mut text = Vec::with_capacity(head.target().len() + head.authority().len() + 64);
        let mut keep = |bytes: &[u8]| {
            let at = text.len();
            text.extend_from_slice(bytes);
            Span::of(at, text.len()).unwrap_or(Span::EMPTY)
        };
        let method = keep(head.method_bytes());
        let authority = keep(head.authority());
        let at = text.len();
        write_target(&mut text, head, options);
        let target = Span::of(at, text.len());
        let wants_trailers = asks_for_trailers(head.fields());
        let fields = fields(head, connection, wants_trailers);
        let body = match head.body() {
            BodyFraming::None => BodyPlan::None,
            BodyFraming::Sized(len) => BodyPlan::Sized(len),
            BodyFraming::Streamed | BodyFraming::UntilClose => BodyPlan::Streamed,
        };
        let refused = match (body, target, &fields) {
            (BodyPlan::Sized(len), _, _) if len > options.body_bytes_max => Some(ForwardError::BodyTooLarge),
            (_, None, _) | (_, _, Err(_)) => Some(ForwardError::HeadTooLarge),
            (BodyPlan::None | BodyPlan::Sized(_) | BodyPlan::Streamed, Some(_), Ok(_)) => None,
        };
        Forward {
            upstream,
            connect_timeout_us: micros(options.connect_timeout),
            read_timeout_us: micros(options.read_timeout),
            body_bytes_max: options.body_bytes_max,
            text,
            method,
            target: target.unwrap_or(Span::EMPTY),
            authority,
            fields: fields.unwrap_or_default(),
            body,
            expects_continue: head.expects_continue(),
            wants_trailers,
            is_idempotent: head.method().is_idempotent(),
            refused,
        }
    }

    /// Whether a field of a trailer section may go on: nobody may claim there who the client is.
    pub(crate) fn may_trail(name: FieldName<'_>) -> bool {
        !is_ours(name)
    }
}

fn micros(time: Duration) -> u64 {
    time.as_micros().try_into().unwrap_or(u64::MAX)
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

/// Lines that this hop adds at most, and their bytes: two addresses, the authority, and what is fixed.
const ADDED: (usize, usize) = (7, 256);

fn fields(
    head: &RequestHead<'_>,
    connection: &ConnectionInfo,
    wants_trailers: bool,
) -> Result<OwnedFields, rws_core::Error> {
    let received = head.fields();
    let kept = EndToEnd::of(received);
    let room = (ADDED.0, ADDED.1 + head.authority().len());
    let mut fields = OwnedFields::copy_of_kept(received, room, |name| !is_ours(name) && kept.has(name));
    let scheme: &[u8] = if connection.secure { b"https" } else { b"http" };
    let mut line = [0u8; 64];
    if let Some(peer) = connection.peer {
        let ip = peer.ip().to_canonical();
        fields.push(KnownName::XForwardedFor, written(&mut line, format_args!("{ip}")))?;
        fields.push(KnownName::Forwarded, forwarded(&mut line, ip, connection.secure))?;
    }
    fields.push(KnownName::XForwardedProto, scheme)?;
    if !head.authority().is_empty() {
        fields.push(KnownName::XForwardedHost, head.authority())?;
    }
    // Behind those of earlier hops (RFC 9110 §7.6.3), in the version that we received.
    let via: &[u8] = if head.version() == Version::Http10 { b"1.0 rws" } else { b"1.1 rws" };
    fields.push(KnownName::Via, via)?;
    if wants_trailers {
        // We read trailers as well, so we may say so too (RFC 9110 §10.1.4).
        fields.push(KnownName::Te, b"trailers")?;
    }
    Ok(fields)
}

fn asks_for_trailers(fields: FieldBlock<'_>) -> bool {
    fields
        .all(KnownName::Te)
        .any(|value| members(value).any(|member| member.eq_ignore_ascii_case(b"trailers")))
}

/// Fields that this hop writes itself, and other claims about who asks, which only this hop can know. An upstream
/// may read `_` in a name as `-` (as CGI does), so both spellings count.
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
        FieldName::Other(name) => {
            claims(name, b"x-forwarded-")
                || claims(name, b"x-real-ip")
                || name.contains(&b'_') && is_disguised(name)
        }
    }
}

/// Whether `name` begins with `claim`, in any case, with `_` for `-` or not.
fn claims(name: &[u8], claim: &[u8]) -> bool {
    let as_cgi = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.get(..claim.len())
        .is_some_and(|front| front.iter().zip(claim).all(|(&byte, &own)| as_cgi(byte) == own))
}

/// Whether `name`, read with `-` for `_`, is one that this hop writes itself or that ends here.
fn is_disguised(name: &[u8]) -> bool {
    let plain: Vec<u8> = name.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
    KnownName::from_bytes(&plain).is_some_and(|known| {
        let known = FieldName::Known(known);
        is_ours(known) || is_hop_by_hop(known)
    })
}

/// `for=192.0.2.1;proto=http` (RFC 7239 §4).
fn forwarded(line: &mut [u8; 64], ip: IpAddr, secure: bool) -> &[u8] {
    let proto = if secure { "https" } else { "http" };
    match ip {
        IpAddr::V4(ip) => written(line, format_args!("for={ip};proto={proto}")),
        IpAddr::V6(ip) => written(line, format_args!("for=\"[{ip}]\";proto={proto}")),
    }
}

fn written<'l>(line: &'l mut [u8; 64], text: core::fmt::Arguments<'_>) -> &'l [u8] {
    let mut rest = &mut line[..];
    let whole = rest.len();
    // An address and its frame are shorter than the line.
    let _ = rest.write_fmt(text);
    let left = rest.len();
    &line[..whole - left]
}
