//! PING, and servers that are gone without a word.

use super::*;

const SECOND: u64 = 1_000_000;
const WATCHFUL: Limits = Limits { ping_interval_us: 5 * SECOND, ping_timeout_us: 2 * SECOND, ..LIMITS };

/// A request whose answer has begun, and may stand still.
fn conversing(limits: &Limits) -> Run<'_> {
    let mut run = begun(limits, &[Message::new(200)]);
    run.client.be_patient(run.streams[0]);
    run.feed(&status(1, false, "200"));
    run
}

impl Run<'_> {
    fn pass(&mut self, us: u64) {
        self.drive.pass(&mut self.client, &mut self.script, us);
    }

    fn pings(&self) -> usize {
        self.sent().iter().filter(|line| **line == "PING rws ping").count()
    }
}

#[test]
fn a_server_that_is_gone_is_found() {
    let mut run = conversing(&WATCHFUL);
    run.pass(4 * SECOND);
    assert_eq!(run.pings(), 0);
    run.pass(2 * SECOND);
    assert_eq!((run.pings(), run.client.status()), (1, ConnectionStatus::Open));
    run.pass(2 * SECOND);
    assert_eq!(run.drive.log, ["1 response 200", "closed"]);
    assert_eq!(run.client.status(), ConnectionStatus::Closed);
    assert!(run.client.ends_abruptly() && run.drive.told_to_close);
    assert_eq!((run.pings(), run.client.next_deadline()), (1, Instant::NEVER));
}

#[test]
fn a_server_that_answers_or_says_anything_lives() {
    for sign in [
        Frames::default().ping(true, *b"rws ping"),
        Frames::default().window(0, 1),
        Frames::default().data(1, false, b"x"),
        Frames::default().frame(0xfa, 0, 0, b""),
    ] {
        let mut run = conversing(&WATCHFUL);
        for round in 1..=10 {
            run.pass(6 * SECOND);
            assert_eq!(run.pings(), round);
            run.feed(&sign);
        }
        assert_eq!(run.client.status(), ConnectionStatus::Open);
        // Who talks is not asked.
        for _ in 0..20 {
            run.pass(2 * SECOND);
            run.feed(&sign);
        }
        assert_eq!(run.pings(), 10);
    }
}

#[test]
fn nobody_is_asked_who_has_nothing_to_answer() {
    let limits = Limits { idle_timeout_us: 1000 * SECOND, ..WATCHFUL };
    let mut run = begun(&limits, &[Message::new(200)]);
    run.feed(&status(1, true, "200"));
    run.pass(100 * SECOND);
    assert_eq!((run.pings(), run.client.status()), (0, ConnectionStatus::Open));
    // The next request starts the watch again.
    run.script.messages.push_back(Message::new(200));
    let stream = run.client.open(&run.drive.env()).unwrap();
    run.client.be_patient(stream);
    run.feed(&Frames::default());
    run.feed(&status(3, false, "200"));
    run.pass(6 * SECOND);
    assert_eq!(run.pings(), 1);
    let never = Limits { ping_interval_us: 0, ..WATCHFUL };
    let mut run = conversing(&never);
    run.pass(100 * SECOND);
    assert_eq!((run.pings(), run.client.status()), (0, ConnectionStatus::Open));
}

#[test]
fn time_in_which_nothing_is_read_does_not_count() {
    let mut run = conversing(&WATCHFUL);
    // Content waits for somebody to take it, and whatever the server says behind it is not seen.
    run.drive.grants = false;
    let content = alloc::vec![b'x'; 16_384];
    for _ in 0..4 {
        run.feed(&Frames::default().data(1, false, &content));
    }
    for _ in 0..20 {
        run.client.excuse_peer();
        run.pass(SECOND);
    }
    assert_eq!(run.client.status(), ConnectionStatus::Open);
    let window = WATCHFUL.body_window_bytes;
    run.client.grant(run.streams[0], window).unwrap();
    run.pass(8 * SECOND);
    assert_eq!(run.client.status(), ConnectionStatus::Closed);
}
