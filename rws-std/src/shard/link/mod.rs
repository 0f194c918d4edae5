//! Links: connections to upstreams that speak HTTP/1.1, each serving one exchange at a time and then waiting in the pool.
//!
//! ```text
//!   connect ──▶ Connecting ──▶ Busy ──── response whole, both sides keep it ────▶ Idle ──▶ Busy …
//!                  │             │                                                  │
//!                  │ refused,    │ broken, too slow                                 │ closed by the upstream,
//!                  ▼ too slow    ▼                                                  ▼ a byte, or too long unused
//!              next backend   before a response: sent again where that is safe    gone
//!                             (RFC 9110 §9.2.2), else 502 or 504;
//!                             after its head: the client's exchange is cut off
//! ```
//!
//! A link goes back to the pool only clean: the request was sent to its end, the response came to its end, and
//! not a byte lies behind it. Otherwise the next client could be given what belongs to this one.
//!
//! | what | where |
//! |---|---|
//! | beginning an exchange, and whose it is | here |
//! | the idle ones, and giving links up | `pool.rs` |
//! | what fails, what is tried again, and when time is up | `fail.rs` |
//! | the request on its way up | `send.rs` |
//! | the response as it comes | `receive.rs` |
//! | its way down into the client's machine | `relay.rs` |
//! | connections that speak HTTP/2 and serve many exchanges at once | `trunk/` |

mod fail;
mod pool;
mod receive;
mod relay;
mod send;
mod trunk;

pub(super) use self::pool::IdleLinks;
pub(super) use self::trunk::{Leg, Trunks, took_down, waiting_down};

use core::net::SocketAddr;
use core::panic::AssertUnwindSafe;
use std::os::fd::OwnedFd;
use std::panic::catch_unwind;

use rws_core::connection::BodyPlan;
use rws_core::message::OwnedFields;
use rws_core::{Instant, h1};

use super::conn::At;
use super::settle::{Answer, Exchange};
use super::stored::Stored;
use super::{Address, LINK_BIT, Shard};
use crate::application::Application;
use crate::forward::{Forward, ForwardError, Protocol};
use crate::sys::{self, Interest};

/// A connection to an upstream.
#[derive(Debug)]
pub(super) struct Link {
    h1: h1::Client,
    socket: OwnedFd,
    /// The place of its backend's idle links.
    pool: u32,
    generation: u32,
    flags: LinkFlags,
    /// Bytes that the socket did not take yet.
    unsent: Option<Box<Stored>>,
    /// Bytes received and not worked off.
    leftover: Option<Box<Stored>>,
    /// Body bytes that the client did not take yet.
    down: Option<Box<Stored>>,
    /// Credit that the upstream gets once the client has taken them.
    withheld: u32,
    flow: Option<Flow>,
    deadline: Instant,
    armed: Instant,
}

/// Facts about a link, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LinkFlags(u8);

impl LinkFlags {
    /// The upstream has taken the connection.
    const CONNECTED: u8 = 1;
    /// It has served an exchange before: the upstream may have closed it meanwhile.
    const REUSED: u8 = 2;
    /// The socket may have something for us.
    const READABLE: u8 = 4;
    /// The poller has said that the upstream sends no more: the end lies behind the bytes in the socket, and no
    /// further event tells of it.
    const FIN: u8 = 8;
    /// We have read that end.
    const EOF: u8 = 16;
    /// The upstream takes nothing any more; what it has said may still be there to read.
    const DEAF: u8 = 32;
    /// `leftover` has bytes that the machine could take.
    const UNOFFERED: u8 = 64;
    /// The link stands in the list of those that go on without an event.
    const LISTED: u8 = 128;

    const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    const fn set(&mut self, flag: u8) {
        self.0 |= flag;
    }

    const fn clear(&mut self, flag: u8) {
        self.0 &= !flag;
    }
}

/// The exchange that a link serves.
#[derive(Debug)]
pub(super) struct Flow {
    plan: Box<Forward>,
    owner: Address,
    /// Which backend comes first for this request.
    turn: usize,
    attempts: u32,
    /// Request body bytes that have not been handed to the machine.
    waiting: Option<Box<Stored>>,
    /// Bytes of the request that the link's socket has taken.
    wire_bytes: u64,
    /// Some of the body is with the machine, and not with us any more.
    has_sent_body: bool,
    /// The client has sent its request to the end.
    is_whole: bool,
    /// The upstream's machine has asked for body bytes.
    was_asked: bool,
    /// The response has come to its end.
    is_answered: bool,
    /// Something follows that end.
    is_overrun: bool,
    /// Credit that the client gets once its bytes have gone up.
    owed: u32,
    /// Request body bytes that the client has sent.
    body_bytes: u64,
    /// The request's trailer section.
    trailers_up: Option<Box<OwnedFields>>,
    /// The response's, if the client was too slow to take it at once.
    trailers_down: Option<Box<OwnedFields>>,
}

impl Flow {
    #[inline(always)]
    fn new(owner: Address, turn: usize, plan: Box<Forward>) -> Flow {
        Flow {
            owner,
            turn,
            attempts: 0,
            waiting: None,
            wire_bytes: 0,
            has_sent_body: false,
            is_whole: matches!(plan.body, BodyPlan::None | BodyPlan::Sized(0)),
            was_asked: false,
            is_answered: false,
            is_overrun: false,
            owed: 0,
            body_bytes: 0,
            trailers_up: None,
            trailers_down: None,
            plan,
        }
    }
}

impl<A: Application> Shard<A> {
    /// Begins to answer `exchange` by `plan`.
    pub(super) fn start_forward(
        &mut self,
        address: Address,
        exchange: Exchange<A::State>,
        plan: Box<Forward>,
    ) {
        self.put_back(address.conn, exchange);
        self.forward_stored(address, plan);
    }

    /// As [`Shard::start_forward`], for an exchange that is stored.
    pub(super) fn forward_stored(&mut self, address: Address, plan: Box<Forward>) {
        if let Some(error) = plan.refused {
            return self.give_up(address, error);
        }
        let Some(turn) = self.guarded(|_, _| plan.upstream.turn()) else {
            return self.answer_for_upstream(address);
        };
        if plan.protocol == Protocol::Http2 {
            return self.start_on_trunk(address, turn, plan);
        }
        self.try_backend(Flow::new(address, turn, plan), true, ForwardError::NoBackend);
    }

    /// Takes the next backend for `flow`, from the pool if `may_reuse`. Where none is left, `error` says why.
    fn try_backend(&mut self, mut flow: Flow, may_reuse: bool, mut error: ForwardError) {
        loop {
            let Some(asked) = self.guarded(|_, _| flow.plan.upstream.backend(flow.turn, flow.attempts))
            else {
                self.answer_for_upstream(flow.owner);
                return self.end_flow(flow);
            };
            let Some(backend) = asked else { break };
            flow.attempts += 1;
            let pool = self.idle_links.of(backend);
            let pooled = if may_reuse { self.take_idle(pool) } else { None };
            let key = match pooled {
                Some(key) => key,
                None => match self.connect(backend, pool, flow.plan.connect_timeout_us) {
                    Ok(key) => key,
                    Err(refusal) => {
                        let is_ours = sys::is_exhausted(&refusal);
                        error = if is_ours { ForwardError::NoSocket } else { ForwardError::Connect };
                        continue;
                    }
                },
            };
            let Some(link) = self.links.get_mut(key as usize) else { continue };
            if link.h1.open().is_err() {
                self.drop_link(key);
                continue;
            }
            flow.wire_bytes = 0;
            let owner = flow.owner;
            link.flow = Some(flow);
            self.set_link(owner, Some(key));
            self.tell_backend(owner, backend);
            if pooled.is_some() {
                self.push_request(key, &[]);
            } else {
                self.rearm_link(key);
            }
            return;
        }
        self.give_up(flow.owner, error);
        self.end_flow(flow);
    }

    /// Whoever knows the backends has panicked: the server answers 500, as for a handler.
    #[cold]
    fn answer_for_upstream(&mut self, owner: Address) {
        let Some(mut exchange) = self.take_exchange(owner) else { return };
        exchange.link = None;
        self.break_off(owner, &mut exchange);
        self.wake(owner);
        self.pump(owner.conn, exchange);
        self.list(owner.conn);
    }

    fn connect(&mut self, backend: SocketAddr, pool: u32, timeout_us: u64) -> std::io::Result<u32> {
        let socket = sys::connect(backend)?;
        let env = super::env(&self.clock, &self.settings);
        self.generation = self.generation.wrapping_add(1);
        let entry = self.links.vacant_entry();
        let key = entry.key() as u32;
        self.poller.add(&socket, link_key(key, self.generation), Interest::ReadWrite)?;
        entry.insert(Link {
            h1: h1::Client::new(&env),
            socket,
            pool,
            generation: self.generation,
            flags: LinkFlags::default(),
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

    fn set_link(&mut self, owner: Address, link: Option<u32>) {
        if let Some(kept) = self.kept(owner) {
            self.exchanges[kept].link = link;
        }
    }

    /// Tells the application where its request goes.
    fn tell_backend(&mut self, owner: Address, backend: SocketAddr) {
        let Some(kept) = self.kept(owner) else { return };
        if let Answer::Service(state) = &mut self.exchanges[kept].answer {
            let app = &*self.app;
            let told = catch_unwind(AssertUnwindSafe(|| app.forwarding_to(state, backend)));
            if told.is_err() {
                self.stats.panics_total.up();
            }
        }
    }

    fn owner_of(&self, key: u32) -> Option<Address> {
        self.links.get(key as usize)?.flow.as_ref().map(|flow| flow.owner)
    }

    /// The link that serves the exchange of connection `key`, if one does.
    pub(super) fn link_of(&self, key: u32) -> Option<u32> {
        let At::Here(kept) = self.conns.get(key as usize)?.exchange else { return None };
        self.exchanges.get(kept as usize)?.link
    }

    /// Puts link `key` on the list of those that go on without a new event.
    fn list_link(&mut self, key: u32) {
        let Some(link) = self.links.get_mut(key as usize) else { return };
        if !link.flags.has(LinkFlags::LISTED) {
            link.flags.set(LinkFlags::LISTED);
            self.links_again.push_back(key);
        }
    }
}

/// The poller's key of a link. The generation keeps events of a closed one from its successor.
pub(super) fn link_key(key: u32, generation: u32) -> u64 {
    LINK_BIT | u64::from(generation & 0x3fff_ffff) << 32 | u64::from(key)
}
