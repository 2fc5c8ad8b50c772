//! A question, with what all rules ask of a snapshot.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wharf_facts::{Meeting, Probe, ProcessFacts, Protocol, Reason, Seen, Snapshot, SocketFacts, TcpState};

use crate::{Failure, Operation, Question, Symptom, Target, words};

/// A question, with what all rules ask of a snapshot.
///
/// About one port, or, without a target, about the whole machine: then the sockets are all of them.
/// Rows are in an order of their own, so that what is found does not depend on the order in which
/// they were seen.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    /// The machine.
    pub(crate) snapshot: &'a Snapshot,
    /// What is asked about; `None`: the machine.
    pub(crate) target: Option<&'a Target>,
    /// What a command failed with.
    pub(crate) symptom: Option<&'a Symptom>,
    /// The processes, by pid: of two with one pid, the first.
    processes: BTreeMap<u32, &'a ProcessFacts>,
    /// The port.
    pub(crate) port: Option<u16>,
    /// TCP sockets that listen at it.
    pub(crate) listeners: Vec<&'a SocketFacts>,
    /// TCP sockets that are bound to it, and neither listen nor are connected.
    pub(crate) bound: Vec<&'a SocketFacts>,
    /// TCP connections of which it is the near end.
    pub(crate) connections: Vec<&'a SocketFacts>,
    /// TCP connections of this machine's of which it is the far end.
    pub(crate) towards: Vec<&'a SocketFacts>,
    /// UDP sockets at it, without those that are connected.
    pub(crate) udp: Vec<&'a SocketFacts>,
    /// What connecting to it told.
    pub(crate) probes: Vec<&'a Probe>,
}

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

impl<'a> Case<'a> {
    /// What `question` is, for `port`.
    pub(crate) fn new(snapshot: &'a Snapshot, question: &'a Question, port: Option<u16>) -> Self {
        let is_near = |row: &SocketFacts| Some(row.port()) == port;
        let mut case = Self {
            target: Some(&question.target),
            symptom: question.symptom.as_ref(),
            port,
            ..Self::of(snapshot, is_near)
        };
        case.probes.retain(|probe| Some(probe.address.port()) == port);
        let rows = snapshot.tcp.items().iter();
        let is_far = |row: &&SocketFacts| Some(row.socket.remote.port()) == port && is_connection(row);
        case.towards = rows
            .filter(is_far)
            .filter(|row| case.is_here(row.socket.remote.ip()) != Some(false))
            .collect();
        case.connections.sort_by_key(|row| order(row));
        case.towards.sort_by_key(|row| order(row));
        case
    }

    /// The whole machine. Its connections are in no order.
    pub(crate) fn machine(snapshot: &'a Snapshot) -> Self {
        Self::of(snapshot, |_| true)
    }

    /// Those sockets that are meant, by what they do.
    fn of(snapshot: &'a Snapshot, is_meant: impl Fn(&SocketFacts) -> bool) -> Self {
        let mut listeners = Vec::new();
        let mut bound = Vec::new();
        let mut connections = Vec::new();
        for socket in snapshot.tcp.items().iter().filter(|row| is_meant(row)) {
            if socket.listens() {
                listeners.push(socket);
            } else if is_connection(socket) {
                connections.push(socket);
            } else {
                bound.push(socket);
            }
        }
        let udp = snapshot.udp.items().iter();
        let mut case = Self {
            snapshot,
            target: None,
            symptom: None,
            port: None,
            processes: index(snapshot),
            listeners,
            bound,
            connections,
            towards: Vec::new(),
            udp: udp
                .filter(|row| row.socket.remote.port() == 0 && is_meant(row))
                .collect(),
            probes: snapshot.probes.items().iter().collect(),
        };
        for rows in [&mut case.listeners, &mut case.bound, &mut case.udp] {
            rows.sort_by_key(|row| order(row));
        }
        case.probes.sort_by_key(|probe| (probe.address, &probe.name));
        case
    }

    /// What the finding is about, in the user's own words as far as they named it.
    pub(crate) fn subject(&self) -> String {
        match (self.target, self.port) {
            (Some(target @ (Target::Address(_) | Target::Host { .. } | Target::Url(_))), _) => {
                target.to_string()
            }
            (_, Some(port)) => format!("port {port}"),
            (Some(target), None) => target.to_string(),
            (None, None) => "this machine".to_owned(),
        }
    }

    /// Whether the table of sockets was seen.
    pub(crate) fn sees_sockets(&self) -> bool {
        self.snapshot.tcp.is_known()
    }

    /// Whether a command failed when it took a port.
    pub(crate) fn is_binding(&self) -> bool {
        self.symptom.is_some_and(|symptom| match symptom.operation {
            Some(operation) => operation == Operation::Bind,
            None => symptom.failure == Some(Failure::AddressInUse),
        })
    }

    /// Whether a command failed when it took a port that somebody has.
    pub(crate) fn finds_port_in_use(&self) -> bool {
        self.is_binding() && matches!(self.failure(), None | Some(Failure::AddressInUse))
    }

    /// Whether a command failed when it went out.
    pub(crate) fn is_connecting(&self) -> bool {
        let fails_outwards = |failure| {
            matches!(
                failure,
                Failure::Refused
                    | Failure::Reset
                    | Failure::TimedOut
                    | Failure::Unreachable
                    | Failure::Tls
                    | Failure::Http(_)
            )
        };
        self.symptom.is_some_and(|symptom| match symptom.operation {
            Some(operation) => matches!(operation, Operation::Connect | Operation::Talk),
            None => symptom.failure.is_some_and(fails_outwards),
        })
    }

    /// How a command failed.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.symptom?.failure
    }

    /// Whether the symptom's text holds one of `phrases`, given in lower case.
    pub(crate) fn mentions(&self, phrases: &[&str]) -> bool {
        self.symptom.is_some_and(|symptom| symptom.mentions(phrases))
    }

    /// The address that was asked for, or that a command could not reach or take.
    pub(crate) fn asked_address(&self) -> Option<IpAddr> {
        let failed = self.symptom.and_then(|symptom| symptom.address);
        let failed = failed.filter(|address| Some(address.port()) == self.port);
        failed
            .map(|address| address.ip())
            .or_else(|| self.target?.address())
    }

    /// The host's name that was asked for.
    pub(crate) fn asked_name(&self) -> Option<&'a str> {
        let is_plain_word =
            matches!(self.target, Some(Target::Name(name)) if !name.contains('.') && name != "localhost");
        self.target?.host().filter(|_| !is_plain_word)
    }

    /// The scheme of the URL that was asked for.
    pub(crate) fn scheme(&self) -> Option<&'a str> {
        self.target?.scheme()
    }

    /// Whether `address` is this machine's own; `None` where its interfaces were not seen.
    pub(crate) fn is_here(&self, address: IpAddr) -> Option<bool> {
        self.snapshot.is_here(address)
    }

    /// Whether what is asked about leads to another machine, as far as known.
    pub(crate) fn leads_elsewhere(&self) -> bool {
        if let Some(address) = self.asked_address() {
            return self.is_here(address) == Some(false);
        }
        let resolution = self
            .asked_name()
            .and_then(|name| self.snapshot.names.resolution(name));
        let addresses = resolution.map_or(&[] as &[IpAddr], |resolution| resolution.addresses());
        !addresses.is_empty()
            && addresses
                .iter()
                .all(|address| self.is_here(*address) == Some(false))
    }

    /// What a connection to the port on 127.0.0.1 would meet.
    pub(crate) fn meets_v4(&self) -> Meeting<'a> {
        self.meets(V4)
    }

    /// What a connection to the port on ::1 would meet.
    pub(crate) fn meets_v6(&self) -> Meeting<'a> {
        self.meets(V6)
    }

    /// What a connection to the port on `address` would meet.
    pub(crate) fn meets(&self, address: IpAddr) -> Meeting<'a> {
        let Some(port) = self.port else {
            return Meeting::Unknown("no port is asked about");
        };
        let mut met = self.snapshot.meets(SocketAddr::new(address, port));
        if let Meeting::Listeners(rows) = &mut met {
            rows.sort_by_key(|row| order(row));
        }
        met
    }

    /// The container that publishes the port, and the port inside.
    pub(crate) fn published(&self) -> Option<(&'a wharf_facts::Container, u16)> {
        let port = self.port?;
        let mut found: Vec<_> = self
            .snapshot
            .containers
            .items()
            .iter()
            .filter(|container| container.state.known().is_none_or(|state| state == "running"))
            .flat_map(|container| container.published_at(port).map(move |each| (container, each)))
            .filter(|(_, each)| each.protocol == Protocol::Tcp)
            .map(|(container, each)| (container, each.inside))
            .collect();
        found.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        found.first().copied()
    }

    /// The processes that have `socket` open, as far as seen, by pid.
    pub(crate) fn owners(&self, socket: &SocketFacts) -> Vec<&'a ProcessFacts> {
        let mut pids = socket.owner.pids().to_vec();
        pids.sort_unstable();
        pids.dedup();
        pids.iter()
            .filter_map(|pid| self.processes.get(pid).copied())
            .collect()
    }

    /// The processes that listen at the port, by pid, each once.
    pub(crate) fn listening(&self) -> Vec<&'a ProcessFacts> {
        let mut all: Vec<_> = self
            .listeners
            .iter()
            .flat_map(|listener| self.owners(listener))
            .collect();
        all.sort_by_key(|process| process.pid);
        all.dedup_by_key(|process| process.pid);
        all
    }

    /// Who has `socket` open, in words.
    pub(crate) fn who(&self, socket: &SocketFacts) -> String {
        words::owner(self.snapshot, socket)
    }

    /// Who listens at the port, in words.
    pub(crate) fn whos(&self) -> String {
        let mut all: Vec<String> = self.listeners.iter().map(|listener| self.who(listener)).collect();
        all.dedup();
        words::join(all)
    }

    /// The container `pid` is in, or that `id` names: by name where known.
    pub(crate) fn container_name(container: &wharf_facts::Container) -> String {
        let id: String = container.id.chars().take(12).collect();
        words::clean(container.name.known().unwrap_or(&id))
    }

    /// Whether a probe took `address` for accepting.
    pub(crate) fn spoken(&self) -> Option<&'a str> {
        self.probes
            .iter()
            .filter_map(|probe| probe.protocol.known())
            .map(wharf_facts::Spoken::word)
            .find(|word| *word != "silent")
    }

    /// The command that stops what is at the port.
    pub(crate) fn stop_command(&self) -> String {
        self.port
            .map_or_else(String::new, |port| format!("wharf stop {port}"))
    }
}

/// Neither a listener nor merely bound.
fn is_connection(row: &SocketFacts) -> bool {
    match row.socket.state {
        TcpState::Listen | TcpState::BoundInactive => false,
        TcpState::Close => row.socket.remote.port() != 0,
        _ => true,
    }
}

/// The processes of `snapshot`, by pid.
fn index(snapshot: &Snapshot) -> BTreeMap<u32, &ProcessFacts> {
    let all = snapshot.processes.items().iter().rev();
    all.map(|process| (process.pid, process)).collect()
}

/// Whether somebody's own work: not a service of the machine.
pub(crate) fn is_work(process: &ProcessFacts) -> bool {
    if matches!(process.checkout, Seen::Known(Some(_))) {
        return true;
    }
    process.reason.known().is_some_and(|reason| {
        matches!(
            reason,
            Reason::Shell { .. }
                | Reason::PackageScript { .. }
                | Reason::Ide { .. }
                | Reason::Agent { .. }
                | Reason::Debugger { .. }
                | Reason::Orphan { .. }
        )
    })
}

/// An order of sockets that does not depend on how they were seen.
pub(crate) fn order(row: &SocketFacts) -> (SocketAddr, SocketAddr, u8, u64) {
    (
        row.socket.local,
        row.socket.remote,
        row.socket.state.number(),
        row.socket.inode,
    )
}
