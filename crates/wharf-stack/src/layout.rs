//! A project as a network: which host is whose, at which address and port a service is found, and between
//! which hosts a link is. Pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use wharf_topology::{Family, NodeId, Routes, SegmentSpec, Spec, Topology, TopologyError};

use crate::project::{Consumer, LinkName, MACHINE, Project, ProviderKind, Service, ServiceKind, ServiceName};

/// The segment that joins all, where the file names none.
const SEGMENT: &str = "lab";

/// The network of a project.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) topology: Topology,
    routes: Routes,
    /// The node that stands for this machine.
    pub(crate) machine: Option<NodeId>,
    /// The links whose two ends are services: their packets pass from host to host.
    pub(crate) links: Vec<LinkName>,
    ports: BTreeMap<ServiceName, u16>,
}

/// Why a project is no network.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A service has the name of the node for this machine.
    #[error("service {MACHINE}: in a lab, that is the name of this machine")]
    NamedAsMachine,
    /// There is no such network.
    #[error(transparent)]
    Topology(#[from] TopologyError),
}

impl Layout {
    /// The network that a project says, else one of one segment on which all are, and this machine. `leased` is the
    /// port that each service has on this machine.
    pub(crate) fn of(
        project: &Project,
        leased: impl Fn(&ServiceName) -> Option<u16>,
    ) -> Result<Self, LayoutError> {
        let topology = match &project.network {
            Some(topology) => topology.clone(),
            None => Topology::build(&one_segment(project)?)?,
        };
        let links = project.links().iter().filter(|link| {
            matches!(link.name.consumer, Consumer::Service(_)) && link.provider == ProviderKind::Service
        });
        let ports = project
            .services
            .iter()
            .filter(|service| service.kind == ServiceKind::Service);
        let ports = ports.filter_map(|service| {
            let port = port(service).or_else(|| leased(&service.name))?;
            Some((service.name.clone(), port))
        });
        Ok(Self {
            routes: topology.routes(),
            machine: topology.node(MACHINE),
            links: links.map(|link| link.name.clone()).collect(),
            ports: ports.collect(),
            topology,
        })
    }

    /// Whether nothing but conditions is another: those may change while packets pass.
    pub(crate) fn has_the_shape_of(&self, other: &Self) -> bool {
        let names = |layout: &Self| -> Vec<String> {
            layout
                .topology
                .segments()
                .map(|(_, segment)| segment.name.clone())
                .collect()
        };
        self.topology.nodes().eq(other.topology.nodes())
            && names(self) == names(other)
            && (&self.links, &self.ports) == (&other.links, &other.ports)
    }

    /// The host of a service.
    pub(crate) fn node(&self, service: &ServiceName) -> Option<NodeId> {
        self.topology.node(service.as_str())
    }

    /// Where a service is to listen: everywhere in its own network, as in a container.
    pub(crate) fn listen(&self, service: &ServiceName) -> SocketAddr {
        let port = self.ports.get(service).copied().unwrap_or_default();
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))
    }

    /// Where a service is found by another. That nobody can get there is no error: a network may be made to show it.
    pub(crate) fn found(&self, consumer: &ServiceName, provider: &ServiceName) -> Option<SocketAddr> {
        let ip = self.address(self.node(consumer)?, self.node(provider)?)?;
        Some(SocketAddr::new(ip, *self.ports.get(provider)?))
    }

    /// Where a service finds this machine.
    pub(crate) fn machine_for(&self, consumer: &ServiceName) -> Option<IpAddr> {
        self.address(self.node(consumer)?, self.machine?)
    }

    /// The address by which a node is reached from another, else its first.
    fn address(&self, from: NodeId, to: NodeId) -> Option<IpAddr> {
        match self.topology.path(&self.routes, from, to, Family::V4) {
            Ok(path) => Some(path.destination),
            Err(_) => self.topology.addresses(to).next(),
        }
    }

    /// Why no packet gets from one service to another, if that is so.
    pub(crate) fn no_way(&self, link: &LinkName) -> Option<String> {
        let from = self.node(link.consumer.service()?)?;
        let path = self
            .topology
            .path(&self.routes, from, self.node(&link.provider)?, Family::V4);
        path.err().map(|error| error.to_string())
    }
}

/// All services and this machine, on one segment.
fn one_segment(project: &Project) -> Result<Spec, LayoutError> {
    let names = project.services.iter().map(|service| service.name.to_string());
    let nodes: Vec<String> = names.chain([MACHINE.to_owned()]).collect();
    if project.service(MACHINE).is_some() {
        return Err(LayoutError::NamedAsMachine);
    }
    let mut spec = Spec::default();
    for name in &nodes {
        spec.node.entry(name.clone()).or_default();
    }
    let segment = SegmentSpec {
        nodes,
        ..SegmentSpec::default()
    };
    spec.segment.insert(SEGMENT.to_owned(), segment);
    Ok(spec)
}

/// The port of a service in a network of its own, in which nobody else can have it: the one of the file,
/// else the usual one of what it speaks. Never one below 1024, which a program without privilege cannot have.
fn port(service: &Service) -> Option<u16> {
    let fixed = service.port.map(crate::project::Port::get);
    fixed.or_else(|| service.protocol.usual_port())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Where each service listens and what it finds, as lines.
    fn table(text: &str) -> String {
        let project = Project::parse(text, Path::new("/shop/wharf.toml")).expect("it is right");
        let layout = Layout::of(&project, |_| Some(23_456)).expect("a network");
        let mut lines = Vec::new();
        for service in &project.services {
            let found = service.providers().map(|provider| {
                let at = layout.found(&service.name, provider).map(|at| at.to_string());
                let machine = || Some(format!("{} (this machine)", layout.machine_for(&service.name)?));
                let at = at.or_else(machine).unwrap_or_default();
                format!(", {provider} at {at}")
            });
            let found: String = found.collect();
            lines.push(format!(
                "{} on {}{found}",
                service.name,
                layout.listen(&service.name)
            ));
        }
        let links: Vec<String> = layout.links.iter().map(ToString::to_string).collect();
        lines.push(format!("links: {}", links.join(", ")));
        for link in &layout.links {
            lines.extend(layout.no_way(link).map(|why| format!("{link}: {why}")));
        }
        lines.join("\n")
    }

    #[test]
    fn without_nodes_all_are_on_one_segment() {
        insta::assert_snapshot!(table(
            "
            service.web = { run = 'web', needs = ['api', 'db', 'mail'] }
            service.api = { run = 'api', port = 80 }
            service.db = { run = 'postgres' , protocol = 'postgresql' }
            service.odd = { run = 'odd', protocol = 'odd' }
            external.mail = { address = '127.0.0.1:25' }
            "
        ), @r"
        web on 0.0.0.0:8080, api at 198.18.244.2:80, db at 198.18.244.3:5432, mail at 198.18.244.5 (this machine)
        api on 0.0.0.0:80
        db on 0.0.0.0:5432
        odd on 0.0.0.0:23456
        links: web -> api, web -> db
        ");
    }

    #[test]
    fn with_nodes_services_are_found_where_they_are_reached() {
        insta::assert_snapshot!(table(
            "
            service.web = { run = 'web', needs = ['api'] }
            service.api = { run = 'api', needs = ['web2'] }
            service.web2 = { run = 'web' }
            node.home = { kind = 'nat', inside = ['wifi'] }
            segment.wifi = { nodes = ['web', 'web2', 'home'] }
            segment.street = { nodes = ['home', 'api'], latency = '20ms' }
            "
        ), @r"
        web on 0.0.0.0:8080, api at 198.18.62.2:8080
        api on 0.0.0.0:8080, web2 at 10.100.72.2:8080
        web2 on 0.0.0.0:8080
        links: web -> api, api -> web2
        api -> web2: api has no route to 10.100.72.2
        ");
    }

    #[test]
    fn conditions_leave_the_shape_as_it_is() {
        let of = |text: &str| {
            let project = Project::parse(text, Path::new("/shop/wharf.toml")).expect("it is right");
            Layout::of(&project, |_| None).expect("a network")
        };
        let base = "service.a = { run = 'a', needs = ['b'] }\nservice.b = { run = 'b' }\n";
        let slower = format!("{base}[link.'a -> b']\nlatency = '1ms'");
        let more = format!("{base}service.c = {{ run = 'c' }}");
        let moved = base.replace("run = 'b'", "run = 'b', port = 81");
        assert!(of(base).has_the_shape_of(&of(&slower)));
        assert!(!of(base).has_the_shape_of(&of(&more)));
        assert!(!of(base).has_the_shape_of(&of(&moved)));
    }

    #[test]
    fn this_machines_name_is_taken() {
        let project = Project::parse("service.gateway = { run = 'a' }", Path::new("/x/wharf.toml"));
        let refused = Layout::of(&project.expect("it is right"), |_| None).expect_err("refused");
        assert!(matches!(refused, LayoutError::NamedAsMachine), "{refused}");
    }
}
