//! The table of `data/frameworks.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::project::values::Protocol;

/// What is known of a program.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    name: String,
    programs: Vec<String>,
    #[serde(default)]
    sub: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    anywhere: bool,
    flag: Option<String>,
    #[serde(default)]
    valued: Vec<String>,
    #[serde(default)]
    add: Vec<Addition>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    protocol: Option<String>,
    #[serde(default = "yes")]
    reuseaddr: bool,
}

fn yes() -> bool {
    true
}

/// Words to add unless one of some flags is there.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Addition {
    words: Vec<String>,
    unless: Vec<String>,
}

/// Words that stand in front of a program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Launcher {
    pub(super) words: Vec<String>,
    #[serde(default)]
    pub(super) valued: Vec<String>,
}

/// Words that run a script of package.json.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptRunner {
    pub(super) words: Vec<String>,
    /// The script, where the words name it themselves.
    pub(super) script: Option<String>,
    /// The word behind which its flags are passed on.
    pub(super) pass: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) launcher: Vec<Launcher>,
    pub(super) scripts: Vec<ScriptRunner>,
    pub(super) framework: Vec<Framework>,
}

/// The table. It is part of the program, and a test reads it: it can't be wrong at run time.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../data/frameworks.toml")).expect("the built-in table is well formed")
});

impl Framework {
    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it speaks, where that is not HTTP or not known.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol.as_deref().and_then(Protocol::new)
    }

    /// Whether it sets SO_REUSEADDR before it binds, and so can bind over a hold.
    #[must_use]
    pub fn sets_reuseaddr(&self) -> bool {
        self.reuseaddr
    }

    /// Whether `program` with these words behind it is this one.
    pub(super) fn matches(&self, program: &str, words: &[String]) -> bool {
        let named = self.programs.iter().any(|name| match name.strip_prefix('*') {
            Some(end) => program.ends_with(end),
            None => program == name,
        });
        let count = if self.anywhere { usize::MAX } else { 1 };
        let operands = || operands(words, &self.valued).take(count);
        let among = |list: &[String]| operands().any(|word| list.iter().any(|one| one == word));
        let flag = self.flag.as_ref();
        named
            && (self.sub.is_empty() || among(&self.sub))
            && !among(&self.except)
            && flag.is_none_or(|flag| words.iter().any(|word| word == flag))
    }

    /// The words that are to be added to those behind the program.
    pub(super) fn additions(&'static self, words: &[String]) -> Vec<&'static str> {
        let present = |flag: &String| match flag.as_str() {
            // Its first operand is the subcommand, where it has one.
            "<operand>" => {
                let own = usize::from(!self.sub.is_empty());
                operands(words, &self.valued).nth(own).is_some()
            }
            flag => before_dashes(words).any(|word| is_flag(word, flag)),
        };
        self.add
            .iter()
            .filter(|addition| !addition.unless.iter().any(present))
            .flat_map(|addition| addition.words.iter().map(String::as_str))
            .collect()
    }
}

/// Whether a word is this flag: alone, with `=value`, or, for a short one, with a number attached.
fn is_flag(word: &str, flag: &str) -> bool {
    let Some(rest) = word.strip_prefix(flag) else {
        return false;
    };
    let short = flag.len() == 2 && rest.starts_with(|first: char| first.is_ascii_digit());
    rest.is_empty() || rest.starts_with('=') || short
}

/// The words up to a `--`.
fn before_dashes(words: &[String]) -> impl Iterator<Item = &String> {
    words.iter().take_while(|word| *word != "--")
}

/// The words that are neither flags nor values of flags.
fn operands<'a>(words: &'a [String], valued: &'a [String]) -> impl Iterator<Item = &'a String> {
    let mut is_value = false;
    before_dashes(words).filter(move |word| {
        let skip = std::mem::replace(&mut is_value, valued.contains(word));
        !skip && !word.starts_with('-')
    })
}
