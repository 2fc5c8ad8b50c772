use wharf_http::Rule;
use wharf_lab::NetworkFigures;
use wharf_link::Conditions;
use wharf_relay::{Cut, Manner, SegmentStats};

use super::Stack;
use super::files::beside;
use super::links::Link;
use super::start::read;
use crate::control::{
    Call, Change, LinkStatus, PacketFigures, PortStatus, Refusal, Reply, Request, SegmentStatus,
    ServiceStatus, StackStatus,
};
use crate::logs::Stream;
use crate::project::{Consumer, LinkName, Service, ServiceKind, ServiceName};
use crate::scenario::LinkState;
use crate::supervise::{Haste, Phase};

impl Stack {
    pub(super) fn answer(&mut self, call: Call) {
        let reply = match call.request {
            // A first start that failed is being taken down: who asks now hears why, as those did who
            // asked before.
            Request::Settle => match self.failure.clone() {
                Some(failure) => Err(failure),
                None => {
                    self.settling.push(call.answer);
                    return;
                }
            },
            Request::Down => {
                self.stopping.push(call.answer);
                self.stop(Haste::Orderly);
                return;
            }
            Request::Rules { link, rules } => self.set_http(&link, rules),
            Request::Capture { link, file, limit } => self.capture(&link, &file, limit),
            Request::Captured { link, capture } => self.captured(&link, capture),
            Request::StopCapture { link, capture } => self.stop_capture(&link, capture),
            Request::Exchanges { link, since } => self.exchanges(link.as_deref(), &since),
            Request::Play { scenario } => {
                self.play(&scenario, &call.answer);
                return;
            }
            Request::StopPlaying => {
                self.stop_playing();
                Ok(Reply::Done { said: Vec::new() })
            }
            Request::Status => Ok(Reply::Status(Box::new(self.status()))),
            Request::Restart { service } => self.restart(&service),
            Request::Stop { service } => self.stop_service(&service),
            Request::Env { service } => self.environment_of(&service),
            Request::Apply => self.read_again(),
            Request::Set { link, up, down } => self.set(&link, &up, &down),
            Request::Cut { link, cut } => self.cut(&link, cut),
            Request::Heal { link: Some(link) } => self.on_link(&link, Stack::heal),
            Request::Heal { link: None } => {
                let names: Vec<LinkName> = self.links.keys().cloned().collect();
                let said = names.iter().filter_map(|name| self.heal(name)).collect();
                Ok(Reply::Done { said })
            }
            // The log is served without a turn of the engine.
            Request::Logs(_) => Ok(Reply::Done { said: Vec::new() }),
        };
        let _ = call.answer.send(reply.unwrap_or_else(Reply::Refused));
    }

    fn find_service(&self, name: &str) -> Result<ServiceName, Refusal> {
        if let Some(service) = self.project.service(name) {
            return Ok(service.name.clone());
        }
        Err(Refusal {
            error: format!("there is no service `{name}` in stack {}", self.name),
            hint: self
                .project
                .nearest_name(name)
                .map(|near| format!("did you mean `{near}`?")),
        })
    }

    pub(super) fn find_link(&self, name: &str) -> Result<LinkName, Refusal> {
        let found = match name.parse::<LinkName>() {
            Ok(parsed) => self.links.keys().find(|known| **known == parsed),
            // A link may also be named by its provider alone, if only one leads there.
            Err(_) => {
                let mut leading = self
                    .links
                    .keys()
                    .filter(|known| known.provider.as_str() == name && known.consumer != Consumer::Door);
                leading.next().filter(|_| leading.next().is_none())
            }
        };
        found.cloned().ok_or_else(|| {
            let names: Vec<String> = self.links.keys().map(|known| format!("'{known}'")).collect();
            Refusal {
                error: format!("there is no link `{name}` in stack {}", self.name),
                hint: Some(match names.is_empty() {
                    true => "no service of this stack needs another: write needs = [\"…\"]".to_owned(),
                    false => format!("there are {}", names.join(", ")),
                }),
            }
        })
    }

    /// Does something to a link, and says in the log and in the answer what was done.
    fn on_link(
        &mut self,
        name: &str,
        act: impl FnOnce(&mut Self, &LinkName) -> Option<String>,
    ) -> Result<Reply, Refusal> {
        let name = self.find_link(name)?;
        let said: Vec<String> = act(self, &name).into_iter().collect();
        for text in &said {
            self.logs.add("wharf", Stream::Wharf, text.clone());
        }
        Ok(Reply::Done { said })
    }

    fn cut(&mut self, link: &str, cut: Cut) -> Result<Reply, Refusal> {
        let name = self.find_link(link)?;
        if cut.manner != Manner::Hole {
            self.only_packets(&name, "a reset or a refusal")?;
        }
        self.on_link(link, |stack, name| {
            let mut state = stack.state_by_hand(name)?;
            state.cut = Some(cut);
            stack.put_by_hand(name, state);
            Some(format!("{name}: cut"))
        })
    }

    /// Undoes the cut of a link, if there is one.
    fn heal(&mut self, name: &LinkName) -> Option<String> {
        let mut state = self.state_by_hand(name)?;
        state.cut.take()?;
        self.put_by_hand(name, state);
        Some(format!("{name}: healed"))
    }

    fn set(&mut self, link: &str, up: &Change, down: &Change) -> Result<Reply, Refusal> {
        let name = self.find_link(link)?;
        let (Some(now), Some(link)) = (self.state_by_hand(&name), self.links.get(&name)) else {
            return Ok(Reply::Done { said: Vec::new() });
        };
        let mut files = beside(&self.directory);
        let mut applied = |change: &Change, now: &Conditions, in_file: &Conditions| {
            change
                .applied_to(now, in_file, &mut files)
                .map_err(|error| Refusal {
                    error: format!("set {name}: {error}"),
                    hint: None,
                })
        };
        let state = LinkState {
            up: applied(up, &now.up, &link.in_file.0)?,
            down: applied(down, &now.down, &link.in_file.1)?,
            cut: now.cut,
        };
        self.can_be_packets(&name, [&state.up, &state.down])?;
        let mut said = if state.up == state.down {
            format!("{name}: {} each way", state.up)
        } else {
            format!("{name}: up {}; down {}", state.up, state.down)
        };
        if self.is_playing_on(&name) {
            said.push_str(", beneath the scenario that is being played");
        }
        self.put_by_hand(&name, state);
        self.logs.add("wharf", Stream::Wharf, said.clone());
        Ok(Reply::Done { said: vec![said] })
    }

    fn set_http(&mut self, link: &str, rules: Vec<Rule>) -> Result<Reply, Refusal> {
        let name = self.find_link(link)?;
        self.only_packets(&name, "HTTP rules")?;
        if !self.links.get(&name).is_some_and(Link::has_connections) {
            return Err(Refusal {
                error: format!("HTTP comes over connections, and {name} carries datagrams"),
                hint: None,
            });
        }
        let said = match rules.len() {
            0 => format!("{name}: no HTTP rules"),
            1 => format!("{name}: one HTTP rule"),
            count => format!("{name}: {count} HTTP rules"),
        };
        self.set_rules(&name, rules, self.project.seed)
            .map_err(|error| Refusal {
                hint: error.hint(),
                error: error.to_string(),
            })?;
        self.logs.add("wharf", Stream::Wharf, said.clone());
        Ok(Reply::Done { said: vec![said] })
    }

    fn restart(&mut self, name: &str) -> Result<Reply, Refusal> {
        let name = self.find_service(name)?;
        self.supervisor.restart(self.now(), &name);
        Ok(Reply::Done { said: Vec::new() })
    }

    fn stop_service(&mut self, name: &str) -> Result<Reply, Refusal> {
        let name = self.find_service(name)?;
        self.supervisor.stop(self.now(), &name);
        Ok(Reply::Done { said: Vec::new() })
    }

    fn environment_of(&self, name: &str) -> Result<Reply, Refusal> {
        let name = self.find_service(name)?;
        match self.plans.get(&name) {
            Some(plan) => Ok(Reply::Env {
                variables: plan.env.clone(),
                cwd: plan.cwd.clone(),
                entrance: self.lab.as_ref().and_then(|lab| lab.entrance(&name)),
            }),
            None => Err(Refusal {
                error: format!("service {name} is not planned yet"),
                hint: None,
            }),
        }
    }

    fn read_again(&mut self) -> Result<Reply, Refusal> {
        let refused = |error: super::StackError| Refusal {
            hint: error.hint(),
            error: error.to_string(),
        };
        let (project, ..) = read(&self.config.source).map_err(refused)?;
        if project == self.project {
            return Ok(Reply::Done { said: Vec::new() });
        }
        let before: Vec<ServiceName> = self.plans.keys().cloned().collect();
        let changed = self.apply(project).map_err(refused)?;
        let mut said: Vec<String> = changed
            .iter()
            .map(|name| format!("{name}: changed, started anew"))
            .collect();
        said.extend(
            self.plans
                .keys()
                .filter(|name| !before.contains(name))
                .map(|name| format!("{name}: new")),
        );
        said.extend(
            before
                .iter()
                .filter(|name| !self.plans.contains_key(*name))
                .map(|name| format!("{name}: gone, stopped")),
        );
        if said.is_empty() {
            said.push("the file's new conditions are in force".to_owned());
        }
        for text in &said {
            self.logs.add("wharf", Stream::Wharf, text.clone());
        }
        Ok(Reply::Done { said })
    }

    fn status(&self) -> StackStatus {
        let figures = self.lab.as_ref().map(super::lab::Lab::figures);
        StackStatus {
            stack: self.name.clone(),
            branch: self.branch.clone(),
            identity: self.identity.clone(),
            pid: std::process::id(),
            door_port: self.config.door_port,
            names_resolve: self.names_resolve,
            stopping: self.supervisor.is_stopping(),
            services: self
                .project
                .services
                .iter()
                .map(|service| self.service_status(service))
                .collect(),
            links: self.link_statuses(figures.as_ref()),
            segments: self.segment_statuses(figures.as_ref()),
            playing: self.being_played(),
            lab: self.lab.as_ref().map(super::lab::Lab::status),
            seed: self.project.seed.0,
        }
    }

    fn service_status(&self, service: &Service) -> ServiceStatus {
        let name = &service.name;
        let view = self.supervisor.view(name);
        let door = LinkName {
            consumer: Consumer::Door,
            provider: name.clone(),
        };
        let ports = self.ports.of(name).iter();
        let ports = ports.map(|port| PortStatus {
            name: port.name.clone(),
            address: port.address,
        });
        ServiceStatus {
            name: name.to_string(),
            task: service.kind == ServiceKind::Task,
            phase: view.as_ref().map_or(Phase::Stopped, |view| view.phase.clone()),
            pid: view.as_ref().and_then(|view| view.pid),
            restarts: view.as_ref().map_or(0, |view| view.restarts),
            since_ms: view.as_ref().map_or(0, |view| {
                u64::try_from(self.now().saturating_sub(view.since).as_millis()).unwrap_or(u64::MAX)
            }),
            ports: if service.kind == ServiceKind::Task {
                Vec::new()
            } else {
                ports.collect()
            },
            listens: self
                .live
                .get(name)
                .map(|live| live.listens.addresses())
                .unwrap_or_default(),
            url: self.url(service),
            direct_url: self
                .links
                .get(&door)
                .map(|link| format!("http://{}", link.address)),
        }
    }

    fn link_statuses(&self, figures: Option<&NetworkFigures>) -> Vec<LinkStatus> {
        let links = self.links.iter();
        let packets = |name: &LinkName| {
            let both = figures?.crossings.links.get(self.lab.as_ref()?.place(name)?)?;
            Some([&both[0], &both[1]].map(PacketFigures::from))
        };
        let statuses = links.map(|(name, link)| LinkStatus {
            name: name.to_string(),
            address: link.address,
            up: link.up.settings(),
            down: link.down.settings(),
            cut: link.cut,
            http: link.rules.clone(),
            via: link.via.iter().map(ToString::to_string).collect(),
            stats: self.stats_of(link),
            packets: packets(name),
            relayed: self
                .lab
                .as_ref()
                .is_some_and(|lab| lab.place(name).is_some() && lab.is_relayed(&name.provider)),
        });
        statuses.collect()
    }

    fn segment_statuses(&self, figures: Option<&NetworkFigures>) -> Vec<SegmentStatus> {
        let shared = self.segments.iter().map(|(name, segment)| SegmentStatus {
            name: name.to_string(),
            up: segment.up.settings(),
            down: segment.down.settings(),
            stats: self.stats_of_segment(segment),
            packets: None,
        });
        let written = self.project.network.as_ref().and(self.lab.as_ref());
        let places = written.into_iter().zip(figures);
        let places = places.flat_map(|(lab, figures)| lab.segments(figures));
        let places = places.map(|(name, [up, down], packets)| SegmentStatus {
            name,
            up: up.settings(),
            down: down.settings(),
            stats: SegmentStats::default(),
            packets: Some(packets),
        });
        shared.chain(places).collect()
    }
}
