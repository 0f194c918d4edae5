//! A reverse proxy as an application of its own.

use alloc::sync::Arc;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{FieldName, OwnedFields, RequestHead, ResponseHead};
use rws_core::semantics::hop_by_hop::EndToEnd;
use rws_core::service::{Context, Service, Taken};
use rws_core::{Error, Status, field_lines};

use super::memory::{Memory, boxed};
use super::{Forward, ForwardOptions, Forwarded, Upstream};
use crate::application::Application;
use crate::job::JobCx;

/// Sends every request on to an upstream.
///
/// Layers around it see heads, and may answer in its place. Bodies pass by without them; so where a layer has a hook for
/// bodies ([`Hooks::REQUEST_BODY`](rws_core::middleware::Hooks), `RESPONSE_BODY`), every request is answered 500 and
/// none is sent on ([`ForwardError::LayerInTheWay`](super::ForwardError)): a limit or a filter that is passed over
/// would fail open. What `BodyLimitLayer` does elsewhere, [`ForwardOptions::body_bytes_max`] does here.
#[derive(Debug)]
pub struct ReverseProxy {
    upstream: Arc<dyn Upstream>,
    options: ForwardOptions,
}

impl ReverseProxy {
    /// A proxy before `upstream`.
    pub fn new(upstream: impl Upstream, options: ForwardOptions) -> ReverseProxy {
        ReverseProxy { upstream: Arc::new(upstream), options }
    }
}

/// One forwarded exchange.
#[derive(Debug, Default)]
pub struct ProxyState {
    plan: Option<Box<Forward>>,
    answer: Option<(Status, BodyPlan)>,
    memory: Memory,
    /// The body of an answer of our own.
    text: &'static str,
    sent: usize,
}

impl ProxyState {
    /// A state that asks for `plan` to be carried out.
    pub fn new(plan: Forward) -> ProxyState {
        let (answer, memory) = (None, Memory::default());
        ProxyState { plan: Some(boxed(plan)), answer, memory, text: "", sent: 0 }
    }

    /// The plan, to be changed before it is taken.
    pub fn plan_mut(&mut self) -> Option<&mut Forward> {
        self.plan.as_deref_mut()
    }

    /// The plan, once.
    pub fn take_plan(&mut self) -> Option<Box<Forward>> {
        self.plan.take()
    }

    /// The upstream has answered, or will not.
    pub fn take(&mut self, forwarded: Forwarded<'_>) {
        match forwarded {
            Forwarded::Head(head, plan) => {
                let kept = EndToEnd::of(head.fields);
                self.memory = Memory::take();
                self.memory.kept().fields.copy_kept(head.fields, |name| kept.has(name));
                self.answer = Some((head.status, plan));
            }
            Forwarded::Failed(error) => {
                self.text = error.text();
                self.memory.kept().fields = text_fields(error.status());
                self.answer = Some((error.status(), BodyPlan::Sized(self.text.len() as u64)));
            }
        }
    }

    /// Replaces every field line with this name of the answer by one, once there is an answer.
    ///
    /// # Errors
    /// As [`OwnedFields::set`].
    pub fn set_field<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        self.memory.kept().fields.set(name, value)
    }

    /// The status to answer with, once it is known.
    pub fn status(&self) -> Option<Status> {
        self.answer.as_ref().map(|(status, _)| *status)
    }

    /// The head to answer with.
    pub fn head(&self) -> HeadAnswer<'_> {
        match &self.answer {
            Some((status, plan)) => {
                let fields = self.memory.fields();
                HeadAnswer::Final(ResponseHead { status: *status, fields }, *plan)
            }
            None => HeadAnswer::NotYet,
        }
    }

    /// The body of an answer of our own; an upstream's goes by without this.
    pub fn fill(&mut self, out: &mut [u8]) -> Fill {
        let rest = self.text.as_bytes().get(self.sent..).unwrap_or(&[]);
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.sent += n;
        if n == rest.len() { Fill::End(n) } else { Fill::More(n) }
    }
}

impl Drop for ProxyState {
    fn drop(&mut self) {
        self.memory.give();
    }
}

fn text_fields(status: Status) -> OwnedFields {
    OwnedFields::copy_of(match status {
        Status::SERVICE_UNAVAILABLE => field_lines!["Content-Type: text/plain", "Retry-After: 1"],
        _ => field_lines!["Content-Type: text/plain"],
    })
}

impl Service<JobCx> for ReverseProxy {
    type State = ProxyState;

    fn begin(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> ProxyState {
        ProxyState::new(Forward::of(head, cx.connection(), Arc::clone(&self.upstream), &self.options))
    }

    fn body(&self, _cx: &mut JobCx, _state: &mut ProxyState, _chunk: &[u8], _end: bool) -> Taken {
        Taken::Stop
    }

    fn head<'s>(&self, state: &'s mut ProxyState) -> HeadAnswer<'s> {
        state.head()
    }

    fn fill(&self, state: &mut ProxyState, out: &mut [u8]) -> Fill {
        state.fill(out)
    }
}

impl Application for ReverseProxy {
    fn forward(&self, state: &mut ProxyState) -> Option<Box<Forward>> {
        state.take_plan()
    }

    fn forwarded(&self, _cx: &mut JobCx, state: &mut ProxyState, forwarded: Forwarded<'_>) {
        state.take(forwarded);
    }
}
