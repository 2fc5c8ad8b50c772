//! All that can be seen of a process.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use wharf_facts::{Checkout, ENVIRONMENT, ProcessFacts, ProcessState, Seen, Usage, Variable};

use super::cgroup::Cgroup;
use super::procfs::{path, read};
use super::stat::{Stat, arguments, effective_uid, status_number, terminal};
use super::users::Users;
use crate::redact;
use crate::snapshot::Detail;

/// No value of a variable is kept beyond this many characters.
const VALUE: usize = 1_000;

/// No command line is kept beyond this many bytes: a program may give itself megabytes.
const COMMAND: usize = 64 * 1024;

/// A reader of processes. It remembers what several share: the checkouts of their directories, the
/// names of their users.
pub(crate) struct Reader {
    detail: Detail,
    users: Users,
    checkouts: HashMap<String, Seen<Option<Checkout>>>,
    booted_at: Option<u64>,
    ticks_per_second: u64,
    page: u64,
}

impl Reader {
    pub(crate) fn new(detail: Detail) -> Self {
        Self {
            detail,
            users: Users::read(),
            checkouts: HashMap::new(),
            booted_at: super::machine::booted_at(),
            ticks_per_second: rustix::param::clock_ticks_per_second().max(1),
            page: rustix::param::page_size() as u64,
        }
    }

    /// What can be seen of `pid`; `None` when there is no such process.
    pub(crate) fn read(&mut self, pid: u32) -> Option<ProcessFacts> {
        let stat = Stat::parse(&read(&path(pid, "stat")).ok()?)?;
        let status = read(&path(pid, "status")).unwrap_or_default();
        let uid = effective_uid(&status);
        let cwd = link(pid, "cwd");
        let cgroup = match read(&path(pid, "cgroup")) {
            Ok(text) => Seen::Known(Cgroup::parse(&String::from_utf8_lossy(&text))),
            Err(error) => Seen::unknown(error),
        };
        let (unit, container) = match &cgroup {
            Seen::Known(cgroup) => (cgroup.unit.clone(), cgroup.container.clone()),
            Seen::Unknown(_) => (None, None),
        };
        let started_at = self
            .booted_at
            .map(|boot| boot + stat.start_time / self.ticks_per_second);
        let mut process = ProcessFacts {
            pid,
            parent: stat.parent,
            start_time: stat.start_time,
            started_at: started_at.map_or_else(|| Seen::unknown("/proc/stat tells no btime"), Seen::Known),
            state: state(stat.state),
            uid: uid.map_or_else(|| Seen::unknown("/proc/PID/status tells no uid"), Seen::Known),
            user: uid.map_or_else(Seen::default, |uid| self.users.name(uid)),
            command: read(&path(pid, "cmdline"))
                .map(|text| redact::command(whole_arguments(&text)))
                .into(),
            checkout: match &cwd {
                Seen::Known(cwd) => self.checkout(cwd),
                Seen::Unknown(why) => Seen::unknown(why),
            },
            exe: link(pid, "exe"),
            cwd,
            session: stat.session,
            group: stat.group,
            terminal: terminal(stat.terminal),
            traced_by: status_number(&status, "TracerPid:", 0).filter(|&tracer| tracer != 0),
            cgroup: cgroup.map(|cgroup| cgroup.path),
            unit,
            container: container.map(|container| container.id),
            netns: Seen::default(),
            environment: Seen::default(),
            descriptors: Seen::default(),
            cpu_ticks: stat.cpu_ticks,
            memory: Seen::Known(stat.resident.saturating_mul(self.page)),
            reason: Seen::default(),
            name: stat.name,
        };
        if self.detail == Detail::Whole {
            process.netns = link(pid, "ns/net").map(|link| namespace(&link).unwrap_or(0));
            process.environment = read(&path(pid, "environ")).map(|text| environment(&text)).into();
            process.descriptors = descriptors(pid);
        }
        Some(process)
    }

    fn checkout(&mut self, cwd: &str) -> Seen<Option<Checkout>> {
        if let Some(known) = self.checkouts.get(cwd) {
            return known.clone();
        }
        let found = crate::checkout::of(Path::new(cwd));
        self.checkouts.insert(cwd.to_owned(), found.clone());
        found
    }
}

fn link(pid: u32, name: &str) -> Seen<String> {
    fs::read_link(path(pid, name))
        .map(|target| target.to_string_lossy().into_owned())
        .into()
}

/// `net:[4026531840]` → 4026531840.
pub(super) fn namespace(link: &str) -> Option<u64> {
    link.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()
}

fn state(letter: u8) -> ProcessState {
    match letter {
        b'R' => ProcessState::Running,
        b'S' | b'I' => ProcessState::Sleeping,
        b'D' => ProcessState::Uninterruptible,
        b'T' => ProcessState::Stopped,
        b't' => ProcessState::Traced,
        b'Z' | b'X' | b'x' => ProcessState::Zombie,
        _ => ProcessState::Unknown,
    }
}

/// The arguments within the first [`COMMAND`] bytes. One that is cut becomes `…`: half a secret may not
/// look like one.
fn whole_arguments(cmdline: &[u8]) -> Vec<String> {
    let Some(kept) = cmdline.get(..COMMAND) else {
        return arguments(cmdline);
    };
    let mut kept = arguments(kept);
    kept.pop();
    kept.push("…".to_owned());
    kept
}

/// Those variables that may be told of, and no others.
fn environment(environ: &[u8]) -> Vec<Variable> {
    environ
        .split(|&byte| byte == 0)
        .filter_map(|entry| {
            let entry = String::from_utf8_lossy(entry);
            let (name, value) = entry.split_once('=')?;
            ENVIRONMENT.contains(&name).then(|| Variable {
                name: name.to_owned(),
                value: redact::line(value).chars().take(VALUE).collect(),
            })
        })
        .collect()
}

fn descriptors(pid: u32) -> Seen<Usage> {
    let count = || -> io::Result<Usage> {
        let used = super::descriptors::count(pid)?;
        let limits = read(&path(pid, "limits"))?;
        let limit = open_files(&String::from_utf8_lossy(&limits)).unwrap_or(0);
        Ok(Usage { used, limit })
    };
    count().into()
}

/// The soft limit in the line `Max open files` of `/proc/PID/limits`.
fn open_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_ascii_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_told_of_is_kept() {
        let environ = b"PORT=3000\0SECRET=x\0http_proxy=http://u:p@h\0broken\0PORTAL=1\0";
        let kept: Vec<String> = environment(environ)
            .into_iter()
            .map(|variable| format!("{}={}", variable.name, variable.value))
            .collect();
        assert_eq!(kept, ["PORT=3000", "http_proxy=http://u:***@h"]);
    }

    #[test]
    fn links_and_limits_read_as_the_kernel_writes_them() {
        assert_eq!(namespace("net:[4026531840]"), Some(4_026_531_840));
        assert_eq!(namespace("mnt:[1]"), None);
        let limits = "Limit     Soft Limit\nMax open files            1024                 4096  files\n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(
            open_files("Max open files unlimited unlimited files"),
            Some(u64::MAX)
        );
        assert_eq!(open_files(""), None);
    }
}
