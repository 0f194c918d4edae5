//! The sending side of a body, for both roles (RFC 9112 §6.3, §7.1).
//!
//! ```text
//!   Sized ──────────────── last byte ──────────────▶ Done
//!   Chunked ── End ──▶ Last ── trailers written ───▶ Done
//!     │  ▲ CRLF written
//!     ▼  │                    (a chunk that the driver sends by itself)
//!   ChunkTail
//!   UntilClose ─────────── End ────────────────────▶ Done
//! ```

use super::body::{Count, counted, wide};
use super::encode;
use super::framing_out::Framing;
use super::out::{Out, hex_digits};
use crate::connection::{Fill, Source, StreamId};
use crate::scan::move_within;
use crate::{Error, Limits, Misuse, SMALL};

/// How far a message of ours has been written.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyWriter {
    /// Bytes that a sized body still needs. A head that tells of more than can be counted is not written.
    left: Count,
    /// Bytes that the driver is sending by itself: none where there is no system that could.
    #[cfg(not(target_os = "none"))]
    direct: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Sized,
    Chunked,
    ChunkTail,
    Last,
    UntilClose,
    Done,
}

/// Why [`BodyWriter::write`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(target_os = "none", repr(u8))]
pub(super) enum Wrote {
    /// The message is complete.
    Done,
    /// At least this much room is needed.
    Room(usize),
    /// The source has nothing now.
    Blocked,
    /// The driver sends this many body bytes by itself.
    Direct(u64),
    /// The body cannot be completed; the reason, if it is the source's misuse.
    Cut(Option<Misuse>),
}

/// The least room for a chunk: bytes.
pub(super) const CHUNK_ROOM_MIN: usize = 16;
/// A chunk smaller than this is not begun behind bytes that can be sent first.
const CHUNK_WORTH: usize = 256;

impl BodyWriter {
    /// The head is not written yet.
    pub(super) const HEAD: BodyWriter = BodyWriter::at(State::Head, 0);

    const fn at(state: State, left: Count) -> BodyWriter {
        #[cfg(target_os = "none")]
        return BodyWriter { left, state };
        #[cfg(not(target_os = "none"))]
        BodyWriter { left, direct: 0, state }
    }

    /// The body after a head that was framed so.
    pub(super) fn new(framing: Framing) -> BodyWriter {
        let (state, left) = match framing {
            Framing::Sized(len) if len > 0 => (State::Sized, counted(len)),
            Framing::Chunked => (State::Chunked, 0),
            Framing::UntilClose => (State::UntilClose, 0),
            Framing::Bare | Framing::Declared(_) | Framing::Sized(_) => (State::Done, 0),
        };
        BodyWriter::at(state, left)
    }

    /// The next message begins with its head.
    pub(super) fn restart(&mut self) {
        if SMALL { self.state = State::Head } else { *self = BodyWriter::HEAD }
    }

    /// Whether the head is still to be written.
    pub(super) fn awaits_head(&self) -> bool {
        self.state == State::Head
    }

    /// Whether the message is complete, and nothing of it is left with the driver.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done && !self.is_direct()
    }

    /// Whether the driver is sending a run by itself.
    pub(super) fn is_direct(&self) -> bool {
        self.run() > 0
    }

    /// How much of the driver's own run is left: bytes.
    #[inline]
    const fn run(&self) -> u64 {
        #[cfg(target_os = "none")]
        return 0;
        #[cfg(not(target_os = "none"))]
        self.direct
    }

    #[inline]
    const fn set_run(&mut self, bytes: u64) {
        #[cfg(target_os = "none")]
        let _ = bytes;
        #[cfg(not(target_os = "none"))]
        {
            self.direct = bytes;
        }
    }

    /// Whether nothing but the end of the connection ends this body.
    pub(super) fn is_until_close(&self) -> bool {
        self.state == State::UntilClose
    }

    /// Nothing more of this message is written.
    pub(super) fn stop(&mut self) {
        *self = BodyWriter::at(State::Done, 0);
    }

    /// `bytes` of the driver's own run went out.
    ///
    /// # Errors
    /// [`Misuse`] if there is no such run, or it is shorter.
    pub(super) fn sent(&mut self, bytes: u64) -> Result<(), Misuse> {
        if !self.is_direct() {
            return Err(Misuse::WrongState);
        }
        self.set_run(self.run().checked_sub(bytes).ok_or(Misuse::LengthMismatch)?);
        Ok(())
    }

    /// Writes what fits, pulling from `source`.
    pub(super) fn write<S: Source + ?Sized>(
        &mut self,
        stream: StreamId,
        source: &mut S,
        limits: &Limits,
        out: &mut Out<'_>,
    ) -> Wrote {
        if self.is_direct() {
            return Wrote::Blocked;
        }
        if self.state == State::Sized {
            return self.sized(stream, source, out);
        }
        match self.state {
            State::Done | State::Sized => Wrote::Done,
            State::Head => Wrote::Blocked,
            State::UntilClose | State::Chunked | State::ChunkTail | State::Last if !source.streams() => {
                Wrote::Cut(Some(Misuse::WrongState))
            }
            State::UntilClose => self.until_close(stream, source, out),
            State::Chunked | State::ChunkTail | State::Last => self.chunked(stream, source, limits, out),
        }
    }

    fn sized<S: Source + ?Sized>(&mut self, stream: StreamId, source: &mut S, out: &mut Out<'_>) -> Wrote {
        let mut left = self.left;
        debug_assert!(left > 0, "an empty body is done");
        while left > 0 {
            let run = direct(source, stream).min(wide(left));
            if run > 0 {
                self.left = left.saturating_sub(counted(run));
                self.set_run(run);
                if self.left == 0 {
                    self.state = State::Done;
                }
                return Wrote::Direct(run);
            }
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let pulled = pull(stream, source, most, out);
            if let Pulled::More(n) | Pulled::End(n) = pulled {
                left = left.saturating_sub(counted(n as u64));
                self.left = left;
            }
            match pulled {
                Pulled::End(_) if left > 0 => return Wrote::Cut(Some(Misuse::LengthMismatch)),
                Pulled::More(_) | Pulled::End(_) => {}
                Pulled::Stop(why) => return why,
            }
        }
        self.state = State::Done;
        Wrote::Done
    }

    #[inline(never)]
    fn until_close<S: Source + ?Sized>(
        &mut self,
        stream: StreamId,
        source: &mut S,
        out: &mut Out<'_>,
    ) -> Wrote {
        loop {
            let run = direct(source, stream);
            if run > 0 {
                self.set_run(run);
                return Wrote::Direct(run);
            }
            match pull(stream, source, usize::MAX, out) {
                Pulled::More(_) => {}
                Pulled::End(_) => {
                    self.state = State::Done;
                    return Wrote::Done;
                }
                Pulled::Stop(why) => return why,
            }
        }
    }

    #[inline(never)]
    fn chunked<S: Source + ?Sized>(
        &mut self,
        stream: StreamId,
        source: &mut S,
        limits: &Limits,
        out: &mut Out<'_>,
    ) -> Wrote {
        if self.state == State::ChunkTail {
            if out.put(b"\r\n").is_err() {
                return Wrote::Room(CHUNK_ROOM_MIN);
            }
            self.state = State::Chunked;
        }
        while self.state == State::Chunked {
            let short = out.room() < CHUNK_ROOM_MIN || (out.len() > 0 && out.room() < CHUNK_WORTH);
            if short {
                return Wrote::Room(CHUNK_ROOM_MIN);
            }
            let run = direct(source, stream);
            if run > 0 {
                return self.direct_chunk(run, out);
            }
            match chunk(stream, source, out) {
                Pulled::More(_) => {}
                Pulled::End(_) => self.state = State::Last,
                Pulled::Stop(why) => return why,
            }
        }
        self.last_chunk(stream, source, limits, out)
    }

    fn direct_chunk(&mut self, run: u64, out: &mut Out<'_>) -> Wrote {
        let mark = out.len();
        if out.put_hex(run).and_then(|()| out.put(b"\r\n")).is_err() {
            out.rewind(mark);
            return Wrote::Room(CHUNK_ROOM_MIN.saturating_add(2));
        }
        self.set_run(run);
        self.state = State::ChunkTail;
        Wrote::Direct(run)
    }

    fn last_chunk<S: Source + ?Sized>(
        &mut self,
        stream: StreamId,
        source: &mut S,
        limits: &Limits,
        out: &mut Out<'_>,
    ) -> Wrote {
        let block = source.trailers(stream);
        match out.write(usize::MAX, |to| encode::trailers(to.array(b"0\r\n")?, block)) {
            Ok(()) => {
                self.state = State::Done;
                return Wrote::Done;
            }
            Err(Error::Misuse(misuse)) => return Wrote::Cut(Some(misuse)),
            Err(Error::Capacity(_) | Error::Peer(_)) => {}
        }
        let room = trailer_room(block);
        if room > usize::from(limits.trailer_bytes_max).max(CHUNK_ROOM_MIN) {
            return Wrote::Cut(Some(Misuse::LengthMismatch));
        }
        Wrote::Room(room)
    }
}

/// What the last chunk and this section need: bytes.
fn trailer_room(block: crate::FieldBlock<'_>) -> usize {
    block.iter().fold(b"0\r\n\r\n".len(), |sum, (name, value)| {
        sum.saturating_add(name.as_bytes().len()).saturating_add(value.len()).saturating_add(4)
    })
}

/// How many bytes the driver would rather send by itself: none where there is no system that could.
fn direct<S: Source + ?Sized>(source: &mut S, stream: StreamId) -> u64 {
    if SMALL { 0 } else { source.direct(stream) }
}

enum Pulled {
    /// So many, and there is more.
    More(usize),
    /// So many, the last.
    End(usize),
    Stop(Wrote),
}

/// At most `most` bytes from the source.
fn pull<S: Source + ?Sized>(stream: StreamId, source: &mut S, most: usize, out: &mut Out<'_>) -> Pulled {
    let rest = out.rest();
    let clip = most.min(rest.len());
    let Some(slot) = rest.get_mut(..clip).filter(|slot| !slot.is_empty()) else {
        return Pulled::Stop(Wrote::Room(1));
    };
    let pulled = judge(source.fill(stream, slot), clip);
    if let Pulled::More(n) | Pulled::End(n) = pulled {
        out.advance(n);
    }
    pulled
}

/// One chunk from the source: its size goes in front of where the content was put, and is as long as the
/// room asks for; content that turns out shorter moves up by the digits it does not need.
fn chunk<S: Source + ?Sized>(stream: StreamId, source: &mut S, out: &mut Out<'_>) -> Pulled {
    const LINE_ENDS: usize = 4;
    let room = out.room().saturating_sub(LINE_ENDS);
    let digits = hex_digits(room as u64) as usize;
    let most = room.saturating_sub(digits);
    let before = digits.saturating_add(2);
    let rest = out.rest();
    let Some(slot) = rest.get_mut(before..before.saturating_add(most)).filter(|slot| !slot.is_empty()) else {
        return Pulled::Stop(Wrote::Room(CHUNK_ROOM_MIN));
    };
    let pulled = judge(source.fill(stream, slot), most);
    let n = match pulled {
        Pulled::End(0) | Pulled::Stop(_) => return pulled,
        Pulled::More(n) | Pulled::End(n) => n,
    };
    let needed = (hex_digits(n as u64) as usize).saturating_add(2);
    if needed < before {
        let end = before.saturating_add(n);
        if end <= rest.len() {
            move_within(rest, before..end, needed);
        }
    }
    // It fits: `digits` were kept for a size at least as long.
    let framed = out.put_hex(n as u64).and_then(|()| out.put(b"\r\n"));
    out.advance(n);
    match framed.and_then(|()| out.put(b"\r\n")) {
        Ok(()) => pulled,
        Err(_) => Pulled::Stop(Wrote::Cut(None)),
    }
}

/// What a source's word is worth.
fn judge(fill: Fill, most: usize) -> Pulled {
    match fill {
        Fill::More(n) | Fill::End(n) if n > most => Pulled::Stop(Wrote::Cut(Some(Misuse::LengthMismatch))),
        Fill::More(0) | Fill::Blocked => Pulled::Stop(Wrote::Blocked),
        Fill::More(n) => Pulled::More(n),
        Fill::End(n) => Pulled::End(n),
        Fill::Abort => Pulled::Stop(Wrote::Cut(None)),
    }
}
