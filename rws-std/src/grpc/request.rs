//! What a function is given, and what it gives back.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use super::call::{Call, Cancellation};
use super::metadata::{Metadata, MetadataError};
use super::stream::{Outgoing, Streamed};

/// A call: its message, or [`Incoming`](super::Incoming) for a stream of them, and what comes with it.
#[derive(Debug)]
pub struct Request<T> {
    message: T,
    metadata: Metadata,
    call: Arc<Call>,
}

impl<T> Request<T> {
    pub(super) const fn new(message: T, metadata: Metadata, call: Arc<Call>) -> Request<T> {
        Request { message, metadata, call }
    }

    /// The message.
    pub const fn message(&self) -> &T {
        &self.message
    }

    /// The message, out of the request.
    pub fn into_message(self) -> T {
        self.message
    }

    /// What the caller says beside it.
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// When the caller gives up, if it has said so.
    pub fn deadline(&self) -> Option<Instant> {
        self.call.deadline
    }

    /// How long it still waits; zero once its time is over.
    pub fn time_left(&self) -> Option<Duration> {
        self.call.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// What tells that nobody waits for the answer any more.
    pub fn cancellation(&self) -> Cancellation {
        Cancellation(Arc::clone(&self.call))
    }

    /// The address of the caller, or of the proxy before it.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.call.peer
    }

    /// An answer that is written message by message, from any thread, and its writing end.
    pub fn answer<U: prost::Message>(&self) -> (Response<Streamed<U>>, Outgoing<U>) {
        let (streamed, outgoing) = Streamed::written(Arc::clone(&self.call));
        (Response::new(streamed), outgoing)
    }
}

/// An answer: its message, or [`Streamed`] for many, and what comes before and behind it.
#[derive(Debug)]
pub struct Response<T> {
    pub(super) message: T,
    pub(super) metadata: Metadata,
    pub(super) trailers: Metadata,
}

impl<T> Response<T> {
    /// An answer with this message.
    pub const fn new(message: T) -> Response<T> {
        Response { message, metadata: Metadata::new(), trailers: Metadata::new() }
    }

    /// What is said before the message.
    pub const fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// What is said behind it.
    pub const fn trailers_mut(&mut self) -> &mut Metadata {
        &mut self.trailers
    }

    /// The same answer with a line said before the message.
    ///
    /// # Errors
    /// As [`Metadata::append`].
    pub fn with_metadata(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, MetadataError> {
        self.metadata.append(name, value.as_ref())?;
        Ok(self)
    }

    /// The same answer with a line said behind it.
    ///
    /// # Errors
    /// As [`Metadata::append`].
    pub fn with_trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, MetadataError> {
        self.trailers.append(name, value.as_ref())?;
        Ok(self)
    }
}
