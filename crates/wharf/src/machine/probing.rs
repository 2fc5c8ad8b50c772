//! What is learnt by connecting, added to the facts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wharf_facts::{ProcessFacts, Reason, Seen, Snapshot, SocketFacts};
use wharf_probe::{Guess, Owner, Plan, Target, Whose, guess, probe_all};

/// More listeners than this are not asked at once.
const MOST: usize = 256;

/// Connects to `addresses`, by `name` where they were asked for by one, and adds what is learnt to
/// what was learnt before.
/// What has nobody to answer is connected to as well: whether it refuses or says nothing differs.
pub(crate) fn probe(snapshot: &mut Snapshot, addresses: &[SocketAddr], name: Option<&str>, plan: &Plan) {
    let targets: Vec<Target> = addresses
        .iter()
        .take(MOST)
        .filter_map(|&address| target(snapshot, address, name))
        .collect();
    // One budget for all: they are asked side by side.
    let mut probes = snapshot.probes.items().to_vec();
    probes.extend(probe_all(&targets, plan, wharf_probe::BUDGET));
    snapshot.probes = Seen::Known(probes);
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
    let owner = snapshot.owners(listener).next();
    // Of what forwards, the far end is met: MySQL behind docker-proxy counts handshakes as ever.
    if let Some(inside) = owner.and_then(|owner| far_port(snapshot, owner, listener.port())) {
        return guess(&Owner::of_port(inside, whose));
    }
    match owner {
        Some(process) => guess(&Owner::of_process(listener.port(), whose, process)),
        None => guess(&Owner::of_port(listener.port(), whose)),
    }
}

/// The port at the far end of a forwarder's `port`, as its command line or its engine says it.
fn far_port(snapshot: &Snapshot, owner: &ProcessFacts, port: u16) -> Option<u16> {
    match owner.reason.known()? {
        Reason::ContainerForward { target, .. } => {
            let named = target.as_deref().and_then(last_port);
            let containers = snapshot.containers.items().iter();
            let published = || {
                containers
                    .flat_map(|container| container.published_at(port))
                    .map(|published| published.inside)
                    .next()
            };
            named.or_else(published)
        }
        // `-L [address:]port:host:hostport` (ssh(1)).
        Reason::SshForward { forwards, .. } => forwards
            .iter()
            .filter(|forward| forward.split([' ', ':']).any(|word| word.parse() == Ok(port)))
            .find_map(|forward| last_port(forward)),
        _ => None,
    }
}

fn last_port(text: &str) -> Option<u16> {
    text.rsplit(':').next()?.parse().ok()
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wharf_probe::Touch;

    use super::*;

    #[track_caller]
    fn check(reason: &serde_json::Value, is_free: bool) {
        let snapshot: Snapshot = serde_json::from_value(json!({
            "version": 1,
            "viewer": { "uid": 1000 },
            "tcp": [{ "protocol": "tcp", "state": "listen", "local": "127.0.0.1:13306", "uid": 1000, "inode": 7,
                "owner": { "pids": [812] } }],
            "processes": [{ "pid": 812, "parent": 1, "start_time": 5, "name": "forwarder", "reason": reason }],
            "containers": [{ "id": "c0ffee", "engine": "docker",
                "ports": [{ "inside": 3306, "protocol": "tcp", "published": 13306 }] }],
        }))
        .expect("a snapshot");
        let listener = snapshot.listeners().next().expect("a listener");
        let touch = guessed(&snapshot, listener).touch;
        assert_eq!(touch == Touch::Freely, is_free, "{reason}: {touch:?}");
    }

    #[test]
    fn what_must_not_be_touched_is_not_touched_through_a_forwarder_either() {
        let proxy = |target: Option<&str>| json!({ "kind": "container-forward", "program": "docker-proxy", "target": target });
        check(&proxy(Some("172.17.0.2:3306")), false);
        check(&proxy(Some("172.17.0.2:80")), true);
        check(&proxy(None), false);
        let ssh = |forward: &str| json!({ "kind": "ssh-forward", "host": "prod", "forwards": [forward] });
        check(&ssh("-L 13306:db:3306"), false);
        check(&ssh("-L 127.0.0.1:13306:db:3306"), false);
        check(&ssh("-L 13306:web:80"), true);
        check(&ssh("-L 8080:db:3306"), true);
    }
}
