//! The server that is judged, and what may be expected of it.

use core::net::SocketAddr;
use core::ops::{Deref, DerefMut};
use core::time::Duration;
use std::time::Instant;

use rws_tests::h2::codes::{INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR};
use rws_tests::h2::frame::{GOAWAY, MAX_FRAME_SIZE, RST_STREAM};
use rws_tests::h2::{Block, Code, End, Frame, Got, Peer, Response, Stop, name_of};

use crate::check::{Finding, Verdict, broken, holds};

/// A server, and where it has what the checks need.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) authority: String,
    /// Answers GET with 200 and at least five octets.
    pub(crate) path: String,
    /// Answers POST with 200, with the request's content where it is an echo.
    pub(crate) post: Option<String>,
    pub(crate) patience: Duration,
    /// Whether every error has to be the one that the specification names, and stream errors have to stay that.
    pub(crate) is_strict: bool,
}

impl Site {
    pub(crate) fn open(&self) -> Result<Session<'_>, Finding> {
        self.open_with(&[])
    }

    /// With settings of our own.
    pub(crate) fn open_with(&self, pairs: &[(u16, u32)]) -> Result<Session<'_>, Finding> {
        let peer = Peer::open(self.address, self.patience, pairs)?;
        Ok(Session { peer, site: self })
    }

    /// A connection on which nothing is said yet.
    pub(crate) fn connect(&self) -> Result<Session<'_>, Finding> {
        match Peer::connect(self.address, self.patience) {
            Ok(peer) => Ok(Session { peer, site: self }),
            Err(error) => broken(format!("it does not accept: {error}")),
        }
    }

    pub(crate) fn get(&self) -> Block {
        Block::request("GET", &self.path, &self.authority)
    }

    pub(crate) fn post(&self) -> Block {
        Block::request("POST", self.post.as_ref().unwrap_or(&self.path), &self.authority)
    }

    /// As [`Site::post`], where the server is known to take content there.
    pub(crate) fn accepted_post(&self) -> Result<Block, Finding> {
        match self.post {
            Some(_) => Ok(self.post()),
            None => Err(Finding::Inapplicable("no path is named that takes content (--post)")),
        }
    }
}

/// One connection to a site.
pub(crate) struct Session<'s> {
    peer: Peer,
    pub(crate) site: &'s Site,
}

impl Deref for Session<'_> {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl DerefMut for Session<'_> {
    fn deref_mut(&mut self) -> &mut Peer {
        &mut self.peer
    }
}

/// RFC 9113 §8.1: whoever has answered may let go of the rest of a request, and of what is wrong in it.
const ANSWERED_EARLY: Finding = Finding::Inapplicable("it answers before the request has ended");

/// How a server reacts to something wrong.
enum Reaction {
    Goaway(Code),
    Reset(Code),
    Answer(Box<Response>),
    Closed,
}

impl Session<'_> {
    /// The server ends the connection with one of these codes.
    pub(crate) fn connection_error(&mut self, codes: &[Code]) -> Verdict {
        match self.reaction(|log| goaway(log).map(Reaction::Goaway))? {
            Reaction::Goaway(code) => {
                self.is_among(code, codes)?;
                if self.site.is_strict { self.closes() } else { Ok(()) }
            }
            _ => holds(!self.site.is_strict, || "closed without GOAWAY".to_owned()),
        }
    }

    /// The server ends the stream with one of these codes, or the connection.
    pub(crate) fn stream_error(&mut self, stream: u32, codes: &[Code]) -> Verdict {
        let found = self.reaction(|log| {
            reset(log, stream).map(Reaction::Reset).or_else(|| goaway(log).map(Reaction::Goaway))
        })?;
        self.only_the_stream(found, codes)
    }

    /// As [`Session::stream_error`], where ending the connection is as good.
    pub(crate) fn stream_or_connection_error(&mut self, stream: u32, codes: &[Code]) -> Verdict {
        let found = self.reaction(|log| {
            reset(log, stream).map(Reaction::Reset).or_else(|| goaway(log).map(Reaction::Goaway))
        })?;
        match found {
            Reaction::Goaway(code) | Reaction::Reset(code) => self.is_among(code, codes),
            _ => Ok(()),
        }
    }

    /// The server treats the request as malformed (RFC 9113 §8.1.1): a stream error, or an answer that says so.
    pub(crate) fn malformed(&mut self, stream: u32) -> Verdict {
        let is_strict = self.site.is_strict;
        let found = self.reaction(|log| {
            let answer = Response::of(log, stream).filter(|answer| !is_strict && answer.end == End::Whole);
            let answer = answer.map(|answer| Reaction::Answer(Box::new(answer)));
            let reset = || reset(log, stream).map(Reaction::Reset);
            answer.or_else(reset).or_else(|| goaway(log).map(Reaction::Goaway))
        })?;
        match found {
            Reaction::Answer(answer) => {
                holds((400..500).contains(&answer.status), || format!("answered with {}", answer.status))
            }
            found => self.only_the_stream(found, &[PROTOCOL_ERROR]),
        }
    }

    fn only_the_stream(&mut self, found: Reaction, codes: &[Code]) -> Verdict {
        match found {
            Reaction::Reset(code) => {
                self.is_among(code, codes)?;
                if self.site.is_strict { Ok(self.peer.ping()?) } else { Ok(()) }
            }
            Reaction::Goaway(code) => {
                self.is_among(code, codes)?;
                holds(!self.site.is_strict, || format!("GOAWAY {} for an error of one stream", name_of(code)))
            }
            _ => holds(!self.site.is_strict, || "closed for an error of one stream".to_owned()),
        }
    }

    /// A request on this stream is answered with 200, all of it.
    pub(crate) fn served(&mut self, stream: u32) -> Result<Response, Finding> {
        let response = self.heard(stream)?;
        match (response.status, response.end) {
            (200, End::Whole) => Ok(response),
            (_, End::Reset(code)) => broken(format!("stream {stream} was reset with {}", name_of(code))),
            (status, _) => broken(format!("stream {stream} was answered with {status}")),
        }
    }

    /// Whatever comes on this stream until its end.
    pub(crate) fn heard(&mut self, stream: u32) -> Result<Response, Finding> {
        self.peer.response(stream).or_else(|stop| self.told(stop))
    }

    /// The connection works on: one more request, on this stream, is answered as it should be.
    pub(crate) fn sound(&mut self, stream: u32) -> Verdict {
        let block = self.site.get();
        self.peer.request(stream, &block);
        self.served(stream).map(|_| ())
    }

    /// The server has read all so far, and finds nothing wrong with it.
    pub(crate) fn tolerates(&mut self) -> Verdict {
        self.peer.ping().or_else(|stop| self.told(stop))
    }

    /// As [`Peer::wait`], telling what came instead.
    pub(crate) fn expect<T>(&mut self, look: impl FnMut(&[Frame]) -> Option<T>) -> Result<T, Finding> {
        self.peer.wait(look).or_else(|stop| self.told(stop))
    }

    /// The TCP connection ends.
    pub(crate) fn closes(&mut self) -> Verdict {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.peer.pump(deadline) {
                Got::Frame => {}
                Got::Stop(Stop::Closed) => return Ok(()),
                Got::Stop(_) => return broken("the connection stays open behind GOAWAY (RFC 9113 §5.4.1)"),
            }
        }
    }

    /// A frame's length that is one more than the server takes.
    pub(crate) fn too_long(&self) -> Result<usize, Finding> {
        match self.setting(MAX_FRAME_SIZE, 16_384) as usize {
            size @ ..1_000_000 => Ok(size + 1),
            _ => Err(Finding::Inapplicable("it takes frames of any length")),
        }
    }

    fn reaction(&mut self, look: impl FnMut(&[Frame]) -> Option<Reaction>) -> Result<Reaction, Finding> {
        match self.peer.wait(look) {
            Ok(reaction) => Ok(reaction),
            Err(Stop::Closed) => Ok(Reaction::Closed),
            Err(Stop::Silent) if self.has_answered_early() => Err(ANSWERED_EARLY),
            Err(Stop::Silent) => self.told(Stop::Wrong("nothing happened".to_owned())),
            Err(wrong) => self.told(wrong),
        }
    }

    fn has_answered_early(&self) -> bool {
        self.log.iter().any(|frame| frame.kind == RST_STREAM && frame.code() == Some(NO_ERROR))
    }

    fn told<T>(&self, stop: Stop) -> Result<T, Finding> {
        broken(format!("{stop}; it sent {}", self.peer.story()))
    }

    /// Any endpoint may say PROTOCOL_ERROR or INTERNAL_ERROR in place of a code that says more (RFC 9113 §5.4).
    fn is_among(&self, code: Code, codes: &[Code]) -> Verdict {
        if code == NO_ERROR {
            return Err(ANSWERED_EARLY);
        }
        let is_general = !self.site.is_strict && matches!(code, PROTOCOL_ERROR | INTERNAL_ERROR);
        let wanted = || codes.iter().map(|code| name_of(*code)).collect::<Vec<_>>().join(" or ");
        holds(is_general || codes.contains(&code), || format!("{} instead of {}", name_of(code), wanted()))
    }
}

pub(crate) fn goaway(log: &[Frame]) -> Option<Code> {
    let mut codes = log.iter().filter(|frame| frame.kind == GOAWAY).filter_map(Frame::code);
    codes.rfind(|code| *code != NO_ERROR)
}

pub(crate) fn reset(log: &[Frame], stream: u32) -> Option<Code> {
    log.iter().find(|frame| frame.kind == RST_STREAM && frame.stream == stream)?.code()
}
