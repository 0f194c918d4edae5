//! Which source wins, and what is said about the environment, the command line and the file as such.

use super::super::{
    Config, Diagnostic, LogFormat, Overrides, PathPattern, Surroundings, check, load, render_all,
};
use super::{bad, brief, good};
use core::net::{IpAddr, Ipv4Addr};
use rws_core::middleware::HopField;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// A machine on which every directory is there but those named `missing`.
fn on_a_machine(
    text: &str,
    pairs: &[(&str, &str)],
    overrides: &Overrides,
) -> Result<Config, Vec<Diagnostic>> {
    let directory = |path: &Path| match path.ends_with("missing") {
        true => Err(io::ErrorKind::NotFound.into()),
        false => Ok(Path::new("/here").join(path)),
    };
    let surroundings = Surroundings { file_directory: Path::new("/etc/rws"), directory: &directory };
    check("rws.config.toml", text, environment(pairs), overrides, &surroundings)
}

#[test]
fn the_later_source_wins() {
    let none = Overrides::default();
    let pairs = [("RWS_CONFIG_PORT", "1001"), ("RWS_CONFIG_LOG_FORMAT", "json"), ("HOME", "/x")];
    let config = on_a_machine("", &[], &none).expect("defaults");
    assert_eq!((config.port, config.log_format), (7878, LogFormat::Combined));
    let config = on_a_machine("", &pairs, &none).expect("environment");
    assert_eq!((config.port, config.log_format), (1001, LogFormat::Json));
    let config = on_a_machine("port = 1002", &pairs, &none).expect("file");
    assert_eq!((config.port, config.log_format), (1002, LogFormat::Json));
    let overrides = Overrides { port: Some(1003), ..none };
    let config = on_a_machine("port = 1002", &pairs, &overrides).expect("command line");
    assert_eq!((config.port, config.log_format), (1003, LogFormat::Json));
}

#[test]
fn every_setting_can_come_from_the_environment() {
    let pairs = [
        ("RWS_CONFIG_IP", "::"),
        ("RWS_CONFIG_PORT", "0"),
        ("RWS_CONFIG_THREAD_COUNT", "3"),
        ("RWS_CONFIG_ACCESS_LOG", "false"),
        ("RWS_CONFIG_METRICS", "true"),
        ("RWS_CONFIG_HTTP2", "false"),
        ("RWS_CONFIG_ROOT", "site"),
        ("RWS_CONFIG_REQUEST_ALLOCATION_SIZE_IN_BYTES", "10"),
        ("RWS_CONFIG_HEAD_TIMEOUT_MS", "1"),
        ("RWS_CONFIG_IDLE_TIMEOUT_MS", "2"),
        ("RWS_CONFIG_SHUTDOWN_TIMEOUT_MS", "3"),
        ("RWS_CONFIG_DRAIN_DELAY_MS", "4"),
        ("RWS_CONFIG_CONNECTIONS_PER_IP_MAX", "5"),
        ("RWS_CONFIG_CONNECTIONS_PER_IP_LOOPBACK", "true"),
        ("RWS_CONFIG_TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::1"),
        ("RWS_CONFIG_CLIENT_IP_FIELD", "Forwarded"),
    ];
    let config = on_a_machine("", &pairs, &Overrides::default()).expect("no mistakes");
    assert_eq!((config.ip.to_string().as_str(), config.port), ("::", 0));
    assert_eq!(config.thread_count.map(core::num::NonZeroUsize::get), Some(3));
    assert_eq!((config.access_log, config.metrics, config.http2), (false, true, false));
    assert_eq!(config.root, Some(PathBuf::from("/here/site")));
    assert_eq!(config.request_body_bytes_max, 10);
    let timeouts = [config.head_timeout, config.idle_timeout, config.shutdown_timeout, config.drain_delay];
    assert_eq!(timeouts.map(|timeout| timeout.as_millis()), [1, 2, 3, 4]);
    assert_eq!((config.connections_per_ip_max, config.connections_per_ip_loopback), (5, true));
    let networks: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "2001:db8::1/128"]);
    assert_eq!(config.client_ip_field, HopField::Forwarded);
    assert!(!config.request_id, "without a log there is nothing to find by an id");
    let pairs = [("RWS_CONFIG_ACCESS_LOG", "false"), ("RWS_CONFIG_REQUEST_ID", "true")];
    assert!(on_a_machine("", &pairs, &Overrides::default()).expect("no mistakes").request_id);
    assert!(on_a_machine("", &[], &Overrides::default()).expect("no mistakes").request_id);
}

#[test]
fn mistakes_of_all_sources_come_out_together_and_name_their_place() {
    let pairs = [
        ("RWS_CONFIG_PROT", "80"),
        ("RWS_CONFIG_METRICS", "yes"),
        ("RWS_CONFIG_IP", ""),
        ("RWS_CONFIG_TLS_CERT_FILE", "cert.pem"),
        ("RWS_CONFIG_REQUEST_ALLOCATION_SIZE_IN_BYTES", "1"),
        ("RWS_CONFIG_REQUEST_BODY_BYTES_MAX", "2"),
        ("RWS_CONFIG_BACKENDS_OF_THE_UPSTREAM", "x"),
    ];
    let overrides = Overrides { thread_count: Some(0), root: Some("missing".into()), ..Overrides::default() };
    let diagnostics = on_a_machine("port = 70000", &pairs, &overrides).expect_err("mistakes");
    let briefly: Vec<String> = diagnostics.iter().map(brief).collect();
    assert_eq!(
        briefly,
        [
            "RWS_CONFIG_REQUEST_ALLOCATION_SIZE_IN_BYTES: \
             `RWS_CONFIG_REQUEST_ALLOCATION_SIZE_IN_BYTES` and `RWS_CONFIG_REQUEST_BODY_BYTES_MAX` disagree",
            "RWS_CONFIG_BACKENDS_OF_THE_UPSTREAM: unknown environment variable `RWS_CONFIG_BACKENDS_OF_THE_UPSTREAM`",
            "RWS_CONFIG_IP: `RWS_CONFIG_IP` is empty",
            "RWS_CONFIG_METRICS: `metrics` must be true or false, not the text `yes`",
            "RWS_CONFIG_PROT: unknown environment variable `RWS_CONFIG_PROT`",
            "RWS_CONFIG_TLS_CERT_FILE: `RWS_CONFIG_TLS_CERT_FILE` is not available in this build",
            "1:8 `port` is out of range: 70000",
            "--thread-count: `thread_count` is out of range: 0",
            "--root: the root `missing` cannot be served: entity not found",
        ]
    );
    let shown = diagnostics.iter().find(|diagnostic| brief(diagnostic).contains("PROT"));
    assert_eq!(
        shown.map(ToString::to_string).as_deref(),
        Some(
            "error: unknown environment variable `RWS_CONFIG_PROT`\n\
             --> environment variable RWS_CONFIG_PROT\n \
             = help: did you mean `RWS_CONFIG_PORT`?"
        )
    );
}

#[test]
fn a_root_starts_where_it_was_written() {
    let none = Overrides::default();
    let root =
        |text: &str, overrides: &Overrides| on_a_machine(text, &[], overrides).expect("no mistakes").root;
    assert_eq!(
        root("", &none),
        Some(PathBuf::from("/here/.")),
        "nothing to do but serve the current directory"
    );
    assert_eq!(root("root = \"site\"", &none), Some(PathBuf::from("/etc/rws/site")));
    let overrides = Overrides { root: Some("site".into()), ..Overrides::default() };
    assert_eq!(root("root = \"missing-not\"", &overrides), Some(PathBuf::from("/here/site")));
}

#[test]
fn with_routes_nothing_else_is_served_by_default() {
    let config = good("[[route]]\n[route.match]\npath = \"/a\"\n[route.action]\ntype = \"respond\"");
    assert_eq!(config.root, None);
    assert_eq!(config.routes[0].matching.path, PathPattern::Exact("/a".to_owned()));
    assert_eq!(config.ip, IpAddr::V4(Ipv4Addr::LOCALHOST));
}

#[test]
fn a_static_route_falls_back_to_the_root_of_all() {
    let route = "[[route]]\n[route.action]\ntype = \"static\"\n";
    assert!(bad(route)[0].message().contains("has no `root`"));
    assert_eq!(good(&format!("root = \"/a\"\n{route}")).routes.len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_starts_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| Overrides { config: Some(directory.path().join(name)), ..Overrides::default() };
    std::fs::write(directory.path().join("latin"), b"port = 80\n# caf\xe9\n").expect("a file");
    std::fs::write(directory.path().join("large"), vec![b'#'; super::super::FILE_BYTES_MAX + 1])
        .expect("a file");
    for (name, message) in [
        ("absent", "file: the configuration file cannot be read"),
        (".", "file: the configuration file cannot be read"),
        ("latin", "2:6 the file is not UTF-8"),
        ("large", "file: the file is larger than"),
    ] {
        let diagnostics = load(&at(name), []).expect_err(name);
        assert_eq!(diagnostics.len(), 1);
        assert!(brief(&diagnostics[0]).starts_with(message), "{}", render_all(&diagnostics, false));
    }
}

#[test]
fn a_root_on_the_real_disk_must_be_a_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("rws.config.toml");
    let overrides = Overrides { config: Some(file.clone()), ..Overrides::default() };
    for (root, holds) in [(".", true), ("rws.config.toml", false), ("absent", false)] {
        std::fs::write(&file, format!("root = \"{root}\"")).expect("a file");
        match load(&overrides, []) {
            Ok(loaded) => {
                assert!(holds, "{root}");
                assert_eq!(loaded.config.root, Some(directory.path().canonicalize().expect("a path")));
            }
            Err(diagnostics) => assert!(!holds, "{root}: {}", render_all(&diagnostics, false)),
        }
    }
}
