//! What is asked of the kernel: namespaces, devices, addresses, mounts, capabilities, settings.

pub(crate) mod capabilities;
pub(crate) mod mounts;
pub(crate) mod namespaces;
pub(crate) mod rtnetlink;
pub(crate) mod sysctl;
pub(crate) mod tun;
pub(crate) mod wire;
