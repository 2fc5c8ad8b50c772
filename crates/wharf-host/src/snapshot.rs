//! A snapshot of this machine.
//!
//! What is dear is not done unless the [`Scope`] wants it: a list of listeners walks no further
//! than to the first owner of each, and asks no resolver and no engine of containers. What waits
//! for others (names, engines) runs beside what reads the kernel, and is waited for no longer than
//! the scope's patience.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wharf_facts::{Holder, Names, ProcessFacts, Protocol, Seen, Snapshot, SocketFacts};

use crate::containers::Question;
use crate::owner::{self, Search};
use crate::platform::{self, Reader, Wanted};
use crate::resolver::{self, Lookups};
use crate::sockets::States;
use crate::{Result, proxies};

/// What is wanted of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    extent: Extent,
    names: Vec<String>,
    patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Listeners,
    Port(u16),
    Everything,
}

/// How much of a process is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What a list shows.
    Brief,
    /// Also its environment, descriptors and namespace.
    Whole,
}

impl Scope {
    /// Who listens: TCP listeners and UDP sockets, an owner of each and that one's ancestors, and
    /// the settings about ports.
    #[must_use]
    pub fn listeners() -> Self {
        Self {
            extent: Extent::Listeners,
            names: Vec::new(),
            patience: Duration::ZERO,
        }
    }

    /// All about `port`: its sockets in every state, those of its peers, all listeners, all owners,
    /// and everything else save the processes that have to do with none of these; of each other
    /// network namespace the first process. Names are waited
    /// for no longer than 15 ms.
    #[must_use]
    pub fn port(port: u16) -> Self {
        Self {
            extent: Extent::Port(port),
            names: usual_names(),
            patience: Duration::from_millis(15),
        }
    }

    /// Everything that can be seen. Names and engines are waited for up to two seconds.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            extent: Extent::Everything,
            names: usual_names(),
            patience: Duration::from_secs(2),
        }
    }

    /// Also resolve `name`.
    #[must_use]
    pub fn resolving(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        self
    }

    /// Wait so long for names and for engines of containers.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

/// `localhost`, a name under it, and the machine's own.
fn usual_names() -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "wharf.localhost".to_owned()];
    names.extend(
        platform::system()
            .hostname
            .into_known()
            .filter(|name| name != "localhost"),
    );
    names
}

/// Looks at this machine. Never fails: what could not be seen says why, in its place.
#[must_use]
pub fn take(scope: &Scope) -> Snapshot {
    let all = scope.extent != Extent::Listeners;
    let lookups = Lookups::start(&scope.names);
    let engines = all.then(|| Question::ask(scope.patience));

    let taken_at = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut snapshot = Snapshot {
        taken_at: taken_at
            .map(|since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
            .into(),
        system: platform::system(),
        viewer: platform::viewer(),
        ..Snapshot::default()
    };
    snapshot.tcp = tcp(scope.extent).into();
    snapshot.udp = udp(scope.extent).into();
    find_owners(&mut snapshot, scope.extent);
    find_cgroups(&mut snapshot, scope.extent);
    if all {
        snapshot.namespaces = platform::namespaces().into();
    }
    snapshot.processes = processes(&snapshot, scope.extent).into();
    snapshot.doubt_owners();
    if all {
        snapshot.settings = platform::settings();
        snapshot.interfaces = platform::interfaces().into();
        snapshot.counters = platform::counters();
        snapshot.limits = platform::limits();
        snapshot.proxies = Seen::Known(own_proxies());
    } else {
        snapshot.settings = platform::about_ports();
    }
    if all || !scope.names.is_empty() {
        snapshot.names = Names {
            resolutions: lookups.finish(scope.patience),
            ..resolver::files()
        };
    }
    if let Some(engines) = engines {
        snapshot.containers = engines.finish(scope.patience);
        snapshot.join_containers();
    }
    snapshot.find_reasons();
    snapshot
}

fn own_proxies() -> wharf_facts::Proxies {
    let variables: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    proxies::of(
        variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    )
}

fn tcp(extent: Extent) -> Result<Vec<SocketFacts>> {
    let entries = |states, wanted| platform::entries(Protocol::Tcp, states, wanted);
    let found = match extent {
        Extent::Listeners => entries(States::LISTEN, Wanted::All)?,
        Extent::Everything => entries(States::ALL, Wanted::All)?,
        Extent::Port(port) => {
            // Its own in a dump of its own: a long one may lose a socket while others come and go.
            let mut found = entries(States::ALL, Wanted::Port(port))?;
            let listeners = entries(States::LISTEN, Wanted::All)?.into_iter();
            found.extend(listeners.filter(|(socket, _)| socket.local.port() != port));
            found
        }
    };
    Ok(found.into_iter().map(facts).collect())
}

fn udp(extent: Extent) -> Result<Vec<SocketFacts>> {
    let wanted = match extent {
        Extent::Port(port) => Wanted::Port(port),
        Extent::Listeners | Extent::Everything => Wanted::All,
    };
    let found = platform::entries(Protocol::Udp, States::ALL, wanted)?;
    Ok(found.into_iter().map(facts).collect())
}

fn facts((socket, timer): platform::Entry) -> SocketFacts {
    SocketFacts {
        timer,
        ..SocketFacts::new(socket)
    }
}

/// Gives each socket its owner.
fn find_owners(snapshot: &mut Snapshot, extent: Extent) {
    let search = match extent {
        Extent::Listeners => Search::FirstOfEach,
        Extent::Port(_) | Extent::Everything => Search::All,
    };
    let sockets: Vec<&mut SocketFacts> = sockets(snapshot).collect();
    let bare: Vec<_> = sockets.iter().map(|socket| &socket.socket).collect();
    // Where the processes cannot be listed, nobody was asked, and the owners stay so.
    let holders = owner::holders(&bare, search).unwrap_or_default();
    for (socket, holder) in sockets.into_iter().zip(holders) {
        socket.owner = holder;
    }
}

fn sockets(snapshot: &mut Snapshot) -> impl Iterator<Item = &mut SocketFacts> {
    let tables = [&mut snapshot.tcp, &mut snapshot.udp];
    tables.into_iter().flat_map(|table| match table {
        Seen::Known(table) => table.as_mut_slice(),
        Seen::Unknown(_) => &mut [],
    })
}

/// Gives each socket its cgroup's path. In a list only those whose owner is hidden: of the others the
/// owner's is known.
fn find_cgroups(snapshot: &mut Snapshot, extent: Extent) {
    let is_asked = |socket: &SocketFacts| extent != Extent::Listeners || socket.owner == Holder::Hidden;
    let ids: BTreeSet<u64> = sockets(snapshot)
        .filter(|socket| is_asked(socket))
        .filter_map(|socket| socket.socket.cgroup)
        .collect();
    let paths = platform::cgroup_paths(&ids);
    for socket in sockets(snapshot) {
        let path = socket.socket.cgroup.and_then(|id| paths.get(&id));
        socket.cgroup_path = path.cloned();
    }
}

/// The owners, the first process of each other network namespace, by which its container is known,
/// and the ancestors of both; or all.
fn processes(snapshot: &Snapshot, extent: Extent) -> Result<Vec<ProcessFacts>> {
    let mut reader = Reader::new(match extent {
        Extent::Listeners => Detail::Brief,
        Extent::Port(_) | Extent::Everything => Detail::Whole,
    });
    let tables = [&snapshot.tcp, &snapshot.udp];
    let sockets = tables.into_iter().flat_map(|table| table.items());
    let mut waiting: Vec<u32> = sockets.flat_map(|socket| socket.owner.pids()).copied().collect();
    let namespaces = snapshot.namespaces.items().iter();
    waiting.extend(namespaces.filter_map(|namespace| namespace.pids.iter().min()));
    if extent == Extent::Everything {
        match crate::process::all() {
            Ok(all) => waiting.extend(all),
            // Where processes cannot be listed, those that have sockets can be seen all the same.
            Err(error) if waiting.is_empty() => return Err(error),
            Err(_) => {}
        }
    }
    let mut seen: BTreeSet<u32> = BTreeSet::from([0]);
    let mut found = Vec::new();
    while let Some(pid) = waiting.pop() {
        if !seen.insert(pid) {
            continue;
        }
        if let Some(process) = reader.read(pid) {
            waiting.push(process.parent);
            waiting.extend(process.traced_by);
            found.push(process);
        }
    }
    found.sort_by_key(|process| process.pid);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_resolved_once() {
        let scope = Scope::listeners().resolving("a").resolving("a");
        assert_eq!(scope.names, ["a"]);
    }
}
