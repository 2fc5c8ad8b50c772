//! The arrows of a project and what the network does on each.

use wharf_http::Rule;
use wharf_link::Settings;
use wharf_topology::Topology;

use super::at::{At, Named};
use super::conditioned::{LinkTable, SegmentTable};
use super::error::Fault;
use super::name::{Consumer, LinkName, SegmentName, ServiceName};
use super::written::HttpRule;
use super::{
    External, NeedKind, Observation, Port, Service, ServiceKind, Transport, check, conditions, service,
    suggest,
};

/// A link: one arrow and the conditions of its two directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkDef {
    /// Who connects to whom.
    pub name: LinkName,
    /// What the provider is.
    pub provider: ProviderKind,
    /// The port that it listens on; a lease where there is none.
    pub listen: Option<Port>,
    /// The profile that its conditions began with.
    pub profile: Option<String>,
    /// The conditions towards the provider.
    pub up: Settings,
    /// The conditions back to the consumer.
    pub down: Settings,
    /// The segments that it passes, the first nearest to the consumer.
    pub via: Vec<SegmentName>,
    /// What happens to HTTP requests on it; the first that matches decides.
    pub http: Vec<Rule>,
    /// What is noted of its traffic.
    pub observe: Observation,
}

/// What stands at a link's far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// A service of the stack.
    Service,
    /// An external.
    External,
}

/// All links: those of the needs, then those of the door; with the conditions that were written.
pub(super) fn all(
    services: &[Service],
    externals: &[External],
    segments: &[SegmentDef],
    written: &Named<LinkTable>,
    places: Option<&Topology>,
) -> Result<Vec<LinkDef>, Fault> {
    let mut links = implied(services);
    let mut seen: Vec<LinkName> = Vec::new();
    for (key, table) in &written.0 {
        let name: LinkName = key.parse().map_err(|error| {
            Fault::new(&key.span, format!("`{}` is no link: {error}", key.value))
                .hint("write it as in [link.\"web -> api\"]")
        })?;
        if seen.contains(&name) {
            return Err(Fault::new(&key.span, format!("link `{name}` is there twice")));
        }
        if name.consumer == Consumer::Client {
            links.extend(from_outside(&name, services, externals));
        }
        let Some(link) = links.iter_mut().find(|link| link.name == name) else {
            return Err(no_such_link(key, &name, services, externals));
        };
        let directions = [table.up.as_ref(), table.down.as_ref()];
        [link.up, link.down] = conditions::of(table, table.profile.as_ref(), &directions)?;
        link.observe = table.observe.unwrap_or_default();
        link.http = http(table.http.as_deref().unwrap_or_default())?;
        link.via = via(table.via.as_deref().unwrap_or_default(), segments, places)?;
        for_connections_only(&name, table, transport(&name.provider, services, externals))?;
        link.listen = listen(table.listen.as_ref(), &name)?;
        link.profile = table.profile.as_ref().map(|profile| profile.value.clone());
        seen.push(name);
    }
    Ok(links)
}

/// Refuses what a link that carries datagrams cannot do, rather than leaving it undone.
fn for_connections_only(name: &LinkName, table: &LinkTable, transport: Transport) -> Result<(), Fault> {
    if let (false, Some(rule)) = (transport.has_tcp(), table.http.iter().flatten().next()) {
        let message = format!(
            "link `{name}`: HTTP comes over connections, and `{}` takes datagrams",
            name.provider
        );
        return Err(Fault::new(&rule.span, message).hint(format!(
            "leave the rules out, or let `{}` have transport = \"both\"",
            name.provider
        )));
    }
    Ok(())
}

/// What carries traffic to a provider: it says so itself.
pub(super) fn transport(provider: &ServiceName, services: &[Service], externals: &[External]) -> Transport {
    let service = services.iter().find(|service| service.name == *provider);
    let external = externals.iter().find(|external| external.name == *provider);
    service
        .map(|service| service.transport)
        .or(external.map(|external| external.transport))
        .unwrap_or_default()
}

/// A link without conditions.
fn clear(consumer: Consumer, provider: ServiceName, kind: ProviderKind) -> LinkDef {
    LinkDef {
        name: LinkName { consumer, provider },
        provider: kind,
        listen: None,
        profile: None,
        up: Settings::default(),
        down: Settings::default(),
        via: Vec::new(),
        http: Vec::new(),
        observe: Observation::default(),
    }
}

/// The link of a program that Wharf does not start, if its provider is there.
fn from_outside(name: &LinkName, services: &[Service], externals: &[External]) -> Option<LinkDef> {
    let is_service = services
        .iter()
        .any(|service| service.name == name.provider && service.kind == ServiceKind::Service);
    let is_external = externals.iter().any(|external| external.name == name.provider);
    let kind = match (is_service, is_external) {
        (true, _) => ProviderKind::Service,
        (_, true) => ProviderKind::External,
        _ => return None,
    };
    Some(clear(Consumer::Client, name.provider.clone(), kind))
}

/// The port of a link: only a program that Wharf does not start must know it beforehand.
fn listen(written: Option<&At<i64>>, name: &LinkName) -> Result<Option<Port>, Fault> {
    match written {
        Some(written) if name.consumer != Consumer::Client => {
            let message = format!("link `{name}`: only a link of `client` has a port of the user's choice");
            Err(Fault::new(&written.span, message)
                .hint("services are told the link's port: leave `listen` out"))
        }
        _ => service::port(written),
    }
}

/// The links that needs and the door make, without conditions.
fn implied(services: &[Service]) -> Vec<LinkDef> {
    let mut links = Vec::new();
    for service in services {
        for need in &service.needs {
            let kind = match need.kind {
                NeedKind::Service => ProviderKind::Service,
                NeedKind::External => ProviderKind::External,
                NeedKind::Task => continue,
            };
            let consumer = Consumer::Service(service.name.clone());
            links.push(clear(consumer, need.name.clone(), kind));
        }
    }
    for service in services.iter().filter(|service| service.door) {
        links.push(clear(Consumer::Door, service.name.clone(), ProviderKind::Service));
    }
    links
}

/// Says why a link that was written is none: an end that is not there, or no such need.
fn no_such_link(key: &At<String>, name: &LinkName, services: &[Service], externals: &[External]) -> Fault {
    let fault = |message: String| Fault::new(&key.span, message);
    let names = || {
        let services = services.iter().map(|service| service.name.as_str());
        services.chain(externals.iter().map(|external| external.name.as_str()))
    };
    for end in name.consumer.service().into_iter().chain([&name.provider]) {
        if !names().any(|known| known == end.as_str()) {
            let all: Vec<&str> = names().collect();
            return fault(format!("link `{name}`: there is no service or external `{end}`"))
                .maybe_hint(suggest::hint(end.as_str(), "there are", all));
        }
    }
    let find = |wanted: &str| services.iter().find(|service| service.name.as_str() == wanted);
    let provider = find(name.provider.as_str());
    if provider.is_some_and(|provider| provider.kind == ServiceKind::Task) {
        return fault(format!(
            "link `{name}`: `{}` is a task and has no port",
            name.provider
        ));
    }
    match &name.consumer {
        Consumer::Client => fault(format!(
            "link `{name}`: there is no service or external `{}`",
            name.provider
        )),
        Consumer::Door if provider.is_none() => fault(format!(
            "link `{name}`: the door leads to services, and `{}` is an external",
            name.provider
        )),
        Consumer::Door => fault(format!(
            "link `{name}`: the door does not lead to `{}`",
            name.provider
        ))
        .hint(format!("write door = true in [service.{}]", name.provider)),
        Consumer::Service(consumer) if find(consumer.as_str()).is_none() => fault(format!(
            "link `{name}`: `{consumer}` is an external, which connects to nothing here"
        )),
        Consumer::Service(consumer) => fault(format!(
            "link `{name}`: `{consumer}` does not need `{}`",
            name.provider
        ))
        .hint(format!(
            "add needs = [\"{}\"] to [service.{consumer}]",
            name.provider
        )),
    }
}

/// A stretch of network that several links share, and what it does in its two directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentDef {
    /// Its name.
    pub name: SegmentName,
    /// The conditions towards the providers.
    pub up: Settings,
    /// The conditions back.
    pub down: Settings,
}

/// The segments that links pass: those that join nodes are places in a network.
pub(super) fn segments(written: &Named<SegmentTable>) -> Result<Vec<SegmentDef>, Fault> {
    let passed = written.0.iter().filter(|(_, table)| table.nodes.is_none());
    let read = passed.map(|(key, table)| {
        if let Some(metric) = &table.metric {
            return Err(
                Fault::new(&metric.span, "a segment without `nodes` has no metric")
                    .hint("name the nodes that it joins, or leave the metric out"),
            );
        }
        let directions = [table.up.as_ref(), table.down.as_ref()];
        let [up, down] = conditions::of(table, table.profile.as_ref(), &directions)?;
        Ok(SegmentDef {
            name: SegmentName::from(check::label(key, "segment")?),
            up,
            down,
        })
    });
    read.collect()
}

fn http(written: &[At<HttpRule>]) -> Result<Vec<Rule>, Fault> {
    let rules = written.iter().map(|rule| {
        Rule::try_from(rule.value.clone())
            .map_err(|error| Fault::new(&rule.span, format!("HTTP rule: {error}")))
    });
    rules.collect()
}

fn via(
    written: &[At<String>],
    segments: &[SegmentDef],
    places: Option<&Topology>,
) -> Result<Vec<SegmentName>, Fault> {
    let mut names: Vec<SegmentName> = Vec::new();
    for word in written {
        if places.is_some_and(|places| places.segment(word).is_some()) {
            let message = format!("`{}` joins nodes: packets pass it by their routes", word.value);
            return Err(
                Fault::new(&word.span, message).hint("leave `via` out, or take `nodes` from the segment")
            );
        }
        let Some(segment) = segments
            .iter()
            .find(|segment| segment.name.as_str() == word.as_str())
        else {
            let known = segments.iter().map(|segment| segment.name.as_str());
            return Err(
                Fault::new(&word.span, format!("there is no segment `{}`", word.value)).maybe_hint(
                    suggest::hint(word, "there are", known)
                        .or_else(|| Some(format!("write [segment.{}] with its conditions", word.value))),
                ),
            );
        };
        if names.contains(&segment.name) {
            return Err(Fault::new(
                &word.span,
                format!("`{}` is passed twice", word.value),
            ));
        }
        names.push(segment.name.clone());
    }
    Ok(names)
}
