//! The lines as a whole, for any bytes; and the writer under a slow, broken or hanging sink.

use super::{Format, Level, LineBuffer, LogWriter, Record, Submitted};
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use proptest::prelude::*;
use std::io::{self, Write};
use std::sync::mpsc;

const LONG: Duration = Duration::from_secs(30);

fn record<'a>(path: &'a [u8], user_agent: &'a [u8]) -> Record<'a> {
    Record {
        unix_time_us: 1_767_323_045_678_000,
        level: Level::of_status(200),
        method: b"GET",
        path,
        protocol: "HTTP/1.1",
        status: 200,
        latency_us: 12_034,
        request_id: b"a1b2",
        peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        bytes: 2326,
        user_agent: Some(user_agent),
        referer: None,
        route: Some("/files/*"),
        upstream: None,
    }
}

fn line(format: Format, record: &Record<'_>) -> String {
    let mut out = Vec::new();
    format.write(record, &mut out);
    String::from_utf8(out).expect("a line is always UTF-8")
}

#[test]
fn a_combined_line_has_the_usual_shape() {
    let shown = line(Format::Combined, &record(b"/files/a?x=1", b"curl/8.5.0"));
    let expected = "192.0.2.7 - - [02/Jan/2026:03:04:05 +0000] \"GET /files/a?x=1 HTTP/1.1\" 200 2326 \"-\" \
                    \"curl/8.5.0\"\n";
    assert_eq!(shown, expected);
}

#[test]
fn a_json_line_has_its_members_in_order() {
    let shown = line(Format::Json, &record(b"/files/a?x=1", b"curl/8.5.0"));
    let expected = "{\"ts\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"method\":\"GET\",\
                    \"path\":\"/files/a?x=1\",\"status\":200,\"latency_ms\":12.034,\"request_id\":\"a1b2\",\
                    \"peer\":\"192.0.2.7\",\"bytes\":2326,\"protocol\":\"HTTP/1.1\",\
                    \"user_agent\":\"curl/8.5.0\",\"route\":\"/files/*\"}\n";
    assert_eq!(shown, expected);
}

#[test]
fn nobody_can_forge_a_line_or_reach_the_terminal() {
    let attack = record(b"/\" 200\r\n\x1b[2J\\", b"a\"\n1.2.3.4 - -\x7f\xff\xc2\x9b");
    let combined = line(Format::Combined, &attack);
    assert!(combined.contains(r#""GET /\" 200\x0d\x0a\x1b[2J\\ HTTP/1.1""#), "{combined}");
    assert!(combined.ends_with("\"a\\\"\\x0a1.2.3.4 - -\\x7f\\xff\\xc2\\x9b\"\n"), "{combined}");
    let json = line(Format::Json, &attack);
    assert!(json.contains(r#""path":"/\" 200\r\n\u001b[2J\\""#), "{json}");
    assert!(json.contains(r#""user_agent":"a\"\n1.2.3.4 - -\u007f"#), "{json}");
    assert!(json.contains("\u{fffd}\\u009b\""), "{json}");
}

#[test]
fn secrets_are_replaced_in_path_and_referer() {
    let mut leaky = record(b"/in?user=me&password=hunter2", b"-");
    leaky.referer = Some(b"https://a.example/cb?code=hunter2&state=1");
    for format in [Format::Combined, Format::Json] {
        let shown = line(format, &leaky);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.contains("user=me&password=REDACTED") && shown.contains("code=REDACTED&state=1"),
            "{shown}"
        );
    }
}

#[test]
fn a_field_without_end_is_cut_once() {
    let path = [b"/a?".as_slice(), &b"x&".repeat(5000)].concat();
    for format in [Format::Combined, Format::Json] {
        let shown = line(format, &record(&path, &b"u".repeat(5000)));
        assert!(shown.len() < 5000, "{}", shown.len());
        assert_eq!(shown.matches("...").count(), 2, "{shown}");
    }
}

#[test]
fn levels_follow_the_status() {
    let levels = [200, 304, 404, 499, 500, 504].map(Level::of_status);
    use Level::{Error, Info, Warn};
    assert_eq!(levels, [Info, Info, Warn, Warn, Error, Error]);
}

proptest! {
    #[test]
    fn any_bytes_make_one_valid_line(
        method in any::<Vec<u8>>(),
        path in any::<Vec<u8>>(),
        agent in any::<Vec<u8>>(),
        referer in any::<Vec<u8>>(),
        id in any::<Vec<u8>>(),
        time in any::<u64>(),
    ) {
        let mut odd = record(&path, &agent);
        odd.method = &method;
        odd.referer = Some(&referer);
        odd.request_id = &id;
        odd.unix_time_us = time;
        let combined = line(Format::Combined, &odd);
        let visible = |text: &str| text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        prop_assert!(combined.strip_suffix('\n').is_some_and(visible), "{combined}");
        let json = line(Format::Json, &odd);
        let object = json.strip_suffix('\n').expect("a line end");
        prop_assert!(!object.chars().any(char::is_control), "{json}");
        let parsed: serde_json::Value = serde_json::from_str(object).expect("valid JSON");
        prop_assert_eq!(&parsed["status"], 200);
        prop_assert!(parsed.as_object().is_some_and(|object| object.len() == 13), "{}", json);
    }
}

/// Hands everything that is written to the test, and waits for its word before each write.
struct Gated {
    written: mpsc::Sender<Vec<u8>>,
    go: mpsc::Receiver<()>,
}

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.go.recv();
        let _ = self.written.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gated() -> (Gated, mpsc::Receiver<Vec<u8>>, mpsc::Sender<()>) {
    let ((written, output), (gate, go)) = (mpsc::channel(), mpsc::channel());
    (Gated { written, go }, output, gate)
}

#[test]
fn a_slow_sink_costs_lines_and_never_time() {
    let (sink, output, gate) = gated();
    let (writer, queue) = LogWriter::start(sink, 2).expect("a thread");
    let outcomes: Vec<Submitted> =
        (0..100).map(|n| queue.submit(&mut format!("{n}\n{n}\n").into_bytes())).collect();
    let lost = outcomes.iter().filter(|outcome| **outcome == Submitted::Dropped).count();
    assert!(lost >= 97, "two may wait and one may be in the writer's hands, {lost} were lost");
    assert_eq!(queue.dropped_lines(), 2 * lost as u64);
    drop(gate);
    assert!(writer.finish(LONG));
    assert_eq!(output.iter().count(), 100 - lost);
}

#[test]
fn what_was_submitted_before_the_end_is_written() {
    let (sink, output, gate) = gated();
    let (writer, queue) = LogWriter::start(sink, 100).expect("a thread");
    let mut lines = LineBuffer::new(Format::Combined, queue.clone());
    for _ in 0..200 {
        lines.write(&record(b"/", b"-"));
    }
    drop(lines);
    drop(gate);
    assert!(writer.finish(LONG));
    let text: Vec<u8> = output.iter().flatten().collect();
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 200);
    assert_eq!(queue.dropped_lines(), 0);
    assert_eq!(queue.submit(&mut b"late\n".to_vec()), Submitted::Dropped);
    assert_eq!(queue.dropped_lines(), 1);
}

#[test]
fn a_sink_that_hangs_does_not_hang_the_shutdown() {
    let (sink, _output, gate) = gated();
    let (writer, queue) = LogWriter::start(sink, 2).expect("a thread");
    assert_eq!(queue.submit(&mut b"a\n".to_vec()), Submitted::Queued);
    assert!(!writer.finish(Duration::ZERO));
    drop(gate);
}

#[test]
fn a_broken_sink_is_counted_and_survived() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let (writer, queue) = LogWriter::start(Broken, 10).expect("a thread");
    assert_eq!(queue.submit(&mut b"a\nb\n".to_vec()), Submitted::Queued);
    assert_eq!(queue.submit(&mut b"c\n".to_vec()), Submitted::Queued);
    assert!(writer.finish(LONG));
    assert_eq!(queue.dropped_lines(), 3);
}
