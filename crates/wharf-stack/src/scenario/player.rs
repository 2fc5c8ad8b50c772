use std::collections::BTreeMap;
use std::time::Duration;

use wharf_link::{Conditions, Patch, SettingsError};
use wharf_relay::Cut;

use super::ramp::between;
use super::timeline::{Does, Layer, Scenario};
use crate::project::LinkName;

/// How often conditions change while they go from one to another.
const RAMP_TICK: Duration = Duration::from_millis(50);

/// What a link does to its traffic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkState {
    /// Towards the provider.
    pub up: Conditions,
    /// Back from it.
    pub down: Conditions,
    /// Whether it is cut, and how.
    pub cut: Option<Cut>,
}

/// A link that is to do something else from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which.
    pub link: LinkName,
    /// What it does.
    pub state: LinkState,
}

/// What has just happened, for those who watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// When, since the scenario began.
    pub at: Duration,
    /// In words.
    pub text: String,
}

/// What a step does to conditions, its files read.
#[derive(Debug)]
struct Patches {
    up: Patch,
    down: Patch,
}

/// A scenario that is being played, in the shape of a protocol machine: it is told the time, and says
/// what changes.
#[derive(Debug)]
pub struct Player {
    scenario: Scenario,
    /// What its steps do to conditions, by their places.
    patches: Vec<Option<Patches>>,
    /// What the links did before.
    before: BTreeMap<LinkName, LinkState>,
    /// What they do now.
    now: BTreeMap<LinkName, LinkState>,
    layers: Vec<Layer>,
    pass: u128,
    over: bool,
}

impl Player {
    /// A scenario that begins at time zero. `before` is what its links do now. `files` is asked for the
    /// text of each trace and table that its conditions name: before it begins, so that nothing can fail
    /// while it plays.
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be.
    pub fn new(
        scenario: Scenario,
        before: BTreeMap<LinkName, LinkState>,
        files: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, SettingsError> {
        let mut patches = Vec::with_capacity(scenario.steps.len());
        for step in &scenario.steps {
            patches.push(match &step.does {
                Does::Adjust { up, down } | Does::Replace { up, down } => Some(Patches {
                    up: up.read(files)?,
                    down: down.read(files)?,
                }),
                Does::Cut(_) | Does::Heal | Does::Restore => None,
            });
        }
        Ok(Self {
            patches,
            now: before.clone(),
            scenario,
            before,
            layers: Vec::new(),
            pass: 0,
            over: false,
        })
    }

    /// The scenario.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Whether it has been played to its end. What it did is undone by then.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// A link was set or cut by hand meanwhile: that is what the layers lie over from now on.
    pub fn set_before(&mut self, link: &LinkName, state: LinkState) {
        if let Some(before) = self.before.get_mut(link) {
            *before = state;
        }
    }

    /// What a link did before the scenario, if the scenario is about it.
    #[must_use]
    pub fn before(&self, link: &LinkName) -> Option<&LinkState> {
        self.before.get(link)
    }

    /// Moves on to `time` since the beginning: says what changes, and in words what happened.
    pub fn advance(&mut self, time: Duration) -> (Vec<Change>, Vec<Said>) {
        if self.over {
            return (Vec::new(), Vec::new());
        }
        if self.scenario.whole_length().is_some_and(|whole| time >= whole) {
            return (self.finish(), Vec::new());
        }
        let pass = time.as_nanos() / self.scenario.length.as_nanos();
        let in_pass = self.in_pass(time);
        if pass != self.pass {
            self.pass = pass;
            self.layers.clear();
        }
        let layers = self.scenario.layers(in_pass);
        let said = self.said(&layers, time);
        self.layers = layers;
        (self.changes(in_pass), said)
    }

    /// Ends the scenario: everything as it was before.
    pub fn finish(&mut self) -> Vec<Change> {
        self.over = true;
        let before = self.before.iter();
        let back = before.filter(|(link, state)| self.now.get(*link) != Some(*state));
        let changes = back.map(|(link, state)| Change {
            link: link.clone(),
            state: state.clone(),
        });
        let changes = changes.collect();
        self.now = self.before.clone();
        changes
    }

    /// When to call [`Player::advance`] again; none when it is over.
    #[must_use]
    pub fn next_wakeup(&self, time: Duration) -> Option<Duration> {
        if self.over {
            return None;
        }
        let in_pass = self.in_pass(time);
        let beginning = time.saturating_sub(in_pass);
        let next = self.scenario.next_after(in_pass).unwrap_or(self.scenario.length);
        let next = match self.is_rising(in_pass) {
            true => next.min(in_pass + RAMP_TICK),
            false => next,
        };
        Some(beginning + next)
    }

    /// How far the pass has come that is being played at `time`.
    fn in_pass(&self, time: Duration) -> Duration {
        let passed = time.as_nanos() % self.scenario.length.as_nanos();
        Duration::from_nanos(u64::try_from(passed).unwrap_or(0))
    }

    fn is_rising(&self, in_pass: Duration) -> bool {
        self.layers.iter().any(|layer| {
            let ramp = self.scenario.steps.get(layer.step).and_then(|step| step.ramp);
            ramp.is_some_and(|ramp| in_pass < layer.since + ramp)
        })
    }

    fn changes(&mut self, in_pass: Duration) -> Vec<Change> {
        let mut changes = Vec::new();
        for (link, before) in &self.before {
            let state = self.state_of(link, before, in_pass);
            if self.now.get(link) != Some(&state) {
                changes.push(Change {
                    link: link.clone(),
                    state,
                });
            }
        }
        for change in &changes {
            self.now.insert(change.link.clone(), change.state.clone());
        }
        changes
    }

    /// What a link does under the layers that lie over it.
    fn state_of(&self, link: &LinkName, before: &LinkState, in_pass: Duration) -> LinkState {
        let mut state = before.clone();
        for layer in &self.layers {
            let Some(step) = self.scenario.steps.get(layer.step) else {
                continue;
            };
            if !step.links.contains(link) {
                continue;
            }
            let passed = in_pass.saturating_sub(layer.since);
            let rising = |from: &Conditions, to: Conditions| match step.ramp {
                Some(ramp) => between(from, &to, passed, ramp),
                None => to,
            };
            match (&step.does, self.patches.get(layer.step).and_then(Option::as_ref)) {
                (Does::Adjust { .. }, Some(Patches { up, down })) => {
                    state.up = rising(&state.up, up.over(&state.up));
                    state.down = rising(&state.down, down.over(&state.down));
                }
                (Does::Replace { .. }, Some(Patches { up, down })) => {
                    state.up = rising(&state.up, up.over(&Conditions::CLEAR));
                    state.down = rising(&state.down, down.over(&Conditions::CLEAR));
                }
                (Does::Cut(cut), _) => state.cut = Some(*cut),
                (Does::Heal, _) => state.cut = None,
                (Does::Restore, _) => state = before.clone(),
                // Each step about conditions has patches.
                (Does::Adjust { .. } | Does::Replace { .. }, None) => {}
            }
        }
        state
    }

    /// What began and what ended between the layers before and these.
    fn said(&self, layers: &[Layer], time: Duration) -> Vec<Said> {
        let ended = self.layers.iter().filter(|layer| !layers.contains(layer));
        let ended = ended.filter(|layer| !layers.iter().any(|new| new.step == layer.step));
        let begun = layers.iter().filter(|layer| !self.layers.contains(layer));
        let ended = ended.filter_map(|layer| Some(format!("{} over", self.describe(layer.step)?)));
        let begun = begun.filter_map(|layer| self.describe(layer.step));
        let said = ended.chain(begun).map(|text| Said { at: time, text });
        said.collect()
    }

    fn describe(&self, step: usize) -> Option<String> {
        self.scenario.steps.get(step).map(ToString::to_string)
    }
}
