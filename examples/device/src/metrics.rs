//! `GET /metrics`: Prometheus text (exposition format 0.0.4), written line by line as there is room.
//!
//! All lines show the same moment: the numbers are copied when the request comes, the text is made of them
//! when it goes out.

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{FieldBlock, ResponseHead};
use rws_core::{Status, field_lines};

use crate::device::Snapshot;
use crate::routes;
use crate::text::{Text, copy_from};

/// An answer under way.
#[derive(Debug)]
pub(crate) struct Metrics {
    numbers: Snapshot,
    family: u8,
    /// The line of the family: 0 and 1 say what it is, the others are samples.
    line: u8,
    /// Bytes of the line that are out.
    sent: u8,
}

struct Family {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    samples: u8,
}

/// In the order in which [`Metrics::sample`] knows them.
const FAMILIES: [Family; 8] = [
    counter("device_requests_total", "Requests by route.", routes::COUNT as u8 + 1),
    gauge("device_led_on", "Whether the LED is lit."),
    gauge("device_temperature_celsius", "The last reading."),
    counter("device_readings_total", "Readings since the start.", 1),
    gauge("device_event_subscribers", "Clients that listen to events."),
    counter("device_events_sent_total", "Readings that went out as events.", 1),
    counter("device_firmware_uploads_total", "Images that came whole, by what became of them.", 2),
    gauge("device_firmware_bytes", "The length of the image that was taken last."),
];

const fn counter(name: &'static str, help: &'static str, samples: u8) -> Family {
    Family { name, help, kind: "counter", samples }
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, help, kind: "gauge", samples: 1 }
}

const FIELDS: FieldBlock<'static> =
    field_lines!["Content-Type: text/plain; version=0.0.4; charset=utf-8", "Cache-Control: no-store"];

/// The longest line: bytes.
const LINE_BYTES_MAX: usize = 112;

impl Metrics {
    pub(crate) const fn new(numbers: Snapshot) -> Metrics {
        Metrics { numbers, family: 0, line: 0, sent: 0 }
    }

    pub(crate) const fn head() -> HeadAnswer<'static> {
        HeadAnswer::Final(ResponseHead { status: Status::OK, fields: FIELDS }, BodyPlan::Streamed)
    }

    pub(crate) fn fill(&mut self, out: &mut [u8]) -> Fill {
        let mut used = 0_usize;
        while let Some(family) = FAMILIES.get(usize::from(self.family)) {
            if self.line >= family.samples.saturating_add(2) {
                (self.family, self.line) = (self.family.saturating_add(1), 0);
                continue;
            }
            let mut made = [0; LINE_BYTES_MAX];
            let rest = out.get_mut(used..).unwrap_or_default();
            let (len, is_all) = copy_from(self.text(family, &mut made), usize::from(self.sent), rest);
            used = used.saturating_add(len);
            if !is_all {
                self.sent = self.sent.saturating_add(len as u8);
                return Fill::More(used);
            }
            (self.line, self.sent) = (self.line.saturating_add(1), 0);
        }
        Fill::End(used)
    }

    fn text<'m>(&self, family: &Family, made: &'m mut [u8; LINE_BYTES_MAX]) -> &'m [u8] {
        let mut text = Text::new(made);
        match self.line.checked_sub(2) {
            None if self.line == 0 => _ = text.put("# HELP ").put(family.name).put(" ").put(family.help),
            None => _ = text.put("# TYPE ").put(family.name).put(" ").put(family.kind),
            Some(sample) => self.sample(family.name, sample, &mut text),
        }
        text.put("\n");
        text.written()
    }

    fn sample(&self, name: &str, sample: u8, text: &mut Text<'_>) {
        let Snapshot { counts, newest, firmware, subscribers, is_led_on } = &self.numbers;
        text.put(name);
        match (self.family, sample) {
            (0, at) => {
                let table = routes::table();
                let route = table.routes().get(usize::from(at));
                let count = counts.requests.get(usize::from(at)).copied().unwrap_or(0);
                let (method, pattern) = match route {
                    Some(route) => {
                        (route.methods.iter().next().map_or("", |method| method.as_str()), route.pattern)
                    }
                    None => ("", "unmatched"),
                };
                text.put("{method=\"").put(method).put("\",route=\"").put(pattern).put("\"} ").number(count);
            }
            (1, _) => _ = text.put(" ").number(u32::from(*is_led_on)),
            (2, _) if newest.sequence == 0 => _ = text.put(" NaN"),
            (2, _) => _ = text.put(" ").thousandths(newest.millicelsius),
            (3, _) => _ = text.put(" ").number(newest.sequence),
            (4, _) => _ = text.put(" ").number(u32::from(*subscribers)),
            (5, _) => _ = text.put(" ").number(counts.events_sent),
            (6, 0) => _ = text.put("{result=\"taken\"} ").number(counts.uploads_taken),
            (6, _) => _ = text.put("{result=\"refused\"} ").number(counts.uploads_refused),
            (_, _) => _ = text.put(" ").number(firmware.length),
        }
    }
}
