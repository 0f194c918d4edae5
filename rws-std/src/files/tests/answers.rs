//! What is said of a file: type, validators, conditions, codings and ranges.

use std::fs::File;
use std::time::SystemTime;

use super::*;

/// 2024-03-01T12:00:00Z.
const PAST: u64 = 1_709_294_400;
const PAST_DATE: &str = "Fri, 01 Mar 2024 12:00:00 GMT";

fn set_modified(site: &Site, path: &str, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + core::time::Duration::from_secs(seconds);
    File::options().write(true).open(site.path(path)).unwrap().set_modified(time).unwrap();
}

/// One file of 26 letters, last modified at [`PAST`].
fn alphabet() -> (Site, FilesCache, String) {
    let site = Site::with(&[("a.txt", "abcdefghijklmnopqrstuvwxyz")]);
    set_modified(&site, "a.txt", PAST);
    let mut cache = site.cache();
    let etag = field(&get(&mut cache, "/a.txt"), KnownName::Etag).unwrap();
    (site, cache, etag)
}

fn ask(cache: &mut FilesCache, fields: &[(KnownName, &str)]) -> FilePlan {
    Ask::with(fields).of(cache, "/a.txt")
}

#[test]
fn an_answer_says_type_length_validators_and_that_ranges_work() {
    let (_site, mut cache, etag) = alphabet();
    let mut plan = get(&mut cache, "/a.txt");
    assert_eq!(plan.status(), Status::OK);
    assert_eq!(field(&plan, KnownName::ContentType).unwrap(), "text/plain; charset=utf-8");
    assert_eq!(field(&plan, KnownName::AcceptRanges).unwrap(), "bytes");
    assert_eq!(field(&plan, KnownName::LastModified).unwrap(), PAST_DATE);
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, "{etag}: a strong tag");
    assert_eq!(field(&plan, KnownName::Vary), None);
    assert_eq!(plan.head().1, rws_core::connection::BodyPlan::Sized(26));
    assert_eq!(body(&mut plan), b"abcdefghijklmnopqrstuvwxyz");
}

#[test]
fn the_type_follows_the_extension() {
    let cases = [
        ("a.html", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.PNG", "image/png"),
        ("a.wasm", "application/wasm"),
        ("a", "application/octet-stream"),
        ("b.html/a", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ];
    let site = Site::with(&cases.map(|(path, _)| (path, "x")));
    let mut cache = site.cache();
    for (path, content_type) in cases {
        let plan = get(&mut cache, &format!("/{path}"));
        assert_eq!(field(&plan, KnownName::ContentType).unwrap(), content_type, "{path}");
    }
}

#[test]
fn a_client_that_has_the_file_is_told_so() {
    let (_site, mut cache, etag) = alphabet();
    let weak = format!("W/{etag}");
    let list = format!("\"x\", {etag}");
    for value in [&etag, &weak, &list, "*"] {
        let plan = ask(&mut cache, &[(KnownName::IfNoneMatch, value)]);
        assert_eq!(plan.status(), Status::NOT_MODIFIED, "{value}");
        assert_eq!(field(&plan, KnownName::Etag).unwrap(), etag);
        assert_eq!(field(&plan, KnownName::ContentType), None);
        assert_eq!(plan.body().len(), 0);
    }
    let plan = ask(&mut cache, &[(KnownName::IfModifiedSince, PAST_DATE)]);
    assert_eq!(plan.status(), Status::NOT_MODIFIED);
    for fields in [
        &[(KnownName::IfNoneMatch, "\"other\"")][..],
        &[(KnownName::IfModifiedSince, "Fri, 01 Mar 2024 11:59:59 GMT")],
        &[(KnownName::IfModifiedSince, "yesterday")],
        &[(KnownName::IfNoneMatch, "\"other\""), (KnownName::IfModifiedSince, PAST_DATE)],
    ] {
        assert_eq!(ask(&mut cache, fields).status(), Status::OK, "{fields:?}");
    }
}

#[test]
fn a_condition_that_fails_is_412() {
    let (_site, mut cache, etag) = alphabet();
    let weak = format!("W/{etag}");
    for fields in [
        &[(KnownName::IfMatch, "\"other\"")][..],
        &[(KnownName::IfMatch, &*weak)],
        &[(KnownName::IfUnmodifiedSince, "Fri, 01 Mar 2024 11:59:59 GMT")],
    ] {
        assert_eq!(ask(&mut cache, fields).status(), Status::PRECONDITION_FAILED, "{fields:?}");
    }
    for fields in [
        &[(KnownName::IfMatch, &*etag)][..],
        &[(KnownName::IfMatch, "*")],
        &[(KnownName::IfUnmodifiedSince, PAST_DATE)],
    ] {
        assert_eq!(ask(&mut cache, fields).status(), Status::OK, "{fields:?}");
    }
}

#[test]
fn a_range_is_answered_with_that_part() {
    let (_site, mut cache, etag) = alphabet();
    for (range, part, content_range) in [
        ("bytes=0-0", "a", "bytes 0-0/26"),
        ("bytes=3-5", "def", "bytes 3-5/26"),
        ("bytes=23-", "xyz", "bytes 23-25/26"),
        ("bytes=24-99", "yz", "bytes 24-25/26"),
        ("bytes=-2", "yz", "bytes 24-25/26"),
        ("bytes=-99", "abcdefghijklmnopqrstuvwxyz", "bytes 0-25/26"),
    ] {
        let mut plan = ask(&mut cache, &[(KnownName::Range, range)]);
        assert_eq!(plan.status(), Status::PARTIAL_CONTENT, "{range}");
        assert_eq!(field(&plan, KnownName::ContentRange).unwrap(), content_range);
        assert_eq!(field(&plan, KnownName::Etag).unwrap(), etag);
        assert_eq!(field(&plan, KnownName::ContentType).unwrap(), "text/plain; charset=utf-8");
        assert_eq!(body(&mut plan), part.as_bytes(), "{range}");
    }
}

#[test]
fn a_range_that_lies_behind_the_end_is_416_with_the_length() {
    let (_site, mut cache, _) = alphabet();
    for range in ["bytes=26-", "bytes=99-100", "bytes=-0"] {
        let plan = ask(&mut cache, &[(KnownName::Range, range)]);
        assert_eq!(plan.status(), Status::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(field(&plan, KnownName::ContentRange).unwrap(), "bytes */26");
    }
}

#[test]
fn a_range_that_cannot_be_read_is_ignored() {
    let (_site, mut cache, _) = alphabet();
    for range in ["bytes=5-3", "bytes=a-", "lines=1-2", "bytes=", "bytes 1-2", "bytes=-", "bytes=1-2-3"] {
        assert_eq!(ask(&mut cache, &[(KnownName::Range, range)]).status(), Status::OK, "{range}");
    }
    let range = Ask::with(&[(KnownName::Range, "bytes=0-1")]).head();
    let plan = range.of(&mut cache, "/a.txt");
    assert_eq!((plan.status(), plan.body().len()), (Status::OK, 26), "HEAD has no ranges");
}

#[test]
fn a_range_holds_only_for_the_state_that_if_range_names() {
    let (_site, mut cache, etag) = alphabet();
    let range = (KnownName::Range, "bytes=0-1");
    let weak = format!("W/{etag}");
    for (validator, status) in [
        (&*etag, Status::PARTIAL_CONTENT),
        (PAST_DATE, Status::PARTIAL_CONTENT),
        (&*weak, Status::OK),
        ("\"other\"", Status::OK),
        ("Fri, 01 Mar 2024 11:59:59 GMT", Status::OK),
        ("nonsense", Status::OK),
    ] {
        let plan = ask(&mut cache, &[range, (KnownName::IfRange, validator)]);
        assert_eq!(plan.status(), status, "{validator}");
    }
    // A range behind the end of a state that is gone: the whole, not 416.
    let plan = ask(&mut cache, &[(KnownName::Range, "bytes=99-"), (KnownName::IfRange, "\"other\"")]);
    assert_eq!(plan.status(), Status::OK);
}

#[test]
fn several_ranges_come_in_parts_whose_lengths_add_up() {
    let (_site, mut cache, _) = alphabet();
    let mut plan = ask(&mut cache, &[(KnownName::Range, "bytes=0-1, 5-6, -1")]);
    assert_eq!(plan.status(), Status::PARTIAL_CONTENT);
    assert_eq!(field(&plan, KnownName::ContentRange), None);
    let content_type = field(&plan, KnownName::ContentType).unwrap();
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |range: &str, bytes: &str| {
        format!(
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes {range}/26\
             \r\n\r\n{bytes}\r\n"
        )
    };
    let whole = [part("0-1", "ab"), part("5-6", "fg"), part("25-25", "z")].concat();
    let whole = format!("{whole}--{boundary}--\r\n");
    assert_eq!(String::from_utf8(body(&mut plan)).unwrap(), whole);
}

#[test]
fn ranges_of_a_large_file_keep_their_order_and_go_through_sendfile() {
    let site = Site::new();
    let content: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
    site.write("a.txt", &content);
    let mut cache = site.cache();
    let mut plan = ask(&mut cache, &[(KnownName::Range, "bytes=100-50099,100000-149999")]);
    assert_eq!(plan.body().direct(), 0, "a part's head comes first");
    let mut head = [0; 1000];
    let Fill::More(n) = plan.body_mut().fill(&mut head) else { panic!() };
    assert!(n < 200, "the file's bytes are left for sendfile");
    assert_eq!(plan.body().direct(), 50_000);
    let whole = body_of(&mut plan, head[..n].to_vec());
    let find = |part: &[u8]| whole.windows(part.len()).position(|window| window == part).unwrap();
    assert!(find(&content[100..50_100]) < find(&content[100_000..150_000]));
}

fn body_of(plan: &mut FilePlan, begun: Vec<u8>) -> Vec<u8> {
    let (mut whole, mut piece) = (begun, [0; 4096]);
    while plan.body().left() > 0 {
        match plan.body_mut().fill(&mut piece) {
            Fill::More(n) | Fill::End(n) => whole.extend_from_slice(&piece[..n]),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(whole.len() as u64, plan.body().len());
    whole
}

#[test]
fn a_heap_of_ranges_costs_no_more_than_the_whole() {
    let (_site, mut cache, _) = alphabet();
    let many = (0..1000).map(|_| "0-25").collect::<Vec<_>>().join(",");
    let mut plan = ask(&mut cache, &[(KnownName::Range, &format!("bytes={many}"))]);
    assert!(plan.body().len() <= 26, "{} {}", plan.status(), plan.body().len());
    assert_eq!(body(&mut plan), b"abcdefghijklmnopqrstuvwxyz");
    let scattered = (0..20).map(|n| format!("{n}-{n}")).collect::<Vec<_>>().join(", ");
    let plan = ask(&mut cache, &[(KnownName::Range, &format!("bytes={scattered}"))]);
    assert!(plan.body().len() <= 26, "{}", plan.body().len());
}

fn packed() -> (Site, FilesCache) {
    let site = Site::with(&[("a.txt", "plain"), ("a.txt.br", "brotli"), ("a.txt.gz", "gzip")]);
    for path in ["a.txt", "a.txt.br", "a.txt.gz"] {
        set_modified(&site, path, PAST);
    }
    let cache = site.cache();
    (site, cache)
}

#[test]
fn the_best_sibling_that_a_client_takes_is_sent() {
    let (_site, mut cache) = packed();
    let mut tags = Vec::new();
    for (accept, coding, content) in [
        ("gzip, deflate, br, zstd", Some("br"), "brotli"),
        ("gzip", Some("gzip"), "gzip"),
        ("br;q=0, gzip", Some("gzip"), "gzip"),
        ("gzip;q=1, br;q=0.1", Some("gzip"), "gzip"),
        ("identity", None, "plain"),
        ("", None, "plain"),
        ("br;q=0, gzip;q=0", None, "plain"),
        ("zstd", None, "plain"),
    ] {
        let mut plan = ask(&mut cache, &[(KnownName::AcceptEncoding, accept)]);
        assert_eq!(field(&plan, KnownName::ContentEncoding).as_deref(), coding, "{accept}");
        assert_eq!(field(&plan, KnownName::Vary).unwrap(), "Accept-Encoding");
        assert_eq!(field(&plan, KnownName::ContentType).unwrap(), "text/plain; charset=utf-8");
        assert_eq!(body(&mut plan), content.as_bytes(), "{accept}");
        tags.push((content, field(&plan, KnownName::Etag).unwrap()));
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 3, "each coding has a tag of its own: {tags:?}");
    assert_eq!(field(&get(&mut cache, "/a.txt"), KnownName::ContentEncoding), None);
}

#[test]
fn conditions_and_ranges_are_those_of_the_sibling_that_is_sent() {
    let (_site, mut cache) = packed();
    let accept = (KnownName::AcceptEncoding, "br");
    let etag = field(&ask(&mut cache, &[accept]), KnownName::Etag).unwrap();
    let plan = ask(&mut cache, &[accept, (KnownName::IfNoneMatch, &etag)]);
    assert_eq!(plan.status(), Status::NOT_MODIFIED);
    assert_eq!(field(&plan, KnownName::Vary).unwrap(), "Accept-Encoding");
    assert_eq!(ask(&mut cache, &[(KnownName::IfNoneMatch, &etag)]).status(), Status::OK);
    let mut plan = ask(&mut cache, &[accept, (KnownName::Range, "bytes=0-2")]);
    assert_eq!(field(&plan, KnownName::ContentRange).unwrap(), "bytes 0-2/6");
    assert_eq!(field(&plan, KnownName::ContentEncoding).unwrap(), "br");
    assert_eq!(body(&mut plan), b"bro");
    // Several ranges are of the plain file: parts have no coding of their own.
    let plan = ask(&mut cache, &[accept, (KnownName::Range, "bytes=0-0,2-2")]);
    assert_eq!(field(&plan, KnownName::ContentEncoding), None);
}

#[test]
fn a_sibling_older_than_its_file_is_not_sent() {
    let (site, mut cache) = packed();
    set_modified(&site, "a.txt.br", PAST - 1);
    cache.clear();
    let plan = ask(&mut cache, &[(KnownName::AcceptEncoding, "br, gzip")]);
    assert_eq!(field(&plan, KnownName::ContentEncoding).unwrap(), "gzip");
    let mut off = FilesCache::new(Arc::new(site.files().precompressed(false)));
    let plan = ask(&mut off, &[(KnownName::AcceptEncoding, "br, gzip")]);
    assert_eq!(field(&plan, KnownName::ContentEncoding), None);
    assert_eq!(field(&plan, KnownName::Vary), None);
}

#[test]
fn head_says_what_get_would() {
    let (_site, mut cache, _) = alphabet();
    let head = Ask::default().head().of(&mut cache, "/a.txt");
    let get = get(&mut cache, "/a.txt");
    let fields = |plan: &FilePlan| {
        plan.fields()
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
            .collect::<Vec<_>>()
    };
    assert_eq!(fields(&head), fields(&get));
    assert_eq!((head.status(), head.head().1), (get.status(), get.head().1));
}

#[test]
fn methods_that_are_not_for_files_are_405_with_allow() {
    let (_site, mut cache, _) = alphabet();
    for method in [Method::Post, Method::Put, Method::Delete, Method::Patch, Method::Trace] {
        let request = FileRequest { method, path: "/a.txt", query: None, fields: FieldBlock::EMPTY };
        let plan = cache.plan(&request, NOW);
        assert_eq!(plan.status(), Status::METHOD_NOT_ALLOWED, "{method:?}");
        assert_eq!(field(&plan, KnownName::Allow).unwrap(), "GET, HEAD, OPTIONS");
    }
    let unknown =
        FileRequest { method: Method::Other, path: "/a.txt", query: None, fields: FieldBlock::EMPTY };
    assert_eq!(cache.plan(&unknown, NOW).status(), Status::NOT_IMPLEMENTED);
    let options = FileRequest { method: Method::Options, path: "/", query: None, fields: FieldBlock::EMPTY };
    let plan = cache.plan(&options, NOW);
    assert_eq!((plan.status(), plan.head().1), (Status::NO_CONTENT, rws_core::connection::BodyPlan::None));
}

#[test]
fn a_file_from_the_future_has_no_date() {
    let (site, mut cache, _) = alphabet();
    set_modified(&site, "a.txt", 4_000_000_000);
    cache.clear();
    let plan = get(&mut cache, "/a.txt");
    assert_eq!(field(&plan, KnownName::LastModified), None);
    assert!(field(&plan, KnownName::Etag).is_some());
}

#[test]
fn the_cache_control_that_was_set_comes_with_200_and_304() {
    let (site, _, _) = alphabet();
    let files = site.files().cache_control("max-age=60").unwrap();
    let mut cache = FilesCache::new(Arc::new(files));
    for (fields, status) in [(&[][..], 200), (&[(KnownName::IfNoneMatch, "*")], 304)] {
        let plan = ask(&mut cache, fields);
        assert_eq!(plan.status().code(), status);
        assert_eq!(field(&plan, KnownName::CacheControl).unwrap(), "max-age=60");
    }
    assert!(site.files().cache_control("a\r\nb: c").is_err());
}

#[test]
fn two_states_of_one_length_and_time_have_tags_of_their_own() {
    let (site, mut cache, etag) = alphabet();
    site.write("next", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    set_modified(&site, "next", PAST);
    std::fs::rename(site.path("next"), site.path("a.txt")).unwrap();
    cache.clear();
    assert_ne!(field(&get(&mut cache, "/a.txt"), KnownName::Etag).unwrap(), etag);
}

#[test]
fn errors_have_a_short_text_and_no_validators() {
    let mut cache = Site::new().cache();
    let mut plan = get(&mut cache, "/none");
    assert_eq!(field(&plan, KnownName::ContentType).unwrap(), "text/plain; charset=utf-8");
    assert_eq!(field(&plan, KnownName::Etag), None);
    assert!(!body(&mut plan).is_empty());
}
