//! Settings of the network namespace of this process, in `/proc/sys/net`.

use std::fs;
use std::io;

/// Sets `net.NAME`, written with slashes.
pub(crate) fn set(name: &str, value: &str) -> io::Result<()> {
    fs::write(format!("/proc/sys/net/{name}"), value)
}

/// Sets what this kernel may not have, or may have read-only: nothing depends on it.
pub(crate) fn try_set(name: &str, value: &str) {
    let _ = set(name, value);
}

/// What `net.NAME` is.
pub(crate) fn get(name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/sys/net/{name}")).ok()?;
    Some(text.trim().to_owned())
}
