//! The environment variables that Wharf reads, one constant each.

/// Where leases and logs are kept.
pub(crate) const STATE_DIR: &str = "WHARF_STATE_DIR";
/// The ports that leases are chosen from, as `20000-29999`.
pub(crate) const LEASE_RANGE: &str = "WHARF_LEASE_RANGE";
/// The door's port.
pub(crate) const DOOR_PORT: &str = "WHARF_DOOR_PORT";
/// The user's runtime directory (XDG Base Directory Specification).
pub(crate) const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// Set: no colours (no-color.org).
pub(crate) const NO_COLOR: &str = "NO_COLOR";
/// How much `wharf toxiproxy` says, as to toxiproxy-server: debug, info, warn, error.
pub(crate) const LOG_LEVEL: &str = "LOG_LEVEL";
/// The device node of TUN, where it is not /dev/net/tun.
pub(crate) const TUN: &str = "WHARF_TUN";
/// The user's shell, for `wharf lab shell`.
pub(crate) const SHELL: &str = "SHELL";
