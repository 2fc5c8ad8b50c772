//! Namespaces: made, left and entered (namespaces(7)).

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;

use nix::sched::{CloneFlags, setns, unshare};
use rustix::process::{getegid, geteuid};

use super::capabilities;

/// Whose the namespaces are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The user namespace that was there: this is root.
    Host,
    /// A user namespace of their own, in which the user is the one who it is outside.
    User,
}

impl Owner {
    /// As it is said on a command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
        }
    }
}

/// Enters a user namespace, unless nothing needs one. The user stays who it is: its own uid and gid
/// are mapped to themselves, and nothing else is.
pub(crate) fn enter_user_namespace() -> Result<Owner, NoNamespace> {
    if capabilities::may_make_namespaces() {
        return Ok(Owner::Host);
    }
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|errno| NoNamespace::new("user", errno))?;
    let mapped = fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))
        // Without it a process could leave a group that is there to keep it out (user_namespaces(7)).
        .and_then(|()| fs::write("/proc/self/setgroups", "deny"))
        .and_then(|()| fs::write("/proc/self/gid_map", format!("{gid} {gid} 1")))
        .and_then(|()| Ok(capabilities::keep_over_exec()?));
    mapped.map_err(|source| NoNamespace { kind: "user", source })?;
    Ok(Owner::User)
}

/// Puts this thread into a new network namespace, and returns a handle of it.
pub(crate) fn new_network() -> Result<OwnedFd, NoNamespace> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| NoNamespace::new("network", errno))?;
    let file = File::open("/proc/thread-self/ns/net");
    file.map(OwnedFd::from).map_err(|source| NoNamespace {
        kind: "network",
        source,
    })
}

/// Puts this thread into a network namespace.
pub(crate) fn enter_network(namespace: &OwnedFd) -> Result<(), NoNamespace> {
    setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|errno| NoNamespace::new("network", errno))
}

/// Puts this process, which must have one thread, into a user namespace.
pub(crate) fn enter_user(namespace: &OwnedFd) -> Result<(), NoNamespace> {
    setns(namespace, CloneFlags::CLONE_NEWUSER).map_err(|errno| NoNamespace::new("user", errno))?;
    capabilities::keep_over_exec().map_err(|source| NoNamespace {
        kind: "user",
        source: source.into(),
    })
}

/// The next child is the first process of a new PID namespace: with it all that descends from it ends.
pub(crate) fn new_pids_for_children() -> Result<(), NoNamespace> {
    unshare(CloneFlags::CLONE_NEWPID).map_err(|errno| NoNamespace::new("PID", errno))
}

/// Puts this process into a new mount namespace.
pub(crate) fn new_mounts() -> Result<(), NoNamespace> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|errno| NoNamespace::new("mount", errno))
}

/// A namespace that the kernel does not give.
#[derive(Debug, thiserror::Error)]
#[error("make a {kind} namespace: {source}")]
pub(crate) struct NoNamespace {
    kind: &'static str,
    source: io::Error,
}

impl NoNamespace {
    fn new(kind: &'static str, errno: nix::errno::Errno) -> Self {
        Self {
            kind,
            source: errno.into(),
        }
    }

    /// What would have to be done for it, by what this machine says of itself.
    pub(crate) fn remedy(&self) -> String {
        let setting = |name: &str| {
            let text = fs::read_to_string(format!("/proc/sys/{name}")).ok()?;
            Some(text.trim().to_owned())
        };
        let is = |name: &str, value: &str| setting(name).as_deref() == Some(value);
        if is("kernel/unprivileged_userns_clone", "0") {
            "sudo sysctl -w kernel.unprivileged_userns_clone=1, or run it as root".to_owned()
        } else if is("user/max_user_namespaces", "0") {
            "sudo sysctl -w user.max_user_namespaces=10000, or run it as root".to_owned()
        } else if is("kernel/apparmor_restrict_unprivileged_userns", "1") {
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run it as root".to_owned()
        } else if self.source.raw_os_error() == Some(rustix::io::Errno::NOSPC.raw_os_error()) {
            "too many namespaces exist: raise user.max_user_namespaces, user.max_net_namespaces".to_owned()
        } else {
            "this system (a container's seccomp rules, perhaps) keeps namespaces from users: run it as root, \
             or in a container with --cap-add SYS_ADMIN,NET_ADMIN"
                .to_owned()
        }
    }
}
