//! A shard: one epoll loop with its connections, driven by one thread at a time.
//!
//! ```text
//!  turn:  ready connections ─▶ receive ─▶ job ─▶ transmit ─▶ one send per connection
//!           │                              │ (the shard lies in its slot while a job runs)
//!           ├─ mail: late jobs, wakes, grants, drain
//!           ├─ timers that have run out
//!           └─ epoll wait
//! ```
//!
//! | what | where |
//! |---|---|
//! | accepting, and what to do without descriptors | `accept.rs` |
//! | a connection's stored state | `conn.rs` |
//! | bytes in: reading, events, which job comes next | `receive.rs` |
//! | bytes out: pulling from the application, sending | `transmit.rs` |
//! | what a machine pulls from | `source.rs` |
//! | what a finished job means | `settle.rs` |
//! | deadlines, lingering, drain | `deadlines.rs` |
//! | what other threads say | `mail.rs` |
//! | jobs that wait for a thread | `offloaded.rs` |
//! | connections to upstreams | `link/` |
//! | connections that speak HTTP/2: many exchanges at once | `h2/` |

mod accept;
mod conn;
mod deadlines;
mod h2;
mod link;
mod mail;
mod offloaded;
mod receive;
mod settle;
mod source;
mod stored;
mod transmit;

use core::ops::Range;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rws_core::connection::{ResetCause, StreamId};
use rws_core::h1::head::ParsedRequest;
use rws_core::message::Field;
use rws_core::{Env, Instant};
use slab::Slab;

use crate::application::Application;
use crate::clock::Clock;
use crate::job::{JobCx, Post};
use crate::settings::Settings;
use crate::shares::Shares;
use crate::stats::ShardStats;
use crate::sys::{self, Epoll, Events, Interest};
use crate::timer_wheel::TimerWheel;

use self::accept::Acceptor;
use self::conn::{Conn, Flags};
use self::h2::{H2, Said};
use self::link::{IdleLinks, Link, Trunks};
use self::mail::Letters;
use self::offloaded::Offloaded;
use self::settle::Exchange;
use self::stored::Pools;

pub(crate) use self::mail::{Mail, ShardMail};
pub(crate) use self::offloaded::{OwnedJob, Parcel};
pub(crate) use self::receive::{BodyWork, Job, Trailers};
pub(crate) use self::settle::{Canned, Left, Plan, Result as JobResult};

/// Names one exchange of one connection of a shard, however late somebody speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) conn: u32,
    pub(crate) generation: u32,
    pub(crate) stream: StreamId,
}

/// What a thread lends to a turn: the memory that bytes are received into.
///
/// Owned by the thread, and not part of the shard: a job goes on reading from it when the shard is with
/// another thread. What the shard still needs of it then is in the shard's own copy of the unread tail.
#[derive(Debug)]
pub(crate) struct TurnBuf {
    pub(crate) rx: Box<[u8]>,
    pub(crate) decoded: Box<[u8]>,
    pub(crate) index: Box<[Field]>,
    /// The head whose job is out. It is parsed right into here.
    pub(crate) head: ParsedRequest,
}

impl TurnBuf {
    pub(crate) fn new() -> TurnBuf {
        TurnBuf {
            rx: vec![0; RX_BYTES].into_boxed_slice(),
            decoded: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            index: vec![Field::default(); SCRATCH_FIELDS].into_boxed_slice(),
            head: ParsedRequest::BLANK,
        }
    }
}

/// Bytes of a thread's receive buffer.
pub(crate) const RX_BYTES: usize = 64 * 1024;
/// Bytes of each of a thread's scratch areas: the longest head fits.
pub(crate) const SCRATCH_BYTES: usize = 64 * 1024;
/// Field slots of each of a thread's scratch areas.
pub(crate) const SCRATCH_FIELDS: usize = 512;
/// Bytes that a turn gathers before it sends.
pub(crate) const TX_BYTES: usize = 64 * 1024;

/// Bytes that were received for one connection and are being worked off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    conn: u32,
    from: u32,
    to: u32,
    /// The socket had nothing more when these bytes were read.
    drained: bool,
    /// `Shard::tail` has the same bytes from here on, at the same places.
    copied: bool,
}

impl Reading {
    /// Where they are in the thread's buffer.
    #[inline]
    fn place(&self) -> Range<usize> {
        self.from as usize..self.to as usize
    }

    /// Whether all of it is, and nothing more is there.
    #[inline]
    fn is_worked_off(self) -> bool {
        self.from == self.to && self.drained
    }
}

pub(crate) struct Shard<A: Application> {
    pub(crate) app: Arc<A>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) mail: Arc<ShardMail<A::State>>,
    pub(crate) stats: Arc<ShardStats>,
    pub(crate) clock: Clock,
    poller: Epoll,
    ready: Events,
    ready_at: usize,
    acceptor: Option<Acceptor>,
    shares: Arc<Shares>,
    conns: Slab<Conn>,
    /// What connections that speak HTTP/2 have beside the rest.
    h2: Slab<Box<H2>>,
    /// What the streams of one of them said while they were pulled from.
    said: Vec<(StreamId, Said)>,
    exchanges: Slab<Exchange<A::State>>,
    generation: u32,
    timers: TimerWheel,
    pools: Pools,
    trimmed: Instant,
    /// Connections may hold what they need no more.
    is_untidy: bool,
    tx: Box<[u8]>,
    tx_len: usize,
    /// The connection that the gathered bytes are for.
    tx_of: u32,
    tx_scratch: Box<[u8]>,
    links: Slab<Link>,
    link_timers: TimerWheel,
    idle_links: IdleLinks,
    trunks: Trunks,
    link_tx: Box<[u8]>,
    /// Links that may be read without a new event from the poller.
    links_again: VecDeque<u32>,
    /// How many of both lists belong to this turn; what is listed meanwhile waits for the next.
    again_left: Option<usize>,
    /// Connections that have more to do without a new event from the poller.
    again: VecDeque<u32>,
    letters: Letters<A::State>,
    /// Jobs that wait for a thread, or have got one.
    offloaded: HashMap<Address, Offloaded<A::State>>,
    reading: Option<Reading>,
    /// Jobs that the connection whose turn it is may still begin in it.
    jobs_left: u32,
    /// What was unread when the first of a row of jobs began.
    tail: Box<[u8]>,
    draining_until: Option<Instant>,
    /// The context for calls of the application that are no jobs. While a job runs it is the job's, and the
    /// thread's other one lies here.
    pub(crate) cx: Box<JobCx>,
}

/// What the thread that drives a shard has to do next.
#[derive(Debug)]
pub(crate) enum Next<S> {
    /// Run this job for the exchange that [`Shard::cx`] names, then [`Shard::settle`] and [`Shard::resume_turn`].
    Job(Job<S>),
    /// Nothing to do: [`Shard::wait`].
    Wait,
    /// The shard is drained.
    Ended,
}

/// Set in the poller's key of a connection to an upstream.
const LINK_BIT: u64 = 1 << 62;
const LISTENER_KEY: u64 = u64::MAX;
const MAIL_KEY: u64 = u64::MAX - 1;
/// Events taken from the poller at once.
const EVENTS_PER_TURN: usize = 512;
/// Jobs of one connection before others get their turn.
const JOBS_PER_TURN: u32 = 64;
/// Timers looked at before others get their turn.
const TIMERS_PER_TURN: usize = 256;
/// How often buffers that a burst left behind are given back: µs.
const TRIM_EVERY_US: u64 = 1_000_000;

impl<A: Application> Shard<A> {
    /// A shard that listens on `listener`.
    ///
    /// # Errors
    /// The system's, when it has no descriptor for the poller or the mailbox.
    pub(crate) fn new(
        index: usize,
        app: Arc<A>,
        settings: Arc<Settings>,
        listener: OwnedFd,
        mail: Arc<ShardMail<A::State>>,
        shares: Arc<Shares>,
    ) -> io::Result<Shard<A>> {
        let poller = Epoll::new()?;
        poller.add(mail.0.event_fd(), MAIL_KEY, Interest::Level)?;
        let mut shard = Shard {
            app,
            stats: Arc::default(),
            clock: Clock::new(),
            poller,
            ready: Events::with_capacity(EVENTS_PER_TURN),
            ready_at: 0,
            acceptor: Some(Acceptor::new(listener)?),
            shares,
            conns: Slab::new(),
            h2: Slab::new(),
            said: Vec::new(),
            exchanges: Slab::new(),
            generation: 0,
            timers: TimerWheel::new(sys::monotonic_us()),
            pools: Pools::new(),
            trimmed: Instant::default(),
            is_untidy: false,
            tx: vec![0; TX_BYTES].into_boxed_slice(),
            tx_len: 0,
            tx_of: 0,
            tx_scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            links: Slab::new(),
            link_timers: TimerWheel::new(sys::monotonic_us()),
            idle_links: IdleLinks::default(),
            trunks: Trunks::new(&settings.limits),
            link_tx: vec![0; TX_BYTES].into_boxed_slice(),
            links_again: VecDeque::new(),
            again_left: None,
            again: VecDeque::new(),
            letters: VecDeque::new(),
            offloaded: HashMap::new(),
            reading: None,
            jobs_left: JOBS_PER_TURN,
            tail: vec![0; RX_BYTES].into_boxed_slice(),
            draining_until: None,
            cx: Box::new(JobCx::new(index, Arc::clone(&mail) as Arc<dyn Post>, None)),
            mail,
            settings,
        };
        shard.cx.connection.local = shard.acceptor.as_ref().and_then(|acceptor| acceptor.local);
        shard.watch_listener(true);
        Ok(shard)
    }

    /// Goes on with the turn until a job comes up, the shard has nothing to do, or it has ended.
    pub(crate) fn step(&mut self, buf: &mut TurnBuf) -> Next<A::State> {
        loop {
            if let Some(event) = self.ready.at(self.ready_at) {
                self.ready_at += 1;
                if let Some(job) = self.dispatch(buf, event) {
                    return Next::Job(job);
                }
                continue;
            }
            if let Some(letter) = self.letters.pop_front() {
                self.read_letter(letter);
                continue;
            }
            if self.take_turn_again() {
                if let Some(key) = self.links_again.pop_front() {
                    self.go_on_with_link(buf, key);
                } else if let Some(key) = self.again.pop_front()
                    && let Some(job) = self.go_on(buf, key)
                {
                    return Next::Job(job);
                }
                continue;
            }
            return if self.is_drained() { Next::Ended } else { Next::Wait };
        }
    }

    /// Whether one more of the listed connections may go on in this turn.
    fn take_turn_again(&mut self) -> bool {
        let listed = self.again.len() + self.links_again.len();
        let left = self.again_left.get_or_insert(listed);
        if listed == 0 || *left == 0 {
            return false;
        }
        *left -= 1;
        true
    }

    /// After a job: goes on with the connection that it belonged to, until it has had its share of the turn.
    pub(crate) fn resume_turn(&mut self, buf: &mut TurnBuf, key: u32) -> Option<Job<A::State>> {
        if self.reading.is_some_and(Reading::is_worked_off) && self.conclude_idle(key) {
            self.reading = None;
            return None;
        }
        self.jobs_left = self.jobs_left.saturating_sub(1);
        if self.jobs_left == 0 && self.put_off(buf, key) {
            return None;
        }
        if let Some(reading) = self.reading
            && reading.from < reading.to
            && self.conns.get(key as usize).is_some_and(|conn| conn.h1.is_idle())
        {
            return self.begin_next(buf, reading);
        }
        self.work_on(buf, key)
    }

    /// Waits for events, mail and timers, and begins a new turn.
    pub(crate) fn wait(&mut self) {
        // Before it sleeps: a connection may have left in this turn, and another may take its place.
        self.reconsider_listener();
        self.fetch_mail();
        let has_work = !(self.letters.is_empty() && self.again.is_empty() && self.links_again.is_empty());
        let timeout = if has_work { Some(Duration::ZERO) } else { self.patience() };
        let sleeps = timeout != Some(Duration::ZERO);
        let timeout = if sleeps && !self.mail.0.prepare_to_sleep() { Some(Duration::ZERO) } else { timeout };
        // The poller is ours and its list is sound: an error would come again at once, so time goes on.
        let _ = self.poller.wait(&mut self.ready, timeout);
        if sleeps {
            self.mail.0.rouse();
        }
        self.ready_at = 0;
        self.again_left = None;
        self.clock.tick();
        self.fetch_mail();
        self.ring_timers();
        if self.clock.now().since_us(self.trimmed) >= TRIM_EVERY_US {
            self.trimmed = self.clock.now();
            self.pools.trim();
            self.h2.iter_mut().for_each(|(_, h2)| h2.trim());
            self.is_untidy = false;
            self.cx.now = self.clock.now();
            self.guarded(|app, cx| app.tidy(cx));
        }
    }

    /// How long to wait at most; `None`: for ever.
    fn patience(&self) -> Option<Duration> {
        let now = self.clock.now();
        let timers =
            [self.timers.next_wake_us(), self.link_timers.next_wake_us(), self.trunks.next_wake_us()];
        let first = timers.into_iter().flatten().min();
        let mut until = first.map_or(Instant::NEVER, Instant::from_micros);
        until = until.min(self.listener_wakes());
        if self.is_untidy {
            until = until.min(self.trimmed.after_us(TRIM_EVERY_US));
        }
        until = until.min(self.draining_until.unwrap_or(Instant::NEVER));
        (until != Instant::NEVER).then(|| Duration::from_micros(until.since_us(now)))
    }

    fn ring_timers(&mut self) {
        let now_us = self.clock.now().as_micros();
        let mut steps = TIMERS_PER_TURN;
        while let Some(key) = self.timers.pop_expired(now_us, &mut steps) {
            self.ring(key);
        }
        let mut steps = TIMERS_PER_TURN;
        while let Some(key) = self.link_timers.pop_expired(now_us, &mut steps) {
            self.ring_link(key);
        }
        if !self.trunks.is_empty() {
            self.ring_trunks(now_us, TIMERS_PER_TURN);
        }
    }

    fn dispatch(&mut self, buf: &mut TurnBuf, event: sys::Event) -> Option<Job<A::State>> {
        match event.key {
            LISTENER_KEY => {
                self.accept();
                None
            }
            MAIL_KEY => {
                self.mail.0.awake(true);
                self.fetch_mail();
                None
            }
            key if key & LINK_BIT != 0 => {
                self.link_event(buf, key as u32, event);
                None
            }
            key => self.happen(buf, key as u32, event),
        }
    }

    /// Something happened on the socket of connection `key`.
    fn happen(&mut self, buf: &mut TurnBuf, key: u32, event: sys::Event) -> Option<Job<A::State>> {
        self.jobs_left = JOBS_PER_TURN;
        let conn = self.conns.get_mut(key as usize)?;
        if event.is_read_closed()
            || conn.flags.has(Flags::LINGERING | Flags::JOB_OUT)
            || conn.has_waiting_output()
        {
            return self.happen_amid(buf, key, event);
        }
        if event.is_readable() {
            conn.flags.set(Flags::READABLE);
        }
        self.work_on_arrival(buf, key)
    }

    /// As [`Shard::happen`], for a connection that is at more than its next request, or that ends.
    #[inline(never)]
    fn happen_amid(&mut self, buf: &mut TurnBuf, key: u32, event: sys::Event) -> Option<Job<A::State>> {
        let conn = self.conns.get_mut(key as usize)?;
        if conn.flags.has(Flags::LINGERING) {
            if event.is_read_closed() || event.is_broken() {
                conn.flags.set(Flags::FIN);
            }
            self.drop_arrivals(key);
            return None;
        }
        if event.is_readable() {
            conn.flags.set(Flags::READABLE);
        }
        if event.is_read_closed() {
            conn.flags.set(Flags::FIN);
        }
        if event.is_broken() && sys::pending_error(&conn.socket).is_ok_and(|error| error.is_some()) {
            // A reset, not the end of what the peer has to say: its exchange is over at once.
            self.abort(key, ResetCause::ByPeer);
            return None;
        }
        if conn.flags.has(Flags::JOB_OUT) {
            // Earlier answers go on all the same, and nobody would tell of this room again.
            if event.is_writable() {
                self.send_unsent(key);
            }
            return None;
        }
        if event.is_writable() && conn.has_waiting_output() {
            self.go_on_sending(key);
        }
        self.work_on(buf, key)
    }

    /// Goes on with a connection that is listed.
    fn go_on(&mut self, buf: &mut TurnBuf, key: u32) -> Option<Job<A::State>> {
        self.jobs_left = JOBS_PER_TURN;
        let conn = self.conns.get_mut(key as usize)?;
        conn.flags.clear(Flags::LISTED);
        if conn.flags.has(Flags::JOB_OUT | Flags::LINGERING) {
            return None;
        }
        if let Some(job) = self.advance(key) {
            return Some(job);
        }
        self.resume(key);
        self.work_on(buf, key)
    }
}

/// The surroundings of a verb.
fn env<'e>(clock: &'e Clock, settings: &'e Settings) -> Env<'e> {
    Env { now: clock.now(), limits: &settings.limits, date: Some(clock.date()) }
}
