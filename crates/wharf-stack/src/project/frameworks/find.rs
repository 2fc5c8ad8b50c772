//! Looking for a known program in the words of a command.

use super::Scripts;
use super::table::{Framework, Launcher, ScriptRunner, TABLE};

/// How deep scripts may call scripts.
const DEPTH: usize = 4;

/// A known program in a command.
pub(super) struct Found {
    pub(super) framework: &'static Framework,
    /// The words to add, not yet filled in.
    pub(super) add: Vec<&'static str>,
    /// The index of the word before which they go.
    pub(super) at: usize,
}

/// Looks through the words of one command.
pub(super) fn find(words: &[String], scripts: Scripts<'_>) -> Option<Found> {
    find_at_depth(words, scripts, DEPTH)
}

fn find_at_depth(words: &[String], scripts: Scripts<'_>, depth: usize) -> Option<Found> {
    let mut at = 0;
    loop {
        while words.get(at).is_some_and(|word| is_assignment(word)) {
            at += 1;
        }
        let program = program_name(words.get(at)?);
        let behind = &words[at + 1..];
        let known = TABLE
            .framework
            .iter()
            .find(|known| known.matches(&program, behind));
        if let Some(framework) = known {
            let dashes = behind.iter().position(|word| word == "--");
            return Some(Found {
                framework,
                add: framework.additions(behind),
                at: dashes.map_or(words.len(), |dashes| at + 1 + dashes),
            });
        }
        if let Some(found) = in_script(&words[at..], &program, scripts, depth) {
            return Some(Found {
                at: words.len(),
                ..found
            });
        }
        let starts = |launcher: &&Launcher| starts_with(&words[at..], &program, &launcher.words);
        let launcher = TABLE.launcher.iter().find(starts)?;
        at += launcher.words.len();
        at += flags_length(&words[at..], &launcher.valued);
    }
}

/// Looks into the package.json script that these words run.
fn in_script(words: &[String], program: &str, scripts: Scripts<'_>, depth: usize) -> Option<Found> {
    let depth = depth.checked_sub(1)?;
    let starts = |runner: &&ScriptRunner| starts_with(words, program, &runner.words);
    TABLE.scripts.iter().filter(starts).find_map(|runner| {
        let mut rest = &words[runner.words.len()..];
        let name = match &runner.script {
            Some(name) => name,
            None => {
                let at = rest.iter().position(|word| !word.starts_with('-'))?;
                let name = &rest[at];
                rest = &rest[at + 1..];
                name
            }
        };
        let text = scripts(name)?;
        let passed = runner.pass.as_ref().and_then(|pass| {
            let dashes = rest.iter().position(|word| word == pass)?;
            Some(&rest[dashes + 1..])
        });
        let mut inner = super::last_command(&text)?;
        let own_end = inner.len();
        match (&runner.pass, passed) {
            (None, _) => inner.extend_from_slice(rest),
            (Some(_), passed) => inner.extend_from_slice(passed.unwrap_or_default()),
        }
        let mut found = find_at_depth(&inner, scripts, depth)?;
        if found.at < own_end {
            // Its flags would have to go before a `--` inside the script's text.
            found.add.clear();
        }
        if let (Some(pass), None, false) = (&runner.pass, passed, found.add.is_empty()) {
            found.add.insert(0, pass);
        }
        Some(found)
    })
}

/// Whether the words begin with these, the first of which is a program.
fn starts_with(words: &[String], program: &str, wanted: &[String]) -> bool {
    let behind = wanted.get(1..).unwrap_or_default();
    wanted.first().is_some_and(|first| first == program)
        && words.len() > behind.len()
        && words[1..].starts_with(behind)
}

/// How many words are flags of a launcher, with their values and a closing `--`.
fn flags_length(words: &[String], valued: &[String]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            return at + 1;
        }
        if !word.starts_with('-') {
            break;
        }
        at += if valued.contains(word) { 2 } else { 1 };
    }
    at
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else {
        return false;
    };
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(inner)
}

/// A program's name: the last part of its path, without what systems and versions hang on it
/// (`vite.js`, `ng.cmd`, `python3.12`, `php8.3`).
fn program_name(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let ends = [".js", ".mjs", ".cjs", ".cmd", ".bat", ".exe", ".sh"];
    let name = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let version = |c: char| c.is_ascii_digit() || c == '.';
    let bare = name.trim_end_matches(version);
    if matches!(bare, "python" | "pypy" | "php" | "ruby") {
        return bare.replace("pypy", "python");
    }
    name.to_owned()
}
