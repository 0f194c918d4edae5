//! Public HTTP/1 corpora, read at every split and byte by byte: the pieces change nothing, and the verdict is
//! the one that RFC 9112 asks for. Where that is not the corpus' own, `verdicts` says why.

mod board;
mod verdicts;

use std::collections::HashMap;

use rws_core::testing::wire::{self, AtEnd, Ending, Message, Reading};
use rws_core::{Limits, Method, PeerFault};
use rws_tests::corpora::{self, find, gunicorn, is_added_host, llhttp, with_host};
use verdicts::Ours;

/// CONNECT is on, so that the cases about it are judged by what they are about.
const LIMITS: Limits = Limits { connect_method: true, ..Limits::SERVER };

/// Reads `raw` whole, cut in two at every place, and byte by byte: it is the same reading each time.
fn at_every_split(name: &str, raw: &[u8], read: impl Fn(&[&[u8]]) -> Reading) -> Reading {
    let whole = read(&[raw]);
    let check = |pieces: &[&[u8]]| {
        let alike = wire::reads_alike(&read, pieces, &whole);
        assert!(alike, "{name}, {} bytes first: {:?}, not {whole:?}", pieces[0].len(), read(pieces));
    };
    for at in 1..raw.len() {
        let (front, back) = raw.split_at(at);
        check(&[front, back]);
    }
    check(&raw.chunks(1).collect::<Vec<_>>());
    whole
}

/// What a server reads in `raw`, with a host where it lacks one.
fn requests(name: &str, raw: &[u8]) -> Reading {
    let mut reading = at_every_split(name, raw, |pieces| wire::requests(&LIMITS, pieces));
    if reading.ending == Ending::Refused(PeerFault::HostMissing) {
        let named = with_host(raw);
        assert_ne!(named, raw, "{name}");
        reading = at_every_split(name, &named, |pieces| wire::requests(&LIMITS, pieces));
    }
    for message in &mut reading.messages {
        message.fields.retain(|(name, value)| name != "host" || !is_added_host(value));
        // Of these the corpora say nothing.
        message.path = None;
        message.authority.clear();
    }
    reading
}

/// Each name of a table, once, with what stands beside it.
fn by_name<T: Copy>(table: &[(T, &[&'static str])]) -> HashMap<&'static str, T> {
    let mut rows = HashMap::new();
    for (ours, names) in table {
        for name in *names {
            assert!(rows.insert(*name, *ours).is_none(), "{name} stands in the table twice");
        }
    }
    rows
}

fn deviations(table: &[(Ours, &str, &[&'static str])]) -> HashMap<&'static str, Ours> {
    assert!(table.iter().all(|(_, reason, _)| !reason.is_empty()), "a deviation has a reason");
    let table: Vec<(Ours, &[&'static str])> = table.iter().map(|(ours, _, names)| (*ours, *names)).collect();
    by_name(&table)
}

fn ours(reading: &Reading) -> Ours {
    match &reading.ending {
        Ending::Refused(fault) => Ours::Refused(*fault),
        Ending::Open(AtEnd::Truncated) => Ours::Truncated,
        Ending::Open(AtEnd::Fine) | Ending::Upgraded(_) => Ours::Accepted,
        Ending::Closing => Ours::Closed,
    }
}

fn show(messages: &[Message]) -> String {
    let lines = |lines: &[(String, Vec<u8>)]| {
        lines.iter().map(|(name, value)| format!("[{name}: {}]", value.escape_ascii())).collect::<String>()
    };
    let show = |message: &Message| {
        let Message { start, target, fields, body, trailers, complete, .. } = message;
        let (target, body) = (target.escape_ascii(), body.escape_ascii().to_string());
        format!("  {start} {target} {} {body:?} {} complete={complete}\n", lines(fields), lines(trailers))
    };
    messages.iter().map(show).collect()
}

fn read_case(case: &llhttp::Case) -> Reading {
    match case.kind {
        llhttp::Kind::Request => requests(&case.name, &case.raw),
        llhttp::Kind::Url => {
            requests(&case.name, &[b"GET ", &case.raw[..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat())
        }
        llhttp::Kind::Response => {
            let method = if case.skip_body { Method::Head } else { Method::Get };
            let upgrade = find(&case.raw, b" 101 ").is_some();
            at_every_split(&case.name, &case.raw, |pieces| wire::responses(&LIMITS, pieces, method, upgrade))
        }
    }
}

/// Whether the corpus says the same of this case.
fn agrees(case: &llhttp::Case, reading: &Reading) -> bool {
    use llhttp::Verdict;
    let ending = match case.verdict {
        Verdict::Fine => !matches!(reading.ending, Ending::Refused(_)),
        Verdict::DataAfterClose => reading.ending == Ending::Closing,
        Verdict::Upgrade(at) => {
            reading.ending == Ending::Upgraded(case.raw.get(at..).unwrap_or_default().to_vec())
        }
        Verdict::Refused => false,
    };
    ending && reading.messages == case.messages
}

#[test]
fn the_llhttp_cases_are_read_as_rfc_9112_says() {
    let Some(text) = corpora::text("llhttp.json") else { return };
    let cases = llhttp::cases(&text);
    let mut refused = by_name(verdicts::BOTH_REFUSE);
    let mut otherwise = deviations(verdicts::DEVIATIONS);
    let mut wrong = String::new();
    for case in &cases {
        let reading = read_case(case);
        let fine = match (refused.remove(&case.name[..]), otherwise.remove(&case.name[..])) {
            (Some(fault), None) => {
                case.verdict == llhttp::Verdict::Refused && reading.ending == Ending::Refused(fault)
            }
            (None, Some(expected)) => ours(&reading) == expected && !agrees(case, &reading),
            (None, None) => agrees(case, &reading),
            (Some(_), Some(_)) => false,
        };
        if !fine {
            let (ours, theirs) = (show(&reading.messages), show(&case.messages));
            wrong += &format!(
                "{}: {:?}, corpus {:?}\nours\n{ours}theirs\n{theirs}",
                case.name, reading.ending, case.verdict
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(refused.is_empty() && otherwise.is_empty(), "no such cases: {refused:?} {otherwise:?}");
    assert!(cases.len() >= 255, "{} cases: is this the corpus?", cases.len());
}

#[test]
fn the_gunicorn_cases_are_read_as_rfc_9112_says() {
    let Some(text) = corpora::text("gunicorn-valid.json") else { return };
    let cases = gunicorn::cases(&text);
    let mut otherwise = deviations(verdicts::GUNICORN);
    let mut wrong = String::new();
    for case in &cases {
        let reading = requests(&case.name, &case.raw);
        let agrees = !matches!(reading.ending, Ending::Refused(_)) && reading.messages == case.messages;
        let fine = match otherwise.remove(&case.name[..]) {
            Some(expected) => ours(&reading) == expected && !agrees,
            None => agrees,
        };
        if !fine {
            let (ours, theirs) = (show(&reading.messages), show(&case.messages));
            wrong += &format!("{}: {:?}\nours\n{ours}theirs\n{theirs}", case.name, reading.ending);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(otherwise.is_empty(), "no such cases: {otherwise:?}");
    assert!(cases.len() >= 63, "{} cases: is this the corpus?", cases.len());
}
