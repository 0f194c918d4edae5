//! What the closure API promises, seen from the other end of the socket.

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use rws_std::app::Wrapped;
use rws_std::middleware::BodyLimitLayer;
use rws_std::{App, Failure, Placement, Request, Response, Running, Server, Status, handler, streaming};
use serde_json::Value;

use crate::peer::{PATIENCE, Peer};
use crate::process::settles;

/// What a collected body may have at most: the app's default.
const COLLECTED_BYTES_MAX: usize = 2 << 20;

type Told = Mutex<Sender<String>>;

struct Site {
    running: Running<Wrapped<Told>>,
    told: Receiver<String>,
}

impl Site {
    fn new() -> Site {
        Site::of(|app| app)
    }

    fn of(change: impl FnOnce(App<Told>) -> App<Told>) -> Site {
        let (sender, told) = channel();
        let app = change(app(Mutex::new(sender))).finish().expect("sound routes");
        let server = Server::bind("127.0.0.1:0").expect("a free port").shards(1);
        Site { running: server.start(app).expect("threads and descriptors"), told }
    }

    fn connect(&self) -> Peer {
        Peer::connect(self.running.address())
    }
}

fn app(told: Told) -> App<Told> {
    let length = |request: Request<'_>| Ok::<_, Failure>(request.bytes()?.len().to_string());
    App::with_state(told)
        .get("/", || "sound")
        .post("/collected", length)
        .post("/short", handler(length).body_bytes_max(5))
        .post("/long", handler(length).body_bytes_max(COLLECTED_BYTES_MAX as u64 + 1))
        .post("/told", handler(length).require_length())
        .post("/told-streaming", streaming(length).require_length())
        .post("/streaming", streaming(read_to_the_end).body_bytes_max(5))
        .post("/into-memory", streaming(length))
        .post("/echo", streaming(|request: Request<'_>| request.into_body()).body_bytes_max(5))
        .post("/json", |request: Request<'_>| Ok::<_, Failure>(Response::json(&request.json::<Value>()?)))
        .post("/text", |request: Request<'_>| request.text())
        .get("/query", |request: Request<'_>| {
            let pairs: Vec<_> = request.query_pairs().collect();
            Response::json(&(request.query("q"), pairs))
        })
        .get("/param/:one/*rest", |request: Request<'_>| {
            format!("{:?} {:?}", request.param("one"), request.param("rest"))
        })
        .get("/number/:n", |request: Request<'_>| Ok::<_, Failure>(request.param_as::<u8>("n")?.to_string()))
        .get("/field", |request: Request<'_>| {
            let (name, value) = (request.query("name"), request.query("value").unwrap_or_default());
            Response::html("<p>")
                .field(name.as_deref().unwrap_or("X-Value"), value.as_bytes())
                .status(Status::OK)
        })
        .get("/missing-file", || std::fs::read_to_string("/no/such/file, and its name is secret"))
        .get("/nothing", || ())
        .get("/thread", thread)
        .get("/thread/inline", handler(thread).placement(Placement::Inline))
        .get("/thread/offload", handler(thread).placement(Placement::Offload))
}

/// The name of the thread that runs this, as the system knows it.
fn thread() -> io::Result<String> {
    std::fs::read_to_string("/proc/thread-self/comm")
}

fn read_to_the_end(request: Request<'_>, told: &Told) -> Result<String, Failure> {
    let outcome = request.into_body().read_to_end(&mut Vec::new());
    let text = outcome.as_ref().map_or_else(|error| format!("{:?}", error.kind()), usize::to_string);
    let _ = told.lock().expect("no holder panics").send(text);
    Ok(outcome?.to_string())
}

fn sized(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn chunked(path: &str, body: &str) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunks: String = body.chars().map(|one| format!("1\r\n{one}\r\n")).collect();
    head + &chunks + "0\r\n\r\n"
}

#[test]
fn a_body_without_a_length_is_answered_411_where_one_is_demanded() {
    let site = Site::new();
    for path in ["/told", "/told-streaming"] {
        let mut peer = site.connect();
        peer.send(sized(path, "hello"));
        assert_eq!(peer.answer().text(), "5", "{path}");
        peer.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(peer.answer().text(), "0", "{path}: no body needs no length");
        peer.send(chunked(path, "hello"));
        let answer = peer.answer();
        assert_eq!((answer.status, answer.text()), (411, "a body needs a Content-Length here\n"), "{path}");
    }
    // Whoever asks first is told before the body comes.
    let mut peer = site.connect();
    peer.send("POST /told HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    let answer = peer.answer();
    assert_eq!((answer.status, answer.interim), (411, vec![]));
}

#[test]
fn a_layer_demands_a_length_of_every_body() {
    let site = Site::of(|app| app.wrap(BodyLimitLayer::new(5).require_length()));
    for path in ["/collected", "/streaming", "/nowhere"] {
        let mut peer = site.connect();
        peer.send(chunked(path, "hello"));
        assert_eq!(peer.answer().status, 411, "{path}");
    }
    let mut peer = site.connect();
    peer.send(sized("/collected", "hello"));
    assert_eq!(peer.answer().text(), "5");
    assert_eq!(peer.get("/").text(), "sound");
    peer.send(sized("/collected", "longer"));
    assert_eq!(peer.answer().status, 413);
}

#[test]
fn what_is_collected_has_the_limit_of_its_app_or_of_its_route() {
    let site = Site::new();
    let two_mib = "x".repeat(COLLECTED_BYTES_MAX);
    for (path, body, status) in [
        ("/short", "hello", 200),
        ("/short", "longer", 413),
        ("/collected", &two_mib[..], 200),
        ("/collected", &(two_mib.clone() + "x"), 413),
        ("/long", &(two_mib.clone() + "x"), 200),
        ("/long", &(two_mib.clone() + "xx"), 413),
        ("/into-memory", &two_mib, 200),
        ("/into-memory", &(two_mib.clone() + "x"), 413),
    ] {
        let mut peer = site.connect();
        peer.try_send(sized(path, body));
        assert_eq!(peer.answer().status, status, "{path} with {} bytes", body.len());
    }
    for (body, status) in [("hello", 200), ("longer", 413)] {
        let mut peer = site.connect();
        peer.send(chunked("/short", body));
        assert_eq!(peer.answer().status, status, "{body}");
    }
}

#[test]
fn a_stream_beyond_the_limit_of_its_route_is_413_and_its_reader_learns_it() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send(chunked("/streaming", "hello"));
    assert_eq!(peer.answer().text(), "5");
    assert_eq!(site.told.recv_timeout(PATIENCE).as_deref(), Ok("5"));
    peer.send(chunked("/streaming", "longer"));
    let answer = peer.answer();
    assert_eq!((answer.status, answer.text()), (413, "the body is too large\n"));
    assert_eq!(site.told.recv_timeout(PATIENCE).as_deref(), Ok("UnexpectedEof"));
    let mut peer = site.connect();
    peer.send("POST /streaming HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    let answer = peer.answer();
    assert_eq!((answer.status, answer.interim), (413, vec![]), "before a byte is read");
}

#[test]
fn an_answer_that_reads_on_is_cut_off_at_the_limit() {
    let site = Site::new();
    let mut peer = site.connect();
    peer.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    // The answer has begun once some of it is here.
    assert_eq!(peer.stream.peek(&mut [0]).expect("bytes in time"), 1);
    peer.send("1\r\n!\r\n0\r\n\r\n");
    let answer = peer.answer();
    assert_eq!((answer.status, answer.text(), answer.is_whole), (200, "hello", false));
}

#[test]
fn queries_and_parameters_are_decoded_once() {
    let site = Site::new();
    let mut peer = site.connect();
    for (target, expected) in [
        ("/query", r"[null,[]]"),
        ("/query?", r"[null,[]]"),
        ("/query?q", r#"["",[["q",""]]]"#),
        (
            "/query?a=1&q=caf%C3%A9+au+lait&q=2",
            r#"["café au lait",[["a","1"],["q","café au lait"],["q","2"]]]"#,
        ),
        ("/query?%71=%2541%26", r#"["%41&",[["q","%41&"]]]"#),
        ("/query?q=%ff%", "[\"\u{fffd}%\",[[\"q\",\"\u{fffd}%\"]]]"),
        ("/param/J%C3%BCrgen%20K./a+b/100%25?c", r#""Jürgen K." "a+b/100%""#),
        ("/number/255", "255"),
        ("/number/256", "the path parameter `n` is malformed\n"),
    ] {
        assert_eq!(peer.get(target).text(), expected, "{target}");
    }
    assert_eq!(peer.get("/number/256").status, 400);
}

#[test]
fn a_field_takes_the_place_of_the_one_before_and_never_splits_the_head() {
    let site = Site::new();
    let mut peer = site.connect();
    let answer = peer.get("/field?name=content-type&value=text/css");
    assert_eq!((answer.status, answer.field("Content-Type")), (200, Some("text/css")));
    for target in [
        "/field?value=a%0D%0ASet-Cookie:%20b=c",
        "/field?value=a%0Ab",
        "/field?value=a%0Db",
        "/field?value=a%00b",
        "/field?name=X-A:%20b%0D%0AX&value=c",
        "/field?name=X%0AB&value=c",
        "/field?name=&value=c",
    ] {
        let answer = peer.get(target);
        assert_eq!((answer.status, answer.text()), (500, "the handler made a malformed field\n"), "{target}");
        assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"), "{target}");
        assert_eq!((answer.field("Set-Cookie"), answer.field("X-Value")), (None, None), "{target}");
    }
    // The framing is the engine's, whatever a handler says.
    let answer = peer.get("/field?name=Content-Length&value=999");
    assert_eq!((answer.status, answer.text()), (200, "<p>"));
    let answer = peer.get("/field?name=Transfer-Encoding&value=chunked");
    assert_eq!(answer.text(), "<p>");
}

#[test]
fn failures_tell_a_client_what_it_needs_and_nothing_more() {
    let site = Site::new();
    let mut peer = site.connect();
    let answer = peer.get("/missing-file");
    assert_eq!((answer.status, answer.text()), (500, "the handler failed\n"));
    let answer = peer.get("/nothing");
    assert_eq!((answer.status, answer.field("Content-Length")), (204, None));
    let mut post = |content_type: &str, body: &str| {
        let length = body.len();
        peer.send(format!(
            "POST /json HTTP/1.1\r\nHost: a\r\n{content_type}Content-Length: {length}\r\n\r\n{body}"
        ));
        let answer = peer.answer();
        (answer.status, answer.text().to_owned())
    };
    let json = "Content-Type: application/json\r\n";
    assert_eq!(post(json, "{\"a\": [1]}"), (200, "{\"a\":[1]}".to_owned()));
    assert_eq!(post("", "{}"), (415, "the body must be application/json\n".to_owned()));
    assert_eq!(post(json, "<script>"), (400, "the body is no JSON: line 1, column 1\n".to_owned()));
    assert_eq!(post(json, ""), (400, "the body is no JSON: line 1, column 0\n".to_owned()));
    let deep = "[".repeat(100_000);
    assert_eq!(post(json, &deep).0, 400, "no stack is deep enough for all that can be sent");
    peer.send(b"POST /text HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n\xff");
    assert_eq!(peer.answer().status, 400);
    peer.send("POST /text HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\u{e9}");
    assert_eq!(peer.answer().text(), "\u{e9}");
}

#[test]
fn a_route_runs_where_it_is_placed() {
    let site = Site::new();
    let mut peer = site.connect();
    for _ in 0..3 {
        assert_eq!(peer.get("/thread").text(), "rws-shard-0\n");
        assert_eq!(peer.get("/thread/inline").text(), "rws-shard-0\n");
        assert_eq!(peer.get("/thread/offload").text(), "rws-spare\n");
    }
}

#[test]
fn bodies_in_memory_share_a_bound_beyond_which_there_is_503() {
    let site = Site::of(|app| app.body_bytes_max(1000).collected_bytes_max(COLLECTED_BYTES_MAX + 500));
    let post = |length: usize| format!("POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    let mut slow = site.connect();
    slow.send(post(COLLECTED_BYTES_MAX) + &"x".repeat(COLLECTED_BYTES_MAX - 1));
    let mut other = site.connect();
    // Until all of it is there.
    settles("the bound", || {
        other.send(post(502) + &"x".repeat(502));
        let answer = other.answer();
        assert!(answer.status == 200 || answer.field("Retry-After") == Some("1"), "{}", answer.status);
        answer.status == 503
    });
    other.send(post(500) + &"x".repeat(500));
    assert_eq!(other.answer().status, 200, "what fits is taken");
    slow.send("x");
    assert_eq!(slow.answer().text(), COLLECTED_BYTES_MAX.to_string());
    other.send(post(502) + &"x".repeat(502));
    assert_eq!(other.answer().status, 200, "it was given back");
    assert_eq!(site.running.drain(), 0);
}
