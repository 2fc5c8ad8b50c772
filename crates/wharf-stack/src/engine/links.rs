use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;

use wharf_http::{Carries, HttpStage, PeerVerdict, Rule, StageConfig};
use wharf_link::{Conditions, Seed, Settings, Size};
use wharf_relay::{
    Cut, DatagramLimits, DatagramSpec, LinkId, LinkSpec, LinkStats, Observe, ParkLimits, Provider, SegmentId,
    SegmentSpec,
};

use super::far::{FarEnd, upstream_of};
use super::files::beside;
use super::{Stack, StackError};
use crate::logs::Stream;
use crate::project::{
    External, LinkDef, LinkName, Observation, Project, SegmentName, ServiceName, Transport,
};
use crate::supervise::Phase;

/// How much is kept of each body, where bodies are kept.
const BODIES: Size = Size::from_bytes(4096);

/// A link as the stack knows it.
pub(super) struct Link {
    carriers: Carriers,
    pub(super) address: SocketAddr,
    pub(super) in_file: (Conditions, Conditions),
    /// None: they have not been put in force yet.
    rules_in_file: Option<Vec<Rule>>,
    pub(super) via: Vec<SegmentName>,
    pub(super) up: Conditions,
    pub(super) down: Conditions,
    pub(super) cut: Option<Cut>,
    /// What it leads to, where that is not a service.
    external: Option<External>,
    /// Where it leads: also while a stage stands before the provider.
    far: FarEnd,
    stage: Option<HttpStage>,
    pub(super) rules: Vec<Rule>,
    /// The number of the last capture of it.
    pub(super) capture: u64,
}

/// A segment as the stack knows it.
pub(super) struct Segment {
    id: SegmentId,
    pub(super) up: Conditions,
    pub(super) down: Conditions,
}

/// What carries a link: connections, datagrams, or both; or a lab does.
#[derive(Clone, Copy, Debug)]
struct Carriers {
    tcp: Option<LinkId>,
    udp: Option<LinkId>,
    /// Its place in the lab, whose packets are not carried by anybody.
    packets: Option<usize>,
}

impl Carriers {
    fn ids(self) -> impl Iterator<Item = LinkId> {
        self.tcp.into_iter().chain(self.udp)
    }
}

impl Link {
    /// Whether it carries connections, and not datagrams alone.
    pub(super) fn has_connections(&self) -> bool {
        self.carriers.tcp.is_some()
    }
}

impl Stack {
    /// Puts the segments of the project in place, new ones and those whose conditions changed.
    pub(super) fn open_segments(&mut self, project: &Project) -> Result<(), StackError> {
        for def in &project.segments {
            let [up, down] = self.resolved(&def.name, [&def.up, &def.down])?;
            if let Some(segment) = self.segments.get_mut(&def.name) {
                if (&segment.up, &segment.down) != (&up, &down) {
                    (segment.up, segment.down) = (up.clone(), down.clone());
                    self.relay.set_segment_conditions(segment.id, up, down)?;
                }
                continue;
            }
            let id = self.relay.add_segment(SegmentSpec {
                name: def.name.to_string(),
                up: up.clone(),
                down: down.clone(),
                seed: project.seed,
            })?;
            let segment = Segment { id, up, down };
            self.segments.insert(def.name.clone(), segment);
        }
        Ok(())
    }

    /// The conditions that settings come to, files read.
    pub(super) fn resolved(
        &self,
        of: &dyn Display,
        settings: [&Settings; 2],
    ) -> Result<[Conditions; 2], StackError> {
        let mut files = beside(&self.directory);
        let mut resolve = |settings: &Settings| {
            settings
                .resolve(&Conditions::CLEAR, &mut files)
                .map_err(|source| StackError::Conditions {
                    of: of.to_string(),
                    source,
                })
        };
        Ok([resolve(settings[0])?, resolve(settings[1])?])
    }

    /// Listens for a link, unless it is there already: then only what the file says of it is new.
    pub(super) fn open_link(&mut self, project: &Project, def: &LinkDef) -> Result<(), StackError> {
        let [up, down] = self.resolved(&def.name, [&def.up, &def.down])?;
        let transport = project.transport(&def.name.provider);
        self.can_be_packets(&def.name, [&up, &down])
            .map_err(StackError::Refused)?;
        let stays = |link: &Link| {
            link.via == def.via
                && link.external.as_ref() == project.external(def.name.provider.as_str())
                && (link.carriers.packets.is_some()
                    || link.carriers.tcp.is_some() == transport.has_tcp()
                        && link.carriers.udp.is_some() == transport.has_udp())
        };
        if self.links.get(&def.name).is_some_and(|link| !stays(link))
            && let Some(link) = self.links.remove(&def.name)
        {
            // What carries it, or its way through the segments, is another: it is made anew.
            self.end_link(&link);
        }
        let in_file = (up, down);
        match self.links.get_mut(&def.name) {
            Some(link) => {
                for id in link.carriers.ids() {
                    self.relay.observe(id, observe(def.observe))?;
                }
                if link.in_file != in_file {
                    link.in_file = in_file.clone();
                    self.set_conditions(&def.name, &in_file.0, &in_file.1);
                }
            }
            None => {
                let link = self.new_link(project, def, transport, in_file)?;
                self.links.insert(def.name.clone(), link);
            }
        }
        if let Some(external) = project.external(def.name.provider.as_str()) {
            self.set_provider(&def.name, FarEnd::of_external(external)?);
        }
        let rules = &def.http;
        match self.links.get_mut(&def.name) {
            // As with conditions: what was said by hand since stays, and so do the draws of what goes on.
            Some(link) if link.rules_in_file.as_ref() != Some(rules) => {
                link.rules_in_file = Some(rules.clone());
                self.set_rules(&def.name, rules.clone(), project.seed)
            }
            _ => Ok(()),
        }
    }

    fn new_link(
        &self,
        project: &Project,
        def: &LinkDef,
        transport: Transport,
        (up, down): (Conditions, Conditions),
    ) -> Result<Link, StackError> {
        let packets = self.lab.as_ref().and_then(|lab| lab.place(&def.name));
        if let Some(address) = packets.and_then(|_| self.found_in_lab(&def.name, unknown())) {
            let carriers = Carriers {
                tcp: None,
                udp: None,
                packets,
            };
            return Ok(link(project, def, carriers, address, (up, down)));
        }
        let sockets = self.ports.sockets_for_link(def, transport)?;
        let via: Vec<SegmentId> = def
            .via
            .iter()
            .filter_map(|name| Some(self.segments.get(name)?.id))
            .collect();
        let tcp = transport.has_tcp().then(|| LinkSpec {
            seed: project.seed,
            name: def.name.to_string(),
            listeners: sockets.listeners,
            provider: Provider::Starting,
            via: via.clone(),
            up: up.clone(),
            down: down.clone(),
            park: ParkLimits::default(),
        });
        let udp = transport.has_udp().then(|| DatagramSpec {
            seed: project.seed,
            name: def.name.to_string(),
            sockets: sockets.datagrams,
            provider: Provider::Starting,
            up: up.clone(),
            down: down.clone(),
            via: via.clone(),
            limits: DatagramLimits::default(),
        });
        let carriers = Carriers {
            tcp: tcp.map(|spec| self.relay.add(spec)).transpose()?,
            udp: udp.map(|spec| self.relay.add_datagrams(spec)).transpose()?,
            packets: None,
        };
        for id in carriers.ids() {
            self.relay.observe(id, observe(def.observe))?;
        }
        let address = self.found_in_lab(&def.name, sockets.address);
        let address = address.unwrap_or(sockets.address);
        Ok(link(project, def, carriers, address, (up, down)))
    }

    /// Ends the links and segments that the project no longer has.
    pub(super) fn close_links_but(&mut self, project: &Project) {
        let stays = |name: &LinkName| project.links().iter().any(|def| def.name == *name);
        for (_, link) in self.links.iter().filter(|(name, _)| !stays(name)) {
            self.end_link(link);
        }
        self.links.retain(|name, _| stays(name));
        let stays = |name: &SegmentName| project.segments.iter().any(|def| def.name == *name);
        for (_, segment) in self.segments.iter().filter(|(name, _)| !stays(name)) {
            self.note(self.relay.remove_segment(segment.id));
        }
        self.segments.retain(|name, _| stays(name));
    }

    /// What carries a link: its connections, where there are any.
    pub(super) fn carrier_of(&self, name: &LinkName) -> Option<LinkId> {
        self.links.get(name)?.carriers.ids().next()
    }

    fn end_link(&self, link: &Link) {
        for id in link.carriers.ids() {
            self.note(self.relay.remove(id));
        }
    }

    /// Puts these conditions in force.
    pub(super) fn set_conditions(&mut self, name: &LinkName, up: &Conditions, down: &Conditions) {
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        (link.up, link.down) = (up.clone(), down.clone());
        let carriers = link.carriers;
        for id in carriers.ids() {
            self.note(self.relay.set_conditions(id, up.clone(), down.clone()));
        }
        self.set_packets(name);
    }

    /// Tells the lab what a link's packets meet.
    fn set_packets(&self, name: &LinkName) {
        if let (Some(lab), Some(link)) = (&self.lab, self.links.get(name))
            && let Some(place) = link.carriers.packets
        {
            lab.set(place, &link.up, &link.down, link.cut);
        }
    }

    /// Cuts a link, or heals it.
    pub(super) fn set_cut(&mut self, name: &LinkName, cut: Option<Cut>) {
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        link.cut = cut;
        let carriers = link.carriers;
        for id in carriers.ids() {
            self.note(match cut {
                Some(cut) => self.relay.cut(id, cut),
                None => self.relay.heal(id),
            });
        }
        self.set_packets(name);
    }

    /// Says what happens to HTTP requests on a link. A stage for that, or for TLS, is put before its
    /// provider when there is first need of it, and stays.
    pub(super) fn set_rules(
        &mut self,
        name: &LinkName,
        rules: Vec<Rule>,
        seed: Seed,
    ) -> Result<(), StackError> {
        let Some(link) = self
            .links
            .get_mut(name)
            .filter(|link| link.carriers.tcp.is_some())
        else {
            return Ok(());
        };
        let external = link.external.as_ref();
        let tls = external.and_then(|external| external.tls.as_ref());
        link.rules = rules.clone();
        if let Some(stage) = &link.stage {
            stage.set_rules(rules);
            return Ok(());
        }
        if rules.is_empty() && tls.is_none() {
            return Ok(());
        }
        let is_http = match external {
            Some(external) => external.protocol.is_http(),
            None => true,
        };
        let mut config = StageConfig::new(
            name.to_string(),
            upstream_of(&link.far.tcp, external, &self.directory),
        );
        config.carries = if is_http { Carries::Http } else { Carries::Raw };
        config.rules = rules;
        config.seed = seed;
        // It is dialled by this process's relay, and its port is open to all users of this machine.
        config.peer_check = Some(Arc::new(|local, peer| {
            match wharf_host::sockets::peer_uid(local, peer).is_own() {
                true => PeerVerdict::Admit,
                false => PeerVerdict::Refuse,
            }
        }));
        link.stage = Some(HttpStage::start(config).map_err(|source| StackError::Stage {
            link: name.to_string(),
            source,
        })?);
        let far = link.far.clone();
        self.set_provider(name, far);
        Ok(())
    }

    /// Says where a link's provider is: to its carriers, or to the stage before the provider.
    fn set_provider(&mut self, name: &LinkName, far: FarEnd) {
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        link.far = far.clone();
        let near = match (&link.stage, &far.tcp) {
            (Some(stage), Provider::Ready(_)) => {
                // An external is asked for by its name each time, and needs no telling.
                if link.external.is_none() {
                    let upstream = upstream_of(&far.tcp, None, &self.directory);
                    if let Err(error) = stage.set_upstream(&upstream) {
                        self.logs.add("wharf", Stream::Wharf, format!("{name}: {error}"));
                    }
                }
                Provider::Ready(vec![stage.address()])
            }
            _ => far.tcp,
        };
        let Carriers { tcp, udp, .. } = link.carriers;
        if let Some(id) = tcp {
            self.note(self.relay.set_provider(id, near));
        }
        if let Some(id) = udp {
            self.note(self.relay.set_provider(id, far.udp));
        }
    }

    /// Tells the links that lead to a service where it is now.
    pub(super) fn tell_links_about(&mut self, service: &ServiceName) {
        let Some(view) = self.supervisor.view(service) else {
            self.ports.forget(service);
            return;
        };
        let far = match view.phase {
            Phase::Ready => match self.live.get(service) {
                // What listens in a lab is reached by its port on this machine, which leads there.
                Some(_) if self.lab.is_some() => FarEnd::both(Provider::Ready(self.ports.published(service))),
                Some(live) => FarEnd::ready(&live.listens),
                None => FarEnd::both(Provider::Down),
            },
            Phase::Waiting | Phase::Starting | Phase::BackingOff => FarEnd::both(Provider::Starting),
            Phase::Stopping if !self.supervisor.is_stopping() => FarEnd::both(Provider::Starting),
            Phase::Stopping | Phase::Stopped | Phase::Done | Phase::Failed { .. } => {
                FarEnd::both(Provider::Down)
            }
        };
        let links = self.links.keys().filter(|name| name.provider == *service);
        for name in links.cloned().collect::<Vec<_>>() {
            self.set_provider(&name, far.clone());
        }
    }

    /// The figures of a link: those of its connections, with those of its datagrams.
    pub(super) fn stats_of(&self, link: &Link) -> LinkStats {
        let stats = |id: Option<LinkId>| id.and_then(|id| self.relay.stats(id).ok());
        match (stats(link.carriers.tcp), stats(link.carriers.udp)) {
            (Some(mut tcp), Some(udp)) => {
                tcp.connections += udp.connections;
                tcp.total_connections += udp.total_connections;
                tcp.bytes_up += udp.bytes_up;
                tcp.bytes_down += udp.bytes_down;
                tcp.rate_up += udp.rate_up;
                tcp.rate_down += udp.rate_down;
                tcp.datagrams = udp.datagrams;
                tcp
            }
            (tcp, udp) => tcp.or(udp).unwrap_or_default(),
        }
    }

    /// The figures of a segment.
    pub(super) fn stats_of_segment(&self, segment: &Segment) -> wharf_relay::SegmentStats {
        self.relay.segment_stats(segment.id).unwrap_or_default()
    }

    /// The relay refuses only what is a bug of ours: it is said, and the stack goes on.
    pub(super) fn note(&self, result: Result<(), wharf_relay::Error>) {
        if let Err(error) = result {
            self.logs.add("wharf", Stream::Wharf, error.to_string());
        }
    }
}

fn observe(written: Observation) -> Observe {
    match written {
        Observation::Off => Observe::Off,
        Observation::Heads => Observe::heads(),
        Observation::Bodies => Observe::bodies(BODIES),
    }
}

/// No address.
fn unknown() -> SocketAddr {
    SocketAddr::from((std::net::Ipv4Addr::UNSPECIFIED, 0))
}

/// A link that has just been opened.
fn link(
    project: &Project,
    def: &LinkDef,
    carriers: Carriers,
    address: SocketAddr,
    (up, down): (Conditions, Conditions),
) -> Link {
    Link {
        carriers,
        address,
        in_file: (up.clone(), down.clone()),
        via: def.via.clone(),
        up,
        down,
        cut: None,
        external: project.external(def.name.provider.as_str()).cloned(),
        far: FarEnd::both(Provider::Starting),
        stage: None,
        rules: Vec::new(),
        rules_in_file: None,
        capture: 0,
    }
}
