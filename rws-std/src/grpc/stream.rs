//! Messages one after the other: those that come, and those that go.

use core::fmt;
use core::marker::PhantomData;
use std::io::{self, Read};
use std::sync::Arc;

use prost::Message;
use rws_core::message::OwnedFields;

use super::call::Call;
use super::codec::{self, Assembler};
use super::metadata::Metadata;
use super::status::Status;
use crate::app::pipe::{Pipe, PipeReader};

/// Bytes that are read at a time.
const READ_BYTES: usize = 16 * 1024;

/// The requests of a call, as they come: an iterator that blocks until there is one, and ends when the caller has said
/// all. After an error nothing more comes.
#[derive(Debug)]
pub struct Incoming<T> {
    call: Arc<Call>,
    reader: PipeReader,
    assembler: Assembler,
    buffer: Vec<u8>,
    /// Where what is not read yet of the buffer begins.
    at: usize,
    is_over: bool,
    message: PhantomData<fn() -> T>,
}

impl<T: Message + Default> Incoming<T> {
    pub(super) fn new(call: Arc<Call>, reader: PipeReader) -> Incoming<T> {
        let assembler = Assembler::new(call.message_bytes_max);
        Incoming { call, reader, assembler, buffer: Vec::new(), at: 0, is_over: false, message: PhantomData }
    }

    fn message(&mut self) -> Result<Option<T>, Status> {
        loop {
            let mut rest = self.buffer.get(self.at..).unwrap_or(&[]);
            let found = self.assembler.take(&mut rest)?;
            self.at = self.buffer.len() - rest.len();
            if let Some((head, bytes)) = found {
                let bytes_max = self.call.message_bytes_max;
                return codec::decode(head, self.call.encoding, &bytes, bytes_max).map(Some);
            }
            self.buffer.resize(READ_BYTES, 0);
            let n = self.reader.read(&mut self.buffer).map_err(|_| self.call.why())?;
            self.buffer.truncate(n);
            self.at = 0;
            if n == 0 {
                return self.assembler.finish().map(|()| None);
            }
        }
    }
}

impl<T: Message + Default> Iterator for Incoming<T> {
    type Item = Result<T, Status>;

    fn next(&mut self) -> Option<Result<T, Status>> {
        if self.is_over {
            return None;
        }
        let next = self.message().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The answers of a call: made of an iterator, or written by an [`Outgoing`].
pub struct Streamed<U>(pub(super) Source<U>);

pub(super) enum Source<U> {
    Each(Box<dyn Iterator<Item = Result<U, Status>> + Send>),
    Written(PipeReader),
}

impl<U> fmt::Debug for Streamed<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").finish_non_exhaustive()
    }
}

impl<U: Message> Streamed<U> {
    /// Answers with each of these, and ends the call with the first error. The iterator runs on a thread of the server's,
    /// and may block; it is dropped where nobody takes what it gives.
    pub fn each(
        answers: impl IntoIterator<Item = Result<U, Status>, IntoIter: Send + 'static>,
    ) -> Streamed<U> {
        Streamed(Source::Each(Box::new(answers.into_iter())))
    }

    pub(super) fn written(call: Arc<Call>) -> (Streamed<U>, Outgoing<U>) {
        let pipe = call.open_answers();
        let reader = PipeReader(Arc::clone(&pipe));
        (Streamed(Source::Written(reader)), Outgoing { call, pipe, message: PhantomData })
    }
}

/// The writing end of an answer; may go to another thread. What is sent leaves at once. One that is dropped without an
/// end makes the call fail with `UNKNOWN`.
///
/// Nothing leaves before the function has returned the [`Response`](super::Response) that this came with.
#[derive(Debug)]
pub struct Outgoing<U> {
    call: Arc<Call>,
    pipe: Arc<Pipe>,
    message: PhantomData<fn(U)>,
}

impl<U: Message> Outgoing<U> {
    /// Sends a message. Blocks while the caller is slow: at most 256 KiB wait to be sent.
    ///
    /// # Errors
    /// A [`Status`] once the call is over: the deadline has passed, or the caller has gone.
    pub fn send(&mut self, message: &U) -> Result<(), Status> {
        let frame = codec::frame(message, self.call.answer_encoding)?;
        self.pipe.write_whole(&frame).map_err(|error| self.failed(&error))
    }

    /// Sends a message if there is room for it now; says whether there was.
    ///
    /// # Errors
    /// As [`Outgoing::send`].
    pub fn try_send(&mut self, message: &U) -> Result<bool, Status> {
        let frame = codec::frame(message, self.call.answer_encoding)?;
        match self.pipe.try_write_all(&frame) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Whether the call is over, so that sending fails.
    pub fn is_gone(&self) -> bool {
        self.call.is_over() || !self.pipe.is_taken()
    }

    /// All has been said.
    pub fn finish(self) {
        self.finish_with(&Metadata::new());
    }

    /// All has been said, but for this.
    pub fn finish_with(self, trailers: &Metadata) {
        let mut fields = ok();
        trailers.write(&mut fields);
        self.pipe.finish_with(fields);
    }

    /// The call fails.
    pub fn fail(self, status: &Status) {
        end(&self.pipe, status);
    }

    fn failed(&self, error: &io::Error) -> Status {
        match error.kind() {
            io::ErrorKind::Deadlock => Status::internal("the function must answer before it sends that much"),
            _ => self.call.why(),
        }
    }
}

impl<U> Drop for Outgoing<U> {
    fn drop(&mut self) {
        // After another end this changes nothing: the first one stands.
        end(&self.pipe, &Status::unknown("the service gave up before the end of the stream"));
    }
}

/// Sends what an iterator gives, as fast as it is taken.
pub(super) fn pump<U: Message>(
    answers: Box<dyn Iterator<Item = Result<U, Status>> + Send>,
    call: &Call,
    pipe: &Pipe,
    trailers: &Metadata,
) {
    for answer in answers {
        let frame = answer.and_then(|answer| codec::frame(&answer, call.answer_encoding));
        match frame {
            Ok(frame) => {
                if call.is_over() || pipe.write_whole(&frame).is_err() {
                    return;
                }
            }
            Err(status) => return end(pipe, &status),
        }
    }
    let mut fields = ok();
    trailers.write(&mut fields);
    pipe.finish_with(fields);
}

/// Ends a stream of answers.
pub(super) fn end(pipe: &Pipe, status: &Status) {
    let mut fields = OwnedFields::new();
    status.write(&mut fields);
    pipe.finish_with(fields);
}

/// The trailers of a call that went well.
pub(super) fn ok() -> OwnedFields {
    OwnedFields::copy_of(rws_core::grpc::trailers::OK)
}
