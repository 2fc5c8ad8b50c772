//! The text of a proposed project file.

use std::collections::BTreeSet;

use crate::project::{DOOR, Label};

/// A table of the file to be.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    section: &'static str,
    comments: Vec<String>,
    keys: Vec<String>,
    env: Vec<(String, String)>,
    pub(super) needs: Vec<String>,
}

impl Draft {
    pub(super) fn service(name: &str) -> Self {
        Self::new("service", name)
    }

    pub(super) fn external(name: &str) -> Self {
        Self::new("external", name)
    }

    fn new(section: &'static str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            section,
            comments: Vec::new(),
            keys: Vec::new(),
            env: Vec::new(),
            needs: Vec::new(),
        }
    }

    /// A line above the table, for the reader.
    pub(super) fn comment(&mut self, text: impl Into<String>) {
        // What is quoted from another file must not end the comment, nor be none in TOML.
        self.comments.push(text.into().replace(char::is_control, " "));
    }

    /// A key with a text.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.keys.push(format!("{key} = {}", quoted(value)));
    }

    /// A key with a value that is TOML already.
    pub(super) fn value(&mut self, key: &str, toml: &str) {
        self.keys.push(format!("{key} = {toml}"));
    }

    /// A key with a number.
    pub(super) fn number(&mut self, key: &str, value: u16) {
        self.keys.push(format!("{key} = {value}"));
    }

    /// A variable.
    pub(super) fn variable(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// The table's text.
    pub(super) fn toml(&self) -> String {
        let mut lines: Vec<String> = self.comments.iter().map(|text| format!("# {text}")).collect();
        lines.push(format!("[{}.{}]", self.section, self.name));
        lines.extend(self.keys.iter().cloned());
        if !self.needs.is_empty() {
            let needs: Vec<String> = self.needs.iter().map(|need| quoted(need)).collect();
            lines.push(format!("needs = [{}]", needs.join(", ")));
        }
        if !self.env.is_empty() {
            lines.push(format!("[{}.{}.env]", self.section, self.name));
            lines.extend(
                self.env
                    .iter()
                    .map(|(name, value)| format!("{} = {}", key(name), quoted(value))),
            );
        }
        lines.join("\n") + "\n"
    }
}

/// A text in TOML: on several lines as it is where it has several, else in the shortest quotes.
pub(super) fn quoted(text: &str) -> String {
    let literal = !text.contains("'''") && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    if text.contains('\n') && literal {
        return format!("'''\n{text}\n'''");
    }
    toml::Value::String(text.to_owned()).to_string()
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// Names that are not given twice.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// The first of these that makes a name and is free; else the last with a number.
    pub(super) fn give(&mut self, wanted: &[&str]) -> String {
        let mut made: Vec<String> = wanted
            .iter()
            .filter_map(|text| Label::made_from(text))
            .map(String::from)
            .collect();
        if made.is_empty() {
            made.push("service".to_owned());
        }
        let last = made.last().cloned().unwrap_or_default();
        let numbered = (2_u32..)
            .map(|number| format!("{last}-{number}"))
            .filter_map(|text| Label::made_from(&text));
        let free = |name: &String| name != DOOR && !self.0.contains(name);
        let name = made
            .into_iter()
            .chain(numbered.map(String::from))
            .find(free)
            .unwrap_or(last);
        self.0.insert(name.clone());
        name
    }
}
