//! `GET /events`: a stream of server-sent events (HTML standard, §9.2), woken by whoever publishes.
//!
//! ```text
//!   Retry ─▶ Idle ── news ──▶ Reading, Beat ── all of it is out ──▶ Idle
//!              └─ none: Blocked, until the waker in the device's seat is called
//! ```
//!
//! A client that was away says by `Last-Event-ID` what it has; what it missed comes first, as far as it is
//! kept. A client that reads too slowly skips readings, never a part of one.

use core::task::Waker;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{FieldBlock, RequestHead, ResponseHead};
use rws_core::{Method, Status, field_lines, json};

use crate::answer::Answer;
use crate::device::{Device, News, Reading};
use crate::text::{Text, copy_from, parse_decimal};

/// A client that listens.
#[derive(Debug)]
pub(crate) struct Events {
    /// `None` for a HEAD request, which has nothing to listen to.
    seat: Option<u8>,
    /// The number of the next reading.
    next: u32,
    beats: u32,
    item: Item,
    /// Bytes of the item that are out.
    sent: u8,
}

/// What is being written.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// How long a client waits before it comes back: the first thing that it hears.
    Retry,
    Reading(Reading),
    Beat,
    Idle,
}

const FIELDS: FieldBlock<'static> =
    field_lines!["Content-Type: text/event-stream", "Cache-Control: no-store"];

/// The longest item: bytes.
const ITEM_BYTES_MAX: usize = 112;

impl Events {
    /// A seat, or the answer to one who finds none.
    pub(crate) fn begin(
        device: &Device,
        head: &RequestHead<'_>,
        waker: impl FnOnce() -> Waker,
    ) -> Result<Events, Answer> {
        let seat = match head.method() {
            Method::Head => None,
            _ => match device.subscribe(waker()) {
                Some(seat) => Some(seat as u8),
                None => return Err(Answer::later("all seats are taken\n")),
            },
        };
        let last = head.fields().single("Last-Event-ID").and_then(parse_decimal);
        let (next, beats) = (device.begin_after(last), device.beats());
        Ok(Events { seat, next, beats, item: Item::Retry, sent: 0 })
    }

    pub(crate) const fn head() -> HeadAnswer<'static> {
        HeadAnswer::Final(ResponseHead { status: Status::OK, fields: FIELDS }, BodyPlan::Streamed)
    }

    pub(crate) fn fill(&mut self, device: &Device, out: &mut [u8]) -> Fill {
        if self.seat.is_none() {
            return Fill::End(0);
        }
        let mut used = 0_usize;
        loop {
            if matches!(self.item, Item::Idle) && !self.hear(device) {
                return if used == 0 { Fill::Blocked } else { Fill::More(used) };
            }
            let mut made = [0; ITEM_BYTES_MAX];
            let rest = out.get_mut(used..).unwrap_or_default();
            let (len, is_all) = copy_from(self.item.text(&mut made), usize::from(self.sent), rest);
            used = used.saturating_add(len);
            if !is_all {
                self.sent = self.sent.saturating_add(len as u8);
                return Fill::More(used);
            }
            if matches!(self.item, Item::Reading(_)) {
                device.count(|counts| counts.events_sent = counts.events_sent.wrapping_add(1));
            }
            (self.item, self.sent) = (Item::Idle, 0);
        }
    }

    /// Looks for news; whether there are any.
    fn hear(&mut self, device: &Device) -> bool {
        self.item = match device.news(self.next, self.beats) {
            News::None => Item::Idle,
            News::Beat(beats) => {
                self.beats = beats;
                Item::Beat
            }
            News::Reading(reading) => {
                self.next = reading.sequence.wrapping_add(1);
                // A reading shows that the connection lives as well as a comment does.
                self.beats = device.beats();
                Item::Reading(reading)
            }
        };
        !matches!(self.item, Item::Idle)
    }

    pub(crate) fn end(self, device: &Device) {
        if let Some(seat) = self.seat {
            device.unsubscribe(usize::from(seat));
        }
    }
}

impl Item {
    fn text<'m>(&self, made: &'m mut [u8; ITEM_BYTES_MAX]) -> &'m [u8] {
        let mut text = Text::new(made);
        match self {
            Item::Retry => _ = text.put("retry: 2000\n\n"),
            Item::Reading(reading) => {
                let mut data = [0; 56];
                let len = json::write(reading, &mut data).unwrap_or(0);
                text.put("id: ").number(reading.sequence).put("\nevent: reading\ndata: ");
                text.bytes(data.get(..len).unwrap_or(&[])).put("\n\n");
            }
            Item::Beat => _ = text.put(": still here\n\n"),
            Item::Idle => {}
        }
        text.written()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_event_fits() {
        let longest = Item::Reading(Reading { sequence: u32::MAX, millicelsius: i32::MIN });
        assert_eq!(
            core::str::from_utf8(longest.text(&mut [0; ITEM_BYTES_MAX])),
            Ok("id: 4294967295\nevent: reading\n\
                data: {\"sequence\":4294967295,\"millicelsius\":-2147483648}\n\n")
        );
    }
}
