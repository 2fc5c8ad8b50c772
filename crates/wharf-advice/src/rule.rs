//! A rule of the catalogue.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use wharf_facts::Snapshot;

use crate::Finding;
use crate::case::Case;
use crate::draft::Draft;

/// A rule: a situation that can be told from facts, and what to do in it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rule {
    /// Its name, in kebab-case. It never changes.
    pub id: RuleId,
    /// Its number in the catalogue. It never changes.
    pub number: u16,
    /// The situation, in a few words.
    pub title: &'static str,
    /// What a user sees of it, in the user's words.
    pub symptom: &'static str,
    /// Where it can happen.
    pub platforms: &'static [Platform],
    /// What must be known to see it.
    pub needs: &'static [Need],
    /// How it is told; `None` when it is not so, or cannot be told.
    #[serde(skip)]
    pub(crate) detect: fn(&Case<'_>) -> Option<Draft>,
}

impl Rule {
    /// What it finds in `case`, if it can happen there at all.
    pub(crate) fn look(&self, case: &Case<'_>) -> Option<Finding> {
        if !self.happens_on(case.snapshot) {
            return None;
        }
        (self.detect)(case).map(|draft| draft.by(self))
    }

    /// Whether its situation can happen on the machine of `snapshot`. On a machine of which the
    /// system is unknown, only what can happen on all three.
    fn happens_on(&self, snapshot: &Snapshot) -> bool {
        let has = |platform| self.platforms.contains(&platform);
        let inside = snapshot.system.inside.known();
        let is_wsl = inside.is_some_and(|inside| inside.wsl.is_some());
        match snapshot.system.os.known().map(String::as_str) {
            Some("linux") => has(Platform::Linux) || (is_wsl && has(Platform::Wsl)),
            Some("macos") => has(Platform::Macos),
            Some("windows") => has(Platform::Windows),
            _ => has(Platform::Linux) && has(Platform::Macos) && has(Platform::Windows),
        }
    }

    /// Its page in the docs, from the root of the repository.
    #[must_use]
    pub fn page(&self) -> String {
        format!("docs/rules/{}.md", self.id)
    }
}

/// The name of a rule that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RuleId(pub(crate) &'static str);

impl RuleId {
    /// The name, if there is such a rule.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        crate::rules().iter().map(|rule| rule.id).find(|id| id.0 == name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| de::Error::custom(format_args!("there is no rule `{name}`")))
    }
}

impl JsonSchema for RuleId {
    fn schema_name() -> Cow<'static, str> {
        "RuleId".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// Where a rule's situation can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Linux.
    Linux,
    /// Linux within the Windows Subsystem for Linux.
    Wsl,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linux => "Linux",
            Self::Wsl => "WSL",
            Self::Macos => "macOS",
            Self::Windows => "Windows",
        })
    }
}

/// What a rule must know of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Its sockets.
    Sockets,
    /// The processes that own them.
    Processes,
    /// What names resolve to.
    Names,
    /// The proxies of the environment.
    Proxies,
    /// The kernel's settings.
    Settings,
    /// The network interfaces.
    Interfaces,
    /// The kernel's counters.
    Counters,
    /// Its containers.
    Containers,
    /// Its other network namespaces.
    Namespaces,
    /// The limits of files and watches.
    Limits,
    /// Wharf's own leases and stacks.
    Ours,
    /// What is spoken at the port.
    Probe,
    /// What a command failed with: `wharf explain -- COMMAND`.
    Symptom,
    /// The name or the URL that was used: `wharf explain http://app.dev:3000`.
    Url,
}
