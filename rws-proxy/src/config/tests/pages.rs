//! `docs/CONFIG.md` and `examples/proxy.toml` against the reader.

use super::super::keys::{self, Kind, SECTIONS};
use super::super::{Action, Overrides, PathPattern, load};
use super::briefly;
use alloc::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[test]
fn the_proxy_example_is_accepted() {
    let overrides = Overrides { config: Some(project("examples/proxy.toml")), ..Overrides::default() };
    let loaded = load(&overrides, []).expect("no mistakes");
    assert!(loaded.summary().ends_with("proxy.toml: ok (4 routes, 1 upstream)"), "{}", loaded.summary());
    let [upstream] = loaded.config.upstreams.as_slice() else { panic!("one upstream") };
    let backends: Vec<String> = upstream.backends.iter().map(ToString::to_string).collect();
    assert_eq!(backends, ["127.0.0.1:9001", "127.0.0.1:9002"]);
    let [_, _, files, app] = loaded.config.routes.as_slice() else { panic!("four routes") };
    let Action::Static(files) = &files.action else { panic!("a static route") };
    assert!(files.root.join("proxy.toml").is_file(), "a relative root starts at the file");
    assert_eq!(app.matching.path, PathPattern::Prefix(String::new()));
    assert!(loaded.config.request_body_bytes_max >= 1 << 30, "an upload of 1 GiB passes");
}

/// The rows of the page: the section's header, the key, and the rest of the row.
fn rows() -> Vec<(String, String, String)> {
    let page = std::fs::read_to_string(project("docs/CONFIG.md")).expect("the page");
    let mut section = String::new();
    let mut rows = Vec::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.trim_matches('`').to_owned();
        } else if let Some((key, rest)) = line.strip_prefix("| `").and_then(|row| row.split_once("` |")) {
            rows.push((section.clone(), key.to_owned(), rest.to_owned()));
        }
    }
    rows
}

#[test]
fn the_page_has_every_key_and_no_other() {
    let title = |header: &str| if header.is_empty() { "Top level".to_owned() } else { header.to_owned() };
    let mut known = BTreeSet::new();
    for section in SECTIONS {
        for key in section.keys {
            let home = if key.available {
                title(section.header)
            } else {
                format!("later: {}", title(section.header))
            };
            known.insert((home, key.name.to_owned()));
        }
    }
    let described: BTreeSet<(String, String)> = rows()
        .into_iter()
        .map(|(section, key, rest)| match section.as_str() {
            "Not available in this build" => (format!("later: {}", rest.trim_matches([' ', '|', '`'])), key),
            _ => (section, key),
        })
        .collect();
    assert_eq!(known, described);
}

#[test]
fn the_page_tells_the_type_and_the_environment_name_of_each_key() {
    for (section, name, rest) in rows() {
        let Some(home) = SECTIONS
            .iter()
            .find(|home| home.header == section || (home.header.is_empty() && section == "Top level"))
        else {
            continue;
        };
        let key = home.key(&name).expect("a known key");
        let kind = match key.kind {
            Kind::Text => " text |",
            Kind::Integer => " number",
            Kind::Boolean => " true or false |",
            Kind::TextList if name == "method" => " text or list of texts |",
            Kind::TextList => " list of texts |",
            Kind::Table => " table |",
            Kind::TableList => " list of tables |",
        };
        assert!(rest.starts_with(kind), "{section} {name}: {rest}");
        let has_twin = home.header.is_empty() && keys::has_environment_twin(key);
        assert_eq!(rest.contains(&format!("| `{}` |", keys::environment_name(key))), has_twin, "{name}");
        assert!(!name.ends_with("_ms") || rest.contains("milliseconds"), "{name} has its unit");
    }
}

/// A date is the right value of no key, so a key that is read says so.
#[test]
fn every_available_key_is_read() {
    let frames = [
        ("", "KEY"),
        ("[[upstream]]", "[[upstream]]\nKEY"),
        ("[[route]]", "[[route]]\nKEY"),
        ("[route.match]", "[[route]]\n[route.match]\nKEY"),
        ("[route.action.proxy]", "[[route]]\n[route.action]\ntype = \"proxy\"\n[route.action.proxy]\nKEY"),
    ];
    let types = ["static", "respond", "redirect", "proxy"]
        .map(|kind| ("[route.action]", format!("[[route]]\n[route.action]\ntype = \"{kind}\"\nKEY")));
    let frames = frames.map(|(header, frame)| (header, frame.to_owned())).into_iter().chain(types);
    let frames: Vec<(&str, String)> = frames.collect();
    for section in SECTIONS {
        for key in section.keys.iter().filter(|key| key.available) {
            let complains =
                frames.iter().filter(|(header, _)| *header == section.header).any(|(_, frame)| {
                    let text = frame.replace("KEY", &format!("{} = 1979-05-27", key.name));
                    briefly(&text).iter().any(|brief| brief.contains(&format!("`{}` must be ", key.name)))
                });
            assert!(
                complains || key.name == "type",
                "{} {} is declared but not read",
                section.header,
                key.name
            );
        }
    }
}
