//! Topologies that are ready to use.

use std::num::NonZeroU16;
use std::sync::LazyLock;

use crate::spec::{Kind, Metric, NodeSpec, SegmentSpec, Spec};

/// A topology that is ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Its nodes and segments.
    pub spec: Spec,
}

impl Ready {
    /// That of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ready().iter().find(|ready| ready.name == name)
    }
}

const FILES: [(&str, &str, &str); 4] = [
    (
        "two-regions",
        "two data centres across the Atlantic, and a user near one of them",
        include_str!("../data/two-regions.toml"),
    ),
    (
        "home-isp-cloud",
        "a home behind two address translators, and a cloud behind a firewall",
        include_str!("../data/home-isp-cloud.toml"),
    ),
    (
        "dumb-bell",
        "three senders and three receivers share a bottleneck",
        include_str!("../data/dumb-bell.toml"),
    ),
    (
        "satellite",
        "a ship with a satellite and a cell as ways out",
        include_str!("../data/satellite.toml"),
    ),
];

/// All that are ready to use.
#[must_use]
pub fn ready() -> &'static [Ready] {
    static ALL: LazyLock<Vec<Ready>> = LazyLock::new(|| {
        // What does not read is left out; a test counts.
        let read = |(name, summary, text)| {
            let spec = toml::from_str(text).ok()?;
            Some(Ready { name, summary, spec })
        };
        let star = Ready {
            name: "star-50",
            summary: "49 hosts around one router",
            spec: star(49),
        };
        FILES.into_iter().filter_map(read).chain([star]).collect()
    });
    &ALL
}

/// So many hosts around one router, each on a wire of its own.
#[must_use]
pub fn star(hosts: usize) -> Spec {
    const HUB: &str = "hub";
    let mut spec = Spec::default();
    let router = NodeSpec {
        kind: Kind::Router,
        ..NodeSpec::default()
    };
    spec.node.insert(HUB.to_owned(), router);
    for number in 1..=hosts {
        let host = format!("host-{number:02}");
        let wire = SegmentSpec {
            nodes: vec![host.clone(), HUB.to_owned()],
            metric: Metric::Same(NonZeroU16::MIN),
            profile: Some("lan".to_owned()),
            ..SegmentSpec::default()
        };
        spec.segment.insert(format!("wire-{number:02}"), wire);
        spec.node.insert(host, NodeSpec::default());
    }
    spec
}
