//! Layers around an application: what shards need of it beside the service.

use core::net::SocketAddr;
use std::io;
use std::os::fd::BorrowedFd;

use rws_core::message::RequestHead;
use rws_core::middleware::{Hooks, Layered, Layers, Room};
use rws_core::service::Service;
use rws_core::{PeerFault, Status};

use crate::app::Pushes;
use crate::application::{Application, CutShort};
use crate::forward::{Forward, ForwardError, Forwarded};
use crate::job::JobCx;
use crate::server_handle::ServerHandle;

/// The body goes out without passing through the server's memory as long as no layer touches it.
impl<L, S, R> Application for Layered<L, S, R>
where
    L: Layers<JobCx, State: Send + 'static> + Send + Sync + 'static,
    S: Application,
    R: Room + Send + 'static,
{
    fn direct(&self, state: &mut Self::State) -> u64 {
        match self.untouched_body::<JobCx>(state) {
            Some(inner) => self.service().direct(inner),
            None => 0,
        }
    }

    fn send(&self, state: &mut Self::State, socket: BorrowedFd<'_>, len: u64) -> io::Result<usize> {
        match self.untouched_body::<JobCx>(state) {
            Some(inner) => self.service().send(inner, socket, len),
            None => Err(io::Error::from(io::ErrorKind::Unsupported)),
        }
    }

    /// Bodies of forwarded exchanges go by without passing through the layers; so where one has a hook for
    /// bodies, the request is not forwarded.
    fn forward(&self, state: &mut Self::State) -> Option<Box<Forward>> {
        let inner = self.inner_state(state)?;
        let mut plan = self.service().forward(inner)?;
        if self.layers().hooks().has_any(Hooks::REQUEST_BODY.and(Hooks::RESPONSE_BODY)) {
            plan.refuse(ForwardError::LayerInTheWay);
        }
        Some(plan)
    }

    fn forwarded(&self, cx: &mut JobCx, state: &mut Self::State, forwarded: Forwarded<'_>) {
        if let Some(inner) = self.inner_state(state) {
            self.service().forwarded(cx, inner, forwarded);
        }
        self.advance(cx, state);
    }

    fn relays(&self, state: &mut Self::State) -> bool {
        self.untouched_body::<JobCx>(state).is_some()
    }

    fn forwarding_to(&self, state: &mut Self::State, backend: SocketAddr) {
        if let Some(inner) = self.inner_state(state) {
            self.service().forwarding_to(inner, backend);
        }
    }

    fn pushes(&self, state: &mut Self::State) -> Option<Box<Pushes>> {
        self.service().pushes(self.inner_state(state)?)
    }

    fn cut_short(&self, state: &mut Self::State, cut: CutShort) {
        if let Some(inner) = self.inner_state(state) {
            self.service().cut_short(inner, cut);
        }
    }

    fn not_begun(&self, cx: &mut JobCx, head: &RequestHead<'_>, status: Status) {
        self.service().not_begun(cx, head, status);
    }

    fn refused(&self, cx: &mut JobCx, status: Status, fault: PeerFault) {
        self.service().refused(cx, status, fault);
    }

    fn started(&self, server: &ServerHandle) {
        self.service().started(server);
    }

    fn tidy(&self, cx: &mut JobCx) {
        self.service().tidy(cx);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
    use rws_core::message::{RequestHead, ResponseHead};
    use rws_core::middleware::{Hooks, Middleware, Stack, TraceIdLayer};
    use rws_core::service::{Service, Taken};
    use rws_core::testing::Exchange;

    use super::*;
    use crate::job::Nowhere;
    use crate::room::PooledRoom;

    /// Would send its body of nine bytes by itself.
    struct Direct;

    impl Service<JobCx> for Direct {
        type State = ();
        fn begin(&self, _: &mut JobCx, _: &mut RequestHead<'_>) {}
        fn body(&self, _: &mut JobCx, (): &mut (), _: &[u8], _: bool) -> Taken {
            Taken::All
        }
        fn head<'s>(&self, (): &'s mut ()) -> HeadAnswer<'s> {
            HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Sized(9))
        }
        fn fill(&self, (): &mut (), _: &mut [u8]) -> Fill {
            Fill::Abort
        }
    }

    impl Application for Direct {
        fn direct(&self, (): &mut ()) -> u64 {
            9
        }
    }

    struct Filter;

    impl Middleware<JobCx> for Filter {
        type State = ();
        fn hooks(&self) -> Hooks {
            Hooks::RESPONSE_BODY
        }
    }

    fn direct_through(stack: Stack<JobCx>) -> u64 {
        let service: Layered<_, _, PooledRoom> = Layered::with_room(stack, Direct);
        let mut cx = JobCx::new(0, Arc::new(Nowhere), None);
        let mut state = Exchange::get("/").with_head(|head| service.begin(&mut cx, head));
        service.advance(&mut cx, &mut state);
        assert_eq!(service.direct(&mut state), 0, "not before the head");
        assert!(matches!(service.head(&mut state), HeadAnswer::Final(..)));
        service.direct(&mut state)
    }

    #[test]
    fn a_body_is_sent_directly_unless_a_layer_filters_it() {
        let mut stack = Stack::new();
        assert_eq!(direct_through(Stack::new()), 9);
        stack.push(TraceIdLayer::new());
        assert_eq!(direct_through(stack), 9);
        let mut stack = Stack::new();
        stack.push(Filter);
        assert_eq!(direct_through(stack), 0);
    }
}
