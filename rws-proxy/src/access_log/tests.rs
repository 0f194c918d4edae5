//! The lines as a whole, for any bytes; and the writer under a slow, broken or hanging sink.

use super::{Format, Level, LogWriter, Record};
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
        client: None,
        backend: None,
        is_aborted: false,
        error: None,
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
                    \"curl/8.5.0\" \"a1b2\"\n";
    assert_eq!(shown, expected);
    let plain = Record { request_id: b"", status: 0, ..record(b"/", b"x") };
    assert!(line(Format::Combined, &plain).ends_with("\"GET / HTTP/1.1\" 000 2326 \"-\" \"x\"\n"));
}

#[test]
fn a_json_line_tells_who_took_part_and_what_went_wrong() {
    let shown = line(
        Format::Json,
        &Record {
            client: Some("2001:db8::7".parse().expect("an address")),
            upstream: Some("app"),
            backend: Some("10.0.0.1:9001".parse().expect("an address")),
            is_aborted: true,
            error: Some("the client has gone"),
            ..record(b"/", b"x")
        },
    );
    assert!(shown.contains("\"peer\":\"192.0.2.7\",\"client\":\"2001:db8::7\",\"bytes\":2326,"), "{shown}");
    let end = "\"upstream\":\"app\",\"backend\":\"10.0.0.1:9001\",\"aborted\":true,\
               \"error\":\"the client has gone\"}\n";
    assert!(shown.ends_with(end), "{shown}");
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
    assert!(combined.ends_with("\"a\\\"\\x0a1.2.3.4 - -\\x7f\\xff\\xc2\\x9b\" \"a1b2\"\n"), "{combined}");
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
    let (writer, intake) = LogWriter::start(sink, 1000).expect("a thread");
    let mut lines = intake.line_buffer(Format::Combined);
    let bytes = line(Format::Combined, &record(b"/", b"-")).len();
    for _ in 0..1000 {
        lines.write(&record(b"/", b"-"));
    }
    // Both halves of the slot may be full, and one more buffer in the writer's hands.
    let most = 3 * (1000 / bytes + 1);
    let lost = intake.dropped_lines();
    assert!(lost >= 1000 - most as u64, "{lost} were lost");
    drop((lines, gate));
    assert!(writer.finish(LONG));
    let written: Vec<u8> = output.iter().flatten().collect();
    assert_eq!(written.iter().filter(|byte| **byte == b'\n').count() as u64 + intake.dropped_lines(), 1000);
}

#[test]
fn each_line_is_written_whole_or_counted_whatever_the_threads_do() {
    const LINES: usize = 20_000;
    let (sink, output, gate) = gated();
    drop(gate);
    let (writer, intake) = LogWriter::start(sink, 64 * 1024).expect("a thread");
    let shards: Vec<_> = (0..3)
        .map(|_| {
            let mut lines = intake.line_buffer(Format::Json);
            std::thread::spawn(move || (0..LINES).for_each(|_| lines.write(&record(b"/", b"-"))))
        })
        .collect();
    for shard in shards {
        shard.join().expect("no panic");
    }
    assert!(writer.finish(LONG));
    let text: Vec<u8> = output.iter().flatten().collect();
    let text = String::from_utf8(text).expect("UTF-8");
    let whole = line(Format::Json, &record(b"/", b"-"));
    assert!(text.split_inclusive('\n').all(|line| line == whole));
    assert_eq!(text.lines().count() as u64 + intake.dropped_lines(), 3 * LINES as u64);
}

#[test]
fn a_line_wakes_a_writer_that_sleeps() {
    let (sink, output, gate) = gated();
    drop(gate);
    let (_writer, intake) = LogWriter::start_with(sink, 1000, Duration::ZERO).expect("a thread");
    let mut lines = intake.line_buffer(Format::Combined);
    for _ in 0..1000 {
        while !intake.is_asleep() {
            std::thread::yield_now();
        }
        lines.write(&record(b"/", b"-"));
        assert!(output.recv_timeout(LONG).is_ok());
    }
}

#[test]
fn what_was_written_before_the_end_is_in_the_log_and_what_comes_later_is_counted() {
    let (sink, output, gate) = gated();
    drop(gate);
    let (writer, intake) = LogWriter::start(sink, 1 << 20).expect("a thread");
    let mut lines = intake.line_buffer(Format::Combined);
    for _ in 0..200 {
        lines.write(&record(b"/", b"-"));
    }
    assert!(writer.finish(LONG));
    let before = intake.dropped_lines();
    lines.write(&record(b"/", b"-"));
    assert_eq!(intake.dropped_lines(), before + 1);
    let text: Vec<u8> = output.iter().flatten().collect();
    let written = text.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert!(written > 100, "{written}");
    assert_eq!(written + before, 200);
}

#[test]
fn a_sink_that_hangs_does_not_hang_the_shutdown() {
    let (sink, _output, gate) = gated();
    let (writer, intake) = LogWriter::start(sink, 1000).expect("a thread");
    intake.line_buffer(Format::Combined).write(&record(b"/", b"-"));
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
    let (writer, intake) = LogWriter::start(Broken, 1000).expect("a thread");
    let mut lines = intake.line_buffer(Format::Combined);
    for _ in 0..3 {
        lines.write(&record(b"/", b"-"));
    }
    drop(lines);
    assert!(writer.finish(LONG));
    assert_eq!(intake.dropped_lines(), 3);
}
