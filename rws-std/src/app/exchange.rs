//! What an app remembers of one exchange.
//!
//! ```text
//!   no body ───────────────────────────────────────▶ Answering
//!   a body to collect ─▶ Collecting ── end ────────▶ Answering
//!   a body to stream ──▶ Elsewhere ── response ────▶ Answering       (the handler runs on another thread)
//!   a file ────────────────────────────────────────▶ File
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use rws_core::message::OwnedRequestHead;

use super::pipe::Pipe;
use super::response::Response;
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
}

/// The response is decided.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) response: Response,
    pub(super) sent: usize,
    /// Where the rest of the request body goes.
    pub(super) feed: Option<Arc<Pipe>>,
}

/// The body is on its way into memory.
#[derive(Debug)]
pub(super) struct Collecting {
    pub(super) head: OwnedRequestHead,
    pub(super) body: Vec<u8>,
}

/// The handler runs on another thread.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) feed: Arc<Pipe>,
    pub(super) answer: Arc<AnswerSlot>,
}

/// Where a handler on another thread leaves its response.
#[derive(Debug, Default)]
pub(super) struct AnswerSlot(Mutex<Option<Response>>);

impl AnswerSlot {
    pub(super) fn put(&self, response: Response) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
    }

    pub(super) fn take(&self) -> Option<Response> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl AppExchange {
    pub(super) const fn answering(response: Response) -> AppExchange {
        AppExchange(Phase::Answering(Answering { response, sent: 0, feed: None }))
    }
}
