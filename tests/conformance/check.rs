//! What a check is, and what it may find.

use rws_tests::h2::Stop;

use crate::site::Site;

/// One rule, as a function that tries a server for it.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    /// Where the rule is.
    pub(crate) section: &'static str,
    /// The function's name: a sentence.
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Site) -> Verdict,
}

/// `Ok` if the server keeps the rule.
pub(crate) type Verdict = Result<(), Finding>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It does not.
    Broken(String),
    /// This server gives no occasion to see.
    Inapplicable(&'static str),
}

impl From<Stop> for Finding {
    fn from(stop: Stop) -> Finding {
        Finding::Broken(stop.to_string())
    }
}

pub(crate) fn broken<T>(why: impl Into<String>) -> Result<T, Finding> {
    Err(Finding::Broken(why.into()))
}

/// Fails with `why` unless it is so.
pub(crate) fn holds(is_so: bool, why: impl FnOnce() -> String) -> Verdict {
    if is_so { Ok(()) } else { Err(Finding::Broken(why())) }
}

impl Check {
    pub(crate) fn sentence(&self) -> String {
        self.name.replace('_', " ")
    }
}

/// The checks of one section.
macro_rules! checks {
    ($section:literal: $($name:ident),+ $(,)?) => {
        &[$(crate::check::Check { section: $section, name: stringify!($name), run: $name }),+]
    };
}
pub(crate) use checks;
