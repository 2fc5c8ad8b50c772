//! From tables and keys to their meaning.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use wharf_link::Seed;

use super::at::{At, Named};
use super::carriage::{TlsOrigin, TlsRoots, Transport};
use super::error::Fault;
use super::name::{CLIENT, DOOR, Label, PortName, ServiceName, StackName};
use super::values::{ExternalAddress, Port, Protocol, ServiceKind, parse_time};
use super::written::{ExternalTable, ProjectTable, ServiceTable, TlsTable, TlsValue};
use super::{
    External, Need, NeedKind, Project, SEED, Service, links, order, places, scenarios, service, suggest,
};

/// Reads a project.
pub(super) fn project(text: &str, path: &Path, namesake: &Path) -> Result<Project, Fault> {
    let table: ProjectTable = toml::from_str(text).map_err(|error| Fault::from_toml(&error))?;
    let names = Names::of(&table)?;
    let services = table
        .service
        .0
        .iter()
        .map(|(key, table)| service::read(key, table, &names))
        .collect::<Result<Vec<Service>, Fault>>()?;
    let externals = table
        .external
        .0
        .iter()
        .map(|(key, table)| external(key, table))
        .collect::<Result<Vec<External>, Fault>>()?;
    let network = places::read(&table.node, &table.segment, &table.service, &table.external)?;
    let segments = links::segments(&table.segment)?;
    let links = links::all(&services, &externals, &segments, &table.link, network.as_ref())?;
    let start_order = start_order(&services, &table.service)?;
    Ok(Project {
        name: stack_name(table.name.as_ref(), namesake)?,
        path: path.to_owned(),
        scenarios: scenarios::all(&table.scenario, &links)?,
        seed: table.seed.map_or(SEED, Seed),
        links,
        segments,
        network,
        start_order,
        services,
        externals,
    })
}

/// All names of a project that can be needed, and what each stands for.
pub(super) struct Names(Vec<(ServiceName, NeedKind)>);

impl Names {
    fn of(table: &ProjectTable) -> Result<Self, Fault> {
        let mut names: Vec<(ServiceName, NeedKind)> = Vec::new();
        for (key, service) in &table.service.0 {
            let kind = match service.kind {
                ServiceKind::Service => NeedKind::Service,
                ServiceKind::Task => NeedKind::Task,
            };
            names.push((name(key, "service")?, kind));
        }
        for (key, _) in &table.external.0 {
            let name = name(key, "external")?;
            if names.iter().any(|(known, _)| *known == name) {
                let message = format!("`{name}` is a service and an external");
                return Err(Fault::new(&key.span, message).hint("give one of the two another name"));
            }
            names.push((name, NeedKind::External));
        }
        Ok(Self(names))
    }

    /// Looks the needs of a service up.
    pub(super) fn needs(&self, of: &ServiceName, list: &[At<String>]) -> Result<Vec<Need>, Fault> {
        let mut needs: Vec<Need> = Vec::new();
        for word in list {
            let fault = |message: String| Err(Fault::new(&word.span, message));
            if word.as_str() == of.as_str() {
                return fault(format!("`{of}` needs itself"));
            }
            if needs.iter().any(|need| need.name.as_str() == word.as_str()) {
                return fault(format!("`{}` is needed twice", word.value));
            }
            let found = self.0.iter().find(|(name, _)| name.as_str() == word.as_str());
            let Some((name, kind)) = found else {
                let others = self.0.iter().map(|(name, _)| name.as_str());
                let others = others.filter(|name| *name != of.as_str());
                let message = format!("there is no service or external `{}`", word.value);
                return fault(message)
                    .map_err(|fault: Fault| fault.maybe_hint(suggest::hint(word, "there are", others)));
            };
            needs.push(Need {
                name: name.clone(),
                kind: *kind,
            });
        }
        Ok(needs)
    }
}

/// Reads a key as the name of a service or an external.
fn name(key: &At<String>, what: &str) -> Result<ServiceName, Fault> {
    let reserved = match key.as_str() {
        CLIENT => Some("it is who opens links from outside the stack"),
        DOOR => Some("it is who opens the links of 127.0.0.1:62893"),
        _ => None,
    };
    if let Some(why) = reserved {
        let message = format!("`{}` is reserved: {why}", key.value);
        return Err(Fault::new(&key.span, message).hint(format!("give the {what} another name")));
    }
    label(key, what).map(ServiceName::from)
}

/// Reads a name, and proposes the nearest one that would do.
pub(super) fn label(text: &At<String>, what: &str) -> Result<Label, Fault> {
    text.parse().map_err(|error| {
        let message = format!("`{}` is no name for a {what}: {error}", text.value);
        let proposal = Label::made_from(text).map(|label| format!("`{label}` would do"));
        Fault::new(&text.span, message).maybe_hint(proposal)
    })
}

/// The names of a service's further ports.
pub(super) fn ports(list: &[At<String>]) -> Result<Vec<PortName>, Fault> {
    let mut ports = Vec::new();
    for text in list {
        let name = PortName::from(label(text, "port")?);
        if ports.contains(&name) {
            let message = format!("port `{name}` is there twice");
            return Err(Fault::new(&text.span, message));
        }
        ports.push(name);
    }
    Ok(ports)
}

/// The written name, else the folder's, made a label.
fn stack_name(written: Option<&At<String>>, folder: &Path) -> Result<StackName, Fault> {
    if let Some(name) = written {
        return label(name, "stack").map(StackName::from);
    }
    let folder = folder.file_name().map(|name| name.to_string_lossy());
    let name = folder.and_then(|name| Label::made_from(&name));
    match name {
        Some(name) => Ok(name.into()),
        None => "stack"
            .parse()
            .map_err(|error| Fault::new(&(0..0), format!("name of the stack: {error}"))),
    }
}

fn external(key: &At<String>, table: &ExternalTable) -> Result<External, Fault> {
    let Some(written) = &table.address else {
        let message = format!("external `{}` has no address", key.value);
        return Err(Fault::new(&key.span, message).hint("add address = \"127.0.0.1:5432\""));
    };
    let address = address(written).ok_or_else(|| {
        let message = format!("`{}` is no address with a port", written.value);
        Fault::new(&written.span, message)
            .hint("write it as in \"127.0.0.1:5432\", \"[::1]:5432\" or \"db.example.com:5432\"")
    })?;
    let protocol = match &table.protocol {
        Some(written) => protocol(written)?,
        None if table.transport == Transport::Udp => Protocol::udp(),
        None => Protocol::usual_on(address.port()),
    };
    let tls = table
        .tls
        .as_ref()
        .map(|written| tls(written, &address))
        .transpose()?
        .flatten();
    if let (Some(written), Transport::Udp) = (&table.tls, table.transport) {
        return Err(Fault::new(
            &written.span,
            "TLS needs connections, and this external has datagrams",
        )
        .hint("leave `tls` out, or `transport`"));
    }
    Ok(External {
        name: name(key, "external")?,
        address,
        protocol: match tls {
            Some(_) => protocol.in_clear(),
            None => protocol,
        },
        transport: table.transport,
        tls,
    })
}

/// The TLS that links to an external begin.
fn tls(written: &At<TlsValue>, address: &ExternalAddress) -> Result<Option<TlsOrigin>, Fault> {
    let table = match &written.value {
        TlsValue::Whether(false) => return Ok(None),
        TlsValue::Whether(true) => TlsTable::default(),
        TlsValue::Table(table) => table.clone(),
    };
    let name = table.name.unwrap_or_else(|| match address {
        ExternalAddress::Socket(address) => address.ip().to_string(),
        ExternalAddress::Named(host, _) => host.clone(),
    });
    let roots = match (table.ca, table.dangerously_unverified) {
        (Some(_), true) => {
            let message = "`ca` and `dangerously-unverified` exclude each other";
            return Err(Fault::new(&written.span, message));
        }
        (Some(file), false) => TlsRoots::File(file),
        (None, true) => TlsRoots::Nobody,
        (None, false) => TlsRoots::Platform,
    };
    Ok(Some(TlsOrigin { name, roots }))
}

fn address(text: &str) -> Option<ExternalAddress> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return (address.port() != 0).then_some(ExternalAddress::Socket(address));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = Port::new(port.parse().ok()?)?;
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && label.chars().all(inner)
    };
    let is_name = host.trim_end_matches('.').split('.').all(label);
    // What looks like an IPv4 address and was not one above, such as 127.0.0.300, is a slip.
    let is_number = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    (is_name && !is_number).then(|| ExternalAddress::Named(host.to_owned(), port))
}

/// Reads a protocol.
pub(super) fn protocol(written: &At<String>) -> Result<Protocol, Fault> {
    Protocol::new(written).ok_or_else(|| {
        let message = format!("`{}` is no protocol", written.value);
        Fault::new(&written.span, message)
            .hint("write the scheme of its URLs, such as \"http\", \"postgresql\" or \"tcp\"")
    })
}

/// Reads a time that may not be zero.
pub(super) fn time(written: Option<&At<String>>, default: Duration) -> Result<Duration, Fault> {
    let Some(written) = written else {
        return Ok(default);
    };
    match parse_time(written) {
        Ok(Duration::ZERO) => Err(Fault::new(&written.span, "this time may not be zero")),
        Ok(time) => Ok(time),
        Err(message) => Err(Fault::new(&written.span, message)),
    }
}

/// The waves in which services start; a cycle is refused at the need that closes it.
fn start_order(services: &[Service], written: &Named<ServiceTable>) -> Result<Vec<Vec<ServiceName>>, Fault> {
    let listed: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    let needs: order::Needs<'_> = services
        .iter()
        .map(|service| {
            let needs = service.units_needed().map(ServiceName::as_str).collect();
            (service.name.as_str(), needs)
        })
        .collect();
    let waves = order::waves(&listed, &needs).map_err(|cycle| {
        let closing = cycle.iter().rev().nth(1).zip(cycle.last());
        let span = closing.and_then(|(from, to)| {
            let (_, table) = written.0.iter().find(|(key, _)| key.as_str() == *from)?;
            table.needs.iter().find(|need| need.as_str() == *to)
        });
        let span = span.map_or(0..0, |need| need.span.clone());
        Fault::new(&span, format!("a cycle of needs: {}", cycle.join(" -> ")))
            .hint("take one of these needs away: none of them could start first")
    })?;
    let named = |name: &&str| {
        services
            .iter()
            .find(|service| service.name.as_str() == *name)
            .map(|service| service.name.clone())
    };
    Ok(waves
        .iter()
        .map(|wave| wave.iter().filter_map(named).collect())
        .collect())
}
