//! What a finished job means for its exchange.

use core::panic::AssertUnwindSafe;
use std::io;
use std::panic::catch_unwind;

use rws_core::connection::{Connection, ResetCause, StreamId};
use rws_core::message::{OwnedRequestHead, ResponseHead, Scratch};
use rws_core::service::{Outcome, Taken};
use rws_core::{Status, field_lines, h1};

use super::conn::{At, Flags};
use super::{Address, Shard};
use crate::app::push::Hints;
use crate::application::{Application, CutShort};
use crate::errand::ConnectionId;
use crate::forward::Forward;
use crate::job::JobCx;

/// One exchange as the shard stores it between steps.
#[derive(Debug)]
pub(crate) struct Exchange<S> {
    pub(crate) stream: StreamId,
    pub(crate) answer: Answer<S>,
    pub(crate) status: Option<Status>,
    pub(crate) body_bytes: u64,
    /// Body bytes that the application sends by itself, still to go.
    pub(crate) direct: u64,
    /// The connection to an upstream that serves it.
    pub(crate) link: Option<u32>,
    /// The body of the answer comes from there.
    pub(crate) is_relayed: bool,
    /// What is said before the answer.
    pub(crate) hints: Option<Box<Hints>>,
}

/// Who answers.
#[derive(Debug)]
pub(crate) enum Answer<S> {
    /// The application.
    Service(S),
    /// The application, whose state is with a job.
    Away,
    /// The server itself, since the application could not.
    Canned(Canned),
}

/// An answer of the server's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Canned {
    /// A handler panicked.
    Panicked,
    /// No thread is free for the handler, and the queue is full.
    Overloaded,
}

/// The request to send on, if a job has come to that.
pub(crate) type Plan = Option<Box<Forward>>;

/// What a job brought home.
#[derive(Debug)]
pub(crate) enum Result<S> {
    Begun(S, Plan),
    Taken(S, Plan, Taken, u32),
    Advanced(S, Plan),
    /// The whole body has been given.
    Ended(S, Plan),
    Failed(Canned, Left<S>),
}

/// What a job that has failed leaves behind.
#[derive(Debug)]
pub(crate) enum Left<S> {
    /// The exchange had begun.
    State(S),
    /// It had not; the request, as far as it is known.
    Head(Option<Box<OwnedRequestHead>>),
}

impl<S> Exchange<S> {
    /// What the peer has of it, if it ends now; `instead` is the status of an answer that the server gives in its
    /// place, if no head is out yet.
    fn cut_by(&self, instead: Option<Status>) -> CutShort {
        match (self.status, instead) {
            (Some(status), _) => CutShort::Partly { status, body_bytes: self.body_bytes },
            (None, Some(status)) => CutShort::Replaced { status },
            (None, None) => CutShort::Unanswered,
        }
    }

    /// Whether its answer is the application's, whose state is here.
    pub(super) const fn is_services(&self) -> bool {
        matches!(self.answer, Answer::Service(_))
    }

    /// Whether the application has what came of the request, and no answer to it yet.
    pub(super) const fn waits_for_body(&self) -> bool {
        self.is_services() && self.status.is_none() && self.link.is_none()
    }

    pub(crate) const fn new(stream: StreamId, answer: Answer<S>) -> Exchange<S> {
        Exchange {
            stream,
            answer,
            status: None,
            body_bytes: 0,
            direct: 0,
            link: None,
            is_relayed: false,
            hints: None,
        }
    }
}

impl<A: Application> Shard<A> {
    /// A job is back. The shard goes on with its exchange; `work_on` is due afterwards.
    pub(crate) fn settle(&mut self, address: Address, result: Result<A::State>) {
        let key = address.conn;
        let conn = match self.conns.get_mut(key as usize) {
            Some(conn) if conn.generation == address.generation => conn,
            _ => return self.drop_stale(address, result),
        };
        conn.flags.clear(Flags::JOB_OUT);
        if conn.exchange != At::Nowhere || conn.flags.has(Flags::DEAD) {
            return self.settle_stored(address, result);
        }
        let Result::Begun(state, plan) = result else { return self.settle_stored(address, result) };
        let mut exchange = Exchange::new(address.stream, Answer::Service(state));
        match plan {
            None => {
                self.take_pushes(address, &mut exchange);
                self.pump(key, exchange);
            }
            Some(plan) => self.start_forward(address, exchange, plan),
        }
    }

    /// As [`Shard::settle`], for a first job that has begun its exchange: `state` is taken. Most such exchanges are
    /// answered in memory, and over at once; they are never moved or stored.
    pub(crate) fn settle_begun(&mut self, address: Address, state: &mut Option<A::State>, plan: Plan) {
        let plan = match plan {
            None if self.answer_whole(address, state) => return,
            None => None,
            Some(plan) => match self.forward_begun(address, state, plan) {
                Ok(()) => return,
                Err(plan) => Some(plan),
            },
        };
        if let Some(state) = state.take() {
            self.settle(address, Result::Begun(state, plan));
        }
    }

    /// Sends on the request of an exchange that has just begun, if nothing stands in its way: its state is moved once,
    /// to where it waits. The plan comes back if something does; nothing has changed then.
    fn forward_begun(
        &mut self,
        address: Address,
        state: &mut Option<A::State>,
        plan: Box<Forward>,
    ) -> core::result::Result<(), Box<Forward>> {
        let Some(conn) = self.conns.get_mut(address.conn as usize) else { return Err(plan) };
        let is_here = conn.generation == address.generation && conn.exchange == At::Nowhere;
        if !is_here || conn.flags.has(Flags::DEAD) {
            return Err(plan);
        }
        let Some(state) = state.take() else { return Err(plan) };
        conn.flags.clear(Flags::JOB_OUT);
        let place = self.exchanges.vacant_entry();
        conn.exchange = At::Here(place.key() as u32);
        place.insert(Exchange::new(address.stream, Answer::Service(state)));
        self.forward_stored(address, plan);
        Ok(())
    }

    /// Answers an exchange that has just begun, if its answer lies in memory as a whole and nothing stands in its way.
    /// False if there is more to it; nothing has changed then.
    fn answer_whole(&mut self, address: Address, state: &mut Option<A::State>) -> bool {
        let key = address.conn;
        self.gather_for(key);
        let Some(conn) = self.conns.get_mut(key as usize) else { return false };
        if conn.generation != address.generation || conn.has_waiting_output() || conn.flags.has(Flags::DEAD) {
            return false;
        }
        let (app, cx) = (&*self.app, &mut *self.cx);
        let env = super::env(&self.clock, &self.settings);
        let mut written = None;
        let run = catch_unwind(AssertUnwindSafe(|| {
            let answer = app.whole(state.as_ref()?)?;
            let bytes = conn.h1.answer_whole(&env, &mut self.tx[self.tx_len..], &answer)?;
            let (status, body_bytes) = (answer.head.status, answer.body.len() as u64);
            written = Some((bytes, status));
            app.end_whole(cx, state, Outcome::Complete { status, body_bytes });
            Some(())
        }));
        let has_panicked = run.map_err(drop).is_err();
        if let Some((bytes, status)) = written {
            conn.flags.clear(Flags::JOB_OUT);
            self.tx_len += bytes;
            if status.code() >= 500 {
                self.stats.errors_total.up();
            }
            if has_panicked {
                self.stats.panics_total.up();
            }
            return true;
        }
        if has_panicked && let Some(state) = state.take() {
            conn.flags.clear(Flags::JOB_OUT);
            self.answer_after_panic(key, Exchange::new(address.stream, Answer::Service(state)));
        }
        has_panicked
    }

    /// As [`Shard::settle`], for whatever is not the usual first job of an exchange.
    #[inline(never)]
    fn settle_stored(&mut self, address: Address, result: Result<A::State>) {
        let key = address.conn;
        if let Result::Begun(state, None) = &result
            && let Some(outcome) = self.answer_whole_stream(address, state)
        {
            let Result::Begun(state, _) = result else { return };
            return self.end(address, state, outcome);
        }
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        let is_dead = conn.flags.has(Flags::DEAD);
        let mut exchange = match conn.exchange {
            At::Here(kept) => {
                conn.exchange = At::Nowhere;
                self.exchanges.remove(kept as usize)
            }
            At::Nowhere => Exchange::new(address.stream, Answer::Away),
            At::H2(at) => match self.come_home(at, address.stream) {
                Some(exchange) => exchange,
                None => return self.drop_stale(address, result),
            },
        };
        let (answer, plan, taken) = match result {
            Result::Begun(state, plan) | Result::Ended(state, plan) | Result::Advanced(state, plan) => {
                (Answer::Service(state), plan, None)
            }
            Result::Taken(state, plan, taken, bytes) => (Answer::Service(state), plan, Some((taken, bytes))),
            Result::Failed(canned, left) => {
                self.stats.errors_total.up();
                if canned == Canned::Panicked {
                    self.stats.panics_total.up();
                }
                match left {
                    Left::State(state) => {
                        let cut = exchange.cut_by(if is_dead { None } else { Some(canned.head().status) });
                        self.end_short(address, state, cut, ResetCause::ByUs);
                    }
                    Left::Head(head) => self.tell_not_begun(address, head, canned),
                }
                (Answer::Canned(canned), None, None)
            }
        };
        // Once the head is out, only a cut tells the peer that the body is not whole.
        let is_broken = matches!(answer, Answer::Canned(_)) && exchange.status.is_some();
        let is_given_up = is_broken || matches!(taken, Some((Taken::Abort, _)));
        exchange.answer = answer;
        if is_dead || is_given_up {
            self.put_back(key, exchange);
            return self.cut_off(address, if is_dead { ResetCause::ByPeer } else { ResetCause::ByUs });
        }
        match taken {
            Some((Taken::All, bytes)) => self.give_credit(address, bytes),
            // It may have been woken while it was away.
            Some((Taken::Later, _)) => self.grant_due(address, &mut exchange.answer),
            Some((Taken::Stop | Taken::Abort, _)) | None => {}
        }
        // The job may have made an answer, or more of one.
        self.wake(address);
        match plan {
            None => {
                self.take_pushes(address, &mut exchange);
                self.pump(key, exchange);
            }
            Some(plan) => self.start_forward(address, exchange, plan),
        }
        self.list_if_due(address);
    }

    /// What is to go with the answer of `exchange` is promised to a client that takes pushes, or hinted at.
    #[inline]
    fn take_pushes(&mut self, address: Address, exchange: &mut Exchange<A::State>) {
        let Answer::Service(state) = &mut exchange.answer else { return };
        if exchange.status.is_some() {
            return;
        }
        // If it panics, being asked for the head does so again, and answers for it.
        let app = &*self.app;
        let Ok(Some(mut pushes)) = catch_unwind(AssertUnwindSafe(|| app.pushes(state))) else { return };
        if let Some(at) = self.h2_of(address.conn) {
            self.promise(address, at, &mut pushes);
        }
        let limits = &self.settings.limits;
        if limits.interim_max > 0 {
            exchange.hints = pushes.hints(usize::from(limits.response_head_bytes_max) / 2);
        }
    }

    /// The machine of the exchange at `address` is to ask its source again.
    pub(super) fn wake(&mut self, address: Address) {
        let Some(conn) = self.conns.get_mut(address.conn as usize) else { return };
        match conn.exchange {
            At::Nowhere | At::Here(_) => conn.h1.wake(address.stream),
            At::H2(at) => {
                if let Some(h2) = self.h2.get_mut(at as usize) {
                    h2.machine.wake(address.stream);
                }
            }
        }
    }

    /// The exchange at `address`, stored or not, cannot go on: the peer is told as its protocol allows, which in
    /// HTTP/1 takes the connection.
    pub(super) fn cut_off(&mut self, address: Address, cause: ResetCause) {
        match self.h2_of(address.conn) {
            None => self.abort(address.conn, cause),
            Some(at) => self.reset_stream(address, at, cause),
        }
    }

    /// Where the exchange at `address` is stored, if it is not over and not away.
    #[inline]
    pub(super) fn kept(&self, address: Address) -> Option<usize> {
        let conn = self.conns.get(address.conn as usize)?;
        if conn.generation != address.generation {
            return None;
        }
        let kept = match conn.exchange {
            At::Here(kept) => kept as usize,
            At::Nowhere => return None,
            At::H2(at) => self.h2.get(at as usize)?.streams.kept(address.stream)?,
        };
        self.exchanges.get(kept).filter(|exchange| exchange.stream == address.stream).map(|_| kept)
    }

    /// Takes the exchange at `address` out of the shard.
    pub(super) fn take_exchange(&mut self, address: Address) -> Option<Exchange<A::State>> {
        let kept = self.kept(address)?;
        let exchange = &mut self.conns[address.conn as usize].exchange;
        match *exchange {
            At::Nowhere | At::Here(_) => *exchange = At::Nowhere,
            At::H2(at) => self.h2.get_mut(at as usize)?.streams.keep(address.stream, None),
        }
        Some(self.exchanges.remove(kept))
    }

    /// Runs a call of the application on the shard's own thread: one that panics must cost its exchange and
    /// not the shard. `None` then.
    pub(super) fn guarded<R>(&mut self, call: impl FnOnce(&A, &mut JobCx) -> R) -> Option<R> {
        let (app, cx) = (&*self.app, &mut *self.cx);
        let result = catch_unwind(AssertUnwindSafe(|| call(app, cx)));
        if result.is_err() {
            self.stats.panics_total.up();
        }
        result.ok()
    }

    /// The application has panicked over `exchange`: what it had made is given up, and the server answers.
    pub(super) fn break_off(&mut self, address: Address, exchange: &mut Exchange<A::State>) {
        self.stats.errors_total.up();
        exchange.is_relayed = false;
        let answer = core::mem::replace(&mut exchange.answer, Answer::Canned(Canned::Panicked));
        if let Answer::Service(state) = answer {
            let cut = exchange.cut_by(Some(Status::INTERNAL_SERVER_ERROR));
            self.end_short(address, state, cut, ResetCause::ByUs);
        }
    }

    /// Tells the application that an exchange is over.
    pub(crate) fn end(&mut self, address: Address, state: A::State, outcome: Outcome) {
        self.prepare_cx(address);
        self.guarded(|app, cx| app.end(cx, state, outcome));
    }

    /// Tells the application that an exchange is over before its end, and what the peer has of it.
    fn end_short(&mut self, address: Address, mut state: A::State, cut: CutShort, cause: ResetCause) {
        self.prepare_cx(address);
        self.guarded(|app, _| app.cut_short(&mut state, cut));
        self.guarded(|app, cx| app.end(cx, state, Outcome::Aborted(cause)));
    }

    /// Tells the application of a request that the server has to answer without it.
    #[cold]
    fn tell_not_begun(&mut self, address: Address, head: Option<Box<OwnedRequestHead>>, canned: Canned) {
        let Some(head) = head else { return };
        self.prepare_cx(address);
        let spare = Scratch { bytes: &mut [], fields: &mut [] };
        self.guarded(|app, cx| app.not_begun(cx, &head.view(spare), canned.head().status));
    }

    /// Stores an exchange that is not over.
    pub(super) fn put_back(&mut self, key: u32, exchange: Exchange<A::State>) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        let stream = exchange.stream;
        let kept = self.exchanges.insert(exchange) as u32;
        match conn.exchange {
            At::Nowhere | At::Here(_) => conn.exchange = At::Here(kept),
            At::H2(at) => {
                if let Some(h2) = self.h2.get_mut(at as usize) {
                    h2.streams.keep(stream, Some(kept));
                }
            }
        }
    }

    /// Takes the application's state out of the exchange of connection `key` for a job.
    pub(super) fn borrow_state(&mut self, key: u32) -> Option<A::State> {
        let At::Here(kept) = self.conns.get(key as usize)?.exchange else { return None };
        self.borrow_kept_state(kept as usize)
    }

    /// As [`Shard::borrow_state`], for the exchange that is stored under `kept`.
    pub(super) fn borrow_kept_state(&mut self, kept: usize) -> Option<A::State> {
        let exchange = self.exchanges.get_mut(kept)?;
        match core::mem::replace(&mut exchange.answer, Answer::Away) {
            Answer::Service(state) => Some(state),
            other @ (Answer::Away | Answer::Canned(_)) => {
                exchange.answer = other;
                None
            }
        }
    }

    /// So many more bytes of the body may come.
    pub(super) fn give_credit(&mut self, address: Address, bytes: u32) {
        let Some(conn) = self.conns.get_mut(address.conn as usize) else { return };
        // A stale stream only means that the exchange ended meanwhile.
        let _ = match conn.exchange {
            At::Nowhere | At::Here(_) => conn.h1.grant(address.stream, bytes),
            At::H2(at) => match self.h2.get_mut(at as usize) {
                Some(h2) => h2.grant(address.stream, bytes),
                None => Ok(()),
            },
        };
    }

    /// Gives the credit that a woken exchange has become due.
    pub(super) fn give_credit_due(&mut self, address: Address) {
        let Some(kept) = self.kept(address) else { return };
        let Some(exchange) = self.exchanges.get_mut(kept) else { return };
        let mut answer = core::mem::replace(&mut exchange.answer, Answer::Away);
        self.grant_due(address, &mut answer);
        if let Some(exchange) = self.exchanges.get_mut(kept) {
            exchange.answer = answer;
        }
    }

    fn grant_due(&mut self, address: Address, answer: &mut Answer<A::State>) {
        let Answer::Service(state) = answer else { return };
        let app = &*self.app;
        match catch_unwind(AssertUnwindSafe(|| app.credit(state))) {
            Ok(0) => {}
            Ok(bytes) => self.give_credit(address, bytes),
            Err(_) => self.stats.panics_total.up(),
        }
    }

    /// The request body has ended without anybody to hear it: the exchange may be over with that.
    pub(super) fn settle_end(&mut self, key: u32) {
        let Some(At::Here(kept)) = self.conns.get(key as usize).map(|conn| conn.exchange) else { return };
        if let Some(exchange) = self.exchanges.try_remove(kept as usize) {
            self.conns[key as usize].exchange = At::Nowhere;
            self.pump(key, exchange);
        }
    }

    /// An exchange has been answered whole. Runs the application: to be called within a guard.
    pub(super) fn finish(&mut self, key: u32, exchange: &mut Exchange<A::State>) {
        let Some(conn) = self.conns.get(key as usize) else { return };
        let address = Address { conn: key, generation: conn.generation, stream: exchange.stream };
        if let At::H2(at) = conn.exchange {
            self.end_stream(at, address.stream);
        }
        if let Some(link) = exchange.link {
            self.release_link(link);
        }
        let status = exchange.status.unwrap_or(Status::INTERNAL_SERVER_ERROR);
        if status.code() >= 500 && !matches!(exchange.answer, Answer::Canned(_)) {
            self.stats.errors_total.up();
        }
        if let Answer::Service(state) = core::mem::replace(&mut exchange.answer, Answer::Away) {
            self.prepare_cx(address);
            let outcome = Outcome::Complete { status, body_bytes: exchange.body_bytes };
            self.app.end(&mut self.cx, state, outcome);
        }
    }

    /// Ends the exchange of connection `key`, if it has one here, as cut short. `instead` is the status of the
    /// answer that the machine gives by itself, if it can.
    pub(super) fn drop_exchange(&mut self, key: u32, cause: ResetCause, instead: Option<Status>) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        let At::Here(kept) = conn.exchange else { return };
        conn.exchange = At::Nowhere;
        let generation = conn.generation;
        let Some(exchange) = self.exchanges.try_remove(kept as usize) else { return };
        let address = Address { conn: key, generation, stream: exchange.stream };
        self.end_aborted(address, exchange, cause, instead);
    }

    /// Ends an exchange that was taken out of the shard as cut short.
    pub(super) fn end_aborted(
        &mut self,
        address: Address,
        exchange: Exchange<A::State>,
        cause: ResetCause,
        instead: Option<Status>,
    ) {
        self.stats.aborted_total.up();
        if let Some(link) = exchange.link {
            self.drop_link(link);
        }
        let cut = exchange.cut_by(instead);
        if let Answer::Service(state) = exchange.answer {
            self.end_short(address, state, cut, cause);
        }
    }

    pub(super) fn drop_stale(&mut self, address: Address, result: Result<A::State>) {
        self.stats.stale_mail_total.up();
        // It counted since its stream was over.
        self.cx.orphans.remove(ConnectionId::of(address));
        match result {
            Result::Begun(state, _)
            | Result::Advanced(state, _)
            | Result::Taken(state, ..)
            | Result::Ended(state, _)
            | Result::Failed(_, Left::State(state)) => {
                self.end(address, state, Outcome::Aborted(ResetCause::ByPeer));
            }
            Result::Failed(_, Left::Head(_)) => {}
        }
    }
}

impl Canned {
    pub(super) const fn text(self) -> &'static [u8] {
        match self {
            Canned::Panicked => b"the handler failed\n",
            Canned::Overloaded => b"the server is busy\n",
        }
    }

    pub(super) const fn head(self) -> ResponseHead<'static> {
        match self {
            Canned::Panicked => ResponseHead {
                status: Status::INTERNAL_SERVER_ERROR,
                fields: field_lines!["Content-Type: text/plain"],
            },
            Canned::Overloaded => ResponseHead {
                status: Status::SERVICE_UNAVAILABLE,
                fields: field_lines!["Content-Type: text/plain", "Retry-After: 1"],
            },
        }
    }
}

/// Whether `error` only says that the socket is full.
pub(super) fn is_blocked(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Whether both directions of `stream` are done.
pub(super) fn is_over(h1: &h1::Server, stream: StreamId) -> bool {
    h1.exchange() != Some(stream)
}
