//! What a connection may turn out to speak, beside HTTP/1.

use rws_core::service::Service;
use rws_core::{Env, Instant, Limits};

use super::{Enter, Flow, Lent, Next};

/// What a connection may turn out to speak beside HTTP/1, by its first bytes: nothing (`()`), or HTTP/2 (`&mut Http2`).
///
/// `X` is the state of the service's exchange. What is not chosen takes neither flash nor RAM.
pub trait Also<X>: sealed::Sealed {
    /// The next connection is there, and nothing of it has come.
    fn reopen(&mut self);

    /// The first bytes of a connection are no HTTP/1: whether they are for this, which goes on with them then.
    fn begins(&mut self, env: &Env<'_>, first: &[u8]) -> bool;

    /// Whether it has begun.
    fn speaks(&self) -> bool;

    /// As [`Drive::turn`](super::Drive::turn).
    fn turn<C, S>(
        &mut self,
        flow: &mut Flow,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        service: &S,
        cx: &mut C,
    ) -> Next
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>;

    /// As [`Drive::written`](super::Drive::written).
    fn written(&mut self, env: &Env<'_>, bytes: usize);

    /// As [`Drive::shutdown`](super::Drive::shutdown).
    fn shutdown(&mut self, env: &Env<'_>);

    /// As [`Drive::deadline`](super::Drive::deadline).
    fn deadline(&self) -> Instant;

    /// Whether it waits between two requests.
    fn is_idle(&self) -> bool;

    /// Bytes of the buffer that are kept free for what is to be sent.
    fn reserved_bytes(limits: &Limits) -> usize;
}

/// HTTP/1 alone.
impl<X> Also<X> for () {
    fn reopen(&mut self) {}

    fn begins(&mut self, _: &Env<'_>, _: &[u8]) -> bool {
        false
    }

    fn speaks(&self) -> bool {
        false
    }

    fn turn<C, S>(&mut self, _: &mut Flow, _: &Env<'_>, _: &mut Lent<'_>, _: &S, _: &mut C) -> Next
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        Next::Closed { abrupt: true }
    }

    fn written(&mut self, _: &Env<'_>, _: usize) {}

    fn shutdown(&mut self, _: &Env<'_>) {}

    fn deadline(&self) -> Instant {
        Instant::NEVER
    }

    fn is_idle(&self) -> bool {
        false
    }

    fn reserved_bytes(limits: &Limits) -> usize {
        limits.response_head_bytes_max.into()
    }
}

pub(super) mod sealed {
    pub trait Sealed {}

    impl Sealed for () {}
}
