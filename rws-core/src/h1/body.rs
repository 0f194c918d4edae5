//! The receiving side of a body, for both roles (RFC 9112 §6.3, §7.1).
//!
//! ```text
//!   Sized ─────────── last byte ────────────────────────────▶ Ended
//!   Line ── size > 0 ──▶ Data ──▶ DataCr ──▶ DataLf ──▶ Line
//!     └──── size = 0 ──▶ Trailers ── empty line ────────────▶ Ended
//!   UntilClose ────── end of the connection ────────────────▶ Ended
//! ```
//!
//! Content is handed out as places in `rx`, never more than the credit. Framing costs no credit, so that a
//! body which is complete can always be seen to be complete.

use super::chunked::ChunkLine;
use super::head::parse_trailers;
use crate::connection::TrailerSpans;
use crate::message::{BodyFraming, Chunk, Scratch};
use crate::{Limits, PeerFault, SMALL};

/// How many bytes of content. On targets without an operating system a body of 4 GiB is too large whatever the limits
/// say, and two registers fewer are in use.
#[cfg(not(target_os = "none"))]
pub(super) type Count = u64;
#[cfg(target_os = "none")]
pub(super) type Count = u32;

/// How far a body has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyReader {
    /// Content bytes left, of the body or of the chunk; the chunk's size while its line is read.
    left: Count,
    /// Content bytes that chunks may still announce.
    allowance: Count,
    line: ChunkLine,
    credit: u32,
    /// Framing bytes minus content bytes so far.
    overhead: i32,
    state: State,
    stalled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ended,
    Sized,
    Line,
    Data,
    DataCr,
    DataLf,
    Trailers,
    UntilClose,
}

/// What one step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// More bytes are needed.
    Nothing,
    /// Content.
    Content(Chunk),
    /// Content waits, and there is no credit. Said once.
    Stalled,
    /// The body is complete. Trailers start where `consumed` would, were they not part of it: a step that
    /// finds some has consumed nothing before them.
    End(Option<TrailerSpans>),
}

impl BodyReader {
    /// No body.
    pub(super) const NONE: BodyReader = BodyReader {
        left: 0,
        allowance: COUNT_MAX,
        line: ChunkLine::START,
        credit: 0,
        overhead: 0,
        state: State::Ended,
        stalled: false,
    };

    /// A body framed so, with the first window's credit.
    pub(super) fn new(framing: BodyFraming, credit: u32) -> BodyReader {
        let (state, left) = match framing {
            BodyFraming::None | BodyFraming::Sized(0) => return BodyReader::NONE,
            BodyFraming::Sized(len) => (State::Sized, counted(len)),
            BodyFraming::Streamed => (State::Line, 0),
            BodyFraming::UntilClose => (State::UntilClose, 0),
        };
        BodyReader { left, credit, state, ..BodyReader::NONE }
    }

    /// The same body, of which chunks may announce no more than `bytes`.
    pub(super) fn at_most(self, bytes: u64) -> BodyReader {
        BodyReader { allowance: counted(bytes), ..self }
    }

    /// Nothing more of the body is read. What else is kept of it, [`new`](BodyReader::new) sets anew.
    pub(super) fn end(&mut self) {
        self.state = State::Ended;
    }

    /// Whether the body is complete.
    pub(super) fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether content comes next and none may come.
    pub(super) fn is_paused(&self) -> bool {
        self.credit == 0 && matches!(self.state, State::Sized | State::Data | State::UntilClose)
    }

    /// Content bytes still to come at least, if that is known.
    pub(super) fn left(&self) -> Option<u64> {
        match self.state {
            State::Ended => Some(0),
            State::Sized => Some(wide(self.left)),
            State::Line
            | State::Data
            | State::DataCr
            | State::DataLf
            | State::Trailers
            | State::UntilClose => None,
        }
    }

    /// How many more bytes a step could use.
    pub(super) fn want(&self) -> usize {
        const LINE: usize = 4096;
        let credit = usize::try_from(self.credit).unwrap_or(usize::MAX);
        match self.state {
            State::Ended => 0,
            State::Sized => usize::try_from(self.left).unwrap_or(usize::MAX).min(credit),
            State::Data if self.credit == 0 => 0,
            State::UntilClose => credit,
            State::Line | State::Data | State::DataCr | State::DataLf | State::Trailers => {
                credit.saturating_add(LINE)
            }
        }
    }

    /// More credit.
    pub(super) fn grant(&mut self, bytes: u32) {
        self.credit = self.credit.saturating_add(bytes);
        self.stalled = false;
    }

    /// Sets the credit, for a body that is dropped.
    pub(super) fn set_credit(&mut self, bytes: u32) {
        self.credit = bytes;
        self.stalled = false;
    }

    /// The credit left, as it was granted.
    pub(super) fn granted(&self) -> u32 {
        self.credit
    }

    /// The credit left.
    pub(super) fn credit(&self) -> usize {
        usize::try_from(self.credit).unwrap_or(usize::MAX)
    }

    /// Spends credit on bytes that belong to no body.
    pub(super) fn spend(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.credit = self.credit.saturating_sub(bytes);
    }

    /// Of the next `bytes`, how many are content of a body with a length, as far as the credit reaches: they are read.
    pub(super) fn skip(&mut self, bytes: usize) -> usize {
        let here = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.credit);
        let len = clamped(self.left).min(here);
        self.left = self.left.saturating_sub(Count::from(len));
        self.credit = self.credit.saturating_sub(len);
        len as usize
    }

    /// The connection has ended: whether the body may end there.
    pub(super) fn end_of_input(&mut self) -> bool {
        let fine = matches!(self.state, State::UntilClose | State::Ended);
        self.state = State::Ended;
        fine
    }

    /// Takes the next step on `rx`: how many bytes of it are used up, and what was found.
    ///
    /// # Errors
    /// What is wrong with the framing.
    pub(super) fn step(
        &mut self,
        rx: &[u8],
        scanned: &mut u16,
        scratch: &mut Scratch<'_>,
        limits: &Limits,
    ) -> Result<(usize, Found), PeerFault> {
        let mut at = 0;
        loop {
            let rest = rx.get(at..).unwrap_or(&[]);
            match self.state {
                State::Ended => return Ok((at, Found::Nothing)),
                State::Sized if self.left == 0 => {
                    self.state = State::Ended;
                    return Ok((at, Found::End(None)));
                }
                State::Sized | State::Data => return Ok(self.content(at, rest, self.left)),
                State::UntilClose => return Ok(self.content(at, rest, Count::MAX)),
                State::Trailers => {
                    // Trailers are spans from the start of `rx`: what stands before them goes first.
                    if at > 0 && !rest.starts_with(b"\r\n") {
                        return Ok((at, Found::Nothing));
                    }
                    return self.trailers(at, rest, scanned, scratch, limits);
                }
                State::Line | State::DataCr | State::DataLf => {
                    let Some(&byte) = rest.first() else { return Ok((at, Found::Nothing)) };
                    at = at.saturating_add(1);
                    self.framing(byte, scanned, limits)?;
                }
            }
        }
    }

    fn content(&mut self, at: usize, rest: &[u8], left: Count) -> (usize, Found) {
        if rest.is_empty() {
            return (at, Found::Nothing);
        }
        if self.credit == 0 {
            let found = if self.stalled { Found::Nothing } else { Found::Stalled };
            self.stalled = true;
            return (at, found);
        }
        let here = u32::try_from(rest.len()).unwrap_or(u32::MAX).min(self.credit);
        let len = clamped(left).min(here);
        self.credit = self.credit.saturating_sub(len);
        if self.state != State::UntilClose {
            self.left = self.left.saturating_sub(Count::from(len));
        }
        if self.state == State::Data {
            self.overhead = self.overhead.saturating_sub_unsigned(len);
            if self.left == 0 {
                self.state = State::DataCr;
            }
        }
        let chunk = Chunk { at: u32::try_from(at).unwrap_or(u32::MAX), len };
        (at.saturating_add(len as usize), Found::Content(chunk))
    }

    /// One byte of chunk framing.
    fn framing(&mut self, byte: u8, scanned: &mut u16, limits: &Limits) -> Result<(), PeerFault> {
        self.overhead = self.overhead.saturating_add(1);
        let over = u32::try_from(self.overhead).unwrap_or(0);
        if over > limits.chunk_overhead_bytes_max {
            return Err(PeerFault::ChunkOverhead);
        }
        match self.state {
            State::DataCr if byte == b'\r' => self.state = State::DataLf,
            State::DataLf if byte == b'\n' => self.state = State::Line,
            State::DataCr | State::DataLf => return Err(PeerFault::ChunkSyntax),
            State::Line if self.line.step(byte, &mut self.left, limits)? => {
                self.allowance = self.allowance.checked_sub(self.left).ok_or(PeerFault::BodyTooLarge)?;
                self.line = ChunkLine::START;
                self.state = if self.left == 0 { State::Trailers } else { State::Data };
                *scanned = 0;
            }
            State::Line | State::Ended | State::Sized | State::Data | State::Trailers | State::UntilClose => {
            }
        }
        Ok(())
    }

    fn trailers(
        &mut self,
        at: usize,
        rest: &[u8],
        scanned: &mut u16,
        scratch: &mut Scratch<'_>,
        limits: &Limits,
    ) -> Result<(usize, Found), PeerFault> {
        if rest.starts_with(b"\r\n") {
            self.state = State::Ended;
            return Ok((at.saturating_add(2), Found::End(None)));
        }
        let Some(spans) = parse_trailers(rest, scanned, scratch, limits)? else {
            return Ok((at, Found::Nothing));
        };
        self.state = State::Ended;
        let section = (spans.fields_len > 0).then_some(spans);
        Ok((at.saturating_add(usize::from(spans.arena_len)), Found::End(section)))
    }
}

/// The longest body that is counted. A chunk's size that does not fit a count is read as one more.
const COUNT_MAX: Count = if SMALL { Count::MAX - 1 } else { Count::MAX };

/// As many bytes, or as can be counted: see [`is_countable`].
pub(super) fn counted(bytes: u64) -> Count {
    if is_countable(bytes) { bytes as Count } else { COUNT_MAX }
}

#[cfg_attr(
    not(target_os = "none"),
    expect(clippy::unnecessary_cast, reason = "a count is narrower elsewhere")
)]
pub(super) const fn wide(count: Count) -> u64 {
    count as u64
}

#[cfg_attr(target_os = "none", expect(clippy::useless_conversion, reason = "a count is wider elsewhere"))]
fn clamped(count: Count) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether a body of this length can be counted.
pub(super) fn is_countable(bytes: u64) -> bool {
    bytes <= wide(COUNT_MAX)
}

#[cfg(test)]
mod tests;
