//! The machine, who looks at it, and what there is only so much of.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use wharf_facts::{Inside, Limits, Seen, System, Usage, Viewer, Wsl};

use super::users::Users;

pub(crate) fn system() -> System {
    let uname = rustix::system::uname();
    let kernel = uname.release().to_string_lossy().into_owned();
    let distribution = fs::read_to_string("/etc/os-release")
        .or_else(|_| fs::read_to_string("/usr/lib/os-release"))
        .map(|text| pretty_name(&text).unwrap_or_else(|| "without a name".to_owned()));
    System {
        os: Seen::Known(std::env::consts::OS.to_owned()),
        inside: Seen::Known(inside(&kernel)),
        kernel: Seen::Known(kernel),
        distribution: distribution.into(),
        hostname: Seen::Known(uname.nodename().to_string_lossy().into_owned()),
        booted_at: booted_at().map_or_else(|| Seen::unknown("/proc/stat tells no btime"), Seen::Known),
        ticks_per_second: Seen::Known(rustix::param::clock_ticks_per_second()),
        netns: match own_namespace() {
            Some(inode) => Seen::Known(inode),
            None => Seen::unknown("/proc/self/ns/net cannot be read"),
        },
    }
}

/// The inode number of this thread's network namespace.
pub(super) fn own_namespace() -> Option<u64> {
    let link = fs::read_link("/proc/self/ns/net").ok()?;
    super::detail::namespace(link.to_str()?)
}

/// `btime` of `/proc/stat`: when the machine was started, in seconds since 1970.
pub(super) fn booted_at() -> Option<u64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

/// `PRETTY_NAME` of os-release(5), without its quotes.
fn pretty_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

fn inside(kernel: &str) -> Inside {
    let exists = |path: &str| Path::new(path).exists();
    let container = if exists("/.dockerenv") {
        Some("docker (/.dockerenv)".to_owned())
    } else if exists("/run/.containerenv") {
        Some("podman (/run/.containerenv)".to_owned())
    } else if let Ok(manager) = fs::read_to_string("/run/systemd/container") {
        Some(format!("{} (/run/systemd/container)", manager.trim()))
    } else {
        exists("/var/run/secrets/kubernetes.io/serviceaccount")
            .then(|| "kubernetes (a service account's secrets)".to_owned())
    };
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dev_container = [
        "CODESPACES",
        "REMOTE_CONTAINERS",
        "DEVCONTAINER",
        "GITPOD_WORKSPACE_ID",
    ]
    .into_iter()
    .find(|name| set(name))
    .map(str::to_owned)
    .or_else(|| exists("/workspaces/.codespaces").then(|| "/workspaces/.codespaces".to_owned()))
    .or_else(|| exists("/vscode").then(|| "a VS Code server (/vscode)".to_owned()));
    Inside {
        container,
        wsl: wsl(kernel),
        dev_container,
    }
}

/// WSL 2 has a kernel `…-microsoft-standard-WSL2`, WSL 1 claims one `…-Microsoft`.
fn wsl(kernel: &str) -> Option<Wsl> {
    if !kernel.to_ascii_lowercase().contains("microsoft") {
        return None;
    }
    let version = if kernel.contains("Microsoft") { 1 } else { 2 };
    // `wslinfo` would tell; running a program is not for us. In mirrored mode WSL adds an
    // interface `loopback0`.
    let networking = if version == 2 && Path::new("/sys/class/net/loopback0").exists() {
        Seen::Known("mirrored".to_owned())
    } else {
        Seen::unknown("only .wslconfig on the Windows side tells; no sign of mirrored mode here")
    };
    Some(Wsl { version, networking })
}

pub(crate) fn viewer() -> Viewer {
    let uid = rustix::process::geteuid().as_raw();
    let cwd = std::env::current_dir();
    Viewer {
        uid: Seen::Known(uid),
        user: Users::read().name(uid),
        pid: Seen::Known(std::process::id()),
        checkout: match &cwd {
            Ok(cwd) => crate::checkout::of(cwd),
            Err(error) => Seen::unknown(error),
        },
        cwd: cwd.map(|cwd| cwd.display().to_string()).into(),
        capabilities: capabilities(None).map(|sets| names(sets.effective)).into(),
    }
}

/// Those that change what may be seen or bound.
const TELLING: &[(CapabilitySet, &str)] = &[
    (CapabilitySet::DAC_OVERRIDE, "dac_override"),
    (CapabilitySet::DAC_READ_SEARCH, "dac_read_search"),
    (CapabilitySet::KILL, "kill"),
    (CapabilitySet::NET_BIND_SERVICE, "net_bind_service"),
    (CapabilitySet::NET_ADMIN, "net_admin"),
    (CapabilitySet::NET_RAW, "net_raw"),
    (CapabilitySet::SYS_PTRACE, "sys_ptrace"),
    (CapabilitySet::SYS_ADMIN, "sys_admin"),
];

fn names(held: CapabilitySet) -> Vec<String> {
    TELLING
        .iter()
        .filter(|(capability, _)| held.contains(*capability))
        .map(|(_, name)| (*name).to_owned())
        .collect()
}

pub(crate) fn limits() -> Limits {
    let descriptors = getrlimit(Resource::Nofile);
    Limits {
        descriptors: Seen::Known(descriptors.current.unwrap_or(u64::MAX)),
        descriptors_hard: Seen::Known(descriptors.maximum.unwrap_or(u64::MAX)),
        files: match fs::read_to_string("/proc/sys/fs/file-nr") {
            Ok(text) => match file_usage(&text) {
                Some(usage) => Seen::Known(usage),
                None => Seen::unknown("/proc/sys/fs/file-nr does not hold three numbers"),
            },
            Err(error) => Seen::unknown(format_args!("read /proc/sys/fs/file-nr: {error}")),
        },
        inotify_watches: number("/proc/sys/fs/inotify/max_user_watches"),
        inotify_instances: number("/proc/sys/fs/inotify/max_user_instances"),
    }
}

/// Allocated, free (always 0 since Linux 2.6), most.
fn file_usage(text: &str) -> Option<Usage> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    let used = numbers.next()?.ok()?;
    numbers.next()?.ok()?;
    let limit = numbers.next()?.ok()?;
    Some(Usage { used, limit })
}

/// The number that a file holds.
pub(super) fn number<T: FromStr>(path: &str) -> Seen<T> {
    match fs::read_to_string(path) {
        Ok(text) => match text.trim().parse() {
            Ok(number) => Seen::Known(number),
            Err(_) => Seen::unknown(format_args!("{path} does not hold a number: {}", text.trim())),
        },
        Err(error) => Seen::unknown(format_args!("read {path}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_read_as_their_manuals_say() {
        assert_eq!(
            pretty_name("NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 13\"\n").as_deref(),
            Some("Debian GNU/Linux 13")
        );
        assert_eq!(file_usage("10\t0\t99\n"), Some(Usage { used: 10, limit: 99 }));
        assert_eq!(file_usage("10"), None);
    }

    #[test]
    fn wsl_is_told_by_its_kernel() {
        assert_eq!(wsl("6.8.0-45-generic"), None);
        assert_eq!(wsl("4.4.0-19041-Microsoft").map(|wsl| wsl.version), Some(1));
        assert_eq!(
            wsl("5.15.153.1-microsoft-standard-WSL2").map(|wsl| wsl.version),
            Some(2)
        );
    }
}
