//! Whether a server that says nothing is still there (RFC 9113 §6.7): asked by PING while requests are under way.
//!
//! ```text
//!   Off ── open ──▶ Listening ── nothing for ping_interval_us ──▶ Asked ── nothing for ping_timeout_us ──▶ dead
//!    ▲                 │  ▲                                         │
//!    └── no exchange ──┘  └─────────── any frame ───────────────────┘
//! ```
//!
//! Whatever comes is a sign of life. Time in which nothing is read, since nobody takes what has come, does not count.

use crate::{Env, Instant};

/// What is known of the server's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    state: State,
    /// When to look again; what was heard meanwhile moves it then.
    due: Instant,
    heard: Instant,
    excused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    Listening,
    Asked,
}

/// What follows from a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Alive,
    /// A PING is due.
    Ask,
    Dead,
}

impl Pulse {
    pub(super) const OFF: Pulse =
        Pulse { state: State::Off, due: Instant::NEVER, heard: Instant::NEVER, excused: false };

    /// A request begins.
    pub(super) fn begin(&mut self, env: &Env<'_>) {
        if self.state == State::Off && env.limits.ping_interval_us > 0 {
            self.state = State::Listening;
            self.listen(env, env.now);
        }
    }

    /// When [`Pulse::look`] has something to say.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// Something has come.
    pub(super) fn hear(&mut self, env: &Env<'_>) {
        self.heard = env.now;
        if self.state == State::Asked {
            self.state = State::Listening;
        }
    }

    /// Nobody reads for now.
    pub(super) const fn excuse(&mut self) {
        self.excused = true;
    }

    /// Looks whether the server is late. `is_asking`: exchanges are under way.
    pub(super) fn look(&mut self, env: &Env<'_>, is_asking: bool) -> Verdict {
        if env.now < self.due {
            return Verdict::Alive;
        }
        if !is_asking {
            *self = Pulse::OFF;
            return Verdict::Alive;
        }
        if core::mem::take(&mut self.excused) {
            self.hear(env);
        }
        let silent = self.heard.after_us(env.limits.ping_interval_us) <= env.now;
        match self.state {
            State::Off => Verdict::Alive,
            State::Asked => Verdict::Dead,
            State::Listening if silent => {
                self.state = State::Asked;
                self.due = env.now.after_us(env.limits.ping_timeout_us);
                Verdict::Ask
            }
            State::Listening => {
                self.listen(env, self.heard);
                Verdict::Alive
            }
        }
    }

    fn listen(&mut self, env: &Env<'_>, heard: Instant) {
        self.heard = heard;
        self.due = heard.after_us(env.limits.ping_interval_us);
    }
}
