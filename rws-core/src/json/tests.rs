//! From a request's head to a value, and back to text.

use serde::Deserialize;

use super::*;
use crate::testing::Exchange;

#[derive(Debug, Deserialize, PartialEq)]
struct Switch {
    on: bool,
}

#[derive(Debug, Deserialize, Serialize, PartialEq)]
struct Tag {
    text: Text,
}

/// A string of at most four bytes: what a device has instead of an allocation.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Text([u8; 4]);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("four bytes")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                text.as_bytes().try_into().map(Text).map_err(|_| E::custom("not four bytes"))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(core::str::from_utf8(&self.0).unwrap_or(""))
    }
}

fn read(media_type: Option<&str>, body: &[u8]) -> Result<Switch, JsonError> {
    let exchange = Exchange::new("POST", "/").body(body);
    let exchange = match media_type {
        Some(value) => exchange.field("Content-Type", value),
        None => exchange,
    };
    let mut collected = exchange.with_head(|head| JsonBody::<32>::begin(head))?;
    for chunk in body.chunks(3) {
        collected.take(chunk)?;
    }
    collected.read().map(|Json(switch)| switch)
}

#[test]
fn the_media_type_is_checked() {
    let body = br#"{"on":true}"#;
    for right in
        ["application/json", "Application/JSON; charset=utf-8", "application/problem+json", "a/b+JSON"]
    {
        assert_eq!(read(Some(right), body), Ok(Switch { on: true }), "{right}");
    }
    for wrong in ["text/plain", "application/jsonp", "json", "a/+json", "", "application/json; charset"] {
        assert_eq!(read(Some(wrong), body), Err(JsonError::MediaType), "{wrong}");
    }
    assert_eq!(read(None, body), Err(JsonError::MediaType));
}

#[test]
fn too_long_malformed_and_wrong_shape_are_told_apart() {
    let json = Some("application/json");
    let long = [b' '; 33];
    assert_eq!(read(json, &long), Err(JsonError::TooLong));
    for malformed in
        ["", "on", "{\"on\":true", "{\"on\":true}x", "{\"on\":true}{}", "{\"on\":1,}", "{\"x\":y,\"on\":1}"]
    {
        assert_eq!(read(json, malformed.as_bytes()), Err(JsonError::Malformed), "{malformed}");
    }
    for shape in ["{}", "[]", "true", "null", "{\"on\":1}", "{\"on\":\"true\"}", "{\"on\":true,\"on\":true}"]
    {
        assert_eq!(read(json, shape.as_bytes()), Err(JsonError::WrongShape), "{shape}");
    }
    for right in [" {\"on\" : false } ", "{\"x\":[{\"a\":\"]\"}],\"on\":false}", "{\"\\u006fn\":false}"] {
        assert_eq!(read(json, right.as_bytes()), Ok(Switch { on: false }), "{right}");
    }
    let codes = [JsonError::MediaType, JsonError::TooLong, JsonError::Malformed, JsonError::WrongShape]
        .map(|error| error.status().code());
    assert_eq!(codes, [415, 413, 400, 422]);
}

#[test]
fn a_body_of_unknown_length_is_cut_at_the_limit() {
    let exchange = Exchange::new("POST", "/").streamed(b"").field("Content-Type", "application/json");
    let mut body = exchange.with_head(|head| JsonBody::<4>::begin(head)).expect("JSON");
    assert_eq!(body.take(b"nul"), Ok(()));
    assert_eq!(body.take(b"l "), Err(JsonError::TooLong));
    assert_eq!(body.take(b"l"), Ok(()), "what did not fit has left no trace");
    assert_eq!(body.take(b" "), Err(JsonError::TooLong));
    assert_eq!(body.read::<()>(), Ok(Json(())));
}

#[test]
fn what_is_written_is_read_again() {
    let tag = Tag { text: Text(*b"a\"\n\\") };
    let mut out = [0; 32];
    let len = write(&tag, &mut out).expect("room");
    assert_eq!(&out[..len], br#"{"text":"a\"\n\\"}"#);
    assert_eq!(Json::<Tag>::parse(&out[..len], &mut [0; 32]), Ok(Json(tag)));
    for room in 0..len {
        assert_eq!(write(&Tag { text: Text(*b"a\"\n\\") }, &mut out[..room]), Err(Capacity::Bytes));
    }
}

#[test]
fn too_little_memory_for_escapes_is_an_error() {
    let text = br#"{"text":"abc\u0064"}"#;
    assert_eq!(Json::<Tag>::parse(text, &mut []), Err(JsonError::WrongShape));
    assert_eq!(Json::<Tag>::parse(text, &mut [0; 8]), Ok(Json(Tag { text: Text(*b"abcd") })));
}
