//! Request heads: the stored form (spans) and the view.

use super::{Field, FieldBlock, Fields, Method, Scratch, Span, Version};

/// The four forms of a request target (RFC 9112 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetForm {
    /// `/path?query`
    Origin,
    /// `http://authority/path?query`
    Absolute,
    /// `authority`, with CONNECT only
    Authority,
    /// `*`, with OPTIONS only
    Asterisk,
}

/// Where the canonical path stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathAt {
    /// In the head's arena: the path had nothing to decode.
    Arena(Span),
    /// At the start of `scratch.bytes`.
    Scratch(Span),
    /// There is none (authority form and asterisk form).
    Nowhere,
}

/// A request target as spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetSpans {
    /// Which of the four forms.
    pub form: TargetForm,
    /// The target as sent.
    pub raw: Span,
    /// The canonical path.
    pub path: PathAt,
    /// The query without its `?`, not decoded; `None` if there is no `?`.
    pub query: Option<Span>,
    /// The authority in force: the target's in absolute form and authority form, else `Host`.
    pub authority: Span,
}

/// How a message's body is framed (RFC 9112 §6.3, RFC 9113 §8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// No body.
    None,
    /// Exactly this many bytes.
    Sized(u64),
    /// Chunked, or the frames of a later version: the length is not known yet.
    Streamed,
    /// A response body that ends with the connection. Client role.
    UntilClose,
}

/// A request head as spans: `Copy`, no borrow. `arena` is the start of the `rx` slice that was given to
/// `receive`, the field index is the start of `scratch.fields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestSpans {
    /// Bytes of `rx` that belong to the head.
    pub arena_len: u16,
    /// Slots of `scratch.fields` that are in use.
    pub fields_len: u16,
    /// The method.
    pub method: Method,
    /// Its spelling.
    pub method_at: Span,
    /// The target.
    pub target: TargetSpans,
    /// The version.
    pub version: Version,
    /// How the body is framed.
    pub body: BodyFraming,
    /// The client waits for `100 (Continue)` (RFC 9110 §10.1.1).
    pub expect_continue: bool,
    /// The client asks for an upgrade, and `Connection` lists it (RFC 9110 §7.8).
    pub upgrade: bool,
}

impl RequestSpans {
    /// The view of this head. `rx` and `scratch` are the slices that were given to `receive`.
    pub fn view<'a>(&self, rx: &'a [u8], scratch: Scratch<'a>) -> RequestHead<'a> {
        let arena = rx.get(..usize::from(self.arena_len)).unwrap_or(&[]);
        let decoded = match self.target.path {
            PathAt::Scratch(span) => span.end(),
            PathAt::Arena(_) | PathAt::Nowhere => 0,
        };
        let (bytes, index, spare) = scratch.split(decoded, usize::from(self.fields_len));
        RequestHead::new(self, arena, bytes, index, spare)
    }

    /// The view of this head over memory that is shared: `decoded` and `index` are `scratch.bytes` and
    /// `scratch.fields` as `receive` left them, `spare` is other memory for edits.
    pub fn view_shared<'a>(
        &self,
        rx: &'a [u8],
        decoded: &'a [u8],
        index: &'a [Field],
        spare: Scratch<'a>,
    ) -> RequestHead<'a> {
        let arena = rx.get(..usize::from(self.arena_len)).unwrap_or(&[]);
        let index = index.get(..usize::from(self.fields_len)).unwrap_or(&[]);
        RequestHead::new(self, arena, decoded, index, spare)
    }
}

/// The parts of a head that are plain values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestParts {
    method: Method,
    version: Version,
    form: TargetForm,
    body: BodyFraming,
    expect_continue: bool,
    upgrade: bool,
}

/// A request head.
///
/// Reading is zero-copy. The first edit of a field copies the fields into the scratch that was lent with
/// the head.
#[derive(Debug)]
pub struct RequestHead<'a> {
    parts: RequestParts,
    method_bytes: &'a [u8],
    target: &'a [u8],
    path: &'a str,
    query: Option<&'a [u8]>,
    authority: &'a [u8],
    fields: Fields<'a>,
}

impl<'a> RequestHead<'a> {
    fn new(
        spans: &RequestSpans,
        arena: &'a [u8],
        decoded: &'a [u8],
        index: &'a [Field],
        spare: Scratch<'a>,
    ) -> RequestHead<'a> {
        let path = match spans.target.path {
            PathAt::Arena(span) => span.bytes(arena),
            PathAt::Scratch(span) => span.bytes(decoded),
            PathAt::Nowhere => &[],
        };
        RequestHead {
            parts: RequestParts {
                method: spans.method,
                version: spans.version,
                form: spans.target.form,
                body: spans.body,
                expect_continue: spans.expect_continue,
                upgrade: spans.upgrade,
            },
            method_bytes: spans.method_at.bytes(arena),
            target: spans.target.raw.bytes(arena),
            path: core::str::from_utf8(path).unwrap_or(""),
            query: spans.target.query.map(|span| span.bytes(arena)),
            authority: spans.target.authority.bytes(arena),
            fields: Fields::Received(FieldBlock::new(arena, index), spare),
        }
    }

    /// A head put together again from what [`RequestHead::parts`] and the views gave.
    pub(crate) const fn of_parts(
        parts: RequestParts,
        method_bytes: &'a [u8],
        target: &'a [u8],
        path: &'a str,
        query: Option<&'a [u8]>,
        authority: &'a [u8],
        fields: Fields<'a>,
    ) -> RequestHead<'a> {
        RequestHead { parts, method_bytes, target, path, query, authority, fields }
    }

    pub(crate) const fn parts(&self) -> RequestParts {
        self.parts
    }

    /// The method.
    pub const fn method(&self) -> Method {
        self.parts.method
    }

    /// The method as sent.
    pub const fn method_bytes(&self) -> &'a [u8] {
        self.method_bytes
    }

    /// The protocol version.
    pub const fn version(&self) -> Version {
        self.parts.version
    }

    /// The form of the request target.
    pub const fn form(&self) -> TargetForm {
        self.parts.form
    }

    /// The request target as sent.
    pub const fn target(&self) -> &'a [u8] {
        self.target
    }

    /// The canonical path: decoded once, dot segments gone, always starting with `/`; empty in asterisk
    /// and authority form. What is matched, authorised, opened and forwarded is this.
    pub const fn path(&self) -> &'a str {
        self.path
    }

    /// The query without its `?`, not decoded.
    pub const fn query(&self) -> Option<&'a [u8]> {
        self.query
    }

    /// The authority in force: host and port as sent, in absolute form the target's (RFC 9112 §3.2.2).
    pub const fn authority(&self) -> &'a [u8] {
        self.authority
    }

    /// How the body is framed.
    pub const fn body(&self) -> BodyFraming {
        self.parts.body
    }

    /// Says that the body reaches the service in another length than it was sent with: for a layer that
    /// rewrites it (see [`BodyVerdict::Wrote`](crate::middleware::BodyVerdict)). Changes nothing about how
    /// it is read.
    pub const fn set_body(&mut self, body: BodyFraming) {
        self.parts.body = body;
    }

    /// Whether the client waits for `100 (Continue)`.
    pub const fn expects_continue(&self) -> bool {
        self.parts.expect_continue
    }

    /// Whether the client asks for an upgrade.
    pub const fn asks_upgrade(&self) -> bool {
        self.parts.upgrade
    }

    /// The fields.
    pub fn fields(&self) -> FieldBlock<'_> {
        self.fields.block()
    }

    /// The fields, for edits.
    pub const fn fields_mut(&mut self) -> &mut Fields<'a> {
        &mut self.fields
    }
}
