//! What `GET /containers/json` answers (Docker Engine API, `ContainerList`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use wharf_facts::{Compose, Container, Protocol, PublishedPort, Seen};

/// As far as Wharf reads it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    image: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    ports: Option<Vec<Port>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    network_settings: Option<NetworkSettings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Port {
    #[serde(rename = "IP", default)]
    ip: Option<String>,
    private_port: u16,
    #[serde(default)]
    public_port: Option<u16>,
    #[serde(default)]
    r#type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    #[serde(default)]
    networks: Option<BTreeMap<String, Option<Network>>>,
}

#[derive(Deserialize)]
struct Network {
    #[serde(rename = "IPAddress", default)]
    v4: String,
    #[serde(rename = "GlobalIPv6Address", default)]
    v6: String,
}

/// The containers in `body`, an answer of `engine`.
pub(super) fn parse(body: &[u8], engine: &str) -> Result<Vec<Container>, serde_json::Error> {
    let summaries: Vec<Summary> = serde_json::from_slice(body)?;
    Ok(summaries
        .into_iter()
        .map(|summary| container(summary, engine))
        .collect())
}

fn container(summary: Summary, engine: &str) -> Container {
    let labels = summary.labels.unwrap_or_default();
    let label = |name: &str| labels.get(name).cloned();
    let compose = label("com.docker.compose.project").zip(label("com.docker.compose.service"));
    let name = summary.names.unwrap_or_default().into_iter().next();
    let networks = summary.network_settings.and_then(|settings| settings.networks);
    Container {
        id: summary.id,
        name: match name {
            Some(name) => Seen::Known(name.trim_start_matches('/').to_owned()),
            None => Seen::unknown("it has no name"),
        },
        image: Seen::Known(summary.image),
        engine: engine.to_owned(),
        state: Seen::Known(summary.state),
        ports: Seen::Known(
            summary
                .ports
                .unwrap_or_default()
                .into_iter()
                .filter_map(published)
                .collect(),
        ),
        addresses: match networks {
            Some(networks) => Seen::Known(
                networks
                    .into_values()
                    .flatten()
                    .flat_map(|network| [network.v4, network.v6])
                    .filter_map(|address| address.parse().ok())
                    .collect(),
            ),
            None => Seen::unknown("the engine tells none"),
        },
        compose: compose.map(|(project, service)| Compose {
            project,
            service,
            directory: label("com.docker.compose.project.working_dir"),
        }),
        pids: Vec::new(),
        netns: Seen::default(),
    }
}

/// `None` for SCTP, of which Wharf knows nothing.
fn published(port: Port) -> Option<PublishedPort> {
    let protocol = match port.r#type.as_str() {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    Some(PublishedPort {
        inside: port.private_port,
        protocol,
        published: port.public_port.filter(|&published| published != 0),
        address: port.ip.and_then(|address| address.parse::<IpAddr>().ok()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = r#"[{"Id": "abc", "Names": ["/shop-db-1"], "Image": "postgres:17",
        "State": "running", "Status": "Up", "Ports": [
            {"IP": "0.0.0.0", "PrivatePort": 5432, "PublicPort": 15432, "Type": "tcp"},
            {"PrivatePort": 9, "Type": "sctp"}, {"PrivatePort": 8080, "Type": "tcp"}],
        "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "db"},
        "NetworkSettings": {"Networks": {"shop": {"IPAddress": "172.18.0.2", "GlobalIPv6Address": ""},
            "other": null}}},
        {"Id": "def", "Names": null, "Ports": null, "Labels": null}]"#;

    #[test]
    fn a_listing_reads_as_the_engines_write_it() {
        let containers = parse(ANSWER.as_bytes(), "docker").expect("a listing");
        let [first, second] = containers.as_slice() else {
            panic!("two, not {containers:?}")
        };
        assert_eq!(first.name, Seen::Known("shop-db-1".to_owned()));
        let ports: Vec<(u16, Option<u16>)> = first
            .ports
            .items()
            .iter()
            .map(|port| (port.inside, port.published))
            .collect();
        assert_eq!(ports, [(5432, Some(15432)), (8080, None)]);
        assert_eq!(
            first.addresses.items(),
            ["172.18.0.2".parse::<IpAddr>().expect("it")]
        );
        assert_eq!(
            first.compose.as_ref().map(|compose| compose.service.as_str()),
            Some("db")
        );
        assert!(!second.name.is_known());
        assert!(parse(b"{\"message\": \"no\"}", "docker").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_can_make_the_parser_panic(cut in 0..600usize, text in "(?s).{0,60}") {
            let _ = parse(text.as_bytes(), "docker");
            let _ = parse(&ANSWER.as_bytes()[..cut.min(ANSWER.len())], "docker");
        }
    }
}
