//! What names mean to a command: its own `/etc/hosts` and `/etc/resolv.conf`.

use std::fs;
use std::io;

use super::Trouble;
use crate::kernel::{mounts, namespaces};
use crate::message::Names;

/// Puts this process into a mount namespace of its own, in which the two files say these names.
pub(super) fn put(names: &Names) -> Result<(), Trouble> {
    let failed = |error: io::Error| Trouble::of(format!("set up the command's files: {error}"));
    namespaces::new_mounts().map_err(|error| Trouble::with(&error, error.remedy()))?;
    mounts::keep_private().map_err(failed)?;
    let own = names.hosts.iter();
    let own: String = own
        .map(|(address, name)| format!("{address}\t{name}\n"))
        .collect();
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let resolver = match names.resolver {
        Some(address) => format!(
            "# The gateway of the lab: it answers if a resolver listens on the host's loopback.\nnameserver {address}\n"
        ),
        None => "# This network has no resolver.\n".to_owned(),
    };
    mounts::put_over(&[("/etc/hosts", own + &hosts), ("/etc/resolv.conf", resolver)]).map_err(failed)
}
