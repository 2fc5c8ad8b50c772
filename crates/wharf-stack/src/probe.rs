//! Readiness: watching one start of one service until it serves, or until told to stop.
//!
//! Each watch is a thread of its own that ends with the start it watches, so that a check
//! that hangs holds up no other. Whatever the check, the addresses reported are those that
//! the service *really* listens on, as sock_diag shows them in its cgroup or process tree:
//! many programs ignore `PORT`, or move on by one when it is taken. A service that takes datagrams
//! listens once it has bound a socket for them; one that takes both, once it has done both.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{self, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use wharf_facts::{Owner, Protocol, Socket};
use wharf_host::process::tree;
use wharf_host::sockets;
use wharf_lab::Network;
use wharf_lease::verify::{Service, Verdict, listener_of, receiver_of};
use wharf_topology::NodeId;

use crate::listens::{Listens, reachable, sorted};
use crate::notify::NotifySocket;
use crate::project::{Command, ReadyCheck, Transport};

/// Looks at the sockets this often at first, when a fast server is about to listen.
const EAGER: Duration = Duration::from_millis(3);
/// For so long.
const EAGER_FOR: Duration = Duration::from_secs(2);
/// And this often later.
const PATIENT: Duration = Duration::from_millis(50);
/// A service that listens somewhere else may be opening its debugger first: so long it is
/// given to open the port that it was told.
const ELSEWHERE_GRACE: Duration = Duration::from_millis(1500);
/// How often a command or an HTTP request is tried.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How long one try may take.
const ASK_FOR: Duration = Duration::from_secs(2);

/// What to watch.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) pid: u32,
    pub(crate) cgroup: Option<u64>,
    pub(crate) expected: SocketAddr,
    pub(crate) transport: Transport,
    /// Where it is, if not in this machine's network.
    pub(crate) within: Option<Within>,
    pub(crate) check: ReadyCheck,
    pub(crate) notify: Option<NotifySocket>,
    /// Set by the log reader when the line of a `log` check has been seen.
    pub(crate) line_seen: Arc<AtomicBool>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) cwd: PathBuf,
}

/// The network of a lab's host.
#[derive(Debug)]
pub(crate) struct Within {
    pub(crate) network: Weak<Network>,
    pub(crate) node: NodeId,
    /// Its addresses.
    pub(crate) addresses: Vec<IpAddr>,
    /// What leads there from this machine's.
    pub(crate) published: SocketAddr,
    /// The command that enters it.
    pub(crate) enter: Vec<String>,
}

impl Within {
    /// What listens there. The network is the service's own, and so is all that listens in it. None: nothing yet of some
    /// transport.
    fn look(&self, watch: &Watch) -> Option<(Listens, Told)> {
        let found = self.network.upgrade()?.listeners(self.node).ok()?;
        let port = watch.expected.port();
        let mut told = Told::As;
        let mut of = |protocol| {
            let all = found.iter().filter(|socket| socket.protocol == protocol);
            let all: Vec<SocketAddr> = all.map(|socket| socket.local).collect();
            let as_told: Vec<SocketAddr> = all.iter().copied().filter(|local| local.port() == port).collect();
            if as_told.is_empty() {
                told = Told::Otherwise;
            }
            let there = if as_told.is_empty() { all } else { as_told };
            sorted(there.into_iter().flat_map(|local| self.reached(local)).collect())
        };
        let listens = Listens {
            tcp: if watch.transport.has_tcp() {
                of(Protocol::Tcp)
            } else {
                Vec::new()
            },
            udp: if watch.transport.has_udp() {
                of(Protocol::Udp)
            } else {
                Vec::new()
            },
        };
        let lacks = watch.transport.has_tcp() && listens.tcp.is_empty()
            || watch.transport.has_udp() && listens.udp.is_empty();
        (!lacks).then_some((listens, told))
    }

    /// Where others reach what listens: what is for all addresses, or for the loopback alone, at the first of the node's.
    fn reached(&self, local: SocketAddr) -> Option<SocketAddr> {
        if !local.ip().is_unspecified() && !local.ip().is_loopback() {
            return Some(local);
        }
        Some(SocketAddr::new(*self.addresses.first()?, local.port()))
    }
}

/// Whether a service listens as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    As,
    Otherwise,
}

/// What a watch found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It serves, at these addresses, as it was told.
    Ready(Listens),
    /// It serves, but at other addresses than it was told.
    Elsewhere(Listens),
    /// Somebody else listens on its port.
    Foreign(Owner),
}

/// Watches until something is found or `stop` is set.
pub(crate) fn watch(watch: &Watch, stop: &AtomicBool) -> Option<Found> {
    let begun = Instant::now();
    let mut asked: Option<Instant> = None;
    let mut elsewhere_since: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        let listening = look(watch, begun, &mut elsewhere_since);
        if let Some(Found::Foreign(_)) = listening {
            return listening;
        }
        if watch.check == ReadyCheck::Listen {
            if listening.is_some() {
                return listening;
            }
        } else {
            let due = asked.is_none_or(|at| at.elapsed() >= ASK_EVERY);
            if due {
                asked = Some(Instant::now());
            }
            if passes(watch, due, listening.as_ref()) {
                return Some(listening.unwrap_or_else(|| Found::Ready(as_told(watch))));
            }
        }
        std::thread::sleep(if begun.elapsed() < EAGER_FOR {
            EAGER
        } else {
            PATIENT
        });
    }
    None
}

/// Where a service listens that does what it was told, as far as is known.
fn as_told(watch: &Watch) -> Listens {
    let at = |whether: bool| whether.then_some(watch.expected).into_iter().collect();
    Listens {
        tcp: at(watch.transport.has_tcp()),
        udp: at(watch.transport.has_udp()),
    }
}

/// Looks at the sockets; the walk through the process tree is made only when the cheap look
/// at all sockets (0.1 ms) shows the port, or now and then to find one elsewhere.
fn look(watch: &Watch, begun: Instant, elsewhere_since: &mut Option<Instant>) -> Option<Found> {
    let milliseconds = begun.elapsed().as_millis();
    let is_time = watch.within.is_some()
        || milliseconds % 100 < EAGER.as_millis() * 2
        || milliseconds >= EAGER_FOR.as_millis();
    if !is_time && !port_is_up(watch) {
        return None;
    }
    if let Some(within) = &watch.within {
        let (listens, told) = within.look(watch)?;
        return judged(listens, told, elsewhere_since);
    }
    let pids = tree(watch.pid);
    let service = Service {
        pids: &pids,
        cgroup: watch.cgroup,
    };
    let port = watch.expected.port();
    let mut listens = Listens::default();
    let mut told = Told::As;
    let kinds = [
        (watch.transport.has_tcp(), listener_of as Look, &mut listens.tcp),
        (watch.transport.has_udp(), receiver_of as Look, &mut listens.udp),
    ];
    for (_, look, found) in kinds.into_iter().filter(|(has, ..)| *has) {
        match look(service, port) {
            Ok(Verdict::AsTold(addresses)) => *found = sorted(addresses),
            Ok(Verdict::Elsewhere(addresses)) => {
                *found = sorted(addresses);
                told = Told::Otherwise;
            }
            Ok(Verdict::Foreign(owner)) => return Some(Found::Foreign(owner)),
            Ok(Verdict::NotYet) | Err(_) => return None,
        }
    }
    judged(listens, told, elsewhere_since)
}

fn judged(listens: Listens, told: Told, elsewhere_since: &mut Option<Instant>) -> Option<Found> {
    if told == Told::As {
        return Some(Found::Ready(listens));
    }
    let since = elsewhere_since.get_or_insert_with(Instant::now);
    (since.elapsed() >= ELSEWHERE_GRACE).then_some(Found::Elsewhere(listens))
}

type Look = fn(Service<'_>, u16) -> wharf_host::Result<Verdict>;

/// Whether anybody has the port, for all that the service is to carry.
fn port_is_up(watch: &Watch) -> bool {
    let on_it = |sockets: wharf_host::Result<Vec<Socket>>| {
        let port = watch.expected.port();
        sockets.is_ok_and(|sockets| sockets.iter().any(|socket| socket.local.port() == port))
    };
    (!watch.transport.has_tcp() || on_it(sockets::listeners()))
        && (!watch.transport.has_udp() || on_it(sockets::udp()))
}

fn passes(watch: &Watch, due: bool, listening: Option<&Found>) -> bool {
    let listening_at = match listening {
        Some(Found::Ready(listens) | Found::Elsewhere(listens)) => reachable(&listens.tcp).first().copied(),
        _ => None,
    }
    .unwrap_or(watch.expected);
    let address = watch
        .within
        .as_ref()
        .map_or(listening_at, |within| within.published);
    match &watch.check {
        ReadyCheck::Listen => listening.is_some(),
        ReadyCheck::Log(_) => watch.line_seen.load(Ordering::Relaxed),
        ReadyCheck::Notify => watch.notify.as_ref().is_some_and(NotifySocket::said_ready),
        ReadyCheck::Connect => due && TcpStream::connect_timeout(&address, ASK_FOR).is_ok(),
        ReadyCheck::Http(path) => due && answers_http(address, path),
        ReadyCheck::Command(command) => due && succeeds(command, watch),
    }
}

/// Whether a GET is answered with a status below 400.
fn answers_http(address: SocketAddr, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, ASK_FOR)?;
        stream.set_read_timeout(Some(ASK_FOR))?;
        stream.set_write_timeout(Some(ASK_FOR))?;
        let port = address.port();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
        )?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(matches!(&start, b"HTTP/1.1 200" | b"HTTP/1.0 200") || {
            start.starts_with(b"HTTP/1.") && matches!(start[9], b'2' | b'3')
        })
    };
    ask().unwrap_or(false)
}

/// Whether the command exits with 0 in time, in the service's environment.
fn succeeds(command: &Command, watch: &Watch) -> bool {
    let mut argv = watch
        .within
        .as_ref()
        .map(|within| within.enter.clone())
        .unwrap_or_default();
    argv.extend(crate::plan::argv(command));
    let Some((program, arguments)) = argv.split_first() else {
        return false;
    };
    let spawned = process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(watch.environment.iter().cloned())
        .current_dir(&watch.cwd)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = spawned else {
        return false;
    };
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if begun.elapsed() < ASK_FOR * 5 => std::thread::sleep(EAGER),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}
