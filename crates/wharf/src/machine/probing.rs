//! What is learnt by connecting, added to the facts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wharf_facts::{Reason, Seen, Snapshot, SocketFacts};
use wharf_probe::{Guess, Owner, Plan, Target, Whose, guess, probe_all};

/// More listeners than this are not asked at once.
const MOST: usize = 256;

/// Connects to `addresses`, by `name` where they were asked for by one, and adds what is learnt.
/// What has nobody to answer is connected to as well: whether it refuses or says nothing differs.
pub(crate) fn probe(snapshot: &mut Snapshot, addresses: &[SocketAddr], name: Option<&str>, plan: &Plan) {
    let targets: Vec<Target> = addresses
        .iter()
        .take(MOST)
        .filter_map(|&address| target(snapshot, address, name))
        .collect();
    // One budget for all: they are asked side by side.
    snapshot.probes = Seen::Known(probe_all(&targets, plan, wharf_probe::BUDGET));
}

/// The addresses at which `listener` is asked: a wildcard is asked on each family that it takes.
pub(crate) fn doors(listener: SocketAddr, v6only: Option<bool>) -> Vec<SocketAddr> {
    let port = listener.port();
    let [v4, v6] = loopback(port);
    match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => vec![v4],
        IpAddr::V6(ip) if ip.is_unspecified() && v6only == Some(true) => vec![v6],
        IpAddr::V6(ip) if ip.is_unspecified() => vec![v4, v6],
        _ => vec![listener],
    }
}

/// Both loopback addresses.
pub(crate) fn loopback(port: u16) -> [SocketAddr; 2] {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    [v4, v6]
}

/// `None` for an address of another machine, which is never connected to.
fn target(snapshot: &Snapshot, address: SocketAddr, name: Option<&str>) -> Option<Target> {
    let target = Target::new(address).ok()?;
    let target = match name {
        Some(name) => target.named(name).ok()?,
        None => target,
    };
    let listener = snapshot.listeners().find(|socket| socket.socket.covers(address));
    let guess = listener.map(|listener| guessed(snapshot, listener));
    Some(match guess {
        Some(guess) => target.guessed(guess),
        None => target,
    })
}

fn guessed(snapshot: &Snapshot, listener: &SocketFacts) -> Guess {
    let whose = whose(snapshot, listener);
    match snapshot.owners(listener).next() {
        Some(process) => guess(&Owner::of_process(listener.port(), whose, process)),
        None => guess(&Owner::of_port(listener.port(), whose)),
    }
}

fn whose(snapshot: &Snapshot, listener: &SocketFacts) -> Whose {
    // What forwards into a container runs as root, and the container is the user's.
    let forwards = snapshot
        .owners(listener)
        .any(|process| matches!(process.reason.known(), Some(Reason::ContainerForward { .. })));
    match snapshot.viewer.uid.known() {
        _ if forwards => Whose::Own,
        Some(&uid) if uid == listener.socket.uid => Whose::Own,
        Some(_) => Whose::Anothers,
        None => Whose::Unknown,
    }
}
