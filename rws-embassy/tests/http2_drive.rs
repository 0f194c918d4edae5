//! HTTP/2 on a connection without IO, however its bytes are cut.

use core::cell::Cell;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{BodyFraming, RequestHead, Scratch};
use rws_core::service::{ConnectionInfo, Context, Service, Taken};
use rws_core::{Env, Field, Instant, Limits, ResponseHead, Status};
use rws_embassy::{BoardContext, Drive, Http2, Lent, Next, Platform};

const LIMITS: Limits = Limits::DEVICE;
const BUFFER_BYTES: usize = Http2::<()>::buffer_bytes_min(&LIMITS);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

/// Says many times the first letter of the path; a body is kept until it is ready.
struct Letters {
    ready: Cell<bool>,
    open: Cell<isize>,
}

struct Job {
    letter: u8,
    left: usize,
    kept: u32,
    ended: bool,
}

const SIZE: usize = 700;

impl<C: Context> Service<C> for Letters {
    type State = Job;

    fn begin(&self, _: &mut C, head: &mut RequestHead<'_>) -> Job {
        self.open.set(self.open.get() + 1);
        let letter = head.path().as_bytes().get(1).copied().unwrap_or(b'-');
        Job { letter, left: SIZE, kept: 0, ended: head.body() == BodyFraming::None }
    }
    fn body(&self, _: &mut C, job: &mut Job, chunk: &[u8], end: bool) -> Taken {
        job.kept += chunk.len() as u32;
        job.ended |= end;
        Taken::Later
    }
    fn credit(&self, job: &mut Job) -> u32 {
        if self.ready.get() { core::mem::take(&mut job.kept) } else { 0 }
    }
    fn head<'s>(&self, job: &'s mut Job) -> HeadAnswer<'s> {
        if self.ready.get() && job.ended {
            HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Streamed)
        } else {
            HeadAnswer::NotYet
        }
    }
    fn fill(&self, job: &mut Job, out: &mut [u8]) -> Fill {
        let n = job.left.min(out.len()).min(97);
        out[..n].fill(job.letter);
        job.left -= n;
        if job.left == 0 { Fill::End(n) } else { Fill::More(n) }
    }
    fn end(&self, _: &mut C, _: Job, _: rws_core::service::Outcome) {
        self.open.set(self.open.get() - 1);
    }
}

struct Board;

impl Platform for Board {
    fn entropy(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn block(method: u8, letter: u8) -> Vec<u8> {
    vec![method, 0x86, 0x04, 2, b'/', letter, 0x01, 1, b'a']
}

/// What the connection says to `input` that comes in pieces of the sizes `cuts` (again and again) and is taken likewise.
fn talk(ready: bool, input: &[u8], cuts: &[usize], takes: &[usize], ends: bool) -> (Vec<u8>, isize, bool) {
    let service = Letters { ready: Cell::new(ready), open: Cell::new(0) };
    let mut now = 0;
    let mut buf = [0; BUFFER_BYTES];
    let (mut bytes, mut fields) = ([0; 2048], [Field::ZERO; 64]);
    let mut cx = BoardContext::new(Board, ConnectionInfo { peer: None, local: None, secure: false });
    let mut http2 = Http2::<Job>::new();
    let env = |now| Env { now: Instant::from_micros(now), limits: &LIMITS, date: None };
    let mut drive = Drive::open(&env(0), &mut http2);
    let (mut said, mut rest, mut has_ended) = (Vec::new(), input, false);
    let (mut cuts, mut takes) = (cuts.iter().cycle(), takes.iter().cycle());
    let mut idle = 0;
    for _ in 0..100_000 {
        let env = env(now);
        let scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        match drive.turn(&env, &mut Lent { buf: &mut buf, scratch }, &service, &mut cx) {
            Next::Send => {
                let unsent = drive.unsent(&buf);
                let sent = unsent.len().min(*takes.next().expect("endless"));
                assert!(sent > 0);
                said.extend_from_slice(&unsent[..sent]);
                drive.written(&env, sent);
            }
            Next::Wait { read: true } if !rest.is_empty() || (ends && !has_ended) => {
                let space = drive.space(&mut buf, &LIMITS);
                assert!(!space.is_empty(), "there is space to read into");
                let count = rest.len().min(space.len()).min(*cuts.next().expect("endless"));
                space[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                has_ended |= count == 0;
                drive.received(count);
            }
            Next::Wait { .. } if !service.ready.get() => service.ready.set(true),
            Next::Wait { .. } if idle < 5 => idle += 1,
            Next::Wait { .. } if ends && !rest.is_empty() => now += 1_000_000,
            Next::Wait { .. } => break,
            Next::HalfClose => {}
            Next::Closed { abrupt } => return (said, service.open.get(), abrupt),
        }
    }
    (said, service.open.get(), false)
}

/// The frames of what was said: kind, flags, stream, payload.
fn frames(mut said: &[u8]) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut all = Vec::new();
    while !said.is_empty() {
        let len = u32::from_be_bytes([0, said[0], said[1], said[2]]) as usize;
        let stream = u32::from_be_bytes(said[5..9].try_into().expect("four"));
        all.push((said[3], said[4], stream, said[9..9 + len].to_vec()));
        said = &said[9 + len..];
    }
    all
}

fn body_of(said: &[u8], stream: u32) -> (String, bool) {
    let (mut body, mut ended) = (Vec::new(), false);
    for (kind, flags, of, payload) in frames(said) {
        if of == stream && (kind == DATA || kind == HEADERS) {
            assert!(!ended, "nothing follows the end");
            ended |= flags & 1 != 0;
            if kind == DATA {
                body.extend(payload);
            }
        }
    }
    (String::from_utf8(body).expect("letters"), ended)
}

#[test]
fn the_preface_and_requests_may_be_cut_anywhere_and_answers_are_never_mixed() {
    let mut input = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    for (stream, letter) in [(1, b'k'), (3, b'm'), (5, b'p'), (7, b'q')] {
        input.extend(frame(HEADERS, 5, stream, &block(0x82, letter)));
    }
    let first = input.len();
    for cut in 1..first {
        for takes in [&[1_usize][..], &[10_000], &[7, 300, 1]] {
            let cuts = [cut, first];
            let (said, open, _) = talk(true, &input, &cuts, takes, false);
            for (stream, letter) in [(1, "k"), (3, "m"), (5, "p"), (7, "q")] {
                assert_eq!(body_of(&said, stream), (letter.repeat(SIZE), true), "cut at {cut}, {takes:?}");
            }
            assert_eq!(open, 0);
        }
    }
    for size in 1..40 {
        let (said, open, _) = talk(true, &input, &[size], &[size], false);
        for (stream, letter) in [(1, "k"), (3, "m"), (5, "p"), (7, "q")] {
            assert_eq!(body_of(&said, stream), (letter.repeat(SIZE), true), "pieces of {size}");
        }
        assert_eq!(open, 0);
    }
}

#[test]
fn slots_are_used_again_whatever_is_reset_and_whenever() {
    let mut seed = 1_u32;
    let mut random = move |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % below
    };
    for _ in 0..400 {
        let mut input = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(SETTINGS, 1, 0, &[])].concat();
        let (mut reset, mut asked) = (Vec::new(), Vec::new());
        for at in 0..12_u32 {
            let stream = 2 * at + 1;
            let letter = b'b' + at as u8;
            let with_body = random(3) == 0;
            if with_body {
                input.extend(frame(HEADERS, 4, stream, &block(0x83, letter)));
                input.extend(frame(DATA, random(2) as u8, stream, &vec![b'z'; random(400) as usize]));
            } else {
                input.extend(frame(HEADERS, 5, stream, &block(0x82, letter)));
            }
            asked.push((stream, letter));
            if random(3) == 0 {
                let which = asked[random(asked.len() as u32) as usize].0;
                input.extend(frame(RESET, 0, which, &8_u32.to_be_bytes()));
                reset.push(which);
            }
        }
        let cuts = [1 + random(200) as usize, 1 + random(50) as usize, 1 + random(900) as usize];
        let takes = [1 + random(900) as usize, 1 + random(9) as usize];
        let (said, open, _) = talk(random(2) == 0, &input, &cuts, &takes, true);
        assert_eq!(open, 0, "every exchange has ended");
        for (stream, letter) in asked {
            let (body, ended) = body_of(&said, stream);
            assert!(body.bytes().all(|byte| byte == letter), "stream {stream} has another's bytes");
            assert!(!ended || body.len() == SIZE, "stream {stream} looks whole and is not");
        }
    }
}

#[test]
fn a_body_that_waits_for_credit_has_come_even_if_its_sender_has_ended() {
    for bytes in [3, 512, 513, 800, 1500, 4000] {
        let input = [
            PREFACE,
            &frame(SETTINGS, 0, 0, &[]),
            &frame(HEADERS, 4, 1, &block(0x83, b'k')),
            &frame(DATA, 1, 1, &vec![b'x'; bytes]),
        ]
        .concat();
        let (said, open, _) = talk(false, &input, &[10_000], &[10_000], true);
        assert_eq!(body_of(&said, 1), ("k".repeat(SIZE), true), "{bytes} bytes");
        assert_eq!(open, 0);
    }
}

#[test]
fn a_block_that_is_as_long_as_it_may_be_fits_however_it_is_padded_and_cut() {
    for (padding, pieces) in [(0_usize, 1), (0, 3), (255, 1), (255, 3)] {
        let mut fields = block(0x82, b'k');
        // Fields that are not kept, to the last byte of the limit.
        while fields.len() + 110 < usize::from(LIMITS.header_block_bytes_max) {
            fields.extend([0x00, 1, b'x', 100]);
            fields.extend([b'v'; 100]);
        }
        let size = fields.len().div_ceil(pieces);
        let mut input = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        for (at, piece) in fields.chunks(size).enumerate() {
            let end = if at + 1 == pieces { 4 } else { 0 };
            if at == 0 && padding > 0 {
                let padded = [&[padding as u8], piece, &vec![0; padding]].concat();
                input.extend(frame(HEADERS, 9 | end, 1, &padded));
            } else if at == 0 {
                input.extend(frame(HEADERS, 1 | end, 1, piece));
            } else {
                input.extend(frame(CONTINUATION, end, 1, piece));
            }
        }
        let (said, _, _) = talk(true, &input, &[10_000], &[10_000], false);
        let goaway = frames(&said).iter().any(|(kind, ..)| *kind == GOAWAY);
        assert_eq!(
            (body_of(&said, 1).1, goaway),
            (true, false),
            "{padding} bytes of padding, {pieces} pieces"
        );
    }
}
