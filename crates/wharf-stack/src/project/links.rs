//! The arrows of a project and what the network does on each.

use std::fmt::Display;
use std::str::FromStr;

use wharf_link::{Conditions, Distribution, Jitter, Profile, profiles};

use super::at::{At, Named};
use super::error::Fault;
use super::name::{Consumer, LinkName, ServiceName};
use super::written::{DirectionTable, LinkTable};
use super::{External, NeedKind, Port, Service, ServiceKind, service, suggest};

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
    pub up: Conditions,
    /// The conditions back to the consumer.
    pub down: Conditions,
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
    written: &Named<LinkTable>,
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
        (link.up, link.down) = conditions(table)?;
        link.listen = listen(table.listen.as_ref(), &name)?;
        link.profile = table.profile.as_ref().map(|profile| profile.value.clone());
        seen.push(name);
    }
    Ok(links)
}

/// A link without conditions.
fn clear(consumer: Consumer, provider: ServiceName, kind: ProviderKind) -> LinkDef {
    LinkDef {
        name: LinkName { consumer, provider },
        provider: kind,
        listen: None,
        profile: None,
        up: Conditions::default(),
        down: Conditions::default(),
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

/// The conditions of a link's two directions: the profile's, overridden by the link's own keys,
/// overridden by those of the direction.
fn conditions(table: &LinkTable) -> Result<(Conditions, Conditions), Fault> {
    let (mut up, mut down) = match &table.profile {
        None => Default::default(),
        Some(name) => {
            let profile = Profile::named(name).ok_or_else(|| {
                Fault::new(&name.span, format!("there is no profile `{}`", name.value)).maybe_hint(
                    suggest::hint(name, "there are", profiles().iter().map(|known| known.name)),
                )
            })?;
            (profile.up.clone(), profile.down.clone())
        }
    };
    apply(&layers(table, table.up.as_ref()), &mut up)?;
    apply(&layers(table, table.down.as_ref()), &mut down)?;
    Ok((up, down))
}

/// What is written for one direction: its own keys over the link's.
fn layers(link: &LinkTable, own: Option<&DirectionTable>) -> DirectionTable {
    let pick = |key: fn(&DirectionTable) -> &Option<At<String>>, of_link: &Option<At<String>>| {
        own.and_then(|own| key(own).clone()).or_else(|| of_link.clone())
    };
    DirectionTable {
        latency: pick(|own| &own.latency, &link.latency),
        jitter: pick(|own| &own.jitter, &link.jitter),
        distribution: pick(|own| &own.distribution, &link.distribution),
        rate: pick(|own| &own.rate, &link.rate),
        queue: pick(|own| &own.queue, &link.queue),
    }
}

/// Overrides conditions by what is written.
fn apply(written: &DirectionTable, conditions: &mut Conditions) -> Result<(), Fault> {
    if let Some(latency) = &written.latency {
        conditions.latency = value(latency)?;
    }
    if let Some(jitter) = &written.jitter {
        conditions.jitter = Some(value::<Jitter>(jitter)?);
    }
    if let Some(word) = &written.distribution {
        let distribution = distribution(word)?;
        let Some(jitter) = &mut conditions.jitter else {
            return Err(
                Fault::new(&word.span, "a distribution without a jitter does nothing")
                    .hint("add jitter = \"5ms\""),
            );
        };
        jitter.distribution = distribution;
    }
    if let Some(rate) = &written.rate {
        conditions.rate = Some(value(rate)?);
    }
    if let Some(queue) = &written.queue {
        conditions.queue = Some(value(queue)?);
    }
    Ok(())
}

fn value<T>(written: &At<String>) -> Result<T, Fault>
where
    T: FromStr,
    T::Err: Display,
{
    written
        .parse()
        .map_err(|error: T::Err| Fault::new(&written.span, error.to_string()))
}

fn distribution(word: &At<String>) -> Result<Distribution, Fault> {
    match word.as_str() {
        "uniform" => Ok(Distribution::Uniform),
        "normal" => Ok(Distribution::Normal),
        other => {
            Err(
                Fault::new(&word.span, format!("there is no distribution `{other}`"))
                    .maybe_hint(suggest::hint(other, "there are", ["uniform", "normal"])),
            )
        }
    }
}
