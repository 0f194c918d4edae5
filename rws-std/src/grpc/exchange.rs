//! One call on its shard.
//!
//! ```text
//!   one message:  Collecting ── end ──▶ the function ─────────────────────────▶ Answering
//!                                └ it is known to block ─▶ Elsewhere ─ answer ─▶ Answering
//!   a stream:     Elsewhere (its body goes into a pipe) ── answer ─▶ Answering (the pipe stays)
//! ```

use std::sync::Arc;

use rws_core::connection::{Fill, HeadAnswer};
use rws_core::grpc::MessageHead;
use rws_core::message::FieldBlock;
use rws_core::service::{Taken, WholeAnswer};

use super::call::Call;
use super::codec::Assembler;
use super::deadlines::{Deadlines, Registered};
use super::metadata::Metadata;
use super::method::{Asked, Method, Pump, Reply, Run, refusal};
use super::status::Status;
use crate::app::Response;
use crate::app::collected::{Budget, Share, UsedUp};
use crate::app::exchange::Feed;
use crate::app::pipe::PipeReader;
use crate::errand::{Busy, Errand};
use crate::job::JobCx;
use crate::sys;

/// The state of one call. Opaque.
#[derive(Debug)]
pub struct GrpcExchange {
    phase: Phase,
    /// Where the rest of the requests goes.
    feed: Option<Feed>,
    call: Option<Arc<Call>>,
    registered: Option<Registered>,
    /// What is done for it on another thread.
    errand: Option<Errand>,
}

#[derive(Debug)]
enum Phase {
    Collecting(Box<Collecting>),
    Elsewhere,
    Answering { response: Response, sent: usize },
}

/// The one message is on its way.
#[derive(Debug)]
struct Collecting {
    begun: Begun,
    assembler: Assembler,
    message: Option<(MessageHead, Vec<u8>)>,
    share: Share,
}

/// A call that has found its method.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) method: Arc<Method>,
    pub(super) call: Arc<Call>,
    pub(super) metadata: Metadata,
    pub(super) deadlines: Arc<Deadlines>,
    pub(super) streams: Arc<Budget>,
}

impl GrpcExchange {
    pub(super) const fn answering(response: Response) -> GrpcExchange {
        let phase = Phase::Answering { response, sent: 0 };
        GrpcExchange { phase, feed: None, call: None, registered: None, errand: None }
    }

    pub(super) fn begin(cx: &JobCx, begun: Begun, budget: &Arc<Budget>, body_follows: bool) -> GrpcExchange {
        let call = Some(Arc::clone(&begun.call));
        let phase = Phase::Elsewhere;
        let mut exchange = GrpcExchange { phase, feed: None, call, registered: None, errand: None };
        match begun.method.run {
            Run::Message(_) if body_follows => {
                let assembler = Assembler::new(begun.call.message_bytes_max);
                let share = Share::new(Arc::clone(budget));
                exchange.phase =
                    Phase::Collecting(Box::new(Collecting { begun, assembler, message: None, share }));
            }
            Run::Message(_) => exchange.refuse(&no_message()),
            Run::Stream(_) => exchange.stream(cx, begun, body_follows),
        }
        exchange
    }

    pub(crate) fn body(&mut self, cx: &mut JobCx, chunk: &[u8], end: bool) -> Taken {
        match &mut self.phase {
            Phase::Collecting(collecting) => {
                if let Err(status) = collecting.take(chunk) {
                    self.refuse(&status);
                    return Taken::Stop;
                }
                if end {
                    self.collected(cx);
                }
                Taken::All
            }
            Phase::Elsewhere | Phase::Answering { .. } => match &mut self.feed {
                Some(feed) => feed.push(chunk, end).unwrap_or(Taken::Stop),
                None => Taken::Stop,
            },
        }
    }

    pub(crate) fn head(&mut self) -> HeadAnswer<'_> {
        if let (Phase::Elsewhere, Some(call)) = (&self.phase, &self.call)
            && let Some(response) = call.take_answer()
        {
            self.phase = Phase::Answering { response, sent: 0 };
        }
        match &self.phase {
            Phase::Answering { response, .. } => HeadAnswer::Final(response.head(), response.plan()),
            Phase::Collecting(_) | Phase::Elsewhere => HeadAnswer::NotYet,
        }
    }

    pub(crate) fn whole(&self) -> Option<WholeAnswer<'_>> {
        let Phase::Answering { response, .. } = &self.phase else { return None };
        Some(WholeAnswer { head: response.head(), body: response.body.in_memory()? })
    }

    pub(crate) fn fill(&mut self, out: &mut [u8]) -> Fill {
        match &mut self.phase {
            Phase::Answering { response, sent } => response.body.fill(sent, out),
            Phase::Collecting(_) | Phase::Elsewhere => Fill::Blocked,
        }
    }

    pub(crate) fn trailers(&mut self) -> FieldBlock<'_> {
        if let (Some(errand), Some(call)) = (&self.errand, &self.call)
            && !call.is_ended()
        {
            // The end of the answer is the function's own word.
            errand.conclude();
        }
        match &mut self.phase {
            Phase::Answering { response, .. } => response.body.trailers(),
            Phase::Collecting(_) | Phase::Elsewhere => FieldBlock::EMPTY,
        }
    }

    fn refuse(&mut self, status: &Status) {
        self.phase = Phase::Answering { response: refusal(status), sent: 0 };
    }

    /// The body is complete: runs the function, here or on another thread.
    fn collected(&mut self, cx: &mut JobCx) {
        let before = core::mem::replace(&mut self.phase, Phase::Elsewhere);
        let Phase::Collecting(collecting) = before else {
            self.phase = before;
            return;
        };
        let Collecting { begun, assembler, message, share } = *collecting;
        let outcome = assembler.finish().and_then(|()| message.ok_or_else(no_message));
        match outcome {
            Err(status) => self.refuse(&status),
            Ok(_) if begun.call.is_late() => self.refuse(&begun.call.why()),
            Ok((head, bytes)) if begun.method.learning.offloads() => {
                let budget = Arc::clone(&begun.streams);
                self.elsewhere(cx, begun, move |method, asked| {
                    let began_us = sys::monotonic_us();
                    let Run::Message(run) = &method.run else { return Reply::refused(&no_message()) };
                    let reply = run(asked, head, &bytes);
                    drop(share);
                    let took_us = sys::monotonic_us().saturating_sub(began_us);
                    method.learning.note_offloaded(took_us);
                    counted_reply(reply, &budget)
                });
            }
            Ok((head, bytes)) => self.inline(cx, begun, head, &bytes),
        }
    }

    /// Runs a function of one message on this thread. What it says after the deadline is not said.
    fn inline(&mut self, cx: &mut JobCx, begun: Begun, head: MessageHead, bytes: &[u8]) {
        let Begun { method, call, metadata, deadlines, streams: budget } = begun;
        let Run::Message(run) = &method.run else { return self.refuse(&no_message()) };
        let Reply { response, streams, pump } = run(Asked { call: Arc::clone(&call), metadata }, head, bytes);
        if cx.was_slow() {
            method.learning.note_stolen(sys::monotonic_us());
        }
        if call.is_late() {
            return self.refuse(&call.why());
        }
        if streams {
            self.registered = call.deadline.map(|deadline| deadlines.register(deadline, &call));
        }
        response.body.attach();
        if let Some(pump) = pump {
            let Some(pump) = counted(pump, &budget) else { return self.refuse(&too_many_streams()) };
            match cx.send_out(move |duty| {
                pump();
                drop(duty);
            }) {
                Ok(errand) => self.errand = Some(errand),
                Err(Busy) => return self.refuse(&busy()),
            }
        }
        self.phase = Phase::Answering { response, sent: 0 };
    }

    /// Runs a function of many messages, which come through a pipe.
    fn stream(&mut self, cx: &JobCx, begun: Begun, body_follows: bool) {
        let Some(share) = one_of(&begun.streams) else { return self.refuse(&too_many_streams()) };
        let pipe = begun.call.open_requests();
        let reader = PipeReader(Arc::clone(&pipe));
        if body_follows {
            self.feed = Some(Feed { pipe, bytes_left: u64::MAX, trailers: None });
        } else {
            pipe.finish();
        }
        self.elsewhere(cx, begun, move |method, asked| {
            let Run::Stream(run) = &method.run else { return Reply::refused(&no_message()) };
            let mut reply = run(asked, reader);
            // What is left to do is done by the same thread.
            reply.pump = reply.pump.map(|pump| holding(share, pump));
            reply
        });
    }

    fn elsewhere(
        &mut self,
        cx: &JobCx,
        begun: Begun,
        run: impl FnOnce(&Method, Asked) -> Reply + Send + 'static,
    ) {
        let Begun { method, call, metadata, deadlines, .. } = begun;
        self.registered = call.deadline.map(|deadline| deadlines.register(deadline, &call));
        let spawned = cx.send_out(move |duty| {
            let reply = run(&method, Asked { call: Arc::clone(&call), metadata });
            // What was decided after the deadline is not said, whoever is faster now.
            let reply = if call.is_late() { Reply::refused(&call.why()) } else { reply };
            reply.response.body.attach();
            let duty = reply.pump.is_some().then_some(duty);
            call.answer(reply.response);
            if let Some(pump) = reply.pump {
                pump();
            }
            drop(duty);
        });
        match spawned {
            Ok(errand) => self.errand = Some(errand),
            Err(Busy) => {
                self.feed = None;
                self.refuse(&busy());
            }
        }
    }
}

impl Drop for GrpcExchange {
    fn drop(&mut self) {
        if let Some(call) = &self.call {
            call.leave();
        }
    }
}

impl Collecting {
    fn take(&mut self, mut chunk: &[u8]) -> Result<(), Status> {
        self.share.take(chunk.len()).map_err(|UsedUp| busy())?;
        while let Some(message) = self.assembler.take(&mut chunk)? {
            if self.message.replace(message).is_some() {
                return Err(Status::unimplemented("this method takes one message"));
            }
        }
        Ok(())
    }
}

/// A share of the calls that may hold a thread.
fn one_of(streams: &Arc<Budget>) -> Option<Share> {
    let mut share = Share::new(Arc::clone(streams));
    share.take(1).ok().map(|()| share)
}

/// `pump`, if one more call may hold a thread.
fn counted(pump: Pump, streams: &Arc<Budget>) -> Option<Pump> {
    one_of(streams).map(|share| holding(share, pump))
}

fn counted_reply(reply: Reply, streams: &Arc<Budget>) -> Reply {
    let Reply { response, streams: goes_on, pump } = reply;
    match pump.map(|pump| counted(pump, streams)) {
        Some(None) => Reply::refused(&too_many_streams()),
        pump @ (Some(Some(_)) | None) => Reply { response, streams: goes_on, pump: pump.flatten() },
    }
}

fn holding(share: Share, pump: Pump) -> Pump {
    Box::new(move || {
        pump();
        drop(share);
    })
}

fn too_many_streams() -> Status {
    Status::resource_exhausted("too many streams at once")
}

fn no_message() -> Status {
    Status::unimplemented("this method takes one message, and none came")
}

fn busy() -> Status {
    Status::resource_exhausted("the server is busy")
}
