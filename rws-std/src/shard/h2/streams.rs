//! What a shard remembers of each stream of a connection.

use rws_core::connection::StreamId;
use rws_core::message::{FieldBlock, OwnedFields};

use crate::shard::stored::{Pools, Stored};

/// The records of a connection's streams, by their slots in the machine.
#[derive(Debug, Default)]
pub(in crate::shard) struct Streams {
    records: Vec<Record>,
    open: u32,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Record {
    generation: u32,
    /// Where its exchange is stored; [`NOWHERE`] if the job that begins it is out.
    kept: u32,
    facts: u8,
    /// What came of its body while it could not be given to anybody.
    late: Option<Box<Late>>,
}

/// A part of a body that waits for its exchange.
#[derive(Debug, Default)]
pub(super) struct Late {
    pub(super) bytes: Option<Box<Stored>>,
    pub(super) is_ended: bool,
    pub(super) trailers: OwnedFields,
}

/// The exchange is stored nowhere.
const NOWHERE: u32 = u32::MAX;
/// The slot has a stream.
const OPEN: u8 = 1;
/// A job of the stream is out.
const AWAY: u8 = 2;
/// Somebody woke the exchange.
const WOKEN: u8 = 4;
/// The stream stands in the list of those that have a job to be done.
const LISTED: u8 = 8;

/// The request that it promises is yet to be begun.
const PROMISED: u8 = 16;

/// Records that a connection without streams keeps.
const KEPT_MAX: usize = 4;

impl Record {
    const FREE: Record = Record { generation: 0, kept: NOWHERE, facts: 0, late: None };

    /// Where its exchange is stored.
    pub(super) fn kept(&self) -> Option<usize> {
        (self.kept != NOWHERE).then_some(self.kept as usize)
    }

    /// Whether a job of it is out.
    pub(super) const fn is_away(&self) -> bool {
        self.facts & AWAY != 0
    }

    /// Gives back what it holds.
    pub(super) fn discard(self, pools: &mut Pools) {
        if let Some(bytes) = self.late.and_then(|late| late.bytes) {
            pools.give(bytes);
        }
    }
}

impl Streams {
    /// A stream begins; `is_away` if the job that begins its exchange is out.
    pub(super) fn begin(&mut self, stream: StreamId, is_away: bool) {
        let slot = stream.slot() as usize;
        if self.records.len() <= slot {
            self.records.resize_with(slot + 1, || Record::FREE);
        }
        if let Some(record) = self.records.get_mut(slot) {
            debug_assert!(record.facts == 0, "a slot has one stream at a time");
            let facts = if is_away { OPEN | AWAY } else { OPEN };
            *record = Record { generation: stream.generation(), facts, ..Record::FREE };
            self.open += 1;
        }
    }

    /// A stream is over; what was known of it.
    pub(super) fn end(&mut self, stream: StreamId) -> Option<Record> {
        let record = self.get_mut(stream)?;
        let ended = core::mem::replace(record, Record::FREE);
        self.open -= 1;
        Some(ended)
    }

    /// Gives back what a connection without streams need not keep.
    pub(super) fn trim(&mut self) {
        if self.open == 0 && self.records.capacity() > KEPT_MAX {
            self.records = Vec::new();
        }
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// Every stream.
    pub(super) fn ids(&self) -> impl Iterator<Item = StreamId> + '_ {
        let open = self.records.iter().enumerate().filter(|(_, record)| record.facts & OPEN != 0);
        open.map(|(slot, record)| StreamId::new(slot as u32, record.generation))
    }

    pub(super) fn get(&self, stream: StreamId) -> Option<&Record> {
        let record = self.records.get(stream.slot() as usize)?;
        (record.facts & OPEN != 0 && record.generation == stream.generation()).then_some(record)
    }

    fn get_mut(&mut self, stream: StreamId) -> Option<&mut Record> {
        let record = self.records.get_mut(stream.slot() as usize)?;
        (record.facts & OPEN != 0 && record.generation == stream.generation()).then_some(record)
    }

    /// Where the exchange of `stream` is stored.
    pub(in crate::shard) fn kept(&self, stream: StreamId) -> Option<usize> {
        self.get(stream)?.kept()
    }

    /// The exchange of `stream` is stored under this key, or nowhere.
    pub(in crate::shard) fn keep(&mut self, stream: StreamId, kept: Option<u32>) {
        if let Some(record) = self.get_mut(stream) {
            record.kept = kept.unwrap_or(NOWHERE);
        }
    }

    /// A job of `stream` goes out, or has come home.
    pub(super) fn set_away(&mut self, stream: StreamId, is_away: bool) {
        if let Some(record) = self.get_mut(stream) {
            record.facts = if is_away { record.facts | AWAY } else { record.facts & !AWAY };
        }
    }

    /// Somebody woke the exchange of `stream`.
    pub(super) fn note_woken(&mut self, stream: StreamId) {
        if let Some(record) = self.get_mut(stream) {
            record.facts |= WOKEN;
        }
    }

    /// Whether somebody has woken the exchange of `stream` since this was asked.
    pub(super) fn take_woken(&mut self, stream: StreamId) -> bool {
        let Some(record) = self.get_mut(stream) else { return false };
        let is_woken = record.facts & WOKEN != 0;
        record.facts &= !WOKEN;
        is_woken
    }

    /// `stream` is a promise: its request is to be begun.
    pub(super) fn note_promised(&mut self, stream: StreamId) {
        if let Some(record) = self.get_mut(stream) {
            record.facts |= PROMISED;
        }
    }

    /// Whether the request that `stream` promises is to be begun; it counts as begun then.
    pub(super) fn take_promised(&mut self, stream: StreamId) -> bool {
        let Some(record) = self.get_mut(stream) else { return false };
        let is_promised = record.facts & PROMISED != 0;
        record.facts &= !PROMISED;
        is_promised
    }

    /// Whether `stream` has a job to be done, and none out.
    pub(super) fn is_due(&self, stream: StreamId) -> bool {
        let is_due = |record: &Record| record.facts & (WOKEN | PROMISED) != 0 || record.late.is_some();
        self.get(stream).is_some_and(|record| !record.is_away() && is_due(record))
    }

    /// Whether `stream` has to be put on the list of those that have a job to be done; it counts as there then.
    pub(super) fn list(&mut self, stream: StreamId) -> bool {
        let Some(record) = self.get_mut(stream) else { return false };
        let is_new = record.facts & LISTED == 0;
        record.facts |= LISTED;
        is_new
    }

    /// `stream` was taken off the list.
    pub(super) fn unlist(&mut self, stream: StreamId) {
        if let Some(record) = self.get_mut(stream) {
            record.facts &= !LISTED;
        }
    }

    /// Whether what comes of the body of `stream` has to wait.
    pub(super) fn delays_body(&self, stream: StreamId) -> bool {
        self.get(stream).is_some_and(|record| record.is_away() || record.late.is_some())
    }

    /// A part of the body of `stream` has come, and its end with these trailers. Fails beyond 64 KiB.
    pub(super) fn delay(
        &mut self,
        stream: StreamId,
        bytes: &[u8],
        end: Option<FieldBlock<'_>>,
        pools: &mut Pools,
    ) -> Result<(), ()> {
        let Some(record) = self.get_mut(stream) else { return Ok(()) };
        let late = record.late.get_or_insert_default();
        if let Some(trailers) = end {
            late.is_ended = true;
            late.trailers = OwnedFields::copy_of(trailers);
        }
        pools.append(&mut late.bytes, bytes)
    }

    /// What came of the body of `stream` while it could not be given to anybody.
    pub(super) fn take_late(&mut self, stream: StreamId) -> Option<Box<Late>> {
        self.get_mut(stream)?.late.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_known_by_its_slot_and_generation_until_it_ends() {
        let mut streams = Streams::default();
        let (first, second) = (StreamId::new(2, 7), StreamId::new(0, 8));
        streams.begin(first, true);
        streams.begin(second, false);
        streams.keep(first, Some(40));
        assert_eq!((streams.kept(first), streams.kept(second)), (Some(40), None));
        assert_eq!(streams.kept(StreamId::new(2, 6)), None, "that one is over");
        assert_eq!(streams.ids().collect::<Vec<_>>(), [second, first]);
        assert!(streams.end(first).is_some_and(|record| record.kept() == Some(40)));
        assert!(streams.end(first).is_none() && !streams.is_empty());
        assert!(streams.end(second).is_some() && streams.is_empty());
    }

    #[test]
    fn a_stream_is_listed_once_and_due_only_at_home() {
        let mut streams = Streams::default();
        let stream = StreamId::new(0, 1);
        streams.begin(stream, true);
        streams.note_woken(stream);
        assert!(!streams.is_due(stream), "its job is out");
        streams.set_away(stream, false);
        assert!(streams.is_due(stream));
        assert!(streams.list(stream) && !streams.list(stream));
        streams.unlist(stream);
        assert!(streams.take_woken(stream) && !streams.take_woken(stream) && !streams.is_due(stream));
    }

    #[test]
    fn a_body_that_comes_while_its_job_is_out_waits_in_order() {
        let (mut streams, mut pools) = (Streams::default(), Pools::new());
        let stream = StreamId::new(0, 1);
        streams.begin(stream, true);
        assert!(streams.delays_body(stream));
        assert!(streams.delay(stream, b"one", None, &mut pools).is_ok());
        assert!(streams.delay(stream, b"two", None, &mut pools).is_ok());
        assert!(streams.delay(stream, b"", Some(FieldBlock::EMPTY), &mut pools).is_ok());
        streams.set_away(stream, false);
        assert!(streams.delays_body(stream), "what comes now stands behind it");
        let late = streams.take_late(stream).expect("it has waited");
        assert_eq!(late.bytes.as_deref().map(Stored::bytes), Some(&b"onetwo"[..]));
        assert!(late.is_ended && !streams.delays_body(stream));
    }
}
