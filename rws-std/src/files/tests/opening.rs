//! What is opened, and what never is.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::files::root::{Refusal, refusal};
use rustix::io::Errno;

/// The same checks with `openat2` and with the fallback.
fn both(site: &Site, check: impl Fn(&mut FilesCache)) {
    check(&mut site.cache());
    let mut files = site.files();
    files.root = crate::files::root::Root::open(&site.root).unwrap().stepwise();
    check(&mut FilesCache::new(Arc::new(files)));
}

#[test]
fn files_are_found_by_their_path() {
    let site = Site::with(&[("a.txt", "one"), ("b/c/d.txt", "two"), ("with space é.txt", "three")]);
    both(&site, |cache| {
        assert_eq!(content(cache, "/a.txt"), "one");
        assert_eq!(content(cache, "/b/c/d.txt"), "two");
        assert_eq!(content(cache, "/with space é.txt"), "three");
        for path in ["/b.txt", "/a.txt/", "/a.txt/b", "/b/c/", "/", "/A.TXT"] {
            assert_eq!(status(cache, path), 404, "{path}");
        }
    });
}

#[test]
fn no_spelling_leads_out_of_the_root() {
    let site = Site::with(&[("a/b.txt", "inside")]);
    fs::write(site.outside.path().join("secret.txt"), "outside").unwrap();
    let absolute = site.outside.path().join("secret.txt");
    let absolute = absolute.to_str().unwrap();
    both(&site, |cache| {
        let spellings = [
            "/../secret.txt",
            "/a/../../secret.txt",
            "/a/../b.txt",
            "/./../secret.txt",
            "//secret.txt",
            "/..",
            "/../",
            "/a/..",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/..\\secret.txt",
            "/a/..\0/secret.txt",
            "/a/b.txt\0.html",
            "/.../secret.txt",
            "..",
            "../secret.txt",
            "secret.txt",
            "",
            "/proc/self/root/etc/passwd",
            absolute,
            &format!("/{absolute}"),
            &format!("/..{absolute}"),
        ];
        for path in spellings {
            assert_eq!(status(cache, path), 404, "{path:?}");
        }
        assert_eq!(content(cache, "/a/b.txt"), "inside");
    });
}

#[test]
fn a_link_is_followed_only_while_it_stays_beneath_the_root() {
    let site = Site::with(&[("a/real.txt", "real"), ("b/x.txt", "x")]);
    site.link("a/real.txt", "in.txt");
    site.link("../a/real.txt", "b/up.txt");
    site.link("a", "folder");
    site.link("../secret.txt", "out.txt");
    site.link(site.outside.path(), "out");
    site.link("/etc/passwd", "passwd");
    site.link(site.path("a/real.txt"), "absolute.txt");
    site.link("loop", "loop");
    site.link("gone.txt", "dangling.txt");
    let mut cache = site.cache();
    for path in ["/in.txt", "/b/up.txt", "/folder/real.txt"] {
        assert_eq!(content(&mut cache, path), "real", "{path}");
    }
    for path in
        ["/out.txt", "/out/secret.txt", "/passwd", "/absolute.txt", "/loop", "/loop/x", "/dangling.txt"]
    {
        assert_eq!(status(&mut cache, path), 404, "{path}");
    }
    let mut strict = FilesCache::new(Arc::new(site.files().follow_symlinks(false)));
    for path in ["/in.txt", "/b/up.txt", "/folder/real.txt", "/out.txt", "/passwd"] {
        assert_eq!(status(&mut strict, path), 404, "{path}");
    }
    assert_eq!(content(&mut strict, "/a/real.txt"), "real");
}

#[test]
fn the_fallback_follows_no_link_at_all() {
    let site = Site::with(&[("a/real.txt", "real")]);
    site.link("a/real.txt", "in.txt");
    site.link("a", "folder");
    site.link("../secret.txt", "out.txt");
    let mut files = site.files();
    files.root = crate::files::root::Root::open(&site.root).unwrap().stepwise();
    let mut cache = FilesCache::new(Arc::new(files));
    for path in ["/in.txt", "/folder/real.txt", "/out.txt"] {
        assert_eq!(status(&mut cache, path), 404, "{path}");
    }
    assert_eq!(content(&mut cache, "/a/real.txt"), "real");
}

#[test]
fn a_link_does_not_uncover_what_its_target_hides() {
    let site = Site::with(&[(".git/config", "hidden"), ("tls/server.key", "key"), ("a/ok.txt", "ok")]);
    site.link(".git/config", "notes.txt");
    site.link(".git", "folder");
    site.link("tls/server.key", "readme.txt");
    site.link("a/ok.txt", "ok.txt");
    let mut cache = site.cache();
    for path in ["/notes.txt", "/folder/config", "/readme.txt"] {
        assert_eq!(status(&mut cache, path), 404, "{path}");
    }
    assert_eq!(content(&mut cache, "/ok.txt"), "ok");
}

#[test]
fn dot_files_and_keys_are_as_if_not_there_until_somebody_asks_for_them() {
    let site = Site::with(&[
        (".env", "x"),
        (".git/config", "x"),
        ("a/.htpasswd", "x"),
        ("a/id_rsa", "x"),
        ("server.pem", "x"),
        ("rws.config.toml", "x"),
        (".well-known/security.txt", "contact"),
        ("a/.well-known/x.txt", "x"),
    ]);
    both(&site, |cache| {
        let hidden = ["/.env", "/.git/config", "/.git", "/a/.htpasswd", "/a/id_rsa", "/server.pem"];
        for path in hidden.into_iter().chain(["/rws.config.toml", "/a/.well-known/x.txt"]) {
            assert_eq!(status(cache, path), 404, "{path}");
        }
        assert_eq!(content(cache, "/.well-known/security.txt"), "contact");
    });
    let mut open = FilesCache::new(Arc::new(site.files().hide_dot_files(false).refuse_key_files(false)));
    for path in ["/.env", "/.git/config", "/server.pem", "/a/id_rsa"] {
        assert_eq!(content(&mut open, path), "x", "{path}");
    }
}

#[test]
fn fifos_devices_and_sockets_are_refused_without_waiting() {
    let site = Site::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, site.path("fifo"), rustix::fs::Mode::RUSR).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(site.path("socket")).unwrap();
    both(&site, |cache| {
        assert_eq!(status(cache, "/fifo"), 404);
        assert_eq!(status(cache, "/socket"), 404);
    });
    let mut devices = FilesCache::new(Arc::new(Files::new("/dev").unwrap()));
    for path in ["/null", "/zero", "/tty"] {
        assert_eq!(status(&mut devices, path), 404, "{path}");
    }
}

#[test]
fn a_file_that_this_process_may_not_read_is_403() {
    let site = Site::with(&[("a.txt", "x"), ("b/index.html", "x")]);
    for path in ["a.txt", "b/index.html"] {
        fs::set_permissions(site.path(path), fs::Permissions::from_mode(0o000)).unwrap();
    }
    // Root reads everything, so a thread of its own gives up what makes root root.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let set = rustix::thread::capabilities(None).unwrap();
            let rest =
                rustix::thread::CapabilitySets { effective: rustix::thread::CapabilitySet::empty(), ..set };
            rustix::thread::set_capabilities(None, rest).unwrap();
            let mut cache = site.cache();
            assert_eq!(status(&mut cache, "/a.txt"), 403);
            assert_eq!(status(&mut cache, "/b/"), 403);
            fs::set_permissions(site.path("a.txt"), fs::Permissions::from_mode(0o600)).unwrap();
            let later = NOW.after_us(site.files().cache_ttl_us);
            assert_eq!(get_at(&mut cache, "/a.txt", later).status(), Status::OK);
        });
    });
}

#[test]
fn the_kernels_errors_fall_into_four_kinds() {
    assert_eq!(refusal(Errno::ACCESS), Refusal::Forbidden);
    assert_eq!(refusal(Errno::MFILE), Refusal::Exhausted);
    assert_eq!(refusal(Errno::NFILE), Refusal::Exhausted);
    assert_eq!(refusal(Errno::IO), Refusal::Broken);
    for missing in [Errno::NOENT, Errno::NOTDIR, Errno::XDEV, Errno::LOOP, Errno::NAMETOOLONG] {
        assert_eq!(refusal(missing), Refusal::Missing);
    }
}

#[test]
fn names_longer_than_any_file_has_are_404() {
    let site = Site::with(&[("a", "x")]);
    both(&site, |cache| {
        assert_eq!(status(cache, &format!("/{}", "a".repeat(300))), 404);
        assert_eq!(status(cache, &format!("/{}", "a/".repeat(4000))), 404);
    });
}

#[test]
fn a_folder_swapped_for_a_link_that_leads_out_is_not_followed() {
    let site = Site::with(&[("a/secret.txt", "inside")]);
    let mut cache = site.cache();
    assert_eq!(content(&mut cache, "/a/secret.txt"), "inside");
    // The very file moves out, and a link takes its folder's place: still the same inode.
    fs::rename(site.path("a"), site.outside.path().join("moved")).unwrap();
    site.link(site.outside.path().join("moved"), "a");
    let later = NOW.after_us(site.files().cache_ttl_us);
    assert_eq!(get_at(&mut cache, "/a/secret.txt", later).status(), Status::NOT_FOUND);
}

#[test]
fn a_root_that_is_no_directory_is_an_error_at_once() {
    let site = Site::with(&[("a", "x")]);
    assert!(Files::new(site.path("a")).is_err());
    assert!(Files::new(site.path("missing")).is_err());
}

/// Paths of up to four of `components`, each once with a slash at the end.
fn every_path(components: &[&str]) -> Vec<String> {
    let mut paths = vec![String::new()];
    let mut last = paths.clone();
    for _ in 0..4 {
        last = last.iter().flat_map(|path| components.iter().map(move |c| format!("{path}/{c}"))).collect();
        paths.extend(last.iter().flat_map(|path| [path.clone(), format!("{path}/")]));
    }
    paths
}

#[test]
fn of_every_path_over_hostile_components_none_shows_what_is_outside() {
    let site = Site::with(&[("x", "inside"), ("d/x", "inside"), ("d/index.html", "inside")]);
    for outside in ["x", "index.html"] {
        fs::write(site.outside.path().join(outside), "outside").unwrap();
    }
    fs::create_dir(site.outside.path().join("d")).unwrap();
    fs::write(site.outside.path().join("d/x"), "outside").unwrap();
    site.link("..", "up");
    site.link("../..", "d/upper");
    site.link("../d", "d/round");
    let paths = every_path(&["..", ".", "d", "x", "", "up", "upper", "round"]);
    let both_listings = |listing| {
        let mut files = site.files().directory_listing(listing).cache_entries_max(64);
        files.root = crate::files::root::Root::open(&site.root).unwrap();
        if listing {
            files.root = files.root.stepwise();
        }
        FilesCache::new(Arc::new(files))
    };
    for mut cache in [both_listings(false), both_listings(true)] {
        let mut found = 0;
        for path in &paths {
            let mut plan = get(&mut cache, path);
            let shown = String::from_utf8(body(&mut plan)).unwrap();
            assert!(!shown.contains("outside"), "{path}");
            found += usize::from(shown == "inside");
        }
        assert!(found > 2, "the paths also reach what is inside");
    }
}

#[test]
fn a_folder_that_turns_into_a_link_and_back_never_shows_the_outside() {
    let site = Site::with(&[("kept/x", "inside")]);
    fs::create_dir(site.outside.path().join("evil")).unwrap();
    fs::write(site.outside.path().join("evil/x"), "outside").unwrap();
    let files = Arc::new(site.files().cache_ttl_us(0));
    let done = core::sync::atomic::AtomicBool::new(false);
    let order = core::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut cache = FilesCache::new(Arc::clone(&files));
                    let mut seen = [0_u32; 2];
                    while !done.load(order) {
                        let mut plan = get(&mut cache, "/a/x");
                        let found = plan.status() == Status::OK;
                        assert!(found || plan.status() == Status::NOT_FOUND, "{}", plan.status());
                        assert!(!found || body(&mut plan) == b"inside");
                        seen[usize::from(found)] += 1;
                    }
                    seen
                })
            })
            .collect();
        for _ in 0..500 {
            fs::rename(site.path("kept"), site.path("a")).unwrap();
            std::thread::yield_now();
            fs::rename(site.path("a"), site.path("kept")).unwrap();
            site.link("../evil", "a");
            std::thread::yield_now();
            fs::remove_file(site.path("a")).unwrap();
        }
        done.store(true, order);
        for reader in readers {
            let [missing, _] = reader.join().unwrap();
            assert!(missing > 0, "the race was run");
        }
    });
}
