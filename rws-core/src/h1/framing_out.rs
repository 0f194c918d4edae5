//! Which body framing a message of ours gets: the one place for the rules on HEAD, CONNECT, 1xx, 204, 205,
//! 304 and HTTP/1.0 (RFC 9110 §6.4.1, §8.6; RFC 9112 §6.1, §6.3).

use crate::connection::BodyPlan;
use crate::{Method, Status};

/// How a message of ours is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(target_os = "none", repr(u8))]
pub(crate) enum Framing {
    /// No framing field and no body.
    Bare,
    /// `Content-Length`, but no body: it tells what a GET would have got.
    Declared(u64),
    /// `Content-Length` and that many bytes.
    Sized(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Until the connection closes: what an HTTP/1.0 client gets for a body of unknown length.
    UntilClose,
}

impl Framing {
    /// Whether body bytes follow the head.
    pub(crate) const fn has_body(self) -> bool {
        match self {
            Framing::Bare | Framing::Declared(_) | Framing::Sized(0) => false,
            Framing::Sized(_) | Framing::Chunked | Framing::UntilClose => true,
        }
    }
}

/// The framing of a final response. `declared` is the `Content-Length` that stood in the source's head.
pub(crate) fn of_response(
    method: Method,
    status: Status,
    http10: bool,
    plan: BodyPlan,
    declared: Option<u64>,
) -> Framing {
    if status == Status::OK && !(matches!(method, Method::Head) || method.may_open_tunnel()) {
        return of_plan(plan, http10);
    }
    match status.code() {
        // RFC 9110 §8.6, RFC 9112 §6.1: neither field in 1xx and 204.
        100..=199 | 204 => return Framing::Bare,
        // A tunnel follows (RFC 9110 §9.3.6).
        200..=299 if method.may_open_tunnel() => return Framing::Bare,
        // RFC 9110 §15.3.6: 205 never has content.
        205 => return Framing::Sized(0),
        _ => {}
    }
    if matches!(method, Method::Head) || status.code() == 304 {
        return match (plan, declared) {
            (BodyPlan::Sized(len), _) | (BodyPlan::None, Some(len)) => Framing::Declared(len),
            (BodyPlan::None | BodyPlan::Streamed, _) => Framing::Bare,
        };
    }
    of_plan(plan, http10)
}

const fn of_plan(plan: BodyPlan, http10: bool) -> Framing {
    match plan {
        BodyPlan::None => Framing::Sized(0),
        BodyPlan::Sized(len) => Framing::Sized(len),
        BodyPlan::Streamed if http10 => Framing::UntilClose,
        BodyPlan::Streamed => Framing::Chunked,
    }
}

/// The framing of a request. Methods that expect content say `Content-Length: 0` when there is none
/// (RFC 9110 §8.6); CONNECT never has any (RFC 9110 §9.3.6).
pub(crate) const fn of_request(method: Method, plan: BodyPlan) -> Framing {
    match plan {
        _ if matches!(method, Method::Connect) => Framing::Bare,
        BodyPlan::None if matches!(method, Method::Post | Method::Put | Method::Patch) => Framing::Sized(0),
        BodyPlan::None => Framing::Bare,
        BodyPlan::Sized(len) => Framing::Sized(len),
        BodyPlan::Streamed => Framing::Chunked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_PLANS: [BodyPlan; 4] =
        [BodyPlan::None, BodyPlan::Sized(0), BodyPlan::Sized(7), BodyPlan::Streamed];

    #[test]
    fn no_plan_puts_a_body_where_none_may_be() {
        for plan in ALL_PLANS {
            for http10 in [false, true] {
                for declared in [None, Some(7)] {
                    for code in [101, 204, 205, 304] {
                        let status = Status::new(code).unwrap();
                        let framing = of_response(Method::Get, status, http10, plan, declared);
                        assert!(!framing.has_body(), "{code} {plan:?}");
                    }
                    for code in [200, 204, 206, 304, 404, 500] {
                        let status = Status::new(code).unwrap();
                        let framing = of_response(Method::Head, status, http10, plan, declared);
                        assert!(!framing.has_body(), "HEAD {code} {plan:?}");
                    }
                    let tunnel = of_response(Method::Connect, Status::OK, http10, plan, declared);
                    assert_eq!(tunnel, Framing::Bare);
                }
            }
        }
    }

    #[test]
    fn head_keeps_the_length_that_a_get_would_have() {
        let head = |plan, declared| of_response(Method::Head, Status::OK, false, plan, declared);
        assert_eq!(head(BodyPlan::Sized(7), None), Framing::Declared(7));
        assert_eq!(head(BodyPlan::None, Some(7)), Framing::Declared(7));
        assert_eq!(head(BodyPlan::None, None), Framing::Bare);
        assert_eq!(head(BodyPlan::Streamed, Some(7)), Framing::Bare);
    }

    #[test]
    fn a_204_and_an_informational_response_have_no_framing_field() {
        for code in [101, 204] {
            let status = Status::new(code).unwrap();
            for plan in ALL_PLANS {
                assert_eq!(of_response(Method::Get, status, false, plan, Some(3)), Framing::Bare);
            }
        }
    }

    #[test]
    fn an_http_1_0_client_never_gets_chunks() {
        let framing = of_response(Method::Get, Status::OK, true, BodyPlan::Streamed, None);
        assert_eq!(framing, Framing::UntilClose);
    }

    #[test]
    fn a_post_without_a_body_says_so_and_a_get_does_not() {
        assert_eq!(of_request(Method::Post, BodyPlan::None), Framing::Sized(0));
        assert_eq!(of_request(Method::Get, BodyPlan::None), Framing::Bare);
        assert_eq!(of_request(Method::Get, BodyPlan::Streamed), Framing::Chunked);
        for plan in ALL_PLANS {
            assert_eq!(of_request(Method::Connect, plan), Framing::Bare);
        }
    }
}
