//! The request that goes on: the client's, written anew from its parsed form.

use alloc::sync::Arc;
use core::net::IpAddr;
use core::time::Duration;
use std::io::Write;

use rws_core::connection::BodyPlan;
use rws_core::message::{
    BodyFraming, FieldName, KnownName, OwnedFields, RequestHead, Span, TargetForm, encode_path,
};
use rws_core::semantics::hop_by_hop::end_to_end;
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
        let mut text = Vec::with_capacity(head.target().len() + head.authority().len() + 32);
        let mut keep = |bytes: &[u8]| {
            let at = text.len();
            text.extend_from_slice(bytes);
            Span::of(at, text.len()).unwrap_or(Span::EMPTY)
        };
        let method = keep(head.method_bytes());
        let authority = keep(head.authority());
        let at = text.len();
        write_target(&mut text, head, options);
        let target = Span::of(at, text.len()).unwrap_or(Span::EMPTY);
        Forward {
            upstream,
            connect_timeout_us: micros(options.connect_timeout),
            read_timeout_us: micros(options.read_timeout),
            body_bytes_max: options.body_bytes_max,
            text,
            method,
            target,
            authority,
            fields: fields(head, connection),
            body: match head.body() {
                BodyFraming::None => BodyPlan::None,
                BodyFraming::Sized(len) => BodyPlan::Sized(len),
                BodyFraming::Streamed | BodyFraming::UntilClose => BodyPlan::Streamed,
            },
            expects_continue: head.expects_continue(),
            is_idempotent: head.method().is_idempotent(),
            refused: match head.body() {
                BodyFraming::Sized(len) if len > options.body_bytes_max => Some(ForwardError::BodyTooLarge),
                BodyFraming::Sized(_)
                | BodyFraming::None
                | BodyFraming::Streamed
                | BodyFraming::UntilClose => None,
            },
        }
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
    text.extend_from_slice(options.add_path_prefix.as_bytes());
    let path = head.path();
    let stripped = path.strip_prefix(options.strip_path_prefix.as_str());
    let path = stripped.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path);
    if !path.starts_with('/') {
        text.push(b'/');
    }
    let at = text.len();
    text.resize(at + path.len() * 3, 0);
    let used = encode_path(path, &mut text[at..]).unwrap_or(0);
    text.truncate(at + used);
    if let Some(query) = head.query() {
        text.push(b'?');
        text.extend_from_slice(query);
    }
}

fn fields(head: &RequestHead<'_>, connection: &ConnectionInfo) -> OwnedFields {
    let mut fields = OwnedFields::new();
    // What was received is well-formed, so each of these fits again; beyond 64 KiB the rest is left out.
    for (name, value) in end_to_end(head.fields()) {
        if !is_ours(name) {
            let _ = fields.push(name, value);
        }
    }
    let scheme: &[u8] = if connection.secure { b"https" } else { b"http" };
    let mut line = [0u8; 64];
    if let Some(peer) = connection.peer {
        let ip = peer.ip().to_canonical();
        let _ = fields.push(KnownName::XForwardedFor, written(&mut line, format_args!("{ip}")));
        let _ = fields.push(KnownName::Forwarded, forwarded(&mut line, ip, connection.secure));
    }
    let _ = fields.push(KnownName::XForwardedProto, scheme);
    let _ = fields.push(KnownName::XForwardedHost, head.authority());
    let _ = fields.push(KnownName::Via, b"1.1 rws");
    fields
}

/// Fields that this hop writes itself.
fn is_ours(name: FieldName<'_>) -> bool {
    let FieldName::Known(known) = name else { return false };
    matches!(
        known,
        KnownName::Host
            | KnownName::Expect
            | KnownName::Forwarded
            | KnownName::XForwardedFor
            | KnownName::XForwardedHost
            | KnownName::XForwardedProto
            | KnownName::Via
    )
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
