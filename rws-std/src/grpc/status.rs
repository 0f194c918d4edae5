//! How a call ended: what a function returns in place of an answer.

use alloc::borrow::Cow;
use core::fmt;

use prost::Message;
use rws_core::grpc::{Code, names, percent};
use rws_core::message::OwnedFields;

use super::metadata::Metadata;

/// Bytes of `grpc-message`, encoded, beyond which the text is cut: clients bound what they take of trailers.
const MESSAGE_BYTES_MAX: usize = 2 * 1024;
/// Bytes of details, encoded, beyond which they are left out.
const DETAILS_BYTES_MAX: usize = 5 * 1024;

/// Why a call failed: a code, a text for people, and details for programs.
///
/// ```
/// use rws_std::grpc::{Code, Status};
///
/// let status = Status::not_found("no such page").with_metadata("x-page", "7");
/// assert_eq!(status.code(), Code::NotFound);
/// ```
#[derive(Clone, Debug)]
pub struct Status {
    code: Code,
    text: Cow<'static, str>,
    details: Vec<Detail>,
    metadata: Metadata,
}

/// A detail: a message of some type, as `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub struct Detail {
    /// The type, as `type.googleapis.com/package.Message`.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The message, encoded.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.Status`, which details travel in.
#[derive(Clone, PartialEq, Message)]
struct Rich {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

macro_rules! constructors {
    ($($name:ident $code:ident;)+) => {
        impl Status {
            $(
                #[doc = concat!("A status with [`Code::", stringify!($code), "`].")]
                pub fn $name(text: impl Into<Cow<'static, str>>) -> Status {
                    Status::new(Code::$code, text)
                }
            )+
        }
    };
}

constructors! {
    cancelled Cancelled;
    unknown Unknown;
    invalid_argument InvalidArgument;
    deadline_exceeded DeadlineExceeded;
    not_found NotFound;
    already_exists AlreadyExists;
    permission_denied PermissionDenied;
    resource_exhausted ResourceExhausted;
    failed_precondition FailedPrecondition;
    aborted Aborted;
    out_of_range OutOfRange;
    unimplemented Unimplemented;
    internal Internal;
    unavailable Unavailable;
    data_loss DataLoss;
    unauthenticated Unauthenticated;
}

impl Status {
    /// A status with this code and text.
    pub fn new(code: Code, text: impl Into<Cow<'static, str>>) -> Status {
        Status { code, text: text.into(), details: Vec::new(), metadata: Metadata::new() }
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The details.
    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    /// The same status with one more detail, of the type that `type_url` names. Details that are larger than 5 KiB
    /// together are not sent.
    #[must_use]
    pub fn with_detail(mut self, type_url: impl Into<String>, detail: &impl Message) -> Status {
        self.details.push(Detail { type_url: type_url.into(), value: detail.encode_to_vec() });
        self
    }

    /// The same status with one more line of metadata in the trailers; one that cannot stand there is left out.
    #[must_use]
    pub fn with_metadata(mut self, name: &str, value: impl AsRef<[u8]>) -> Status {
        let _ = self.metadata.append(name, value.as_ref());
        self
    }

    /// What goes into the trailers.
    pub(super) fn write(&self, out: &mut OwnedFields) {
        // These names and values are valid, and what is beyond 64 KiB is left out.
        let _ = out.push(names::STATUS, self.code.digits().as_bytes());
        if !self.text.is_empty() {
            let mut room = vec![0; self.text.len().saturating_mul(3).min(MESSAGE_BYTES_MAX)];
            let _ = out.push(names::MESSAGE, percent::encode(&self.text, &mut room));
        }
        self.metadata.write(out);
        if self.details.is_empty() {
            return;
        }
        let rich = Rich {
            code: i32::from(self.code.number()),
            message: self.text.to_string(),
            details: self.details.clone(),
        };
        if rich.encoded_len() <= DETAILS_BYTES_MAX {
            let value = super::metadata::base64(&rich.encode_to_vec());
            let _ = out.push(names::STATUS_DETAILS, value.as_bytes());
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}

impl core::error::Error for Status {}

/// A call that failed for a reason that is not the caller's: `INTERNAL`, without a word about the cause, which goes to
/// the standard error output.
impl From<std::io::Error> for Status {
    fn from(error: std::io::Error) -> Status {
        eprintln!("rws: a call failed: {:?}", error.to_string());
        Status::internal("the service failed")
    }
}

impl From<super::metadata::MetadataError> for Status {
    fn from(error: super::metadata::MetadataError) -> Status {
        eprintln!("rws: a call failed: {error}");
        Status::internal("the service failed")
    }
}
