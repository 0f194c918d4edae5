//! From HTTP/1.1 to HTTP/2 by prior knowledge (RFC 9113 §3.3, §3.4): the first bytes of a connection decide.
//!
//! The HTTP/1 machine reads them as any others. It refuses the preface, which was chosen for that; only then is looked
//! whether it was one, so that requests pay nothing for it. `Upgrade: h2c` is not heard (RFC 9113 §3.1).

use std::collections::VecDeque;

use rws_core::h2::PREFACE;

use super::machine::machine;
use super::push::Promises;
use super::streams::Streams;
use super::{At, H2};
use crate::application::Application;
use crate::shard::Shard;

/// As far as this the preface says what is spoken, and no sooner HTTP/1 refuses it: `PRI * HTTP/2.0`. What is behind
/// does not count, so that it does not matter how much of it has come.
const SAID_BYTES: usize = 14;

impl<A: Application> Shard<A> {
    /// Whether `bytes`, which connection `key` cannot take for HTTP/1, are how a client of HTTP/2 begins. If there is
    /// something wrong with the rest of them, the other machine says so.
    pub(in crate::shard) fn speaks_h2(&self, key: u32, bytes: &[u8]) -> bool {
        let is_first = self.conns.get(key as usize).is_some_and(|conn| conn.h1.is_new());
        let is_said = bytes.get(..SAID_BYTES).is_some_and(|start| PREFACE.starts_with(start));
        cfg!(feature = "http2") && self.settings.http2 && is_first && is_said
    }

    /// Connection `key` speaks HTTP/2 from here on, its preface included.
    #[cold]
    pub(in crate::shard) fn switch_to_h2(&mut self, key: u32) {
        let env = crate::shard::env(&self.clock, &self.settings);
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        let h2 = H2 {
            machine: machine(&env),
            streams: Streams::default(),
            promises: Promises::default(),
            beginning: None,
            due: VecDeque::new(),
            is_stalled: false,
            is_draining: false,
        };
        conn.exchange = At::H2(self.h2.insert(Box::new(h2)) as u32);
    }
}
