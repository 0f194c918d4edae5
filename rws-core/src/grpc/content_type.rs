//! The content types of calls.

use crate::semantics::list;

/// Which protocol a request speaks, and how its messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContentType {
    /// The envelope.
    pub protocol: Protocol,
    /// What is inside.
    pub format: Format,
}

/// The envelope around messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Protocol {
    /// `application/grpc`: trailers are those of HTTP.
    Grpc,
    /// `application/grpc-web`: trailers are a last message.
    GrpcWeb,
    /// `application/grpc-web-text`: the same in base64.
    GrpcWebText,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Format {
    /// Protocol buffers: `+proto`, or nothing said.
    Proto,
    /// `+json`.
    Json,
    /// Something else.
    Other,
}

impl ContentType {
    /// Reads a value of `content-type`; parameters are not looked at. `None` if it is none of these protocols.
    pub fn parse(value: &[u8]) -> Option<ContentType> {
        const COMMON: &[u8] = b"application/grpc";
        let (common, rest) = list::item(value).split_at_checked(COMMON.len())?;
        if !common.eq_ignore_ascii_case(COMMON) {
            return None;
        }
        let plus = rest.iter().position(|&byte| byte == b'+').unwrap_or(rest.len());
        let (protocol, format) = rest.split_at_checked(plus)?;
        let protocol = match protocol {
            b"" => Protocol::Grpc,
            word if word.eq_ignore_ascii_case(b"-web") => Protocol::GrpcWeb,
            word if word.eq_ignore_ascii_case(b"-web-text") => Protocol::GrpcWebText,
            _ => return None,
        };
        let format = match format {
            b"" => Format::Proto,
            word if word.eq_ignore_ascii_case(b"+proto") => Format::Proto,
            word if word.eq_ignore_ascii_case(b"+json") => Format::Json,
            _ => Format::Other,
        };
        Some(ContentType { protocol, format })
    }
}
