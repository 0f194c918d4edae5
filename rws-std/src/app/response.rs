//! What a handler answers with.

use rws_core::connection::BodyPlan;
use rws_core::message::{FieldBlock, FieldName, OwnedFields, ResponseHead};
use rws_core::{Error, Status, field_lines};

use super::body::Body;

/// A response: status, fields, body.
///
/// The engine writes the framing fields (`Content-Length`, `Transfer-Encoding`, `Connection`) and `Date`.
#[derive(Debug)]
pub struct Response {
    pub(super) status: Status,
    pub(super) fields: ResponseFields,
    pub(super) body: Body,
}

/// Fields that cost nothing while they are one of the usual sets.
#[derive(Debug)]
pub(super) enum ResponseFields {
    Constant(FieldBlock<'static>),
    Owned(Box<OwnedFields>),
}

const TEXT: FieldBlock<'static> = field_lines!["Content-Type: text/plain; charset=utf-8"];
const HTML: FieldBlock<'static> = field_lines!["Content-Type: text/html; charset=utf-8"];
const BYTES: FieldBlock<'static> = field_lines!["Content-Type: application/octet-stream"];

impl Response {
    /// A response without content.
    pub const fn new(status: Status) -> Response {
        Response { status, fields: ResponseFields::Constant(FieldBlock::EMPTY), body: Body::Empty }
    }

    /// 200 with a constant text, `text/plain`.
    pub const fn text(text: &'static str) -> Response {
        Response {
            status: Status::OK,
            fields: ResponseFields::Constant(TEXT),
            body: Body::Constant(text.as_bytes()),
        }
    }

    /// 200 with a text, `text/plain`.
    pub fn owned_text(text: String) -> Response {
        Response { body: Body::Bytes(text.into_bytes()), ..Response::text("") }
    }

    /// 200 with a page, `text/html`.
    pub fn html(page: impl Into<String>) -> Response {
        Response {
            status: Status::OK,
            fields: ResponseFields::Constant(HTML),
            body: Body::Bytes(page.into().into_bytes()),
        }
    }

    /// 200 with bytes or a stream, `application/octet-stream`.
    pub fn body(body: impl Into<Body>) -> Response {
        Response { status: Status::OK, fields: ResponseFields::Constant(BYTES), body: body.into() }
    }

    /// The same response with another status.
    #[must_use]
    pub const fn status(mut self, status: Status) -> Response {
        self.status = status;
        self
    }

    /// The same response with one more field line. A name or value that cannot stand in a head makes it a
    /// 500: use [`Response::add_field`] for values that come from elsewhere.
    #[must_use]
    pub fn field<'n>(mut self, name: impl Into<FieldName<'n>>, value: impl AsRef<[u8]>) -> Response {
        match self.add_field(name, value.as_ref()) {
            Ok(()) => self,
            Err(_) => {
                Response::text("the handler made a malformed field\n").status(Status::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// Adds a field line.
    ///
    /// # Errors
    /// If the name is not a token, the value has control characters, or the head grows beyond 64 KiB.
    pub fn add_field<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        self.fields_mut().push(name, value)
    }

    /// Replaces every field line of this name.
    ///
    /// # Errors
    /// As [`Response::add_field`].
    pub fn set_field<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        self.fields_mut().set(name, value)
    }

    /// The status.
    pub const fn code(&self) -> Status {
        self.status
    }

    /// The fields.
    pub fn fields(&self) -> FieldBlock<'_> {
        match &self.fields {
            ResponseFields::Constant(block) => *block,
            ResponseFields::Owned(fields) => fields.block(),
        }
    }

    pub(super) fn head(&self) -> ResponseHead<'_> {
        ResponseHead { status: self.status, fields: self.fields() }
    }

    pub(super) fn plan(&self) -> BodyPlan {
        self.body.plan()
    }

    fn fields_mut(&mut self) -> &mut OwnedFields {
        if let ResponseFields::Constant(block) = self.fields {
            self.fields = ResponseFields::Owned(Box::new(OwnedFields::copy_of(block)));
        }
        match &mut self.fields {
            ResponseFields::Owned(fields) => fields,
            ResponseFields::Constant(_) => unreachable!("made owned above"),
        }
    }
}

/// What a handler may return.
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
        Response::text(self)
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::owned_text(self)
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
