//! Frames in: from the socket through the machine to the next job.

use core::ops::Range;

use rws_core::Limits;
use rws_core::connection::{ByteConnection, Event, ResetCause, StreamId};
use rws_core::message::{FieldBlock, RequestSpans, Scratch};

use super::At;
use crate::application::Application;
use crate::errand::ConnectionId;
use crate::shard::conn::Flags;
use crate::shard::receive::{self, BodyWork, Job, Progress};
use crate::shard::{Address, Reading, Shard, TurnBuf};

/// Where a part of a request body goes.
enum Taker {
    /// It waits: the exchange is away, or earlier parts wait already.
    Later,
    /// To the upstream of this link.
    Link(u32),
    /// To a job for the exchange under this key.
    Job(usize),
    /// Nobody: the answer did not wait for it.
    Nobody,
}

impl<A: Application> Shard<A> {
    /// As [`Shard::work_on`], for a connection that speaks HTTP/2.
    pub(in crate::shard) fn work_on_streams(
        &mut self,
        buf: &mut TurnBuf,
        key: u32,
        at: u32,
    ) -> Option<Job<A::State>> {
        if self.reading.is_none()
            && let Some(job) = self.next_due(buf, key, at)
        {
            return Some(job);
        }
        while let Some(reading) = self.reading.take().or_else(|| self.load(buf, key)) {
            match self.work_off_frames(buf, key, at, reading) {
                Progress::Job(job) => return Some(job),
                Progress::Gone => return None,
                Progress::Rest | Progress::Switched if self.is_listed(key) => break,
                Progress::Rest | Progress::Switched => {}
            }
        }
        self.conclude(key);
        None
    }

    /// Takes the machine's steps on the loaded bytes until a job comes up or nothing is left to do.
    fn work_off_frames(
        &mut self,
        buf: &mut TurnBuf,
        key: u32,
        at: u32,
        mut reading: Reading,
    ) -> Progress<A::State> {
        loop {
            let fewer = self.cx.orphans.are_any().then(|| self.limits_beside_orphans(key));
            let Some(h2) = self.h2.get_mut(at as usize) else { return Progress::Gone };
            let mut env = crate::shard::env(&self.clock, &self.settings);
            env.limits = fewer.as_ref().unwrap_or(env.limits);
            let mut scratch = Scratch { bytes: &mut buf.decoded, fields: &mut buf.index };
            let step = h2.machine.receive(&env, &mut buf.rx[reading.place()], &mut scratch);
            let from = reading.from as usize;
            reading.from += step.consumed as u32;
            let stalled = match step.event {
                None if step.consumed == 0 => false,
                None => continue,
                Some(Event::Request { stream, head, end: _ }) => {
                    return Progress::Job(self.begin_stream_job(buf, at, reading, stream, &head, from));
                }
                Some(Event::Body { stream, chunk }) => {
                    let place = from + chunk.at as usize;
                    let place = place..place + chunk.len as usize;
                    match self.take_stream_body(buf, key, &reading, stream, place, None) {
                        Some(job) => return Progress::Job(job),
                        None => continue,
                    }
                }
                Some(Event::End { stream, trailers }) => {
                    let trailers = trailers.map(|spans| (spans, from));
                    match self.take_stream_body(buf, key, &reading, stream, from..from, Some(trailers)) {
                        Some(job) => return Progress::Job(job),
                        None => continue,
                    }
                }
                Some(Event::Stalled { .. }) => true,
                Some(event) if self.stream_happened(key, at, event) => continue,
                Some(_) => return Progress::Gone,
            };
            return self.rest_of_frames(buf, key, at, reading, stalled);
        }
    }

    /// The job of a request whose head has just been read.
    #[inline]
    fn begin_stream_job(
        &mut self,
        buf: &mut TurnBuf,
        at: u32,
        reading: Reading,
        stream: StreamId,
        head: &RequestSpans,
        from: usize,
    ) -> Job<A::State> {
        buf.head.spans = *head;
        if let Some(h2) = self.h2.get_mut(at as usize) {
            h2.beginning = Some(stream);
        }
        self.stats.requests_total.up();
        self.send_stream_away(buf, reading, stream);
        Job::Begin { at: from as u32 }
    }

    /// The next job is this stream's; it reads from the lent bytes.
    fn send_stream_away(&mut self, buf: &TurnBuf, reading: Reading, stream: StreamId) {
        if reading.from < reading.to {
            // Each time: the machine moves bytes within what it has not taken yet.
            self.keep_tail(&buf.rx, &reading);
        }
        self.reading = Some(reading);
        let Some(conn) = self.conns.get(reading.conn as usize) else { return };
        let address = Address { conn: reading.conn, generation: conn.generation, stream };
        self.cx.prepare(&self.clock, address, &conn.peer);
    }

    /// Who takes what comes of the body of the stream at `address`.
    fn taker_of(&self, address: Address, at: u32) -> Taker {
        if self.h2.get(at as usize).is_some_and(|h2| h2.streams.delays_body(address.stream)) {
            return Taker::Later;
        }
        self.taker_at_home(address)
    }

    /// As [`Shard::taker_of`], whatever waits already.
    fn taker_at_home(&self, address: Address) -> Taker {
        let Some(kept) = self.kept(address) else { return Taker::Nobody };
        let exchange = &self.exchanges[kept];
        match exchange.link {
            Some(link) => Taker::Link(link),
            None if exchange.is_services() => Taker::Job(kept),
            None => Taker::Nobody,
        }
    }

    /// Body bytes at `place`, or the end with its trailers, go to the upstream, to a job, or nowhere.
    fn take_stream_body(
        &mut self,
        buf: &mut TurnBuf,
        key: u32,
        reading: &Reading,
        stream: StreamId,
        place: Range<usize>,
        end: Option<Option<(rws_core::connection::TrailerSpans, usize)>>,
    ) -> Option<Job<A::State>> {
        let address = self.address_of(key, stream);
        let at = self.h2_of(key)?;
        let taker = self.taker_of(address, at);
        let scratch = Scratch { bytes: &mut buf.decoded, fields: &mut buf.index };
        let trailers = end.map(|trailers| match trailers {
            Some((spans, from)) => spans.view(&buf.rx[from..reading.from as usize], &scratch),
            None => FieldBlock::EMPTY,
        });
        match taker {
            Taker::Later => {
                let h2 = self.h2.get_mut(at as usize)?;
                if h2.streams.delay(stream, &buf.rx[place], trailers, &mut self.pools).is_err() {
                    self.cut_off(address, ResetCause::ByUs);
                }
            }
            Taker::Link(link) => match trailers {
                None => self.forward_body(link, &buf.rx[place]),
                Some(trailers) => self.forward_end(link, trailers),
            },
            Taker::Job(kept) => {
                let trailers = trailers.and_then(receive::kept);
                let state = self.borrow_kept_state(kept)?;
                self.note_away(at, stream);
                self.send_stream_away(buf, *reading, stream);
                let work = BodyWork { state, piece: place, end: end.is_some(), trailers };
                return Some(Job::Body(Box::new(work)));
            }
            Taker::Nobody if end.is_some() => {}
            Taker::Nobody => self.give_credit(address, place.len() as u32),
        }
        None
    }

    fn note_away(&mut self, at: u32, stream: StreamId) {
        if let Some(h2) = self.h2.get_mut(at as usize) {
            h2.streams.set_away(stream, true);
        }
    }

    /// The next job that needs no bytes from the socket: of a stream that was woken, or whose body came while its
    /// job was out.
    fn next_due(&mut self, buf: &mut TurnBuf, key: u32, at: u32) -> Option<Job<A::State>> {
        while self.jobs_left > 0 {
            let h2 = self.h2.get_mut(at as usize)?;
            let stream = h2.due.pop_front()?;
            h2.streams.unlist(stream);
            if !h2.streams.is_due(stream) {
                continue;
            }
            let is_woken = h2.streams.take_woken(stream);
            let late = h2.streams.take_late(stream);
            let address = self.address_of(key, stream);
            if let Some(job) = self.promised_job(address, at) {
                return Some(job);
            }
            let job = match late {
                Some(late) => self.late_body_job(buf, address, at, *late),
                None if is_woken => self.advance_stream(address, at),
                None => None,
            };
            if job.is_some() {
                return job;
            }
        }
        self.list(key);
        None
    }

    /// A part of a body that has waited goes where it belongs.
    fn late_body_job(
        &mut self,
        buf: &mut TurnBuf,
        address: Address,
        at: u32,
        late: super::streams::Late,
    ) -> Option<Job<A::State>> {
        let bytes = late.bytes.as_ref().map_or(&[][..], |bytes| bytes.bytes());
        let len = bytes.len();
        let mut job = None;
        match self.taker_at_home(address) {
            Taker::Later => {}
            Taker::Link(link) => {
                self.forward_body(link, bytes);
                if late.is_ended {
                    self.forward_end(link, late.trailers.block());
                }
            }
            Taker::Job(kept) => {
                buf.rx[..len].copy_from_slice(bytes);
                let state = self.borrow_kept_state(kept)?;
                self.note_away(at, address.stream);
                let nothing = Reading { conn: address.conn, from: 0, to: 0, drained: true, copied: false };
                self.send_stream_away(buf, nothing, address.stream);
                let trailers = receive::kept(late.trailers.block());
                let work = BodyWork { state, piece: 0..len, end: late.is_ended, trailers };
                job = Some(Job::Body(Box::new(work)));
            }
            Taker::Nobody if late.is_ended => {}
            Taker::Nobody => self.give_credit(address, len as u32),
        }
        if let Some(done) = late.bytes {
            self.pools.give(done);
        }
        job
    }

    /// A job for an exchange that was woken before its answer was decided.
    fn advance_stream(&mut self, address: Address, at: u32) -> Option<Job<A::State>> {
        let kept = self.kept(address)?;
        let exchange = &self.exchanges[kept];
        if exchange.status.is_some() || exchange.link.is_some() {
            return None;
        }
        let state = self.borrow_kept_state(kept)?;
        self.note_away(at, address.stream);
        let conn = self.conns.get(address.conn as usize)?;
        self.cx.prepare(&self.clock, address, &conn.peer);
        let nothing = Reading { conn: address.conn, from: 0, to: 0, drained: true, copied: false };
        self.reading = Some(nothing);
        Some(Job::Advance(Box::new(state)))
    }

    /// Keeps what is left of the bytes, and tells the machine of the peer's end once it has seen all.
    fn rest_of_frames(
        &mut self,
        buf: &mut TurnBuf,
        key: u32,
        at: u32,
        reading: Reading,
        is_stalled: bool,
    ) -> Progress<A::State> {
        let Some(conn) = self.conns.get_mut(key as usize) else { return Progress::Gone };
        let Some(h2) = self.h2.get_mut(at as usize) else { return Progress::Gone };
        h2.is_stalled = is_stalled;
        let waits = !h2.wants_bytes();
        if reading.from < reading.to {
            let bytes = &buf.rx[reading.place()];
            if self.pools.is_short_of(bytes.len(), self.settings.waiting_bytes_max) {
                self.abort(key, ResetCause::ByUs);
                return Progress::Gone;
            }
            conn.leftover = Some(self.pools.store(bytes));
            if waits {
                conn.flags.set(Flags::UNOFFERED);
            }
        }
        if conn.flags.has(Flags::EOF) && !conn.flags.has(Flags::EOF_TOLD | Flags::UNOFFERED) {
            conn.flags.set(Flags::EOF_TOLD);
            let env = crate::shard::env(&self.clock, &self.settings);
            if let Some(event) = h2.machine.receive_end(&env)
                && !self.stream_happened(key, at, event)
            {
                return Progress::Gone;
            }
        } else if !reading.drained && !waits {
            self.list(key);
        }
        Progress::Rest
    }

    /// Whether connection `key` still is the one whose streams are under `at`.
    pub(super) fn is_there(&self, key: u32, at: u32) -> bool {
        self.conns.get(key as usize).is_some_and(|conn| conn.exchange == At::H2(at))
    }

    /// What connection `key` may do, if there are jobs that run for nobody: each of its own stands for a stream. What is
    /// beyond that is refused, and may be sent again (RFC 9113 §8.7).
    #[cold]
    fn limits_beside_orphans(&self, key: u32) -> Limits {
        let orphans = self.cx.orphans.of(ConnectionId::of(self.address_of(key, StreamId::new(0, 0))));
        let orphans = u16::try_from(orphans).unwrap_or(u16::MAX);
        let limits = &self.settings.limits;
        Limits { streams_max: limits.streams_max.saturating_sub(orphans), ..*limits }
    }
}
