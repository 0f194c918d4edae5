//! Request heads: the stored form (spans) and the view.

use super::{Field, FieldBlock, Fields, Method, Scratch, Span, Version};
use crate::scan::as_text;

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
#[cfg_attr(target_os = "none", repr(u8))]
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

impl BodyFraming {
    /// Whether a body follows the head. One of no bytes has come with it: nothing tells its end.
    #[inline]
    pub const fn follows(self) -> bool {
        !matches!(self, BodyFraming::None | BodyFraming::Sized(0))
    }
}

/// A request head as spans: `Copy`, no borrow. The arena is the start of the `rx` slice that was given to
/// `receive`, or, from HTTP/2 on, of `scratch.bytes`; the field index is the start of `scratch.fields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestSpans {
    /// Bytes of the arena that belong to the head.
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
        if self.version.is_decoded() {
            return self.view_decoded(scratch);
        }
        let arena = rx.get(..usize::from(self.arena_len)).unwrap_or(&[]);
        let decoded = match self.target.path {
            PathAt::Scratch(span) => span.end(),
            PathAt::Arena(_) | PathAt::Nowhere => 0,
        };
        let (bytes, index, spare) = scratch.split(decoded, usize::from(self.fields_len));
        RequestHead {
            spans: *self,
            arena,
            decoded: bytes,
            fields: Fields::Received(FieldBlock::new(arena, index), spare),
        }
    }

    /// The view of a head whose arena is in scratch.
    #[inline(never)]
    fn view_decoded<'a>(&self, scratch: Scratch<'a>) -> RequestHead<'a> {
        let (arena, index, spare) = scratch.split(usize::from(self.arena_len), usize::from(self.fields_len));
        let fields = Fields::Received(FieldBlock::new(arena, index), spare);
        RequestHead { spans: *self, arena, decoded: arena, fields }
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
        let arena = if self.version.is_decoded() { decoded } else { rx };
        let arena = arena.get(..usize::from(self.arena_len)).unwrap_or(&[]);
        let index = index.get(..usize::from(self.fields_len)).unwrap_or(&[]);
        RequestHead {
            spans: *self,
            arena,
            decoded,
            fields: Fields::Received(FieldBlock::new(arena, index), spare),
        }
    }
}

/// A request head.
///
/// Reading is zero-copy. The first edit of a field copies the fields into the scratch that was lent with
/// the head.
#[derive(Debug)]
pub struct RequestHead<'a> {
    spans: RequestSpans,
    arena: &'a [u8],
    decoded: &'a [u8],
    fields: Fields<'a>,
}

/// Where the words of a head stand, see [`RequestHead::words`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadWords {
    /// The method.
    pub method: Span,
    /// The target as sent.
    pub target: Span,
    /// The authority in force.
    pub authority: Span,
}

/// Where the words of a head stand after they were copied elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    pub(crate) method: Span,
    pub(crate) target: Span,
    pub(crate) path: Span,
    pub(crate) query: Option<Span>,
    pub(crate) authority: Span,
}

impl<'a> RequestHead<'a> {
    /// A head whose words stand in `arena`, as `spans` say, and whose fields are apart.
    pub(crate) const fn over(spans: RequestSpans, arena: &'a [u8], fields: Fields<'a>) -> RequestHead<'a> {
        RequestHead { spans, arena, decoded: &[], fields }
    }

    /// The spans of a copy of this head whose words stand at `words`.
    pub(crate) const fn moved_to(&self, words: Words) -> RequestSpans {
        let target = TargetSpans {
            form: self.spans.target.form,
            raw: words.target,
            path: PathAt::Arena(words.path),
            query: words.query,
            authority: words.authority,
        };
        RequestSpans { method_at: words.method, target, ..self.spans }
    }

    /// The method.
    pub const fn method(&self) -> Method {
        self.spans.method
    }

    /// The method as sent.
    pub fn method_bytes(&self) -> &'a [u8] {
        self.spans.method_at.bytes(self.arena)
    }

    /// The protocol version.
    pub const fn version(&self) -> Version {
        self.spans.version
    }

    /// The form of the request target.
    pub const fn form(&self) -> TargetForm {
        self.spans.target.form
    }

    /// The request target as sent.
    pub fn target(&self) -> &'a [u8] {
        self.spans.target.raw.bytes(self.arena)
    }

    /// The canonical path: decoded once, dot segments gone, always starting with `/`; empty in asterisk
    /// and authority form. What is matched, authorised, opened and forwarded is this.
    pub fn path(&self) -> &'a str {
        let path = match self.spans.target.path {
            PathAt::Arena(span) => span.bytes(self.arena),
            PathAt::Scratch(span) => span.bytes(self.decoded),
            PathAt::Nowhere => &[],
        };
        as_text(path).unwrap_or("")
    }

    /// The query without its `?`, not decoded.
    pub fn query(&self) -> Option<&'a [u8]> {
        self.spans.target.query.map(|span| span.bytes(self.arena))
    }

    /// The authority in force: host and port as sent, in absolute form the target's (RFC 9112 §3.2.2).
    pub fn authority(&self) -> &'a [u8] {
        self.spans.target.authority.bytes(self.arena)
    }

    /// Where the words of this head stand in the arena of its fields; `None` once the fields were edited, since
    /// they stand elsewhere then. The target is there as it was sent.
    pub fn words(&self) -> Option<HeadWords> {
        let Fields::Received(..) = &self.fields else { return None };
        Some(HeadWords {
            method: self.spans.method_at,
            target: self.spans.target.raw,
            authority: self.spans.target.authority,
        })
    }

    /// How the body is framed.
    pub const fn body(&self) -> BodyFraming {
        self.spans.body
    }

    /// Says that the body reaches the service in another length than it was sent with: for a layer that
    /// rewrites it (see [`BodyVerdict::Wrote`](crate::middleware::BodyVerdict)). Changes nothing about how
    /// it is read.
    pub const fn set_body(&mut self, body: BodyFraming) {
        self.spans.body = body;
    }

    /// Whether the client waits for `100 (Continue)`.
    pub const fn expects_continue(&self) -> bool {
        self.spans.expect_continue
    }

    /// Whether the client asks for an upgrade.
    pub const fn asks_upgrade(&self) -> bool {
        self.spans.upgrade
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
