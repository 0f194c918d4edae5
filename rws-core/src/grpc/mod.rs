//! gRPC over HTTP: what a call is made of, without memory of its own and without messages' contents.
//!
//! ```text
//!   POST /package.Service/Method            CallHead::read      path, deadline, encodings; 405 and 415
//!   content-type: application/grpc          ContentType
//!   grpc-timeout: 5S                        timeout
//!   grpc-encoding, grpc-accept-encoding     Encoding, EncodingSet
//!   name: text, name-bin: base64            metadata
//!   ─ flag, length, message ─ … ─           MessageReader, message_prefix
//!   grpc-status: 5                          Code, trailers
//!   grpc-message: not%20here                percent
//! ```
//!
//! The answer to a call is always 200 with trailers that say how it went, or, where there is nothing else to say, one
//! head that is trailers too. Only what is no call at all gets a status of HTTP's: see [`Refusal`].
//!
//! The same messages travel in gRPC-Web and Connect with other envelopes around them: [`ContentType`] tells the first
//! apart already, and [`MessageReader::with_flags`] is how their flags are read; neither is served yet.
//!
//! Source: the protocol's own description ("gRPC over HTTP2"), its notes on compression and on status codes.

mod call;
mod code;
mod content_type;
mod encoding;
mod message;
pub mod metadata;
pub mod percent;
pub mod timeout;
pub mod trailers;

pub use call::{CallHead, MethodPath, Refusal};
pub use code::Code;
pub use content_type::{ContentType, Format, Protocol};
pub use encoding::{Encoding, EncodingSet};
pub use message::{
    COMPRESSED, MessageError, MessageHead, MessageReader, PREFIX_BYTES, Piece, message_prefix,
};

/// The names that calls use, as HTTP/2 writes them.
pub mod names {
    /// How a call went, in the trailers: a [`Code`](super::Code) in digits.
    pub const STATUS: &str = "grpc-status";
    /// Why, in the trailers: text, percent-encoded.
    pub const MESSAGE: &str = "grpc-message";
    /// A `google.rpc.Status` with details, in the trailers: binary metadata.
    pub const STATUS_DETAILS: &str = "grpc-status-details-bin";
    /// How long the client waits.
    pub const TIMEOUT: &str = "grpc-timeout";
    /// How messages with the flag of compression are encoded.
    pub const ENCODING: &str = "grpc-encoding";
    /// How the peer's messages may be encoded.
    pub const ACCEPT_ENCODING: &str = "grpc-accept-encoding";
}

#[cfg(test)]
mod tests;
