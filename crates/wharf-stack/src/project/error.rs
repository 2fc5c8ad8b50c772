//! What is wrong with a project file, and where: one clear error with a hint.

use std::fmt;
use std::path::{Path, PathBuf};

use super::at::Span;
use super::suggest;

/// What is wrong with a project file.
///
/// It displays as
///
/// ```text
/// wharf.toml:3:1: unknown key `neds`
///   |
/// 3 | neds = ["api"]
///   | ^^^^
/// hint: did you mean `needs`?
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectError {
    path: PathBuf,
    line: usize,
    column: usize,
    source_line: String,
    width: usize,
    message: String,
    hint: Option<String>,
}

impl ProjectError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Puts a fault in its place in the text.
    pub(super) fn new(fault: Fault, text: &str, path: &Path) -> Self {
        let start = floor_char(text, fault.span.start);
        let end = floor_char(text, fault.span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..]
            .find('\n')
            .map_or(text.len(), |newline| start + newline);
        Self {
            path: path.to_owned(),
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            source_line: text[line_start..line_end].trim_end().to_owned(),
            width: text[start..end.min(line_end)].trim_end().chars().count().max(1),
            message: fault.message,
            hint: fault.hint,
        }
    }
}

/// The nearest place at or before `index` where a character begins.
fn floor_char(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl std::error::Error for ProjectError {}

impl fmt::Display for ProjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.line, self.column);
        writeln!(f, "{}:{line}:{column}: {}", self.path.display(), self.message)?;
        let gutter = line.to_string().len();
        // Tabs are kept before the caret, so that it stands below its text at any tab width.
        let before: String = self
            .source_line
            .chars()
            .take(column - 1)
            .map(|character| if character == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{line} | {}", self.source_line)?;
        write!(f, "{:gutter$} | {before}{}", "", "^".repeat(self.width))?;
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// An error that knows its bytes but not yet its line.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    span: Span,
    message: String,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(span: &Span, message: impl Into<String>) -> Self {
        Self {
            span: span.clone(),
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        self.maybe_hint(Some(hint.into()))
    }

    pub(super) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// A fault that the TOML reader found: syntax, a key that no table has, a value of another
    /// type.
    pub(super) fn from_toml(error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        // serde says what it expected only in its message, whose form is fixed by
        // `serde::de::Error::unknown_field` and `unknown_variant`.
        for (start, what, all) in [
            ("unknown field `", "unknown key", "the keys here are"),
            ("unknown variant `", "unknown value", "it may be"),
        ] {
            let Some(rest) = message.strip_prefix(start) else {
                continue;
            };
            let Some((typed, expected)) = rest.split_once('`') else {
                continue;
            };
            let words: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
            return Self::new(&span, format!("{what} `{typed}`")).maybe_hint(suggest::hint(
                typed,
                all,
                words.iter().copied(),
            ));
        }
        let Some((found, wanted)) = message
            .strip_prefix("invalid type: ")
            .and_then(|types| types.split_once(", expected "))
        else {
            return Self::new(&span, message);
        };
        let (wanted, hint) = match wanted {
            "a sequence" => ("a list", Some("put it in brackets: [ … ]")),
            "a string" => ("a text", Some("put it in quotes")),
            "i64" => ("a whole number", None),
            "a boolean" => ("true or false", None),
            "a map" => ("a table", None),
            other if other.starts_with("struct ") => ("a table", None),
            other => (other, None),
        };
        Self::new(&span, format!("wrong type: {found}, where {wanted} is wanted"))
            .maybe_hint(hint.map(str::to_owned))
    }
}
