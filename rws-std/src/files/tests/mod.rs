//! Tests on real directories.

mod answers;
mod caching;
mod listing;
mod opening;
mod sending;
mod wire;

use alloc::sync::Arc;
use std::fs;
use std::path::{Path, PathBuf};

use rws_core::message::{FieldBlock, KnownName, Method, OwnedFields};
use rws_core::{Fill, Instant, Status};
use tempfile::TempDir;

use super::{FilePlan, FileRequest, Files, FilesCache};

/// A directory `root` inside a directory of its own, so that there is an outside.
struct Site {
    outside: TempDir,
    root: PathBuf,
}

impl Site {
    fn new() -> Site {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(outside.path().join("secret.txt"), "outside").unwrap();
        Site { outside, root }
    }

    fn with(files: &[(&str, &str)]) -> Site {
        let site = Site::new();
        for (path, content) in files {
            site.write(path, content.as_bytes());
        }
        site
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn link(&self, target: impl AsRef<Path>, path: &str) {
        std::os::unix::fs::symlink(target, self.path(path)).unwrap();
    }

    fn files(&self) -> Files {
        Files::new(&self.root).unwrap()
    }

    fn cache(&self) -> FilesCache {
        FilesCache::new(Arc::new(self.files()))
    }
}

const NOW: Instant = Instant::from_micros(1_000_000);

/// A request with fields.
#[derive(Default)]
struct Ask {
    fields: OwnedFields,
    head: bool,
}

impl Ask {
    fn with(fields: &[(KnownName, &str)]) -> Ask {
        let mut ask = Ask::default();
        for (name, value) in fields {
            ask.fields.push(*name, value.as_bytes()).unwrap();
        }
        ask
    }

    fn head(mut self) -> Ask {
        self.head = true;
        self
    }

    fn of(&self, cache: &mut FilesCache, path: &str) -> FilePlan {
        let method = if self.head { Method::Head } else { Method::Get };
        let fields = self.fields.block();
        cache.plan(&FileRequest { method, path, query: None, fields }, NOW)
    }
}

fn get(cache: &mut FilesCache, path: &str) -> FilePlan {
    get_at(cache, path, NOW)
}

fn get_at(cache: &mut FilesCache, path: &str, now: Instant) -> FilePlan {
    cache.plan(&FileRequest { method: Method::Get, path, query: None, fields: FieldBlock::EMPTY }, now)
}

fn status(cache: &mut FilesCache, path: &str) -> u16 {
    get(cache, path).status().code()
}

fn field(plan: &FilePlan, name: KnownName) -> Option<String> {
    plan.fields().single(name).map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// The whole body, by `fill` in pieces of seven bytes.
fn body(plan: &mut FilePlan) -> Vec<u8> {
    let (mut whole, mut piece) = (Vec::new(), [0; 7]);
    loop {
        match plan.body_mut().fill(&mut piece) {
            Fill::More(n) => whole.extend_from_slice(&piece[..n]),
            Fill::End(n) => {
                whole.extend_from_slice(&piece[..n]);
                break;
            }
            other => panic!("{other:?} after {} bytes", whole.len()),
        }
    }
    assert_eq!(whole.len() as u64, plan.body().len(), "as long as announced");
    whole
}

/// The body of an answer that must be 200.
fn content(cache: &mut FilesCache, path: &str) -> String {
    let mut plan = get(cache, path);
    assert_eq!(plan.status(), Status::OK, "{path}");
    String::from_utf8(body(&mut plan)).unwrap()
}
