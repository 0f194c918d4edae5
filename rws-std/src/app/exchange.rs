//! What an app remembers of one exchange.
//!
//! ```text
//!   no body ───────────────────────────────────────▶ Answering
//!   a body to collect ─▶ Collecting ── end ────────▶ Answering
//!   a body to stream ──▶ Elsewhere ── response ────▶ Answering       (the handler runs on another thread)
//!   a file ────────────────────────────────────────▶ File
//!   a call (feature `grpc`) ───────────────────────▶ Grpc
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rws_core::message::{OwnedFields, OwnedRequestHead};
use rws_core::service::Taken;

use super::collected::Collected;
use super::pipe::Pipe;
use super::response::Response;
use crate::errand::Errand;
use crate::files::FilePlan;

/// The state of one exchange. Opaque.
#[derive(Debug)]
pub struct AppExchange(pub(super) Phase);

#[derive(Debug)]
pub(super) enum Phase {
    Answering(Answering),
    Collecting(Box<Collecting>),
    Elsewhere(Box<Elsewhere>),
    File(Box<FilePlan>),
    #[cfg(feature = "grpc")]
    Grpc(Box<crate::grpc::GrpcExchange>),
}

/// The response is decided.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) response: Response,
    pub(super) sent: usize,
    /// Where the rest of the request body goes.
    pub(super) feed: Option<Box<Feed>>,
}

/// The body is on its way into memory.
#[derive(Debug)]
pub(super) struct Collecting {
    pub(super) head: OwnedRequestHead,
    pub(super) body: Collected,
    pub(super) bytes_max: usize,
    pub(super) trailers: Option<OwnedFields>,
}

/// The handler runs on another thread.
#[derive(Debug)]
pub(super) struct Elsewhere {
    /// Where the request body goes; taken along when the answer is there.
    pub(super) feed: Option<Box<Feed>>,
    pub(super) answer: Arc<AnswerSlot>,
    /// Calls the handler off if it has not begun when the exchange is over.
    pub(super) errand: Errand,
}

/// The shard's end of a request body that a handler reads. However the exchange ends, the handler learns that
/// no more will come.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) pipe: Arc<Pipe>,
    /// How many bytes may still come.
    pub(crate) bytes_left: u64,
    /// What stands behind them.
    pub(crate) trailers: Option<OwnedFields>,
}

/// More has come than there may.
#[derive(Debug)]
pub(crate) struct TooLarge;

impl Feed {
    /// Gives the handler a piece of the body.
    pub(crate) fn push(&mut self, chunk: &[u8], end: bool) -> Result<Taken, TooLarge> {
        self.bytes_left = self.bytes_left.checked_sub(chunk.len() as u64).ok_or(TooLarge)?;
        let is_read = self.pipe.push(chunk);
        if end {
            match self.trailers.take() {
                Some(trailers) => self.pipe.finish_with(trailers),
                None => self.pipe.finish(),
            }
        }
        Ok(if is_read { Taken::Later } else { Taken::Stop })
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        // After the body's end this changes nothing: the first end stands.
        self.pipe.cut();
    }
}

/// Where a handler on another thread leaves its response, or the payload of its panic.
#[derive(Debug, Default)]
pub(super) struct AnswerSlot(Mutex<Option<thread::Result<Response>>>);

impl AnswerSlot {
    pub(super) fn put(&self, response: thread::Result<Response>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
    }

    /// Takes the response, unless it is a panic, which is for whoever asks for the head.
    pub(super) fn take_sound(&self) -> Option<Response> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match place.take()? {
            Ok(response) => Some(response),
            panic @ Err(_) => {
                *place = Some(panic);
                None
            }
        }
    }

    pub(super) fn take(&self) -> Option<thread::Result<Response>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl AppExchange {
    /// Whether it is an answer of the program's own constants.
    #[inline]
    pub(super) const fn is_constant(&self) -> bool {
        match &self.0 {
            Phase::Answering(answering) => answering.feed.is_none() && answering.response.is_constant(),
            Phase::Collecting(_) | Phase::Elsewhere(_) | Phase::File(_) => false,
            #[cfg(feature = "grpc")]
            Phase::Grpc(_) => false,
        }
    }

    /// What a handler has answered on another thread is this exchange's answer. A panic stays there, for whoever asks
    /// for the head.
    #[inline]
    pub(super) fn arrive(&mut self) {
        if let Phase::Elsewhere(elsewhere) = &mut self.0
            && let Some(response) = elsewhere.answer.take_sound()
        {
            let feed = elsewhere.feed.take();
            self.0 = Phase::Answering(Answering { response, sent: 0, feed });
        }
    }

    pub(super) const fn answering(response: Response) -> AppExchange {
        AppExchange(Phase::Answering(Answering { response, sent: 0, feed: None }))
    }
}
