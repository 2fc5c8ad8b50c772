//! A lab beneath the stack: each service in a network of its own, and the packets of links between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use wharf_lab::{
    Allow, Capturing, LabError, Loopback, Machine, Network, NetworkCapture, NetworkFigures, NetworkLink,
    NetworkSpec, Place, Tools,
};
use wharf_link::{Conditions, Size};
use wharf_relay::{CaptureFigures, Cut};
use wharf_topology::Direction;

use super::{Message, Stack, StackError};
use crate::control::{Entrance, LabStatus, PacketFigures, Refusal};
use crate::layout::Layout;
use crate::logs::Stream;
use crate::packets::{in_force, of_connections, of_modelled};
use crate::project::{
    Consumer, LinkDef, LinkName, Project, Service, ServiceKind, ServiceName, SocketPassing,
};

/// What carries the links between services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// Relays, on this machine's loopback.
    Relays,
    /// A lab, each service in a network of its own. `tun` is the device node of TUN.
    Lab {
        /// The device node of TUN.
        tun: PathBuf,
        /// What is done where none can be made.
        otherwise: Otherwise,
    },
}

/// What is done where no lab can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// The stack does not start.
    Fail,
    /// Relays carry, and it is said why.
    Relays,
}

/// A lab of a stack.
pub(super) struct Lab {
    network: Arc<Network>,
    pub(super) layout: Layout,
    /// The conditions of its segments.
    segments: Vec<[Conditions; 2]>,
    /// The ports that are published already.
    published: BTreeSet<(ServiceName, String)>,
    captures: BTreeMap<LinkName, Capturing>,
}

impl Lab {
    fn start(stack: &Stack, project: &Project, layout: Layout, tun: PathBuf) -> Result<Self, StackError> {
        for service in &project.services {
            if service.socket == SocketPassing::Pass {
                return Err(StackError::NotInLab {
                    of: format!("service {}", service.name),
                    what: "socket = \"pass\"",
                });
            }
        }
        let segments = stack.segments_of(&layout)?;
        let mut links = Vec::new();
        for def in project.links() {
            fit(project, def)?;
            let [up, down] = stack.resolved(&def.name, [&def.up, &def.down])?;
            let ends = def.name.consumer.service().and_then(|name| layout.node(name));
            if let (true, Some(consumer), Some(provider)) = (
                layout.links.contains(&def.name),
                ends,
                layout.node(&def.name.provider),
            ) {
                let of = format!("link {}", def.name);
                if let Some(what) = [&up, &down].into_iter().find_map(of_modelled) {
                    return Err(StackError::NotInLab { of, what });
                }
                links.push(NetworkLink {
                    name: def.name.to_string(),
                    consumer,
                    provider,
                    ports: Vec::new(),
                    up,
                    down,
                });
            }
        }
        let spec = NetworkSpec {
            exe: stack.config.exe.clone(),
            topology: layout.topology.clone(),
            segments: segments.clone(),
            links,
            seed: project.seed,
            congestion: None,
            tun,
            machine: layout.machine.map(|node| Machine {
                node,
                allow: Allow::All,
            }),
            loopback: Loopback::Reached,
        };
        Ok(Self {
            network: Arc::new(Network::start(&spec)?),
            layout,
            segments,
            published: BTreeSet::new(),
            captures: BTreeMap::new(),
        })
    }

    /// The place of a link, if its packets pass here.
    pub(super) fn place(&self, name: &LinkName) -> Option<usize> {
        self.layout.links.iter().position(|link| link == name)
    }

    /// Puts the conditions of a link in force.
    pub(super) fn set(&self, place: usize, up: &Conditions, down: &Conditions, cut: Option<Cut>) {
        let [up, down] = in_force(up, down, cut);
        self.network.set_link(place, up, down);
    }

    /// Begins to write the packets of a link into a file: as they come out of it, and those that it drops.
    pub(super) fn capture(
        &mut self,
        name: &LinkName,
        place: usize,
        file: File,
        limit: Size,
    ) -> Result<(), LabError> {
        let here = vec![Place::Link(place)];
        let capturing = self.network.capture(NetworkCapture {
            file,
            limit,
            passing: here.clone(),
            dropped: here,
        })?;
        self.captures.insert(name.clone(), capturing);
        Ok(())
    }

    /// How far a capture has come.
    pub(super) fn captured(&self, name: &LinkName) -> Option<CaptureFigures> {
        self.captures.get(name).map(Capturing::figures)
    }

    /// Ends a capture: its file is whole then, or cannot be written.
    pub(super) fn end_capture(&mut self, name: &LinkName) -> Option<CaptureFigures> {
        self.captures.remove(name)?.finish().ok().flatten()
    }

    /// Whether the last hop to a provider is a relay, since it listens on its loopback alone.
    pub(super) fn is_relayed(&self, provider: &ServiceName) -> bool {
        let ports = self.layout.node(provider).map(|node| self.network.relayed(node));
        ports.and_then(Result::ok).is_some_and(|ports| !ports.is_empty())
    }

    /// The words of the command that enters the network of a service.
    pub(super) fn enter(&self, service: &ServiceName, tools: Tools) -> Result<Vec<String>, String> {
        let node = self.layout.node(service);
        let words = node.and_then(|node| self.network.prefix(node, tools));
        let words = words.ok_or("enter its network: it has none")?;
        let words = words.into_iter().map(|word| {
            word.into_string()
                .map_err(|word| format!("enter its network: {} is no text", word.display()))
        });
        words.collect()
    }

    /// How to enter the network of a service.
    pub(super) fn entrance(&self, service: &ServiceName) -> Option<Entrance> {
        Some(Entrance {
            ordinary: self.enter(service, Tools::Ordinary).ok()?,
            with_tools: self.enter(service, Tools::Network).ok()?,
        })
    }

    /// By what a thread sees what listens there. It does not keep the lab from ending.
    pub(super) fn seen_by_others(&self) -> Weak<Network> {
        Arc::downgrade(&self.network)
    }

    pub(super) fn status(&self) -> LabStatus {
        let facts = self.network.facts();
        LabStatus {
            carrier: facts.carrier,
            congestion: facts.congestion.clone(),
            keeper: facts.keeper,
        }
    }

    /// What has passed; nothing where the switch is gone.
    pub(super) fn figures(&self) -> NetworkFigures {
        self.network.figures().unwrap_or_default()
    }

    /// The segments of the file: name, conditions, what has passed.
    pub(super) fn segments<'a>(
        &'a self,
        figures: &'a NetworkFigures,
    ) -> impl Iterator<Item = (String, &'a [Conditions; 2], [PacketFigures; 2])> {
        let names = self
            .layout
            .topology
            .segments()
            .map(|(_, segment)| segment.name.clone());
        let counted = &figures.crossings.segments;
        names
            .zip(&self.segments)
            .enumerate()
            .map(|(place, (name, conditions))| {
                let both = counted
                    .get(place)
                    .map(|both| [&both[0], &both[1]].map(PacketFigures::from));
                (name, conditions, both.unwrap_or_default())
            })
    }
}

/// Refuses what a link of a project cannot have where there is a lab.
fn fit(project: &Project, def: &LinkDef) -> Result<(), StackError> {
    let of = || format!("link {}", def.name);
    let transport = project.transport(&def.name.provider);
    let what = match &def.name.consumer {
        _ if !def.via.is_empty() => Some("`via` (a segment with `nodes` is what it is there)"),
        Consumer::Client if def.provider == crate::project::ProviderKind::Service && transport.has_udp() => {
            Some("datagrams from outside")
        }
        Consumer::Service(_)
            if def.provider == crate::project::ProviderKind::Service && !def.http.is_empty() =>
        {
            Some("HTTP rules")
        }
        _ => None,
    };
    what.map_or(Ok(()), |what| Err(StackError::NotInLab { of: of(), what }))
}

impl Stack {
    /// Makes the lab, or lets its conditions be those of the project.
    pub(super) fn open_lab(&mut self, project: &Project) -> Result<(), StackError> {
        let Carriage::Lab { tun, otherwise } = self.config.carriage.clone() else {
            return match project.network {
                Some(_) => Err(StackError::NeedsLab(project.path.clone())),
                None => Ok(()),
            };
        };
        if project.services.is_empty() && self.lab.is_none() {
            return Ok(());
        }
        let leased = |name: &ServiceName| Some(self.ports.of(name).first()?.address.port());
        let layout = Layout::of(project, leased);
        if let Some(lab) = &self.lab {
            let layout = layout?;
            if !lab.layout.has_the_shape_of(&layout) {
                return Err(StackError::AnotherLab);
            }
            for def in project.links() {
                fit(project, def)?;
            }
            let segments = self.segments_of(&layout)?;
            if let Some(lab) = &mut self.lab {
                for ((id, _), [up, down]) in lab.layout.topology.segments().zip(&segments) {
                    lab.network.set_segment(id, up.clone(), down.clone());
                }
                (lab.layout, lab.segments) = (layout, segments);
            }
            return Ok(());
        }
        let started = layout.map_err(StackError::from);
        match started.and_then(|layout| Lab::start(self, project, layout, tun)) {
            Ok(lab) => {
                self.watch_over(&lab)?;
                for link in &lab.layout.links {
                    if let Some(why) = lab.layout.no_way(link) {
                        let text = format!("{link}: no packet gets there over IPv4: {why}");
                        self.logs.add("wharf", Stream::Wharf, text);
                    }
                }
                self.lab = Some(lab);
                Ok(())
            }
            Err(error) if otherwise == Otherwise::Relays && project.network.is_none() => {
                let text = format!("no lab: {error}; relays carry the links");
                self.logs.add("wharf", Stream::Wharf, text);
                self.config.carriage = Carriage::Relays;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The conditions of the segments of a network.
    fn segments_of(&self, layout: &Layout) -> Result<Vec<[Conditions; 2]>, StackError> {
        let mut all = Vec::new();
        for (_, segment) in layout.topology.segments() {
            let settings = [Direction::Up, Direction::Down].map(|way| segment.settings(way));
            let both = self.resolved(&segment.name, settings)?;
            if let Some(what) = both.iter().find_map(of_connections) {
                let of = format!("segment {}", segment.name);
                return Err(StackError::NotInLab { of, what });
            }
            all.push(both);
        }
        Ok(all)
    }

    /// Hears of it when the lab's keeper is over.
    fn watch_over(&self, lab: &Lab) -> Result<(), StackError> {
        let failed = |error: std::io::Error| StackError::Watch(error);
        let keeper = lab.network.watch().try_clone_to_owned().map_err(failed)?;
        let sender = self.sender.clone();
        let watch = move || {
            let mut polled = [rustix::event::PollFd::new(&keeper, rustix::event::PollFlags::IN)];
            // Interrupted: again. It is over when the network is dropped, at the latest.
            while rustix::event::poll(&mut polled, None).is_err() {}
            let _ = sender.send(Message::LabLost);
        };
        let thread = std::thread::Builder::new().name("lab".to_owned());
        thread.spawn(watch).map(drop).map_err(failed)
    }

    /// Nothing can be entered any more, and nothing passes: the stack ends.
    pub(super) fn lab_was_lost(&mut self) {
        if self.supervisor.is_stopping() || self.failure.is_some() {
            return;
        }
        self.failure = Some(Refusal {
            error: "the process that keeps the lab was killed: the stack's services were stopped".to_owned(),
            hint: Some("start the stack again with `wharf up --lab`".to_owned()),
        });
        self.stop(crate::supervise::Haste::Orderly);
    }

    /// Lets the ports that services have on this machine lead into the lab: for the door, for clients, for people.
    pub(super) fn publish(&mut self, project: &Project) -> Result<(), StackError> {
        let Some(lab) = &mut self.lab else {
            return Ok(());
        };
        let reached = |service: &&Service| {
            service.kind == ServiceKind::Service && project.transport(&service.name).has_tcp()
        };
        for service in project.services.iter().filter(reached) {
            let Some(node) = lab.layout.node(&service.name) else {
                continue;
            };
            let main = lab.layout.listen(&service.name).port();
            for (place, port) in self.ports.of_mut(&service.name).iter_mut().enumerate() {
                let inside = if place == 0 { main } else { port.address.port() };
                if lab.published.insert((service.name.clone(), port.name.clone())) {
                    lab.network.publish(node, inside, port.listen()?)?;
                }
            }
        }
        Ok(())
    }

    /// Where a service finds something, where there is a lab.
    pub(super) fn found_in_lab(&self, name: &LinkName, listens: SocketAddr) -> Option<SocketAddr> {
        let lab = self.lab.as_ref()?;
        let consumer = name.consumer.service()?;
        match lab.place(name) {
            Some(_) => lab.layout.found(consumer, &name.provider),
            None => Some(SocketAddr::new(lab.layout.machine_for(consumer)?, listens.port())),
        }
    }

    /// Refuses what acts on connections, of a link on which packets pass.
    pub(super) fn only_packets(&self, name: &LinkName, what: &str) -> Result<(), Refusal> {
        let is_in_lab = self.lab.as_ref().is_some_and(|lab| lab.place(name).is_some());
        if !is_in_lab {
            return Ok(());
        }
        Err(Refusal {
            error: format!("{name}: {what}: a lab carries packets, and knows no connections"),
            hint: Some("`wharf up` without --lab has that".to_owned()),
        })
    }

    /// The same of conditions.
    pub(super) fn can_be_packets(&self, name: &LinkName, both: [&Conditions; 2]) -> Result<(), Refusal> {
        match both.into_iter().find_map(of_modelled) {
            Some(what) => self.only_packets(name, what),
            None => Ok(()),
        }
    }
}

impl From<LabError> for StackError {
    fn from(error: LabError) -> Self {
        Self::Lab(Box::new(error))
    }
}
