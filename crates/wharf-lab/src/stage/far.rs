//! The process that owns the namespaces. It makes both networks and the link's two ends, starts the
//! first process of the command's side, and then stays in the gateway's network and makes sockets there.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitCode, Stdio};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::{ARGUMENT, INIT, Trouble, ends, outlive_the_terminal};
use crate::channel::Channel;
use crate::kernel::namespaces::{self, NoNamespace, Owner};
use crate::kernel::sysctl;
use crate::message::{Begin, Family, FromFar, Wanted};

/// The arguments are the command.
pub(super) fn run(command: &[OsString]) -> ExitCode {
    let Ok(channel) = Channel::of_stdin() else {
        return ExitCode::FAILURE;
    };
    outlive_the_terminal();
    let Ok(Some((begin, descriptors))) = channel.receive::<Begin>() else {
        return ExitCode::FAILURE;
    };
    match set_up(&begin, descriptors, command) {
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
    let ends = ends::make(begin)?;
    namespaces::new_pids_for_children()?;
    namespaces::enter_network(&ends.near.network)?;
    let congestion = sysctl::get("ipv4/tcp_congestion_control").unwrap_or_else(|| "unknown".to_owned());
    let init = start_init(begin, owner, end, command)
        .map_err(|error| Trouble::of(format!("start the command's side: {error}")))?;
    namespaces::enter_network(&ends.far.network)?;
    Ok(Made {
        ready: FromFar::Ready {
            carrier: ends.carrier,
            congestion,
            ipv6: ends.ipv6,
            init: init.id(),
        },
        near: ends.near.packets,
        far: ends.far.packets,
        init,
    })
}

fn start_init(begin: &Begin, owner: Owner, end: OwnedFd, command: &[OsString]) -> io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args([ARGUMENT, INIT, owner.word(), begin.tools.word()])
        .args(command)
        .stdin(Stdio::from(end))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
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

pub(super) fn make(wanted: Wanted) -> io::Result<OwnedFd> {
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
