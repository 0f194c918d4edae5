//! Heads and chunk sizes, beside `httparse`.

use rws_core::connection::{ByteConnection, Event};
use rws_core::h1::Server;
use rws_core::h1::head::{parse_request, parse_response};
use rws_core::{Env, Field, FieldBlock, Instant, Limits, Method, PeerFault, Scratch, Version};

use crate::cases;
use crate::dice::Dice;

/// What either side read in a whole head.
#[derive(Debug, PartialEq)]
struct Head {
    len: usize,
    /// The method and target, or the status.
    start: (String, String),
    minor: u8,
    fields: Vec<(String, Vec<u8>)>,
}

#[derive(Debug, PartialEq)]
enum Read<E> {
    Head(Head),
    Partial,
    Refused(E),
}

fn ours<F>(bytes: &[u8], parse: F) -> Read<PeerFault>
where
    F: FnOnce(&[u8], &mut Scratch<'_>) -> Result<Option<Head>, PeerFault>,
{
    let (mut decoded, mut fields) = (vec![0; 8192], [Field::default(); 64]);
    match parse(bytes, &mut Scratch { bytes: &mut decoded, fields: &mut fields }) {
        Ok(Some(head)) => Read::Head(head),
        Ok(None) => Read::Partial,
        Err(fault) => Read::Refused(fault),
    }
}

fn minor(version: Version) -> u8 {
    u8::from(version != Version::Http10)
}

fn lines(block: FieldBlock<'_>) -> Vec<(String, Vec<u8>)> {
    block.iter().map(|(name, value)| (text(name.as_bytes()).to_ascii_lowercase(), value.to_vec())).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn our_request(bytes: &[u8]) -> Read<PeerFault> {
    let limits = Limits { connect_method: true, fields_max: 64, ..Limits::SERVER };
    ours(bytes, |bytes, scratch| {
        let parsed = parse_request(bytes, &mut 0, scratch, &limits)?;
        Ok(parsed.map(|parsed| {
            let view = parsed.spans.view(bytes, scratch.reborrow());
            Head {
                len: usize::from(parsed.spans.arena_len),
                start: (text(view.method_bytes()), text(view.target())),
                minor: minor(view.version()),
                fields: lines(view.fields()),
            }
        }))
    })
}

fn our_response(bytes: &[u8]) -> Read<PeerFault> {
    ours(bytes, |bytes, scratch| {
        let parsed = parse_response(bytes, &mut 0, Method::Get, scratch, &Limits::SERVER)?;
        Ok(parsed.map(|parsed| {
            let view = parsed.spans.view(bytes, scratch.reborrow());
            Head {
                len: usize::from(parsed.spans.arena_len),
                start: (view.status.code().to_string(), String::new()),
                minor: minor(parsed.spans.version),
                fields: lines(view.fields),
            }
        }))
    })
}

fn their_fields(headers: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec())).collect()
}

fn their_request(bytes: &[u8]) -> Read<httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(len)) => Read::Head(Head {
            len,
            start: (request.method.unwrap_or("").into(), request.path.unwrap_or("").into()),
            minor: request.version.unwrap_or(9),
            fields: their_fields(request.headers),
        }),
        Ok(httparse::Status::Partial) => Read::Partial,
        Err(error) => Read::Refused(error),
    }
}

fn their_response(bytes: &[u8]) -> Read<httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(len)) => Read::Head(Head {
            len,
            start: (response.code.unwrap_or(0).to_string(), String::new()),
            minor: response.version.unwrap_or(9),
            fields: their_fields(response.headers),
        }),
        Ok(httparse::Status::Partial) => Read::Partial,
        Err(error) => Read::Refused(error),
    }
}

/// Whether this fault of ours is one that the head, as the other side has read it, shows by itself: we are
/// stricter for a reason.
fn has_reason(fault: PeerFault, bytes: &[u8], head: &Head) -> bool {
    let values = |name: &str| -> Vec<String> {
        head.fields.iter().filter(|field| field.0 == name).map(|field| text(&field.1)).collect()
    };
    let (lengths, codings, hosts) = (values("content-length"), values("transfer-encoding"), values("host"));
    let is_number = |value: &String| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match fault {
        // RFC 9112 §2.2 allows a recipient to take a bare LF for a line end; it need not.
        PeerFault::BareLineEnding => has_bare_line_feed(bytes),
        PeerFault::HostMissing => hosts.is_empty() && head.minor == 1,
        PeerFault::HostRepeated => hosts.len() > 1,
        PeerFault::HostSyntax => !hosts.iter().all(|host| is_plain_host(host)) || head.start.1.contains("//"),
        PeerFault::ContentLengthRepeated => lengths.len() > 1,
        PeerFault::ContentLengthSyntax => {
            !lengths.iter().all(is_number) || lengths.iter().any(|len| len.len() > 19)
        }
        PeerFault::LengthAndEncoding => !lengths.is_empty() && !codings.is_empty(),
        PeerFault::TransferEncodingSyntax | PeerFault::TransferEncodingUnsupported => {
            let odd = codings.iter().any(|coding| !coding.eq_ignore_ascii_case("chunked"));
            // RFC 9112 §6.1: none in 1xx and 204.
            let bodiless = head.start.0 == "204" || head.start.0.starts_with('1');
            odd || codings.len() > 1
                || (bodiless && !codings.is_empty())
                || (head.minor == 0 && !codings.is_empty())
        }
        PeerFault::ExpectationUnknown => {
            values("expect").iter().any(|value| !value.eq_ignore_ascii_case("100-continue"))
        }
        PeerFault::UpgradeWithBody => !values("upgrade").is_empty() || head.start.0 == "CONNECT",
        PeerFault::TraceWithBody => head.start.0 == "TRACE",
        // The other side takes any visible byte in a target.
        PeerFault::TargetSyntax | PeerFault::TargetAmbiguous => {
            !is_plain_target(&head.start.1) || head.start.0 == "CONNECT"
        }
        PeerFault::TargetTooLong => head.start.1.len() > 8192,
        PeerFault::HeadTooLarge => head.len > 32 * 1024,
        // RFC 9112 §4: the space after the status code is not optional; the other side knows servers.
        PeerFault::StatusLineSyntax => is_without_space(bytes) || head.start.0.len() < 3,
        _ => false,
    }
}

fn has_bare_line_feed(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|at| bytes[at] == b'\n' && (at == 0 || bytes[at - 1] != b'\r'))
}

fn is_without_space(bytes: &[u8]) -> bool {
    bytes.get(12) != Some(&b' ')
}

fn is_plain_host(host: &str) -> bool {
    let host = host.split_once(':').map_or(host, |(name, port)| if port == "80" { name } else { "" });
    !host.is_empty()
        && host
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A target that nobody could have anything against.
fn is_plain_target(target: &str) -> bool {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~=&/".contains(&byte));
    path.starts_with('/') && !path.contains("//") && plain(path) && plain(query)
}

#[derive(Debug, Default)]
struct Tally {
    same: u64,
    both_refuse: u64,
    stricter: u64,
    looser: u64,
}

fn compare(bytes: &[u8], ours: Read<PeerFault>, theirs: Read<httparse::Error>, tally: &mut Tally) {
    let shown = || bytes.escape_ascii().to_string();
    match (ours, theirs) {
        (Read::Head(ours), Read::Head(theirs)) => {
            assert_eq!(ours, theirs, "{}", shown());
            tally.same += 1;
        }
        (Read::Refused(_), Read::Refused(_)) => tally.both_refuse += 1,
        (Read::Partial, Read::Partial | Read::Refused(_)) => {}
        // What is wrong already may be said before the end.
        (Read::Refused(_), Read::Partial) => {}
        (Read::Refused(fault), Read::Head(head)) => {
            assert!(has_reason(fault, bytes, &head), "{fault:?} has no reason in {}", shown());
            tally.stricter += 1;
        }
        // RFC 9110 §2.5: a higher minor version is read as 1.1; the other side knows 1.0 and 1.1 only.
        (Read::Head(head), Read::Refused(httparse::Error::Version)) => {
            assert!(head.minor == 1 && !shown().contains("HTTP/1.1"), "{}", shown());
            tally.looser += 1;
        }
        (ours, theirs) => panic!("ours {ours:?}, theirs {theirs:?}: {}", shown()),
    }
}

fn some_line_end(dice: &mut Dice) -> &'static [u8] {
    if dice.one_in(150) { dice.pick(&[b"\n", b"\r", b"\r\r\n", b"\n\r"]) } else { b"\r\n" }
}

fn put_fields(out: &mut Vec<u8>, dice: &mut Dice) {
    const LINES: [&[u8]; 27] = [
        b"Accept: */*",
        b"X-A:b",
        b"x-empty:",
        b"X-Pad: \t v \t",
        b"x-obs: \xfc\xff",
        b"X-In: a\tb  c",
        b"Content-Length: 5",
        b"Content-Length: 0",
        b"Content-Length: +5",
        b"content-length:",
        b"Content-Length: 5, 5",
        b"Transfer-Encoding: chunked",
        b"transfer-encoding: Gzip, chunked",
        b"Transfer-Encoding: identity",
        b"Expect: 100-continue",
        b"expect: 200-ok",
        b"Connection: upgrade",
        b"Upgrade: x",
        b"Host: b.example",
        b" folded: x",
        b"a b: c",
        b"a : c",
        b": c",
        b"nocolon",
        b"x\xe4: y",
        b"X-Nul: a\0b",
        b"x-del: \x7f",
    ];
    for _ in 0..dice.roll(5) {
        let line = if dice.one_in(3) { dice.pick(&LINES) } else { dice.pick(&LINES[..6]) };
        out.extend_from_slice(line);
        out.extend_from_slice(some_line_end(dice));
    }
    out.extend_from_slice(some_line_end(dice));
}

fn mutate(out: &mut [u8], dice: &mut Dice) {
    if dice.one_in(3) {
        let at = dice.roll(out.len());
        out[at] = if dice.one_in(2) { dice.pick(b" \t\r\n:\0/%;,aA1\x80") } else { dice.next() as u8 };
    }
}

fn some_request(dice: &mut Dice) -> Vec<u8> {
    let mut out = Vec::new();
    let method: &[u8] = dice.mostly(&[
        b"GET",
        b"POST",
        b"HEAD",
        b"OPTIONS",
        b"CONNECT",
        b"TRACE",
        b"M-SEARCH",
        b"get",
        b"G{T",
        b"",
    ]);
    out.extend_from_slice(method);
    out.extend_from_slice(dice.mostly(&[b" ", b"  ", b"\t", b""]));
    const TARGETS: [&[u8]; 22] = [
        b"/a/b?c=d",
        b"/",
        b"/%41",
        b"/a%2fb",
        b"/..",
        b"/a/../b",
        b"//",
        b"*",
        b"http://h.example/p",
        b"http://u@h/",
        b"h:80",
        b"/a b",
        b"/\xc3\xa4",
        b"/<x>",
        b"/a#b",
        b"x",
        b"",
        b"/{}|^[]`",
        b"/a;b",
        b"/?\"",
        b"https://h",
        b"/%",
    ];
    out.extend_from_slice(if dice.one_in(2) { dice.pick(&TARGETS) } else { TARGETS[0] });
    out.extend_from_slice(dice.mostly(&[b" ", b"  ", b"\t", b""]));
    let version: &[u8] = dice.mostly(&[
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"HTTP/1.2",
        b"HTTP/2.0",
        b"http/1.1",
        b"HTTP/1.",
        b"HTTP/1.1 ",
        b"",
    ]);
    out.extend_from_slice(version);
    out.extend_from_slice(some_line_end(dice));
    let host: &[u8] = dice.mostly(&[
        b"Host: a.example\r\n",
        b"",
        b"host:b:80\r\n",
        b"Host: a b\r\n",
        b"Host: \r\n",
        b"Host: [::1]\r\n",
    ]);
    out.extend_from_slice(host);
    put_fields(&mut out, dice);
    mutate(&mut out, dice);
    out
}

fn some_response(dice: &mut Dice) -> Vec<u8> {
    let mut out = Vec::new();
    let version: &[u8] =
        dice.mostly(&[b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.7", b"HTTP/2.0", b"ICY", b"HTTP/11", b""]);
    out.extend_from_slice(version);
    out.extend_from_slice(dice.mostly(&[b" ", b"  ", b"\t", b""]));
    out.extend_from_slice(dice.mostly(&[
        &b"200"[..],
        b"204",
        b"304",
        b"101",
        b"099",
        b"999",
        b"20",
        b"2000",
        b"2x0",
        b"",
    ]));
    out.extend_from_slice(dice.mostly(&[b" ", b"", b"  ", b"\t"]));
    out.extend_from_slice(dice.mostly(&[&b"OK"[..], b"", b"Not OK", b"\xe4", b"a\tb", b"a\0b", b"\x7f"]));
    out.extend_from_slice(some_line_end(dice));
    put_fields(&mut out, dice);
    mutate(&mut out, dice);
    out
}

#[test]
fn request_heads_are_read_as_httparse_reads_them() {
    let mut tally = Tally::default();
    for seed in 0..cases(100_000) {
        let bytes = some_request(&mut Dice::new(seed));
        // An empty line before the request is skipped by the connection, not by the parser.
        if bytes.starts_with(b"\r") || bytes.starts_with(b"\n") {
            continue;
        }
        compare(&bytes, our_request(&bytes), their_request(&bytes), &mut tally);
    }
    let Tally { same, both_refuse, stricter, looser } = tally;
    assert!(same > 10_000 && both_refuse > 10_000 && stricter > 5_000 && looser > 100, "{tally:?}");
    println!("{tally:?}");
}

#[test]
fn response_heads_are_read_as_httparse_reads_them() {
    let mut tally = Tally::default();
    for seed in 0..cases(100_000) {
        let bytes = some_response(&mut Dice::new(seed));
        if bytes.starts_with(b"\r") || bytes.starts_with(b"\n") {
            continue;
        }
        compare(&bytes, our_response(&bytes), their_response(&bytes), &mut tally);
    }
    let Tally { same, both_refuse, stricter, looser } = tally;
    assert!(same > 10_000 && both_refuse > 10_000 && stricter > 1_000 && looser > 100, "{tally:?}");
    println!("{tally:?}");
}

#[test]
fn no_prefix_of_a_head_is_whole_to_one_and_not_to_the_other() {
    for seed in 0..cases(1_000) {
        let bytes = some_request(&mut Dice::new(seed));
        for len in 1..bytes.len() {
            let prefix = &bytes[..len];
            if let Read::Head(head) = our_request(prefix) {
                assert!(
                    matches!(their_request(prefix), Read::Head(theirs) if theirs.len == head.len)
                        || head.minor == 1
                );
            }
            assert!(our_request(prefix) != Read::Partial || !matches!(their_request(prefix), Read::Head(_)));
        }
    }
}

/// The size that our server reads in this chunk-size line: the bytes of content it then takes at once.
fn our_chunk_size(line: &[u8]) -> Result<Option<u64>, PeerFault> {
    const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let limits = Limits { body_window_bytes: u32::MAX, ..Limits::SERVER };
    let env = Env { now: Instant::from_micros(0), limits: &limits, date: None };
    let (mut bytes, mut fields) = ([0; 64], [Field::default(); 8]);
    let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
    let mut server = Server::new(&env);
    server.receive(&env, &mut HEAD.to_vec(), &mut scratch);
    let content = 100_000;
    let mut rx = [line, &vec![b'x'; content]].concat();
    let step = server.receive(&env, &mut rx, &mut scratch);
    match step.event {
        Some(Event::Body { chunk, .. }) => Ok(Some(u64::from(chunk.len))),
        Some(Event::Refused { fault, .. }) => Err(fault),
        _ => Ok(None),
    }
}

#[test]
fn chunk_sizes_are_read_as_httparse_reads_them() {
    let (mut same, mut stricter) = (0, 0);
    for seed in 0..cases(20_000) {
        let mut dice = Dice::new(seed);
        let digits: &[u8] =
            dice.pick(&[b"5", b"1F", b"00a", b"ffff", b"186a0", b"", b"g", b"+5", b"-1", b"0x5", b"5 5"]);
        let extension: &[u8] =
            dice.mostly(&[b"", b";a", b";a=b", b" ;a=\"b c\"", b" ", b"\t", b";", b" x", b";a=\"b"]);
        let mut line = [digits, extension, some_line_end(&mut dice)].concat();
        mutate(&mut line, &mut dice);
        let theirs = httparse::parse_chunk_size(&line);
        match (our_chunk_size(&line), theirs) {
            (Ok(Some(size)), Ok(httparse::Status::Complete((at, expected)))) => {
                assert_eq!(size, expected.min((line.len() - at + 100_000) as u64), "{}", line.escape_ascii());
                same += 1;
            }
            // The grammar of extensions is not theirs to check, nor what stands before the digits.
            (Err(_), Ok(httparse::Status::Complete(_))) => {
                let plain = line
                    .strip_suffix(b"\r\n")
                    .is_some_and(|line| !line.is_empty() && line.iter().all(u8::is_ascii_hexdigit));
                assert!(!plain, "{}", line.escape_ascii());
                stricter += 1;
            }
            (Ok(Some(size)), other) => panic!("{size} to us, {other:?} to them: {}", line.escape_ascii()),
            (Ok(None) | Err(_), _) => {}
        }
    }
    assert!(same > 3_000 && stricter > 100, "{same} {stricter}");
}
