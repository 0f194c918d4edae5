//! The access log: one line for each exchange, in both formats.

use core::time::Duration;

use crate::server::{Lines, Server};

const CONFIG: &str = r#"
    root = "ROOT"
    [[route]]
    match = { path = "/api/*" }
    action = { type = "respond", status = 503, body = "no" }
"#;

/// What the log says of a few requests.
fn lines(format: &str) -> Vec<String> {
    let lines = Lines::default();
    let (writer, intake) = lines.writer();
    let config = format!("log_format = \"{format}\"\n{CONFIG}");
    let server = Server::start(&[("a.txt", "hello")], &config, Some(&intake));
    let mut client = server.client();
    client.ask("GET", "/a.txt?token=geheim&x=%22", "User-Agent: te\"st\\1\r\nReferer: http://x/\r\n");
    client.ask("HEAD", "/a.txt", "");
    client.ask("GET", "/api/1", "");
    client.ask("GET", "/missing", "User-Agent: a\tb\u{e9}\u{9b}31m\r\n");
    client.send("GET /bad\r\n\r\n");
    assert_eq!(client.answer("GET").status, 400);
    drop(client);
    server.stop();
    assert!(writer.finish(Duration::from_secs(10)), "the writer has ended");
    let text = lines.text();
    assert!(text.ends_with('\n'));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_line_of_json_parses_and_tells_the_exchange() {
    let lines = lines("json");
    let parsed: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect("a JSON object")).collect();
    let told: Vec<_> = parsed
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or("").to_owned();
            (text("method"), text("level"), line["status"].as_u64().expect("a status"), text("route"))
        })
        .collect();
    let expected = [
        ("GET", "info", 200, "/*"),
        ("HEAD", "info", 200, "/*"),
        ("GET", "error", 503, "/api/*"),
        ("GET", "warn", 404, "/*"),
        ("-", "warn", 400, ""),
    ];
    let expected: Vec<_> =
        expected.iter().map(|&(m, l, s, r)| (m.to_owned(), l.to_owned(), s, r.to_owned())).collect();
    assert_eq!(told, expected);
    let first = &parsed[0];
    assert_eq!(first["user_agent"], "te\"st\\1");
    assert_eq!(first["referer"], "http://x/");
    assert_eq!((first["bytes"].as_u64(), first["peer"].as_str()), (Some(5), Some("127.0.0.1")));
    assert!(first["path"].as_str().is_some_and(|path| path.starts_with("/a.txt?token=")));
    assert!(!lines[0].contains("geheim"), "secrets stay out");
    assert!(first["latency_ms"].as_f64().is_some_and(|ms| (0.0..60_000.0).contains(&ms)));
    assert_eq!(parsed[1]["bytes"], 0, "HEAD sends no body");
}

#[test]
fn each_combined_line_has_its_parts_and_nothing_raw() {
    let lines = lines("combined");
    assert_eq!(lines.len(), 5);
    for (line, status) in lines.iter().zip([200, 200, 503, 404, 400]) {
        let (who, rest) = line.split_once(" - - [").expect("an address");
        assert_eq!(who, "127.0.0.1");
        let (_, rest) = rest.split_once("] \"").expect("a date");
        let (request, rest) = rest.split_once("\" ").expect("a request");
        assert_eq!(request.split(' ').count(), 3, "{line}");
        assert!(rest.starts_with(&format!("{status} ")), "{line}");
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
    }
    let (line, id) = lines[0].strip_suffix('"').and_then(|line| line.rsplit_once(" \"")).expect("an id");
    assert!(line.ends_with("\"http://x/\" \"te\\\"st\\\\1\""), "{line}");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert!(lines[4].ends_with("400 0 \"-\" \"-\""), "what could not be read has no id: {}", lines[4]);
}
