//! A source behind one pointer, so that the machines are compiled once and not for every driver.

use crate::connection::{Fill, HeadAnswer, RequestOut, Source, StreamId};
use crate::message::FieldBlock;

/// Any source as one that has a known size.
pub(super) struct BySource<'s, S: ?Sized>(pub(super) &'s mut S);

impl<S: Source + ?Sized> Source for BySource<'_, S> {
    fn head(&mut self, stream: StreamId) -> HeadAnswer<'_> {
        self.0.head(stream)
    }

    fn request(&mut self, stream: StreamId) -> Option<RequestOut<'_>> {
        self.0.request(stream)
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        self.0.fill(stream, out)
    }

    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        self.0.trailers(stream)
    }

    fn ended(&mut self, stream: StreamId, complete: bool) {
        self.0.ended(stream, complete);
    }
}
