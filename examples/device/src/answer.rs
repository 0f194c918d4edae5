//! Answers that are decided: a constant head, and a body that is constant or made of a few bytes of state.

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{FieldBlock, ResponseHead};
use rws_core::route::MethodSet;
use rws_core::{Method, Status, field_lines, json};
use serde::Serialize;

use crate::device::Firmware;
use crate::text::{copy_from, hex};

/// An answer, and how much of its body has gone out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    status: Status,
    fields: FieldBlock<'static>,
    body: Body,
    sent: u32,
}

/// What a body is made of. Made anew at every call, so that no text has to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    None,
    Constant(&'static [u8]),
    /// How the LED is.
    Led(bool),
    /// What came, and whether it is what was announced.
    Upload(Firmware, bool),
}

const TEXT: FieldBlock<'static> = field_lines!["Content-Type: text/plain; charset=utf-8"];
const JSON: FieldBlock<'static> = field_lines!["Content-Type: application/json", "Cache-Control: no-store"];
const RETRY: FieldBlock<'static> = field_lines!["Content-Type: text/plain; charset=utf-8", "Retry-After: 5"];

impl Answer {
    pub(crate) const fn new(status: Status, fields: FieldBlock<'static>, body: Body) -> Answer {
        Answer { status, fields, body, sent: 0 }
    }

    pub(crate) const fn text(status: Status, text: &'static str) -> Answer {
        Answer::new(status, TEXT, Body::Constant(text.as_bytes()))
    }

    /// Too many ask for the same thing: later.
    pub(crate) const fn later(text: &'static str) -> Answer {
        Answer::new(Status::SERVICE_UNAVAILABLE, RETRY, Body::Constant(text.as_bytes()))
    }

    pub(crate) const fn led(is_on: bool) -> Answer {
        Answer::new(Status::OK, JSON, Body::Led(is_on))
    }

    pub(crate) const fn upload(got: Firmware, is_right: bool) -> Answer {
        let status = if is_right { Status::OK } else { Status::UNPROCESSABLE_CONTENT };
        Answer::new(status, JSON, Body::Upload(got, is_right))
    }

    /// The path is served, but not with this method (RFC 9110 §15.5.6).
    pub(crate) fn not_allowed(allow: MethodSet) -> Answer {
        let fields = if allow.has(Method::Get) {
            field_lines!["Content-Type: text/plain; charset=utf-8", "Allow: GET, HEAD, OPTIONS"]
        } else {
            field_lines!["Content-Type: text/plain; charset=utf-8", "Allow: POST, OPTIONS"]
        };
        Answer::new(Status::METHOD_NOT_ALLOWED, fields, Body::Constant(b"this method is not allowed here\n"))
    }

    /// What an OPTIONS request asks for (RFC 9110 §9.3.7); `None` for the device as a whole.
    pub(crate) fn options(allow: Option<MethodSet>) -> Answer {
        let fields = match allow {
            Some(allow) if allow.has(Method::Get) => field_lines!["Allow: GET, HEAD, OPTIONS"],
            Some(_) => field_lines!["Allow: POST, OPTIONS"],
            None => field_lines!["Allow: GET, HEAD, POST, OPTIONS"],
        };
        Answer::new(Status::NO_CONTENT, fields, Body::None)
    }

    pub(crate) fn head(&self) -> HeadAnswer<'static> {
        let plan = match self.body {
            Body::None => BodyPlan::None,
            Body::Constant(_) | Body::Led(_) | Body::Upload(..) => {
                BodyPlan::Sized(self.body.text(&mut [0; MADE_BYTES_MAX]).len() as u64)
            }
        };
        HeadAnswer::Final(ResponseHead { status: self.status, fields: self.fields }, plan)
    }

    pub(crate) fn fill(&mut self, out: &mut [u8]) -> Fill {
        let mut made = [0; MADE_BYTES_MAX];
        let (len, is_all) = copy_from(self.body.text(&mut made), self.sent as usize, out);
        self.sent = self.sent.saturating_add(len as u32);
        if is_all { Fill::End(len) } else { Fill::More(len) }
    }
}

/// The longest body that is made at each call: bytes.
const MADE_BYTES_MAX: usize = 96;

#[derive(Serialize)]
struct Led {
    on: bool,
}

#[derive(Serialize)]
struct Taken<'t> {
    length: u32,
    crc32: &'t str,
}

#[derive(Serialize)]
struct Refused<'t> {
    error: &'t str,
    length: u32,
    crc32: &'t str,
}

impl Body {
    fn text<'m>(&self, made: &'m mut [u8; MADE_BYTES_MAX]) -> &'m [u8] {
        let written = match *self {
            Body::None => Ok(0),
            Body::Constant(text) => return text,
            Body::Led(on) => json::write(&Led { on }, made),
            Body::Upload(Firmware { length, crc32 }, is_right) => {
                let digits = hex(crc32);
                let crc32 = core::str::from_utf8(&digits).unwrap_or("");
                if is_right {
                    json::write(&Taken { length, crc32 }, made)
                } else {
                    json::write(&Refused { error: "the CRC-32 does not match", length, crc32 }, made)
                }
            }
        };
        made.get(..written.unwrap_or(0)).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::table;

    #[test]
    fn the_longest_body_that_is_made_fits() {
        let mut made = [0; MADE_BYTES_MAX];
        let longest = Body::Upload(Firmware { length: u32::MAX, crc32: u32::MAX }, false);
        assert_eq!(
            longest.text(&mut made),
            br#"{"error":"the CRC-32 does not match","length":4294967295,"crc32":"ffffffff"}"#
        );
    }

    #[test]
    fn the_constant_allow_fields_are_what_the_routes_say() {
        use rws_core::KnownName;
        use rws_core::route::RouteMatch;
        use std::string::ToString;

        for route in table().routes() {
            let RouteMatch::MethodNotAllowed(allow) = table().find(Method::Put, route.pattern, b"") else {
                panic!("no route takes PUT");
            };
            for answer in [Answer::not_allowed(allow), Answer::options(Some(allow))] {
                let told = answer.fields.first(KnownName::Allow).expect("allowed methods");
                assert_eq!(core::str::from_utf8(told), Ok(&*allow.to_string()), "{}", route.pattern);
            }
        }
    }
}
