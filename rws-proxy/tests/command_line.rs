//! The binary itself: what it prints where, and with which status it ends.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `rws` in `directory`, without any of our variables but these.
fn rws(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rws"))
        .current_dir(directory)
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn a_good_configuration_is_confirmed_in_one_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = rws(directory.path(), &["--check"], &[]);
    assert_eq!(text(&output.stdout), "no configuration file: ok (0 routes, 0 upstreams)\n");
    assert!(output.status.success());
    std::fs::write(directory.path().join("rws.config.toml"), "port = 0\n").expect("a file");
    let output = rws(directory.path(), &["--check"], &[]);
    assert_eq!(text(&output.stdout), "rws.config.toml: ok (0 routes, 0 upstreams)\n");
    assert!(output.status.success() && output.stderr.is_empty());
}

#[test]
fn a_bad_configuration_ends_with_status_1_with_and_without_check() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("other.toml"), "prot = 1\nip = 2\n").expect("a file");
    for arguments in [&["--config", "other.toml"][..], &["--check", "--config", "other.toml"]] {
        let output = rws(directory.path(), arguments, &[("RWS_CONFIG_PORT", "x")]);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let shown = text(&output.stderr);
        for place in
            ["environment variable RWS_CONFIG_PORT", " other.toml:1:1\n", " other.toml:2:6\n", "3 errors"]
        {
            assert!(shown.contains(place), "{place} in {shown}");
        }
        assert!(!shown.contains('\u{1b}'), "no colours into a pipe");
    }
}

#[test]
fn the_version_is_told() {
    let output = rws(Path::new("."), &["--version"], &[]);
    assert_eq!(text(&output.stdout), format!("rws {}\n", env!("CARGO_PKG_VERSION")));
}
