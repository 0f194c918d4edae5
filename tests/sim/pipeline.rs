//! A raw client that pipelines: it writes requests by hand, and reads answers with a reader of its own, which
//! shares nothing with the engine.

use core::fmt::Write as _;
use std::rc::Rc;

use rws_core::connection::BodyPlan;
use rws_core::h1::Server;
use rws_core::{Env, Instant};

use crate::answerer::Answerer;
use crate::dice::Dice;
use crate::end::End;
use crate::link::Wire;
use crate::plan::{Exchange, Grants, Lines, Message, Nature, When, lines};
use crate::trace::Trace;

/// Writes a row of requests, some of it broken, and checks the answers.
pub(crate) fn run(seed: u64) {
    let mut dice = Dice::new(seed ^ 0x9199_e11e);
    let nature = Nature { exchanges: 1 + dice.roll(7) as usize, ..Nature::new(&mut dice, true) };
    let exchanges: Vec<Exchange> =
        (0..nature.exchanges).map(|index| whole(Exchange::new(&mut dice, &nature, index))).collect();
    let exchanges = Rc::new(exchanges);
    let mut input = Vec::new();
    for exchange in exchanges.iter() {
        write_request(&mut input, exchange, &mut dice);
    }
    let is_broken = dice.one_in(3);
    if is_broken {
        input.extend_from_slice(dice.pick(&[
            &b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"[..],
            b"NONSENSE\r\n\r\n",
            b"\0",
        ]));
    }
    let output = exchange_all(&nature, &exchanges, &input, &mut dice);
    let mut reader = Reader { rest: &output };
    // Only when it says so may a server leave requests unanswered.
    let persists = exchanges.iter().all(|exchange| {
        let persists = reader.check_answer(exchange);
        assert!(!exchange.close || !persists, "the client wanted no more");
        persists
    });
    if is_broken && persists {
        let head = reader.head();
        assert!(head.starts_with("HTTP/1.1 400 ") && head.contains("\nConnection: close\r\n"), "{head}");
        reader.rest = reader.rest.strip_suffix(b"\n").expect("a line of text");
        assert!(!reader.rest.contains(&b'\n'), "one refusal");
        return;
    }
    assert!(
        reader.rest.is_empty(),
        "more was written than was asked: {:?}",
        reader.rest.escape_ascii().to_string()
    );
}

/// An exchange that is sent to its end and answered after it.
fn whole(exchange: Exchange) -> Exchange {
    Exchange {
        request: Message { aborts_at: None, ..exchange.request },
        answer: Message { aborts_at: None, ..exchange.answer },
        expect: false,
        when: if exchange.when == When::AtOnce { When::AfterBody } else { exchange.when },
        server_grants: Grants::AtOnce,
        ..exchange
    }
}

fn write_request(out: &mut Vec<u8>, exchange: &Exchange, dice: &mut Dice) {
    let Exchange { method, target, request, close, .. } = exchange;
    let mut head = format!("{method} {target} HTTP/1.1\r\nhOSt: sim.example\r\n");
    let body: Vec<u8> = (0..request.len).map(|at| request.byte(at)).collect();
    match request.plan {
        BodyPlan::None => {}
        BodyPlan::Sized(len) => _ = write!(head, "content-length:{len}\r\n"),
        BodyPlan::Streamed => head += "Transfer-Encoding: Chunked\r\n",
    }
    if *close {
        head += "Connection: x, Close\r\n";
    }
    out.extend_from_slice(head.as_bytes());
    write_lines(out, &lines(request.fields.block()), dice);
    if request.plan == BodyPlan::Streamed {
        for chunk in body.chunks(dice.size(3000)) {
            let extension = dice.pick(&["", "", ";a", " ; a = \"\\\"\""]);
            out.extend_from_slice(format!("{:0>3X}{extension}\r\n", chunk.len()).as_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"00\r\n");
        write_lines(out, &lines(request.trailers.block()), dice);
    } else if request.plan != BodyPlan::None {
        out.extend_from_slice(&body);
    }
}

fn write_lines(out: &mut Vec<u8>, lines: &Lines, dice: &mut Dice) {
    for (name, value) in lines {
        let around = dice.pick(&["", " ", "\t "]);
        out.extend_from_slice(
            &[name.as_bytes(), b":", around.as_bytes(), value, around.as_bytes(), b"\r\n"].concat(),
        );
    }
    out.extend_from_slice(b"\r\n");
}

/// All of `input` into a server, in pieces, with a window; all that it answers.
fn exchange_all(nature: &Nature, exchanges: &Rc<Vec<Exchange>>, input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let env = Env { now: Instant::from_micros(0), limits: &nature.limits, date: None };
    let mut server = End::new(Server::new(&env), Answerer::new(Rc::clone(exchanges), Dice::new(dice.next())));
    let mut wire = Wire::new(nature.windows[0], nature.windows[1]);
    let (mut trace, mut output, mut sent, mut quiet) = (Trace::new(), Vec::new(), 0, 0);
    while !server.closed && !wire.reset {
        trace.steps += 1;
        let moved = match dice.roll(6) {
            0 if wire.up.is_ended() => false,
            0 => {
                let n = wire.up.room().min(dice.size(5000)).min(input.len() - sent);
                input[sent..sent + n].iter().for_each(|byte| wire.up.write(*byte));
                sent += n;
                // The end comes with the last byte, or once everything is answered.
                if sent == input.len() && (quiet > 100 || dice.one_in(9)) {
                    wire.up.end();
                    true
                } else {
                    n > 0
                }
            }
            1 => server.receive(&env, &mut wire, nature.read_max, &mut trace),
            2 => server.transmit(&env, &mut wire, nature.tx_bytes, dice, &mut trace),
            3 => server.wake(),
            4 => server.grant(true),
            _ => dice.one_in(nature.lazy[0]) && wire.down.read(dice.size(5000), &mut output) > 0,
        };
        quiet = if moved { 0 } else { quiet + 1 };
        // A client that is done reads the end and closes.
        if wire.down.is_at_end() && !wire.up.is_ended() {
            wire.up.end();
        }
        if quiet > 3000 {
            let next = server.next_deadline();
            assert!(server.machine_lingers(), "nothing moves: {server:?} {wire:?}");
            server.tick(&Env { now: next, ..env }, &mut trace);
            quiet = 0;
        }
    }
    while wire.down.read(usize::MAX, &mut output) > 0 {}
    output
}

/// Reads responses as RFC 9112 has them, and nothing else.
struct Reader<'o> {
    rest: &'o [u8],
}

impl<'o> Reader<'o> {
    fn take(&mut self, len: usize) -> &'o [u8] {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn until(&mut self, end: &[u8]) -> &'o [u8] {
        let at = self.rest.windows(end.len()).position(|window| window == end);
        self.take(at.unwrap_or_else(|| panic!("no end in {}", self.rest.escape_ascii())) + end.len())
    }

    /// A head as text, one character for each byte, the empty line included.
    fn head(&mut self) -> String {
        self.until(b"\r\n\r\n").iter().map(|byte| char::from(*byte)).collect()
    }

    /// The answer to this request. Whether the connection goes on after it.
    fn check_answer(&mut self, exchange: &Exchange) -> bool {
        for interim in &exchange.interim {
            let head = self.head();
            assert!(head.starts_with("HTTP/1.1 103 "), "{head}");
            assert_eq!(fields_of(&head), lines(interim.block()));
        }
        let head = self.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {} ", exchange.status)), "{head}");
        let wanted = lines(exchange.answer.fields.block());
        let ours = ["content-length", "transfer-encoding", "connection"];
        let seen: Lines =
            fields_of(&head).into_iter().filter(|(name, _)| !ours.contains(&&name[..])).collect();
        assert_eq!(seen, wanted);
        let fields = fields_of(&head);
        let field = |name: &str| fields.iter().find(|field| field.0 == name).map(|field| &field.1[..]);
        if exchange.has_answer_body() {
            let (body, trailers) = match (field("transfer-encoding"), field("content-length")) {
                (Some(b"chunked"), None) => self.chunks(),
                (None, Some(len)) => {
                    let len = core::str::from_utf8(len).ok().and_then(|len| len.parse().ok());
                    (self.take(len.expect("a length")).to_vec(), Lines::new())
                }
                other => panic!("{other:?}"),
            };
            let len = if exchange.answer.plan == BodyPlan::None { 0 } else { exchange.answer.len };
            assert_eq!(body, (0..len).map(|at| exchange.answer.byte(at)).collect::<Vec<u8>>());
            assert_eq!(trailers, lines(exchange.answer.trailers.block()));
        }
        field("connection") != Some(b"close")
    }

    fn chunks(&mut self) -> (Vec<u8>, Lines) {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n");
            let size = core::str::from_utf8(&line[..line.len() - 2]).expect("ASCII");
            assert!(!size.starts_with('0') || size == "0", "{size}");
            match usize::from_str_radix(size, 16).expect("a size") {
                0 => break,
                size => body.extend_from_slice(self.take(size)),
            }
            assert_eq!(self.take(2), b"\r\n");
        }
        let mut section = String::from("\r\n");
        loop {
            let line: String = self.until(b"\r\n").iter().map(|byte| char::from(*byte)).collect();
            section += &line;
            if line == "\r\n" {
                return (body, fields_of(&section));
            }
        }
    }
}

/// The lines after the first, up to the empty one; a character is a byte.
fn fields_of(head: &str) -> Lines {
    let lines = head.split("\r\n").skip(1).take_while(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line:?}"));
            (name.to_ascii_lowercase(), value.chars().map(|char| char as u8).collect())
        })
        .collect()
}
