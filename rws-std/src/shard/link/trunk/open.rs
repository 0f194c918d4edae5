//! Where an exchange gets its leg: the trunk with room, or a new one.

use core::net::SocketAddr;

use rws_core::connection::{Connection, StreamId};
use rws_core::{Instant, h2};

use super::{Backend, LEG, LEGS_UNSAID, Leg, LegFacts, NOWHERE, Trunk, Trunks, env};
use crate::application::Application;
use crate::forward::{Forward, ForwardError};
use crate::shard::h2::Heap;
use crate::shard::link::{Flow, LinkFlags, link_key};
use crate::shard::{Address, Shard};
use crate::sys::{self, Interest};

impl<A: Application> Shard<A> {
    /// Begins to answer by way of a trunk.
    #[cold]
    #[inline(never)]
    pub(in crate::shard::link) fn start_on_trunk(&mut self, owner: Address, turn: usize, plan: Box<Forward>) {
        let until = self.clock.now().after_us(plan.total_timeout_us);
        if plan.is_patient
            && let Some(h2) = self.h2_of(owner.conn).and_then(|at| self.h2.get_mut(at as usize))
        {
            h2.machine.be_patient(owner.stream);
        }
        self.try_trunk(Flow::new(owner, turn, plan), until, 0, ForwardError::NoBackend);
    }

    /// Takes a trunk to the next backend for `flow`, whose request was sent `again` times before. Where no backend is
    /// left, `error` says why.
    pub(super) fn try_trunk(&mut self, mut flow: Flow, until: Instant, again: u8, mut error: ForwardError) {
        loop {
            let Some(asked) = self.guarded(|_, _| flow.plan.upstream.backend(flow.turn, flow.attempts))
            else {
                self.answer_for_upstream(flow.owner);
                return self.end_flow(flow);
            };
            let Some(backend) = asked else { break };
            flow.attempts += 1;
            let (trunk, stream) = match self.open_leg(backend, flow.plan.connect_timeout_us) {
                Ok(place) => place,
                Err(refusal) => {
                    let is_ours = sys::is_exhausted(&refusal);
                    error = if is_ours { ForwardError::NoSocket } else { ForwardError::Connect };
                    continue;
                }
            };
            return self.begin_leg(flow, until, again, (trunk, stream), backend);
        }
        self.give_up(flow.owner, error);
        self.end_flow(flow);
    }

    fn begin_leg(
        &mut self,
        flow: Flow,
        until: Instant,
        again: u8,
        (at, stream): (u32, StreamId),
        backend: SocketAddr,
    ) {
        let Some(trunk) = self.trunks.all.get_mut(at as usize) else { return };
        let mut facts = LegFacts::default();
        if trunk.flags.has(LinkFlags::REUSED) {
            facts.set(LegFacts::REUSED);
        }
        let owner = flow.owner;
        let leg = Leg {
            flow,
            trunk: at,
            stream,
            down: None,
            withheld: 0,
            gone: 0,
            again,
            facts,
            deadline: Instant::NEVER,
            until,
            armed: Instant::NEVER,
        };
        let key = self.trunks.legs.insert(leg) as u32;
        let slot = stream.slot() as usize;
        if trunk.legs.len() <= slot {
            trunk.legs.resize(slot + 1, NOWHERE);
        }
        trunk.legs[slot] = key;
        self.set_link(owner, Some(key | LEG));
        self.tell_backend(owner, backend);
        self.list_trunk(at);
        self.touch_leg(key);
    }

    /// A stream to `backend`, and the trunk that it is on.
    fn open_leg(&mut self, backend: SocketAddr, timeout_us: u64) -> std::io::Result<(u32, StreamId)> {
        let place = self.trunks.place_of(backend);
        let now = self.clock.now();
        if let Some(opened) = self.trunks.open(place, now) {
            return Ok(opened);
        }
        self.connect_trunk(backend, place, timeout_us)?;
        self.trunks.open(place, now).ok_or_else(|| std::io::ErrorKind::OutOfMemory.into())
    }

    fn connect_trunk(&mut self, backend: SocketAddr, place: u32, timeout_us: u64) -> std::io::Result<()> {
        let socket = sys::connect(backend)?;
        // How long an upstream may take to say what it speaks is one of the usual limits.
        let env = env(self.clock.now(), &self.settings.limits);
        self.generation = self.generation.wrapping_add(1);
        let entry = self.trunks.all.vacant_entry();
        let key = entry.key() as u32;
        self.poller.add(&socket, link_key(key | LEG, self.generation), Interest::ReadWrite)?;
        entry.insert(Box::new(Trunk {
            h2: h2::Client::new(&env, Heap::for_upstream(&self.trunks.limits), false),
            socket,
            place,
            generation: self.generation,
            flags: LinkFlags::default(),
            unsent: None,
            leftover: None,
            legs: Vec::new(),
            connect_by: env.now.after_us(timeout_us),
            armed: Instant::NEVER,
        }));
        if let Some(known) = self.trunks.backends.get_mut(place as usize) {
            known.open.push(key);
        }
        self.rearm_trunk(key);
        Ok(())
    }
}

impl Trunks {
    /// The place of what is known of `backend`.
    fn place_of(&mut self, backend: SocketAddr) -> u32 {
        *self.places.entry(backend).or_insert_with(|| {
            self.backends.push(Backend { open: Vec::new(), streams_max: LEGS_UNSAID });
            (self.backends.len() - 1) as u32
        })
    }

    /// A stream on the first trunk of `place` that has room: the others come to rest where there are more than are
    /// needed.
    fn open(&mut self, place: u32, now: Instant) -> Option<(u32, StreamId)> {
        let env = env(now, &self.limits);
        let known = self.backends.get(place as usize)?;
        known.open.iter().find_map(|&key| {
            let trunk = self.all.get_mut(key as usize)?;
            if !trunk.takes_legs(&env, known.streams_max) {
                return None;
            }
            Some((key, trunk.h2.open(&env).ok()?))
        })
    }

    /// The trunk under `key` takes no more legs.
    pub(super) fn withdraw(&mut self, key: u32) {
        let Some(trunk) = self.all.get(key as usize) else { return };
        if let Some(known) = self.backends.get_mut(trunk.place as usize) {
            known.open.retain(|&other| other != key);
        }
    }

    /// Remembers how many requests at once the upstream of trunk `key` takes.
    pub(super) fn note_streams_max(&mut self, key: u32) {
        let Some(trunk) = self.all.get(key as usize) else { return };
        if let (Some(known), Some(most)) =
            (self.backends.get_mut(trunk.place as usize), trunk.h2.streams_max())
        {
            known.streams_max = most.max(1);
        }
    }
}
