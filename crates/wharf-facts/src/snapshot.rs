//! Everything that was seen of a machine at one instant.

use schemars::JsonSchema;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    Container, Counters, Interface, Limits, Names, NetNamespace, Ours, Probe, ProcessFacts, Proxies, Seen,
    Settings, SocketFacts, System, Viewer,
};

/// The facts of a machine at one instant: one plain value, which `wharf snapshot` writes and every
/// command reads.
///
/// **Forward compatible.** A reader ignores fields that it does not know, takes a kind that it does
/// not know as `other`, and a part that is missing as unknown. [`Snapshot::VERSION`] is raised only
/// when an old reader would misunderstand a new file; see [`Snapshot::is_readable`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Snapshot {
    /// The form of this value.
    pub version: u32,
    /// When it was taken, in milliseconds since 1970 (UTC).
    pub taken_at: Seen<u64>,
    /// The machine.
    pub system: System,
    /// Who looked, and with what rights.
    pub viewer: Viewer,
    /// The TCP sockets of this network namespace, in every state that was asked for.
    pub tcp: Seen<Vec<SocketFacts>>,
    /// The UDP sockets of this network namespace.
    pub udp: Seen<Vec<SocketFacts>>,
    /// The processes that were asked for: owners of sockets and their ancestors, or all.
    pub processes: Seen<Vec<ProcessFacts>>,
    /// What names resolve to.
    pub names: Names,
    /// The proxies that the viewer's environment names.
    pub proxies: Seen<Proxies>,
    /// The kernel's settings about ports.
    pub settings: Settings,
    /// The network interfaces.
    pub interfaces: Seen<Vec<Interface>>,
    /// The kernel's counters.
    pub counters: Seen<Counters>,
    /// The containers, of every engine that could be asked.
    pub containers: Seen<Vec<Container>>,
    /// The other network namespaces.
    pub namespaces: Seen<Vec<NetNamespace>>,
    /// What the viewer may use of the system's scarce things.
    pub limits: Limits,
    /// What Wharf itself runs and has given out; filled in by those who know.
    pub ours: Seen<Ours>,
    /// What was learnt by connecting; filled in by a prober.
    pub probes: Seen<Vec<Probe>>,
}

impl Snapshot {
    /// The form that this program writes.
    pub const VERSION: u32 = 1;

    /// Whether this program understands the snapshot: it may be older, but not of a later form.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.version <= Self::VERSION
    }

    /// The TCP sockets that wait for connections, of this network namespace, as far as seen.
    pub fn listeners(&self) -> impl Iterator<Item = &SocketFacts> {
        self.tcp.items().iter().filter(|socket| socket.listens())
    }

    /// Whether `address` is this machine's own; `None` where its interfaces were not seen.
    #[must_use]
    pub fn is_here(&self, address: IpAddr) -> Option<bool> {
        let address = address.to_canonical();
        if address.is_loopback() || address.is_unspecified() {
            return Some(true);
        }
        let interfaces = self.interfaces.known()?;
        let mut all = interfaces.iter().flat_map(|interface| &interface.addresses);
        Some(all.any(|own| own.address == address))
    }

    /// The process that had `pid`.
    #[must_use]
    pub fn process(&self, pid: u32) -> Option<&ProcessFacts> {
        self.processes.items().iter().find(|process| process.pid == pid)
    }

    /// `pid`'s process and its ancestors, nearest first, as far as they were seen.
    #[must_use]
    pub fn ancestry(&self, pid: u32) -> Vec<&ProcessFacts> {
        let mut line: Vec<&ProcessFacts> = Vec::new();
        let mut next = self.process(pid);
        while let Some(process) = next {
            // A snapshot from elsewhere may hold a ring.
            if line.iter().any(|seen| seen.pid == process.pid) {
                break;
            }
            line.push(process);
            next = self.process(process.parent);
        }
        line
    }

    /// The processes that have `socket` open, as far as they were seen.
    pub fn owners(&self, socket: &SocketFacts) -> impl Iterator<Item = &ProcessFacts> {
        socket.owner.pids().iter().filter_map(|&pid| self.process(pid))
    }
}

impl Default for Snapshot {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            taken_at: Seen::default(),
            system: System::default(),
            viewer: Viewer::default(),
            tcp: Seen::default(),
            udp: Seen::default(),
            processes: Seen::default(),
            names: Names::default(),
            proxies: Seen::default(),
            settings: Settings::default(),
            interfaces: Seen::default(),
            counters: Seen::default(),
            containers: Seen::default(),
            namespaces: Seen::default(),
            limits: Limits::default(),
            ours: Seen::default(),
            probes: Seen::default(),
        }
    }
}
