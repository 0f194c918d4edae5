//! Links: connections to upstreams, each serving one exchange at a time and then waiting in the pool.
//!
//! ```text
//!   connect ──▶ Connecting ──▶ Busy ──── response whole, both sides keep it ────▶ Idle ──▶ Busy …
//!                  │             │                                                  │
//!                  │ refused     │ broken, too slow                                 │ closed by the upstream,
//!                  ▼             ▼                                                  ▼ or too long unused
//!              next backend   before a response: tried again where that is safe    gone
//!                             (RFC 9110 §9.2.2), else 502 or 504;
//!                             after its head: the client's exchange is cut off
//! ```
//!
//! | what | where |
//! |---|---|
//! | beginning, ending and failing | here |
//! | the request on its way up | `send.rs` |
//! | the response on its way down | `receive.rs` |

mod receive;
mod send;

use core::net::SocketAddr;
use std::os::fd::OwnedFd;

use rws_core::connection::{BodyPlan, Connection, ConnectionStatus, ResetCause, StreamId};
use rws_core::{Instant, h1};

use super::conn::At;
use super::settle::Exchange;
use super::stored::Stored;
use super::{Address, LINK_BIT, Shard};
use crate::application::Application;
use crate::forward::{Forward, ForwardError, Forwarded};
use crate::sys::{self, Interest};

/// Idle links that a shard keeps for one backend.
const IDLE_PER_BACKEND_MAX: usize = 64;
/// How long an idle link is kept: µs.
const IDLE_US: u64 = 60_000_000;

/// A connection to an upstream.
#[derive(Debug)]
pub(super) struct Link {
    h1: h1::Client,
    socket: OwnedFd,
    backend: SocketAddr,
    generation: u32,
    is_connected: bool,
    /// It has served an exchange before: the upstream may have closed it meanwhile.
    is_reused: bool,
    is_readable: bool,
    is_ended: bool,
    /// Bytes that the socket did not take yet.
    unsent: Option<Box<Stored>>,
    /// Bytes received and not worked off.
    leftover: Option<Box<Stored>>,
    /// Body bytes that the client did not take yet, and whether they are the last.
    down: Option<Box<Stored>>,
    /// Credit that the upstream gets once the client has taken them.
    withheld: u32,
    flow: Option<Box<Flow>>,
    deadline: Instant,
    armed: Instant,
}

/// The exchange that a link serves.
#[derive(Debug)]
pub(super) struct Flow {
    plan: Box<Forward>,
    owner: Address,
    attempts: u32,
    /// Request body bytes that have not been handed to the machine.
    waiting: Option<Box<Stored>>,
    /// The request is whole.
    is_whole: bool,
    /// Some of the body has gone up.
    has_sent_body: bool,
    /// The upstream's machine has asked for body bytes.
    was_asked: bool,
    /// Credit that the client gets once its bytes have gone up.
    owed: u32,
    /// Request body bytes that the client has sent.
    body_bytes: u64,
    /// The response is complete.
    is_answered: bool,
}

impl<A: Application> Shard<A> {
    /// Begins to answer `exchange` by `plan`.
    pub(super) fn start_forward(
        &mut self,
        address: Address,
        exchange: Exchange<A::State>,
        plan: Box<Forward>,
    ) {
        let has_body = !matches!(plan.body, BodyPlan::None | BodyPlan::Sized(0));
        let flow = Box::new(Flow {
            plan,
            owner: address,
            attempts: 0,
            waiting: None,
            is_whole: !has_body,
            has_sent_body: false,
            was_asked: false,
            owed: 0,
            body_bytes: 0,
            is_answered: false,
        });
        self.put_back(address.conn, exchange);
        match flow.plan.refused {
            Some(error) => self.give_up(address, error),
            None => self.try_backend(flow, true),
        }
    }

    /// Takes the next backend for `flow`, from the pool if `may_reuse`.
    fn try_backend(&mut self, mut flow: Box<Flow>, may_reuse: bool) {
        let mut error = ForwardError::NoBackend;
        while let Some(backend) = flow.plan.upstream.pick(flow.attempts) {
            flow.attempts += 1;
            let pooled = if may_reuse { self.take_idle(backend) } else { None };
            let key = match pooled {
                Some(key) => key,
                None => match self.connect(backend, flow.plan.connect_timeout_us) {
                    Ok(key) => key,
                    Err(_) => {
                        error = ForwardError::Connect;
                        continue;
                    }
                },
            };
            let owner = flow.owner;
            let Some(link) = self.links.get_mut(key as usize) else { continue };
            if link.h1.open().is_err() {
                self.drop_link(key);
                continue;
            }
            if link.is_connected {
                link.deadline = self.clock.now().after_us(flow.plan.read_timeout_us);
            }
            link.flow = Some(flow);
            self.set_link(owner, Some(key));
            self.rearm_link(key);
            self.push_request(key, &[]);
            return;
        }
        self.give_up(flow.owner, error);
    }

    fn connect(&mut self, backend: SocketAddr, timeout_us: u64) -> std::io::Result<u32> {
        let socket = sys::connect(backend)?;
        let env = super::env(&self.clock, &self.settings);
        self.generation = self.generation.wrapping_add(1);
        let entry = self.links.vacant_entry();
        let key = entry.key() as u32;
        self.poller.add(&socket, link_key(key, self.generation), Interest::ReadWrite)?;
        entry.insert(Link {
            h1: h1::Client::new(&env),
            socket,
            backend,
            generation: self.generation,
            is_connected: false,
            is_reused: false,
            is_readable: false,
            is_ended: false,
            unsent: None,
            leftover: None,
            down: None,
            withheld: 0,
            flow: None,
            deadline: env.now.after_us(timeout_us),
            armed: Instant::NEVER,
        });
        Ok(key)
    }

    fn take_idle(&mut self, backend: SocketAddr) -> Option<u32> {
        let key = self.idle_links.get_mut(&backend)?.pop()?;
        self.links.get_mut(key as usize)?.is_reused = true;
        Some(key)
    }

    /// The exchange of a link is over on the client's side: the link goes to the pool if it can serve again.
    pub(super) fn release_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        if let Some(flow) = link.flow.take()
            && let Some(waiting) = flow.waiting
        {
            self.pools.give(waiting);
        }
        let is_clean = link.h1.exchange().is_none()
            && link.h1.status() == ConnectionStatus::Open
            && link.unsent.is_none()
            && link.leftover.is_none()
            && link.down.is_none()
            && !link.is_ended;
        let idle = self.idle_links.entry(link.backend).or_default();
        if !is_clean || idle.len() >= IDLE_PER_BACKEND_MAX || self.draining_until.is_some() {
            return self.drop_link(key);
        }
        idle.push(key);
        link.deadline = self.clock.now().after_us(IDLE_US);
        self.rearm_link(key);
    }

    /// Closes a link. What it served is the caller's matter.
    pub(super) fn drop_link(&mut self, key: u32) {
        let Some(link) = self.links.try_remove(key as usize) else { return };
        self.link_timers.disarm(key);
        for stored in [link.unsent, link.leftover, link.down].into_iter().flatten() {
            self.pools.give(stored);
        }
        match link.flow {
            Some(flow) => {
                if let Some(waiting) = flow.waiting {
                    self.pools.give(waiting);
                }
            }
            None => {
                if let Some(idle) = self.idle_links.get_mut(&link.backend) {
                    idle.retain(|&other| other != key);
                }
            }
        }
    }

    /// The link is of no use any more before its response was whole.
    fn fail_link(&mut self, key: u32, error: ForwardError) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        let Some(mut flow) = link.flow.take() else { return self.drop_link(key) };
        let never_connected = !link.is_connected;
        let is_stale = link.is_reused && !link.h1.response_started() && error == ForwardError::Closed;
        let is_unsent = link.h1.request_bytes_sent() == 0;
        let is_safe = !flow.has_sent_body && (flow.plan.is_idempotent || is_unsent);
        // The flow is with us now: what is dropped is only the connection.
        let backend = link.backend;
        self.drop_link(key);
        if let Some(idle) = self.idle_links.get_mut(&backend) {
            idle.retain(|&other| other != key);
        }
        self.set_link(flow.owner, None);
        let has_answer = self.has_answer(flow.owner);
        if !has_answer && never_connected && error != ForwardError::ConnectTimeout {
            return self.try_backend_or(flow, error);
        }
        if !has_answer && is_stale && is_safe {
            // The backend itself is not known to be ill: it gets its turn back, on a fresh connection.
            flow.attempts = flow.attempts.saturating_sub(1);
            return self.try_backend(flow, false);
        }
        let owner = flow.owner;
        if let Some(waiting) = flow.waiting.take() {
            self.pools.give(waiting);
        }
        self.give_up(owner, error);
    }

    fn try_backend_or(&mut self, flow: Box<Flow>, error: ForwardError) {
        if flow.plan.upstream.pick(flow.attempts).is_none() {
            return self.give_up(flow.owner, error);
        }
        self.try_backend(flow, true);
    }

    /// No upstream will answer the exchange of `owner`: it gets an answer that says so, or is cut off if the
    /// upstream's answer has begun.
    fn give_up(&mut self, owner: Address, error: ForwardError) {
        if self.has_answer(owner) {
            self.abort(owner.conn, ResetCause::ByUs);
            return;
        }
        let Some(mut exchange) = self.take_exchange(owner) else { return };
        exchange.link = None;
        exchange.is_relayed = false;
        self.tell_forwarded(owner, &mut exchange, Forwarded::Failed(error));
        if let Some(conn) = self.conns.get_mut(owner.conn as usize) {
            conn.h1.wake(owner.stream);
        }
        self.pump(owner.conn, exchange);
        self.list(owner.conn);
    }

    fn has_answer(&self, owner: Address) -> bool {
        self.owned(owner).is_some_and(|exchange| exchange.status.is_some())
    }

    fn owned(&self, owner: Address) -> Option<&Exchange<A::State>> {
        let conn = self.conns.get(owner.conn as usize).filter(|conn| conn.generation == owner.generation)?;
        let At::Here(kept) = conn.exchange else { return None };
        self.exchanges.get(kept as usize).filter(|exchange| exchange.stream == owner.stream)
    }

    /// Takes the exchange of `owner` out of the shard, to pump it.
    fn take_exchange(&mut self, owner: Address) -> Option<Exchange<A::State>> {
        self.owned(owner)?;
        let conn = self.conns.get_mut(owner.conn as usize)?;
        let At::Here(kept) = conn.exchange else { return None };
        conn.exchange = At::Nowhere;
        self.exchanges.try_remove(kept as usize)
    }

    fn set_link(&mut self, owner: Address, link: Option<u32>) {
        let Some(conn) = self.conns.get(owner.conn as usize) else { return };
        let At::Here(kept) = conn.exchange else { return };
        if let Some(exchange) = self.exchanges.get_mut(kept as usize) {
            exchange.link = link;
        }
    }

    /// The link that serves the exchange of connection `key`, if one does.
    pub(super) fn link_of(&self, key: u32) -> Option<u32> {
        let At::Here(kept) = self.conns.get(key as usize)?.exchange else { return None };
        self.exchanges.get(kept as usize)?.link
    }

    /// Sees to it that the wheel looks at link `key` in time.
    fn rearm_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        if link.deadline < link.armed {
            link.armed = link.deadline;
            self.link_timers.arm(key, link.deadline.as_micros());
        }
    }

    /// The wheel's entry of link `key` has run out.
    pub(super) fn ring_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        link.armed = Instant::NEVER;
        if link.deadline > self.clock.now() {
            return self.rearm_link(key);
        }
        match (&link.flow, link.is_connected) {
            (None, _) => self.drop_link(key),
            (Some(_), false) => self.fail_link(key, ForwardError::ConnectTimeout),
            (Some(_), true) => self.fail_link(key, ForwardError::ReadTimeout),
        }
    }

    /// The stream of a link's own exchange.
    fn link_stream(&self, key: u32) -> Option<StreamId> {
        self.links.get(key as usize)?.h1.exchange()
    }
}

/// The poller's key of a link. The generation keeps events of a closed one from its successor.
pub(super) fn link_key(key: u32, generation: u32) -> u64 {
    LINK_BIT | u64::from(generation & 0x3fff_ffff) << 32 | u64::from(key)
}
