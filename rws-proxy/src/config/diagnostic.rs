//! One mistake in the configuration, and how it is shown: message, place, the source line with a caret, a hint.

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use core::fmt;
use core::ops::Range;

/// A source line longer than this is named by its position only: the caret would be off the screen.
const LINE_BYTES_MAX: usize = 1024;

/// Where a wrong setting was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file, counted from 1; the column counts characters.
    File {
        /// The file's name as it was given.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// The file as a whole: it cannot be read.
    WholeFile {
        /// The file's name as it was given.
        name: String,
    },
    /// An environment variable, by name.
    Environment {
        /// The variable's name.
        variable: String,
    },
    /// An option of the command line, such as `--port`.
    CommandLine {
        /// The option, with its dashes.
        option: &'static str,
    },
}

/// One mistake. `Display` gives the plain text; [`Diagnostic::render`] gives it in colours.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The source line and the part of it (in bytes) that the caret stands under.
    pub(super) excerpt: Option<(String, Range<usize>)>,
}

impl Diagnostic {
    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Where it was written.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The whole report of this mistake, without a line end; with terminal colours if `styled`.
    #[must_use]
    pub fn render(&self, styled: bool) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(self.message.as_str()));
        group = group.element(self.body());
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }

    fn body(&self) -> Element<'_> {
        match (&self.place, &self.excerpt) {
            (Place::File { name, line, .. }, Some((text, span))) if text.len() <= LINE_BYTES_MAX => {
                Snippet::source(text.as_str())
                    .path(name.as_str())
                    .line_start(*line)
                    .annotation(AnnotationKind::Primary.span(span.clone()))
                    .into()
            }
            (Place::File { name, line, column }, _) => {
                Origin::path(name.as_str()).line(*line).char_column(*column).into()
            }
            (Place::WholeFile { name }, _) => Origin::path(name.as_str()).into(),
            (Place::Environment { variable }, _) => {
                Origin::path(format!("environment variable {variable}")).into()
            }
            (Place::CommandLine { option }, _) => Origin::path(format!("command line: {option}")).into(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl core::error::Error for Diagnostic {}

/// All reports, an empty line between two, and a last line that counts them.
#[must_use]
pub fn render_all(diagnostics: &[Diagnostic], styled: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&diagnostic.render(styled));
        text.push_str("\n\n");
    }
    let plural = if diagnostics.len() == 1 { "" } else { "s" };
    text.push_str(&format!(
        "{} error{plural} in the configuration; nothing was started\n",
        diagnostics.len()
    ));
    text
}
