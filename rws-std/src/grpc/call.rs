//! What all parts of one call share, whichever thread they are on.
//!
//! ```text
//!   open ── deadline ──▶ over: the requests are cut, the answer ends with DEADLINE_EXCEEDED
//!        ── the exchange goes (the caller is gone, or has its answer) ──▶ over: the requests are cut
//! ```

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rws_core::grpc::Encoding;
use rws_core::message::OwnedFields;

use super::method::refusal;
use super::status::Status;
use crate::app::Response;
use crate::app::pipe::Pipe;
use crate::job::{Waker, about_to_block};

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    /// How the compressed ones of the requests are encoded.
    pub(super) encoding: Encoding,
    /// How answers may be.
    pub(super) answer_encoding: Encoding,
    /// Bytes of one request, as it is sent and as it is decompressed.
    pub(super) message_bytes_max: u32,
    pub(super) deadline: Option<Instant>,
    pub(super) peer: Option<SocketAddr>,
    waker: Waker,
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    over: Option<Over>,
    requests: Option<Arc<Pipe>>,
    answers: Option<Arc<Pipe>>,
    answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    DeadlineExceeded,
    Gone,
}

/// The answer's head, where the function runs on another thread than the shard's.
#[derive(Debug, Default)]
enum Answer {
    #[default]
    Awaited,
    Ready(Response),
    Taken,
}

impl Call {
    pub(super) fn new(
        (encoding, answer_encoding): (Encoding, Encoding),
        message_bytes_max: u32,
        deadline: Option<Instant>,
        peer: Option<SocketAddr>,
        waker: Waker,
    ) -> Call {
        let (inside, changed) = (Mutex::default(), Condvar::new());
        Call { encoding, answer_encoding, message_bytes_max, deadline, peer, waker, inside, changed }
    }

    /// A pipe for requests; the shard has its other end. Whoever sends them may have nothing to say for a while.
    pub(super) fn open_requests(&self) -> Arc<Pipe> {
        self.waker.be_patient();
        let pipe = Pipe::for_request(self.waker.clone());
        self.lock().requests = Some(Arc::clone(&pipe));
        pipe
    }

    /// A pipe for answers.
    pub(super) fn open_answers(&self) -> Arc<Pipe> {
        let pipe = Pipe::for_answer(self.waker.clone());
        let mut inside = self.lock();
        inside.answers = Some(Arc::clone(&pipe));
        let over = inside.over;
        drop(inside);
        if let Some(over) = over {
            pipe.finish_with(trailers(&over.status()));
        }
        pipe
    }

    /// The answer is decided, on another thread. Only the first one counts.
    pub(super) fn answer(&self, response: Response) {
        let mut inside = self.lock();
        if !matches!(inside.answer, Answer::Awaited) {
            return;
        }
        inside.answer = Answer::Ready(response);
        drop(inside);
        self.waker.wake();
    }

    /// The answer, once.
    pub(super) fn take_answer(&self) -> Option<Response> {
        let mut inside = self.lock();
        match core::mem::replace(&mut inside.answer, Answer::Taken) {
            Answer::Ready(response) => Some(response),
            before @ (Answer::Awaited | Answer::Taken) => {
                inside.answer = before;
                None
            }
        }
    }

    /// The time is over: whatever the function does, the caller is told so.
    pub(super) fn expire(&self) {
        let status = Over::DeadlineExceeded.status();
        if let Some(answers) = self.end(Over::DeadlineExceeded) {
            answers.finish_with(trailers(&status));
        }
        self.answer(refusal(&status));
    }

    /// The exchange is over.
    pub(super) fn leave(&self) {
        self.end(Over::Gone);
    }

    /// Why nothing more can be read or written, as far as it is known.
    pub(super) fn why(&self) -> Status {
        let over = self.lock().over;
        let is_late = over == Some(Over::DeadlineExceeded) || over.is_none() && self.is_late();
        if is_late { Over::DeadlineExceeded.status() } else { Over::Gone.status() }
    }

    /// Whether its deadline has passed.
    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether it was ended by anybody but its function.
    pub(super) fn is_ended(&self) -> bool {
        self.lock().over.is_some()
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().over.is_some() || self.is_late()
    }

    fn end(&self, over: Over) -> Option<Arc<Pipe>> {
        let mut inside = self.lock();
        if inside.over.is_some() {
            return None;
        }
        inside.over = Some(over);
        let (requests, answers) = (inside.requests.take(), inside.answers.take());
        drop(inside);
        self.changed.notify_all();
        if let Some(requests) = requests {
            requests.cut();
        }
        answers
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Nothing panics with the lock in hand, so a poisoned one is whole.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Over {
    fn status(self) -> Status {
        match self {
            Over::DeadlineExceeded => Status::deadline_exceeded("the time is over"),
            Over::Gone => Status::cancelled("the caller is gone"),
        }
    }
}

fn trailers(status: &Status) -> OwnedFields {
    let mut fields = OwnedFields::new();
    status.write(&mut fields);
    fields
}

/// Tells whether anybody still waits for a call's answer; cheap to clone, and may go to other threads.
#[derive(Clone, Debug)]
pub struct Cancellation(pub(super) Arc<Call>);

impl Cancellation {
    /// Whether the deadline has passed, the caller has gone, or it has its answer. The caller of a function that runs on
    /// its shard is not heard meanwhile.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_over()
    }

    /// Waits until then, at most for `timeout`; says whether it is so.
    pub fn wait(&self, timeout: Duration) -> bool {
        about_to_block();
        let now = Instant::now();
        let until = now.checked_add(timeout);
        let until = [until, self.0.deadline].into_iter().flatten().min();
        let mut inside = self.0.lock();
        while inside.over.is_none() {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            inside = self.0.changed.wait_timeout(inside, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        inside.over.is_some() || self.0.is_late()
    }
}
