//! What the machine has to tell a driver, but for heads and trailers: small, since it passes through many hands.

use crate::connection::{Event, ResetCause, StreamId};
use crate::message::Chunk;
use crate::{PeerFault, Status};

/// An [`Event`] without a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Body { stream: StreamId, chunk: Chunk },
    End { stream: StreamId },
    Reset { stream: StreamId, cause: ResetCause },
    Stalled { stream: StreamId },
    Refused { stream: Option<StreamId>, status: Status, fault: PeerFault },
    Closed,
}

impl From<News> for Event {
    fn from(news: News) -> Event {
        match news {
            News::Body { stream, chunk } => Event::Body { stream, chunk },
            News::End { stream } => Event::End { stream, trailers: None },
            News::Reset { stream, cause } => Event::Reset { stream, cause },
            News::Stalled { stream } => Event::Stalled { stream },
            News::Refused { stream, status, fault } => Event::Refused { stream, status, fault },
            News::Closed => Event::Closed,
        }
    }
}

const _: () = assert!(size_of::<Option<News>>() <= 24);
