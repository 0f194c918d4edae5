//! No spelling of a path shows a file outside of the root.

use std::fs;
use std::os::unix::fs::symlink;

use crate::server::Server;

const SECRET: &str = "outside-of-the-root";

/// A root beside a secret, and the server of the root.
fn server() -> Server {
    let config = "
        root = \"ROOT/www\"
        [[route]]
        match.path = \"/files/*\"
        action = { type = \"static\", root = \"ROOT/www\", directory_listing = true }
    ";
    Server::new(&[("www/a.txt", "inside"), ("www/d/b.txt", "inside"), ("secret.txt", SECRET)], config)
}

/// Ways to write `..`, and ways to write the slash behind it.
const UPS: [&str; 16] = [
    "..",
    "%2e%2e",
    "%2E%2E",
    ".%2e",
    "%2e.",
    "%252e%252e",
    "%25%32%65%25%32%65",
    "%c0%ae%c0%ae",
    "%e0%80%ae%e0%80%ae",
    "..;",
    "..%00",
    "%2e%2e%09",
    "..%20",
    "...",
    "\u{ff0e}\u{ff0e}",
    "%uff0e%uff0e",
];
const SLASHES: [&str; 8] = ["/", "//", "%2f", "%2F", "\\", "%5c", "%252f", "%c0%af"];

#[test]
fn every_spelling_of_the_parent_is_answered_400_or_404() {
    let server = server();
    let mut asked = 0;
    for prefix in ["/", "/d/", "/files/", "/files/d/", "//", "/./", "/d/.//"] {
        for up in UPS {
            for slash in SLASHES {
                for depth in 1..=3 {
                    let target = format!("{prefix}{}secret.txt", format!("{up}{slash}").repeat(depth));
                    // A byte that may not stand in a target is refused as well.
                    let mut client = server.client();
                    client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
                    let answer = client.answer("GET");
                    assert!(matches!(answer.status, 400 | 404), "{} for {target}", answer.status);
                    assert!(
                        !answer.body.windows(SECRET.len()).any(|text| text == SECRET.as_bytes()),
                        "{target}"
                    );
                    asked += 1;
                }
            }
        }
    }
    assert_eq!(asked, 7 * UPS.len() * SLASHES.len() * 3);
    server.stop();
}

#[test]
fn other_forms_of_a_target_lead_no_further() {
    let server = server();
    for target in [
        "http://localhost/../secret.txt",
        "http://localhost/%2e%2e/secret.txt",
        "/a.txt/../../secret.txt",
        "/a.txt/secret.txt",
        "/d/b.txt/..%2f..%2fsecret.txt",
        "/files/../../secret.txt",
        "/files..%2fsecret.txt",
        "/~root",
        "/proc/self/environ",
        "/a.txt%00.html",
        "/C:/secret.txt",
        "/d/%2e%2e%2f%2e%2e%2fsecret.txt",
    ] {
        let mut client = server.client();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let answer = client.answer("GET");
        assert!(matches!(answer.status, 400 | 404), "{} for {target}", answer.status);
    }
    // Dots that stay inside are resolved.
    assert_eq!(server.get("/d/../a.txt").text(), "inside");
    server.stop();
}

#[test]
fn symbolic_links_are_followed_only_beneath_the_root() {
    let server = server();
    let www = server.folder.path().join("www");
    for (to, name) in [
        ("../secret.txt", "up.txt"),
        ("/etc/passwd", "absolute.txt"),
        ("..", "parent"),
        ("d/b.txt", "near.txt"),
        ("loop.txt", "loop.txt"),
    ] {
        symlink(to, www.join(name)).expect("a link");
    }
    for name in ["/up.txt", "/absolute.txt", "/parent/secret.txt", "/loop.txt", "/files/up.txt"] {
        let answer = server.get(name);
        assert_eq!(answer.status, 404, "{name}");
    }
    assert_eq!(server.get("/near.txt").text(), "inside");
    server.stop();
}

#[test]
fn what_is_no_regular_file_is_not_served() {
    let server = server();
    let www = server.folder.path().join("www");
    rustix::fs::mknodat(rustix::fs::CWD, www.join("pipe"), rustix::fs::FileType::Fifo, 0o644.into(), 0)
        .expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(www.join("socket")).expect("a socket");
    fs::create_dir(www.join("empty")).expect("a folder");
    for name in ["/pipe", "/socket", "/empty/"] {
        assert_eq!(server.get(name).status, 404, "{name}");
    }
    server.stop();
}
