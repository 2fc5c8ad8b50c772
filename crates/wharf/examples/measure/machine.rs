//! What the figures were measured on.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The machine in one line, and how busy it is.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("an unnamed processor", |rest| {
        rest.trim_start_matches([' ', '\t', ':'])
    });
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores of {model}, Linux {}\n{}", kernel.trim(), load())
}

/// How busy the machine is: other work makes every figure worse.
pub(crate) fn load() -> String {
    let average = read("/proc/loadavg");
    format!("load average {}", average.split(' ').next().unwrap_or("unknown"))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Raises this process's limit of descriptors, which the stack and its services inherit, as
/// far as it goes. Returns where it is then.
pub(crate) fn raise_descriptor_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // If it is not allowed, fewer connections are measured, and their number is printed.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Memory of a process that is its own or its share of what it shares, in bytes
/// (proc_pid_smaps(5)).
pub(crate) fn memory(pid: u64) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// How many descriptors a process has open.
pub(crate) fn descriptors(pid: u64) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}
