//! `/proc/sys/net/ipv4`: the settings about ports. IPv6 uses them too.

use std::fs;
use std::path::PathBuf;

use wharf_facts::PortRange;

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
