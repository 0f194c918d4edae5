//! JSON in and out (feature `json`).

use rws_core::Status;
use rws_core::field_lines;
use rws_core::message::{FieldBlock, KnownName};
use rws_core::semantics::media_type::MediaType;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::body::Body;
use super::failure::Failure;
use super::request::Request;
use super::response::{IntoResponse, Response, ResponseFields};

static JSON: FieldBlock<'static> = field_lines!["Content-Type: application/json"];

impl Response {
    /// 200 with `value` as JSON, `application/json`; 500 if it has no form in JSON (a map whose keys are no
    /// texts, or a `Serialize` that fails).
    ///
    /// ```
    /// use rws_std::{Response, Status};
    ///
    /// #[derive(serde::Serialize)]
    /// struct Point {
    ///     x: i32,
    /// }
    /// let response = Response::json(&Point { x: 7 }).status(Status::CREATED);
    /// ```
    pub fn json(value: &(impl Serialize + ?Sized)) -> Response {
        match serde_json::to_vec(value) {
            Ok(bytes) => Response {
                status: Status::OK,
                fields: ResponseFields::Constant(&JSON),
                body: Body::Bytes(bytes),
            },
            Err(error) => Failure::from(error).into_response().sealed(),
        }
    }
}

impl Request<'_> {
    /// The body, read as JSON.
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong, without repeating anything of the body: 415 unless the
    /// `Content-Type` is `application/json` or ends in `+json`, 400 for what is no JSON, 422 for JSON that
    /// is no `T`, and what [`Request::bytes`] gives.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Failure> {
        if !self.field(KnownName::ContentType).is_some_and(is_json) {
            return Err(Failure::new(Status::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"));
        }
        serde_json::from_slice(&self.bytes()?).map_err(|error| malformed(&error))
    }
}

fn is_json(content_type: &[u8]) -> bool {
    let Some(media_type) = MediaType::parse(content_type) else { return false };
    let ends_in_json = media_type.subtype.len() > 5
        && media_type.subtype.last_chunk::<5>().is_some_and(|end| end.eq_ignore_ascii_case(b"+json"));
    media_type.is("application/json") || ends_in_json
}

fn malformed(error: &serde_json::Error) -> Failure {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Data => {
            Failure::new(Status::UNPROCESSABLE_CONTENT, format!("the body does not fit: {place}"))
        }
        Category::Io | Category::Syntax | Category::Eof => {
            Failure::new(Status::BAD_REQUEST, format!("the body is no JSON: {place}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_of_json_are_known_in_any_case_and_with_parameters() {
        for yes in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(yes.as_bytes()), "{yes}");
        }
        for no in ["", "text/plain", "application/json5", "text/json", "application/+json", "json"] {
            assert!(!is_json(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn what_has_no_form_in_json_is_500_whatever_is_said_of_it_later() {
        let no_map = std::collections::BTreeMap::from([(vec![1], 2)]);
        let response = Response::json(&no_map).status(Status::CREATED).content_type("application/json");
        assert_eq!(response.code(), Status::INTERNAL_SERVER_ERROR);
        assert_eq!(response.fields().first("Content-Type"), Some(&b"text/plain; charset=utf-8"[..]));
    }

    #[test]
    fn a_malformed_body_is_located_and_never_repeated() {
        let fault = |text: &str| malformed(&serde_json::from_str::<u8>(text).expect_err("no number"));
        assert_eq!(fault("\"secret\"").to_string(), "the body does not fit: line 1, column 8");
        assert_eq!(fault("\"secret\"").status(), Status::UNPROCESSABLE_CONTENT);
        assert_eq!(
            (fault("1 secret").status(), fault("").status()),
            (Status::BAD_REQUEST, Status::BAD_REQUEST)
        );
    }
}
