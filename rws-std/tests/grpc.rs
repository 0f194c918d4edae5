//! Calls over HTTP/1.1, whose chunked bodies have trailers, too: what is said of calls holds on every version.

#![expect(clippy::unwrap_used, reason = "a test")]

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use rws_std::app::Wrapped;
use rws_std::grpc::{
    Grpc, Health, Incoming, Outgoing, Request, Response, Service, ServingStatus, Status, Streamed,
};
use rws_std::handover::Placement;
use rws_std::{App, Running, Server};

#[derive(Clone, PartialEq, Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

fn text(text: &str) -> Text {
    Text { text: text.into() }
}

fn start(grpc: Grpc) -> Running<Wrapped<()>> {
    let app = App::new().get("/", || "hello").grpc(grpc);
    Server::bind("127.0.0.1:0").unwrap().shards(1).start(app.finish().unwrap()).unwrap()
}

/// A message as it stands in a body.
fn frame(message: &Text) -> Vec<u8> {
    framed(0, &message.encode_to_vec())
}

fn framed(flags: u8, bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[flags], &len[..], bytes].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A call under way.
struct Call {
    stream: TcpStream,
    got: Vec<u8>,
}

/// What a call came to.
#[derive(Debug)]
struct Answer {
    head: String,
    messages: Vec<(u8, Vec<u8>)>,
    trailers: String,
}

impl Call {
    fn begin(address: SocketAddr, path: &str, fields: &str) -> Call {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/grpc\r\n{fields}Transfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        Call { stream, got: Vec::new() }
    }

    fn send(&mut self, bytes: &[u8]) {
        let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.stream.write_all(&chunk).unwrap();
    }

    fn end(&mut self) {
        self.stream.write_all(b"0\r\n\r\n").unwrap();
    }

    /// Reads until `is_enough` says so.
    fn read_until(&mut self, is_enough: impl Fn(&[u8]) -> bool) {
        let mut piece = [0; 4096];
        while !is_enough(&self.got) {
            let n = self.stream.read(&mut piece).unwrap();
            assert!(n > 0, "cut off: {}", self.got.escape_ascii());
            self.got.extend_from_slice(&piece[..n]);
        }
    }

    fn answer(mut self) -> Answer {
        self.read_until(|got| Answer::parse(got).is_some());
        Answer::parse(&self.got).unwrap()
    }
}

impl Answer {
    fn parse(got: &[u8]) -> Option<Answer> {
        let text_end = got.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(got[..text_end].to_vec()).unwrap();
        let mut rest = &got[text_end..];
        if let Some(length) = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")) {
            (rest.len() >= length.parse().unwrap()).then_some(())?;
            return Some(Answer { head, messages: Vec::new(), trailers: String::new() });
        }
        let mut body = Vec::new();
        loop {
            let line = rest.windows(2).position(|window| window == b"\r\n")?;
            let size = usize::from_str_radix(core::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
            rest = &rest[line + 2..];
            if size == 0 {
                break;
            }
            body.extend_from_slice(rest.get(..size)?);
            rest = rest.get(size + 2..)?;
        }
        (rest == b"\r\n" || rest.ends_with(b"\r\n\r\n")).then_some(())?;
        let trailers = String::from_utf8(rest.to_vec()).unwrap();
        let (mut messages, mut body) = (Vec::new(), &body[..]);
        while let Some((prefix, more)) = body.split_first_chunk::<5>() {
            let len = u32::from_be_bytes(prefix[1..].try_into().unwrap()) as usize;
            messages.push((prefix[0], more[..len].to_vec()));
            body = &more[len..];
        }
        assert!(body.is_empty());
        Some(Answer { head, messages, trailers })
    }

    fn texts(&self) -> Vec<String> {
        let decoded = self.messages.iter().map(|(_, bytes)| Text::decode(&bytes[..]).unwrap().text);
        decoded.collect()
    }

    /// `grpc-status` and `grpc-message`, wherever they stand.
    fn status(&self) -> (String, String) {
        let all = format!("{}{}", self.head, self.trailers);
        let field = |name: &str| {
            let line = all.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_start_matches(": ").to_owned()).unwrap_or_default()
        };
        (field("grpc-status"), field("grpc-message"))
    }

    fn code(&self) -> u32 {
        self.status().0.parse().unwrap()
    }
}

fn unary(address: SocketAddr, path: &str, fields: &str, body: &[u8]) -> Answer {
    let mut call = Call::begin(address, path, fields);
    call.send(body);
    call.end();
    call.answer()
}

fn shout(request: Request<Text>) -> Result<Response<Text>, Status> {
    let caller = request.metadata().text("x-caller").unwrap_or("nobody").to_owned();
    match request.message().text.as_str() {
        "" => Err(Status::invalid_argument("say something: 100%").with_metadata("x-why", "empty")),
        "panic" => panic!("as the test asks"),
        said => Ok(Response::new(text(&said.to_uppercase()))
            .with_metadata("x-caller", caller)?
            .with_trailer("x-behind-bin", [0, 255])?),
    }
}

fn all(request: Request<Incoming<Text>>) -> Result<Response<Text>, Status> {
    let words: Result<Vec<Text>, Status> = request.into_message().collect();
    let words: Vec<String> = words?.into_iter().map(|word| word.text).collect();
    Ok(Response::new(text(&words.join(" "))))
}

fn letters(request: Request<Text>) -> Result<Response<Streamed<Text>>, Status> {
    let letters: Vec<char> = request.into_message().text.chars().collect();
    let each = letters.into_iter().map(|letter| match letter {
        '!' => Err(Status::out_of_range("no letter")),
        letter => Ok(text(&letter.to_string())),
    });
    Ok(Response::new(Streamed::each(each)).with_trailer("x-behind", "1")?)
}

fn echo(request: Request<Incoming<Text>>) -> Result<Response<Streamed<Text>>, Status> {
    Ok(Response::new(Streamed::each(request.into_message())))
}

fn service() -> Service {
    Service::new("test.Words")
        .unary("Shout", shout)
        .client_streaming("All", all)
        .server_streaming("Letters", letters)
        .bidirectional("Echo", echo)
}

#[test]
fn a_unary_call_has_its_answer_its_metadata_and_its_trailers() {
    let running = start(Grpc::new().serve(service()));
    let answer = unary(running.address(), "/test.Words/Shout", "X-Caller: me\r\n", &frame(&text("hey")));
    assert!(answer.head.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
    assert!(answer.head.contains("Content-Type: application/grpc\r\n"), "{answer:?}");
    assert!(answer.head.contains("x-caller: me\r\n"), "{answer:?}");
    assert_eq!((answer.texts(), answer.code()), (vec!["HEY".to_owned()], 0));
    assert!(answer.trailers.contains("x-behind-bin: AP8\r\n"), "{answer:?}");

    let refused = unary(running.address(), "/test.Words/Shout", "", &frame(&text("")));
    assert_eq!(refused.status(), ("3".into(), "say something: 100%25".into()));
    assert!(refused.messages.is_empty() && refused.head.contains("x-why: empty\r\n"), "{refused:?}");
    running.drain();
}

#[test]
fn what_is_no_message_is_refused_with_a_code_of_its_own() {
    let running = start(Grpc::new().serve(service()).message_bytes_max(100));
    let code = |path: &str, fields: &str, body: &[u8]| unary(running.address(), path, fields, body).code();
    let shout = "/test.Words/Shout";
    let hey = frame(&text("hey"));
    assert_eq!(code(shout, "", &[hey.clone(), hey.clone()].concat()), 12, "two messages");
    assert_eq!(code(shout, "", &hey[..hey.len() - 1]), 13, "a part of one");
    assert_eq!(code(shout, "", &framed(0, b"\xff\xff")), 13, "no protocol buffer");
    assert_eq!(code(shout, "", &framed(0, &[0; 101])), 8, "too large");
    assert_eq!(code(shout, "", &framed(1, b"")), 13, "compressed, and nothing says how");
    assert_eq!(code(shout, "grpc-encoding: snappy\r\n", &hey), 12, "compressed in a way that nobody knows");
    assert_eq!(code(shout, "grpc-timeout: soon\r\n", &hey), 13, "no time");
    assert_eq!(code("/test.Words/Whisper", "", &hey), 12, "no such method");
    assert_eq!(code(shout, "", &frame(&text("panic"))), 13, "a panic is an error of the call");
    assert_eq!(code("/test.Words/All", "", &hey[..3]), 13, "a part of one of many");
    assert_eq!(code("/test.Words/All", "", &framed(0, &[0; 101])), 8, "one of many too large");
    assert_eq!(code(shout, "", &hey), 0, "the server goes on");
    running.drain();
}

#[test]
fn requests_that_are_no_calls_are_answered_in_words_of_http() {
    let running = start(Grpc::new().serve(service()));
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(running.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let end = "Host: a\r\nConnection: close\r\n\r\n";
    assert!(ask(&format!("GET / HTTP/1.1\r\n{end}")).ends_with("hello"));
    let answer = ask(&format!("GET /test.Words/Shout HTTP/1.1\r\n{end}"));
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("Allow: POST"), "{answer}");
    let answer = ask(&format!("POST /test.Words/Shout HTTP/1.1\r\nContent-Type: text/plain\r\n{end}"));
    assert!(answer.starts_with("HTTP/1.1 415 "), "{answer}");
    let answer = ask(&format!("POST /test.Words/Shout HTTP/1.1\r\nContent-Type: application/grpc\r\n{end}"));
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("grpc-status: 12\r\n"), "{answer}");
    running.drain();
}

#[test]
fn many_messages_go_either_way() {
    let running = start(Grpc::new().serve(service()));
    let address = running.address();
    let words = ["one", "two", "three"].map(|word| frame(&text(word))).concat();
    assert_eq!(unary(address, "/test.Words/All", "", &words).texts(), ["one two three"]);
    let answer = unary(address, "/test.Words/Letters", "", &frame(&text("abc")));
    assert_eq!((answer.texts().concat(), answer.code()), ("abc".into(), 0));
    assert!(answer.trailers.contains("x-behind: 1\r\n"), "{answer:?}");
    let answer = unary(address, "/test.Words/Letters", "", &frame(&text("ab!c")));
    assert_eq!((answer.texts().concat(), answer.status()), ("ab".into(), ("11".into(), "no letter".into())));
    assert_eq!(unary(address, "/test.Words/Letters", "", &frame(&text(""))).code(), 0);

    // Each is answered before the next one is sent.
    let mut call = Call::begin(address, "/test.Words/Echo", "");
    for word in ["first", "second"] {
        call.send(&frame(&text(word)));
        call.read_until(|got| got.windows(word.len()).any(|window| window == word.as_bytes()));
    }
    call.end();
    assert_eq!(call.answer().texts(), ["first", "second"]);
    running.drain();
}

#[test]
fn messages_are_compressed_both_ways_and_no_bomb_goes_off() {
    let running = start(Grpc::new().serve(service()).message_bytes_max(10_000).compress(true));
    let long = "abc".repeat(1_000);
    let body = framed(1, &gzip(&text(&long).encode_to_vec()));
    assert!(body.len() < 200);
    let fields = "grpc-encoding: gzip\r\n";
    let plain = unary(running.address(), "/test.Words/Shout", fields, &body);
    assert_eq!((plain.texts(), plain.messages[0].0), (vec![long.to_uppercase()], 0));
    let fields = "grpc-encoding: gzip\r\ngrpc-accept-encoding: identity, gzip\r\n";
    let answer = unary(running.address(), "/test.Words/Shout", fields, &body);
    assert!(answer.head.contains("grpc-encoding: gzip\r\n"), "{answer:?}");
    assert!(answer.messages[0].0 == 1 && answer.messages[0].1.len() < 200);
    let mut decoded = Vec::new();
    flate2::read::GzDecoder::new(&answer.messages[0].1[..]).read_to_end(&mut decoded).unwrap();
    assert_eq!(Text::decode(&decoded[..]).unwrap().text, long.to_uppercase());

    let bomb = framed(1, &gzip(&text(&"a".repeat(10_000)).encode_to_vec()));
    assert_eq!(unary(running.address(), "/test.Words/Shout", fields, &bomb).code(), 8);
    assert_eq!(unary(running.address(), "/test.Words/All", fields, &bomb).code(), 8);
    assert_eq!(unary(running.address(), "/test.Words/Shout", fields, &framed(1, b"no gzip")).code(), 13);
    let followed = framed(1, &[gzip(&text("a").encode_to_vec()), b"more".to_vec()].concat());
    assert_eq!(unary(running.address(), "/test.Words/Shout", fields, &followed).code(), 13);
    running.drain();
}

#[test]
fn a_deadline_ends_a_call_whose_function_still_runs() {
    let (ends, over) = mpsc::channel();
    let wait = move |request: Request<Text>| -> Result<Response<Text>, Status> {
        assert!(request.time_left().is_some());
        let is_cancelled = request.cancellation().wait(Duration::from_secs(30));
        ends.send(is_cancelled).unwrap();
        Ok(Response::new(text("too late")))
    };
    let quiet = |request: Request<Text>| -> Result<Response<Streamed<Text>>, Status> {
        let (response, mut out): (_, Outgoing<Text>) = request.answer();
        std::thread::spawn(move || {
            out.send(&text("once")).unwrap();
            while out.send(&text("again")).is_ok() {
                request.cancellation().wait(Duration::from_millis(20));
            }
        });
        Ok(response)
    };
    let service = Service::new("test.Slow")
        .unary("Wait", wait)
        .server_streaming("Quiet", quiet)
        .client_streaming("All", all)
        .placement(Placement::Offload);
    let running = start(Grpc::new().serve(service));
    let began = Instant::now();
    let fields = "grpc-timeout: 100m\r\n";
    let answer = unary(running.address(), "/test.Slow/Wait", fields, &frame(&text("a")));
    assert_eq!((answer.code(), answer.messages.len()), (4, 0));
    assert!(over.recv().unwrap(), "its function has learned of it");
    let answer = unary(running.address(), "/test.Slow/Quiet", fields, &frame(&text("a")));
    assert_eq!((answer.code(), answer.texts()[0].as_str()), (4, "once"));
    // The caller never ends its requests.
    let mut call = Call::begin(running.address(), "/test.Slow/All", fields);
    call.send(&frame(&text("a")));
    assert_eq!(call.answer().code(), 4);
    assert!(began.elapsed() < Duration::from_secs(10));
    running.drain();
}

#[test]
fn a_call_takes_no_longer_than_the_server_allows() {
    let running = start(Grpc::new().serve(service()).timeout_max(Duration::from_millis(100)));
    for fields in ["", "grpc-timeout: 99999999H\r\n"] {
        let mut call = Call::begin(running.address(), "/test.Words/Echo", fields);
        call.send(&frame(&text("a")));
        let answer = call.answer();
        assert_eq!((answer.code(), answer.texts()), (4, vec!["a".to_owned()]));
    }
    running.drain();
    // Without a limit a wait that no clock can tell is no deadline.
    let running = start(Grpc::new().serve(service()));
    let answer =
        unary(running.address(), "/test.Words/All", "grpc-timeout: 99999999H\r\n", &frame(&text("a")));
    assert_eq!(answer.texts(), ["a"]);
    running.drain();
}

#[test]
fn streams_beyond_the_limit_are_refused_and_their_places_come_back() {
    let running = start(Grpc::new().serve(service()).streams_max(1));
    let open = |path: &str| {
        let mut call = Call::begin(running.address(), path, "");
        call.send(&frame(&text("first")));
        call
    };
    let mut first = open("/test.Words/Echo");
    first.read_until(|got| got.windows(5).any(|window| window == b"first"));
    for path in ["/test.Words/Echo", "/test.Words/All", "/test.Words/Letters"] {
        let mut refused = open(path);
        refused.end();
        assert_eq!(refused.answer().code(), 8, "{path}");
    }
    assert_eq!(unary(running.address(), "/test.Words/Shout", "", &frame(&text("a"))).code(), 0);
    first.end();
    assert_eq!(first.answer().code(), 0);
    // The thread has its end to come to after its caller has the answer.
    let until = Instant::now() + Duration::from_secs(20);
    while unary(running.address(), "/test.Words/All", "", &frame(&text("a"))).code() == 8 {
        assert!(Instant::now() < until);
    }
    running.drain();
}

#[test]
fn a_function_learns_that_its_caller_is_gone() {
    let (ends, over) = mpsc::channel();
    let (begins, begun) = mpsc::channel();
    let (ends_of_stream, begins_of_stream) = (ends.clone(), begins.clone());
    let wait = move |request: Request<Text>| -> Result<Response<Text>, Status> {
        begins.send(()).unwrap();
        ends.send(request.cancellation().wait(Duration::from_secs(30))).unwrap();
        Err(Status::cancelled("nobody is there"))
    };
    let read = move |request: Request<Incoming<Text>>| -> Result<Response<Text>, Status> {
        let mut messages = request.into_message();
        assert!(messages.next().is_some_and(|first| first.is_ok()));
        begins_of_stream.send(()).unwrap();
        let last = messages.last();
        ends_of_stream.send(matches!(last, Some(Err(status)) if status.code().number() == 1)).unwrap();
        Err(Status::cancelled("nobody is there"))
    };
    let service = Service::new("test.Slow")
        .unary("Wait", wait)
        .client_streaming("Read", read)
        .placement(Placement::Offload);
    let running = start(Grpc::new().serve(service));
    let mut call = Call::begin(running.address(), "/test.Slow/Wait", "");
    call.send(&frame(&text("a")));
    call.end();
    begun.recv_timeout(Duration::from_secs(20)).unwrap();
    reset(call);
    let mut call = Call::begin(running.address(), "/test.Slow/Read", "");
    call.send(&frame(&text("a")));
    begun.recv_timeout(Duration::from_secs(20)).unwrap();
    reset(call);
    for _ in 0..2 {
        assert!(over.recv_timeout(Duration::from_secs(20)).unwrap());
    }
    running.drain();
}

/// Lets a call's connection end with a reset: an end of what the client sends would be no cancellation.
fn reset(call: Call) {
    let socket = socket2::Socket::from(call.stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
}

#[derive(Clone, PartialEq, Message)]
struct HealthAnswer {
    #[prost(int32, tag = "1")]
    status: i32,
}

#[test]
fn health_is_told_and_watched() {
    let health = Health::new();
    health.set("test.Words", ServingStatus::NotServing);
    let running = start(Grpc::new().serve(service()).serve(health.service()));
    let check = |name: &str| {
        let answer = unary(running.address(), "/grpc.health.v1.Health/Check", "", &frame(&text(name)));
        let status =
            answer.messages.first().map(|(_, bytes)| HealthAnswer::decode(&bytes[..]).unwrap().status);
        (answer.code(), status)
    };
    assert_eq!(check(""), (0, Some(1)));
    assert_eq!(check("test.Words"), (0, Some(2)));
    assert_eq!(check("test.Nothing"), (5, None));

    let mut watch = Call::begin(running.address(), "/grpc.health.v1.Health/Watch", "");
    watch.send(&frame(&text("test.Later")));
    watch.end();
    let said = |status: u8| move |got: &[u8]| got.windows(7).any(|at| at == [0, 0, 0, 0, 2, 8, status]);
    watch.read_until(said(3));
    health.set("test.Later", ServingStatus::Serving);
    watch.read_until(said(1));
    health.shut_down();
    watch.read_until(said(2));
    assert_eq!(watch.answer().code(), 14);
    assert_eq!(check(""), (0, Some(2)));
    running.drain();
}
