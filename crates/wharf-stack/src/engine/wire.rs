use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use super::{Stack, StackError};
use crate::identity;
use crate::logs::Stream;
use crate::plan::{Addresses, ServicePlan, Surroundings};
use crate::project::{Consumer, LinkName, Project, Service, ServiceKind, ServiceName};
use crate::supervise::UnitSpec;

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
        self.open_lab(&project)?;
        self.publish(&project)?;
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
            own: match (&self.lab, ports.first()) {
                (Some(lab), _) => lab.layout.listen(&service.name),
                (None, Some(port)) => port.address,
                (None, None) => SocketAddr::from(([127, 0, 0, 1], 0)),
            },
            more: ports
                .iter()
                .skip(1)
                .map(|port| (port.name.clone(), port.address))
                .collect(),
            needs: needs.collect(),
            url: self.url(service),
            // In a network of its own nobody can take it.
            holdable: self.lab.is_none() && self.ports.is_holdable(&service.name),
        }
    }

    /// The service's name at the door.
    pub(super) fn url(&self, service: &Service) -> Option<String> {
        (service.door && service.kind == ServiceKind::Service).then(|| {
            let host = identity::host_name(service.name.as_str(), self.branch.as_deref(), &self.name);
            format!("http://{host}:{}", self.config.door_port)
        })
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
