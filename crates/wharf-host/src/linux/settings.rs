//! `/proc/sys/net/ipv4`: the settings about ports. IPv6 uses them too.

use std::fs;
use std::path::{Path, PathBuf};

use wharf_facts::{PortRange, Seen, Settings, TimeWaitReuse};

use super::machine::number;
use crate::{Error, Result};

/// Reads the setting `name` as `parse` says.
fn setting<T>(name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let path = PathBuf::from("/proc/sys/net/ipv4").join(name);
    match fs::read_to_string(&path) {
        Ok(text) => parse(text.trim()).ok_or_else(|| Error::Unreadable {
            path,
            detail: format!("`{}` is not what this setting holds", text.trim()),
        }),
        Err(source) => Err(Error::Read { path, source }),
    }
}

pub(crate) fn ephemeral_range() -> Result<PortRange> {
    setting("ip_local_port_range", pair)
}

pub(crate) fn reserved_ports() -> Result<Vec<PortRange>> {
    setting("ip_local_reserved_ports", list)
}

pub(crate) fn unprivileged_start() -> Result<u16> {
    setting("ip_unprivileged_port_start", |text| text.parse().ok())
}

/// Two numbers with a tab between them, as `32768` and `60999`.
fn pair(text: &str) -> Option<PortRange> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    let range = PortRange::new(numbers.next()?.ok()?, numbers.next()?.ok()?).ok()?;
    numbers.next().is_none().then_some(range)
}

/// `8080,9000-9100`, or nothing.
fn list(text: &str) -> Option<Vec<PortRange>> {
    text.split(',')
        .filter(|part| !part.trim().is_empty())
        .map(|part| part.parse().ok())
        .collect()
}

/// All of them. Of this network namespace, save where the kernel keeps only one for all.
pub(crate) fn all() -> Settings {
    Settings {
        ephemeral: ephemeral_range().into(),
        reserved: reserved_ports().into(),
        unprivileged_start: unprivileged_start().into(),
        ipv6_disabled_on: switched_on("/proc/sys/net/ipv6/conf", "disable_ipv6"),
        ipv6: Seen::Known(Path::new("/proc/net/if_inet6").exists()),
        v6only: switch("/proc/sys/net/ipv6/bindv6only"),
        time_wait_reuse: match number::<u8>("/proc/sys/net/ipv4/tcp_tw_reuse") {
            Seen::Known(0) => Seen::Known(TimeWaitReuse::Never),
            Seen::Known(1) => Seen::Known(TimeWaitReuse::Everywhere),
            Seen::Known(2) => Seen::Known(TimeWaitReuse::Loopback),
            Seen::Known(other) => Seen::unknown(format_args!("tcp_tw_reuse is {other}")),
            Seen::Unknown(why) => Seen::Unknown(why),
        },
        somaxconn: number("/proc/sys/net/core/somaxconn"),
        max_syn_backlog: number("/proc/sys/net/ipv4/tcp_max_syn_backlog"),
        abort_on_overflow: switch("/proc/sys/net/ipv4/tcp_abort_on_overflow"),
        route_localnet_on: switched_on("/proc/sys/net/ipv4/conf", "route_localnet"),
        nonlocal_bind: switch("/proc/sys/net/ipv4/ip_nonlocal_bind"),
        forwarding: switch("/proc/sys/net/ipv4/ip_forward"),
    }
}

/// Those that say which ports are whose, and no others.
pub(crate) fn about_ports() -> Settings {
    Settings {
        ephemeral: ephemeral_range().into(),
        reserved: reserved_ports().into(),
        unprivileged_start: unprivileged_start().into(),
        ..Settings::default()
    }
}

fn switch(path: &str) -> Seen<bool> {
    number::<u32>(path).map(|number| number != 0)
}

/// The interfaces below `directory` for which `name` is not 0; by name.
fn switched_on(directory: &str, name: &str) -> Seen<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return Seen::unknown(format_args!("read {directory}: {error}")),
    };
    let mut interfaces: Vec<String> = entries
        .flatten()
        .filter(|entry| fs::read_to_string(entry.path().join(name)).is_ok_and(|text| text.trim() != "0"))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    interfaces.sort();
    Seen::Known(interfaces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_as_the_kernel_writes_them() {
        assert_eq!(
            pair("32768\t60999").map(|range| range.to_string()),
            Some("32768-60999".into())
        );
        for bad in ["", "1", "1 2 3", "2 1", "0 5", "x y"] {
            assert_eq!(pair(bad), None, "{bad}");
        }
        assert_eq!(list(""), Some(Vec::new()));
        let texts: Option<Vec<String>> =
            list("8080,9000-9100").map(|ranges| ranges.iter().map(ToString::to_string).collect());
        assert_eq!(texts, Some(vec!["8080".to_owned(), "9000-9100".to_owned()]));
        assert_eq!(list("8080,x"), None);
    }
}
