//! The head of a call.

use super::{Code, ContentType, Encoding, EncodingSet, Protocol, names, timeout};
use crate::message::{KnownName, RequestHead};
use crate::{Method, Status};

/// What the head of a request says about the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallHead<'h> {
    /// What is called.
    pub path: MethodPath<'h>,
    /// The envelope, and how messages are written.
    pub content_type: ContentType,
    /// How long the caller waits: microseconds.
    pub timeout_us: Option<u64>,
    /// How the request's compressed messages are encoded.
    pub encoding: Encoding,
    /// How those of the answer may be.
    pub accepts: EncodingSet,
}

/// A request that is no call, or one that cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not a call: answered in HTTP's words.
    Http(Status),
    /// A call: answered by a head that is trailers, with [`names::ACCEPT_ENCODING`] if `Unimplemented` was for the
    /// encoding.
    Call(Code, &'static str),
}

impl<'h> CallHead<'h> {
    /// Reads the head of a call of [`Protocol::Grpc`].
    ///
    /// # Errors
    /// [`Refusal`]: 405 unless it is a POST, 415 unless its content type is that of a call; or a code for a path that
    /// names no method, an encoding that nobody knows and a malformed deadline.
    pub fn read(head: &'h RequestHead<'_>) -> Result<CallHead<'h>, Refusal> {
        if head.method() != Method::Post {
            return Err(Refusal::Http(Status::METHOD_NOT_ALLOWED));
        }
        let fields = head.fields();
        let content_type = fields.single(KnownName::ContentType).and_then(ContentType::parse);
        let Some(content_type) = content_type.filter(|is| is.protocol == Protocol::Grpc) else {
            return Err(Refusal::Http(Status::UNSUPPORTED_MEDIA_TYPE));
        };
        let path = MethodPath::parse(head.path())
            .ok_or(Refusal::Call(Code::Unimplemented, "the path names no method"))?;
        let encoding = Encoding::of_fields(fields)
            .ok_or(Refusal::Call(Code::Unimplemented, "the message encoding is not known here"))?;
        let timeout_us = if fields.has(names::TIMEOUT) {
            let us = fields.single(names::TIMEOUT).and_then(timeout::parse);
            Some(us.ok_or(Refusal::Call(Code::Internal, "grpc-timeout is malformed"))?)
        } else {
            None
        };
        Ok(CallHead { path, content_type, timeout_us, encoding, accepts: EncodingSet::of_fields(fields) })
    }
}

/// The name of a method, in two parts: `/package.Service/Method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodPath<'p> {
    /// `package.Service`.
    pub service: &'p str,
    /// `Method`.
    pub method: &'p str,
}

impl<'p> MethodPath<'p> {
    /// Reads a path; `None` if it has not two segments.
    pub fn parse(path: &'p str) -> Option<MethodPath<'p>> {
        // By bytes: searching for characters leaves a panic path in the eyes of a linker.
        let (_, path) = path.split_at_checked(1).filter(|(slash, _)| *slash == "/")?;
        let slash = path.bytes().position(|byte| byte == b'/')?;
        let (service, rest) = path.split_at_checked(slash)?;
        let (_, method) = rest.split_at_checked(1)?;
        let is_one = !service.is_empty() && !method.is_empty() && !method.bytes().any(|byte| byte == b'/');
        is_one.then_some(MethodPath { service, method })
    }
}
