//! The process that owns the namespaces. It makes both networks and the link's two ends, starts the
//! first process of the command's side, and then stays in the gateway's network and makes sockets there.

use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitCode, Stdio};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::{ARGUMENT, INIT, Trouble, outlive_the_terminal};
use crate::channel::Channel;
use crate::kernel::namespaces::{self, NoNamespace, Owner};
use crate::kernel::rtnetlink::{Index, Neighbours, Netlink};
use crate::kernel::sysctl;
use crate::kernel::tun::Tun;
use crate::message::{
    Begin, Carrier, FAR_V4, FAR_V6, Family, FromFar, NEAR_V4, NEAR_V6, Wanted,
};

/// What the devices are called on both sides.
const DEVICE: &str = "wharf0";
/// As on Ethernet.
const MTU: u32 = 1500;

/// The arguments are the command.
pub(super) fn run(command: Vec<OsString>) -> ExitCode {
    let Ok(channel) = Channel::of_stdin() else {
        return ExitCode::FAILURE;
    };
    outlive_the_terminal();
    let Ok(Some((begin, descriptors))) = channel.receive::<Begin>() else {
        return ExitCode::FAILURE;
    };
    match set_up(&begin, descriptors, &command) {
        Ok(mut lab) => {
            let fds = [lab.near.as_fd(), lab.far.as_fd()];
            if channel.send(&lab.ready, &fds).is_ok() {
                drop((lab.near, lab.far));
                make_sockets(&channel);
            }
            // The first process of the command's side sees the same end, and takes all others with it.
            let _ = lab.init.wait();
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            let _ = channel.send(&FromFar::Failed(trouble), &[]);
            ExitCode::FAILURE
        }
    }
}

/// What was made.
struct Made {
    ready: FromFar,
    near: OwnedFd,
    far: OwnedFd,
    init: Child,
}

impl From<NoNamespace> for Trouble {
    fn from(error: NoNamespace) -> Self {
        Self::with(&error, error.remedy())
    }
}

fn set_up(begin: &Begin, descriptors: Vec<OwnedFd>, command: &[OsString]) -> Result<Made, Trouble> {
    let end = descriptors
        .into_iter()
        .next()
        .ok_or_else(|| Trouble::of("start the command's side: its channel is missing"))?;
    let owner = namespaces::enter_user_namespace()?;
    let near_network = namespaces::new_network()?;
    let near = Side::Near.set_up(begin)?;
    let far_network = namespaces::new_network()?;
    let far = Side::Far.set_up(begin)?;
    let ipv6 = near.ipv6 && far.ipv6;
    let congestion = sysctl::get("ipv4/tcp_congestion_control").unwrap_or_else(|| "unknown".to_owned());
    namespaces::new_pids_for_children()?;
    namespaces::enter_network(&near_network)?;
    let init = start_init(begin, owner, end, command)
        .map_err(|error| Trouble::of(format!("start the command's side: {error}")))?;
    namespaces::enter_network(&far_network)?;
    Ok(Made {
        ready: FromFar::Ready {
            carrier: Carrier::Tun,
            congestion,
            ipv6,
            init: init.id(),
        },
        near: near.device,
        far: far.device,
        init,
    })
}

fn start_init(begin: &Begin, owner: Owner, end: OwnedFd, command: &[OsString]) -> io::Result<Child> {
    let owner = match owner {
        Owner::Host => "host",
        Owner::User => "user",
    };
    Command::new(std::env::current_exe()?)
        .args([ARGUMENT, INIT, owner, begin.tools.word()])
        .args(command)
        .stdin(Stdio::from(end))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// The two ends of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Near,
    Far,
}

/// An end of the link, in a network of its own.
struct End {
    device: OwnedFd,
    ipv6: bool,
}

impl Side {
    fn addresses(self) -> (IpAddr, IpAddr) {
        match self {
            Self::Near => (NEAR_V4.into(), NEAR_V6.into()),
            Self::Far => (FAR_V4.into(), FAR_V6.into()),
        }
    }

    /// Sets up the network that this process has just entered.
    fn set_up(self, begin: &Begin) -> Result<End, Trouble> {
        settings(begin)?;
        let (tun, _) = Tun::create(&begin.tun, DEVICE).map_err(|error| no_device(begin, &error))?;
        let failed = |what: &'static str| move |error| Trouble::of(format!("{what}: {error}"));
        let mut netlink = Netlink::open().map_err(failed("open rtnetlink"))?;
        netlink
            .bring_up(Index::LOOPBACK, None, Neighbours::Asked)
            .map_err(failed("bring lo up"))?;
        let device = netlink.index(DEVICE).map_err(failed("find wharf0"))?;
        netlink
            .bring_up(device, Some(MTU), Neighbours::One)
            .map_err(failed("bring wharf0 up"))?;
        let (v4, v6) = self.addresses();
        netlink
            .add_address(device, v4, 24)
            .map_err(failed("add the IPv4 address"))?;
        // A kernel without IPv6, or one that has it switched off, has none here either.
        let ipv6 = netlink.add_address(device, v6, 64).is_ok();
        if self == Self::Near {
            netlink
                .add_default_route(device, FAR_V4.into())
                .map_err(failed("add the IPv4 route"))?;
            if ipv6 {
                netlink
                    .add_default_route(device, FAR_V6.into())
                    .map_err(failed("add the IPv6 route"))?;
            }
        }
        Ok(End {
            device: tun.fd,
            ipv6,
        })
    }
}

fn no_device(begin: &Begin, error: &io::Error) -> Trouble {
    let node = begin.tun.display();
    let what = format!("make a TUN device by {node}: {error}");
    match error.kind() {
        io::ErrorKind::PermissionDenied => Trouble::with(what, format!("sudo chmod 0666 {node}, or run it as root")),
        io::ErrorKind::NotFound => Trouble::with(what, "sudo modprobe tun"),
        _ => Trouble::of(what),
    }
}

/// The settings of a network, before it has a device.
fn settings(begin: &Begin) -> Result<(), Trouble> {
    // Anyone may have any port, and send echo requests.
    sysctl::try_set("ipv4/ip_unprivileged_port_start", "0");
    let gid = rustix::process::getegid().as_raw();
    if sysctl::set("ipv4/ping_group_range", "0 2147483647").is_err() {
        // In a user namespace only its own groups can be named.
        sysctl::try_set("ipv4/ping_group_range", &format!("{gid} {gid}"));
    }
    // No packets but the user's: no router solicitations, no link-local addresses and their reports.
    for conf in ["default", "all"] {
        sysctl::try_set(&format!("ipv6/conf/{conf}/accept_ra"), "0");
        sysctl::try_set(&format!("ipv6/conf/{conf}/router_solicitations"), "0");
        sysctl::try_set(&format!("ipv6/conf/{conf}/addr_gen_mode"), "1");
        sysctl::try_set(&format!("ipv6/conf/{conf}/accept_dad"), "0");
    }
    // A router that has no way says so at once (ICMP), instead of keeping silent.
    sysctl::try_set("ipv4/ip_forward", "1");
    sysctl::try_set("ipv6/conf/all/forwarding", "1");
    if let Some(name) = &begin.congestion {
        sysctl::set("ipv4/tcp_congestion_control", name).map_err(|error| {
            let allowed = sysctl::get("ipv4/tcp_allowed_congestion_control").unwrap_or_default();
            Trouble::with(
                format!("set the congestion control to {name}: {error}"),
                format!("a namespace may have those that the host allows everyone: {allowed}"),
            )
        })?;
    }
    Ok(())
}

/// Makes sockets until the switch is gone.
fn make_sockets(channel: &Channel) {
    while let Ok(Some((wanted, _))) = channel.receive::<Wanted>() {
        let sent = match make(wanted) {
            Ok(socket) => channel.send(&FromFar::Socket, &[socket.as_fd()]),
            Err(error) => {
                let trouble = Trouble::of(format!("make a socket at the gateway: {error}"));
                channel.send(&FromFar::Failed(trouble), &[])
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

fn make(wanted: Wanted) -> io::Result<OwnedFd> {
    let (family, kind) = match wanted {
        Wanted::Stream(family) => (family, SocketType::STREAM),
        Wanted::Datagram(family) => (family, SocketType::DGRAM),
    };
    let family = match family {
        Family::V4 => AddressFamily::INET,
        Family::V6 => AddressFamily::INET6,
    };
    Ok(socket_with(family, kind, SocketFlags::CLOEXEC, None)?)
}
