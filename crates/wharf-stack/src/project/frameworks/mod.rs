//! Programs that ignore `PORT`: which flags and variables tell them where to listen.
//!
//! What is known stands in a table, `data/frameworks.toml`, not in code. A command is looked
//! through from its front: behind launchers (`npx`, `uv run`, `python -m`, …), behind assignments,
//! and, for `npm run dev` and its like, in the script's text, which the caller looks up. Flags that
//! the user wrote already are never added a second time.
//!
//! This is a help, not a proof: what a service really listens on is seen after its start.

mod find;
mod table;

use std::net::SocketAddr;

use super::values::{Command, Protocol, ServiceKind};

pub use table::Framework;

/// Looks up the text of a package.json script by its name.
pub type Scripts<'a> = &'a dyn Fn(&str) -> Option<String>;

/// For callers that know no scripts.
#[must_use]
pub fn no_scripts(_name: &str) -> Option<String> {
    None
}

/// A command that has been told where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The command with the flags it lacked.
    pub command: Command,
    /// The variables to set, where the user has not.
    pub env: Vec<(String, String)>,
    /// Whether the program sets SO_REUSEADDR, and so can bind over a hold. What is not known is
    /// taken to do so, as most do.
    pub reuse_address: bool,
    /// What the program is, if it is known.
    pub framework: Option<&'static Framework>,
}

/// What the program of a command is, if it is known.
#[must_use]
pub fn recognise(command: &Command, scripts: Scripts<'_>) -> Option<&'static Framework> {
    find::find(&words_of(command)?, scripts).map(|found| found.framework)
}

/// What a command's program speaks, if it is known.
#[must_use]
pub fn protocol(command: &Command) -> Option<Protocol> {
    recognise(command, &no_scripts)?.protocol()
}

/// Tells a command where to listen, by the flags and variables of its program. A task listens
/// nowhere, so it comes back as it is, as does a command that is not known.
#[must_use]
pub fn apply(command: &Command, scripts: Scripts<'_>, kind: ServiceKind, own: SocketAddr) -> Applied {
    let unchanged = Applied {
        command: command.clone(),
        env: Vec::new(),
        reuse_address: true,
        framework: None,
    };
    if kind == ServiceKind::Task {
        return unchanged;
    }
    let Some(words) = words_of(command) else {
        return unchanged;
    };
    let Some(found) = find::find(&words, scripts) else {
        return unchanged;
    };
    let fill = |text: &str| {
        text.replace("{port}", &own.port().to_string())
            .replace("{host}", &own.ip().to_string())
            .replace("{addr}", &own.to_string())
    };
    let added: Vec<String> = found.add.iter().map(|word| fill(word)).collect();
    let env = &found.framework.env;
    Applied {
        command: with_words(command, words, found.at, added),
        env: env
            .iter()
            .map(|(name, value)| (name.clone(), fill(value)))
            .collect(),
        reuse_address: found.framework.sets_reuseaddr(),
        framework: Some(found.framework),
    }
}

/// The words in which a program is looked for: all, or those of a line's last command.
fn words_of(command: &Command) -> Option<Vec<String>> {
    command.words().or_else(|| match command {
        Command::Shell(line) => last_command(line),
        Command::Argv(_) => None,
    })
}

/// Puts words into a command: at a place of its own words, or at the end of a shell's line.
fn with_words(command: &Command, mut words: Vec<String>, at: usize, add: Vec<String>) -> Command {
    if add.is_empty() {
        return command.clone();
    }
    match command {
        Command::Shell(line) if command.words().is_none() => {
            // Only its end is certain to belong to the command that was found.
            if at < words.len() {
                return command.clone();
            }
            Command::Shell(format!("{} {}", line.trim_end(), shell_words::join(add)))
        }
        Command::Shell(_) | Command::Argv(_) => {
            words.splice(at..at, add);
            Command::Argv(words)
        }
    }
}

/// The words of the last command of a line such as `cd web && vite`, if words that are appended
/// to the line go to it: not in a pipe, a group, the background, or behind a redirection.
fn last_command(line: &str) -> Option<Vec<String>> {
    let mut quote = None;
    let mut escaped = false;
    let mut start = 0;
    let mut appendable = true;
    let mut characters = line.trim_end().char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => escaped = true,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, ';' | '\n') => (start, appendable) = (at + 1, true),
            (None, '&' | '|') if characters.next_if(|&(_, next)| next == character).is_some() => {
                (start, appendable) = (at + 2, true);
            }
            (None, '(' | ')' | '`') => return None,
            (None, '&' | '|' | '<' | '>' | '#') => appendable = false,
            (None, _) => {}
        }
    }
    let words = shell_words::split(line.get(start..)?).ok()?;
    (appendable && !words.is_empty()).then_some(words)
}
