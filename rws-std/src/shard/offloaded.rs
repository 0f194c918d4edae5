//! Jobs that were given to other threads before they began, since nobody could have taken the shard from them.
//!
//! One whose exchange is over is taken out of the queue, whatever ended it and in whichever version of HTTP: it never
//! starts, and the exchange ends with the state that the job held.

use std::sync::{Arc, Mutex, PoisonError};

use rws_core::connection::ResetCause;
use rws_core::message::OwnedRequestHead;
use rws_core::service::Outcome;

use super::receive::Trailers;
use super::settle::Answer;
use super::{Address, Shard};
use crate::application::Application;
use crate::handover::Ticket;

/// A job that owns what it reads.
#[derive(Debug)]
pub(crate) enum OwnedJob<S> {
    Begin(Box<OwnedRequestHead>),
    Body(S, Vec<u8>, bool, Trailers),
    Advance(S),
}

/// What is to be done: with the thread that has come for it, or still with the shard.
#[derive(Debug)]
pub(crate) struct Parcel<S>(Arc<Mutex<Option<OwnedJob<S>>>>);

/// A job that is out there.
#[derive(Debug)]
pub(super) struct Offloaded<S> {
    ticket: Ticket,
    parcel: Parcel<S>,
}

impl<S> Parcel<S> {
    pub(crate) fn new(job: OwnedJob<S>) -> Parcel<S> {
        Parcel(Arc::new(Mutex::new(Some(job))))
    }

    /// Takes the job out; `None` if somebody has.
    pub(crate) fn take(&self) -> Option<OwnedJob<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<S> Clone for Parcel<S> {
    fn clone(&self) -> Parcel<S> {
        Parcel(Arc::clone(&self.0))
    }
}

impl<A: Application> Shard<A> {
    /// The job of the exchange at `address` waits for a thread.
    pub(crate) fn note_offloaded(&mut self, address: Address, ticket: Ticket, parcel: Parcel<A::State>) {
        self.offloaded.insert(address, Offloaded { ticket, parcel });
    }

    /// A job of the exchange at `address` is back.
    pub(super) fn forget_offloaded(&mut self, address: Address) {
        if !self.offloaded.is_empty() {
            self.offloaded.remove(&address);
        }
    }

    /// The exchange at `address` is over: if its job still waits for a thread, it never runs, and what it holds goes
    /// back to where it came from. False if a thread has it.
    pub(super) fn call_off(&mut self, address: Address) -> bool {
        let Some(Offloaded { ticket, parcel }) = self.offloaded.remove(&address) else { return false };
        if !self.cx.pool.as_ref().is_some_and(|pool| pool.call_off(ticket)) {
            return false;
        }
        let state = match parcel.take() {
            Some(OwnedJob::Body(state, ..) | OwnedJob::Advance(state)) => state,
            Some(OwnedJob::Begin(_)) | None => return true,
        };
        match self.kept(address).and_then(|kept| self.exchanges.get_mut(kept)) {
            Some(exchange) => exchange.answer = Answer::Service(state),
            None => self.end(address, state, Outcome::Aborted(ResetCause::ByPeer)),
        }
        true
    }
}
