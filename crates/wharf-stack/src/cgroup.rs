//! Cgroups, where the user may make one, and never required.
//!
//! A service in a cgroup of its own is found and ended by the kernel in one step
//! (`cgroup.kill`, Linux 5.14), and each socket of it carries the cgroup's id in sock_diag.
//! Without one, the process tree serves. Only plain files of the v2 hierarchy are used
//! (Documentation/admin-guide/cgroup-v2.rst), and only beneath the cgroup that Wharf is in.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The directory under which a stack may make its cgroups, if it may.
#[must_use]
pub fn own_group() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mount = mounts.lines().find_map(v2_mount_point)?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let group = Path::new(&mount).join(path.trim_start_matches('/'));
    // cgroup.kill is what we want from it; an older kernel has none.
    group.join("cgroup.procs").exists().then_some(group)
}

/// The mount point of a `cgroup2` line of mountinfo (proc_pid_mountinfo(5)).
fn v2_mount_point(line: &str) -> Option<String> {
    let (before, after) = line.split_once(" - ")?;
    if after.split(' ').next()? != "cgroup2" {
        return None;
    }
    before.split(' ').nth(4).map(str::to_owned)
}

/// Makes the cgroup `name` under `parent`. `None` where that is not allowed.
#[must_use]
pub fn make(parent: &Path, name: &str) -> Option<PathBuf> {
    let group = parent.join(name);
    match fs::create_dir(&group) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(_) => return None,
    }
    if group.join("cgroup.kill").exists() {
        Some(group)
    } else {
        remove(&group);
        None
    }
}

/// The id that sock_diag reports for sockets made in this cgroup: its inode number.
#[must_use]
pub fn id(group: &Path) -> Option<u64> {
    fs::metadata(group).ok().map(|metadata| metadata.ino())
}

/// Moves this process into the cgroup.
///
/// # Errors
/// If the kernel refuses.
pub fn join(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), "0").map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("join the cgroup {}: {error}", group.display()),
        )
    })
}

/// Sends SIGKILL to every process in the cgroup.
pub fn kill(group: &Path) {
    // Gone already, or never made: then there is nothing to kill.
    let _ = fs::write(group.join("cgroup.kill"), "1");
}

/// How long the kernel is given to end what a cgroup held.
const EMPTY_WITHIN: Duration = Duration::from_secs(2);

/// Kills what is in the cgroup, and waits until it has ended.
pub fn empty(group: &Path) {
    kill(group);
    let begun = Instant::now();
    let is_populated = || {
        let events = fs::read_to_string(group.join("cgroup.events")).unwrap_or_default();
        events.lines().any(|line| line == "populated 1")
    };
    while is_populated() && begun.elapsed() < EMPTY_WITHIN {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Removes the cgroup and those of its services in it, as far as they are empty.
pub fn remove(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}

#[cfg(test)]
mod tests {
    use super::v2_mount_point;

    #[test]
    fn finds_the_v2_hierarchy() {
        let line = "35 24 0:30 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw";
        assert_eq!(v2_mount_point(line).as_deref(), Some("/sys/fs/cgroup/unified"));
        let v1 = "36 24 0:31 / /sys/fs/cgroup/cpu rw shared:10 - cgroup cgroup rw,cpu";
        assert_eq!(v2_mount_point(v1), None);
    }
}
