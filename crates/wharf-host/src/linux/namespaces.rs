//! Other network namespaces: which there are, and who listens in them.
//!
//! sock_diag(7) tells of one namespace only, that of the thread which opened the socket. So a
//! short-lived thread of its own enters each one (setns(2), which needs `CAP_SYS_ADMIN`) and asks
//! there. Where that is not permitted there is `/proc/PID/net/tcp`, which shows the namespace of
//! *that* process to whoever may see the process: text, without the v6only option, but the truth.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::os::fd::AsFd;
use wharf_facts::{Holder, NetNamespace, Protocol, Seen, Socket, SocketFacts, TcpState};

use super::descriptors::{Span, each_socket};
use super::procfs::{path, processes, read};
use super::{detail, interfaces, machine, sock_diag};
use crate::Result;
use crate::sockets::States;

/// More namespaces than this are not entered.
const MOST: usize = 256;
/// Where `ip netns` keeps its names.
const NAMED: &str = "/run/netns";

/// A namespace, and a file by which it can be entered.
#[derive(Default)]
struct Place {
    name: Option<String>,
    pids: Vec<u32>,
    entrance: PathBuf,
}

/// The network namespaces that can be seen, without this thread's own.
pub(crate) fn namespaces() -> Result<Vec<NetNamespace>> {
    let mut places: BTreeMap<u64, Place> = BTreeMap::new();
    for pid in processes()? {
        let entrance = path(pid, "ns/net");
        let link = fs::read_link(&entrance).unwrap_or_default();
        if let Some(inode) = link.to_str().and_then(detail::namespace) {
            let place = places.entry(inode).or_default();
            place.pids.push(pid);
            place.entrance = entrance;
        }
    }
    for entry in fs::read_dir(NAMED).into_iter().flatten().flatten() {
        if let Ok(found) = fs::metadata(entry.path()) {
            let place = places.entry(found.ino()).or_default();
            place.name = Some(entry.file_name().to_string_lossy().into_owned());
            place.entrance = entry.path();
        }
    }
    if let Some(own) = machine::own_namespace() {
        places.remove(&own);
    }
    Ok(places.into_iter().take(MOST).map(look_into).collect())
}

fn look_into((inode, place): (u64, Place)) -> NetNamespace {
    let (mut listeners, addresses) = match enter(&place.entrance) {
        Ok(seen) => seen,
        Err(why) => (by_text(&place.pids, &why), Seen::unknown(why)),
    };
    if let Seen::Known(listeners) = &mut listeners {
        find_owners(listeners, &place.pids);
    }
    NetNamespace {
        inode,
        name: place.name,
        pids: place.pids,
        container: None,
        listeners,
        addresses,
    }
}

/// Gives each socket those of `pids` that have it open. Processes of other namespaces may, too.
fn find_owners(sockets: &mut [SocketFacts], pids: &[u32]) {
    let mut owners: HashMap<u64, BTreeSet<u32>> = HashMap::new();
    let inodes = sockets.iter().map(|socket| socket.socket.inode);
    owners.extend(inodes.map(|inode| (inode, BTreeSet::new())));
    for &pid in pids {
        // Not to be looked into, or gone: then it may be the owner, and the owner is hidden.
        let _ = each_socket(pid, Span::All, |inode| {
            if let Some(owners) = owners.get_mut(&inode) {
                owners.insert(pid);
            }
        });
    }
    for socket in sockets {
        socket.owner = match owners.get(&socket.socket.inode) {
            Some(pids) if !pids.is_empty() => Holder::AtLeast(pids.iter().copied().collect()),
            _ => Holder::Hidden,
        };
    }
}

type Sight = (Seen<Vec<SocketFacts>>, Seen<Vec<IpAddr>>);

/// What a thread sees that enters by `entrance`.
fn enter(entrance: &Path) -> std::result::Result<Sight, String> {
    let file = File::open(entrance).map_err(|error| format!("open {}: {error}", entrance.display()))?;
    // A thread of its own: whoever asked stays where they are, and the thread ends in there.
    let look = move || -> std::result::Result<Sight, String> {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| format!("enter the namespace (needs CAP_SYS_ADMIN): {error}"))?;
        let sockets = sock_diag::sockets(Protocol::Tcp, States::LISTEN);
        let listeners = sockets.map(|sockets| sockets.into_iter().map(SocketFacts::new).collect());
        let addresses = interfaces::interfaces().map(|interfaces| {
            let each = interfaces.into_iter().flat_map(|interface| interface.addresses);
            each.map(|address| address.address).collect()
        });
        Ok((listeners.into(), addresses.into()))
    };
    let thread = thread::Builder::new().name("netns".to_owned()).spawn(look);
    let thread = thread.map_err(|error| format!("start a thread: {error}"))?;
    thread
        .join()
        .unwrap_or_else(|_| Err("the thread that entered it failed".to_owned()))
}

/// The listeners in the namespace of `pids`, as `/proc/PID/net` tells of them.
fn by_text(pids: &[u32], why: &str) -> Seen<Vec<SocketFacts>> {
    for &pid in pids {
        let Ok(v4) = read(&path(pid, "net/tcp")) else {
            continue;
        };
        let v6 = read(&path(pid, "net/tcp6")).unwrap_or_default();
        let mut found = Vec::new();
        for text in [v4, v6] {
            let text = String::from_utf8_lossy(&text);
            found.extend(text.lines().skip(1).filter_map(row));
        }
        found.retain(SocketFacts::listens);
        return Seen::Known(found);
    }
    Seen::unknown(why)
}

/// A row of `/proc/net/tcp` (proc_pid_net(5)): number, own address, peer's address, state, queues,
/// timer, retransmits, user, timeout, inode.
fn row(line: &str) -> Option<SocketFacts> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = address(fields.next()?)?;
    let remote = address(fields.next()?)?;
    let state = TcpState::try_from(u8::from_str_radix(fields.next()?, 16).ok()?).ok()?;
    let (send, receive) = fields.next()?.split_once(':')?;
    let mut rest = fields.skip(2);
    let uid = rest.next()?.parse().ok()?;
    let inode = rest.nth(1)?.parse().ok()?;
    let queue = |digits| u32::from_str_radix(digits, 16).ok();
    Some(SocketFacts::new(Socket {
        protocol: Protocol::Tcp,
        state,
        local,
        remote,
        uid,
        inode,
        cgroup: None,
        v6only: None,
        interface: None,
        receive_queue: queue(receive)?,
        send_queue: queue(send)?,
    }))
}

/// `0100007F:1F90`: the address as 32-bit words in the machine's order, the port in ours.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| {
        let digits = ip.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn rows_read_as_the_kernel_writes_them() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000001:00000002 00:00000000 00000000  1000 \
             0 4242 1 ffff 100 0 0 10 0";
        let socket = row(line).expect("a row").socket;
        assert_eq!(socket.local, "127.0.0.1:8080".parse().expect("an address"));
        assert_eq!(
            (socket.state, socket.uid, socket.inode),
            (TcpState::Listen, 1000, 4242)
        );
        assert_eq!((socket.send_queue, socket.receive_queue), (1, 2));
        assert_eq!(
            address("00000000000000000000000001000000:0050"),
            "[::1]:80".parse().ok()
        );
    }

    proptest! {
        #[test]
        fn no_text_can_make_the_parser_panic(text in "[0-9A-F: ]{0,120}|(?s).{0,60}") {
            let _ = (row(&text), address(&text));
        }
    }
}
