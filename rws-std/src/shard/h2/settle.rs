//! Jobs that come home, streams that end, and what other threads say of them.

use rws_core::Status;
use rws_core::connection::{Connection, Event, ResetCause, StreamId};

use super::streams::Record;
use crate::application::Application;
use crate::calls::Called;
use crate::errand::ConnectionId;
use crate::shard::settle::{Answer, Exchange};
use crate::shard::{Address, Shard};

impl<A: Application> Shard<A> {
    /// A job of `stream` is back: its exchange, or a place for one that has just begun. `None` if the stream is
    /// over.
    pub(in crate::shard) fn come_home(&mut self, at: u32, stream: StreamId) -> Option<Exchange<A::State>> {
        let h2 = self.h2.get_mut(at as usize)?;
        if h2.beginning.take_if(|begun| *begun == stream).is_some() {
            h2.streams.begin(stream, false);
            return Some(Exchange::new(stream, Answer::Away));
        }
        h2.streams.get(stream)?;
        h2.streams.set_away(stream, false);
        match h2.streams.kept(stream) {
            None => Some(Exchange::new(stream, Answer::Away)),
            Some(kept) => {
                h2.streams.keep(stream, None);
                self.exchanges.try_remove(kept)
            }
        }
    }

    /// An exchange has been called by another thread.
    pub(in crate::shard) fn hear_stream(&mut self, address: Address, at: u32, called: Called) {
        let Some(h2) = self.h2.get_mut(at as usize) else { return };
        if h2.streams.get(address.stream).is_none() {
            return;
        }
        if called.bytes_granted > 0 {
            // A stale stream only means that its body has ended.
            let _ = h2.grant(address.stream, called.bytes_granted);
        }
        if called.is_patient {
            h2.machine.be_patient(address.stream);
        }
        if called.is_woken {
            h2.machine.wake(address.stream);
            h2.streams.note_woken(address.stream);
            self.give_credit_due(address);
        }
        self.list_if_due(address);
        self.list(address.conn);
    }

    /// The stream at `address` cannot go on: the peer is told, and its neighbours are left alone.
    pub(in crate::shard) fn reset_stream(&mut self, address: Address, at: u32, cause: ResetCause) {
        if let Some(h2) = self.h2.get_mut(at as usize) {
            h2.machine.reset(address.stream);
        }
        self.drop_stream(address, at, cause, None);
        // The reset has to be sent.
        self.list(address.conn);
    }

    /// Forgets a stream that is over; its exchange has been ended or is with the caller.
    pub(in crate::shard) fn end_stream(&mut self, at: u32, stream: StreamId) {
        let Some(h2) = self.h2.get_mut(at as usize) else { return };
        if let Some(record) = h2.streams.end(stream) {
            record.discard(&mut self.pools);
        }
        h2.promises.remove(stream);
    }

    /// Ends the exchange of a stream as cut short, if it is here. A job that waits for a thread never runs; one that
    /// runs finds nobody when it comes home, and counts against the connection until then.
    /// `instead` is the status of the answer that the machine gives by itself, if it can.
    pub(super) fn drop_stream(
        &mut self,
        address: Address,
        at: u32,
        cause: ResetCause,
        instead: Option<Status>,
    ) {
        let record = self.h2.get(at as usize).and_then(|h2| h2.streams.get(address.stream));
        let (is_known, is_away) = (record.is_some(), record.is_some_and(Record::is_away));
        if is_away && !self.call_off(address) {
            self.cx.orphans.add(ConnectionId::of(address));
        }
        let exchange = self.take_exchange(address);
        self.end_stream(at, address.stream);
        match exchange {
            Some(exchange) => self.end_aborted(address, exchange, cause, instead),
            None if is_known => self.stats.aborted_total.up(),
            None => {}
        }
    }

    /// Ends the exchange of a stream whose answer is whole.
    pub(super) fn end_whole(&mut self, address: Address) {
        if let Some(mut exchange) = self.take_exchange(address) {
            self.end_pulled(address.conn, &mut exchange);
        }
    }

    /// Something that ends a stream or the connection. False if the connection is gone.
    pub(super) fn stream_happened(&mut self, key: u32, at: u32, event: Event) -> bool {
        match event {
            Event::Refused { stream, status, fault } => {
                self.stats.refused_total.up();
                if status.code() >= 500 {
                    self.stats.errors_total.up();
                }
                let address = self.address_of(key, stream.unwrap_or(StreamId::new(0, 0)));
                let is_known =
                    self.h2.get(at as usize).is_some_and(|h2| h2.streams.get(address.stream).is_some());
                if stream.is_some() && is_known {
                    self.drop_stream(address, at, ResetCause::Truncated, Some(status));
                } else {
                    self.prepare_cx(address);
                    self.guarded(|app, cx| app.refused(cx, status, fault));
                }
                self.is_there(key, at)
            }
            Event::Reset { stream, cause } => {
                let address = self.address_of(key, stream);
                self.drop_stream(address, at, cause, None);
                self.is_there(key, at)
            }
            Event::Closed => {
                // What was gathered goes out first; the end of the turn closes.
                self.conclude(key);
                self.is_there(key, at)
            }
            // A server's machine has no others that come here.
            Event::Request { .. }
            | Event::Interim { .. }
            | Event::Response { .. }
            | Event::Body { .. }
            | Event::End { .. }
            | Event::Stalled { .. } => true,
        }
    }

    /// Ends every exchange of a connection, and the connection.
    pub(in crate::shard) fn abort_streams(&mut self, key: u32, at: u32, cause: ResetCause) {
        self.drop_streams(key, at, cause);
        if self.h2.contains(at as usize) {
            self.h2.remove(at as usize);
        }
        if let Some(conn) = self.conns.try_remove(key as usize) {
            // Frames tell where an answer ends: an orderly close does not make half of one look whole.
            self.forget(key, conn, false);
        }
    }

    /// Ends every exchange of a connection as cut short.
    pub(super) fn drop_streams(&mut self, key: u32, at: u32, cause: ResetCause) {
        let Some(h2) = self.h2.get(at as usize) else { return };
        let streams: Vec<StreamId> = h2.streams.ids().collect();
        for stream in streams {
            let address = self.address_of(key, stream);
            self.drop_stream(address, at, cause, None);
        }
    }
}
