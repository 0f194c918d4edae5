//! Why a handler could not do what it was asked for.

use alloc::borrow::Cow;
use core::any::Any;
use core::error::Error;
use core::fmt;
use std::io;

use rws_core::Status;

use super::response::{IntoResponse, Response};

/// What a handler returns beside its answer: a status and a text for the client.
///
/// `?` makes one of any error. That one is answered 500 without a word about its cause, which goes to the
/// standard error output instead. An error of a request body keeps the status that it has by itself: 413, or
/// 400 if the client was gone before its end.
///
/// ```
/// use rws_std::{Failure, Request, Status};
///
/// fn page(request: Request) -> Result<String, Failure> {
///     let number: u32 = request.param_as("number")?; // 400
///     if number > 9 {
///         return Err(Failure::new(Status::NOT_FOUND, "there are ten pages"));
///     }
///     Ok(std::fs::read_to_string(format!("pages/{number}.txt"))?) // 500
/// }
/// ```
pub struct Failure {
    status: Status,
    text: Cow<'static, str>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure that is answered with this status and text.
    pub fn new(status: Status, text: impl Into<Cow<'static, str>>) -> Failure {
        Failure { status, text: text.into(), cause: None }
    }

    /// The status that it is answered with.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The error that it was made of.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Failure {
        let io_error = (&error as &dyn Any).downcast_ref::<io::Error>();
        match io_error.and_then(|error| error.get_ref()?.downcast_ref::<BodyError>()) {
            Some(fault) => Failure::new(fault.status(), fault.as_str()),
            None => {
                let text = Cow::Borrowed("the handler failed");
                Failure { status: Status::INTERNAL_SERVER_ERROR, text, cause: Some(Box::new(error)) }
            }
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("status", &self.status)
            .field("text", &self.text)
            .field("cause", &self.cause)
            .finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(f, "{}: {cause}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            // Quoted: whatever it says, it stays one line.
            eprintln!("rws: a handler failed: {:?}", cause.to_string());
        }
        Response::text(self.text.into_owned() + "\n").status(self.status)
    }
}

/// As [`Failure`]: 500, or the status of the body that could not be read.
impl IntoResponse for io::Error {
    fn into_response(self) -> Response {
        Failure::from(self).into_response()
    }
}

/// What is wrong with a request body: inside of the [`io::Error`] that reading it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    Incomplete,
}

impl BodyError {
    const fn as_str(self) -> &'static str {
        match self {
            BodyError::TooLarge => "the body is too large",
            BodyError::Incomplete => "the body is incomplete",
        }
    }

    const fn status(self) -> Status {
        match self {
            BodyError::TooLarge => Status::CONTENT_TOO_LARGE,
            BodyError::Incomplete => Status::BAD_REQUEST,
        }
    }
}

impl From<BodyError> for io::Error {
    fn from(fault: BodyError) -> io::Error {
        let kind = match fault {
            BodyError::TooLarge => io::ErrorKind::FileTooLarge,
            BodyError::Incomplete => io::ErrorKind::UnexpectedEof,
        };
        io::Error::new(kind, fault)
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error for BodyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_body_keeps_its_status_and_others_are_500_without_their_text() {
        let too_large = Failure::from(io::Error::from(BodyError::TooLarge));
        assert_eq!(
            (too_large.status(), &*too_large.text),
            (Status::CONTENT_TOO_LARGE, "the body is too large")
        );
        // The same kind of error, of something else.
        let file = Failure::from(io::Error::new(io::ErrorKind::FileTooLarge, "disk secret"));
        assert_eq!((file.status(), &*file.text), (Status::INTERNAL_SERVER_ERROR, "the handler failed"));
        assert!(file.cause().is_some_and(|cause| cause.to_string() == "disk secret"));
    }

    #[test]
    fn a_failure_passes_a_question_mark_as_it_is() {
        fn inner() -> Result<(), Failure> {
            Err(Failure::new(Status::CONFLICT, "twice"))
        }
        fn outer() -> Result<(), Failure> {
            inner()?;
            Ok(())
        }
        assert_eq!(outer().map_err(|failure| failure.status()), Err(Status::CONFLICT));
    }
}
