use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs};

use serde::Serialize;
use wharf_link::{Conditions, Settings};
use wharf_relay::{Cut, LinkId, LinkSpec, ParkLimits, Provider, SegmentId, SegmentSpec};

use super::files::beside;
use super::{Stack, StackError};
use crate::identity;
use crate::logs::Stream;
use crate::plan::{Addresses, ServicePlan, Surroundings};
use crate::probe;
use crate::project::{
    Consumer, ExternalAddress, LinkDef, LinkName, Project, ProviderKind, SegmentName, Service, ServiceKind,
    ServiceName,
};
use crate::supervise::{Phase, UnitSpec};

/// A link as the stack knows it.
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) address: SocketAddr,
    pub(super) in_file: (Conditions, Conditions),
    via: Vec<SegmentName>,
    pub(super) up: Conditions,
    pub(super) down: Conditions,
    pub(super) cut: Option<Cut>,
}

/// A segment as the stack knows it.
pub(super) struct Segment {
    pub(super) id: SegmentId,
    pub(super) up: Conditions,
    pub(super) down: Conditions,
}

/// What the door reads of a stack.
#[derive(Serialize)]
struct Registration<'a> {
    stack: &'a str,
    pid: u32,
    start_time: u64,
    hosts: BTreeMap<String, Vec<String>>,
}

impl Stack {
    /// Makes this the project: leases and links for what is new, an end to what is gone, and
    /// a new start for what changed. Returns the services that are started anew.
    pub(super) fn apply(&mut self, project: Project) -> Result<Vec<ServiceName>, StackError> {
        for service in project
            .services
            .iter()
            .filter(|service| service.kind == ServiceKind::Service)
        {
            self.ports.provide(service)?;
        }
        self.open_segments(&project)?;
        for link in project.links() {
            self.open_link(&project, link)?;
        }
        let plans = self.plan(&project)?;
        // From here on nothing fails: the new project takes the old one's place.
        let changed: Vec<ServiceName> = plans
            .iter()
            .filter(|(name, plan)| self.plans.get(*name).is_some_and(|old| old != *plan))
            .map(|(name, _)| name.clone())
            .collect();
        let units: Vec<UnitSpec> = plans.values().map(ServicePlan::unit).collect();
        self.close_links_but(&project);
        self.plans = plans;
        self.project = project;
        self.supervisor.apply(self.now(), units, &changed);
        self.register_names();
        Ok(changed)
    }

    fn plan(&self, project: &Project) -> Result<BTreeMap<ServiceName, ServicePlan>, StackError> {
        let surroundings = Surroundings {
            directory: &self.directory,
            environment: &self.config.environment,
            run_id: &self.run_id,
            stack: &self.name,
        };
        let mut plans = BTreeMap::new();
        for service in &project.services {
            let addresses = self.addresses(project, service);
            plans.insert(service.name.clone(), surroundings.plan(service, &addresses)?);
        }
        Ok(plans)
    }

    fn addresses(&self, project: &Project, service: &Service) -> Addresses {
        let ports = self.ports.of(&service.name);
        let needs = service.providers().filter_map(|provider| {
            let name = LinkName {
                consumer: Consumer::Service(service.name.clone()),
                provider: provider.clone(),
            };
            let address = self.links.get(&name)?.address;
            let protocol = project
                .service(provider.as_str())
                .map(|service| &service.protocol)
                .or_else(|| {
                    project
                        .external(provider.as_str())
                        .map(|external| &external.protocol)
                })?;
            Some((provider.clone(), (address, protocol.clone())))
        });
        Addresses {
            own: ports
                .first()
                .map_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)), |port| port.address),
            more: ports
                .iter()
                .skip(1)
                .map(|port| (port.name.clone(), port.address))
                .collect(),
            needs: needs.collect(),
            url: self.url(service),
            holdable: self.ports.is_holdable(&service.name),
        }
    }

    /// The service's name at the door.
    pub(super) fn url(&self, service: &Service) -> Option<String> {
        (service.door && service.kind == ServiceKind::Service).then(|| {
            let host = identity::host_name(service.name.as_str(), self.branch.as_deref(), &self.name);
            format!("http://{host}:{}", self.config.door_port)
        })
    }

    /// Puts the segments of the project in place, new ones and those whose conditions changed.
    fn open_segments(&mut self, project: &Project) -> Result<(), StackError> {
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
    fn resolved(&self, of: &dyn Display, settings: [&Settings; 2]) -> Result<[Conditions; 2], StackError> {
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

    /// Listens for a link, unless it is there already: then only the file's conditions are new.
    fn open_link(&mut self, project: &Project, def: &LinkDef) -> Result<(), StackError> {
        let [up, down] = self.resolved(&def.name, [&def.up, &def.down])?;
        let stays = self.links.get(&def.name).is_some_and(|link| link.via == def.via);
        if !stays && let Some(link) = self.links.remove(&def.name) {
            // Its way through the segments is another one: it is made anew.
            self.relay.remove(link.id)?;
        }
        if let Some(link) = self.links.get_mut(&def.name) {
            let in_file = (up, down);
            if link.in_file != in_file {
                link.in_file = in_file.clone();
                (link.up, link.down) = in_file.clone();
                self.relay.set_conditions(link.id, in_file.0, in_file.1)?;
            }
            let id = link.id;
            if def.provider == ProviderKind::External {
                self.relay
                    .set_provider(id, resolve(project, &def.name.provider)?)?;
            }
            return Ok(());
        }
        let provider = match def.provider {
            ProviderKind::Service => Provider::Starting,
            ProviderKind::External => resolve(project, &def.name.provider)?,
        };
        let via = def
            .via
            .iter()
            .filter_map(|name| Some(self.segments.get(name)?.id));
        let via = via.collect();
        let (address, listeners) = self.ports.listen_for_link(def)?;
        let name = def.name.to_string();
        let id = self.relay.add(LinkSpec {
            seed: project.seed,
            name,
            listeners,
            provider,
            via,
            up: up.clone(),
            down: down.clone(),
            park: ParkLimits::default(),
        })?;
        let link = Link {
            id,
            address,
            in_file: (up.clone(), down.clone()),
            via: def.via.clone(),
            up,
            down,
            cut: None,
        };
        self.links.insert(def.name.clone(), link);
        Ok(())
    }

    fn close_links_but(&mut self, project: &Project) {
        let stays = |name: &LinkName| project.links().iter().any(|def| def.name == *name);
        for (_, link) in self.links.iter().filter(|(name, _)| !stays(name)) {
            self.note(self.relay.remove(link.id));
        }
        self.links.retain(|name, _| stays(name));
        let stays = |name: &SegmentName| project.segments.iter().any(|def| def.name == *name);
        for (_, segment) in self.segments.iter().filter(|(name, _)| !stays(name)) {
            self.note(self.relay.remove_segment(segment.id));
        }
        self.segments.retain(|name, _| stays(name));
    }

    /// Tells the links that lead to a service where it is now.
    pub(super) fn tell_links_about(&mut self, service: &ServiceName) {
        let Some(view) = self.supervisor.view(service) else {
            self.ports.forget(service);
            return;
        };
        let provider = match view.phase {
            Phase::Ready => match self.live.get(service) {
                Some(live) => Provider::Ready(probe::reachable(&live.listens)),
                None => Provider::Down,
            },
            Phase::Waiting | Phase::Starting | Phase::BackingOff => Provider::Starting,
            Phase::Stopping if !self.supervisor.is_stopping() => Provider::Starting,
            Phase::Stopping | Phase::Stopped | Phase::Done | Phase::Failed { .. } => Provider::Down,
        };
        for (_, link) in self.links.iter().filter(|(name, _)| name.provider == *service) {
            self.note(self.relay.set_provider(link.id, provider.clone()));
        }
    }

    /// The relay refuses only what is a bug of ours: it is said, and the stack goes on.
    pub(super) fn note(&self, result: Result<(), wharf_relay::Error>) {
        if let Err(error) = result {
            self.logs.add("wharf", Stream::Wharf, error.to_string());
        }
    }

    /// Writes down under which names the door finds the services.
    fn register_names(&self) {
        let hosts = self
            .project
            .services
            .iter()
            .filter_map(|service| {
                let name = LinkName {
                    consumer: Consumer::Door,
                    provider: service.name.clone(),
                };
                let port = self.links.get(&name)?.address.port();
                let host = identity::host_name(service.name.as_str(), self.branch.as_deref(), &self.name);
                Some((host, vec![format!("127.0.0.1:{port}"), format!("[::1]:{port}")]))
            })
            .collect();
        let pid = std::process::id();
        let start_time = wharf_host::process::start_time(pid).unwrap_or_default();
        let registration = Registration {
            stack: &self.name,
            pid,
            start_time,
            hosts,
        };
        if let Err(error) = self.files.write_door(&registration) {
            self.logs.add(
                "wharf",
                Stream::Wharf,
                format!("the door does not know the names: {error}"),
            );
        }
    }
}

/// The addresses of an external, as a link's provider.
fn resolve(project: &Project, name: &ServiceName) -> Result<Provider, StackError> {
    let Some(external) = project.external(name.as_str()) else {
        return Ok(Provider::Down);
    };
    match &external.address {
        ExternalAddress::Socket(address) => Ok(Provider::Ready(vec![*address])),
        ExternalAddress::Named(host, port) => {
            let resolved = (host.as_str(), port.get()).to_socket_addrs();
            let addresses = resolved.map_err(|source| StackError::Resolve {
                external: name.to_string(),
                name: external.address.to_string(),
                source,
            })?;
            Ok(Provider::Ready(addresses.collect()))
        }
    }
}
