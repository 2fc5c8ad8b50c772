use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use wharf_link::{Latency, Settings};
use wharf_relay::{Cut, CutDirection, Manner};

use crate::project::{LinkName, ScenarioName};

/// A scenario in which nothing is wrong: its links exist, its times fit its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: ScenarioName,
    /// What it is, in a line.
    pub about: Option<String>,
    /// How long one pass takes. Never zero.
    pub length: Duration,
    /// How often it is played.
    pub repeat: Repeat,
    /// Its steps, in the order of the file.
    pub steps: Vec<Step>,
}

/// How often a scenario is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// So many times.
    Times(NonZeroU32),
    /// Until it is interrupted.
    Forever,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it happens first, since the beginning of a pass.
    pub at: Duration,
    /// How it happens again.
    pub again: Option<Again>,
    /// How long it lasts; none: until the pass ends.
    pub lasts: Option<Duration>,
    /// How long it takes to come fully about.
    pub ramp: Option<Duration>,
    /// The links it is about: never none.
    pub links: Vec<LinkName>,
    /// What it does to them.
    pub does: Does,
}

/// How a step happens again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// So long after it happened last. Never zero.
    pub every: Duration,
    /// So often in all.
    pub times: NonZeroU32,
}

/// What a step does to its links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// Conditions over those that are there.
    Adjust {
        /// Towards the provider.
        up: Settings,
        /// Back from it.
        down: Settings,
    },
    /// Conditions in place of those that are there.
    Replace {
        /// Towards the provider.
        up: Settings,
        /// Back from it.
        down: Settings,
    },
    /// A cut.
    Cut(Cut),
    /// No cut.
    Heal,
    /// What was there before the scenario.
    Restore,
}

/// A step that is in force at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layer {
    /// Since when, in its pass.
    pub since: Duration,
    /// Which step of the scenario.
    pub step: usize,
}

impl Step {
    /// How often it happens in a pass.
    fn times(&self) -> u32 {
        self.again.map_or(1, |again| again.times.get())
    }

    fn every(&self) -> Duration {
        self.again.map_or(Duration::ZERO, |again| again.every)
    }

    /// When it happened last, at `time` of a pass.
    fn last_at(&self, time: Duration) -> Option<Duration> {
        let late = time.checked_sub(self.at)?;
        let count = match self.every() {
            Duration::ZERO => 0,
            every => u32::try_from(late.as_nanos() / every.as_nanos()).unwrap_or(u32::MAX),
        };
        Some(self.at + self.every() * count.min(self.times() - 1))
    }

    /// When it begins, ends or has fully come about next after `time` of a pass.
    fn next_after(&self, time: Duration) -> Option<Duration> {
        let last = self.last_at(time);
        let again = match last {
            None => Some(self.at),
            Some(last) => {
                let done =
                    self.every() == Duration::ZERO || last >= self.at + self.every() * (self.times() - 1);
                (!done).then(|| last + self.every())
            }
        };
        let end = last.zip(self.lasts).map(|(last, lasts)| last + lasts);
        let risen = last.zip(self.ramp).map(|(last, ramp)| last + ramp);
        let later = |at: &Duration| *at > time;
        again.into_iter().chain(end).chain(risen).filter(later).min()
    }

    /// The end of all that it does in a pass; none where its last time has no end.
    pub(crate) fn end(&self) -> Option<Duration> {
        let last = self.at + self.every() * (self.times() - 1);
        Some(last + self.lasts?.max(self.ramp.unwrap_or_default()))
    }
}

impl Scenario {
    /// The layers at `time` of a pass, lowest first: in the order in which they began.
    #[must_use]
    pub fn layers(&self, time: Duration) -> Vec<Layer> {
        let mut layers: Vec<Layer> = (self.steps.iter().enumerate())
            .filter_map(|(step, written)| {
                let since = written.last_at(time)?;
                let over = written.lasts.is_some_and(|lasts| time >= since + lasts);
                (!over).then_some(Layer { since, step })
            })
            .collect();
        layers.sort_unstable();
        layers
    }

    /// When something begins or ends next after `time` of a pass.
    #[must_use]
    pub fn next_after(&self, time: Duration) -> Option<Duration> {
        let next = self.steps.iter().filter_map(|step| step.next_after(time)).min();
        next.filter(|next| *next < self.length)
    }

    /// How long it plays in all; none: until it is interrupted.
    #[must_use]
    pub fn whole_length(&self) -> Option<Duration> {
        match self.repeat {
            Repeat::Times(times) => Some(self.length.saturating_mul(times.get())),
            Repeat::Forever => None,
        }
    }
}

/// As a line for those who watch: `web -> api: 400ms within 10s`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, more) = match self.links.split_first() {
            Some((first, more)) => (first.to_string(), more.len()),
            None => (String::new(), 0),
        };
        f.write_str(&first)?;
        if more > 0 {
            write!(f, " and {more} more")?;
        }
        write!(f, ": {}", self.does)?;
        if let Some(ramp) = self.ramp {
            write!(f, " within {}", text_of(ramp))?;
        }
        if let Some(lasts) = self.lasts {
            write!(f, " for {}", text_of(lasts))?;
        }
        Ok(())
    }
}

impl fmt::Display for Does {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adjust { up, down } => directions(f, up, down),
            Self::Replace { up, down } if up.is_empty() && down.is_empty() => f.write_str("clear"),
            Self::Replace { up, down } => {
                f.write_str("only ")?;
                directions(f, up, down)
            }
            Self::Cut(cut) => f.write_str(words_of(*cut)),
            Self::Heal => f.write_str("healed"),
            Self::Restore => f.write_str("restored"),
        }
    }
}

fn directions(f: &mut fmt::Formatter<'_>, up: &Settings, down: &Settings) -> fmt::Result {
    match (up, down) {
        _ if up == down => write!(f, "{up}"),
        _ if down.is_empty() => write!(f, "up {up}"),
        _ if up.is_empty() => write!(f, "down {down}"),
        _ => write!(f, "up {up}; down {down}"),
    }
}

fn words_of(cut: Cut) -> &'static str {
    match (cut.manner, cut.direction) {
        (Manner::Hole, CutDirection::Both) => "cut",
        (Manner::Hole, CutDirection::Up) => "cut up",
        (Manner::Hole, CutDirection::Down) => "cut down",
        (Manner::Reset, _) => "cut, with a reset",
        (Manner::Refuse, _) => "cut, refused",
    }
}

/// A time as it is written in files.
fn text_of(time: Duration) -> String {
    Latency::new(time).map_or_else(|| format!("{}s", time.as_secs()), |time| time.to_string())
}
