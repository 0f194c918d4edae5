//! What is said about mistakes in the file, word for word where it is shown to people.

use super::super::{Action, BackendHost, Scheme, render_all};
use super::{bad, briefly, good};

/// A route around an action, so that a test shows only what it is about.
fn action(text: &str) -> String {
    format!("[[upstream]]\nname = \"app\"\nbackends = \"a:1\"\n[[route]]\n[route.action]\n{text}")
}

fn messages(text: &str) -> Vec<String> {
    bad(text).iter().map(|diagnostic| diagnostic.message().to_owned()).collect()
}

#[test]
fn an_unknown_key_is_shown_with_its_line_and_what_was_meant() {
    assert_eq!(
        render_all(&bad("ip = \"::1\"\nprot = 8080\n"), false),
        "error: unknown key `prot` at the top level
 --> rws.config.toml:2:1
  |
2 | prot = 8080
  | ^^^^
  |
  = help: did you mean `port`?

1 error in the configuration; nothing was started
"
    );
}

#[test]
fn a_wrong_type_is_shown_at_the_value() {
    assert_eq!(
        render_all(&bad("port = \"8080\""), false),
        "error: `port` must be a whole number, not the text `8080`
 --> rws.config.toml:1:8
  |
1 | port = \"8080\"
  |        ^^^^^^
  |
  = help: write it without quotes

1 error in the configuration; nothing was started
"
    );
}

#[test]
fn a_network_that_is_none_is_shown_with_what_was_probably_meant() {
    let text = "trusted_proxies = [\n  \"10.0.0.0/8\",\n  \"192.168.1.7/16\",\n  \"2001:db8::1/32\",\n  \"10/8\",\n  7,\n]\n\
                client_ip_field = \"x-forwarded-fro\"\nconnections_per_ip_max = -1";
    assert_eq!(
        render_all(&bad(text)[..1], false),
        "error: `192.168.1.7/16` is not a network: bits beyond the prefix are set; write the network's first address
 --> rws.config.toml:3:3
  |
3 |   \"192.168.1.7/16\",
  |   ^^^^^^^^^^^^^^^^
  |
  = help: write \"192.168.0.0/16\"

1 error in the configuration; nothing was started
"
    );
    let shown = render_all(&bad(text), false);
    for part in [
        "rws.config.toml:4:3",
        "write \"2001:db8::/32\"",
        "rws.config.toml:5:3",
        "`10/8` is not a network: not an IP address",
        "give an address such as \"192.0.2.1\", or a network such as \"10.0.0.0/8\"",
        "rws.config.toml:6:3",
        "`trusted_proxies` must be a list of texts, not a number",
        "did you mean \"x-forwarded-for\"?",
        "give a number from 1 to 1000000, or 0 for no cap",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn methods_that_are_never_served_are_refused() {
    let text = "[[route]]\n[route.match]\nmethod = [\"GET\", \"TRACE\", \"CONNECT\"]\n[route.action]\ntype = \"respond\"";
    assert_eq!(
        messages(text),
        ["the method `TRACE` is never served", "the method `CONNECT` is not available in this build"]
    );
}

#[test]
fn a_hidden_route_is_shown_with_the_one_that_hides_it() {
    let text = "[[route]]
name = \"all\"
[route.match]
path = \"/a/*\"
[route.action]
type = \"respond\"

[[route]]
[route.match]
path = \"/a/b\"
method = \"GET\"
[route.action]
type = \"respond\"
";
    assert_eq!(
        render_all(&bad(text), false),
        "error: this route is never reached: the one on line 1, `all`, takes everything that it would
 --> rws.config.toml:8:1
  |
8 | [[route]]
  | ^^^^^^^^^
  |
  = help: the first match in file order wins: move this route before that one

1 error in the configuration; nothing was started
"
    );
}

#[test]
fn many_different_mistakes_come_out_at_once_in_line_order() {
    let text = "ip = \"localhost\"
prot = 8080
thread_count = 0
tls_cert_file = \"cert.pem\"
log_format = jsn

[[upstream]]
name = \"app\"
strategy = \"least_connections\"
backends = [\"127.0.0.1\", \"http://a/b\", 9001, \"[::1]:9001\"]

[[upstream]]
name = \"app\"
backends = []

[[route]]
path = \"/x\"
[route.match]
path = \"/a*\"
method = [\"get\", \"BAD METHOD\"]
[route.action]
type = \"proxy\"
upstream = \"ap\"
location = \"/b\"

[[route]]
[route.action]
type = \"respond\"
status = 99

[[route]]
[route.action]
type = \"mcp\"

[cors]
";
    assert_eq!(
        briefly(text),
        [
            "1:6 `ip` is not an IP address: `localhost`",
            "2:1 unknown key `prot` at the top level",
            "3:16 `thread_count` is out of range: 0",
            "4:1 `tls_cert_file` is not available in this build",
            "5:14 not valid TOML: string values must be quoted, expected literal string",
            "9:12 the strategy \"least_connections\" is not available in this build",
            "10:13 the backend `127.0.0.1` has no port",
            "10:26 the backend `http://a/b` has a path",
            "10:40 `backends` must be a list of texts, not a number",
            "13:8 a second upstream is named `app`",
            "14:12 an upstream needs at least one backend",
            "17:1 unknown key `path` in [[route]]",
            "19:8 the path `/a*` contains `*`",
            "20:11 the method `get` is in lower case",
            "20:18 `BAD METHOD` is not a method",
            "23:12 there is no upstream `ap`",
            "24:1 `location` does not belong to an action of type \"proxy\"",
            "29:10 `status` is out of range: 99",
            "31:1 this route is never reached: the one on line 26 takes everything that it would",
            "33:8 an action of type \"mcp\" is not available in this build",
            "35:2 `cors` is not available in this build",
        ]
    );
}

#[test]
fn a_syntax_error_hides_neither_what_follows_nor_invents_more() {
    let text = "port = 80x\n[[route]\n[route.match]\npath = /a\n[route.action]\ntype \nstatus = 7\n[x";
    assert_eq!(
        briefly(text),
        [
            "1:8 not valid TOML: string values must be quoted, expected literal string",
            "2:9 not valid TOML: unclosed array table, expected `]`",
            "4:8 not valid TOML: string values must be quoted, expected literal string",
            "6:6 not valid TOML: key with no value, expected `=`",
            "8:3 not valid TOML: unclosed table, expected `]`",
        ]
    );
}

#[test]
fn a_key_twice_is_a_mistake() {
    assert_eq!(briefly("port = 1\nport = 2"), ["2:1 not valid TOML: duplicate key"]);
}

#[test]
fn single_brackets_are_told_from_double_ones() {
    let diagnostics = bad("[route]\nname = \"a\"");
    assert_eq!(diagnostics[0].hint(), Some("write [[route]] with double brackets before each one"));
}

#[test]
fn columns_count_characters() {
    assert_eq!(
        briefly("# ü\nmetrics = \"ü\" # ü\n\"ünder\" = 1")[1],
        "3:1 unknown key `ünder` at the top level"
    );
    assert_eq!(
        briefly("\"ü\".a = 1\nport = { \"ü\" = 1, b = 2 }")[1],
        "2:8 `port` must be a whole number, not a table"
    );
}

#[test]
fn each_action_has_its_own_keys() {
    for (text, message) in [
        (
            "type = \"static\"\nroot = \".\"\nupstream = \"app\"",
            "`upstream` does not belong to an action of type \"static\"",
        ),
        ("type = \"respond\"\nroot = \".\"", "`root` does not belong to an action of type \"respond\""),
        (
            "type = \"redirect\"\nlocation = \"/\"\nbody = \"x\"",
            "`body` does not belong to an action of type \"redirect\"",
        ),
        (
            "type = \"proxy\"\nupstream = \"app\"\nstatus = 200",
            "`status` does not belong to an action of type \"proxy\"",
        ),
        ("type = \"static\"", "[route.action] has no `root`"),
        ("type = \"redirect\"", "[route.action] has no `location`"),
        ("type = \"proxy\"", "[route.action] has no `upstream`"),
        ("status = 200", "[route.action] has no `type`"),
        ("type = \"prxy\"\nupstream = \"app\"", "`type` cannot be `prxy`"),
        ("type = \"mcp\"", "an action of type \"mcp\" is not available in this build"),
        ("type = \"respond\"\nstatus = 204\nbody = \"x\"", "an answer with status 204 cannot have a body"),
        ("type = \"respond\"\nstatus = 101", "`status` is out of range: 101"),
        ("type = \"respond\"\ncontent_type = \"text\"", "`text` is not a content type"),
        ("type = \"respond\"\ncontent_type = \"a/b\\r\\nX: y\"", "`a/b\\r\\nX: y` is not a content type"),
        ("type = \"redirect\"\nlocation = \"/a\\nb\"", "`/a\\nb` is not a location"),
        ("type = \"redirect\"\nlocation = \"javascript:x\"", "`javascript:x` is not a location"),
        ("type = \"redirect\"\nlocation = \"//new\"", "`//new` is not a location"),
        ("type = \"redirect\"\nlocation = '/\\new'", "`/\\\\new` is not a location"),
        ("type = \"redirect\"\nlocation = \"/\"\nstatus = 304", "`status` of a redirect cannot be 304"),
        ("type = \"static\"\nroot = \"\"", "`root` is not a path: ``"),
        ("type = \"static\"\nroot = \".\"\nindex = \"../x\"", "`index` is not a plain file name: `../x`"),
    ] {
        assert_eq!(messages(&action(text)), [message], "{text}");
    }
}

#[test]
fn what_a_proxy_cannot_do_is_refused() {
    let proxy = "type = \"proxy\"\nupstream = \"app\"\n[route.action.proxy]\n";
    for (text, message) in [
        ("upstream_scheme = \"https\"", "the upstream scheme \"https\" is not available in this build"),
        ("upstream_scheme = \"h2c\"", "`upstream_scheme` cannot be `h2c`"),
        ("upstream_scheme = \"htp\"", "`upstream_scheme` cannot be `htp`"),
        ("connect_timeout_ms = 0", "`connect_timeout_ms` is out of range: 0"),
        ("read_timeout_ms = 1.5", "`read_timeout_ms` must be a whole number, not a number with a fraction"),
        ("strip_path_prefix = \"/\"", "the prefix `/` changes nothing"),
        ("add_path_prefix = \"v1\"", "the path `v1` does not begin with a slash"),
        ("retries = 3", "unknown key `retries` in [route.action.proxy]"),
    ] {
        assert_eq!(messages(&action(&format!("{proxy}{text}"))), [message], "{text}");
    }
    let idle = "[[upstream]]\nname = \"app\"\nbackends = [\"a:1\"]\n[[route]]\nmatch.path = \"/api/*\"\naction.type = \"proxy\"\n\
                action.upstream = \"app\"\naction.proxy.strip_path_prefix = \"/v1\"";
    assert_eq!(messages(idle), ["no path of this route begins with `/v1`"]);
    assert_eq!(good(&idle.replace("/v1", "/api/")).routes.len(), 1);
}

#[test]
fn calls_are_made_over_http2_and_nothing_else() {
    let grpc = "type = \"grpc\"\nupstream = \"app\"\n[route.action.proxy]\n";
    for text in ["", "upstream_scheme = \"h2\"", "read_timeout_ms = 90_000"] {
        let config = good(&action(&format!("{grpc}{text}")));
        let Action::Grpc(calls) = &config.routes[0].action else { panic!("calls") };
        assert_eq!((calls.upstream, calls.upstream_scheme), (0, Scheme::H2));
    }
    let config = good(&action("type = \"proxy\"\nupstream = \"app\"\nproxy.upstream_scheme = \"h2\""));
    assert!(matches!(&config.routes[0].action, Action::Proxy(proxy) if proxy.upstream_scheme == Scheme::H2));
    let http = format!("{grpc}upstream_scheme = \"http\"");
    assert_eq!(
        messages(&action(&http)),
        ["an action of type \"grpc\" cannot speak \"http\" to its upstream"]
    );
    assert_eq!(messages(&action("type = \"grpc\"")), ["[route.action] has no `upstream`"]);
    assert_eq!(
        messages(&action("type = \"grpc\"\nupstream = \"app\"\nroot = \".\"")),
        ["`root` does not belong to an action of type \"grpc\""]
    );
}

#[test]
fn backends_are_addresses_names_or_plain_urls() {
    let backend = |text: &str| {
        let list = format!("[[upstream]]\nname = \"a\"\nbackends = [\"{text}\"]");
        super::check_str(&list)
            .map(|config| config.upstreams[0].backends[0].clone())
            .map_err(|errors| errors.len())
    };
    for (text, shown) in [
        ("127.0.0.1:9001", "127.0.0.1:9001"),
        ("http://127.0.0.1:9001", "127.0.0.1:9001"),
        ("http://Example.org/", "example.org:80"),
        ("[::1]:9001", "[::1]:9001"),
        ("http://[::1]", "[::1]:80"),
        ("app:1", "app:1"),
    ] {
        assert_eq!(backend(text).map(|backend| backend.to_string()), Ok(shown.to_owned()), "{text}");
    }
    assert!(matches!(backend("127.0.0.1:1").map(|backend| backend.host), Ok(BackendHost::Ip(_))));
    assert!(matches!(backend("app:1").map(|backend| backend.host), Ok(BackendHost::Name(_))));
    for text in [
        "",
        ":1",
        "a",
        "a:",
        "a:0",
        "a:65536",
        "a:+1",
        "a:1:2",
        "::1:80",
        "[::1]",
        "256.0.0.1:80",
        "1:2",
        "http://",
        "http://u:p@a:1",
        "http://a/b",
        "https://a",
        "ftp://a",
        "a b:1",
        "*.a:1",
        "a:1\\n",
        "-:x",
    ] {
        assert!(backend(text).is_err(), "{text}");
    }
}

#[test]
fn hosts_and_methods_are_checked() {
    let route = |text: &str| format!("[[route]]\n[route.match]\n{text}\n[route.action]\ntype = \"respond\"");
    let config = good(&route("host = \"Example.ORG\"\nmethod = [\"GET\", \"POST\"]"));
    let matching = &config.routes[0].matching;
    assert!(matching.matches("example.org", "/x", "HEAD") && matching.matches("example.org", "/", "POST"));
    assert!(!matching.matches("example.com", "/x", "GET") && !matching.matches("example.org", "/", "PUT"));
    for text in [
        "host = \"a:80\"",
        "host = \"*.a\"",
        "host = \"::1\"",
        "host = \"\"",
        "host = \"a..b\"",
        "host = \"a b\"",
        "host = \"http://a\"",
        "method = []",
        "method = \"CONNECT\"",
        "method = \"\"",
        "content_type = \"a/b\"",
        "query = \"x\"",
    ] {
        assert_eq!(bad(&route(text)).len(), 1, "{text}");
    }
}

#[test]
fn a_route_is_hidden_only_by_one_that_takes_all_of_it() {
    let two = |one: &str, other: &str| {
        let route =
            |text: &str| format!("[[route]]\n[route.match]\n{text}\n[route.action]\ntype = \"respond\"\n");
        super::check_str(&(route(one) + &route(other))).is_ok()
    };
    for (one, other) in [
        ("", "path = \"/a\""),
        ("path = \"/a\"", "path = \"/a\""),
        ("method = \"GET\"", "method = \"HEAD\""),
        ("path = \"/a/*\"", "path = \"/a\"\nhost = \"h\""),
        ("method = [\"GET\", \"POST\"]", "method = \"POST\"\npath = \"/x\""),
    ] {
        assert!(!two(one, other), "{one} hides {other}");
    }
    for (one, other) in [
        ("path = \"/a\"", ""),
        ("host = \"h\"", "host = \"i\""),
        ("host = \"h\"", ""),
        ("method = \"HEAD\"", "method = \"GET\""),
        ("method = \"GET\"", ""),
        ("path = \"/a/*\"", "path = \"/ab\""),
    ] {
        assert!(two(one, other), "{one} does not hide {other}");
    }
}

#[test]
fn a_bad_match_is_never_taken_for_none() {
    let text = "[[route]]\nmatch = 3\n[route.action]\ntype = \"respond\"\n[[route]]\n[route.action]\ntype = \"respond\"";
    assert_eq!(briefly(text), ["2:9 `match` must be a table"]);
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = good(&action("type = \"proxy\"\nupstream = \"app\""));
    let Action::Proxy(proxy) = &config.routes[0].action else { panic!("a proxy") };
    assert_eq!((proxy.upstream, proxy.upstream_scheme), (0, Scheme::Http));
    assert_eq!((proxy.connect_timeout.as_millis(), proxy.read_timeout.as_millis()), (5_000, 60_000));
    let config = good(&action("type = \"redirect\"\nlocation = \"/\""));
    let Action::Redirect(redirect) = &config.routes[0].action else { panic!("a redirect") };
    assert_eq!(redirect.status, 302);
    let config = good(&action("type = \"static\"\nroot = \"/srv\""));
    let Action::Static(files) = &config.routes[0].action else { panic!("files") };
    assert_eq!(
        (files.index.as_str(), files.mount.as_str(), files.directory_listing),
        ("index.html", "", false)
    );
}
