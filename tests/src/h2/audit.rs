//! What no server may send, whatever it is asked: looked for in every frame that comes.

use std::collections::BTreeMap;

use super::decoder::Field;
use super::frame::{
    ACK, DATA, END_STREAM, Frame, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE,
};

/// Where a server stands with a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// No final head yet.
    #[default]
    Open,
    /// Content or trailers may follow.
    Answering,
    /// It has sent END_STREAM.
    Ended,
    /// It has sent RST_STREAM.
    Reset,
}

/// All streams of a connection.
#[derive(Debug, Default)]
pub(super) struct Audit {
    streams: BTreeMap<u32, State>,
    /// A block has begun with END_STREAM, and is not whole yet.
    ending: Option<u32>,
    /// The last stream that was promised.
    promised: u32,
    /// The last GOAWAY: streams beyond are not going to be answered.
    last_stream: Option<u32>,
}

impl Audit {
    /// What is wrong with this frame, behind those before.
    pub(super) fn fault(&mut self, frame: &Frame) -> Option<String> {
        self.shape(frame).or_else(|| self.state(frame)).map(|why| format!("the server sent {why}"))
    }

    /// Lengths and streams of each kind (RFC 9113 §6).
    fn shape(&mut self, frame: &Frame) -> Option<String> {
        let is_of_connection = frame.stream == 0;
        let (is_placed, is_long_enough) = match frame.kind {
            DATA | HEADERS | PUSH_PROMISE => (!is_of_connection, true),
            PRIORITY => (!is_of_connection, frame.payload.len() == 5),
            RST_STREAM => (!is_of_connection, frame.payload.len() == 4),
            SETTINGS if frame.flags & ACK != 0 => (is_of_connection, frame.payload.is_empty()),
            SETTINGS => (is_of_connection, frame.payload.len().is_multiple_of(6)),
            PING => (is_of_connection, frame.payload.len() == 8),
            GOAWAY => (is_of_connection, frame.payload.len() >= 8),
            WINDOW_UPDATE => (true, frame.payload.len() == 4 && frame.number(0) != Some(0)),
            _ => (true, true),
        };
        if !is_placed || !is_long_enough {
            return Some(format!(
                "a frame of type {} on stream {} with {} octets",
                frame.kind,
                frame.stream,
                frame.payload.len()
            ));
        }
        if frame.kind == PUSH_PROMISE {
            let promised = frame.promised().unwrap_or_default();
            if promised <= self.promised || !promised.is_multiple_of(2) || !self.may_promise(frame.stream) {
                return Some(format!(
                    "a promise of stream {promised} on stream {}, behind {} (RFC 9113 §5.1.1, §8.4)",
                    frame.stream, self.promised
                ));
            }
            self.promised = promised;
        }
        if frame.kind == GOAWAY {
            let last = frame.number(0).map(|stream| stream & 0x7fff_ffff);
            if self.last_stream < last && self.last_stream.is_some() {
                return Some("GOAWAY with a larger stream than before (RFC 9113 §6.8)".to_owned());
            }
            self.last_stream = last;
        }
        None
    }

    /// RFC 9113 §6.6: on a stream that the client has opened, as long as it lasts.
    fn may_promise(&self, parent: u32) -> bool {
        let is_over = matches!(self.streams.get(&parent), Some(State::Ended | State::Reset));
        !parent.is_multiple_of(2) && !is_over
    }

    /// The order of a response's frames (RFC 9113 §5.1, §8.1).
    fn state(&mut self, frame: &Frame) -> Option<String> {
        if frame.stream == 0 || matches!(frame.kind, PRIORITY | WINDOW_UPDATE | PUSH_PROMISE) {
            return None;
        }
        let before = self.streams.get(&frame.stream).copied().unwrap_or_default();
        if frame.kind == HEADERS && frame.flags & END_STREAM != 0 {
            self.ending = Some(frame.stream);
        }
        let after = match (frame.kind, before) {
            // A second reset is lawful after more than a round trip (§5.4.2).
            (RST_STREAM, _) => State::Reset,
            (_, State::Ended) => return Some(format!("a frame of type {} behind END_STREAM", frame.kind)),
            (_, State::Reset) => return Some(format!("a frame of type {} behind RST_STREAM", frame.kind)),
            (DATA, State::Open) => return Some("DATA before a head".to_owned()),
            (DATA, State::Answering) if frame.flags & END_STREAM != 0 => State::Ended,
            (_, state) => match &frame.fields {
                None => state,
                Some(fields) => match self.head(state, fields, frame.stream) {
                    Ok(state) => state,
                    Err(why) => return Some(why),
                },
            },
        };
        self.streams.insert(frame.stream, after);
        None
    }

    /// A field section that is whole.
    fn head(&mut self, before: State, fields: &[Field], stream: u32) -> Result<State, String> {
        let is_last = self.ending.take_if(|ending| *ending == stream).is_some();
        let is_trailer = before == State::Answering;
        if let Some(why) = fields.iter().find_map(field_fault) {
            return Err(why);
        }
        let pseudo: Vec<usize> = fields
            .iter()
            .enumerate()
            .filter(|(_, (name, _))| name.starts_with(':'))
            .map(|(at, _)| at)
            .collect();
        if is_trailer {
            return match (is_last, pseudo.is_empty()) {
                (true, true) => Ok(State::Ended),
                _ => Err("trailers with pseudo-fields, or without END_STREAM (RFC 9113 §8.1)".to_owned()),
            };
        }
        let status = fields.first().filter(|(name, value)| name == ":status" && value.len() == 3);
        let Some((_, status)) = status.filter(|_| pseudo == [0]) else {
            return Err(format!(
                "a head that does not begin with its one :status (RFC 9113 §8.3.2): {fields:?}"
            ));
        };
        match (status.first(), is_last) {
            (Some(b'1'), true) => Err("an interim response with END_STREAM (RFC 9113 §8.1)".to_owned()),
            (Some(b'1'), false) => Ok(State::Open),
            (_, true) => Ok(State::Ended),
            (_, false) => Ok(State::Answering),
        }
    }
}

/// RFC 9113 §8.2.1 and §8.2.2.
fn field_fault((name, value): &Field) -> Option<String> {
    const OF_CONNECTIONS: [&str; 5] =
        ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"];
    let regular = name.strip_prefix(':').unwrap_or(name);
    let is_name = !regular.is_empty()
        && regular
            .bytes()
            .all(|octet| matches!(octet, b'!'..=b'~') && octet != b':' && !octet.is_ascii_uppercase());
    let has_space =
        [value.first(), value.last()].into_iter().flatten().any(|octet| matches!(octet, b' ' | b'\t'));
    let is_value = !has_space && !value.iter().any(|octet| matches!(octet, 0 | b'\r' | b'\n'));
    let is_wrong = !is_name || !is_value || OF_CONNECTIONS.contains(&name.as_str());
    is_wrong.then(|| format!("the field `{name}: {}`", value.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::Audit;
    use crate::h2::Frame;
    use crate::h2::frame::{DATA, END_STREAM, HEADERS, RST_STREAM};

    fn frame(kind: u8, flags: u8, fields: &[(&str, &str)]) -> Frame {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_owned())).collect();
        let fields = Some(fields).filter(|fields| !fields.is_empty());
        Frame { kind, flags, stream: 1, payload: vec![0; 4], fields }
    }

    fn verdicts(frames: &[Frame]) -> Vec<bool> {
        let mut audit = Audit::default();
        frames.iter().map(|frame| audit.fault(frame).is_none()).collect()
    }

    #[test]
    fn whole_responses_are_fine_and_what_follows_them_is_not() {
        let early = frame(HEADERS, 0, &[(":status", "103")]);
        let head = frame(HEADERS, 0, &[(":status", "200"), ("a", "b")]);
        let (data, last) = (frame(DATA, 0, &[]), frame(DATA, END_STREAM, &[]));
        let trailers = frame(HEADERS, END_STREAM, &[("c", "d")]);
        let reset = frame(RST_STREAM, 0, &[]);
        assert_eq!(verdicts(&[early.clone(), head.clone(), data.clone(), trailers, reset]), [true; 5]);
        assert_eq!(verdicts(&[head.clone(), last, data.clone()]), [true, true, false]);
        assert_eq!(verdicts(&[data]), [false]);
        assert_eq!(verdicts(&[early, head.clone(), head]), [true, true, false]);
    }

    #[test]
    fn heads_that_no_client_should_see_are_faults() {
        for fields in [
            &[("a", "b")][..],
            &[("a", "b"), (":status", "200")],
            &[(":status", "200"), (":status", "200")],
            &[(":status", "200"), ("A", "b")],
            &[(":status", "200"), ("a", "b\n")],
            &[(":status", "200"), ("a", " b")],
            &[(":status", "200"), ("connection", "close")],
            &[(":status", "20")],
        ] {
            assert_eq!(verdicts(&[frame(HEADERS, END_STREAM, fields)]), [false], "{fields:?}");
        }
    }
}
