//! What is asked of the device, in order: one connection each.

/// One connection's worth of requests.
#[derive(Debug)]
pub struct Exchange {
    /// What it is about.
    pub name: &'static str,
    /// What is done on the connection.
    pub steps: Vec<Step>,
}

/// One step of an exchange.
#[derive(Debug)]
pub enum Step {
    /// These bytes go out at once.
    Send(Vec<u8>),
    /// These bytes go out in pieces of this many.
    Dribble(Vec<u8>, usize),
    /// An interim answer comes.
    Interim,
    /// A final answer with this status comes.
    Answer(u16),
    /// One to a HEAD request.
    AnswerToHead(u16),
    /// A stream of events begins with this many of them.
    Events(usize),
    /// The device closes the connection, and nothing comes before.
    Closed,
}

use Step::{Answer, AnswerToHead, Closed, Dribble, Events, Interim, Send};

/// The credentials of the device's operator.
pub const PASSWORD: &str = "Authorization: Basic b3BlcmF0b3I6bm90IGEgc2VjcmV0\r\n";
const JSON: &str = "Content-Type: application/json\r\n";
/// The catalogue's check value: the CRC-32 of `123456789`.
const NINE: &[u8] = b"123456789";
const SUM_OF_NINE: &str = "X-CRC32: cbf43926\r\n";

/// All exchanges, in the order in which they have to be run: some look at what earlier ones left behind.
pub fn exchanges() -> Vec<Exchange> {
    let mut all = reading();
    all.extend(page());
    all.extend(led());
    all.extend(firmware());
    all.extend(connections());
    all.extend(refusals());
    all
}

fn exchange(name: &'static str, steps: impl Into<Vec<Step>>) -> Exchange {
    Exchange { name, steps: steps.into() }
}

/// A request without a body, its other field lines as given.
fn request(method: &str, target: &str, fields: &str) -> Step {
    Send(format!("{method} {target} HTTP/1.1\r\nHost: device\r\n{fields}\r\n").into_bytes())
}

fn get(target: &str) -> Step {
    request("GET", target, "")
}

/// A request with a body whose length is told.
fn post(target: &str, fields: &str, body: &[u8]) -> Step {
    let length = body.len();
    let mut bytes =
        format!("POST {target} HTTP/1.1\r\nHost: device\r\nContent-Length: {length}\r\n{fields}\r\n")
            .into_bytes();
    bytes.extend_from_slice(body);
    Send(bytes)
}

/// One whose body comes in chunks.
fn post_chunked(target: &str, fields: &str, chunks: &[&[u8]]) -> Vec<u8> {
    let mut bytes =
        format!("POST {target} HTTP/1.1\r\nHost: device\r\nTransfer-Encoding: chunked\r\n{fields}\r\n")
            .into_bytes();
    for chunk in chunks {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

fn reading() -> Vec<Exchange> {
    let head = |target| request("HEAD", target, "");
    vec![
        exchange("a line of text", [get("/"), Answer(200)]),
        exchange(
            "HEAD on every GET route",
            [
                head("/"),
                AnswerToHead(200),
                head("/led/on"),
                AnswerToHead(200),
                head("/metrics"),
                AnswerToHead(200),
                head("/events"),
                AnswerToHead(200),
                head("/index.html"),
                AnswerToHead(200),
                head("/nowhere"),
                AnswerToHead(404),
            ],
        ),
        exchange(
            "nothing there",
            [get("/nowhere"), Answer(404), get("/led/blue"), Answer(404), get("/index.html/x"), Answer(404)],
        ),
        exchange(
            "other methods",
            [
                request("DELETE", "/", ""),
                Answer(405),
                get("/led"),
                Answer(405),
                get("/firmware"),
                Answer(405),
                request("BREW", "/", ""),
                Answer(501),
                request("OPTIONS", "/led/on", ""),
                Answer(204),
                request("OPTIONS", "/firmware", ""),
                Answer(204),
                request("OPTIONS", "*", ""),
                Answer(204),
            ],
        ),
        exchange("metrics", [get("/metrics"), Answer(200), get("/"), Answer(200)]),
        exchange("events", [get("/events"), Events(3)]),
        exchange(
            "events for one who was away",
            [request("GET", "/events", "Last-Event-ID: 0\r\n"), Events(3)],
        ),
    ]
}

fn page() -> Vec<Exchange> {
    let page = |fields| request("GET", "/index.html", fields);
    vec![
        exchange("the page", [page(""), Answer(200)]),
        exchange(
            "the page with the longest head",
            [
                Send(
                    b"GET /index.html HTTP/1.0\r\nConnection: keep-alive\r\nAccept-Encoding: gzip\r\n\r\n"
                        .to_vec(),
                ),
                Answer(200),
                get("/"),
                Answer(200),
            ],
        ),
        exchange("the page as gzip", [page("Accept-Encoding: br, gzip;q=0.5\r\n"), Answer(200)]),
        exchange(
            "the page for one who refuses gzip",
            [page("Accept-Encoding: gzip;q=0, *\r\n"), Answer(200)],
        ),
        exchange(
            "the page for one who has it",
            [
                page("If-None-Match: *\r\n"),
                Answer(304),
                page("If-None-Match: \"other\"\r\nAccept-Encoding: gzip\r\n"),
                Answer(200),
                page("If-Match: \"other\"\r\n"),
                Answer(412),
            ],
        ),
    ]
}

fn led() -> Vec<Exchange> {
    let switch = |body: &str| post("/led", &format!("{PASSWORD}{JSON}"), body.as_bytes());
    vec![
        exchange(
            "the LED",
            [
                switch(r#"{"on":true}"#),
                Answer(200),
                get("/led/on"),
                Answer(200),
                switch(r#" { "x" : [1, {}], "on" : false } "#),
                Answer(200),
                get("/led/on"),
                Answer(200),
            ],
        ),
        exchange(
            "the LED, wrongly",
            [
                switch(""),
                Answer(400),
                switch(r#"{"on":"#),
                Answer(400),
                switch(r#"{"on":1}"#),
                Answer(422),
                switch("{}"),
                Answer(422),
                switch(&" ".repeat(65)),
                Answer(413),
                switch(&" ".repeat(257)),
                Answer(413),
                post("/led", PASSWORD, br#"{"on":true}"#),
                Answer(415),
            ],
        ),
        exchange(
            "the LED without the password",
            [
                post("/led", JSON, br#"{"on":true}"#),
                Answer(401),
                post("/led", &format!("Authorization: Basic eDp5\r\n{JSON}"), br#"{"on":true}"#),
                Answer(401),
                get("/led/off"),
                Answer(200),
            ],
        ),
        exchange(
            "the LED by chunks",
            [
                Send(post_chunked("/led", &format!("{PASSWORD}{JSON}"), &[b"{\"on\"", b":", b"false}"])),
                Answer(200),
            ],
        ),
    ]
}

fn firmware() -> Vec<Exchange> {
    let known = format!("{PASSWORD}{SUM_OF_NINE}");
    let image: Vec<u8> = (0..20_000_u32).map(|at| (at / 7) as u8).collect();
    let chunks: Vec<&[u8]> = image.chunks(700).collect();
    vec![
        exchange("an image", [post("/firmware", &known, NINE), Answer(200)]),
        exchange("an image with its sum in the query", [
            post("/firmware?crc32=CBF43926", PASSWORD, NINE),
            Answer(200),
        ]),
        exchange("an image by chunks", [
            Send(post_chunked("/firmware", &known, &[b"1", b"2345", b"6789"])),
            Answer(200),
        ]),
        exchange("a larger image, both ways", [
            post("/firmware", &format!("{PASSWORD}X-CRC32: {IMAGE_SUM}\r\n"), &image),
            Answer(200),
            Send(post_chunked("/firmware", &format!("{PASSWORD}X-CRC32: {IMAGE_SUM}\r\n"), &chunks)),
            Answer(200),
        ]),
        exchange("an image that waits to be asked for", [
            post("/firmware", &format!("{known}Expect: 100-continue\r\n"), b""),
            Answer(422),
            Send(
                format!(
                    "POST /firmware HTTP/1.1\r\nHost: device\r\nContent-Length: 9\r\n{known}Expect: 100-continue\r\n\r\n"
                )
                .into_bytes(),
            ),
            Interim,
            Send(NINE.to_vec()),
            Answer(200),
        ]),
        exchange("an image that is not what it should be", [
            post("/firmware", &known, b"123456788"),
            Answer(422),
            post("/firmware", PASSWORD, NINE),
            Answer(400),
            post("/firmware", &format!("{PASSWORD}X-CRC32: 123456789\r\n"), NINE),
            Answer(400),
            post("/firmware", SUM_OF_NINE, NINE),
            Answer(401),
        ]),
        exchange("an image that is too large", [
            Send(
                format!("POST /firmware HTTP/1.1\r\nHost: device\r\nContent-Length: 1048577\r\n{known}\r\n")
                    .into_bytes(),
            ),
            Answer(413),
            Closed,
        ]),
        exchange("an image that nobody may send, announced", [
            Send(
                format!(
                    "POST /firmware HTTP/1.1\r\nHost: device\r\nContent-Length: 9\r\n{SUM_OF_NINE}Expect: 100-continue\r\n\r\n"
                )
                .into_bytes(),
            ),
            Answer(401),
            Closed,
        ]),
    ]
}

/// The CRC-32 of the larger image.
const IMAGE_SUM: &str = "ab0c124f";

fn connections() -> Vec<Exchange> {
    let dribbled = post_chunked("/firmware", &format!("{PASSWORD}{SUM_OF_NINE}"), &[b"1234", b"56789"]);
    let row = b"GET / HTTP/1.1\r\nHost: device\r\n\r\nGET /led/on HTTP/1.1\r\nHost: device\r\n\r\n\
        HEAD / HTTP/1.1\r\nHost: device\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: device\r\nConnection: close\r\n\r\n";
    vec![
        exchange(
            "four requests in one segment",
            [Send(row.to_vec()), Answer(200), Answer(200), AnswerToHead(200), Answer(404), Closed],
        ),
        exchange("sixteen bytes at a time", [Dribble(dribbled, 16), Answer(200), get("/"), Answer(200)]),
        exchange("HTTP/1.0", [Send(b"GET / HTTP/1.0\r\n\r\n".to_vec()), Answer(200), Closed]),
        exchange(
            "HTTP/1.0, a body without a length",
            [Send(b"GET /metrics HTTP/1.0\r\n\r\n".to_vec()), Answer(200), Closed],
        ),
        exchange(
            "HTTP/1.0 that stays",
            [
                Send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_vec()),
                Answer(200),
                Send(b"GET / HTTP/1.0\r\n\r\n".to_vec()),
                Answer(200),
                Closed,
            ],
        ),
        exchange(
            "a body that nobody wants",
            [post("/nowhere", "", NINE), Answer(404), get("/"), Answer(200)],
        ),
    ]
}

fn refusals() -> Vec<Exchange> {
    let refused = |name, status, bytes: &str| exchange(name, [Send(bytes.into()), Answer(status), Closed]);
    vec![
        refused("no Host", 400, "GET / HTTP/1.1\r\n\r\n"),
        refused(
            "two lengths",
            400,
            "POST /led HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        ),
        refused(
            "a length and a coding",
            400,
            "POST /led HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        refused(
            "an unknown coding",
            501,
            "POST /led HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        ),
        refused("a bare line feed", 400, "GET / HTTP/1.1\nHost: a\n\n"),
        refused("a space before the colon", 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
        refused("a malformed target", 400, "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused("another protocol", 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        refused(
            "a target that is too long",
            414,
            &format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(300)),
        ),
        refused(
            "too many fields",
            431,
            &format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(30)),
        ),
        refused(
            "a broken chunk",
            400,
            &format!(
                "POST /firmware HTTP/1.1\r\nHost: a\r\n{PASSWORD}{SUM_OF_NINE}Transfer-Encoding: chunked\r\n\r\nz\r\n"
            ),
        ),
    ]
}
