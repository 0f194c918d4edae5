//! What the shards serve: a core [`Service`] with the few things that only a server can do.

use core::net::SocketAddr;
use core::ops::Deref;
use std::io;
use std::os::fd::BorrowedFd;

use rws_core::connection::{Fill, HeadAnswer};
use rws_core::message::{FieldBlock, RequestHead};
use rws_core::service::{Outcome, Service, Taken, WholeAnswer};
use rws_core::{PeerFault, Status};

use crate::app::Pushes;
use crate::forward::{Forward, Forwarded};
use crate::job::JobCx;
use crate::server_handle::ServerHandle;

/// A service that shards can run. Every default suits a plain core service, see [`Plain`].
pub trait Application: Service<JobCx, State: Send + 'static> + Send + Sync + 'static {
    /// How many of the next body bytes of the answer [`Application::send`] would send by itself; 0 means
    /// that `fill` is asked instead.
    fn direct(&self, state: &mut Self::State) -> u64 {
        let _ = state;
        0
    }

    /// Sends up to `len` body bytes to `socket` without passing through the server's memory (`sendfile`);
    /// says how many went.
    ///
    /// # Errors
    /// `WouldBlock` when the socket is full; anything else cuts the exchange off. 0 bytes means that the
    /// source is shorter than promised, which does so too.
    fn send(&self, state: &mut Self::State, socket: BorrowedFd<'_>, len: u64) -> io::Result<usize> {
        let _ = (state, socket, len);
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// The request to send on, if the answer is to come from an upstream. A part of each job: asked after
    /// `begin`, after `body`, and when the exchange was woken, until there is one.
    fn forward(&self, state: &mut Self::State) -> Option<Box<Forward>> {
        let _ = state;
        None
    }

    /// What became of the request that was sent on. Must decide the answer's head, and must not block. After
    /// [`Forwarded::Head`] the upstream's body follows that head; after [`Forwarded::Failed`] `fill` is asked.
    fn forwarded(&self, cx: &mut JobCx, state: &mut Self::State, forwarded: Forwarded<'_>) {
        let _ = (cx, state, forwarded);
    }

    /// Whether the upstream's body is still what follows the head that was answered with; no, where something
    /// has put another answer in its place. Asked after the head has been handed out.
    fn relays(&self, state: &mut Self::State) -> bool {
        let _ = state;
        true
    }

    /// The request that is sent on goes to `backend` now; to another one after it, where it fails. Must not
    /// block.
    fn forwarding_to(&self, state: &mut Self::State, backend: SocketAddr) {
        let _ = (state, backend);
    }

    /// What is to be pushed beside the answer, or hinted at before it. Asked after each job until the answer's head is
    /// out; what it names is not named again. Must not block.
    fn pushes(&self, state: &mut Self::State) -> Option<Box<Pushes>> {
        let _ = state;
        None
    }

    /// The exchange will not come to the end that the application had in mind: what the peer got of it. Called
    /// by the shard's thread right before [`Service::end`] with [`Outcome::Aborted`], so that logs and metrics
    /// tell what happened; not called where the peer had gone before there was anything to tell.
    fn cut_short(&self, state: &mut Self::State, cut: CutShort) {
        let _ = (state, cut);
    }

    /// As [`Service::end`], for an exchange that was answered as a whole right after it had begun; there is a
    /// state, and it is taken. What owns nothing need not be moved to be dropped.
    #[inline]
    fn end_whole(&self, cx: &mut JobCx, state: &mut Option<Self::State>, outcome: Outcome) {
        if let Some(state) = state.take() {
            self.end(cx, state, outcome);
        }
    }

    /// A request that never became an exchange, so that the server answered it with `status` by itself:
    /// [`Service::begin`] panicked (500), or no thread was free for it (503). Called by the shard's thread.
    fn not_begun(&self, cx: &mut JobCx, head: &RequestHead<'_>, status: Status) {
        let _ = (cx, head, status);
    }

    /// A request that the protocol engine refused before the service saw it (for logs and metrics). Called
    /// by the shard's thread, like [`Service::end`].
    fn refused(&self, cx: &mut JobCx, status: Status, fault: PeerFault) {
        let _ = (cx, status, fault);
    }

    /// The server has started, and `server` tells how it is doing. Requests may have come already.
    fn started(&self, server: &ServerHandle) {
        let _ = server;
    }

    /// Called by a shard's thread about once a second while the shard is not idle: to give back what is not
    /// used any more. Must not block.
    fn tidy(&self, cx: &mut JobCx) {
        let _ = cx;
    }
}

/// What a peer got of an exchange that did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutShort {
    /// Not even a head.
    Unanswered,
    /// The head, and a part of the body.
    Partly {
        /// The status in the head.
        status: Status,
        /// Bytes of the body.
        body_bytes: u64,
    },
    /// A short answer of the server's own in place of the application's, whole.
    Replaced {
        /// Its status.
        status: Status,
    },
}

/// Serves any core service as it is: the same one that runs on a board.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain<S>(pub S);

impl<S> Deref for Plain<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S> Service<JobCx> for Plain<S>
where
    S: Service<JobCx>,
{
    type State = S::State;

    fn begin(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> S::State {
        self.0.begin(cx, head)
    }
    fn body(&self, cx: &mut JobCx, state: &mut S::State, chunk: &[u8], end: bool) -> Taken {
        self.0.body(cx, state, chunk, end)
    }
    fn request_trailers(&self, cx: &mut JobCx, state: &mut S::State, trailers: FieldBlock<'_>) {
        self.0.request_trailers(cx, state, trailers);
    }
    fn advance(&self, cx: &mut JobCx, state: &mut S::State) {
        self.0.advance(cx, state);
    }
    fn head<'s>(&self, state: &'s mut S::State) -> HeadAnswer<'s> {
        self.0.head(state)
    }
    fn whole<'s>(&self, state: &'s S::State) -> Option<WholeAnswer<'s>> {
        self.0.whole(state)
    }
    fn fill(&self, state: &mut S::State, out: &mut [u8]) -> Fill {
        self.0.fill(state, out)
    }
    fn credit(&self, state: &mut S::State) -> u32 {
        self.0.credit(state)
    }
    fn trailers<'s>(&self, state: &'s mut S::State) -> FieldBlock<'s> {
        self.0.trailers(state)
    }
    fn end(&self, cx: &mut JobCx, state: S::State, outcome: Outcome) {
        self.0.end(cx, state, outcome);
    }
}

impl<S> Application for Plain<S> where S: Service<JobCx, State: Send + 'static> + Send + Sync + 'static {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rws_core::middleware::{Heap, Layered, Stack, TraceIdLayer};
    use rws_core::testing::{Exchange, Fixed};

    use super::*;
    use crate::job::Nowhere;

    #[test]
    fn the_response_hooks_of_a_plain_service_run() {
        let mut stack = Stack::new();
        stack.push(TraceIdLayer::new());
        let service: Layered<_, _, Heap> = Layered::with_room(stack, Fixed::text(Status::OK, "hello"));
        let mut cx = JobCx::new(0, Arc::new(Nowhere), None);
        let answer = Exchange::get("/").run(&Plain(service), &mut cx);
        assert_eq!(answer.body(), b"hello");
        assert_eq!(answer.field("X-Request-ID").map(str::len), Some(32));
    }
}
