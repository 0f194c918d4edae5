//! What a client of HTTP/2 gets, whatever the network does to it.

use std::collections::BTreeMap;

use embassy_net::Stack;
use embassy_time::{Duration, Timer};

use crate::app::App;
use crate::serving::ANSWER;
use crate::world::{Client, SOCKETS, World};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const REFUSED_STREAM: u32 = 7;
/// What a stream of the board's begins with, once its SETTINGS are acknowledged: bytes.
const STREAM_WINDOW: i64 = 512;
const INITIAL_WINDOW: i64 = 65_535;

/// How a stream has gone on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The first octet of its head: an entry of the static table (RFC 7541 §6.1).
    status: Option<u8>,
    pub(crate) body: Vec<u8>,
    ended: bool,
    reset: Option<u32>,
}

/// Entries of the static table.
const OK: Option<u8> = Some(0x88);
const NOT_FOUND: Option<u8> = Some(0x8d);

/// A client whose preface is sent.
pub(crate) struct Talk {
    pub(crate) client: Client,
    answers: BTreeMap<u32, Answer>,
    /// How much of a body may still be sent: on each stream, and on all together.
    windows: BTreeMap<u32, i64>,
    window: i64,
    initial: i64,
    acknowledges: bool,
    /// The table's size is to be told in the next block.
    owes_size: bool,
    goaway: Option<u32>,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

impl Talk {
    async fn begin(stack: Stack<'static>) -> Option<Talk> {
        let mut client = Client::connect(stack).await?;
        client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        Some(Talk {
            client,
            answers: BTreeMap::new(),
            windows: BTreeMap::new(),
            window: INITIAL_WINDOW,
            initial: INITIAL_WINDOW,
            acknowledges: true,
            owes_size: false,
            goaway: None,
        })
    }

    /// As [`Talk::begin`], until both sides have acknowledged.
    pub(crate) async fn open(stack: Stack<'static>) -> Option<Talk> {
        let mut talk = Talk::begin(stack).await?;
        while talk.initial == INITIAL_WINDOW {
            talk.hear().await?;
        }
        Some(talk)
    }

    async fn head(&mut self, stream: u32, method: u8, path: &str, end: bool) -> bool {
        let mut block = Vec::new();
        if core::mem::take(&mut self.owes_size) {
            // 1,024, in 5 bits and two octets.
            block.extend([0x3f, 0xe1, 0x07]);
        }
        block.extend([method, 0x86, 0x04, path.len() as u8]);
        block.extend(path.as_bytes());
        block.extend([0x01, 0x05]);
        block.extend(b"board");
        let end = if end { END_STREAM } else { 0 };
        self.answers.insert(stream, Answer::default());
        self.windows.insert(stream, self.initial);
        self.client.send(&frame(HEADERS, END_HEADERS | end, stream, &block)).await
    }

    pub(crate) async fn get(&mut self, stream: u32, path: &str) -> bool {
        self.head(stream, 0x82, path, true).await
    }

    /// Takes one frame. `None` where the connection ends.
    async fn hear(&mut self) -> Option<()> {
        let head = self.client.read_exact(9).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (kind, flags, stream) =
            (head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        let payload = self.client.read_exact(length as usize).await?;
        let number = || u32::from_be_bytes(payload[..4].try_into().expect("four octets"));
        let answer = self.answers.entry(stream).or_default();
        match kind {
            HEADERS => {
                answer.status = answer.status.or(payload.first().copied());
                answer.ended |= flags & END_STREAM != 0;
            }
            DATA => {
                answer.body.extend(&payload);
                answer.ended |= flags & END_STREAM != 0;
                // Of all streams together; each has what it began with.
                if length > 0 {
                    self.client.send(&frame(WINDOW, 0, 0, &length.to_be_bytes())).await;
                }
            }
            RESET => answer.reset = Some(number()),
            SETTINGS if flags & ACK == 0 && self.acknowledges => {
                self.initial = STREAM_WINDOW;
                for window in self.windows.values_mut() {
                    *window += STREAM_WINDOW - INITIAL_WINDOW;
                }
                self.owes_size = true;
                self.client.send(&frame(SETTINGS, ACK, 0, &[])).await;
            }
            WINDOW if stream == 0 => self.window += i64::from(number()),
            WINDOW => *self.windows.entry(stream).or_default() += i64::from(number()),
            GOAWAY => self.goaway = Some(u32::from_be_bytes(payload[4..8].try_into().expect("a code"))),
            _ => {}
        }
        Some(())
    }

    /// Until the stream is over; its answer.
    pub(crate) async fn answer(&mut self, stream: u32) -> Option<Answer> {
        loop {
            let answer = self.answers.get(&stream)?;
            if answer.ended || answer.reset.is_some() {
                return Some(answer.clone());
            }
            self.hear().await?;
        }
    }

    /// Sends a body in frames of at most `most` octets, as the windows let it through.
    async fn body(&mut self, stream: u32, body: &[u8], most: usize) -> Option<()> {
        let mut rest = body;
        while !rest.is_empty() {
            let window = self.windows[&stream].min(self.window);
            if window <= 0 {
                self.hear().await?;
                continue;
            }
            let (piece, behind) = rest.split_at(rest.len().min(most).min(window as usize));
            let end = if behind.is_empty() { END_STREAM } else { 0 };
            *self.windows.get_mut(&stream)? -= piece.len() as i64;
            self.window -= piece.len() as i64;
            self.client.send(&frame(DATA, end, stream, piece)).await;
            rest = behind;
        }
        Some(())
    }
}

fn hello() -> Answer {
    Answer { status: OK, body: b"hello\n".to_vec(), ended: true, reset: None }
}

fn letters(count: usize) -> Vec<u8> {
    (0..count).map(|at| b'a' + (at % 26) as u8).collect()
}

#[test]
fn both_versions_are_spoken_on_one_port() {
    let app = App::default();
    let world = World::with_http2(app.clone());
    let stack = world.client;
    world.run(async move {
        let mut old = Client::connect(stack).await.expect("a socket listens");
        old.send(b"GET / HTTP/1.1\r\nHost: board\r\n\r\n").await;
        let mut talk = Talk::open(stack).await.expect("a socket listens");
        for stream in (1..200).step_by(2) {
            talk.get(stream, "/").await;
            assert_eq!(talk.answer(stream).await, Some(hello()));
        }
        talk.get(201, "/missing").await;
        assert_eq!(talk.answer(201).await.expect("an answer").status, NOT_FOUND);
        assert_eq!(old.read_until("hello\n").await, ANSWER);
    });
    assert_eq!((app.begun.get(), app.whole.get(), app.aborted.get()), (102, 102, 0));
}

#[test]
fn a_board_that_was_given_no_memory_for_it_refuses_the_preface() {
    let world = World::new(App::default());
    let stack = world.client;
    let answer = world.run(async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        client.send(PREFACE).await;
        client.read_to_end().await.0
    });
    assert!(answer.starts_with("HTTP/1.1 505 ") || answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[test]
fn streams_go_on_beside_one_that_is_never_answered_and_a_fifth_is_refused() {
    let app = App::default();
    let world = World::with_http2(app.clone());
    let stack = world.client;
    world.run(async move {
        let mut talk = Talk::open(stack).await.expect("a socket listens");
        for stream in [1, 3, 5, 7] {
            talk.get(stream, "/slow").await;
        }
        talk.get(9, "/").await;
        assert_eq!(talk.answer(9).await.expect("an answer").reset, Some(REFUSED_STREAM));
        talk.client.send(&frame(RESET, 0, 5, &8_u32.to_be_bytes())).await;
        for stream in [11, 13, 15] {
            talk.get(stream, "/").await;
            assert_eq!(talk.answer(stream).await, Some(hello()));
        }
        talk.client.reset().await;
    });
    world.wait(Duration::from_secs(3), Duration::from_millis(1));
    assert_eq!((app.begun.get(), app.whole.get(), app.aborted.get()), (7, 3, 4));
    assert_eq!(world.pool.connections(), 0);
}

#[test]
fn bodies_that_are_larger_than_every_buffer_stream_through_side_by_side() {
    let world = World::with_http2(App::default());
    let stack = world.client;
    world.run(async move {
        let mut talk = Talk::open(stack).await.expect("a socket listens");
        let body = letters(40_000);
        talk.head(1, 0x83, "/echo", false).await;
        talk.get(3, "/drip").await;
        talk.body(1, &body, 16_384).await.expect("the body goes up");
        let answer = talk.answer(1).await.expect("an answer");
        assert_eq!((answer.status, answer.body == body), (OK, true));
        assert!(!talk.answers[&3].body.is_empty(), "the other stream has had its turns");
    });
}

#[test]
fn what_the_specification_grants_before_our_settings_are_heard_is_taken() {
    let world = World::with_http2(App::default());
    let stack = world.client;
    world.run(async move {
        let mut talk = Talk::begin(stack).await.expect("a socket listens");
        talk.acknowledges = false;
        // All of the window at once, in frames as large as they may be, before anything was heard.
        let body = letters(INITIAL_WINDOW as usize);
        talk.head(1, 0x83, "/count", false).await;
        talk.body(1, &body, 16_384).await.expect("the body goes up");
        let answer = talk.answer(1).await.expect("an answer");
        assert_eq!((answer.status, answer.body), (OK, (INITIAL_WINDOW as u64).to_be_bytes().to_vec()));
    });
}

#[test]
fn every_third_frame_may_be_lost() {
    let world = World::with_http2(App::default());
    world.cable.lose_every.set(3);
    let stack = world.client;
    world.run(async move {
        let mut served = 0;
        while served < 30 {
            let Some(mut talk) = Talk::open(stack).await else { continue };
            for stream in [1, 5, 9] {
                talk.get(stream, "/").await;
                talk.get(stream + 2, "/").await;
                let (Some(one), Some(other)) = (talk.answer(stream).await, talk.answer(stream + 2).await)
                else {
                    // So much was lost that a deadline struck first: as good as a refused connection.
                    break;
                };
                assert_eq!((one, other), (hello(), hello()));
                served += 2;
            }
        }
    });
    world.cable.lose_every.set(0);
    world.wait(Duration::from_secs(120), Duration::from_millis(10));
    assert_eq!(world.pool.connections(), 0);
}

#[test]
fn idle_connections_make_room_and_are_told_so() {
    let world = World::with_http2(App::default());
    let stack = world.client;
    world.run(async move {
        let mut idle = Vec::new();
        for _ in 0..SOCKETS {
            let mut talk = Talk::open(stack).await.expect("a socket listens");
            talk.get(1, "/").await;
            assert_eq!(talk.answer(1).await, Some(hello()));
            idle.push(talk);
        }
        // The one that has waited longest is told to go, and is given the time to say something still.
        Timer::after_millis(3_000).await;
        let mut first = idle.remove(0);
        while first.hear().await.is_some() {}
        assert_eq!(first.goaway, Some(0));
        first.client.close();
        Timer::after_millis(1_000).await;
        let mut talk = Talk::open(stack).await.expect("it has made room");
        talk.get(1, "/").await;
        assert_eq!(talk.answer(1).await, Some(hello()));
    });
}

#[test]
fn a_client_that_says_nothing_behind_its_preface_is_gone_in_time() {
    let world = World::with_http2(App::default());
    let stack = world.client;
    for _ in 0..SOCKETS {
        world.spawn(async move {
            let talk = Talk::begin(stack).await;
            Timer::after_secs(10_000).await;
            drop(talk);
        });
    }
    world.wait(Duration::from_secs(120), Duration::from_millis(10));
    assert_eq!(world.pool.connections(), 0);
}
