//! Pushes: requests that a client did not have to make, begun like those that it made.
//!
//! ```text
//!   a job is back ─▶ the answer's pushes ─▶ the machine gives each a stream ─┬─ PUSH_PROMISE, with the request
//!                                                                            └─ a job that begins its exchange
//! ```
//!
//! What the machine does not take (the client wants none, or there are as many as may be) is left to be hinted at.

use rws_core::connection::{BodyPlan, RequestOut, StreamId};
use rws_core::message::OwnedRequestHead;

use crate::app::push::Pushes;
use crate::application::Application;
use crate::shard::receive::Job;
use crate::shard::{Address, Reading, Shard};

/// The requests of a connection's pushes, as long as their streams last: as many as its limits let be under way.
#[derive(Debug, Default)]
pub(super) struct Promises(Vec<(StreamId, OwnedRequestHead)>);

impl Promises {
    fn insert(&mut self, stream: StreamId, head: OwnedRequestHead) {
        self.0.push((stream, head));
    }

    /// The request of `stream`, if that is a push.
    fn get(&self, stream: StreamId) -> Option<&OwnedRequestHead> {
        self.0.iter().find(|(own, _)| *own == stream).map(|(_, head)| head)
    }

    /// `stream` is over.
    pub(super) fn remove(&mut self, stream: StreamId) {
        if self.0.is_empty() {
            return;
        }
        self.0.retain(|(own, _)| *own != stream);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }

    /// What the promise of `stream` says.
    pub(super) fn request(&self, stream: StreamId) -> Option<RequestOut<'_>> {
        let head = self.get(stream)?;
        Some(RequestOut {
            method: b"GET",
            target: head.target(),
            authority: head.authority(),
            fields: head.fields(),
            body: BodyPlan::None,
            expect_continue: false,
            close: false,
        })
    }
}

impl<A: Application> Shard<A> {
    /// Promises what the answer of the stream at `address` is to be pushed with, as far as that can be; the rest is
    /// left.
    #[cold]
    pub(in crate::shard) fn promise(&mut self, address: Address, at: u32, pushes: &mut Pushes) {
        let env = crate::shard::env(&self.clock, &self.settings);
        let Some(h2) = self.h2.get_mut(at as usize) else { return };
        // What is pushed itself leads to nothing more.
        let is_pushed = h2.promises.get(address.stream).is_some();
        pushes.retain(|pushes, path| {
            if is_pushed {
                return false;
            }
            let Ok(head) = pushes.request(path) else { return true };
            let Ok(stream) = h2.machine.push(&env, address.stream) else { return true };
            h2.promises.insert(stream, head);
            h2.streams.begin(stream, false);
            h2.streams.note_promised(stream);
            h2.list(stream);
            false
        });
        self.list(address.conn);
    }

    /// The job that begins the exchange of a push.
    pub(super) fn promised_job(&mut self, address: Address, at: u32) -> Option<Job<A::State>> {
        let h2 = self.h2.get_mut(at as usize)?;
        if !h2.streams.take_promised(address.stream) {
            return None;
        }
        let head = h2.promises.get(address.stream)?.clone();
        h2.streams.set_away(address.stream, true);
        self.stats.requests_total.up();
        let conn = self.conns.get(address.conn as usize)?;
        self.cx.prepare(&self.clock, address, &conn.peer);
        let nothing = Reading { conn: address.conn, from: 0, to: 0, drained: true, copied: false };
        self.reading = Some(nothing);
        Some(Job::Promised(Box::new(head)))
    }
}
