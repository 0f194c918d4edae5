//! What a server does, rule by rule; every vector also at every split, byte by byte and with every size of
//! `tx`.

use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::connection::BodyPlan;
use crate::h1::encode::CANNED_BYTES_MAX;
use crate::h1::testing::{Drive, Give, Message, OwnFields, Script};
use crate::message::{Field, Span};
use crate::{Limits, Status};

mod ends;
mod interim;
mod whole;

/// Small enough that every size of `tx` can be tried.
const LIMITS: Limits = Limits { response_head_bytes_max: 256, ..Limits::SERVER };

struct Run {
    log: Vec<String>,
    output: String,
    status: ConnectionStatus,
}

fn run(limits: &Limits, tx_bytes: usize, pieces: &[&[u8]], messages: &[Message]) -> Run {
    let mut drive = Drive::new(limits);
    drive.tx_bytes = tx_bytes;
    let mut server = Server::new(&drive.env());
    let mut script = Script::new(messages.iter().cloned());
    for piece in pieces {
        drive.feed(&mut server, &mut script, piece);
    }
    Run { log: drive.log.clone(), output: drive.text(), status: server.status() }
}

/// Runs `input` whole, at every split, byte by byte and with every size of `tx`; all must agree.
fn check(limits: &Limits, input: &str, messages: &[Message]) -> Run {
    let input = input.as_bytes();
    let whole = run(limits, 64 * 1024, &[input], messages);
    let compare = |other: Run, how: &str| {
        assert_eq!(whole.log, other.log, "{how}");
        assert_eq!(dechunk(&whole.output), dechunk(&other.output), "{how}");
        assert_eq!(whole.status, other.status, "{how}");
    };
    for at in 0..=input.len() {
        let (a, b) = input.split_at(at);
        compare(run(limits, 64 * 1024, &[a, b], messages), &alloc::format!("split at {at}"));
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    compare(run(limits, 64 * 1024, &bytes, messages), "byte by byte");
    for tx_bytes in (256..400).chain([512, 1000, 4096]) {
        compare(run(limits, tx_bytes, &[input], messages), &alloc::format!("tx of {tx_bytes} bytes"));
    }
    whole
}

/// The output with chunk framing taken away, since that follows the size of `tx`.
fn dechunk(output: &str) -> String {
    let Some((head, mut rest)) = output.split_once("Transfer-Encoding: chunked\r\n\r\n") else {
        return output.into();
    };
    let mut text = String::from(head);
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        if size == 0 {
            text.push_str("<last>");
            rest = tail;
            break;
        }
        text.push_str(&tail[..size]);
        rest = &tail[size..];
        rest = rest.strip_prefix("\r\n").expect("CRLF after a chunk");
    }
    text.push_str(rest);
    text
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

fn ok(rest: &str) -> String {
    alloc::format!("HTTP/1.1 200 OK\r\n{DATE}{rest}")
}

#[test]
fn a_get_is_one_event_and_one_write() {
    let drive = Drive::new(&LIMITS);
    let env = drive.env();
    let mut server = Server::new(&env);
    let mut script =
        Script::new([Message::sized(200, "Hello, World!").with(&[("Content-Type", "text/plain")])]);
    let mut rx = GET.as_bytes().to_vec();
    let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 16]);
    let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
    let step = server.receive(&env, &mut rx, &mut scratch);
    assert_eq!(step.consumed, rx.len());
    assert!(matches!(step.event, Some(Event::Request { end: true, .. })));
    let before = server.exchange();
    let mut tx = [0; 512];
    let Sent::Bytes(n) = server.transmit(&env, &mut tx, &mut Scratch::default(), &mut script) else {
        panic!("bytes are written");
    };
    let wanted = ok("Content-Length: 13\r\n\r\nHello, World!");
    let wanted = wanted.replace("Date", "Content-Type: text/plain\r\nDate");
    assert_eq!(String::from_utf8_lossy(&tx[..n]), wanted);
    assert!(before.is_some() && server.exchange().is_none());
    assert_eq!(server.status(), ConnectionStatus::Open);
    assert!(!server.wants_transmit() && server.rx_want() > 0);
}

#[test]
fn sixteen_pipelined_requests_are_answered_into_one_buffer() {
    let drive = Drive::new(&LIMITS);
    let env = drive.env();
    let mut server = Server::new(&env);
    let mut script = Script::new((0..16).map(|n| Message::sized(200, &alloc::format!("{n}"))));
    let mut rx = GET.repeat(16).into_bytes();
    let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 16]);
    let (mut tx, mut filled, mut at) = ([0; 8192], 0, 0);
    for _ in 0..16 {
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let step = server.receive(&env, &mut rx[at..], &mut scratch);
        at += step.consumed;
        // The next request waits until this one is answered.
        assert_eq!(server.receive(&env, &mut rx[at..], &mut scratch), Step::NEED_MORE);
        assert_eq!(server.rx_want(), 0);
        let Sent::Bytes(n) = server.transmit(&env, &mut tx[filled..], &mut scratch, &mut script) else {
            panic!("an answer is written");
        };
        filled += n;
    }
    let text = String::from_utf8_lossy(&tx[..filled]);
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 16);
    assert!(text.ends_with("\r\n\r\n15"));
}

#[test]
fn one_empty_line_before_a_request_is_skipped_and_two_are_not() {
    let run = check(&LIMITS, &alloc::format!("\r\n{GET}\r\n{GET}"), &[Message::new(200), Message::new(200)]);
    assert_eq!(run.log, ["GET / end=true [Host: a]"; 2]);
    let run = check(&LIMITS, &alloc::format!("\r\n\r\n{GET}"), &[]);
    assert_eq!(run.log.len(), 1);
    assert!(run.log[0].starts_with("refused 400"), "{:?}", run.log);
}

#[test]
fn a_sized_body_comes_whole_and_then_its_end() {
    let input = alloc::format!("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello{GET}");
    let run = check(&LIMITS, &input, &[Message::sized(201, "made"), Message::new(200)]);
    assert_eq!(run.log[1..], ["body hello", "end", "GET / end=true [Host: a]"]);
    assert!(run.output.starts_with("HTTP/1.1 201 Created\r\n"));
    assert_eq!(run.status, ConnectionStatus::Open);
}

#[test]
fn a_chunked_body_comes_decoded_with_its_trailers() {
    let input = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5\r\nhello\r\n7;x=\"y\"\r\n, world\r\n0\r\nX-Sum: 12\r\n\r\n";
    let run = check(&LIMITS, input, &[Message::new(200)]);
    assert_eq!(run.log[1..], ["body hello, world", "end [X-Sum: 12]"]);
    assert_eq!(run.output, ok("Content-Length: 0\r\n\r\n"));
}

#[test]
fn a_chunked_body_without_trailers_ends_and_the_next_request_follows() {
    let input = alloc::format!(
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n{GET}"
    );
    let run = check(&LIMITS, &input, &[Message::new(200), Message::new(200)]);
    assert_eq!(run.log[1..], ["body hi", "end", "GET / end=true [Host: a]"]);
}

#[test]
fn a_refusal_is_answered_shortly_and_ends_the_connection() {
    let input = "GET / HTTP/1.1\r\nHost : a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let run = check(&LIMITS, input, &[]);
    assert_eq!(run.log, ["refused 400 FieldNameSyntax in exchange=false"]);
    let text = PeerFault::FieldNameSyntax.text();
    let length = text.len() + 1;
    assert_eq!(
        run.output,
        alloc::format!(
            "HTTP/1.1 400 Bad Request\r\n{DATE}Content-Type: text/plain\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{text}\n"
        )
    );
    assert_eq!(run.status, ConnectionStatus::CloseAfterFlush);
}

#[test]
fn earlier_answers_go_out_before_a_refusal() {
    let run = check(&LIMITS, &alloc::format!("{GET}BAD\r\n\r\n"), &[Message::sized(200, "fine")]);
    let (first, second) = run.output.split_once("fine").expect("the first answer");
    assert!(first.starts_with("HTTP/1.1 200") && second.starts_with("HTTP/1.1 400"));
}

#[test]
fn every_fault_has_an_answer_that_fits_its_room() {
    for &fault in PeerFault::ALL {
        let drive = Drive::new(&LIMITS);
        let mut server = Server::new(&drive.env());
        server.refused(fault);
        let mut tx = [0; CANNED_BYTES_MAX];
        let sent = server.transmit(&drive.env(), &mut tx, &mut Scratch::default(), &mut Script::default());
        let Sent::Bytes(n) = sent else { panic!("{fault:?}: {sent:?}") };
        let text = String::from_utf8_lossy(&tx[..n]);
        assert!(text.contains(fault.text()) && text.contains("Connection: close\r\n"), "{text}");
        assert!(text.contains(&alloc::format!(" {} ", fault.status())), "{text}");
    }
}

#[test]
fn a_bad_chunk_is_refused_while_no_answer_has_begun() {
    let input = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhiX";
    let run = check(&LIMITS, input, &[Message::new(200)]);
    assert_eq!(run.log[1..], ["body hi", "refused 400 ChunkSyntax in exchange=true"]);
    assert!(run.output.starts_with("HTTP/1.1 400 "));
    assert_eq!(run.status, ConnectionStatus::CloseAfterFlush);
}

#[test]
fn a_bad_chunk_after_the_answer_has_begun_cuts_it_off() {
    let mut drive = Drive::new(&LIMITS);
    drive.body_first = false;
    let mut server = Server::new(&drive.env());
    let mut script = Script::new([Message::new(200).plan(BodyPlan::Sized(10)).gives([
        Give::Bytes(b"hello".to_vec()),
        Give::Blocked,
        Give::Bytes(b"world".to_vec()),
    ])]);
    drive.wakes = false;
    drive.feed(
        &mut server,
        &mut script,
        b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    drive.feed(&mut server, &mut script, b"zz\r\n");
    assert_eq!(drive.log[1], "refused 400 ChunkSyntax in exchange=true");
    assert!(drive.text().ends_with("\r\n\r\nhello"));
    assert_eq!(server.status(), ConnectionStatus::Closed);
}

#[test]
fn an_answer_of_unknown_length_is_chunked_with_its_trailers() {
    let message = Message::streamed(200, &["hello", ", ", "world"]);
    let message =
        Message { trailers: OwnFields::new(&[("X-Sum", "12"), ("Content-Length", "9")]), ..message };
    let run = check(&LIMITS, GET, &[message]);
    assert_eq!(
        run.output,
        ok("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n2\r\n, \r\n5\r\nworld\r\n0\r\nX-Sum: 12\r\n\r\n")
    );
}

#[test]
fn a_long_answer_is_the_same_through_every_size_of_tx() {
    let long = "0123456789abcdef".repeat(40);
    let pieces: Vec<&str> = long.as_bytes().chunks(37).map(|piece| str::from_utf8(piece).unwrap()).collect();
    let run = check(&LIMITS, GET, &[Message::streamed(200, &pieces)]);
    assert!(dechunk(&run.output).ends_with("cdef<last>\r\n"), "{}", dechunk(&run.output));
    assert!(dechunk(&run.output).contains(&long));
    let run = check(&LIMITS, GET, &[Message::sized(200, &long)]);
    assert!(run.output.ends_with(&long));
}

#[test]
fn head_and_204_and_304_have_no_body() {
    let head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    let run = check(&LIMITS, head, &[Message::sized(200, "hello")]);
    assert_eq!(run.output, ok("Content-Length: 5\r\n\r\n"));
    let run = check(&LIMITS, GET, &[Message::sized(204, "hello")]);
    assert_eq!(run.output, alloc::format!("HTTP/1.1 204 No Content\r\n{DATE}\r\n"));
    let run = check(&LIMITS, GET, &[Message::new(304).with(&[("ETag", "\"a\"")])]);
    assert_eq!(run.output, alloc::format!("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n{DATE}\r\n"));
    assert_eq!(run.status, ConnectionStatus::Open);
}

#[test]
fn the_fields_of_the_engine_are_left_out_of_a_sources_head() {
    let message = Message::sized(200, "hi").with(&[
        ("Content-Length", "99"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "keep-alive, x-secret"),
        ("Keep-Alive", "timeout=5"),
        ("Date", "Mon, 07 Nov 1994 08:49:37 GMT"),
        ("X-Mine", "yes"),
    ]);
    let run = check(&LIMITS, GET, &[message]);
    assert_eq!(
        run.output,
        "HTTP/1.1 200 OK\r\nDate: Mon, 07 Nov 1994 08:49:37 GMT\r\nX-Mine: yes\r\nContent-Length: 2\r\n\r\nhi"
    );
}

#[test]
fn a_source_can_ask_for_the_end_of_the_connection() {
    let run = check(&LIMITS, GET, &[Message::sized(200, "hi").with(&[("Connection", "close")])]);
    assert_eq!(run.output, ok("Content-Length: 2\r\nConnection: close\r\n\r\nhi"));
    assert_eq!(run.status, ConnectionStatus::CloseAfterFlush);
}

#[test]
fn a_client_that_says_close_is_answered_and_let_go() {
    let input = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n";
    let run = check(&LIMITS, input, &[Message::sized(200, "hi")]);
    assert_eq!(run.log.len(), 1, "nothing after a close is looked at");
    assert!(run.output.contains("Connection: close\r\n"));
    assert_eq!(run.status, ConnectionStatus::CloseAfterFlush);
}

#[test]
fn http_1_0_gets_no_chunks_and_no_interim_answers_and_is_kept_only_if_it_asks() {
    let get = "GET / HTTP/1.0\r\n\r\n";
    let run = check(&LIMITS, get, &[Message::streamed(200, &["a", "b"])]);
    assert_eq!(run.output, ok("Connection: close\r\n\r\nab"));
    assert_eq!(run.status, ConnectionStatus::CloseAfterFlush);
    let keep = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let mut message = Message::sized(200, "a");
    message.interim.push_back((Status::EARLY_HINTS, OwnFields::default()));
    let run = check(&LIMITS, keep, &[message]);
    assert_eq!(run.output, ok("Content-Length: 1\r\nConnection: keep-alive\r\n\r\na"));
    assert_eq!(run.status, ConnectionStatus::Open);
}

#[test]
fn a_field_that_would_split_the_answer_is_never_written() {
    for (name, value) in [
        ("X-A\r\n", "b"),
        ("X A", "b"),
        ("", "b"),
        ("X-A:", "b"),
        ("X-A", "b\r\nEvil: 1"),
        ("X-A", "a much longer value with a NUL\0 somewhere"),
        ("X-A", "b\r"),
        ("X-A", " b"),
        ("X-A", "b\t"),
        ("X-A", "b\x7f"),
    ] {
        let arena = alloc::format!("{name}{value}");
        let name = Span::of(0, name.len()).unwrap();
        let field = Field::named(name, Span::of(name.end(), arena.len()).unwrap());
        let fields = OwnFields::raw(arena.as_bytes(), alloc::vec![field.unwrap()]);
        let run = check(&LIMITS, GET, &[Message { fields, ..Message::sized(200, "hi") }]);
        assert!(run.output.starts_with("HTTP/1.1 500 "), "{arena:?}: {}", run.output);
        assert!(!run.output.contains("Evil") && run.status == ConnectionStatus::CloseAfterFlush);
    }
}

#[test]
fn a_head_beyond_its_limit_becomes_a_500() {
    let run = check(&LIMITS, GET, &[Message::new(200).with(&[("X-A", &"a".repeat(300))])]);
    assert!(run.output.starts_with("HTTP/1.1 500 "));
}

#[test]
fn a_body_that_breaks_its_promise_never_looks_complete() {
    for (plan, gives) in [
        (BodyPlan::Sized(19), alloc::vec![Give::Bytes(b"short".to_vec())]),
        (BodyPlan::Sized(19), alloc::vec![Give::Bytes(b"short".to_vec()), Give::Abort]),
        (BodyPlan::Streamed, alloc::vec![Give::Bytes(b"short".to_vec()), Give::Abort]),
    ] {
        let run = check(&LIMITS, GET, &[Message::new(200).plan(plan).gives(gives)]);
        assert!(run.output.contains("short") && !run.output.contains("0\r\n\r\n"), "{}", run.output);
        assert_eq!(run.status, ConnectionStatus::Closed);
    }
    // And no more than was promised is ever taken.
    let long = Message::sized(200, "longer than said").plan(BodyPlan::Sized(6));
    let run = check(&LIMITS, GET, &[long]);
    assert_eq!(run.output, ok("Content-Length: 6\r\n\r\nlonger"));
}

#[test]
fn an_aborted_body_that_only_the_close_would_end_is_reset() {
    let mut drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env());
    let gives = [Give::Bytes(b"short".to_vec()), Give::Abort];
    let mut script = Script::new([Message::new(200).plan(BodyPlan::Streamed).gives(gives)]);
    drive.feed(&mut server, &mut script, b"GET / HTTP/1.0\r\n\r\n");
    assert!(server.ends_abruptly() && server.status() == ConnectionStatus::Closed);
}

#[test]
fn a_driver_may_send_runs_by_itself() {
    let gives =
        || [Give::Bytes(b"head-".to_vec()), Give::Direct(b"direct".to_vec()), Give::Bytes(b"-tail".to_vec())];
    let sized = Message::new(200).plan(BodyPlan::Sized(16)).gives(gives());
    let run = check(&LIMITS, &alloc::format!("{GET}{GET}"), &[sized, Message::new(200)]);
    assert!(run.output.contains("Content-Length: 16\r\n\r\nhead-direct-tailHTTP/1.1 200 OK"));
    let streamed = Message::new(200).plan(BodyPlan::Streamed).gives(gives());
    let run = check(&LIMITS, GET, &[streamed]);
    assert!(run.output.ends_with("5\r\nhead-\r\n6\r\ndirect\r\n5\r\n-tail\r\n0\r\n\r\n"));
    let whole = Message::new(200).plan(BodyPlan::Sized(6)).gives([Give::Direct(b"direct".to_vec())]);
    let run = check(&LIMITS, &alloc::format!("{GET}{GET}"), &[whole, Message::new(200)]);
    assert!(run.output.contains("\r\n\r\ndirectHTTP/1.1 200 OK"));
}

#[test]
fn a_head_is_asked_for_again_only_after_a_wake() {
    let mut drive = Drive::new(&LIMITS);
    drive.wakes = false;
    let mut server = Server::new(&drive.env());
    let mut script = Script::new([Message { waits: 1, ..Message::sized(200, "hi") }]);
    drive.feed(&mut server, &mut script, GET.as_bytes());
    assert_eq!(script.heads_asked, 1);
    assert!(!server.wants_transmit());
    drive.feed(&mut server, &mut script, b"");
    assert_eq!((script.heads_asked, drive.output.len()), (1, 0));
    let stream = server.exchange().unwrap();
    server.wake(stream);
    assert!(server.wants_transmit());
    drive.feed(&mut server, &mut script, b"");
    assert_eq!(drive.text(), ok("Content-Length: 2\r\n\r\nhi"));
    // A late wake, grant or reset for an exchange that is over changes nothing.
    server.wake(stream);
    server.reset(stream);
    assert_eq!(server.grant(stream, 1), Err(Misuse::StaleStream.into()));
    assert_eq!(server.status(), ConnectionStatus::Open);
}

#[test]
fn too_little_room_for_a_head_is_said_before_the_source_is_asked() {
    let drive = Drive::new(&LIMITS);
    let mut server = Server::new(&drive.env());
    let mut script = Script::new([Message::sized(200, "hi")]);
    let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 16]);
    let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
    server.receive(&drive.env(), &mut GET.as_bytes().to_vec(), &mut scratch);
    for bytes in 0..256 {
        let mut tx = alloc::vec![0; bytes];
        let sent = server.transmit(&drive.env(), &mut tx, &mut Scratch::default(), &mut script);
        assert_eq!(sent, Sent::NeedRoom(256));
    }
    assert_eq!(script.heads_asked, 0);
}
