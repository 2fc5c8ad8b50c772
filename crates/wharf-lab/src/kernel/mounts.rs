//! The command's own view of two files: `/etc/hosts` and `/etc/resolv.conf`.

use std::fs;
use std::io;
use std::path::Path;

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, unmount,
};

/// Where a file system is mounted for a moment. Every machine has it, and nobody else sees it.
const MOMENT: &str = "/tmp";

/// Makes a mount namespace's changes its own.
pub(crate) fn keep_private() -> io::Result<()> {
    Ok(mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )?)
}

/// Puts other texts in the place of files that are there. Those that are not stay away.
///
/// The texts are in a tmpfs that nothing leads to but these files.
pub(crate) fn put_over(files: &[(&str, String)]) -> io::Result<()> {
    mount(
        "wharf",
        MOMENT,
        "tmpfs",
        MountFlags::NOSUID | MountFlags::NODEV,
        c"mode=0755,size=64m",
    )?;
    let bound = files.iter().enumerate().try_for_each(|(index, (place, text))| {
        if !Path::new(place).exists() {
            return Ok(());
        }
        let from = format!("{MOMENT}/{index}");
        fs::write(&from, text)?;
        mount_bind(&from, *place).map_err(io::Error::from)
    });
    // Lazily: what is bound keeps it alive.
    unmount(MOMENT, UnmountFlags::DETACH)?;
    bound
}

/// Mounts a `/proc` of this PID namespace. Refused where parts of the one that is there are hidden,
/// as in many containers; then that one stays, which shows the pids of outside.
pub(crate) fn try_proc() {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let _ = mount("proc", "/proc", "proc", flags, None);
}
