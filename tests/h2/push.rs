//! Pushes: answers that nobody asked for, to clients that take them; hints for all others.

use std::process::Command;

use rws_core::Limits;
use rws_core::middleware::TraceIdLayer;
use rws_std::app::Wrapped;
use rws_std::{App, Request, Response, Running, Server, Settings, Status, handler, streaming};
use rws_tests::h2::codes::CANCEL;
use rws_tests::h2::frame::{ENABLE_PUSH, MAX_CONCURRENT_STREAMS, PUSH_PROMISE, RST_STREAM, rst_stream};
use rws_tests::h2::{Block, End, Frame, Peer};

use crate::server::{PATIENCE, get};

/// A site whose page pushes what it needs.
struct Site {
    running: Running<Wrapped<()>>,
}

impl Site {
    fn start() -> Site {
        Site::of(App::new(), Limits::SERVER)
    }

    fn of(app: App, limits: Limits) -> Site {
        let page =
            || Response::html("<link rel=stylesheet href=/style.css>").push("/style.css").push("/app.js?v=2");
        let app = app
            .get("/", page)
            .get("/offloaded", handler(page).placement(rws_std::Placement::Offload))
            .get("/streamed", |request: Request<'_>| {
                let (response, mut writer) = request.stream();
                std::thread::spawn(move || {
                    let _ = std::io::Write::write_all(&mut writer, b"piece by piece");
                    writer.finish();
                });
                response.push("/style.css")
            })
            .post(
                "/uploaded",
                streaming(|request: Request<'_>| {
                    let bytes = request.into_body().read_all(1000).map_or(0, |bytes| bytes.len());
                    Response::text(format!("{bytes}")).push("/style.css")
                }),
            )
            .get("/style.css", |request: Request<'_>| {
                let whom = request.field("Cookie").unwrap_or(b"nobody").escape_ascii().to_string();
                // What is pushed pushes nothing itself.
                Response::text(format!("/* for {whom} */")).push("/font.woff2")
            })
            .get("/app.js", |request: Request<'_>| format!("// {}", request.query("v").unwrap_or_default()))
            .get("/many", || (0..30).fold(Response::text("x"), |page, at| page.push(format!("/slow/{at}"))))
            .get(
                "/slow/:at",
                handler(|request: Request<'_>| {
                    std::thread::sleep(core::time::Duration::from_millis(50));
                    request.param("at").to_owned()
                })
                .placement(rws_std::Placement::Offload),
            )
            .get("/odd", || Response::text("x").push("//elsewhere/x"))
            .get("/broken", || Response::text("x").push("/nothing").push("/panics"))
            .get("/panics", || -> &'static str { panic!("as it is meant to") });
        let settings = Settings { limits, ..Settings::default() };
        let server = Server::bind("127.0.0.1:0").expect("a free port").shards(1).settings(settings);
        Site { running: server.start(app.finish().expect("sound routes")).expect("threads and descriptors") }
    }

    fn open(&self, pairs: &[(u16, u32)]) -> Peer {
        let address = self.running.address();
        Peer::open(address, PATIENCE, pairs).unwrap_or_else(|stop| panic!("no connection: {stop}"))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address())
    }
}

/// The promises in the log: parent, stream, path.
fn promises(log: &[Frame]) -> Vec<(u32, u32, String)> {
    let promises = log.iter().filter(|frame| frame.kind == PUSH_PROMISE);
    promises.map(|frame| (frame.stream, frame.promised().expect("a stream"), value(frame, ":path"))).collect()
}

fn value(frame: &Frame, name: &str) -> String {
    let fields = frame.fields.as_ref().expect("a whole block");
    let value = fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_slice());
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

#[track_caller]
fn response(peer: &mut Peer, stream: u32) -> rws_tests::h2::Response {
    peer.response(stream).unwrap_or_else(|stop| panic!("{stop}; it got {}", peer.story()))
}

#[test]
fn what_a_page_needs_is_promised_before_it_and_served_through_the_same_routes_and_layers() {
    let layered = App::new().wrap(TraceIdLayer::new());
    for (site, has_layers) in [(Site::start(), false), (Site::of(layered, Limits::SERVER), true)] {
        for path in ["/", "/offloaded"] {
            let mut peer = site.open(&[]);
            peer.request(1, &get(path).field("cookie", "me=1").field("accept", "text/html"));
            let page = response(&mut peer, 1);
            assert_eq!((page.status, page.interim.len()), (200, 0));
            assert_eq!(
                promises(&peer.log),
                [(1, 2, "/style.css".to_owned()), (1, 4, "/app.js?v=2".to_owned())]
            );
            let at = |wanted: &dyn Fn(&Frame) -> bool| peer.log.iter().position(wanted).expect("it came");
            let last_promise = at(&|frame| frame.promised() == Some(4));
            assert!(
                last_promise < at(&|frame| frame.stream == 1 && frame.kind != PUSH_PROMISE),
                "{}",
                peer.story()
            );
            let promise = &peer.log[at(&|frame| frame.promised() == Some(2))];
            let fields = [":method", ":scheme", ":authority", "cookie", "accept", "host"];
            let fields = fields.map(|name| value(promise, name));
            assert_eq!(fields, ["GET", "http", "localhost", "me=1", "", ""]);
            let (style, script) = (response(&mut peer, 2), response(&mut peer, 4));
            assert_eq!((style.status, style.text()), (200, "/* for me=1 */"));
            assert_eq!((script.status, script.text()), (200, "// 2"));
            let ids = [&page, &style, &script].map(|answer| answer.field("x-request-id").is_some());
            assert_eq!(ids, [has_layers; 3]);
            // The connection goes on, and what was pushed pushed nothing.
            peer.request(3, &get("/app.js"));
            assert_eq!(response(&mut peer, 3).status, 200);
            assert_eq!(promises(&peer.log).len(), 2);
        }
    }
}

#[test]
fn pushes_go_with_answers_that_are_streamed_or_come_from_another_thread() {
    let site = Site::start();
    let mut peer = site.open(&[]);
    peer.request(1, &get("/streamed"));
    assert_eq!(response(&mut peer, 1).text(), "piece by piece");
    assert_eq!(response(&mut peer, 2).text(), "/* for nobody */");
    peer.begin(3, &crate::server::post("/uploaded"));
    peer.data(3, b"some bytes", true);
    assert_eq!(response(&mut peer, 3).text(), "10");
    assert_eq!(response(&mut peer, 4).text(), "/* for nobody */");
    assert_eq!(promises(&peer.log).len(), 2);
}

#[test]
fn who_takes_no_pushes_is_given_hints() {
    let site = Site::start();
    let mut peer = site.open(&[(ENABLE_PUSH, 0)]);
    for (stream, path) in [(1, "/"), (3, "/offloaded")] {
        peer.request(stream, &get(path));
        let page = response(&mut peer, stream);
        assert_eq!((page.status, &page.interim[..]), (200, &[103][..]), "{path}");
        let hints = peer.log.iter().find(|frame| frame.stream == stream).expect("it came first");
        let links: Vec<_> = hints.fields.iter().flatten().filter(|(name, _)| name == "link").collect();
        assert_eq!(links[0].1, b"</style.css>; rel=preload; as=style");
        assert_eq!(links[1].1, b"</app.js?v=2>; rel=preload; as=script");
    }
    assert_eq!(promises(&peer.log), []);
    // Not to a request for a head.
    peer.request(5, &Block::request("HEAD", "/", "localhost"));
    assert!(response(&mut peer, 5).interim.is_empty());
}

#[test]
fn no_more_is_pushed_at_once_than_limits_and_client_allow() {
    let few = Limits { pushes_max: 3, ..Limits::SERVER };
    let none = Limits { pushes_max: 0, ..Limits::SERVER };
    for (limits, pairs, most) in
        [(few, &[][..], 3), (Limits::SERVER, &[(MAX_CONCURRENT_STREAMS, 2)][..], 2), (none, &[][..], 0)]
    {
        let site = Site::of(App::new(), limits);
        let mut peer = site.open(pairs);
        peer.request(1, &get("/many"));
        // The others are hinted at.
        assert_eq!(response(&mut peer, 1).interim, [103]);
        let promised = promises(&peer.log);
        assert_eq!(promised.len(), most);
        for (at, (_, stream, _)) in promised.into_iter().enumerate() {
            assert_eq!(response(&mut peer, stream).text(), at.to_string());
        }
        // Their places are free again.
        peer.request(3, &get("/many"));
        assert_eq!(response(&mut peer, 3).status, 200);
        assert_eq!(promises(&peer.log).len(), 2 * most);
    }
}

#[test]
fn a_push_that_is_reset_or_goes_wrong_ends_alone() {
    let site = Site::start();
    let mut peer = site.open(&[]);
    peer.request(1, &get("/many"));
    peer.wait(|log| (promises(log).len() == 8).then_some(())).expect("promises");
    for stream in [2, 6] {
        peer.send(rst_stream(stream, CANCEL));
    }
    assert_eq!(response(&mut peer, 1).text(), "x");
    for (at, stream) in [(1, 4), (3, 8), (4, 10), (7, 16)] {
        assert_eq!(response(&mut peer, stream).text(), at.to_string());
    }
    peer.ping().expect("it lives");
    for stream in [2, 6] {
        assert!(!peer.log.iter().any(|frame| frame.stream == stream && frame.kind != RST_STREAM));
    }
    peer.request(3, &get("/broken"));
    assert_eq!(response(&mut peer, 3).text(), "x");
    let found = [18, 20].map(|stream| response(&mut peer, stream)).map(|answer| (answer.status, answer.end));
    assert_eq!(found, [(404, End::Whole), (500, End::Whole)]);
    peer.request(5, &get("/odd"));
    assert_eq!(response(&mut peer, 5).status, Status::INTERNAL_SERVER_ERROR.code());
}

#[test]
fn over_http_1_1_hints_come_before_the_answer_and_over_http_1_0_none() {
    let site = Site::start();
    let page = "<link rel=stylesheet href=/style.css>";
    let curl = |options: &[&str], path: &str| {
        let url = site.url(path);
        let arguments = [&["--silent", "--include", "--max-time", "20"], options, &[&*url]].concat();
        let output = Command::new("curl").args(arguments).output().expect("curl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).to_lowercase()
    };
    for path in ["/", "/offloaded"] {
        let text = curl(&["--http1.1"], path);
        let hints = "http/1.1 103 early hints\r\nlink: </style.css>; rel=preload; as=style\r\n\
            link: </app.js?v=2>; rel=preload; as=script\r\n\r\nhttp/1.1 200 ok\r\n";
        assert!(text.starts_with(hints) && text.ends_with(page), "{text}");
        let text = curl(&["--http1.0"], path);
        assert!(text.starts_with("http/1.1 200 ok\r\n") && text.ends_with(page), "{text}");
        assert!(!text.contains("103"), "{text}");
    }
    assert!(curl(&["--http1.1"], "/streamed").contains("103 early hints"));
    // curl turns pushes off.
    let text = curl(&["--http2-prior-knowledge"], "/");
    assert!(text.starts_with("http/2 103 \r\nlink: </style.css>; rel=preload; as=style\r\n"), "{text}");
}

#[test]
fn nghttp_takes_the_pushes() {
    let site = Site::start();
    let output =
        Command::new("timeout").args(["20", "nghttp", "-v", &site.url("/")]).output().expect("nghttp");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("recv PUSH_PROMISE frame").count(), 2, "{text}");
    assert!(text.contains("/* for nobody */") && text.contains("// 2"), "{text}");
    assert!(!text.contains("recv GOAWAY") && !text.contains("RST_STREAM"), "{text}");
    let refusing = Command::new("timeout").args(["20", "nghttp", "-v", "--no-push", &site.url("/")]).output();
    let text = String::from_utf8_lossy(&refusing.expect("nghttp").stdout).into_owned();
    assert!(text.contains(":status: 103") && !text.contains("PUSH_PROMISE"), "{text}");
}
