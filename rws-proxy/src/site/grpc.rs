//! Calls (gRPC) on their way to an upstream: what is heard of their heads, and what is answered in its place. An answer
//! to a call is always 200; how the call went stands in its fields.

use rws_core::grpc::{Code, names, percent, timeout, trailers};
use rws_core::message::{KnownName, OwnedFields, RequestHead, Status};
use rws_std::forward::{ForwardError, ProxyState};

use super::answer::Page;

/// Bytes of a text about a failure, percent-encoded.
const MESSAGE_BYTES_MAX: usize = 512;

/// Has the request ask for trailers, which say how the call went, and bounds it by its deadline: within that, a
/// conversation may be silent.
#[cold]
#[inline(never)]
pub(super) fn prepare(state: &mut ProxyState, head: &RequestHead<'_>) {
    let Some(forward) = state.plan_mut() else { return };
    if forward.set_field(KnownName::Te, b"trailers").is_err() {
        return forward.refuse(ForwardError::HeadTooLarge);
    }
    forward.be_patient();
    // What is malformed is the upstream's to refuse.
    if let Some(us) = head.fields().single(names::TIMEOUT).and_then(timeout::parse) {
        forward.limit_time(us);
    }
}

/// What a call has come to whose upstream has not answered.
pub(super) fn code_of(error: ForwardError) -> Code {
    match error {
        // Nothing was sent: the same call may work elsewhere.
        ForwardError::NoBackend
        | ForwardError::NoSocket
        | ForwardError::Connect
        | ForwardError::ConnectTimeout
        | ForwardError::Closed => Code::Unavailable,
        ForwardError::Reset(code) => Code::of_reset(code.0),
        ForwardError::ReadTimeout => Code::DeadlineExceeded,
        ForwardError::Protocol(_) | ForwardError::LayerInTheWay => Code::Internal,
        ForwardError::BodyTooLarge | ForwardError::HeadTooLarge => Code::ResourceExhausted,
    }
}

/// A head that is trailers too.
pub(super) fn page(code: Code, text: &str) -> Page {
    let mut fields = OwnedFields::new();
    let mut room = [0; MESSAGE_BYTES_MAX];
    let pushed = fields
        .push(KnownName::ContentType, trailers::CONTENT_TYPE.as_bytes())
        .and_then(|()| fields.push(names::STATUS, code.digits().as_bytes()))
        .and_then(|()| fields.push(names::MESSAGE, percent::encode(text, &mut room)));
    debug_assert!(pushed.is_ok(), "short values of visible characters");
    Page::bare(Status::OK, fields)
}
