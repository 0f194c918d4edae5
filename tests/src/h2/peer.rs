//! One connection to a server that is under test.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::audit::Audit;
use super::block::{Block, integer};
use super::decoder::Decoder;
use super::frame::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEAD_OCTETS, HEADER_TABLE_SIZE, HEADERS,
    INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, PADDED, PING, PUSH_PROMISE, SETTINGS, WINDOW_UPDATE, WITH_PRIORITY,
    frame, ping, settings, window_update,
};

/// What a client's connection begins with, before its SETTINGS (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Why waiting came to an end without what was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The server closed or reset the TCP connection.
    Closed,
    /// It is open, and nothing came in time.
    Silent,
    /// The server did what no server may do.
    Wrong(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Closed => f.write_str("the server closed the connection"),
            Stop::Silent => f.write_str("nothing came in time"),
            Stop::Wrong(why) => f.write_str(why),
        }
    }
}

/// One step of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// A frame, now at the end of the log.
    Frame,
    /// None.
    Stop(Stop),
}

/// A client that keeps all that came in a log.
#[derive(Debug)]
pub struct Peer {
    /// The socket.
    pub stream: TcpStream,
    /// How long it waits for anything.
    pub patience: Duration,
    /// Each frame, in order.
    pub log: Vec<Frame>,
    /// The server's settings, where it sent some.
    pub settings: BTreeMap<u16, u32>,
    /// Whether it acknowledges SETTINGS by itself.
    pub acknowledges: bool,
    /// Whether it gives credit for each DATA frame by itself.
    pub gives_credit: bool,
    /// Whether it says the size of its table in the next field block where the server's SETTINGS have made it smaller,
    /// as it must (RFC 7541 §4.2), unless that block begins with a size of its own.
    pub updates_table: bool,
    /// Whether it looks for what no server may send: not for a test that writes to the socket by itself.
    pub audits: bool,
    decoder: Decoder,
    unread: Vec<u8>,
    /// What we have sent of a frame, or of the preface, that is not whole yet.
    sent: Vec<u8>,
    block: Option<(u32, Vec<u8>)>,
    announced: VecDeque<Vec<(u16, u32)>>,
    frame_octets_max: usize,
    windows: Windows,
    audit: Audit,
    pings: u64,
    /// The most that our table may have, in octets; and whether our next field block has to say so.
    table: (u32, bool),
}

/// What the server may still send.
#[derive(Debug)]
struct Windows {
    initial: i64,
    connection: i64,
    /// What streams have beyond the initial window, or less.
    streams: BTreeMap<u32, i64>,
}

impl Peer {
    /// Connects, and says nothing yet.
    ///
    /// # Errors
    ///
    /// As the operating system has it.
    pub fn connect(address: SocketAddr, patience: Duration) -> io::Result<Peer> {
        Peer::over(TcpStream::connect_timeout(&address, patience)?, patience)
    }

    /// Over a connection that was made by either side, and says nothing yet.
    ///
    /// # Errors
    ///
    /// As the operating system has it.
    pub fn over(stream: TcpStream, patience: Duration) -> io::Result<Peer> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(patience))?;
        let windows = Windows { initial: 65_535, connection: 65_535, streams: BTreeMap::new() };
        Ok(Peer {
            stream,
            patience,
            log: Vec::new(),
            settings: BTreeMap::new(),
            acknowledges: true,
            gives_credit: false,
            updates_table: true,
            audits: true,
            decoder: Decoder::default(),
            unread: Vec::new(),
            sent: Vec::new(),
            block: None,
            announced: VecDeque::new(),
            frame_octets_max: 16_384,
            windows,
            audit: Audit::default(),
            pings: 0,
            table: (4_096, false),
        })
    }

    /// Begins HTTP/2 with these settings, and waits until both sides have acknowledged.
    ///
    /// # Errors
    ///
    /// What the server did instead.
    pub fn open(address: SocketAddr, patience: Duration, pairs: &[(u16, u32)]) -> Result<Peer, Stop> {
        let wrong = |error| Stop::Wrong(format!("it does not accept: {error}"));
        let mut peer = Peer::connect(address, patience).map_err(wrong)?;
        peer.send(PREFACE);
        peer.send(settings(pairs));
        peer.wait(|log| {
            log.iter().any(|frame| frame.kind == SETTINGS && frame.flags & ACK == 0).then_some(())
        })?;
        peer.acknowledged()?;
        Ok(peer)
    }

    /// Waits until all our SETTINGS are acknowledged.
    ///
    /// # Errors
    ///
    /// What the server did instead.
    pub fn acknowledged(&mut self) -> Result<(), Stop> {
        let deadline = Instant::now() + self.patience;
        while !self.announced.is_empty() {
            if let Got::Stop(stop) = self.pump(deadline) {
                return Err(stop);
            }
        }
        Ok(())
    }

    /// Sends any octets. That the server reads no more shows when reading from it.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) -> bool {
        let octets = self.with_table_size(octets.as_ref());
        self.note(&octets);
        self.stream.write_all(&octets).is_ok()
    }

    /// Sends one frame.
    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> bool {
        self.send(frame(kind, flags, stream, payload.as_ref()))
    }

    /// A request without content.
    pub fn request(&mut self, stream: u32, block: &Block) -> bool {
        self.frame(HEADERS, END_STREAM | END_HEADERS, stream, &block.0)
    }

    /// A request whose content is still to come.
    pub fn begin(&mut self, stream: u32, block: &Block) -> bool {
        self.frame(HEADERS, END_HEADERS, stream, &block.0)
    }

    /// Content, or its last piece.
    pub fn data(&mut self, stream: u32, content: &[u8], is_last: bool) -> bool {
        self.frame(DATA, if is_last { END_STREAM } else { 0 }, stream, content)
    }

    /// What the server says about itself, or the value that holds unsaid.
    #[must_use]
    pub fn setting(&self, id: u16, unsaid: u32) -> u32 {
        self.settings.get(&id).copied().unwrap_or(unsaid)
    }

    /// How often the server has changed the size of its dynamic table.
    #[must_use]
    pub const fn table_updates(&self) -> usize {
        self.decoder.updates
    }

    /// Reads until `look` finds something in the log.
    ///
    /// # Errors
    ///
    /// What the server did instead.
    pub fn wait<T>(&mut self, mut look: impl FnMut(&[Frame]) -> Option<T>) -> Result<T, Stop> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(found) = look(&self.log) {
                return Ok(found);
            }
            if let Got::Stop(stop) = self.pump(deadline) {
                return Err(stop);
            }
        }
    }

    /// Sends PING and waits for its answer: by then the server has read all that was sent before.
    ///
    /// # Errors
    ///
    /// What the server did instead.
    pub fn ping(&mut self) -> Result<(), Stop> {
        self.pings += 1;
        let payload = self.pings.to_be_bytes();
        self.send(ping(payload));
        self.wait(|log| {
            log.iter().any(|frame| frame.has(PING, ACK) && frame.payload == payload).then_some(())
        })
    }

    /// One frame into the log.
    pub fn pump(&mut self, deadline: Instant) -> Got {
        loop {
            match self.parse() {
                Ok(true) => return Got::Frame,
                Ok(false) => {}
                Err(why) => return Got::Stop(Stop::Wrong(why)),
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return Got::Stop(Stop::Silent);
            };
            let mut octets = [0; 16_384];
            let _ = self.stream.set_read_timeout(Some(left));
            match self.stream.read(&mut octets) {
                Ok(0) => return Got::Stop(Stop::Closed),
                Ok(count) => self.unread.extend_from_slice(octets.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Got::Stop(Stop::Silent);
                }
                Err(_) => return Got::Stop(Stop::Closed),
            }
        }
    }

    /// Takes a frame off what was read, if it is whole.
    fn parse(&mut self) -> Result<bool, String> {
        let Some(&[a, b, c, kind, flags, d, e, f, g]) = self.unread.first_chunk::<HEAD_OCTETS>() else {
            return Ok(false);
        };
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        if self.unread.len() < HEAD_OCTETS + length {
            return Ok(false);
        }
        let rest = self.unread.split_off(HEAD_OCTETS + length);
        let payload = self.unread.split_off(HEAD_OCTETS);
        self.unread = rest;
        let stream = u32::from_be_bytes([d, e, f, g]) & 0x7fff_ffff;
        let mut frame = Frame { kind, flags, stream, payload, fields: None };
        let mut outcome = self.take(&mut frame);
        if let Some(fault) = self.audit.fault(&frame).filter(|_| self.audits && outcome.is_ok()) {
            outcome = Err(fault);
        }
        self.log.push(frame);
        outcome.map(|()| true)
    }

    /// What a frame means for the connection.
    fn take(&mut self, frame: &mut Frame) -> Result<(), String> {
        if frame.payload.len() > self.frame_octets_max {
            return Err(format!("a frame of {} octets, more than our SETTINGS allow", frame.payload.len()));
        }
        if let Some((stream, _)) = &self.block
            && (frame.kind != CONTINUATION || frame.stream != *stream)
        {
            return Err("a frame within the server's field block (RFC 9113 §4.3)".to_owned());
        }
        match frame.kind {
            SETTINGS if frame.flags & ACK != 0 => self.apply_announced(),
            SETTINGS => {
                self.settings.extend(frame.settings());
                if self.acknowledges {
                    self.frame(SETTINGS, ACK, 0, []);
                    let most = self.setting(HEADER_TABLE_SIZE, 4_096);
                    if most < self.table.0 {
                        self.table = (most, true);
                    }
                }
                Ok(())
            }
            HEADERS | PUSH_PROMISE | CONTINUATION => self.take_block(frame),
            DATA => self.take_data(frame),
            _ => Ok(()),
        }
    }

    fn take_block(&mut self, frame: &mut Frame) -> Result<(), String> {
        let (stream, mut octets) = self.block.take().unwrap_or((frame.stream, Vec::new()));
        octets.extend_from_slice(frame.fragment().ok_or("HEADERS too short for its flags")?);
        if frame.flags & END_HEADERS == 0 {
            self.block = Some((stream, octets));
            return Ok(());
        }
        let fields = self.decoder.decode(&octets);
        frame.fields = Some(fields.map_err(|why| format!("a field block that can't be decoded: {why}"))?);
        Ok(())
    }

    fn take_data(&mut self, frame: &Frame) -> Result<(), String> {
        let octets = frame.payload.len();
        let size = i64::try_from(octets).unwrap_or(i64::MAX);
        self.windows.connection -= size;
        let own = self.windows.streams.entry(frame.stream).or_default();
        *own -= size;
        if self.audits && octets > 0 && (self.windows.connection < 0 || self.windows.initial + *own < 0) {
            return Err(format!("{octets} octets of DATA beyond the window (RFC 9113 §6.9.1)"));
        }
        if self.gives_credit && octets > 0 {
            let increment = u32::try_from(octets).unwrap_or(u32::MAX);
            self.send([window_update(0, increment), window_update(frame.stream, increment)].concat());
        }
        Ok(())
    }

    /// The server has acknowledged the oldest of our SETTINGS.
    fn apply_announced(&mut self) -> Result<(), String> {
        let Some(pairs) = self.announced.pop_front() else {
            let why = "an acknowledgment of SETTINGS that nobody sent";
            return if self.audits { Err(why.to_owned()) } else { Ok(()) };
        };
        for (id, value) in pairs {
            match id {
                HEADER_TABLE_SIZE => self.decoder.limit(value as usize),
                INITIAL_WINDOW_SIZE => self.windows.initial = i64::from(value),
                MAX_FRAME_SIZE => self.frame_octets_max = value as usize,
                _ => {}
            }
        }
        Ok(())
    }

    /// The same octets; where they begin with HEADERS, and a size of the table is due, with that at the start of the
    /// field block.
    fn with_table_size<'o>(&mut self, octets: &'o [u8]) -> Cow<'o, [u8]> {
        let (most, is_due) = self.table;
        let begins = is_due && self.updates_table && self.sent.is_empty();
        let Some((&[a, b, c, HEADERS, flags, ..], payload)) = octets.split_first_chunk::<HEAD_OCTETS>()
        else {
            return Cow::Borrowed(octets);
        };
        let start = if flags & PADDED == 0 { 0 } else { 1 } + if flags & WITH_PRIORITY == 0 { 0 } else { 5 };
        let Some((prefix, block)) = payload.split_at_checked(start).filter(|_| begins) else {
            return Cow::Borrowed(octets);
        };
        self.table.1 = false;
        if block.first().is_some_and(|first| first & 0xe0 == 0x20) {
            return Cow::Borrowed(octets);
        }
        let update = integer(0x20, 5, most.into());
        let length = u32::from_be_bytes([0, a, b, c]) + update.len() as u32;
        let [_, length @ ..] = length.to_be_bytes();
        Cow::Owned([&length[..], &octets[3..HEAD_OCTETS], prefix, &update, block].concat())
    }

    /// Remembers what our own frames permit the server.
    fn note(&mut self, octets: &[u8]) {
        self.sent.extend_from_slice(octets);
        let sent = core::mem::take(&mut self.sent);
        let mut left = sent.strip_prefix(PREFACE).unwrap_or(&sent);
        while let Some((head, rest)) = left.split_first_chunk::<HEAD_OCTETS>() {
            let [a, b, c, kind, flags, stream @ ..] = *head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let Some((payload, rest)) = rest.split_at_checked(length) else { break };
            let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
            self.note_frame(&Frame { kind, flags, stream, payload: payload.to_owned(), fields: None });
            left = rest;
        }
        self.sent = left.to_owned();
    }

    fn note_frame(&mut self, sent: &Frame) {
        match sent.kind {
            SETTINGS if sent.flags & ACK == 0 => self.announced.push_back(sent.settings().collect()),
            WINDOW_UPDATE => {
                let increment = i64::from(sent.number(0).unwrap_or(0) & 0x7fff_ffff);
                match sent.stream {
                    0 => self.windows.connection += increment,
                    stream => *self.windows.streams.entry(stream).or_default() += increment,
                }
            }
            _ => {}
        }
    }
}
