//! Reading frames: which may come, and to whom they go.

use super::{Fields, Machine, Phase, Reading};
use crate::Env;
use crate::h2::frame::{Data, FrameHeader, FrameKind, Headers};
use crate::h2::memory::Lent;
use crate::h2::news::News;
use crate::h2::{ErrorCode, Fault, PREFACE, Role};

/// What was found in `rx`.
#[derive(Debug)]
pub(in crate::h2) enum Found {
    Step {
        consumed: usize,
        news: Option<News>,
    },
    /// A whole field block, for the role to make sense of.
    Fields(Fields),
}

impl Found {
    /// More bytes are needed, or room to answer those that are there.
    pub(super) const NOTHING: Found = Found::consumed(0);

    pub(super) const fn consumed(consumed: usize) -> Found {
        Found::Step { consumed, news: None }
    }

    pub(super) const fn event(consumed: usize, news: Option<News>) -> Found {
        Found::Step { consumed, news }
    }
}

impl Machine {
    /// One step on what was received.
    pub(in crate::h2) fn receive(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, rx: &mut [u8]) -> Found {
        match self.phase {
            Phase::Preface => self.preface(rx),
            Phase::Settings | Phase::Open => {
                let found = match self.reading {
                    Reading::Frame => return self.frame(env, lent, rx),
                    Reading::Data { .. } => self.content(lent, rx, 0),
                    Reading::Block(block) => self.block(env, block.of_today(lent.slots), rx),
                    Reading::Settings { .. } => self.settings(env, lent, rx, 0),
                    Reading::Skip { left } => self.skip(rx, 0, left),
                };
                // Of the last frame nothing was left: to a driver no progress would mean that bytes are missing.
                let is_nothing = matches!(found, Found::Step { consumed: 0, news: None });
                if is_nothing && self.reading == Reading::Frame { self.frame(env, lent, rx) } else { found }
            }
            Phase::Ending | Phase::Linger | Phase::Closed => {
                self.clock.linger(rx.len());
                Found::consumed(rx.len())
            }
        }
    }

    /// RFC 9113 §3.4: what comes first is no frame.
    #[cfg_attr(target_os = "none", inline(never))]
    fn preface(&mut self, rx: &[u8]) -> Found {
        match rx.first_chunk() {
            Some(PREFACE) => {
                self.phase = Phase::Settings;
                Found::consumed(PREFACE.len())
            }
            None if PREFACE.starts_with(rx) => Found::NOTHING,
            Some(_) | None => Found::event(rx.len(), Some(self.fail(ErrorCode::PROTOCOL_ERROR))),
        }
    }

    fn frame(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, rx: &mut [u8]) -> Found {
        let Some(header) = FrameHeader::read(rx) else { return Found::NOTHING };
        if self.is_held() {
            return Found::NOTHING;
        }
        match self.dispatch(env, lent, header, rx) {
            Ok(found) => found,
            Err(fault) => {
                let event = self.fault(env, lent.slots, header.stream, fault);
                if let Fault::Stream(_) = fault
                    && matches!(self.phase, Phase::Settings | Phase::Open)
                {
                    self.reading = Reading::Skip { left: header.length };
                    return Found::event(FrameHeader::BYTES, event);
                }
                Found::event(rx.len(), event)
            }
        }
    }

    fn dispatch(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        header: FrameHeader,
        rx: &mut [u8],
    ) -> Result<Found, Fault> {
        header.check(self.ours.frame_bytes_max)?;
        // RFC 9113 §3.4: the preface ends with a SETTINGS frame that is no acknowledgement.
        if self.phase == Phase::Settings
            && (header.kind != FrameKind::Settings || header.has(crate::h2::frame::flags::ACK))
        {
            return Err(Fault::PROTOCOL);
        }
        let payload = rx.get(FrameHeader::BYTES..).unwrap_or(&[]);
        match header.kind {
            FrameKind::Data => match Data::read(header, payload)? {
                Some(data) => self.data(env, lent, header, data, rx),
                None => Ok(Found::NOTHING),
            },
            FrameKind::Headers => match Headers::read(header, payload)? {
                Some(headers) => self.headers(env, lent, header, headers, rx),
                None => Ok(Found::NOTHING),
            },
            FrameKind::Settings => self.settings_frame(env, lent, header, rx),
            FrameKind::Priority
            | FrameKind::RstStream
            | FrameKind::Ping
            | FrameKind::Goaway
            | FrameKind::WindowUpdate => self.short_frame(env, lent, header, payload),
            FrameKind::PriorityUpdate if self.role == Role::Server => {
                self.priority_update(env, lent, header, payload)
            }
            // RFC 9113 §5.5: for whoever knows them.
            FrameKind::Unknown(_) => self.pass(env, header, rx),
            // RFC 9113 §6.10, §8.4: nothing is continued; no push was allowed, and no client pushes. RFC 9218 §7.1: no
            // server says how its answers are urgent.
            FrameKind::Continuation | FrameKind::PushPromise | FrameKind::PriorityUpdate => {
                Err(Fault::PROTOCOL)
            }
        }
    }

    fn pass(&mut self, env: &Env<'_>, header: FrameHeader, rx: &[u8]) -> Result<Found, Fault> {
        self.count(env)?;
        self.reading = Reading::Skip { left: header.length };
        Ok(self.skip(rx, FrameHeader::BYTES, header.length))
    }

    /// A frame that brings nothing.
    pub(super) fn count(&mut self, env: &Env<'_>) -> Result<(), Fault> {
        self.budget.control(env).map_err(|_| Fault::Connection(ErrorCode::ENHANCE_YOUR_CALM))
    }

    /// Passes over `left` bytes from `at` on.
    pub(super) fn skip(&mut self, rx: &[u8], at: usize, left: u32) -> Found {
        let here = rx.len().saturating_sub(at).min(left as usize);
        let left = left.saturating_sub(here as u32);
        self.reading = if left == 0 { Reading::Frame } else { Reading::Skip { left } };
        Found::consumed(at.saturating_add(here))
    }
}
