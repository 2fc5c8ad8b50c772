//! Named conditions, each with the source of its figures.
//!
//! Most sources give round trips. A link has two directions, so a round trip is split into two equal
//! halves, one a direction, unless a source has a figure for each. Jitter, loss and rates are always
//! one way. A figure that has no source is said to be a choice of ours.

mod table;

use std::sync::LazyLock;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::conditions::{Conditions, Settings};
use crate::units::Latency;

/// Named conditions for both directions of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Profile {
    /// The name, as written in a project file.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// The conditions towards the provider.
    #[serde(serialize_with = "as_settings")]
    pub up: Conditions,
    /// The conditions back.
    #[serde(serialize_with = "as_settings")]
    pub down: Conditions,
    /// Where each of the figures is from.
    pub sources: &'static [Source],
}

/// Where figures of a profile are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Which figures: `rate`, `rtt`, `jitter`, `loss`, `queue`, `outage`, or `all`.
    pub figures: &'static str,
    /// Who says so.
    pub from: &'static str,
    /// Of when the figures are.
    pub date: &'static str,
}

impl Profile {
    /// The profile of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        profiles().iter().find(|profile| profile.name == name)
    }

    /// The profile that says just this of the two directions; of several the first.
    #[must_use]
    pub fn saying(up: &Settings, down: &Settings) -> Option<&'static Self> {
        /// What each profile says, up and down: it takes a while to be written, and is asked for often.
        static SAID: LazyLock<Vec<[Settings; 2]>> = LazyLock::new(|| {
            let profiles = profiles().iter();
            profiles
                .map(|profile| [profile.up.settings(), profile.down.settings()])
                .collect()
        });
        let said = SAID
            .iter()
            .position(|[known_up, known_down]| known_up == up && known_down == down);
        profiles().get(said?)
    }

    /// The round trip without jitter and queues.
    #[must_use]
    pub fn rtt(&self) -> Duration {
        self.up.latency.duration() + self.down.latency.duration()
    }
}

fn as_settings<S: Serializer>(conditions: &Conditions, to: S) -> Result<S::Ok, S::Error> {
    conditions.settings().serialize(to)
}

/// All profiles, kin beside kin.
#[must_use]
pub fn profiles() -> &'static [Profile] {
    static ALL: LazyLock<Vec<Profile>> = LazyLock::new(|| {
        // What does not read is left out; a test counts.
        table::ROWS.iter().filter_map(Row::read).collect()
    });
    &ALL
}

/// A row of the table: figures as text, the round trip for both directions together.
struct Row {
    name: &'static str,
    summary: &'static str,
    rtt: &'static str,
    /// Further conditions, the same both ways.
    both: &'static [(&'static str, &'static str)],
    down: &'static [(&'static str, &'static str)],
    up: &'static [(&'static str, &'static str)],
    sources: &'static [Source],
}

impl Row {
    fn read(&self) -> Option<Profile> {
        let rtt: Latency = self.rtt.parse().ok()?;
        let half = Latency::new(rtt.duration() / 2)?;
        let way = |own: &[(&str, &str)]| {
            let mut settings = Settings::default();
            settings.set("latency", &half.to_string()).ok()?;
            for (key, text) in self.both.iter().chain(own) {
                settings.set(key, text).ok()?;
            }
            let mut no_files = |name: &str| Err(format!("{name} cannot be read here"));
            settings.resolve(&Conditions::CLEAR, &mut no_files).ok()
        };
        Some(Profile {
            name: self.name,
            summary: self.summary,
            up: way(self.up)?,
            down: way(self.down)?,
            sources: self.sources,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_reads() {
        for row in table::ROWS {
            assert!(row.read().is_some(), "{}", row.name);
        }
    }
}
