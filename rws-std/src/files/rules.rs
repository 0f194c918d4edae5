//! Which names are served at all, decided before the file system is asked.
//!
//! A path that breaks a rule is answered like one that does not exist, so that a client cannot tell a
//! hidden file from a missing one.

use super::Files;

/// Extensions of files that hold key material or its containers.
const KEY_EXTENSIONS: [&str; 9] = ["pem", "key", "p12", "pfx", "jks", "keystore", "ppk", "kdb", "kdbx"];

/// Names, and starts of names, of private keys and of this server's own configuration.
const KEY_PREFIXES: [&str; 5] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "rws.config."];

/// Endings that editors, people and packers add to a name; the name before them counts.
const COPY_ENDINGS: [&str; 8] = ["~", ".bak", ".old", ".orig", ".save", ".gz", ".br", ".zst"];

/// A path relative to the root that may be opened: no empty, `.` or `..` component, no NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relative<'p> {
    /// Without slashes at the ends; empty for the root itself.
    pub(super) path: &'p str,
    /// The request asked for a directory (it ended with a slash).
    pub(super) directory: bool,
}

/// Reads a canonical path (`/a/b`, `/a/`, `/`) as one relative to the root; `None` if no rule lets it
/// through.
pub(super) fn admit<'p>(files: &Files, path: &'p str) -> Option<Relative<'p>> {
    let rest = path.strip_prefix('/')?;
    let (path, directory) = match rest.strip_suffix('/') {
        Some(path) => (path, true),
        None => (rest, rest.is_empty()),
    };
    if path.is_empty() {
        // "//" leaves "" with a slash stripped: not canonical.
        return rest.is_empty().then_some(Relative { path, directory: true });
    }
    is_admitted(files, path, directory).then_some(Relative { path, directory })
}

/// Whether every component of a relative path may be served.
pub(super) fn is_admitted(files: &Files, path: &str, directory: bool) -> bool {
    let mut components = path.split('/').enumerate().peekable();
    while let Some((depth, component)) = components.next() {
        let last = components.peek().is_none();
        if matches!(component, "" | "." | "..") || component.contains('\0') {
            return false;
        }
        if files.hide_dot_files && is_dot_file(component, depth) {
            return false;
        }
        if files.refuse_key_files && last && !directory && is_key_file(component) {
            return false;
        }
    }
    true
}

/// Whether `name`, `depth` components below the root, is a dot-file. `.well-known` at the root is not
/// (RFC 8615 §3).
pub(super) fn is_dot_file(name: &str, depth: usize) -> bool {
    name.starts_with('.') && !(depth == 0 && name == ".well-known")
}

/// Whether `name` looks like a key file, or a copy of one.
pub(super) fn is_key_file(name: &str) -> bool {
    if KEY_PREFIXES.iter().any(|prefix| starts_with(name, prefix)) {
        return true;
    }
    let mut stem = name;
    while let Some(shorter) = COPY_ENDINGS.iter().find_map(|ending| without_ending(stem, ending)) {
        stem = shorter;
    }
    let extension = stem.rsplit_once('.').map_or("", |(_, extension)| extension);
    KEY_EXTENSIONS.iter().any(|key| key.eq_ignore_ascii_case(extension))
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn without_ending<'n>(name: &'n str, ending: &str) -> Option<&'n str> {
    let at = name.len().checked_sub(ending.len())?;
    let (stem, found) = name.split_at_checked(at)?;
    found.eq_ignore_ascii_case(ending).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_files_are_known_by_extension_prefix_and_through_copies() {
        for name in
            ["server.pem", "SERVER.KEY", "a.p12", "id_rsa", "ID_ED25519.pub", "server.key.bak", "k.pem~"]
        {
            assert!(is_key_file(name), "{name}");
        }
        for name in ["server.key.old.gz", "rws.config.toml", "x.PFX.br", ".pem"] {
            assert!(is_key_file(name), "{name}");
        }
        for name in ["keys.html", "pem", "key", "monkey.js", "id.json", "a.keys", "é.txt", "~", ".bak"] {
            assert!(!is_key_file(name), "{name}");
        }
    }

    #[test]
    fn only_the_well_known_folder_at_the_root_may_begin_with_a_dot() {
        assert!(!is_dot_file(".well-known", 0));
        assert!(is_dot_file(".well-known", 1));
        assert!(is_dot_file(".well-known2", 0));
        assert!(is_dot_file(".git", 0));
        assert!(!is_dot_file("a.b", 0));
    }

    #[test]
    fn a_path_that_is_not_canonical_is_never_admitted() {
        let files = Files::new("/").unwrap();
        let refused = [
            "",
            "a",
            "//",
            "/a//b",
            "/../a",
            "/a/..",
            "/a/../b",
            "/./a",
            "/a/.",
            "/a//",
            "///",
            "/a\0b",
            "/.",
            "/..",
            "/.git/config",
            "/a/.env",
        ];
        for path in refused {
            assert_eq!(admit(&files, path), None, "{path:?}");
        }
        assert_eq!(admit(&files, "/"), Some(Relative { path: "", directory: true }));
        assert_eq!(admit(&files, "/a/b"), Some(Relative { path: "a/b", directory: false }));
        assert_eq!(admit(&files, "/a/b/"), Some(Relative { path: "a/b", directory: true }));
        assert!(admit(&files, "/.well-known/acme").is_some());
        assert!(admit(&files, "/..a").is_none(), "a dot-file, though not a parent");
    }
}
