//! What happened, as a number that two runs of the same seed must share, and as text for who looks for a fault.

use core::fmt::Write as _;
use std::collections::VecDeque;

use rws_core::Event;

#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    pub(crate) steps: u64,
    events: String,
    tail: VecDeque<(u64, u64, u64)>,
    text: VecDeque<String>,
}

const TAIL: usize = 60;

impl Trace {
    pub(crate) fn new() -> Trace {
        Trace {
            hash: 0xcbf2_9ce4_8422_2325,
            steps: 0,
            events: String::new(),
            tail: VecDeque::new(),
            text: VecDeque::new(),
        }
    }

    /// Even kinds are the server's, odd ones the client's.
    pub(crate) fn note(&mut self, kind: u64, a: u64, b: u64) {
        for word in [self.steps, kind, a, b] {
            self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
        }
        if a | b != 0 {
            keep(&mut self.tail, (kind, a, b));
        }
    }

    pub(crate) fn event(&mut self, client: bool, event: &Event) {
        self.events.clear();
        let who = if client { "client" } else { "server" };
        let _ = write!(self.events, "{who} {event:?}");
        for byte in self.events.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let is_body = matches!(event, Event::Body { .. });
        if is_body && self.text.back().is_some_and(|line| line.contains(" Body ") && line.contains(who)) {
            return;
        }
        keep(&mut self.text, format!("step {}: {}", self.steps, self.events));
    }

    pub(crate) fn sum(&self) -> (u64, u64) {
        (self.hash, self.steps)
    }
}

fn keep<T>(tail: &mut VecDeque<T>, item: T) {
    if tail.len() == TAIL {
        tail.pop_front();
    }
    tail.push_back(item);
}

impl core::fmt::Display for Trace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for line in &self.text {
            writeln!(f, "{line}")?;
        }
        write!(f, "last (kind, a, b): {:?}", self.tail)
    }
}
