//! The end: a drain with exchanges under way.

use crate::client::End;
use crate::site::Site;
use crate::upstream::Upstream;

#[test]
fn a_drain_lets_forwarded_exchanges_end_and_drops_idle_connections() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let (mut idle_client, mut client) = (site.connect(), site.connect());
    idle_client.ask("/idle");
    let mut idle = upstream.accept();
    idle.request();
    let mut link = upstream.asked(&mut client, "/busy");
    idle.answer("x");
    assert_eq!(idle_client.answer().status, 200);
    link.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
    assert!(client.take(10, &mut Vec::new()));
    let drained = std::thread::spawn(move || site.running.drain());
    idle_client.is_closed();
    link.send("half");
    let (rest, end) = client.rest();
    assert!(rest.ends_with(b"halfhalf"));
    assert_eq!(end, End::Closed);
    assert_eq!(drained.join().expect("the drain ends"), 0);
    idle.is_given_up();
    link.is_given_up();
}

#[test]
fn a_drain_that_runs_out_of_time_cuts_answers_so_that_it_shows() {
    let upstream = Upstream::new();
    let site = Site::with(&[upstream.address()], "", |config| {
        config.shutdown_timeout = core::time::Duration::from_millis(200)
    });
    let mut client = site.connect();
    let mut link = upstream.asked(&mut client, "/");
    link.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    assert!(client.take(10, &mut Vec::new()));
    site.running.drain();
    let (rest, end) = client.rest();
    assert!(!rest.ends_with(b"0\r\n\r\n"));
    assert_eq!(end, End::Reset);
    link.is_given_up();
}
