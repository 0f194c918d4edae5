//! What the frames of one stream say together, and a log in words.

use core::fmt::Write;

use super::codes::{Code, name_of};
use super::decoder::Field;
use super::frame::{
    ACK, CONTINUATION, DATA, END_STREAM, Frame, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM,
    SETTINGS, WINDOW_UPDATE,
};
use super::peer::{Peer, Stop};

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With END_STREAM.
    Whole,
    /// With RST_STREAM.
    Reset(Code),
}

/// One response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Its status, or 0 if the stream ended before.
    pub status: u16,
    /// The status of each interim response.
    pub interim: Vec<u16>,
    /// All fields of the final head, `:status` among them.
    pub fields: Vec<Field>,
    /// The content.
    pub body: Vec<u8>,
    /// The trailer section.
    pub trailers: Option<Vec<Field>>,
    /// How it ended.
    pub end: End,
}

impl Response {
    /// Whether the server has said its last on this stream.
    #[must_use]
    pub fn is_over(log: &[Frame], stream: u32) -> bool {
        log.iter().rev().filter(|frame| frame.stream == stream).any(|frame| {
            frame.kind == RST_STREAM || matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0
        })
    }

    /// Puts together what the log has of this stream, if it has come to an end.
    #[must_use]
    pub fn of(log: &[Frame], stream: u32) -> Option<Response> {
        if !Response::is_over(log, stream) {
            return None;
        }
        let fields = Vec::new();
        let mut response =
            Response { status: 0, interim: vec![], fields, body: vec![], trailers: None, end: End::Whole };
        let mut is_last = false;
        for frame in log.iter().filter(|frame| frame.stream == stream) {
            is_last |= matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0;
            if let Some(fields) = &frame.fields {
                response.take_fields(fields);
            }
            match frame.kind {
                DATA => response.body.extend_from_slice(frame.data()),
                RST_STREAM => {
                    response.end = End::Reset(frame.code().unwrap_or_default());
                    return Some(response);
                }
                _ => {}
            }
            if is_last && (frame.kind == DATA || frame.fields.is_some()) {
                return Some(response);
            }
        }
        None
    }

    fn take_fields(&mut self, fields: &[Field]) {
        if self.status != 0 {
            self.trailers = Some(fields.to_owned());
            return;
        }
        match status_of(fields) {
            interim @ 100..200 => self.interim.push(interim),
            status => {
                self.status = status;
                self.fields = fields.to_owned();
            }
        }
    }

    /// The first field of this name, as text.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(known, _)| known == name)?;
        str::from_utf8(value).ok()
    }

    /// The content as text.
    #[must_use]
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap_or("(no text)")
    }
}

fn status_of(fields: &[Field]) -> u16 {
    let status = fields.iter().find(|(name, _)| name == ":status");
    status.and_then(|(_, value)| str::from_utf8(value).ok()?.parse().ok()).unwrap_or_default()
}

impl Peer {
    /// Waits for the end of a stream.
    ///
    /// # Errors
    ///
    /// What the server did instead.
    pub fn response(&mut self, stream: u32) -> Result<Response, Stop> {
        self.wait(|log| Response::of(log, stream))
    }

    /// The last frames that came, in words.
    #[must_use]
    pub fn story(&self) -> String {
        const FRAMES_MAX: usize = 12;
        let skipped = self.log.len().saturating_sub(FRAMES_MAX);
        let mut text = if skipped == 0 { String::new() } else { format!("…{skipped} more, ") };
        for (at, frame) in self.log.iter().skip(skipped).enumerate() {
            let _ = write!(text, "{}{}", if at == 0 { "" } else { ", " }, in_words(frame));
        }
        text
    }
}

fn in_words(frame: &Frame) -> String {
    let name = match frame.kind {
        DATA => "DATA",
        HEADERS => "HEADERS",
        PRIORITY => "PRIORITY",
        RST_STREAM => "RST_STREAM",
        SETTINGS => "SETTINGS",
        PUSH_PROMISE => "PUSH_PROMISE",
        PING => "PING",
        GOAWAY => "GOAWAY",
        WINDOW_UPDATE => "WINDOW_UPDATE",
        CONTINUATION => "CONTINUATION",
        _ => "unknown",
    };
    let mut text = name.to_owned();
    if frame.stream != 0 {
        let _ = write!(text, " {}", frame.stream);
    }
    match frame.kind {
        RST_STREAM | GOAWAY => {
            let _ = write!(text, " {}", name_of(frame.code().unwrap_or(u32::MAX)));
        }
        SETTINGS | PING if frame.flags & ACK != 0 => text += " ACK",
        DATA => {
            let _ = write!(text, " of {}", frame.payload.len());
        }
        _ => {}
    }
    if let Some(fields) = &frame.fields {
        let _ = write!(text, " ({})", status_of(fields));
    }
    if matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
        text += " END";
    }
    text
}
