//! Who comes in, and what the others are told.

use std::string::String;

use base64ct::{Base64, Encoding as _};

use super::*;
use crate::middleware::{Inline, Layered, TraceIdLayer};
use crate::testing::{Answer, Exchange, Fixed, TestContext};

const USERS: Users = Users(&[
    User { name: "Aladdin", password: "open sesame" },
    User { name: "ada", password: "" },
    User { name: "gr\u{fc}n", password: "pass:word" },
]);

fn realm() -> Realm {
    Realm::new("the device").expect("a realm")
}

fn ask<V: Verify>(verify: V, values: &[&str]) -> Answer {
    let layers = (TraceIdLayer::new(), BasicAuthLayer::new(realm(), verify));
    let service: Layered<_, _> = Layered::new(layers, Fixed::text(Status::OK, "in"));
    let exchange = Exchange::get("/");
    let exchange = values.iter().fold(exchange, |exchange, value| exchange.field("Authorization", value));
    exchange.run(&service, &mut TestContext::default())
}

fn basic(credentials: &str) -> String {
    let mut text = [0; 512];
    std::format!("Basic {}", Base64::encode(credentials.as_bytes(), &mut text).expect("room"))
}

#[test]
fn the_example_of_the_rfc_comes_in() {
    let answer = ask(USERS, &["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]);
    assert_eq!((answer.status(), answer.body()), (Status::OK, &b"in"[..]));
    assert_eq!(answer.field("WWW-Authenticate"), None);
}

#[test]
fn every_user_of_the_list_comes_in_and_the_scheme_has_any_case() {
    for credentials in ["Aladdin:open sesame", "ada:", "gr\u{fc}n:pass:word"] {
        for scheme in ["Basic ", "basic ", "BASIC  "] {
            let value = basic(credentials).replacen("Basic ", scheme, 1);
            assert_eq!(ask(USERS, &[&value]).status(), Status::OK, "{value}");
        }
    }
}

#[test]
fn whoever_is_turned_away_learns_what_is_asked_for() {
    let answer = ask(USERS, &[]);
    assert_eq!(answer.status(), Status::UNAUTHORIZED);
    assert_eq!(answer.field("WWW-Authenticate"), Some("Basic realm=\"the device\", charset=\"UTF-8\""));
    assert_eq!(answer.field("X-Request-ID").map(str::len), Some(32), "hooks outside run as well");
    assert_eq!(answer.body(), b"a user name and a password are needed\n");
}

#[test]
fn credentials_that_are_wrong_or_malformed_are_turned_away() {
    let long = basic(&std::format!("Aladdin:{}", "x".repeat(CREDENTIALS_BYTES_MAX)));
    let right = basic("Aladdin:open sesame");
    for value in [
        "",
        "Basic",
        "Basic ",
        "Basic =",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== x",
        "BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        &basic("Aladdin"),
        &basic("Aladdin:"),
        &basic("Aladdin:open sesam"),
        &basic("Aladdin:open sesame "),
        &basic("Aladdin:open sesame\0"),
        &basic("aladdin:open sesame"),
        &basic(":open sesame"),
        &basic("ada:open sesame"),
        &basic("Aladdin:\nopen sesame"),
        &long,
    ] {
        assert_eq!(ask(USERS, &[value]).status(), Status::UNAUTHORIZED, "{value}");
    }
    assert_eq!(ask(USERS, &[&right, &right]).status(), Status::UNAUTHORIZED, "two fields");
    assert_eq!(ask(Users(&[]), &[&right]).status(), Status::UNAUTHORIZED, "no users");
}

#[test]
fn a_closure_or_a_store_may_decide() {
    let value = basic("ada:x:y");
    let only_ada = |name: &[u8], password: &[u8]| name == b"ada" && password == b"x:y";
    assert_eq!(ask(only_ada, &[&value]).status(), Status::OK);
    assert_eq!(ask(only_ada, &[&basic("bob:x:y")]).status(), Status::UNAUTHORIZED);

    struct Hashes;
    impl Verify for Hashes {
        const MAY_BLOCK: bool = true;
        fn verify(&self, name: &[u8], _password: &[u8]) -> bool {
            name == b"ada"
        }
    }
    assert_eq!(ask(Hashes, &[&value]).status(), Status::OK);
    const { assert!(<BasicAuthLayer<Hashes> as Middleware<TestContext>>::MAY_BLOCK) };
    const { assert!(!<BasicAuthLayer<Users> as Middleware<TestContext>>::MAY_BLOCK) };
}

#[test]
fn without_room_for_the_challenge_nobody_comes_in_either() {
    let layers = (BasicAuthLayer::new(realm(), USERS),);
    let service: Layered<_, _, Inline<30, 2, 0, 0>> =
        Layered::with_room(layers, Fixed::text(Status::OK, "in"));
    let answer = Exchange::get("/").run(&service, &mut TestContext::default());
    assert_eq!(answer.status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_realm_needs_no_escapes() {
    for wrong in ["", "a\"b", "a\\b", "a\nb", "gr\u{fc}n", &"x".repeat(65)] {
        assert_eq!(Realm::new(String::from(wrong).leak()), None, "{wrong:?}");
    }
    let longest = Realm::new("x".repeat(64).leak()).expect("64 characters");
    assert_eq!(longest.challenge(&mut [0; CHALLENGE_BYTES_MAX]).len(), CHALLENGE_BYTES_MAX);
}

#[test]
fn a_password_is_never_shown() {
    assert!(!std::format!("{USERS:?}").contains("sesame"));
}
