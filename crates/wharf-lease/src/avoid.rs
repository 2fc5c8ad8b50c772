//! Ports that are free and yet not to be had.

use wharf_facts::{PortRange, is_browser_blocked};

/// Ports at which programs are expected by custom: on a developer's machine one of these may be
/// started tomorrow, and its clients have the number written in them.
const WELL_KNOWN: &[(u16, &str)] = &[
    (5432, "PostgreSQL"),
    (6379, "Redis"),
    (8080, "HTTP, by custom"),
    (9092, "Kafka"),
    (9200, "Elasticsearch"),
    (11211, "memcached"),
    (11434, "Ollama"),
    (15672, "RabbitMQ's management page"),
    (16686, "Jaeger's page"),
    (19132, "Minecraft, Bedrock edition"),
    (20000, "DNP3; Usermin"),
    (20202, "IPD tunnelling"),
    (21027, "Syncthing's discovery"),
    (22000, "Syncthing"),
    (22222, "ssh, by custom"),
    (24007, "GlusterFS"),
    (24008, "GlusterFS"),
    (24224, "Fluentd"),
    (24678, "Vite's HMR socket in middleware mode"),
    (24800, "Barrier, Synergy"),
    (25565, "Minecraft"),
    (25575, "Minecraft's remote console"),
    (25672, "RabbitMQ between nodes"),
    (25826, "collectd"),
    (26257, "CockroachDB"),
    (26379, "Redis Sentinel"),
    (26656, "Tendermint peers"),
    (26657, "Tendermint RPC"),
    (27015, "Source game servers"),
    (27017, "MongoDB"),
    (27018, "MongoDB shard"),
    (27019, "MongoDB configuration"),
    (27036, "Steam"),
    (28015, "RethinkDB"),
    (28017, "MongoDB's old page"),
    (29015, "RethinkDB between nodes"),
    (30303, "Ethereum peers"),
    (31337, "looked for by security scanners"),
    (32400, "Plex"),
];

/// Kubernetes' node ports: its packet filter takes connections to them away, without a socket
/// that could be seen. Avoided unless the user named a range.
pub(crate) const NODE_PORTS: (u16, u16) = (30_000, 32_767);

/// What to keep away from on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Avoid {
    reserved: Vec<PortRange>,
    node_ports: NodePorts,
}

/// Whether Kubernetes' node ports may be leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodePorts {
    Avoided,
    Usable,
}

impl Avoid {
    /// `reserved` is what the administrator keeps the kernel away from
    /// (`ip_local_reserved_ports`): they mean it for something.
    pub(crate) fn new(reserved: Vec<PortRange>, node_ports: NodePorts) -> Self {
        Self { reserved, node_ports }
    }

    /// Why `port` is not to be leased; `None` when it may be.
    pub(crate) fn reason(&self, port: u16) -> Option<&'static str> {
        let known = WELL_KNOWN.iter().find(|(known, _)| *known == port);
        if let Some((_, whose)) = known {
            return Some(whose);
        }
        if is_browser_blocked(port) {
            return Some("blocked by browsers");
        }
        if self.reserved.iter().any(|range| range.contains(port)) {
            return Some("reserved by the administrator (ip_local_reserved_ports)");
        }
        let is_node_port = (NODE_PORTS.0..=NODE_PORTS.1).contains(&port);
        (is_node_port && self.node_ports == NodePorts::Avoided).then_some("Kubernetes node ports")
    }
}

#[cfg(test)]
mod tests {
    use wharf_facts::BROWSER_BLOCKED;

    use super::*;

    #[test]
    fn the_tables_are_sorted_and_without_repeats() {
        assert!(BROWSER_BLOCKED.is_sorted_by(|a, b| a < b));
        assert!(WELL_KNOWN.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn each_reason_is_given() {
        let reserved = vec!["21000-21010".parse().expect("a range")];
        let avoid = Avoid::new(reserved.clone(), NodePorts::Avoided);
        assert_eq!(avoid.reason(27017), Some("MongoDB"));
        assert_eq!(avoid.reason(6666), Some("blocked by browsers"));
        assert_eq!(avoid.reason(31000), Some("Kubernetes node ports"));
        assert!(avoid.reason(21005).is_some_and(|why| why.contains("reserved")));
        assert_eq!(avoid.reason(21011), None);
        let named = Avoid::new(reserved, NodePorts::Usable);
        assert_eq!(named.reason(31000), None);
        assert_eq!(named.reason(32400), Some("Plex"));
    }
}
