//! `/proc`: the processes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use wharf_facts::Process;

use super::cgroup_tree;
use super::descriptors::{Span, each_socket};
use super::stat::{Stat, arguments, effective_uid, variable};
use crate::{Error, Result};

/// No file of a process that we read is longer in practice; a longer one is cut here.
const LIMIT: usize = 4 * 1024 * 1024;
const PIECE: usize = 4 * 1024;
const ESRCH: i32 = 3;

pub(super) fn path(pid: u32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{name}"))
}

/// The whole file. Nearly every one comes with the first read, and the second says that it was all;
/// those of the standard library ask for a size that these files do not have.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = Vec::with_capacity(PIECE);
    while bytes.len() < LIMIT {
        bytes.reserve(PIECE);
        if rustix::io::read(&file, rustix::buffer::spare_capacity(&mut bytes))? == 0 {
            break;
        }
    }
    Ok(bytes)
}

/// The process ended before or while we looked.
fn vanished(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH)
}

fn stat(pid: u32) -> Option<Stat> {
    Stat::parse(&read(&path(pid, "stat")).ok()?)
}

pub(crate) fn processes() -> Result<Vec<u32>> {
    let directory = Path::new("/proc");
    let fail = |source| Error::Read {
        path: directory.to_owned(),
        source,
    };
    let mut pids = Vec::new();
    for entry in fs::read_dir(directory).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        pids.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(pids)
}

pub(crate) fn start_time(pid: u32) -> Option<u64> {
    stat(pid).map(|stat| stat.start_time)
}

pub(crate) fn is_alive(pid: u32, start_time: u64) -> bool {
    stat(pid).is_some_and(|stat| stat.start_time == start_time && stat.runs())
}

pub(crate) fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(path(pid, "task")) else {
        return Vec::new();
    };
    let mut children = Vec::new();
    for task in tasks.flatten() {
        match read(&task.path().join("children")) {
            Ok(text) => children.extend(
                String::from_utf8_lossy(&text)
                    .split_ascii_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            ),
            // Either the thread ended, or this kernel has no CONFIG_PROC_CHILDREN.
            Err(error) if vanished(&error) && task.path().exists() => return by_parent(pid),
            Err(_) => {}
        }
    }
    children
}

/// The children, by asking every process for its parent.
fn by_parent(pid: u32) -> Vec<u32> {
    let all = processes().unwrap_or_default();
    all.into_iter()
        .filter(|&child| stat(child).is_some_and(|stat| stat.parent == pid))
        .collect()
}

pub(crate) fn environ_value(pid: u32, key: &str) -> Option<OsString> {
    let environ = read(&path(pid, "environ")).ok()?;
    variable(&environ, key).map(|value| OsString::from_vec(value.to_vec()))
}

pub(crate) fn socket_inodes(pid: u32) -> Result<BTreeSet<u64>> {
    let mut inodes = BTreeSet::new();
    match each_socket(pid, Span::All, |inode| {
        inodes.insert(inode);
    }) {
        Ok(()) => Ok(inodes),
        // It went while it was looked at: what it had open it has no more.
        Err(error) if vanished(&error) => Ok(BTreeSet::new()),
        Err(source) => Err(Error::Read {
            path: path(pid, "fd"),
            source,
        }),
    }
}

pub(crate) fn describe(pid: u32) -> Option<Process> {
    let stat = stat(pid)?;
    Some(Process {
        pid,
        start_time: stat.start_time,
        name: stat.name,
        command: arguments(&read(&path(pid, "cmdline")).unwrap_or_default()),
        cwd: fs::read_link(path(pid, "cwd")).ok(),
        uid: effective_uid(&read(&path(pid, "status")).ok()?)?,
    })
}

pub(crate) fn cgroup_id(pid: u32) -> Option<u64> {
    let text = read(&path(pid, "cgroup")).ok()?;
    let group = text
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(b"0::"))
        .and_then(|group| std::str::from_utf8(group).ok())?;
    cgroup_tree::id(group)
}
