//! Playing a scenario: the player says what changes, the relay's links do it.

use std::sync::mpsc::Sender;
use std::time::Duration;

use wharf_link::Settings;
use wharf_relay::Manner;

use super::Stack;
use super::files::beside;
use crate::control::{Refusal, Reply};
use crate::logs::Stream;
use crate::project::LinkName;
use crate::scenario::{Change, Does, LinkState, Player, Said};

/// A scenario that is being played.
pub(super) struct Playing {
    player: Player,
    began: Duration,
    /// Who watches. When they leave, the scenario is ended.
    watcher: Sender<Reply>,
}

impl Stack {
    /// Begins to play a scenario of the project file.
    pub(super) fn play(&mut self, name: &str, watcher: &Sender<Reply>) {
        match self.begin(name, watcher) {
            Ok(playing) => {
                let said = format!("scenario {name} begins");
                self.logs.add("wharf", Stream::Wharf, said);
                self.playing = Some(playing);
                self.play_on();
            }
            Err(refusal) => {
                let _ = watcher.send(Reply::Refused(refusal));
            }
        }
    }

    fn begin(&self, name: &str, watcher: &Sender<Reply>) -> Result<Playing, Refusal> {
        if let Some(playing) = &self.playing {
            return Err(Refusal {
                error: format!("play {name}: {} is being played", playing.player.scenario().name),
                hint: Some("one scenario at a time: wait for its end, or interrupt it".to_owned()),
            });
        }
        let scenarios = &self.project.scenarios;
        let Some(scenario) = scenarios.iter().find(|known| known.name.as_str() == name) else {
            let known: Vec<&str> = scenarios.iter().map(|known| known.name.as_str()).collect();
            return Err(Refusal {
                error: format!("there is no scenario `{name}` in stack {}", self.name),
                hint: Some(match known.is_empty() {
                    true => format!("write [scenario.{name}] in the project file"),
                    false => format!("there are {}", known.join(", ")),
                }),
            });
        };
        for step in &scenario.steps {
            let what = match &step.does {
                Does::Cut(cut) if cut.manner != Manner::Hole => "a reset or a refusal",
                Does::Adjust { up, down } | Does::Replace { up, down }
                    if [up, down].iter().any(acts_on_connections) =>
                {
                    "conditions of connections"
                }
                _ => continue,
            };
            for link in &step.links {
                self.only_packets(link, what)?;
            }
        }
        let links = scenario.steps.iter().flat_map(|step| &step.links);
        let before = links.filter_map(|name| Some((name.clone(), self.state_of(name)?)));
        let mut files = beside(&self.directory);
        let player = Player::new(scenario.clone(), before.collect(), &mut files);
        let player = player.map_err(|error| Refusal {
            error: format!("play {name}: {error}"),
            hint: None,
        })?;
        Ok(Playing {
            player,
            began: self.now(),
            watcher: watcher.clone(),
        })
    }

    fn state_of(&self, name: &LinkName) -> Option<LinkState> {
        let link = self.links.get(name)?;
        Some(LinkState {
            up: link.up.clone(),
            down: link.down.clone(),
            cut: link.cut,
        })
    }

    /// Does what is due.
    pub(super) fn play_on(&mut self) {
        let now = self.now();
        let Some(playing) = &mut self.playing else {
            return;
        };
        let time = now.saturating_sub(playing.began);
        let (changes, said) = playing.player.advance(time);
        let over = playing.player.is_over();
        let left = said.into_iter().any(|said| self.tell(said));
        self.put_links(changes);
        if over || left {
            self.stop_playing();
        }
    }

    /// Says what happened to the log and to the watcher. Whether the watcher has left.
    fn tell(&self, said: Said) -> bool {
        self.logs.add("wharf", Stream::Wharf, said.text.clone());
        let at_ms = u64::try_from(said.at.as_millis()).unwrap_or(u64::MAX);
        let told = Reply::Played {
            at_ms,
            said: said.text,
        };
        self.playing
            .as_ref()
            .is_some_and(|playing| playing.watcher.send(told).is_err())
    }

    /// Ends what is being played, and undoes it.
    pub(super) fn stop_playing(&mut self) {
        let Some(mut playing) = self.playing.take() else {
            return;
        };
        let ended = playing.player.is_over();
        self.put_links(playing.player.finish());
        let name = &playing.player.scenario().name;
        let said = match ended {
            true => format!("scenario {name} is over: its links are as before"),
            false => format!("scenario {name} was interrupted: its links are as before"),
        };
        self.logs.add("wharf", Stream::Wharf, said.clone());
        let _ = playing.watcher.send(Reply::Done { said: vec![said] });
    }

    fn put_links(&mut self, changes: Vec<Change>) {
        for Change { link: name, state } in changes {
            let Some(link) = self.links.get(&name) else {
                continue;
            };
            let recut = link.cut != state.cut;
            if (&link.up, &link.down) != (&state.up, &state.down) {
                self.set_conditions(&name, &state.up, &state.down);
            }
            if recut {
                self.set_cut(&name, state.cut);
            }
        }
    }

    /// What a link does, as far as it was said by hand or in the file: beneath the scenario that is
    /// being played.
    pub(super) fn state_by_hand(&self, name: &LinkName) -> Option<LinkState> {
        let beneath = self
            .playing
            .as_ref()
            .and_then(|playing| playing.player.before(name));
        beneath.cloned().or_else(|| self.state_of(name))
    }

    /// Puts a link into a state by hand. Where a scenario lies over it, that goes on over this.
    pub(super) fn put_by_hand(&mut self, name: &LinkName, state: LinkState) {
        match &mut self.playing {
            Some(playing) if playing.player.before(name).is_some() => {
                playing.player.set_before(name, state);
                self.play_on();
            }
            _ => {
                let link = name.clone();
                self.put_links(vec![Change { link, state }]);
            }
        }
    }

    /// Whether the scenario that is being played is about this link.
    pub(super) fn is_playing_on(&self, name: &LinkName) -> bool {
        let playing = self.playing.as_ref();
        playing.is_some_and(|playing| playing.player.before(name).is_some())
    }

    /// The scenario that is being played.
    pub(super) fn being_played(&self) -> Option<String> {
        let playing = self.playing.as_ref()?;
        Some(playing.player.scenario().name.to_string())
    }

    /// When the scenario goes on.
    pub(super) fn next_of_scenario(&self) -> Option<Duration> {
        let playing = self.playing.as_ref()?;
        let time = self.now().saturating_sub(playing.began);
        Some(playing.began + playing.player.next_wakeup(time)?)
    }
}

/// Whether settings have something of which packets know nothing.
fn acts_on_connections(settings: &&Settings) -> bool {
    let keys = ["faults", "window", "scope", "congestion"];
    keys.iter().any(|key| settings.get(key).is_some())
}
