//! A typed reader over the parsed document. A [`Table`] reports what it does not know when it is opened; a
//! [`Value`] reports its own wrong type. Neither stops at the first mistake.

use super::keys::{self, Key, Kind, Section};
use super::problems::{Problem, Problems, Spot, quoted};
use super::suggest::{nearest, other_word};
use alloc::rc::Rc;
use core::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A scalar as it was written in one of the three sources.
#[derive(Clone, Debug)]
enum Raw<'t> {
    Text(&'t str),
    /// None: outside every range that a setting could have.
    Integer(Option<i128>),
    Boolean(bool),
    List(&'t [Spanned<DeValue<'t>>]),
    /// A list in one variable, with commas between.
    Commas(&'t str),
    Table,
    /// A kind of value that no key takes.
    Stray(&'static str),
}

/// One value, with its key's name and its place.
#[derive(Clone, Debug)]
pub(super) struct Value<'t> {
    key: &'static str,
    raw: Raw<'t>,
    pub(super) spot: Spot,
}

impl<'t> Value<'t> {
    fn of(key: &'static str, value: &'t Spanned<DeValue<'t>>) -> Self {
        let raw = match value.get_ref() {
            DeValue::String(text) => Raw::Text(text),
            DeValue::Integer(digits) => {
                Raw::Integer(i128::from_str_radix(digits.as_str(), digits.radix()).ok())
            }
            DeValue::Boolean(on) => Raw::Boolean(*on),
            DeValue::Float(_) => Raw::Stray("a number with a fraction"),
            DeValue::Datetime(_) => Raw::Stray("a date or time"),
            DeValue::Array(list) => Raw::List(list),
            DeValue::Table(_) => Raw::Table,
        };
        Self { key, raw, spot: Spot::File(value.span()) }
    }

    /// The value of an environment variable: text, read as what its key takes.
    pub(super) fn from_environment(key: &'static Key, variable: &str, text: &'t str) -> Self {
        let raw = match key.kind {
            Kind::Integer => text.parse().map_or(Raw::Text(text), |number| Raw::Integer(Some(number))),
            Kind::Boolean => text.parse().map_or(Raw::Text(text), Raw::Boolean),
            Kind::TextList => Raw::Commas(text),
            Kind::Text | Kind::Table | Kind::TableList => Raw::Text(text),
        };
        Self { key: key.name, raw, spot: Spot::Environment(Rc::from(variable)) }
    }

    /// The value of an option that takes text.
    pub(super) fn text_option(key: &'static str, option: &'static str, text: &'t str) -> Self {
        Self { key, raw: Raw::Text(text), spot: Spot::CommandLine(option) }
    }

    /// The value of an option that takes a number.
    pub(super) fn number_option(key: &'static str, option: &'static str, number: u64) -> Self {
        Self { key, raw: Raw::Integer(Some(number.into())), spot: Spot::CommandLine(option) }
    }

    /// The name of its key.
    pub(super) fn key(&self) -> &'static str {
        self.key
    }

    /// The text, if it is one and `rule` holds.
    pub(super) fn text<T>(
        &self,
        problems: &Problems<'_>,
        rule: impl FnOnce(&'t str) -> Result<T, Problem>,
    ) -> Option<T> {
        match self.raw {
            Raw::Text(text) => problems.keep(&self.spot, rule(text)),
            _ => self.wrong_type(problems, "text"),
        }
    }

    /// The whole number, if it is one and `rule` holds.
    pub(super) fn integer<T>(
        &self,
        problems: &Problems<'_>,
        rule: impl FnOnce(&'static str, i128) -> Result<T, Problem>,
    ) -> Option<T> {
        match self.raw {
            Raw::Integer(Some(number)) => problems.keep(&self.spot, rule(self.key, number)),
            Raw::Integer(None) => {
                problems
                    .add(self.spot.clone(), Problem::new(format!("`{}` is too large a number", self.key)));
                None
            }
            _ => self.wrong_type(problems, "a whole number"),
        }
    }

    /// True or false.
    pub(super) fn boolean(&self, problems: &Problems<'_>) -> Option<bool> {
        match self.raw {
            Raw::Boolean(on) => Some(on),
            _ => self.wrong_type(problems, "true or false"),
        }
    }

    /// The texts of a list; one text alone counts as a list of one. Each is judged, also after one that fails.
    pub(super) fn texts<T>(
        &self,
        problems: &Problems<'_>,
        rule: impl Fn(&'t str) -> Result<T, Problem>,
    ) -> Option<Vec<T>> {
        match self.raw {
            Raw::Text(text) => problems.keep(&self.spot, rule(text)).map(|one| vec![one]),
            Raw::Commas(text) => {
                let items = text.split(',').map(|item| problems.keep(&self.spot, rule(item.trim())));
                items.collect::<Vec<_>>().into_iter().collect()
            }
            Raw::List(list) => {
                let items = list.iter().map(|item| {
                    let item = Self::of(self.key, item);
                    match item.raw {
                        Raw::Text(text) => problems.keep(&item.spot, rule(text)),
                        _ => item.wrong_type(problems, "a list of texts"),
                    }
                });
                // Collected twice, so that every item is judged before the first failure decides.
                items.collect::<Vec<_>>().into_iter().collect()
            }
            _ => self.wrong_type(problems, "a list of texts"),
        }
    }

    fn wrong_type<T>(&self, problems: &Problems<'_>, wanted: &str) -> Option<T> {
        let found = match self.raw {
            Raw::Text(text) | Raw::Commas(text) => format!("the text {}", quoted(text)),
            Raw::Integer(_) => "a number".to_owned(),
            Raw::Boolean(_) => "true or false".to_owned(),
            Raw::List(_) => "a list".to_owned(),
            Raw::Table => "a table".to_owned(),
            Raw::Stray(kind) => kind.to_owned(),
        };
        let hint = match (&self.raw, &self.spot) {
            (Raw::Text(text), Spot::File(_)) if is_unquoted(text) => {
                Some("write it without quotes".to_owned())
            }
            (Raw::Text(_) | Raw::Stray(_), _) if self.key.ends_with("_ms") => {
                Some("give it in milliseconds: 30 seconds are 30000".to_owned())
            }
            (Raw::Text(_) | Raw::Stray(_), _) if self.key.contains("_bytes_") => {
                Some("give it in bytes: one megabyte is 1_000_000".to_owned())
            }
            (Raw::Integer(_) | Raw::Boolean(_), Spot::File(_)) if wanted.contains("text") => {
                Some("put it in quotes".to_owned())
            }
            _ => None,
        };
        let problem = Problem::new(format!("`{}` must be {wanted}, not {found}", self.key)).maybe_hint(hint);
        problems.add(self.spot.clone(), problem);
        None
    }
}

/// Whether a text would be a value by itself without its quotes.
fn is_unquoted(text: &str) -> bool {
    matches!(text, "true" | "false") || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// One table of the document, opened as a section whose keys are known.
#[derive(Debug)]
pub(super) struct Table<'t> {
    section: &'static Section,
    entries: Vec<(&'static Key, Range<usize>, &'t Spanned<DeValue<'t>>)>,
    /// The header, or the whole of an inline table.
    pub(super) spot: Spot,
}

impl<'t> Table<'t> {
    /// Opens a table, and reports each key that the section does not have or this build cannot honour.
    pub(super) fn open(
        section: &'static Section,
        table: &'t DeTable<'t>,
        span: Range<usize>,
        problems: &Problems<'_>,
    ) -> Self {
        let mut entries = Vec::new();
        for (name, value) in table {
            match section.key(name.get_ref()) {
                Some(key) if key.available => entries.push((key, name.span(), value)),
                Some(key) => {
                    problems.add(Spot::File(name.span()), not_available(&format!("`{}`", key.name)));
                }
                None => problems.add(Spot::File(name.span()), unknown_key(section, name)),
            }
        }
        Self { section, entries, spot: Spot::File(span) }
    }

    /// The value of a key, if it is there.
    pub(super) fn value(&self, key: &'static str) -> Option<Value<'t>> {
        self.entry(key).map(|(_, _, value)| Value::of(key, value))
    }

    /// The value of a key that must be there.
    pub(super) fn required(
        &self,
        key: &'static str,
        hint: &str,
        problems: &Problems<'_>,
    ) -> Option<Value<'t>> {
        let value = self.value(key);
        if value.is_none() {
            let message = format!("{} has no `{key}`", self.section.header);
            problems.add(self.spot.clone(), Problem::missing(message).hint(hint));
        }
        value
    }

    /// The place of a key's name, if it is there.
    pub(super) fn key_spot(&self, key: &'static str) -> Option<Spot> {
        self.entry(key).map(|(_, span, _)| Spot::File(span.clone()))
    }

    /// The names of all keys that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|(key, _, _)| key.name)
    }

    /// The table under a key, opened as `section`.
    pub(super) fn table(
        &self,
        key: &'static str,
        section: &'static Section,
        problems: &Problems<'_>,
    ) -> Option<Table<'t>> {
        let (_, _, value) = self.entry(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Table::open(section, table, value.span(), problems)),
            _ => {
                let problem = Problem::new(format!("`{key}` must be a table"));
                problems
                    .add(Spot::File(value.span()), problem.hint(format!("write it as {}", section.header)));
                None
            }
        }
    }

    /// The list of tables under a key, each opened as `section`.
    pub(super) fn tables(
        &self,
        key: &'static str,
        section: &'static Section,
        problems: &Problems<'_>,
    ) -> Vec<Table<'t>> {
        let Some((_, span, value)) = self.entry(key) else { return Vec::new() };
        let not_a_list = |at: Range<usize>| {
            let problem = Problem::new(format!("`{key}` must be a list of tables"));
            let hint = format!("write {} with double brackets before each one", section.header);
            problems.add(Spot::File(at), problem.hint(hint));
        };
        let DeValue::Array(list) = value.get_ref() else {
            not_a_list(span.clone());
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(list.len());
        for item in list {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(Table::open(section, table, item.span(), problems)),
                _ => not_a_list(item.span()),
            }
        }
        tables
    }

    fn entry(&self, name: &'static str) -> Option<&(&'static Key, Range<usize>, &'t Spanned<DeValue<'t>>)> {
        debug_assert!(self.section.key(name).is_some_and(|key| key.available), "{name} is not in keys.rs");
        self.entries.iter().find(|(key, _, _)| key.name == name)
    }
}

/// The refusal of something that is known but not built in: `what` is a key or a value, in backticks.
pub(super) fn not_available(what: &str) -> Problem {
    Problem::new(format!("{what} is not available in this build"))
        .hint("remove it: a setting that cannot be honoured is refused, never ignored")
}

fn unknown_key(section: &'static Section, name: &Spanned<DeString<'_>>) -> Problem {
    let place = if section.header.is_empty() { "at the top level" } else { section.header };
    let join = if section.header.is_empty() { "" } else { "in " };
    let problem = Problem::new(format!("unknown key {} {join}{place}", quoted(name.get_ref())));
    let near = nearest(name.get_ref(), section.keys.iter().map(|key| key.name));
    let near = near.or_else(|| other_word(name.get_ref()).filter(|key| section.key(key).is_some()));
    let hint = near.map(|key| format!("did you mean `{key}`?")).or_else(|| elsewhere(name.get_ref()));
    problem.hint(hint.unwrap_or_else(|| known_keys(section)))
}

/// All keys that would do.
fn known_keys(section: &'static Section) -> String {
    let names: Vec<&str> = section.keys.iter().filter(|key| key.available).map(|key| key.name).collect();
    format!("known keys are `{}`", names.join("`, `"))
}

/// A key that is right, only not in this section.
fn elsewhere(name: &str) -> Option<String> {
    let homes = keys::SECTIONS.iter().filter(|section| section.key(name).is_some());
    let homes: Vec<&str> =
        homes.map(|home| if home.header.is_empty() { "the top level" } else { home.header }).collect();
    (!homes.is_empty()).then(|| format!("`{name}` belongs in {}", homes.join(" or ")))
}
