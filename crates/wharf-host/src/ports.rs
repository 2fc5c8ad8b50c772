//! The settings that say which ports are whose.

use wharf_facts::PortRange;

use crate::{Result, platform};

/// The ports that the kernel gives out by itself, to `bind` with port 0 and to `connect`.
///
/// # Errors
/// When the setting cannot be read.
pub fn ephemeral_range() -> Result<PortRange> {
    platform::ephemeral_range()
}

/// The ports that the kernel was told never to give out by itself.
///
/// # Errors
/// When the setting cannot be read.
pub fn reserved() -> Result<Vec<PortRange>> {
    platform::reserved_ports()
}

/// The least port that may be bound without privilege.
///
/// # Errors
/// When the setting cannot be read.
pub fn unprivileged_start() -> Result<u16> {
    platform::unprivileged_start()
}
