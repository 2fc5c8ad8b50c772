//! A whole topology with packets in it: a network namespace for each host, and between them what the topology
//! says.
//!
//! ```text
//!  wharf ──────────────────────────── keeper                      a command at a host
//!    │ pump: devices of all hosts ◀────│ makes networks, devices   wharf __lab join … COMMAND
//!    │   └─ fabric: links, segments,   │ looks into hosts          (enters the namespaces that the
//!    │      routers, NAT, firewalls    │ splices to loopbacks       keeper holds, and becomes it)
//!    └─ usher: ports that are asked for ──▶ │
//! ```
//!
//! One thread, the *pump*, reads and writes the devices of all hosts. What happens between them is the
//! *fabric's*, which has no clock and no socket. The *keeper* is another process, and owns the namespaces: when it
//! ends, and it ends with this one, they go with the last command in them.

mod capture;
mod fabric;
mod guest;
mod keeper;
pub(crate) mod message;
mod plan;
mod pump;
mod spec;
mod usher;

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wharf_link::Conditions;
use wharf_relay::Relay;
use wharf_topology::{NodeId, Role, Routes, SegmentId, Topology};

pub use capture::{Capturing, NetworkCapture, Place};
pub use fabric::{Crossings, NodeFigures};
pub use guest::Guest;
pub use message::Listening;
pub use spec::{Loopback, Machine, NetworkFacts, NetworkFigures, NetworkLink, NetworkSpec};

use crate::channel::{Channel, MOST as MOST_DEVICES};
use crate::error::LabError;
use crate::gateway::{Behind, Gateway};
use crate::holds;
use crate::lab::handle;
use crate::message::{Carrier, Names, Tools};
use crate::stage::{Entry, Mode};
use crate::switch::gate::{Gate, queue};
use crate::switch::inbox::{Inbox, Orders};
use crate::switch::port::Port;
use keeper::Keeper;
use message::{Answer, Ask};
use pump::{Counted, Device, Order};
use usher::Usher;

/// A topology with packets in it.
///
/// Dropped, it ends: nothing passes any more, and its namespaces go with the last command in them.
#[derive(Debug)]
pub struct Network {
    keeper: Arc<Keeper>,
    inbox: Arc<Inbox<Order>>,
    pump: Option<JoinHandle<Vec<Device>>>,
    usher: Option<JoinHandle<()>>,
    process: Child,
    /// Readable once the keeper is over.
    alive: OwnedFd,
    exe: PathBuf,
    /// Where to join each node; none: it is no host.
    entries: Vec<Option<Entry>>,
    names: Names,
    topology: Topology,
    links: Vec<String>,
    captures: AtomicU64,
    facts: NetworkFacts,
}

impl Network {
    /// Makes the hosts and lets packets pass.
    ///
    /// # Errors
    /// When the kernel refuses a namespace or a device, with what can be done about it.
    pub fn start(spec: &NetworkSpec) -> Result<Self, LabError> {
        let begun = Instant::now();
        let names = spec.topology.segments().map(|(_, segment)| segment.name.as_str());
        for (name, [up, down]) in names.zip(&spec.segments) {
            holds::check(name, &[up, down])?;
        }
        for link in &spec.links {
            holds::check(&link.name, &[&link.up, &link.down])?;
        }
        let (channel, end) = Channel::pair().map_err(LabError::io("make a channel"))?;
        let process = Command::new(&spec.exe)
            .args(crate::stage::keeper())
            .stdin(Stdio::from(end))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(LabError::io("start the lab's keeper"))?;
        let keeper = Arc::new(Keeper::new(channel));
        let (inbox, orders) = Inbox::open().map_err(LabError::io("start the switch"))?;
        let names = plan::names(spec);
        let mut network = Self {
            alive: handle(process.id()).map_err(LabError::io("watch the lab's keeper"))?,
            facts: NetworkFacts {
                carrier: Carrier::Tun,
                congestion: String::new(),
                ipv6: true,
                keeper: process.id(),
                start: Duration::ZERO,
            },
            keeper: Arc::clone(&keeper),
            inbox,
            pump: None,
            usher: None,
            process,
            exe: spec.exe.clone(),
            entries: vec![None; spec.topology.nodes().len()],
            names,
            topology: spec.topology.clone(),
            links: spec.links.iter().map(|link| link.name.clone()).collect(),
            captures: AtomicU64::new(0),
        };
        let (owner, names) = keeper.begin(spec, &network.names)?;
        let routes = spec.topology.routes();
        let devices = network.make_hosts(spec, &routes, &owner, names)?;
        network.connect(spec, routes, devices, orders)?;
        network.facts.start = begun.elapsed();
        Ok(network)
    }

    fn make_hosts(
        &mut self,
        spec: &NetworkSpec,
        routes: &Routes,
        owner: &str,
        names: i32,
    ) -> Result<Vec<Device>, LabError> {
        let mut devices = Vec::new();
        for (node, about) in spec.topology.nodes() {
            if about.role != Role::Host {
                continue;
            }
            if about.interfaces.len() > MOST_DEVICES {
                let (name, count) = (&about.name, about.interfaces.len());
                return Err(LabError::Refused {
                    error: format!(
                        "make the host {name}: it is on {count} segments, and may be on {MOST_DEVICES}"
                    ),
                    hint: Some("put a router between".to_owned()),
                });
            }
            let plan = plan::host(&spec.topology, routes, node);
            let (answer, packets) = self.keeper.ask(&Ask::Host(plan), &[])?;
            let Answer::Host {
                carrier,
                ipv6,
                congestion,
                network,
            } = answer
            else {
                return Err(LabError::Killed("keeper of namespaces"));
            };
            self.facts.carrier = carrier;
            self.facts.ipv6 &= ipv6;
            self.facts.congestion = congestion;
            self.entries[node.index()] = Some(Entry {
                keeper: self.facts.keeper,
                owner: owner.to_owned(),
                network,
                names,
            });
            for (on, packets) in about.interfaces.iter().zip(packets) {
                devices.push(Device {
                    node,
                    over: on.segment,
                    port: Port::new(packets, carrier),
                });
            }
        }
        Ok(devices)
    }

    /// Starts the pump and the usher.
    fn connect(
        &mut self,
        spec: &NetworkSpec,
        routes: Routes,
        devices: Vec<Device>,
        orders: Orders<Order>,
    ) -> Result<(), LabError> {
        let (to, held) = queue();
        let mut gates = Vec::new();
        for (node, about) in spec.topology.nodes() {
            let is_machine = spec.machine.as_ref().is_some_and(|machine| machine.node == node);
            let is_gated = is_machine || about.role == Role::Host && spec.loopback == Loopback::Reached;
            let addresses = spec.topology.addresses(node);
            let addresses = addresses.filter(|address| self.facts.ipv6 || address.is_ipv4());
            gates.push(is_gated.then(|| Gate::new(addresses.collect(), to.clone())));
        }
        drop(to);
        let places = devices.iter().map(|device| {
            let gate = gates.get(device.node.index()).and_then(Option::as_ref);
            (device.node, device.port.clone(), gate.map(Gate::open))
        });
        let usher = Usher {
            keeper: Arc::clone(&self.keeper),
            places: places.collect(),
            machine: match &spec.machine {
                Some(machine) => Some((machine.node, self.open_machine(spec, machine)?)),
                None => None,
            },
        };
        if gates.iter().any(Option::is_some) {
            let thread = std::thread::Builder::new().name("wharf-lab-usher".to_owned());
            let thread = thread.spawn(move || usher.run(&held));
            self.usher = Some(thread.map_err(LabError::io("start the gateway"))?);
        }
        let pump = pump::start(spec, routes, devices, gates, orders);
        self.pump = Some(pump.map_err(LabError::io("start the switch"))?);
        Ok(())
    }

    fn open_machine(&self, spec: &NetworkSpec, machine: &Machine) -> Result<Gateway, LabError> {
        let keeper = Arc::clone(&self.keeper);
        let node = machine.node.index();
        let make = move |wanted| {
            let (_, sockets) = keeper
                .ask(&Ask::Socket(node, wanted), &[])
                .map_err(io::Error::other)?;
            let socket = sockets.into_iter().next();
            socket.ok_or_else(|| io::Error::other("the process that makes sockets is gone"))
        };
        let addresses = spec.topology.addresses(machine.node);
        let addresses: Vec<IpAddr> = addresses
            .filter(|address| self.facts.ipv6 || address.is_ipv4())
            .collect();
        let allow = machine.allow.clone();
        let relay = Relay::start()?;
        Ok(Gateway::new(
            addresses,
            Behind::Another,
            Box::new(make),
            relay,
            allow,
        ))
    }

    /// What is known of it.
    #[must_use]
    pub fn facts(&self) -> &NetworkFacts {
        &self.facts
    }

    /// The words to put before those of a command, so that it runs at this host: it enters the host's
    /// namespaces, has its names, gives up what it shall not have, and becomes the command. None: no host.
    #[must_use]
    pub fn prefix(&self, node: NodeId, tools: Tools) -> Option<Vec<OsString>> {
        let entry = self.entries.get(node.index())?.as_ref()?;
        let arguments = entry.arguments(Mode::Command, tools);
        let exe = self.exe.clone().into_os_string();
        Some([exe].into_iter().chain(arguments.map(Into::into)).collect())
    }

    /// Runs a command at a host with these standard streams: input, output, error.
    ///
    /// # Errors
    /// When the node is no host, or a process cannot be started.
    pub fn run(
        &self,
        node: NodeId,
        command: &[OsString],
        streams: [BorrowedFd<'_>; 3],
        tools: Tools,
    ) -> Result<Guest, LabError> {
        let entry = self.entries.get(node.index()).and_then(Option::as_ref);
        let entry = entry.ok_or_else(|| LabError::Refused {
            error: "run a command at a node: it is no host".to_owned(),
            hint: Some("routers, address translators and firewalls run no commands: name a host".to_owned()),
        })?;
        let before = entry.arguments(Mode::Guest, tools);
        let alive = self.alive.try_clone();
        let alive = alive.map_err(LabError::io("watch the lab's keeper"))?;
        Guest::start(&self.exe, &before, command, self.names.clone(), streams, alive)
    }

    /// Changes the conditions of a segment from now on.
    pub fn set_segment(&self, segment: SegmentId, up: Conditions, down: Conditions) {
        self.inbox.send(Order::Segment(segment, Box::new([up, down])));
    }

    /// Changes the conditions of a link, by its place in [`NetworkSpec::links`], from now on.
    pub fn set_link(&self, link: usize, up: Conditions, down: Conditions) {
        self.inbox.send(Order::Link(link, Box::new([up, down])));
    }

    /// Takes a segment down: nothing passes it any more. Routers know at once, and go around it where they can.
    pub fn cut(&self, segment: SegmentId) {
        self.inbox.send(Order::Cut(segment));
    }

    /// Brings a segment up again that was cut.
    pub fn heal(&self, segment: SegmentId) {
        self.inbox.send(Order::Heal(segment));
    }

    /// Lets sockets that listen in this process's network lead to a port of a host, from now on.
    ///
    /// # Errors
    /// When the node is no host.
    pub fn publish(&self, node: NodeId, port: u16, listeners: &[TcpListener]) -> Result<(), LabError> {
        let descriptors: Vec<_> = listeners.iter().map(AsFd::as_fd).collect();
        self.keeper
            .ask(&Ask::Publish(node.index(), port), &descriptors)
            .map(drop)
    }

    /// Begins to write packets into a file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn capture(&self, capture: NetworkCapture) -> Result<Capturing, LabError> {
        let number = self.captures.fetch_add(1, Ordering::Relaxed);
        capture::begin(capture, number, &self.topology, &self.links, &self.inbox)
    }

    /// What listens at a host.
    ///
    /// # Errors
    /// When the node is no host, or its sockets cannot be seen.
    pub fn listeners(&self, node: NodeId) -> Result<Vec<Listening>, LabError> {
        match self.keeper.ask(&Ask::Listeners(node.index()), &[])? {
            (Answer::Listeners(found), _) => Ok(found),
            _ => Err(LabError::Killed("keeper of namespaces")),
        }
    }

    /// The ports of a host to which packets do not come themselves: only the host's loopback has them, and the last hop
    /// is a relay in the host's network. Known from the first connection on.
    ///
    /// # Errors
    /// When the node is no host.
    pub fn relayed(&self, node: NodeId) -> Result<Vec<u16>, LabError> {
        match self.keeper.ask(&Ask::Relayed(node.index()), &[])? {
            (Answer::Ports(ports), _) => Ok(ports),
            _ => Err(LabError::Killed("keeper of namespaces")),
        }
    }

    /// What has passed.
    ///
    /// # Errors
    /// When the switch has ended, by a bug.
    pub fn figures(&self) -> Result<NetworkFigures, LabError> {
        let (to, from) = sync_channel(1);
        self.inbox.send(Order::Count(to));
        let Counted {
            crossings,
            read,
            trains,
            lateness,
        } = from.recv().map_err(|_| LabError::NoSwitch)?;
        Ok(NetworkFigures {
            read,
            trains,
            crossings,
            lateness,
        })
    }

    /// Readable once the keeper is over, and the network with it.
    #[must_use]
    pub fn watch(&self) -> BorrowedFd<'_> {
        self.alive.as_fd()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.inbox.send(Order::Stop);
        let pump = self.pump.take().map(JoinHandle::join);
        // With the pump went the gates, and with them what the usher waits for.
        if let Some(usher) = self.usher.take() {
            let _ = usher.join();
        }
        close(pump.and_then(Result::ok).unwrap_or_default());
        self.keeper.end();
        let _ = self.process.wait();
    }
}

/// Closes devices side by side: the kernel takes 20 ms for each, most of which it waits.
fn close(devices: Vec<Device>) {
    const MOST: usize = 64;
    let share = devices.len().div_ceil(MOST).max(1);
    let mut devices = devices.into_iter();
    std::thread::scope(|scope| {
        for _ in 0..MOST {
            let some: Vec<_> = devices.by_ref().take(share).collect();
            if !some.is_empty() {
                scope.spawn(move || drop(some));
            }
        }
    });
}
