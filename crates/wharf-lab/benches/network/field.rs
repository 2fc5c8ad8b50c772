//! Hosts of a network of Wharf's.

use std::ffi::OsString;
use std::time::Duration;

use wharf_lab::{Loopback, Network, NetworkSpec, Tools};
use wharf_link::{Conditions, Seed, Settings};
use wharf_topology::{Spec, Topology};

use crate::Carrier;

pub(crate) struct Field {
    pub(crate) network: Network,
    topology: Topology,
}

fn conditions(text: &str) -> Conditions {
    let mut settings = Settings::default();
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=').expect("key=value");
        settings.set(key, value).expect("a setting");
    }
    let resolved = settings.resolve(&Conditions::CLEAR, &mut |_| Err("no files here".to_owned()));
    resolved.expect("conditions")
}

impl Field {
    /// `a` and `b` on one segment.
    pub(crate) fn two(text: &str) -> Self {
        let written = "node.a = {}\nnode.b = {}\nsegment.wire = { nodes = ['a', 'b'] }";
        Self::start(&toml::from_str(written).expect("a specification"), text)
    }

    /// `a` and `b` with so many routers between.
    pub(crate) fn behind_routers(routers: usize) -> Self {
        use std::fmt::Write as _;
        let mut written = "node.a = {}\nnode.b = {}\n".to_owned();
        let name = |number: usize| match number {
            0 => "a".to_owned(),
            number if number > routers => "b".to_owned(),
            number => format!("r{number}"),
        };
        for number in 0..=routers {
            if number > 0 {
                let _ = writeln!(written, "node.r{number} = {{ kind = 'router' }}");
            }
            let _ = writeln!(
                written,
                "segment.s{number} = {{ nodes = ['{}', '{}'] }}",
                name(number),
                name(number + 1)
            );
        }
        Self::start(&toml::from_str(&written).expect("a specification"), "")
    }

    /// Every segment has these conditions each way.
    pub(crate) fn start(spec: &Spec, text: &str) -> Self {
        let topology = Topology::build(spec).expect("a topology");
        let spec = NetworkSpec {
            exe: std::env::current_exe().expect("a path"),
            segments: vec![[conditions(text), conditions(text)]; topology.segments().len()],
            topology: topology.clone(),
            links: Vec::new(),
            seed: Seed(1),
            congestion: None,
            tun: "/dev/net/tun".into(),
            machine: None,
            loopback: Loopback::Own,
        };
        Self {
            network: Network::start(&spec).expect("a network"),
            topology,
        }
    }

    fn before(&self, name: &str) -> Vec<OsString> {
        let node = self.topology.node(name).expect("a node");
        self.network.prefix(node, Tools::Ordinary).expect("a host")
    }
}

impl Carrier for Field {
    fn sender(&self) -> Vec<OsString> {
        self.before("a")
    }

    fn receiver(&self) -> Vec<OsString> {
        self.before("b")
    }

    fn address(&self) -> String {
        let node = self.topology.node("b").expect("a node");
        self.topology
            .addresses(node)
            .next()
            .expect("an address")
            .to_string()
    }

    fn on_processor(&self) -> Duration {
        crate::cost::on_processor("wharf-lab-pump")
    }
}
