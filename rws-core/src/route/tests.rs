use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use proptest::prelude::*;

use super::index::node_count;
use super::*;

const LIBRARY: RouteTable<'static, u8> = route_table!(
    u8,
    [
        Route::get("/", 0),
        Route::get("/hello/:name", 1).summary("Says hello"),
        Route::get("/hello/world", 2),
        Route::get("/files/*path", 3),
        Route::get("/files/index", 4),
        Route::get("/files/:id/raw", 5),
        Route::post("/echo", 6),
        Route::get("/echo", 7),
        Route::new(MethodSet::of(&[Method::Head]), "/echo", 8),
        Route::get("/a/", 9),
        Route::delete("/:any/thing", 10),
        Route::any("/a-long-segment-that-needs-more-than-a-word", 11),
        Route::any("/a-long-segment-that-needs-more-than-a-worm", 12),
        Route::get("/caf\u{e9}", 13),
    ]
);

fn found(table: &RouteTable<'_, u8>, method: Method, path: &str) -> Option<u8> {
    match table.find(method, path, b"") {
        RouteMatch::Found(found) => Some(*found.to),
        RouteMatch::NotFound | RouteMatch::MethodNotAllowed(_) | RouteMatch::Options(_) => None,
    }
}

#[test]
fn static_wins_over_param_and_param_over_rest() {
    for (path, to) in [
        ("/", Some(0)),
        ("/hello/you", Some(1)),
        ("/hello/world", Some(2)),
        ("/hello/", None),
        ("/hello", None),
        ("/hello/a/b", None),
        ("/files/index", Some(4)),
        ("/files/other", Some(3)),
        ("/files/index/raw", Some(5)),
        ("/files/index/raw/deeper", Some(3)),
        ("/files/7/raw", Some(5)),
        ("/files/7/cooked", Some(3)),
        ("/files", Some(3)),
        ("/files/", Some(3)),
        ("/filesystem", None),
        ("/a/", Some(9)),
        ("/a", None),
        ("/a-long-segment-that-needs-more-than-a-word", Some(11)),
        ("/a-long-segment-that-needs-more-than-a-worm", Some(12)),
        ("/a-long-segment-that-needs-more-than-a-wor", None),
        ("/a-long-segment-that-needs-more-than-a-words", None),
        ("/a-long-s", None),
        ("/a-long-", None),
        ("/caf\u{e9}", Some(13)),
        ("", None),
        ("*", None),
    ] {
        assert_eq!(found(&LIBRARY, Method::Get, path), to, "{path}");
    }
}

#[test]
fn a_path_with_zeros_behind_is_another_path() {
    for path in ["/echo\0", "/echo\0\0", "/echo\0\0\0", "/echo\0\0\0\0", "/hello\0/world", "/\0"] {
        for method in [Method::Get, Method::Head] {
            assert_eq!(found(&LIBRARY, method, path), None, "{path:?}");
        }
    }
    assert_eq!(found(&LIBRARY, Method::Get, "/echo"), Some(7));
}

#[test]
fn head_falls_to_get_unless_a_route_names_it() {
    assert_eq!(found(&LIBRARY, Method::Head, "/"), Some(0));
    assert_eq!(found(&LIBRARY, Method::Head, "/echo"), Some(8));
    assert_eq!(found(&LIBRARY, Method::Get, "/echo"), Some(7));
    assert_eq!(found(&LIBRARY, Method::Head, "/x/thing"), None);
}

#[test]
fn a_wrong_method_is_told_from_a_wrong_path() {
    let RouteMatch::MethodNotAllowed(allow) = LIBRARY.find(Method::Put, "/echo", b"") else {
        panic!("not 405")
    };
    assert_eq!(allow.to_string(), "GET, HEAD, POST, OPTIONS");
    let RouteMatch::Options(allow) = LIBRARY.find(Method::Options, "/files/thing", b"") else {
        panic!("not OPTIONS")
    };
    assert_eq!(allow.to_string(), "GET, HEAD, DELETE, OPTIONS");
    assert_eq!(LIBRARY.find(Method::Options, "/nothing", b""), RouteMatch::NotFound);
    // A less specific route with the method is better than a refusal.
    assert_eq!(found(&LIBRARY, Method::Delete, "/files/thing"), Some(10));
    assert_eq!(found(&LIBRARY, Method::Other, "/a-long-segment-that-needs-more-than-a-word"), Some(11));
}

#[test]
fn parameters_are_read_from_pattern_and_path() {
    let params = |pattern, path| {
        let mut short = Params::new(pattern, path);
        let short: Vec<_> = core::iter::from_fn(|| short.next_in_short()).collect();
        assert_eq!(short, Params::new(pattern, path).collect::<Vec<_>>(), "{pattern} {path}");
        short
    };
    assert_eq!(params("/hello/:name", "/hello/you"), [("name", "you")]);
    assert_eq!(params("/:a/x/:b", "/1/x/2"), [("a", "1"), ("b", "2")]);
    assert_eq!(params("/f/*path", "/f/a/b/"), [("path", "a/b/")]);
    assert_eq!(params("/f/*path", "/f"), [("path", "")]);
    assert_eq!(params("/f/*path", "/f/"), [("path", "")]);
    assert_eq!(params("/*", "/a/b"), [("", "a/b")]);
    assert_eq!(params("/a/b", "/a/b"), []);
    assert_eq!(params("/a/", "/a/"), []);
    let RouteMatch::Found(found) = LIBRARY.find(Method::Get, "/files/a b/raw", b"") else {
        panic!("not found")
    };
    assert_eq!(found.params().value("id"), Some("a b"));
    assert_eq!(found.params().value("name"), None);
    assert_eq!((found.index, found.pattern), (5, "/files/:id/raw"));
}

#[test]
fn a_table_lists_its_routes() {
    let hello = LIBRARY.entries().find(|entry| entry.pattern == "/hello/:name").expect("listed");
    assert_eq!((hello.summary, hello.methods.to_string()), ("Says hello", "GET".to_string()));
    assert_eq!(LIBRARY.entries().count(), LIBRARY.routes().len());
}

/// The fault of a table of GET routes.
fn fault(patterns: &[&'static str]) -> Option<(usize, RouteFault)> {
    let routes: Vec<Route<()>> = patterns.iter().map(|pattern| Route::get(pattern, ())).collect();
    RouteIndex::<64, 8>::new(&routes, Order::Specific).err().map(|error| (error.route, error.fault))
}

#[test]
fn malformed_patterns_are_refused_by_name() {
    let long = "/a".repeat(SEGMENTS_MAX + 1).leak();
    for (pattern, want) in [
        ("", RouteFault::NoLeadingSlash),
        ("a", RouteFault::NoLeadingSlash),
        ("*", RouteFault::NoLeadingSlash),
        ("//", RouteFault::EmptySegment),
        ("/a//b", RouteFault::EmptySegment),
        ("/a/./b", RouteFault::DotSegment),
        ("/..", RouteFault::DotSegment),
        ("/a%20b", RouteFault::BadByte),
        ("/a?b", RouteFault::BadByte),
        ("/a#b", RouteFault::BadByte),
        ("/a\\b", RouteFault::BadByte),
        ("/a\nb", RouteFault::BadByte),
        ("/:", RouteFault::BadName),
        ("/:1a", RouteFault::BadName),
        ("/:a-b", RouteFault::BadName),
        ("/*a.b", RouteFault::BadName),
        ("/:a/:a", RouteFault::RepeatedName),
        ("/:a/b/*a", RouteFault::RepeatedName),
        ("/*a/b", RouteFault::RestNotLast),
        ("/a*", RouteFault::RestNotLast),
        (long, RouteFault::TooLong),
    ] {
        assert_eq!(fault(&[pattern]), Some((0, want)), "{pattern}");
    }
    for pattern in ["/", "/:a", "/*", "/*a", "/a/", "/a:b", "/%", "/%zz", "/:a/a", "/a.b/..."] {
        assert_eq!(fault(&[pattern]), None, "{pattern}");
    }
}

#[test]
fn two_routes_of_one_shape_and_method_are_refused() {
    assert_eq!(fault(&["/a", "/b", "/a"]), Some((2, RouteFault::Duplicate(0))));
    assert_eq!(fault(&["/:x/b", "/:y/b"]), Some((1, RouteFault::Duplicate(0))));
    assert_eq!(fault(&["/a/*x", "/a/*"]), Some((1, RouteFault::Duplicate(0))));
    assert_eq!(fault(&["/:x/b", "/a/:y", "/a/b", "/a/*", "/*", "/a", "/a/"]), None);
    let routes = [Route::get("/a", 0), Route::post("/a", 1), Route::any("/a", 2)];
    let error = RouteIndex::<8, 3>::new(&routes, Order::Specific).expect_err("ambiguous");
    assert_eq!(
        error.to_string(),
        "route 2: another route has the same shape and method; remove one (it is route 0)"
    );
}

#[test]
fn a_table_beyond_its_room_is_refused() {
    let routes = [Route::get("/a/b", 0), Route::get("/c", 1)];
    assert!(RouteIndex::<4, 2>::new(&routes, Order::Line).is_ok());
    for error in [
        RouteIndex::<3, 2>::new(&routes, Order::Line).err(),
        RouteIndex::<0, 2>::new(&routes, Order::Line).err(),
    ] {
        assert_eq!(error.map(|error| error.fault), Some(RouteFault::TooMany));
    }
    assert!(RouteIndex::<4, 1>::new(&routes, Order::Line).is_err());
    let no_methods = [Route::new(MethodSet::NONE, "/", 0)];
    let error = RouteIndex::<2, 1>::new(&no_methods, Order::Line).expect_err("no methods");
    assert_eq!(error.fault, RouteFault::NoMethods);
}

fn at(host: Option<&'static str>, methods: MethodSet, pattern: &'static str) -> Route<()> {
    Route { host, ..Route::new(methods, pattern, ()) }
}

const GET: MethodSet = MethodSet::of(&[Method::Get]);
const POST: MethodSet = MethodSet::of(&[Method::Post]);

#[test]
fn in_line_order_the_first_route_that_fits_wins() {
    let routes = [
        at(Some("api.example.com"), MethodSet::ANY, "/*"),
        at(Some("*.example.com"), GET, "/a/*"),
        at(None, POST, "/a/b"),
        at(None, GET, "/:x/b"),
        at(None, GET, "/a/b"),
        at(None, MethodSet::ANY, "/*rest"),
        at(None, MethodSet::ANY, "/a/b/c"),
    ];
    let index = RouteIndex::<32, 7>::new(&routes, Order::Line).expect("valid");
    let table = RouteTable::new(&routes, &index);
    let line = |method, host: &str, path| match table.find(method, path, host.as_bytes()) {
        RouteMatch::Found(found) => Some(found.index),
        RouteMatch::NotFound | RouteMatch::MethodNotAllowed(_) | RouteMatch::Options(_) => None,
    };
    assert_eq!(line(Method::Get, "API.example.com:8080", "/a/b"), Some(0));
    assert_eq!(line(Method::Get, "www.example.com", "/a"), Some(1));
    assert_eq!(line(Method::Post, "www.example.com", "/a/b"), Some(2));
    assert_eq!(line(Method::Head, "example.com", "/a/b"), Some(3));
    assert_eq!(line(Method::Get, "", "/a/b/c"), Some(5));
    assert_eq!(line(Method::Put, "x", "/"), Some(5));
    let second = table.find_if(Method::Get, "/a/b", b"", |index| index != 3);
    assert!(matches!(second, RouteMatch::Found(Matched { index: 4, .. })));
    assert!(
        RouteIndex::<32, 7>::new(&routes, Order::Specific)
            .is_err_and(|error| error.fault == RouteFault::HostInSpecific)
    );
}

#[test]
fn hosts_match_in_any_case_without_port_and_below_a_star() {
    for (pattern, authority) in [
        ("example.com", "EXAMPLE.com:80"),
        ("example.com", "example.com."),
        ("example.com.", "example.com"),
        ("*.example.com", "a.b.example.com"),
        ("[::1]", "[::1]:8080"),
        ("127.0.0.1", "127.0.0.1"),
    ] {
        assert!(
            is_host_pattern(pattern) && host_matches(pattern, authority.as_bytes()),
            "{pattern} {authority}"
        );
    }
    for (pattern, authority) in [
        ("example.com", ""),
        ("example.com", "example.com.evil"),
        ("example.com", "notexample.com"),
        ("*.example.com", "example.com"),
        ("*.example.com", ".example.com"),
        ("*.example.com", "badexample.com"),
        ("a", "[::1]"),
    ] {
        assert!(!host_matches(pattern, authority.as_bytes()), "{pattern} {authority}");
    }
    for pattern in ["", "*", "*.", "a*.b", "*.*.b", "a:80", "a:", "a/b", "user@a"] {
        assert!(!is_host_pattern(pattern), "{pattern}");
    }
}

#[test]
fn a_route_that_earlier_ones_cover_is_found() {
    let any = MethodSet::ANY;
    let cover = |routes: &[Route<()>]| first_cover(routes, routes.len() - 1, |_| true);
    assert_eq!(cover(&[at(None, any, "/*"), at(None, GET, "/a/:b")]), Some(0));
    assert_eq!(cover(&[at(None, GET, "/x"), at(None, any, "/a/*"), at(None, any, "/a")]), Some(1));
    assert_eq!(cover(&[at(None, any, "/:x"), at(None, any, "/a")]), Some(0));
    assert_eq!(cover(&[at(None, any, "/:x"), at(None, any, "/")]), None);
    assert_eq!(cover(&[at(None, any, "/:x/*"), at(None, any, "/a/b")]), Some(0));
    assert_eq!(cover(&[at(None, any, "/a/:x"), at(None, any, "/a/*")]), None);
    assert_eq!(cover(&[at(None, GET, "/a"), at(None, POST, "/a"), at(None, GET.union(POST), "/a")]), Some(0));
    assert_eq!(cover(&[at(None, GET, "/a"), at(None, any, "/a")]), None);
    assert_eq!(cover(&[at(None, GET, "/a"), at(None, MethodSet::of(&[Method::Head]), "/a")]), Some(0));
    assert_eq!(cover(&[at(Some("a.b"), any, "/*"), at(None, any, "/")]), None);
    assert_eq!(cover(&[at(Some("*.b"), any, "/*"), at(Some("A.b"), any, "/")]), Some(0));
    assert_eq!(cover(&[at(Some("*.b"), any, "/*"), at(Some("*.a.b"), any, "/")]), Some(0));
    assert_eq!(cover(&[at(Some("*.a.b"), any, "/*"), at(Some("*.b"), any, "/")]), None);
    assert_eq!(first_cover(&[at(None, any, "/*"), at(None, any, "/a")], 1, |_| false), None);
}

/// What a pattern says, without any index.
fn model_matches(pattern: &str, path: &str) -> bool {
    let mut path_segments = path[1..].split('/');
    for segment in pattern[1..].split('/') {
        if segment.starts_with('*') {
            return true;
        }
        match path_segments.next() {
            Some(value) if segment.starts_with(':') => {
                if value.is_empty() {
                    return false;
                }
            }
            Some(value) if value == segment => {}
            _ => return false,
        }
    }
    path_segments.next().is_none()
}

/// How specific a pattern is: lower is more so.
fn model_rank(pattern: &str) -> Vec<u8> {
    let kind = |segment: &str| match segment.bytes().next() {
        Some(b':') => 1,
        Some(b'*') => 2,
        _ => 0,
    };
    pattern[1..].split('/').map(kind).collect()
}

fn pattern_strategy() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec![
        "a",
        "b",
        "ab",
        "a-segme",
        "a-segmen",
        "a-segment-longer-than-a-word",
        "a-segment-longer-than-two",
        ":",
    ]);
    let tail = prop::sample::select(vec!["", "", "/", "/*", "/*rest"]);
    (prop::collection::vec(segment, 0..4), tail).prop_map(|(segments, tail)| {
        let name = |(at, segment): (usize, &&str)| {
            if *segment == ":" { format!("/:p{at}") } else { format!("/{segment}") }
        };
        let pattern = segments.iter().enumerate().map(name).collect::<String>() + tail;
        if pattern.is_empty() { "/".to_owned() } else { pattern }
    })
}

fn path_strategy() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec![
        "a",
        "b",
        "ab",
        "c",
        "a-segme",
        "a-segmen",
        "a-segment-longer-than-a-word",
        "a-segment-longer-than-two",
    ]);
    (prop::collection::vec(segment, 0..5), any::<bool>()).prop_map(|(segments, slash)| {
        let path = format!("/{}", segments.join("/"));
        if slash && path != "/" { path + "/" } else { path }
    })
}

proptest! {
    #[test]
    fn the_index_finds_what_reading_every_pattern_finds(
        patterns in prop::collection::vec((pattern_strategy(), any::<bool>()), 0..24),
        paths in prop::collection::vec(path_strategy(), 1..8),
    ) {
        let routes: Vec<Route<(), &str>> = patterns
            .iter()
            .map(|(pattern, get)| Route {
                methods: if *get { GET } else { POST }, host: None, pattern: pattern.as_str(), to: (), summary: "",
            })
            .collect();
        for order in [Order::Line, Order::Specific] {
            let room = node_count(&routes);
            let (mut linked, mut nodes) = (vec![super::build::Linked::EMPTY; room], vec![Node::EMPTY; room]);
            let mut chain = vec![super::index::NONE; routes.len()];
            let Ok(_) = super::build::build(&routes, order, &mut linked, &mut chain, &mut nodes) else {
                prop_assert_eq!(order, Order::Specific);
                continue;
            };
            let table = RouteTable { routes: &routes, nodes: &nodes, chain: &chain, order };
            for path in &paths {
                let fits = |pattern: &str| model_matches(pattern, path);
                let mut fitting: Vec<usize> = (0..routes.len()).filter(|&at| fits(routes[at].pattern)).collect();
                if order == Order::Specific {
                    // `/a` is before `/a/*`: what ends is more specific than what goes on.
                    fitting.sort_by_key(|&at| model_rank(routes[at].pattern));
                }
                let want = fitting.iter().copied().find(|&at| routes[at].methods == GET);
                let answer = table.find(Method::Get, path, b"");
                prop_assert_eq!(super::each::find(&table, Method::Get, path, b"", |_| true), answer);
                match answer {
                    RouteMatch::Found(found) => prop_assert_eq!(Some(found.index), want, "{} {:?}", path, order),
                    RouteMatch::MethodNotAllowed(_) => prop_assert!(want.is_none() && !fitting.is_empty()),
                    RouteMatch::NotFound | RouteMatch::Options(_) => prop_assert!(fitting.is_empty(), "{}", path),
                }
            }
        }
    }

    #[test]
    fn a_covered_route_is_never_found(
        patterns in prop::collection::vec(pattern_strategy(), 1..12),
        paths in prop::collection::vec(path_strategy(), 1..8),
    ) {
        let routes: Vec<Route<(), &str>> = patterns
            .iter()
            .map(|pattern| Route { methods: GET, host: None, pattern: pattern.as_str(), to: (), summary: "" })
            .collect();
        for path in &paths {
            if let Some(first) = (0..routes.len()).find(|&at| model_matches(routes[at].pattern, path)) {
                prop_assert_eq!(first_cover(&routes, first, |_| true), None);
            }
        }
    }
}

#[cfg(feature = "alloc")]
#[test]
fn an_owned_table_finds_as_a_constant_one_does() {
    let owned = |route: &Route<u8>| Route {
        methods: route.methods,
        host: route.host.map(Into::into),
        pattern: route.pattern.into(),
        to: route.to,
        summary: route.summary.into(),
    };
    let table =
        OwnedRouteTable::new(LIBRARY.routes().iter().map(owned).collect(), Order::Specific).expect("valid");
    for path in ["/", "/hello/you", "/files/7/raw", "/nothing"] {
        let to = match table.table().find(Method::Get, path, b"") {
            RouteMatch::Found(found) => Some(*found.to),
            RouteMatch::NotFound | RouteMatch::MethodNotAllowed(_) | RouteMatch::Options(_) => None,
        };
        assert_eq!(to, found(&LIBRARY, Method::Get, path), "{path}");
    }
    let bad_host = Route { host: Some("a:80".into()), ..owned(&Route::get("/", 0)) };
    let error = OwnedRouteTable::new(vec![bad_host], Order::Line).expect_err("bad host");
    assert_eq!((error.route, error.fault), (0, RouteFault::BadHost));
}
