//! The path pattern of a route, as one writes it: `/about` is that path alone, `/files/*` is a prefix.

use super::problems::{Problem, quoted};
use core::fmt;

/// More than any path we would accept in a request head.
const PATTERN_BYTES_MAX: usize = 4096;

/// Which request paths a route takes. Both forms are compared with the decoded, canonical path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// This path and no other.
    Exact(String),
    /// This path, and every path below it. The text has no slash at its end; it is empty for `/*`.
    Prefix(String),
}

impl PathPattern {
    /// Reads a pattern; a final `/*` makes it a prefix.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let (path, is_prefix) = match text.strip_suffix("/*") {
            Some(prefix) => (prefix, true),
            None => (text, false),
        };
        if !(is_prefix && path.is_empty()) {
            check_path(path)?;
        }
        if is_prefix && path.ends_with('/') {
            return Err(empty_segment(text));
        }
        Ok(if is_prefix { Self::Prefix(path.to_owned()) } else { Self::Exact(path.to_owned()) })
    }

    /// Whether a canonical request path is taken.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => is_at_or_below(path, prefix),
        }
    }

    /// Whether every path that `other` takes is taken by this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(one), Self::Exact(two)) => one == two,
            (Self::Exact(_), Self::Prefix(_)) => false,
            (Self::Prefix(prefix), Self::Exact(path) | Self::Prefix(path)) => is_at_or_below(path, prefix),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => f.write_str(path),
            Self::Prefix(path) => write!(f, "{path}/*"),
        }
    }
}

/// `/a` and `/a/b` are at or below `/a`; `/ab` is not.
pub(super) fn is_at_or_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a path in the configuration must be, so that a canonical request path can ever equal it.
pub(super) fn check_path(path: &str) -> Result<(), Problem> {
    let shown = quoted(path);
    if !path.starts_with('/') {
        return Err(
            Problem::new(format!("the path {shown} does not begin with a slash")).hint("begin it with `/`")
        );
    }
    if path.len() > PATTERN_BYTES_MAX {
        return Err(Problem::new(format!("the path is longer than {PATTERN_BYTES_MAX} bytes")));
    }
    if let Some(odd) = path.chars().find(|c| c.is_control() || "?#%*\\".contains(*c)) {
        let hint = match odd {
            '*' => "only a whole last segment may be `*`, as in `/files/*`",
            '%' => "write the path decoded: requests are decoded before they are compared",
            '?' | '#' => "a route is chosen by the path alone, without a query",
            _ => "leave the character out",
        };
        return Err(
            Problem::new(format!("the path {shown} contains {}", quoted(&odd.to_string()))).hint(hint)
        );
    }
    if path.contains("//") {
        return Err(empty_segment(path));
    }
    for segment in path.split('/') {
        if segment == "." || segment == ".." {
            let problem = Problem::new(format!("the path {shown} has the segment `{segment}`"));
            return Err(problem.hint("write the path that it leads to"));
        }
        if segment.starts_with(':') {
            let problem = Problem::new(format!("the path {shown} has a parameter, {}", quoted(segment)));
            return Err(problem.hint("a configured route is a whole path, or a prefix that ends in `/*`"));
        }
    }
    Ok(())
}

fn empty_segment(path: &str) -> Problem {
    Problem::new(format!("the path {} has an empty segment", quoted(path))).hint("write one slash, not two")
}

#[cfg(test)]
mod tests {
    use super::PathPattern;

    fn pattern(text: &str) -> PathPattern {
        PathPattern::parse(text).expect("a good pattern")
    }

    #[test]
    fn a_prefix_takes_its_own_path_and_what_is_below_but_no_longer_name() {
        let files = pattern("/files/*");
        assert_eq!(files, PathPattern::Prefix("/files".to_owned()));
        for path in ["/files", "/files/", "/files/a/b"] {
            assert!(files.matches(path), "{path}");
        }
        for path in ["/", "/file", "/filesystem", "/x/files"] {
            assert!(!files.matches(path), "{path}");
        }
    }

    #[test]
    fn a_lone_star_takes_every_path() {
        assert!(pattern("/*").matches("/"));
        assert!(pattern("/*").matches("/a/b"));
        assert!(pattern("/*").covers(&pattern("/a/*")));
    }

    #[test]
    fn covering_follows_matching() {
        let texts = ["/", "/*", "/a", "/a/", "/a/*", "/a/b", "/a/b/*", "/ab"];
        let paths = ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/ab", "/ab/c", "/x/y"];
        for one in texts.map(pattern) {
            for two in texts.map(pattern) {
                let all = paths.iter().filter(|path| two.matches(path)).all(|path| one.matches(path));
                assert_eq!(
                    one.covers(&two),
                    all && !matches!((&one, &two), (PathPattern::Exact(_), PathPattern::Prefix(_))),
                    "{one} over {two}"
                );
            }
        }
    }

    #[test]
    fn what_no_canonical_path_can_equal_is_refused() {
        for text in [
            "", "a", "*", "/a*", "/*/a", "//", "//*", "/a//*", "/a/../b", "/.", "/a?b", "/%61", "/a\\b",
            "/:id", "/a\0",
        ] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
