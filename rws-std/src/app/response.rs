//! What a handler answers with.

use alloc::borrow::Cow;

use rws_core::connection::BodyPlan;
use rws_core::message::{FieldBlock, FieldName, KnownName, OwnedFields, RequestHead, ResponseHead};
use rws_core::{Error, Status, field_lines};

use super::body::Body;
use super::push::Pushes;

/// A response: status, fields, body.
///
/// ```
/// use rws_std::{Response, Status};
///
/// let page = Response::html("<h1>Made</h1>").status(Status::CREATED).field("Location", "/pages/7");
/// let image = Response::bytes(&b"GIF89a"[..]).content_type("image/gif");
/// let login = Response::new(Status::NO_CONTENT)
///     .field("Cache-Control", "no-store")
///     .append_field("Set-Cookie", "theme=dark")
///     .append_field("Set-Cookie", "size=large");
/// ```
///
/// [`Response::field`] *sets* a field: whatever stood under this name, from the constructor too, makes way,
/// so there is never a second `Content-Type`. [`Response::append_field`] adds a line, for those that may be
/// there more than once (`Set-Cookie`, `Vary`, `Link`, `WWW-Authenticate`).
///
/// The engine writes the framing fields (`Content-Length`, `Transfer-Encoding`, `Connection`) and `Date`.
///
/// # What cannot stand in a head
///
/// A name that is no token, or a value with CR, LF, NUL or another control character, never reaches the wire
/// (it would let whoever has a say in the value write fields or whole responses of his own). The builders
/// answer 500 in place of such a response, whatever is said of it afterwards; [`Response::add_field`] and
/// [`Response::set_field`] return an error instead, for values that come from elsewhere.
#[derive(Debug)]
pub struct Response {
    pub(super) status: Status,
    pub(super) fields: ResponseFields,
    pub(crate) body: Body,
}

/// Fields that cost nothing while they are one of the usual sets.
#[derive(Debug)]
pub(super) enum ResponseFields {
    Constant(&'static FieldBlock<'static>),
    Owned(Box<Edited>),
    /// The response stands in for one that could not be made: a text, which nothing changes any more.
    Sealed,
}

/// What is not constant about a response.
#[derive(Debug, Default)]
pub(super) struct Edited {
    fields: OwnedFields,
    pushes: Option<Box<Pushes>>,
}

const _: () = assert!(size_of::<ResponseFields>() <= 2 * size_of::<usize>());

static NONE: FieldBlock<'static> = FieldBlock::EMPTY;
static TEXT: FieldBlock<'static> = field_lines!["Content-Type: text/plain; charset=utf-8"];
static HTML: FieldBlock<'static> = field_lines!["Content-Type: text/html; charset=utf-8"];
static BYTES: FieldBlock<'static> = field_lines!["Content-Type: application/octet-stream"];

impl Response {
    /// A response without content.
    pub const fn new(status: Status) -> Response {
        Response { status, fields: ResponseFields::Constant(&NONE), body: Body::Empty }
    }

    /// 200 with a text, `text/plain`.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Response {
        Response::of(&TEXT, Body::from(text.into()))
    }

    /// 200 with a page, `text/html`.
    pub fn html(page: impl Into<Cow<'static, str>>) -> Response {
        Response::of(&HTML, Body::from(page.into()))
    }

    /// 200 with bytes, `application/octet-stream`.
    pub fn bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Response {
        Response::of(&BYTES, Body::from(bytes.into()))
    }

    /// 200 with bytes or a stream, `application/octet-stream`.
    pub fn body(body: impl Into<Body>) -> Response {
        Response::of(&BYTES, body.into())
    }

    /// 200 with these fields.
    pub(crate) const fn of(fields: &'static FieldBlock<'static>, body: Body) -> Response {
        Response { status: Status::OK, fields: ResponseFields::Constant(fields), body }
    }

    /// 200 with these fields.
    #[cfg(feature = "grpc")]
    pub(crate) fn with_fields(fields: OwnedFields, body: Body) -> Response {
        Response {
            status: Status::OK,
            fields: ResponseFields::Owned(Box::new(Edited { fields, pushes: None })),
            body,
        }
    }

    /// The same response with another status.
    #[must_use]
    pub const fn status(mut self, status: Status) -> Response {
        if !matches!(self.fields, ResponseFields::Sealed) {
            self.status = status;
        }
        self
    }

    /// The same response with this `Content-Type`, in place of the constructor's.
    #[must_use]
    pub fn content_type(self, media_type: impl AsRef<[u8]>) -> Response {
        self.field(KnownName::ContentType, media_type)
    }

    /// The same response with this field, in place of all that it has under this name. One that cannot stand
    /// in a head makes it a 500.
    #[must_use]
    pub fn field<'n>(mut self, name: impl Into<FieldName<'n>>, value: impl AsRef<[u8]>) -> Response {
        let outcome = self.set_field(name, value.as_ref());
        self.or_malformed(outcome)
    }

    /// The same response with one more field line. One that cannot stand in a head makes it a 500.
    #[must_use]
    pub fn append_field<'n>(mut self, name: impl Into<FieldName<'n>>, value: impl AsRef<[u8]>) -> Response {
        let outcome = self.add_field(name, value.as_ref());
        self.or_malformed(outcome)
    }

    /// Adds a field line.
    ///
    /// # Errors
    /// If the name is not a token, the value has control characters, or the head grows beyond 64 KiB.
    pub fn add_field<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        match self.fields_mut() {
            Some(fields) => fields.push(name, value),
            None => Ok(()),
        }
    }

    /// Replaces every field line of this name.
    ///
    /// # Errors
    /// As [`Response::add_field`].
    pub fn set_field<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        match self.fields_mut() {
            Some(fields) => fields.set(name, value),
            None => Ok(()),
        }
    }

    /// The same response with one more line in the trailer section behind its body (RFC 9110 §6.5), whose length is
    /// not told beforehand then. One that cannot stand there makes it a 500. For what is known only at the end of a
    /// stream there is [`BodyWriter::finish_with`](super::BodyWriter::finish_with).
    #[must_use]
    pub fn trailer<'n>(mut self, name: impl Into<FieldName<'n>>, value: impl AsRef<[u8]>) -> Response {
        let outcome = self.add_trailer(name, value.as_ref());
        self.or_malformed(outcome)
    }

    /// Adds a line to the trailer section behind the body.
    ///
    /// # Errors
    /// As [`Response::add_field`].
    pub fn add_trailer<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        match self.fields {
            ResponseFields::Sealed => Ok(()),
            ResponseFields::Constant(_) | ResponseFields::Owned(_) => {
                self.body.change_trailers(|trailers| trailers.push(name, value))
            }
        }
    }

    /// The same response, with the answer to a GET of `path` pushed beside it: over HTTP/2 to a client that takes that
    /// (RFC 9113 §8.4), through the same layers and routes as if it had been asked for. Any other client gets a
    /// `103 (Early Hints)` with a `Link` for it before this response (RFC 8297), but not on HTTP/1.0.
    ///
    /// ```
    /// use rws_std::Response;
    ///
    /// let page = Response::html("<link rel=stylesheet href=/style.css>").push("/style.css");
    /// ```
    ///
    /// At most 16 paths count, and of those as many are pushed as
    /// [`Limits::pushes_max`](rws_core::Limits::pushes_max) and the client let at once; the others are hinted at. A
    /// path that cannot be asked for makes the response a 500.
    #[must_use]
    pub fn push(mut self, path: impl AsRef<str>) -> Response {
        let outcome = self.add_push(path.as_ref());
        self.or_malformed(outcome)
    }

    /// As [`Response::push`], for a path that comes from elsewhere.
    ///
    /// # Errors
    /// If it is not `/…` in printable ASCII, or names another authority (`//…`).
    pub fn add_push(&mut self, path: &str) -> Result<(), Error> {
        match self.edited() {
            Some(edited) => edited.pushes.get_or_insert_default().push(path),
            None => Ok(()),
        }
    }

    /// What is to be pushed beside it, once.
    pub(super) fn take_pushes(&mut self) -> Option<Box<Pushes>> {
        self.pushes_mut()?.take()
    }

    /// Tells what is to be pushed beside it who has asked for it.
    #[inline]
    pub(super) fn attach_pushes(&mut self, head: &RequestHead<'_>) {
        if let Some(Some(pushes)) = self.pushes_mut() {
            pushes.attach(head);
        }
    }

    /// Whether something is to be pushed beside it.
    #[inline]
    pub(super) fn has_pushes(&self) -> bool {
        matches!(&self.fields, ResponseFields::Owned(edited) if edited.pushes.is_some())
    }

    #[inline]
    fn pushes_mut(&mut self) -> Option<&mut Option<Box<Pushes>>> {
        match &mut self.fields {
            ResponseFields::Owned(edited) => Some(&mut edited.pushes),
            ResponseFields::Constant(_) | ResponseFields::Sealed => None,
        }
    }

    /// The status.
    pub const fn code(&self) -> Status {
        self.status
    }

    /// The fields.
    #[inline]
    pub fn fields(&self) -> FieldBlock<'_> {
        match &self.fields {
            ResponseFields::Constant(block) => **block,
            ResponseFields::Owned(edited) => edited.fields.block(),
            ResponseFields::Sealed => TEXT,
        }
    }

    /// Whether all of it is the program's own constants.
    #[inline]
    pub(super) const fn is_constant(&self) -> bool {
        matches!(self.fields, ResponseFields::Constant(_))
            && matches!(self.body, Body::Empty | Body::Constant(_))
    }

    #[inline]
    pub(crate) fn head(&self) -> ResponseHead<'_> {
        ResponseHead { status: self.status, fields: self.fields() }
    }

    pub(crate) fn plan(&self) -> BodyPlan {
        self.body.plan()
    }

    /// The same response, a text, which nothing that is said of it later will change.
    pub(super) fn sealed(self) -> Response {
        Response { fields: ResponseFields::Sealed, ..self }
    }

    fn or_malformed(self, outcome: Result<(), Error>) -> Response {
        match outcome {
            Ok(()) => self,
            Err(_) => Response::text("the handler made a malformed field\n")
                .status(Status::INTERNAL_SERVER_ERROR)
                .sealed(),
        }
    }

    /// The fields for edits, unless they are to stay as they are.
    fn fields_mut(&mut self) -> Option<&mut OwnedFields> {
        self.edited().map(|edited| &mut edited.fields)
    }

    fn edited(&mut self) -> Option<&mut Edited> {
        if let ResponseFields::Constant(block) = self.fields {
            let edited = Edited { fields: OwnedFields::copy_of(*block), pushes: None };
            self.fields = ResponseFields::Owned(Box::new(edited));
        }
        match &mut self.fields {
            ResponseFields::Owned(edited) => Some(edited),
            ResponseFields::Constant(_) | ResponseFields::Sealed => None,
        }
    }
}

/// What a handler may return.
///
/// | type | response |
/// |---|---|
/// | [`Response`] | itself |
/// | `&'static str`, `String`, `Cow<'static, str>` | 200, `text/plain` |
/// | `&'static [u8]`, `Vec<u8>`, [`Body`] | 200, `application/octet-stream` |
/// | `()` | 204 |
/// | [`Status`] | that status, with its reason phrase as a text |
/// | `(Status, R)` | `R`, with that status |
/// | `Result<R, E>` | whichever it is; [`Failure`](super::Failure) as `E` takes any error by `?` |
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no response",
    label = "a handler can't return this",
    note = "return a `Response`, a text, bytes, a `Status`, `(Status, …)` or a `Result` of these",
    note = "for JSON return `Response::json(&value)`; for errors of any type return `Result<_, Failure>`"
)]
pub trait IntoResponse {
    /// The response that it means.
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for &'static str {
    fn into_response(self) -> Response {
        Response::of(&TEXT, Body::Constant(self.as_bytes()))
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for Cow<'static, str> {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for &'static [u8] {
    fn into_response(self) -> Response {
        Response::bytes(self)
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        Response::body(self)
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(Status::NO_CONTENT)
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        Response::body(Body::Bytes(self))
    }
}

/// A status with its reason phrase as a short text.
impl IntoResponse for Status {
    fn into_response(self) -> Response {
        if self.is_bodiless() { Response::new(self) } else { Response::text(self.reason()).status(self) }
    }
}

impl<R: IntoResponse> IntoResponse for (Status, R) {
    fn into_response(self) -> Response {
        self.1.into_response().status(self.0)
    }
}

impl<R: IntoResponse, E: IntoResponse> IntoResponse for Result<R, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(answer) => answer.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<'r>(response: &'r Response, name: &str) -> Vec<&'r [u8]> {
        let name = FieldName::from(name);
        response.fields().iter().filter(|(known, _)| *known == name).map(|(_, value)| value).collect()
    }

    #[test]
    fn a_field_is_set_and_only_what_is_appended_is_there_twice() {
        let response = Response::html("x")
            .content_type("text/plain")
            .field("content-TYPE", "image/png")
            .append_field("Set-Cookie", "a=1")
            .append_field("set-cookie", "b=2");
        assert_eq!(values(&response, "Content-Type"), [b"image/png"]);
        assert_eq!(values(&response, "Set-Cookie"), [b"a=1", b"b=2"]);
        assert!(values(&response.field("Set-Cookie", "c=3"), "Set-Cookie") == [b"c=3"]);
    }

    #[test]
    fn a_field_that_splits_the_head_makes_a_500_that_stays_one() {
        for (name, value) in [
            ("X-A", "a\r\nX-B: b"),
            ("X-A", "a\nb"),
            ("X-A", "a\rb"),
            ("X-A", "a\0b"),
            ("X-A", "\x7f"),
            ("X\r\nX-B", "a"),
            ("X\0", "a"),
            ("X: Y", "a"),
            ("", "a"),
        ] {
            let set = |response: Response| response.field(name, value);
            let append = |response: Response| response.append_field(name, value);
            for change in [&set as &dyn Fn(Response) -> Response, &append] {
                let response = change(Response::text("secret").field("X-Kept", "no"));
                let response = response.status(Status::OK).field("X-Late", "no").content_type("text/html");
                assert_eq!(response.code(), Status::INTERNAL_SERVER_ERROR, "{name:?}: {value:?}");
                assert_eq!(response.fields().iter().count(), 1, "{name:?}: {value:?}");
                assert_eq!(values(&response, "Content-Type"), [b"text/plain; charset=utf-8"]);
            }
            let mut response = Response::text("x");
            assert!(response.add_field(name, value.as_bytes()).is_err(), "{name:?}: {value:?}");
            assert!(response.set_field(name, value.as_bytes()).is_err(), "{name:?}: {value:?}");
            assert_eq!(response.fields().iter().count(), 1, "{name:?}: {value:?}");
        }
        assert_eq!(Response::text("x").content_type("a\nb").code(), Status::INTERNAL_SERVER_ERROR);
    }
}
