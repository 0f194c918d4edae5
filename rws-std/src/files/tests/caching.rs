//! What a thread remembers, and when it looks again.

use std::fs;

use super::*;

fn later(cache: &FilesCache) -> Instant {
    NOW.after_us(cache.files().cache_ttl_us)
}

#[test]
fn a_known_file_is_shared_and_not_opened_again() {
    let site = Site::with(&[("a.txt", "one")]);
    let mut cache = site.cache();
    let first = get(&mut cache, "/a.txt");
    fs::remove_file(site.path("a.txt")).unwrap();
    let second = get(&mut cache, "/a.txt");
    assert_eq!(file(&first), file(&second), "within the ttl the file system is not asked");
    let at = later(&cache);
    assert_eq!(get_at(&mut cache, "/a.txt", at).status(), Status::NOT_FOUND, "deleted");
    assert_eq!(cache.memory_bytes(), 0);
}

fn file(plan: &FilePlan) -> *const crate::files::OpenFile {
    match plan.body().content() {
        crate::files::Content::Run(run) => Arc::as_ptr(&run.file),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_has_not_changed_is_kept_through_a_look_unless_it_is_just_written() {
    let site = Site::with(&[("a.txt", "one")]);
    for (grain, kept) in [(0, true), (1_000, false)] {
        let mut files = site.files();
        files.stamp_grain = core::time::Duration::from_secs(grain);
        let mut cache = FilesCache::new(Arc::new(files));
        let first = get(&mut cache, "/a.txt");
        let at = later(&cache);
        let second = get_at(&mut cache, "/a.txt", at);
        assert_eq!(file(&first) == file(&second), kept);
    }
}

#[test]
fn a_change_is_seen_after_the_ttl_with_a_new_tag() {
    let site = Site::with(&[("a.txt", "one"), ("big.txt", &"1".repeat(100_000))]);
    let mut cache = site.cache();
    for (path, name, new) in [("/a.txt", "a.txt", "two"), ("/big.txt", "big.txt", &*"2".repeat(100_000))] {
        let before = field(&get(&mut cache, path), KnownName::Etag).unwrap();
        site.write(name, new.as_bytes());
        let at = later(&cache);
        let mut plan = get_at(&mut cache, path, at);
        assert_ne!(field(&plan, KnownName::Etag).unwrap(), before, "{path}");
        assert_eq!(body(&mut plan), new.as_bytes(), "{path}");
    }
}

#[test]
fn a_file_that_appears_is_found_after_the_ttl() {
    let site = Site::new();
    let mut cache = site.cache();
    assert_eq!(status(&mut cache, "/new.txt"), 404);
    site.write("new.txt", b"here");
    let at = later(&cache);
    assert_eq!(get_at(&mut cache, "/new.txt", at).status(), Status::OK);
    assert_eq!(cache.entries(), 1, "the refusal is forgotten");
}

#[test]
fn a_sibling_that_appears_or_goes_is_noticed() {
    let site = Site::with(&[("a.js", "plain")]);
    let mut cache = site.cache();
    let ask = Ask::with(&[(KnownName::AcceptEncoding, "gzip")]);
    assert_eq!(field(&ask.of(&mut cache, "/a.js"), KnownName::ContentEncoding), None);
    site.write("a.js.gz", b"packed");
    cache.clear();
    assert_eq!(field(&ask.of(&mut cache, "/a.js"), KnownName::ContentEncoding).unwrap(), "gzip");
    fs::remove_file(site.path("a.js.gz")).unwrap();
    cache.clear();
    let plan = ask.of(&mut cache, "/a.js");
    assert_eq!(field(&plan, KnownName::ContentEncoding), None);
    assert_eq!(field(&plan, KnownName::Vary), None);
}

#[test]
fn entries_bytes_and_descriptors_stay_within_their_limits() {
    let site = Site::new();
    for n in 0..40 {
        site.write(&format!("small{n}"), &[b'x'; 100]);
        site.write(&format!("large{n}"), &[b'x'; 40_000]);
    }
    let files = site.files().cache_entries_max(16).cache_bytes_max(500).cache_descriptors_max(3);
    let mut cache = FilesCache::new(Arc::new(files));
    for round in 0..3 {
        for n in 0..40 {
            assert_eq!(status(&mut cache, &format!("/small{n}")), 200);
            assert_eq!(status(&mut cache, &format!("/large{n}")), 200);
            assert_eq!(status(&mut cache, &format!("/none{round}.{n}")), 404);
            assert!(cache.entries() <= 16 + 4, "{}", cache.entries());
            assert!(cache.memory_bytes() <= 500, "{}", cache.memory_bytes());
            assert!(cache.descriptors() <= 3, "{}", cache.descriptors());
        }
    }
    assert!(cache.descriptors() > 0 && cache.memory_bytes() > 0, "something is remembered");
}

#[test]
fn without_a_cache_every_answer_is_still_right() {
    let site = Site::with(&[("a.txt", "one"), ("big.txt", &"1".repeat(100_000))]);
    let mut cache = FilesCache::new(Arc::new(site.files().cache_entries_max(0)));
    assert_eq!(content(&mut cache, "/a.txt"), "one");
    assert_eq!(content(&mut cache, "/big.txt").len(), 100_000);
    site.write("a.txt", b"two");
    assert_eq!(content(&mut cache, "/a.txt"), "two");
    assert_eq!(status(&mut cache, "/none"), 404);
    assert_eq!((cache.entries(), cache.descriptors(), cache.memory_bytes()), (0, 0, 0));
}

#[test]
fn a_sweep_closes_what_nobody_asks_for() {
    let site = Site::with(&[("big.txt", &"1".repeat(100_000)), ("a.txt", "x")]);
    let mut cache = site.cache();
    status(&mut cache, "/big.txt");
    status(&mut cache, "/a.txt");
    status(&mut cache, "/none");
    assert_eq!((cache.entries(), cache.descriptors()), (3, 1));
    cache.sweep(NOW.after_us(cache.files().cache_idle_us - 1), 10);
    assert_eq!(cache.entries(), 3);
    cache.sweep(NOW.after_us(cache.files().cache_idle_us), 10);
    assert_eq!((cache.entries(), cache.descriptors(), cache.memory_bytes()), (0, 0, 0));
}

#[test]
fn very_long_paths_are_not_remembered() {
    let site = Site::new();
    let mut cache = site.cache();
    assert_eq!(status(&mut cache, &format!("/{}", "a/".repeat(1000))), 404);
    assert_eq!(cache.entries(), 0);
}

#[test]
fn threads_with_caches_of_their_own_share_one_configuration() {
    let site = Site::with(&[("a.txt", "constant"), ("swapped.txt", &"a".repeat(40_000))]);
    let files = Arc::new(site.files().cache_ttl_us(0));
    let (done, worker) = (core::sync::atomic::AtomicBool::new(false), core::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut cache = FilesCache::new(Arc::clone(&files));
                while !done.load(worker) {
                    assert_eq!(content(&mut cache, "/a.txt"), "constant");
                    // Replaced by rename all the time: always one whole state of it.
                    let swapped = content(&mut cache, "/swapped.txt");
                    let first = &swapped[..1];
                    assert_eq!(swapped, first.repeat(40_000));
                    assert!(first == "a" || first == "b");
                }
            });
        }
        for n in 0..300 {
            let state = if n % 2 == 0 { "b" } else { "a" };
            site.write("next", state.repeat(40_000).as_bytes());
            fs::rename(site.path("next"), site.path("swapped.txt")).unwrap();
        }
        done.store(true, worker);
    });
}

/// Runs in a process of its own, since the limit on descriptors is the process's.
#[test]
fn a_process_without_descriptors_first_forgets_and_then_says_503() {
    const CHILD: &str = "RWS_TEST_FILES_CHILD";
    if std::env::var_os(CHILD).is_none() {
        let name = "files::tests::caching::a_process_without_descriptors_first_forgets_and_then_says_503";
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    }
    let large = "1".repeat(100_000);
    let names: Vec<String> = (0..9).map(|n| format!("f{n}")).collect();
    let site = Site::with(&names.iter().map(|name| (&**name, &*large)).collect::<Vec<_>>());
    let mut cache = site.cache();
    for name in &names[..8] {
        status(&mut cache, &format!("/{name}"));
    }
    assert_eq!(cache.descriptors(), 8);
    forbid_new_descriptors();
    assert_eq!(status(&mut cache, "/f8"), 200, "the cache made room");
    assert_eq!(cache.descriptors(), 1);
    // Answers under way hold on to their files. One can be opened as long as two descriptors are free: one
    // to look, one to read.
    let mut held = Vec::new();
    let refused = loop {
        assert!(held.len() < 9, "descriptors never ran out");
        cache.clear();
        let plan = get(&mut cache, &format!("/f{}", held.len()));
        if plan.status() != Status::OK {
            break plan;
        }
        held.push(plan);
    };
    assert_eq!(refused.status(), Status::SERVICE_UNAVAILABLE);
    assert_eq!(field(&refused, KnownName::RetryAfter).unwrap(), "1");
    drop(held);
    assert_eq!(status(&mut cache, "/f8"), 200, "and all is well again");
}

fn forbid_new_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use std::os::fd::AsRawFd;
    let next = fs::File::open("/dev/null").unwrap().as_raw_fd();
    let limit = Rlimit { current: Some(next as u64), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
}
