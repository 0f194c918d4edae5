//! The configuration: from `rws.config.toml`, the environment and the command line to one checked, immutable
//! [`Config`].
//!
//! ```text
//!   defaults < environment < file < command line       settings.rs   one value, applied in this order
//!   text ──▶ syntax.rs (spans, recovers) ──▶ tables     reader.rs     unknown keys, wrong types
//!                 rules.rs: single values               upstreams.rs · routes.rs · action.rs: what belongs together
//!   every mistake ──▶ problems.rs ──▶ Vec<Diagnostic>   none ──▶ Config
//! ```
//!
//! Reading never stops at a mistake, so all of them are shown at once; and one mistake is enough that nothing starts.
//! What the final product will know and this build does not is refused by name (see `keys.rs`).

mod action;
mod diagnostic;
mod keys;
mod model;
mod path_pattern;
mod problems;
mod reader;
mod routes;
mod rules;
mod settings;
mod suggest;
mod syntax;
#[cfg(test)]
mod tests;
mod upstreams;

pub use diagnostic::{Diagnostic, Place, render_all};
pub use model::{
    Action, Backend, BackendHost, Config, LogFormat, ProxyAction, RedirectAction, RespondAction, Route,
    RouteMatch, Scheme, StaticAction, Strategy, Upstream,
};
pub use path_pattern::PathPattern;

use core::net::IpAddr;
use problems::{Problem, Problems, Spot, quoted};
use reader::Table;
use routes::Around;
use settings::Settings;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use upstreams::Upstreams;

/// The file that is used without `--config`, if it is there.
pub const DEFAULT_FILE: &str = "rws.config.toml";

/// A configuration file larger than this is refused.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// What the command line sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--config`: the file to read.
    pub config: Option<PathBuf>,
    /// `--ip`.
    pub ip: Option<IpAddr>,
    /// `--port`.
    pub port: Option<u16>,
    /// `--thread-count`.
    pub thread_count: Option<u16>,
    /// `--root`.
    pub root: Option<PathBuf>,
}

/// A configuration and where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What to run.
    pub config: Config,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
}

impl Loaded {
    /// One line for `rws --check`: the file and how much is in it.
    #[must_use]
    pub fn summary(&self) -> String {
        let file = match &self.file {
            Some(file) => file.display().to_string(),
            None => "no configuration file".to_owned(),
        };
        format!("{file}: ok ({})", routes::summary(&self.config))
    }
}

/// Loads the configuration: the file of `--config`, or [`DEFAULT_FILE`] in the current directory, or none.
///
/// # Errors
/// Every mistake in the file, the environment and the command line; or the one that the file cannot be read.
pub fn load(
    overrides: &Overrides,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, Vec<Diagnostic>> {
    let (path, must_exist) = match &overrides.config {
        Some(path) => (path.as_path(), true),
        None => (Path::new(DEFAULT_FILE), false),
    };
    let name = path.to_string_lossy();
    let text = match read_file(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => None,
        Err(error) => return Err(vec![unreadable(&name, must_exist, &error)]),
    };
    if text.as_ref().is_some_and(|text| text.len() > FILE_BYTES_MAX) {
        return Err(vec![too_large(&name)]);
    }
    let text = match text.map(String::from_utf8).transpose() {
        Ok(text) => text,
        Err(error) => return Err(vec![not_utf8(&name, error.as_bytes(), error.utf8_error().valid_up_to())]),
    };
    let surroundings = Surroundings {
        file_directory: path.parent().unwrap_or(Path::new("")),
        directory: &readable_directory,
    };
    let config = check(&name, text.as_deref().unwrap_or(""), environment, overrides, &surroundings)?;
    Ok(Loaded { config, file: text.map(|_| path.to_owned()) })
}

/// Checks the text of a configuration file by itself: no environment, no command line, and no look at the disk, so
/// every root is taken as it is written. Never panics, whatever the text.
///
/// # Errors
/// Every mistake in the text, in line order.
pub fn check_str(text: &str) -> Result<Config, Vec<Diagnostic>> {
    let surroundings =
        Surroundings { file_directory: Path::new(""), directory: &|path: &Path| Ok(path.to_owned()) };
    check(DEFAULT_FILE, text, [], &Overrides::default(), &surroundings)
}

/// What a check may ask about the machine.
struct Surroundings<'a> {
    /// What a relative path in the file starts from.
    file_directory: &'a Path,
    /// The absolute path of a directory that can be read.
    directory: &'a dyn Fn(&Path) -> io::Result<PathBuf>,
}

impl core::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Surroundings").field("file_directory", &self.file_directory).finish_non_exhaustive()
    }
}

impl Surroundings<'_> {
    /// A root must be a directory that can be read now: otherwise every request would be answered 404 later.
    fn root(&self, base: &Path, text: &str) -> Result<PathBuf, Problem> {
        if text.is_empty() || text.contains('\0') {
            return Err(Problem::new(format!("`root` is not a path: {}", quoted(text)))
                .hint("use \".\" for this directory"));
        }
        (self.directory)(&base.join(text)).map_err(|error| {
            Problem::new(format!("the root {} cannot be served: {error}", quoted(text))).hint(
                "name a directory that exists and may be read; a relative path in a file starts at that file",
            )
        })
    }
}

fn check(
    file_name: &str,
    text: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    overrides: &Overrides,
    surroundings: &Surroundings<'_>,
) -> Result<Config, Vec<Diagnostic>> {
    if text.len() > FILE_BYTES_MAX {
        return Err(vec![too_large(file_name)]);
    }
    let closed = syntax::close_headers(text);
    let problems = Problems::new(file_name, text, &closed.text);
    let document = syntax::parse(&closed, &problems);
    let top = Table::open(&keys::TOP, &document, 0..0, &problems);

    let mut settings = Settings::default();
    settings.apply_environment(environment, surroundings, &problems);
    settings.apply_file(&top, surroundings, &problems);
    settings.apply_command_line(overrides, surroundings, &problems);

    let upstreams = Upstreams::read(&top, &problems);
    let around = Around { upstreams: &upstreams, settings: &settings, surroundings };
    let routes = routes::read(&top, &around, &problems);
    if settings.root.is_none() && routes.is_empty() {
        // Without routes there is one thing to do: serve the current directory.
        let here = surroundings.root(Path::new(""), ".");
        settings.root = problems.keep(&Spot::CommandLine("the current directory"), here);
    }
    let diagnostics = problems.into_diagnostics();
    if diagnostics.is_empty() {
        Ok(Config { upstreams: upstreams.list, routes, ..settings.into_config() })
    } else {
        Err(diagnostics)
    }
}

/// Reads at most one byte more than is allowed: enough to know that it is too much.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn readable_directory(path: &Path) -> io::Result<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::fs::read_dir(path)?;
    path.canonicalize()
}

fn unreadable(name: &str, from_option: bool, error: &io::Error) -> Diagnostic {
    let hint = if from_option {
        "give the path of a file that exists and may be read"
    } else {
        "make it readable, or move it away to run without it"
    };
    whole_file(name, format!("the configuration file cannot be read: {error}"), Some(hint))
}

fn too_large(name: &str) -> Diagnostic {
    whole_file(name, format!("the file is larger than {FILE_BYTES_MAX} bytes"), None)
}

fn not_utf8(name: &str, bytes: &[u8], valid_up_to: usize) -> Diagnostic {
    let before = String::from_utf8_lossy(bytes.get(..valid_up_to).unwrap_or_default());
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Diagnostic {
        place: Place::File { name: name.to_owned(), line, column },
        message: "the file is not UTF-8".to_owned(),
        hint: Some("save it as UTF-8".to_owned()),
        excerpt: None,
    }
}

fn whole_file(name: &str, message: String, hint: Option<&str>) -> Diagnostic {
    Diagnostic {
        place: Place::WholeFile { name: name.to_owned() },
        message,
        hint: hint.map(str::to_owned),
        excerpt: None,
    }
}
