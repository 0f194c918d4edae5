//! Directories: index files, redirects and listings.

use super::*;

fn with_listing(site: &Site) -> FilesCache {
    FilesCache::new(Arc::new(site.files().directory_listing(true)))
}

#[test]
fn a_directory_is_answered_by_its_first_index_file() {
    let site = Site::with(&[("a/index.html", "html"), ("b/index.txt", "text"), ("c/index.html/x", "folder")]);
    let mut cache = FilesCache::new(Arc::new(site.files().index(["index.html", "index.txt", "../up.txt"])));
    assert_eq!(content(&mut cache, "/a/"), "html");
    let plan = get(&mut cache, "/b/");
    assert_eq!(field(&plan, KnownName::ContentType).unwrap(), "text/plain; charset=utf-8");
    assert_eq!(status(&mut cache, "/c/"), 404, "an index that is a folder is none");
    assert_eq!(status(&mut cache, "/"), 404);
}

#[test]
fn a_directory_without_a_slash_is_redirected_relatively_and_keeps_its_query() {
    let site = Site::with(&[("a/b c/index.html", "x"), ("x:y/index.html", "x"), ("é/index.html", "x")]);
    let mut cache = site.cache();
    for (path, query, location) in [
        ("/a", None, "./a/"),
        ("/a/b c", Some("q=1"), "./b%20c/?q=1"),
        ("/x:y", None, "./x:y/"),
        ("/é", Some(""), "./%C3%A9/?"),
    ] {
        let request = FileRequest {
            method: Method::Get,
            path,
            query: query.map(str::as_bytes),
            fields: FieldBlock::EMPTY,
        };
        let plan = cache.plan(&request, NOW);
        assert_eq!(plan.status(), Status::MOVED_PERMANENTLY);
        assert_eq!(field(&plan, KnownName::Location).unwrap(), location);
    }
}

#[test]
fn a_query_that_no_field_can_hold_is_left_out_of_a_redirect() {
    let site = Site::with(&[("a/index.html", "x")]);
    let request = FileRequest {
        method: Method::Get,
        path: "/a",
        query: Some(b"x\r\nSet-Cookie: y"),
        fields: FieldBlock::EMPTY,
    };
    let plan = site.cache().plan(&request, NOW);
    assert_eq!(field(&plan, KnownName::Location).unwrap(), "./a/");
}

#[test]
fn listings_are_off_until_they_are_asked_for() {
    let site = Site::with(&[("a/b.txt", "x")]);
    assert_eq!(status(&mut site.cache(), "/a/"), 404);
    assert_eq!(status(&mut with_listing(&site), "/a/"), 200);
}

#[test]
fn a_listing_is_sorted_escaped_and_has_relative_links() {
    let site = Site::with(&[
        ("b.txt", "x"),
        ("a/x", "x"),
        ("<script>&\"'.txt", "x"),
        ("é ?#%.txt", "x"),
        ("javascript:x", "x"),
    ]);
    let mut cache = with_listing(&site);
    let page = content(&mut cache, "/");
    let items: Vec<&str> = page.lines().filter(|line| line.starts_with("<li>")).collect();
    assert_eq!(
        items,
        [
            "<li><a href=\"./%3Cscript%3E&amp;%22&#39;.txt\">&lt;script&gt;&amp;&quot;&#39;.txt</a></li>",
            "<li><a href=\"./a/\">a/</a></li>",
            "<li><a href=\"./b.txt\">b.txt</a></li>",
            "<li><a href=\"./javascript:x\">javascript:x</a></li>",
            "<li><a href=\"./%C3%A9%20%3F%23%25.txt\">é ?#%.txt</a></li>",
        ]
    );
    let plan = get(&mut cache, "/");
    assert_eq!(field(&plan, KnownName::ContentType).unwrap(), "text/html; charset=utf-8");
    assert!(content(&mut cache, "/a/").contains("<li><a href=\"../\">../</a></li>"));
}

#[test]
fn a_listing_leaves_out_what_would_not_be_served() {
    let site = Site::with(&[
        (".env", "x"),
        (".well-known/x", "x"),
        ("server.key", "x"),
        ("keys.pem/x", "x"),
        ("ok.txt", "x"),
        ("line\nbreak", "x"),
        ("back\\slash", "x"),
    ]);
    site.link("../secret.txt", "out.txt");
    site.link("ok.txt", "in.txt");
    site.link(".env", "env.txt");
    rustix::fs::mkfifoat(rustix::fs::CWD, site.path("fifo"), rustix::fs::Mode::RUSR).unwrap();
    let page = content(&mut with_listing(&site), "/");
    let names: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("<li>"))
        .filter_map(|line| line.split(['>', '<']).nth(2))
        .collect();
    assert_eq!(names, [".well-known/", "in.txt", "keys.pem/", "ok.txt"]);
}

#[test]
fn a_listing_is_bounded_and_says_so() {
    let site = Site::new();
    for n in 0..30 {
        site.write(&format!("f{n}"), b"x");
    }
    let list = |max| {
        let files = site.files().directory_listing(true).listing_entries_max(max);
        content(&mut FilesCache::new(Arc::new(files)), "/")
    };
    let (all, some) = (list(30), list(10));
    assert_eq!(all.matches("<li>").count(), 30);
    assert!(!all.contains("more than fits"));
    assert!(some.matches("<li>").count() <= 12 && some.contains("more than fits"));
}

#[test]
fn a_folder_can_be_listed_through_a_link_inside() {
    let site = Site::with(&[("real/x.txt", "x")]);
    site.link("real", "link");
    site.link("..", "out");
    let mut cache = with_listing(&site);
    assert!(content(&mut cache, "/link/").contains("x.txt"));
    assert_eq!(status(&mut cache, "/out/"), 404);
}
