//! `/healthz`, `/readyz` and `/metrics`: what they say, and who comes first.

use core::time::Duration;

use crate::server::Server;

#[test]
fn health_and_readiness_are_told_and_never_stored() {
    let server = Server::of_files(&[]);
    for (path, text) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.text(), answer.field("Cache-Control")),
            (200, text, Some("no-store"))
        );
        assert_eq!(server.ask("HEAD", path, "").status, 200);
    }
    server.stop();
}

#[test]
fn routes_of_a_configuration_may_take_the_paths_and_the_root_may_not() {
    let files = [("healthz", "a file"), ("metrics", "a file")];
    let config = r#"
        root = "ROOT"
        [[route]]
        match = { path = "/healthz" }
        action = { type = "respond", status = 503, body = "mine" }
    "#;
    let server = Server::new(&files, config);
    assert_eq!((server.get("/healthz").status, server.get("/healthz").text()), (503, "mine"));
    assert!(server.get("/metrics").text().starts_with("# HELP "));
    assert_eq!(server.get("/readyz").text(), "ready\n");
    server.stop();

    let server = Server::new(
        &files,
        r#"
        [[route]]
        action = { type = "static", root = "ROOT" }
        "#,
    );
    assert_eq!(server.get("/metrics").text(), "a file", "a route for everything takes these as well");
    assert_eq!(server.get("/readyz").status, 404);
    server.stop();
}

#[test]
fn metrics_count_requests_by_the_pattern_of_their_route() {
    let config = r#"
        root = "ROOT"
        [[route]]
        match = { path = "/api/*" }
        action = { type = "respond", status = 500, body = "no" }
    "#;
    let server = Server::new(&[("a.txt", "a")], config);
    for at in 0..3 {
        assert_eq!(server.get(&format!("/api/{at}")).status, 500);
    }
    assert_eq!(server.get("/a.txt").status, 200);
    assert_eq!(server.get("/random-name").status, 404);
    server.await_metric("rws_route_requests_total{route=\"/api/*\",status=\"5xx\"} 3");
    server.await_metric("rws_route_requests_total{route=\"/*\",status=\"2xx\"} 1");
    server.await_metric("rws_route_requests_total{route=\"/*\",status=\"4xx\"} 1");
    server.await_metric("rws_route_duration_seconds_count{route=\"/api/*\"} 3");
    server.await_metric("rws_errors_total 3");
    let metrics = server.metrics();
    assert!(
        !metrics.contains("random-name") && !metrics.contains("/api/1"),
        "labels are the configuration's"
    );
    assert!(metrics.contains("\n# TYPE rws_requests_total counter\n") && metrics.ends_with('\n'));
    server.stop();
}

#[test]
fn open_connections_and_refused_requests_are_counted() {
    let server = Server::of_files(&[]);
    let mut idle = [server.client(), server.client()];
    for client in &mut idle {
        assert_eq!(client.ask("GET", "/healthz", "").status, 200);
    }
    server.await_metric("rws_active_connections 3");
    let mut client = server.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    assert_eq!(client.answer("GET").status, 400);
    server.await_metric("rws_requests_refused_total 1");
    drop((idle, client));
    server.await_metric("rws_active_connections 1");
    server.stop();
}

#[test]
fn an_answer_that_its_client_gives_up_is_counted_as_aborted() {
    let server = Server::of_files(&[]);
    server.write("big.bin", &vec![0; 64 << 20]);
    let mut client = server.client();
    client.send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    drop(client);
    server.await_metric("rws_route_aborted_total{route=\"/*\"} 1");
    server.stop();
}

#[test]
fn metrics_are_for_this_machine_unless_the_configuration_says_otherwise() {
    // A peer that is not loopback: this machine by an address of its own, where it has one.
    let Some(own) = own_address() else { return };
    for (setting, status) in [("", 403), ("metrics = true\n", 200)] {
        let server = Server::new(&[], &format!("ip = \"0.0.0.0\"\nroot = \"ROOT\"\n{setting}"));
        let mut client = crate::client::Client::connect((own, server.address().port()).into());
        assert_eq!(client.ask("GET", "/metrics", "").status, status);
        assert_eq!(client.ask("GET", "/healthz", "").status, 200);
        let mut near = crate::client::Client::connect(([127, 0, 0, 1], server.address().port()).into());
        assert_eq!(near.ask("GET", "/metrics", "").status, 200);
        server.stop();
    }
}

/// The address that this machine would use towards the world; nothing is sent.
fn own_address() -> Option<core::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

#[test]
fn a_draining_server_says_that_it_is_not_ready() {
    let server = Server::of_files(&[]);
    server.write("big.bin", &vec![b'x'; 32 << 20]);
    // A download that keeps the drain from ending, with a second request behind it.
    let mut client = server.client();
    client.send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    server.await_metric("rws_active_connections 2");
    let handle = server.handle();
    let stopping = std::thread::spawn(move || server.stop());
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !handle.is_draining() && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert!(handle.is_draining());
    let answer = client.answer("GET");
    assert_eq!((answer.status, answer.body.len()), (200, 32 << 20), "what was under way is finished");
    assert!(client.is_closed(), "and nothing is begun after it");
    stopping.join().expect("an orderly end");
}
